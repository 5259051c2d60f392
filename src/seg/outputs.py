"""What a run leaves in its directory; every file appears whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pandas as pd

from seg.errors import SegError


def writable(folder: Path) -> Path:
    """Make the directory of a run, or say why it cannot be written to."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".seg-{os.getpid()}"
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        raise SegError(
            f"hydra.run.dir={folder}: cannot be written ({error.strerror}); choose another directory with hydra.run.dir=..."
        ) from None
    return folder


def write(path: Path, content: bytes | str) -> Path:
    """Write a file under a temporary name and rename it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_bytes(content.encode() if isinstance(content, str) else content)
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise SegError(f"{path}: cannot be written ({error.strerror}); free space or choose another hydra.run.dir") from None
    return path


def write_csv(path: Path, frame: pd.DataFrame) -> Path:
    """Write a table as CSV (UTF-8, full precision)."""
    return write(path, frame.to_csv(index=False, lineterminator="\n"))


def write_parquet(path: Path, frame: pd.DataFrame) -> Path:
    """Write a table as Parquet."""
    return write(path, frame.to_parquet(index=False))
