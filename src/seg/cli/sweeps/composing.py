"""Compose the jobs of a sweep: Hydra composes each combination of choices once, and what is a value is set on a copy of it.

Composing takes Hydra a fifth of a second. What it composed is kept in the cache too, under the content of all configuration
files, so that a sweep that is started again composes nothing.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import re
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import ClassVar

from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.core_plugins.file_config_source import FileConfigSource
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override, OverrideType
from hydra.plugins.config_source import ConfigResult
from omegaconf import DictConfig, OmegaConf

from seg.config.settings import CacheSettings
from seg.pipeline import cache

VARIABLE = re.compile(rb"oc\.env:\s*(\w+)")


def compose_jobs(
    cfg: DictConfig, loader: ConfigLoaderImpl, jobs: Sequence[Sequence[str]]
) -> Iterator[DictConfig]:
    """Compose the jobs of a sweep as Hydra's launchers do.

    Parameters
    ----------
    cfg : DictConfig
        The configuration of the sweep, with Hydra's own section.
    loader : ConfigLoaderImpl
        Hydra's.
    jobs : sequence of sequence of str
        Overrides of each job.

    Yields
    ------
    DictConfig
        Of each job, without Hydra's section. It holds until the next one is asked for.

    Raises
    ------
    HydraException
        A choice or a key is unknown.
    """
    parser = OverridesParser.create()
    parsed = {
        text: parser.parse_override(text) for text in dict.fromkeys(text for job in jobs for text in job)
    }
    chosen = {text for text, override in parsed.items() if _is_choice(override, loader)}
    choices = [tuple(text for text in job if text in chosen) for job in jobs]
    distinct = list(dict.fromkeys(choices))
    composed = _kept(cfg, loader).get(
        "configurations",
        {"choices": distinct, "state": _state(cfg)},
        lambda: {few: _plain(loader.load_sweep_config(cfg, list(few))) for few in distinct},
    )
    made: dict[tuple, DictConfig] = {}
    for few, job in zip(choices, jobs, strict=True):
        values = [parsed[text] for text in job if text not in chosen]
        # To copy a configuration takes longer than all else: jobs that set the same keys share one.
        shared = all(one.type is OverrideType.CHANGE and not isinstance(one.value(), dict) for one in values)
        place = (few, tuple(one.key_or_group for one in values))
        if place not in made or not shared:
            made[place] = _copy(composed[few], cfg)
        ConfigLoaderImpl._apply_overrides_to_config(values, made[place])
        yield made[place]


class ReadOnce(FileConfigSource):
    """A folder of configuration files, of which a process reads each one once, as long as it is not touched.

    Hydra reads them anew for every job of a sweep, which takes half of the time of composing it.
    """

    _contents: ClassVar[dict[tuple, bytes]] = {}

    def load_config(self, config_path: str) -> ConfigResult:
        """Return the content of a file."""
        file = Path(self.path) / self._normalize_file_name(config_path)
        if not file.is_file():
            return super().load_config(config_path)  # which says so
        state = file.stat()
        key = (self.provider, config_path, str(file.resolve()), state.st_mtime_ns, state.st_size)
        if key not in self._contents:
            self._contents[key] = pickle.dumps(super().load_config(config_path))
        return pickle.loads(self._contents[key])  # Hydra writes into it


def read_once(loader: ConfigLoaderImpl) -> None:
    """Make a loader, and its copies in the processes of a sweep, read each file once."""
    sources = loader.repository.sources
    sources[:] = [
        ReadOnce(one.provider, one.path) if type(one) is FileConfigSource else one for one in sources
    ]


def _is_choice(override: Override, loader: ConfigLoaderImpl) -> bool:
    """Return True if an override chooses a file of a group, by the rule of Hydra."""
    is_group = loader.repository.group_exists(override.key_or_group)
    return override.is_hydra_override() or (is_group and not isinstance(override.value(), dict))


def _plain(one: DictConfig) -> dict:
    OmegaConf.set_struct(one, False)
    one.pop("hydra")
    return OmegaConf.to_container(one, resolve=False)


def _copy(plain: dict, cfg: DictConfig) -> DictConfig:
    one = OmegaConf.create(plain)
    OmegaConf.set_struct(one, True)  # an override of a key that is not there is an error
    OmegaConf.copy_cache(from_config=cfg, to_config=one)
    return one


def _kept(cfg: DictConfig, loader: ConfigLoaderImpl) -> cache.Cache:
    """Return the cache of a sweep; none where configurations come from elsewhere than files and the packages of Hydra."""
    known = all(
        source.scheme() in ("file", "structured") or source.provider.startswith("hydra")
        for source in loader.get_sources()
    )
    try:
        asked = CacheSettings(**OmegaConf.to_container(cfg.cache, resolve=True))
    except (ValueError, TypeError):  # the check of the settings says what is wrong
        return cache.NONE
    return cache.of(asked) if known else cache.NONE


def _state(cfg: DictConfig) -> str:
    """Hash what composing depends on: the files, the variables of the environment that they name, and Hydra.

    Options of Hydra, such as another directory, change its own section alone; a further path of files is among the sources.
    """
    hashed = hashlib.sha256(f"{version('hydra-core')} {version('omegaconf')}".encode())
    hashed.update(cfg.hydra.job.config_name.encode())
    for source in cfg.hydra.runtime.config_sources:
        hashed.update(f"{source['schema']}://{source.path}\n".encode())
        if source["schema"] != "file":
            continue
        for file in sorted(Path(source.path).rglob("*.yaml")):
            content = file.read_bytes()
            variables = [os.environb.get(name, b"") for name in VARIABLE.findall(content)]
            hashed.update(repr([str(file.relative_to(source.path)), content, variables]).encode())
    return hashed.hexdigest()
