"""Where fetched sources lie: a temporary folder of the command, which goes when the command ends.

Processes that a command starts (jobs of a sweep) share its folder, so that all of them see the same rows. What a killed
process left is removed by the next one that fetches.
"""

from __future__ import annotations

import atexit
import hashlib
import json
import os
import shutil
import tempfile
from pathlib import Path

from seg import progress
from seg.sinks import scratch
from seg.sinks.redaction import parse, remember
from seg.sources.remote.request import Request, Staged

FOLDER = "SEG_SOURCE_FOLDER"  # of the command, for the processes that it starts
PREFIX = "seg-source-"
NOTE = "staged.json"


def stage(request: Request) -> Staged:
    """Fetch a source into files of this machine; the same request is fetched once in a command and in the processes it starts.

    Parameters
    ----------
    request : Request

    Returns
    -------
    Staged

    Raises
    ------
    SegError
        The source cannot be reached, refuses, or has no such table or object.
    """
    from filelock import FileLock

    remember(request.path)
    identity = json.dumps([request.path, request.table, request.query]).encode()
    target = folder() / hashlib.sha256(identity).hexdigest()[:16]
    with FileLock(f"{target}.lock"):
        if not target.exists():
            unfinished = target.with_suffix(".part")
            shutil.rmtree(unfinished, ignore_errors=True)
            unfinished.mkdir()
            with progress.step("fetch") as detail:
                versions = _reader(request)(request, unfinished)
                size = sum(path.stat().st_size for path in versions)
                detail(f"{len(versions)} {'file' if len(versions) == 1 else 'files'}, {size:,} bytes")
            noted = {str(path.relative_to(unfinished)): version for path, version in versions.items()}
            (unfinished / NOTE).write_text(json.dumps(noted))
            unfinished.rename(target)
    noted = json.loads((target / NOTE).read_text())
    paths = tuple(target / name for name in noted)
    return Staged(paths, {target / name: version for name, version in noted.items() if version})


def forget() -> None:
    """Remove what was fetched, so that the next reading fetches it again: a notebook lives longer than its data."""
    os.environ.pop(FOLDER, None)
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}{os.getpid()}-*"):
        shutil.rmtree(folder, ignore_errors=True)


def folder() -> Path:
    """Return the folder of this command; made on first use, readable by its owner only."""
    shared = os.environ.get(FOLDER)
    if shared and Path(shared).is_dir():
        return Path(shared)
    folder = scratch.make(f"{PREFIX}{os.getpid()}")
    os.environ[FOLDER] = str(folder)
    atexit.register(forget)
    return folder


def _reader(request: Request):
    # Late: each has a library behind it.
    from seg.sources.remote import lake_tables, mongo_rows, object_store, sql_rows

    address = parse(request.path)
    if address is None or address.scheme == "iceberg":
        return lake_tables.read
    if address.scheme == "s3":
        return lake_tables.read if lake_tables.is_delta_address(request) else object_store.read
    return mongo_rows.read if address.scheme.startswith("mongodb") else sql_rows.read
