"""Files of a run directory; each appears complete or not at all."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from seg.errors import SegError
from seg.sinks.atomic import whole

if TYPE_CHECKING:
    import pandas as pd


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
    try:
        with whole(path) as temporary:
            temporary.write_bytes(content.encode() if isinstance(content, str) else content)
    except OSError as error:
        raise SegError(
            f"{path}: cannot be written ({error.strerror}); free space or choose another hydra.run.dir"
        ) from None
    return path


def write_csv(path: Path, frame: pd.DataFrame) -> Path:
    """Write a table as CSV (UTF-8, full precision)."""
    return write(path, frame.to_csv(index=False, lineterminator="\n"))


def write_parquet(path: Path, frame: pd.DataFrame) -> Path:
    """Write a table as Parquet."""
    return write(path, frame.to_parquet(index=False))
