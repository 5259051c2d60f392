"""Parse each YAML file of a configuration once in a process: tests compose hundreds of times, and half of that is parsing."""

from __future__ import annotations

import functools
import os
import pickle

from hydra._internal.sources_registry import SourcesRegistry
from hydra.core.plugins import Plugins
from hydra.plugins.config_source import ConfigResult, ConfigSource


def install() -> None:
    """Have Hydra read its files through a memory of them; a file that a test changes is parsed again."""
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
