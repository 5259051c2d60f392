"""Parse each YAML file once in a process, and put each selection of files together once: tests compose hundreds of times.

What a test overrides by value is still applied, and checked, by Hydra each time; a file that a test changes is read again. What
is written as YAML is written by libyaml, in the same words: a run writes four configurations, in PyYAML's own Python a tenth of it.
"""

from __future__ import annotations

import functools
import os
import pickle

from hydra._internal import defaults_list
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.sources_registry import SourcesRegistry
from hydra.core.plugins import Plugins
from hydra.plugins.config_source import ConfigResult, ConfigSource
from omegaconf import _utils, omegaconf
from yaml import CDumper


def install() -> None:
    """Have Hydra read its files through a memory of them; a file that a test changes is parsed again."""
    dumper = type(
        "Dumper", (CDumper,), {"yaml_representers": _utils.get_omega_conf_dumper().yaml_representers}
    )
    omegaconf.get_omega_conf_dumper = lambda: dumper
    Plugins.instance()  # which imports the class anew
    files = SourcesRegistry.instance().resolve("file")
    parse = files.load_config

    @functools.cache
    def parsed(provider: str, folder: str, name: str, _state: tuple[int, int]) -> bytes:
        return pickle.dumps(parse(files(provider, folder), name))

    def load_config(self: ConfigSource, config_path: str) -> ConfigResult:
        try:
            found = os.stat(os.path.join(self.path, self._normalize_file_name(config_path)))
        except OSError:
            return parse(self, config_path)  # which says that it is not there
        state = found.st_mtime_ns, found.st_size
        return pickle.loads(parsed(self.provider, self.path, config_path, state))  # a copy: Hydra changes it

    files.load_config = load_config
    defaults_list._create_defaults_list = _chosen_once(defaults_list._create_defaults_list)
    ConfigLoaderImpl._compose_config_from_defaults_list = _merged_once(
        ConfigLoaderImpl._compose_config_from_defaults_list
    )


def _states(repo, defaults) -> list:
    """Return size and age of every file that a list of defaults may come from, None where there is no file."""
    folders = [source.path for source in repo.get_sources() if source.scheme() == "file"]
    return [_state(os.path.join(folder, f"{one.config_path}.yaml")) for folder in folders for one in defaults]


def _state(path: str) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size


def _sources(repo) -> list[tuple[str, str]]:
    return [(source.provider, source.path) for source in repo.get_sources()]


def _chosen_once(choose):
    """Remember which files a choice of groups leads to, and what that does to the record of the choices."""
    known = {}

    def chosen(repo, config_name, overrides, prepend_hydra, skip_missing):
        asked = {name: value for name, value in vars(overrides).items() if name != "config_overrides"}
        key = pickle.dumps((_sources(repo), config_name, asked, prepend_hydra, skip_missing))
        if key in known:
            defaults, tree, record, states = pickle.loads(known[key])
            if states == _states(repo, defaults):
                vars(overrides).update(record)
                return defaults, tree
        defaults, tree = choose(repo, config_name, overrides, prepend_hydra, skip_missing)
        record = {name: value for name, value in vars(overrides).items() if name in asked}
        known[key] = pickle.dumps((defaults, tree, record, _states(repo, defaults)))
        return defaults, tree

    return chosen


def _merged_once(merge):
    """Remember the configuration that a list of files is merged into, before any value is overridden."""
    known = {}

    def merged(self, defaults, repo):
        key = pickle.dumps((_sources(repo), defaults, _states(repo, defaults)))
        if key not in known:
            known[key] = pickle.dumps(merge(self, defaults, repo))
        return pickle.loads(known[key])  # a copy: Hydra changes it

    return merged
