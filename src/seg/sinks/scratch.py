"""Temporary folders that name the process they belong to: what a killed one left, the next command removes."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from seg.sinks.process_names import has_ended, process_name

PREFIXES = ("seg-", ".seg-")
OWNER = ".seg-process"  # file in each folder that names its process


def make(kind: str, parent: str | Path | None = None) -> Path:
    """Make an empty folder, readable by its owner only, and remove those beside it whose processes have ended.

    Parameters
    ----------
    kind : str
        What it is for, such as ``"seg-model"``: begins with one of `PREFIXES`, and with a dot where people look at the folder
        around it.
    parent : str or Path, optional
        The folder around it; the one of the system for temporary files when left out.

    Returns
    -------
    Path
    """
    parent = Path(parent or tempfile.gettempdir())
    remove_abandoned(parent)
    folder = Path(tempfile.mkdtemp(prefix=f"{kind}-", dir=parent))
    (folder / OWNER).write_text(process_name())
    return folder


@contextmanager
def folder(kind: str, parent: str | Path | None = None) -> Iterator[Path]:
    """Yield an empty folder within one of `make`, without the file that names the process; both go when the context ends."""
    made = make(kind, parent)
    try:
        inner = made / "files"
        inner.mkdir()
        yield inner
    finally:
        shutil.rmtree(made, ignore_errors=True)


def remove_abandoned(parent: Path) -> list[Path]:
    """Remove the temporary folders in a folder that belong to this user and to processes that have ended; return them."""
    removed = []
    with contextlib.suppress(OSError):
        for entry in os.scandir(parent):
            if entry.name.startswith(PREFIXES) and _is_abandoned(entry):
                shutil.rmtree(entry.path, ignore_errors=True)
                removed.append(Path(entry.path))
    return removed


def _is_abandoned(entry: os.DirEntry) -> bool:
    try:
        if not entry.is_dir(follow_symlinks=False) or entry.stat(follow_symlinks=False).st_uid != os.getuid():
            return False
        owner = Path(entry.path, OWNER).read_text()
    except (OSError, UnicodeError):
        return False
    return bool(owner) and has_ended(owner)
