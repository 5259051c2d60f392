"""Parse each YAML file once in a process, and put each selection of files together once: tests compose hundreds of times.

What a test overrides by value is still applied, and checked, by Hydra each time; a file that has changed is read again. A
selection that is put together is kept in ``.pytest_cache``, as compiled tests are: it takes 40 times as long as to read it. What is written as YAML is written by libyaml, in the same words: a run writes four configurations, in PyYAML's own Python a tenth of it.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import pickle
import sys
import time
import zlib
from importlib.metadata import version
from pathlib import Path

from hydra._internal import defaults_list
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.sources_registry import SourcesRegistry
from hydra.core.plugins import Plugins
from hydra.plugins.config_source import ConfigResult, ConfigSource
from omegaconf import _utils, omegaconf
from yaml import CDumper

ROOT = Path(__file__).resolve().parents[2]
KEPT = ROOT / ".pytest_cache" / "composed"
WEEK = 7 * 86_400  # seconds
VERSIONS = version("hydra-core"), version("omegaconf"), sys.version


def install() -> None:
    """Have Hydra read its files through a memory of them; a file that a test changes is parsed again."""
    dumper = type(
        "Dumper", (CDumper,), {"yaml_representers": _utils.get_omega_conf_dumper().yaml_representers}
    )
    omegaconf.get_omega_conf_dumper = lambda: dumper
    KEPT.mkdir(parents=True, exist_ok=True)
    for path in KEPT.iterdir():
        with contextlib.suppress(OSError):  # another process is as tidy
            if path.stat().st_mtime < time.time() - WEEK:
                path.unlink()
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
    return [
        _state(os.path.join(folder, f"{one.config_path}.yaml"))
        for folder in _folders(repo)
        for one in defaults
    ]


def _folders(repo) -> list[str]:
    return [source.path for source in repo.get_sources() if source.scheme() == "file"]


def _state(path: str) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size


def _sources(repo) -> list[tuple[str, str]]:
    return [(source.provider, source.path) for source in repo.get_sources()]


class Memory:
    """What came of equal questions, in this process and, where all files are the checkout's, in those beside and before it."""

    def __init__(self, kind: str):
        self._kind, self._known = f"{kind} {VERSIONS}".encode(), {}

    def recall(self, question: bytes) -> object | None:
        """Return a copy of what is known: Hydra changes what it gets."""
        if question not in self._known:
            try:
                self._known[question] = zlib.decompress(self._path(question).read_bytes())
            except (OSError, zlib.error):
                return None
        return pickle.loads(self._known[question])

    def keep(self, question: bytes, answer: object, repo) -> None:
        """Keep an answer, on disk if no folder of a test is among the sources."""
        self._known[question] = pickle.dumps(answer)
        if all(Path(folder).is_relative_to(ROOT) for folder in _folders(repo)):
            unfinished = KEPT / str(os.getpid())
            unfinished.write_bytes(zlib.compress(self._known[question], 1))
            unfinished.replace(self._path(question))

    def _path(self, question: bytes) -> Path:
        return KEPT / hashlib.sha256(self._kind + question).hexdigest()


def _chosen_once(choose):
    """Remember which files a choice of groups leads to, and what that does to the record of the choices."""
    memory = Memory("chosen")

    def chosen(repo, config_name, overrides, prepend_hydra, skip_missing):
        asked = {name: value for name, value in vars(overrides).items() if name != "config_overrides"}
        question = pickle.dumps((_sources(repo), config_name, asked, prepend_hydra, skip_missing))
        known = memory.recall(question)
        if known:
            defaults, tree, record, states = known
            if states == _states(repo, defaults):
                vars(overrides).update(record)
                return defaults, tree
        defaults, tree = choose(repo, config_name, overrides, prepend_hydra, skip_missing)
        record = {name: value for name, value in vars(overrides).items() if name in asked}
        memory.keep(question, (defaults, tree, record, _states(repo, defaults)), repo)
        return defaults, tree

    return chosen


def _merged_once(merge):
    """Remember the configuration that a list of files is merged into, before any value is overridden."""
    memory = Memory("merged")

    def merged(self, defaults, repo):
        question = pickle.dumps((_sources(repo), defaults, _states(repo, defaults)))
        known = memory.recall(question)
        if known is None:
            memory.keep(question, merge(self, defaults, repo), repo)
            known = memory.recall(question)  # a copy: Hydra changes it
        return known

    return merged
