"""A new tracking store in a SQLite file: made under a lock, in a temporary file, then renamed.

A process that is killed while it makes one leaves nothing that another process would take for a store.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import sqlite3
from pathlib import Path
from urllib.parse import quote

from seg.errors import SegError

SQLITE = "sqlite:///"
LEAST_SPACE = 2_000_000  # bytes that an empty store takes, and some
PATIENCE = 180  # seconds to wait for another process that makes the same store


def make_store(path: Path) -> None:
    """Make a store where there is none; the first of several processes makes it, the others wait for it.

    Parameters
    ----------
    path : Path
        The file; nothing is done where it has a content.

    Raises
    ------
    SegError
        The disk is full, or another process takes too long.
    """
    from filelock import FileLock, Timeout

    if _has_content(path):
        return
    try:
        with FileLock(path.with_name(f".{path.name}.lock"), timeout=PATIENCE):
            if not _has_content(path):
                _make(path)
    except Timeout:
        raise SegError(
            f"tracking.uri={SQLITE}{path}: another process has been making the store for {PATIENCE} seconds; end it and try again"
        ) from None


def is_half_made(path: Path) -> bool:
    """Return True for a store whose tables were never finished: the process that made it, such as a server of MLflow, was killed."""
    with contextlib.closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True)) as opened:
        tables = {name for (name,) in opened.execute("select name from sqlite_master where type = 'table'")}
        if not tables:
            return False
        if "alembic_version" not in tables:
            return "experiments" in tables
        return not opened.execute("select 1 from alembic_version").fetchall()


def _has_content(path: Path) -> bool:
    return path.exists() and path.stat().st_size > 0


def _make(path: Path) -> None:
    for left in path.parent.glob(
        f".{path.name}.*.new*"
    ):  # of processes that were killed: this one holds the lock
        left.unlink(missing_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        _fill(temporary)
        os.replace(temporary, path)
    except Exception as error:
        full = shutil.disk_usage(path.parent).free < LEAST_SPACE
        if full or "disk is full" in str(error) or getattr(error, "errno", None) == errno.ENOSPC:
            raise SegError(
                f"tracking.uri={SQLITE}{path}: the disk of the store is full; free space, or choose another tracking.uri"
            ) from None
        raise
    finally:
        for left in path.parent.glob(f"{temporary.name}*"):
            left.unlink(missing_ok=True)


def _fill(path: Path) -> None:
    """Make all tables and the default experiment, as MLflow does when it opens an empty store."""
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    uri = f"{SQLITE}{path}"
    try:
        SqlAlchemyStore(uri, (path.parent / "mlartifacts").as_uri())
    finally:
        engine = SqlAlchemyStore._engine_map.pop(uri, None)
        if engine is not None:
            engine.dispose()
