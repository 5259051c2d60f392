"""Modules of the user's own that register features and cleaning steps: the key `plugins` of a run.

A plugin uses the decorators that seg's own definitions use, so a recipe or a cleaning names both alike.
"""

from __future__ import annotations

import contextlib
import importlib
import re
import sys
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path

from seg.cleaning import STEPS
from seg.config.folders import own_configs
from seg.errors import SegError
from seg.features import GLOSSARY

REGISTRIES = (GLOSSARY, STEPS)
# A module runs once in a process: its entries are kept, to be put back for a later run that names it.
_entries: dict[str, list[dict]] = {}


def load(names: Sequence[str]) -> None:
    """Import plugins, so that recipes and cleanings may use what they register.

    Parameters
    ----------
    names : sequence of str
        Modules that Python can import: installed, in the current folder, or in the user's folder of configs.

    Raises
    ------
    SegError
        A plugin cannot be found or imported, or registers a name that is taken.
    """
    for name in names:
        if name in _entries:
            _put_back(name)
        else:
            _entries[name] = _imported(name)


@contextlib.contextmanager
def unchanged() -> Iterator[None]:
    """Remove what plugins register within the context, so that one call leaves nothing to the next."""
    before = [dict(registry) for registry in REGISTRIES]
    try:
        yield
    finally:
        for registry, entries in zip(REGISTRIES, before, strict=True):
            registry.clear()
            registry.update(entries)


def _put_back(name: str) -> None:
    for registry, entries in zip(REGISTRIES, _entries[name], strict=True):
        for key, entry in entries.items():
            if registry.setdefault(key, entry) is not entry:
                raise SegError(
                    f"plugins: {name} registers {key}, which another plugin has registered: rename one of them"
                )


def _imported(name: str) -> list[dict]:
    """Import a plugin; return what it has added to each registry, and remove that again where it fails."""
    if not re.fullmatch(r"[^\W\d]\w*(\.[^\W\d]\w*)*", name):
        raise SegError(
            f"plugins: {name}: expected the name of a module as in an import, such as my_module (without .py)"
        )
    before = [dict(registry) for registry in REGISTRIES]
    try:
        with _folders_of_the_user():
            importlib.import_module(name)
    except Exception as error:
        for registry, entries in zip(REGISTRIES, before, strict=True):
            registry.clear()
            registry.update(entries)
        raise SegError(_reason(name, error)) from error
    return [
        {key: entry for key, entry in registry.items() if key not in entries}
        for registry, entries in zip(REGISTRIES, before, strict=True)
    ]


@contextlib.contextmanager
def _folders_of_the_user() -> Iterator[None]:
    """Add the current folder and the folder of the user's configs to the search path of Python."""
    own = own_configs()
    added = [str(folder) for folder in (Path.cwd(), own) if folder is not None]
    importlib.invalidate_caches()
    sys.path[:0] = added
    try:
        yield
    finally:
        for folder in added:
            sys.path.remove(folder)


def _reason(name: str, error: Exception) -> str:
    if isinstance(error, SegError):
        return f"plugins: {name}: {error}"
    if isinstance(error, ModuleNotFoundError) and error.name and name.startswith(error.name):
        own = own_configs()
        beside = f", in {own}" if own else ""
        return (
            f"plugins: {name}: there is no such module; expected one that is installed, in {Path.cwd()}{beside}: "
            "correct the name, or create the file"
        )
    last = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{Path(last.filename).name}, line {last.lineno}"
    return (
        f"plugins: {name}: cannot be imported: {type(error).__name__}: {error} ({place}); correct the module"
    )
