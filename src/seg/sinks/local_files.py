"""Files of a run directory; each appears complete or not at all, and without secrets."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from seg.errors import SegError
from seg.sinks import scratch
from seg.sinks.atomic import replacing
from seg.sinks.csv_guard import guard_frame
from seg.sinks.redaction import redact, redact_known

if TYPE_CHECKING:
    import pandas as pd


FINISHED, LOCK = "report.html", ".lock"  # what a finished run leaves, and what a running one holds
log = logging.getLogger("seg")


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


def claim(folder: Path) -> FileLock:
    """Make the directory of a run and lock it for this run.

    Returns
    -------
    FileLock
        For `release`; it goes with the process too.

    Raises
    ------
    SegError
        The directory cannot be written, holds a finished run, or another run is writing to it.
    """
    writable(folder)
    check_free(folder)
    lock = FileLock(folder / LOCK)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise _taken(folder) from None
    except OSError as error:
        raise SegError(
            f"hydra.run.dir={folder}: cannot be locked ({error.strerror}); choose another directory"
        ) from None
    return lock


def check_free(folder: Path) -> None:
    """Check that a directory holds no run.

    Raises
    ------
    SegError
        It holds a finished run, or another run is writing to it.
    """
    if (folder / FINISHED).exists():
        raise SegError(
            f"hydra.run.dir={folder}: holds a finished run; choose another directory with hydra.run.dir=..., or remove this one"
        )
    if not (folder / LOCK).exists():
        return
    try:
        with FileLock(folder / LOCK, timeout=0):
            pass
    except Timeout:
        raise _taken(folder) from None


def _taken(folder: Path) -> SegError:
    return SegError(
        f"hydra.run.dir={folder}: another run is writing to this directory; choose another one with hydra.run.dir=..."
    )


def release(lock: FileLock) -> None:
    """Unlock the directory of a run."""
    lock.release()
    Path(lock.lock_file).unlink(missing_ok=True)


def write(path: Path, content: bytes | str) -> Path:
    """Write a file under a temporary name and rename it; text is written without secrets."""
    try:
        with replacing(path) as temporary:
            temporary.write_bytes(redact(content).encode() if isinstance(content, str) else content)
    except OSError as error:
        raise SegError(
            f"{path}: cannot be written ({error.strerror}); free space or choose another hydra.run.dir"
        ) from None
    return path


def write_csv(path: Path, frame: pd.DataFrame) -> Path:
    """Write a table as CSV (UTF-8, full precision).

    Text that begins like a formula gets an apostrophe in front, so that no spreadsheet runs it; ``SEG_CSV_GUARD=off`` writes it
    unchanged.
    """
    if os.environ.get("SEG_CSV_GUARD", "").lower() not in ("off", "false", "0"):
        frame, cells = guard_frame(frame)
        if cells:
            log.info(
                "%s: %s like a formula and got an apostrophe in front (SEG_CSV_GUARD=off leaves such texts unchanged)",
                path.name,
                "1 cell begins" if cells == 1 else f"{cells:,} cells begin",
            )
    return write(path, redact_known(frame.to_csv(index=False, lineterminator="\n")).encode())


def write_parquet(path: Path, frame: pd.DataFrame) -> Path:
    """Write a table as Parquet."""
    return write(path, frame.to_parquet(index=False))


@contextmanager
def filled(folder: Path) -> Iterator[Path]:
    """Yield an empty directory that becomes `folder` when the context ends well: it appears complete or not at all.

    An earlier directory of that name is replaced.
    """
    writable(folder.parent)
    with scratch.folder(".seg-folder", folder.parent) as work:
        unfinished = work / "made"
        unfinished.mkdir()
        yield unfinished
        if folder.exists():
            folder.rename(work / "before")
        unfinished.rename(folder)
