"""A folder of files, one a table and run: ``<folder>/<table>/<run>.<ending>``, with ``seg.json`` beside the tables."""

from __future__ import annotations

import contextlib
import json
import os
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa

from seg.sinks.star_schema import MADE_BY, Export, described
from seg.sinks.target import failed, foreign, no_file

DESCRIPTION = "seg.json"
STALE = 3600  # seconds after which an unfinished file is taken for one of a process that was killed


def write_folder(
    folder: Path, export: Export, ending: str, write: Callable[[pa.Table, Path], None], replace: bool
) -> list[Path]:
    """Write the tables of a run, each under a temporary name and then renamed; ``runs`` last.

    Parameters
    ----------
    folder : Path
        Made where it is missing.
    export : Export
    ending : str
        Such as ``".parquet"``.
    write : callable
        Writes one table to a path.
    replace : bool
        Whether a folder that seg has not made may be written into.

    Returns
    -------
    list of Path
        The files.

    Raises
    ------
    SegError
        The folder is somebody else's or cannot be written to.
    """
    try:
        check_owner(folder, replace)
        ordered = sorted(export.tables, key=lambda table: table.name == "runs")
        files = [folder / table.name / f"{export.run_id}{ending}" for table in ordered]
        where = {table.name: f"{table.name}/*{ending}" for table in ordered}
        _replace(
            folder / DESCRIPTION,
            lambda path: path.write_text(_merged(folder, export, where), encoding="utf-8"),
        )
        for table, file in zip(ordered, files, strict=True):
            _replace(file, lambda path, rows=table.rows: write(rows, path))
    except OSError as error:
        raise failed(f"sink.folder={folder}", error, "free space, or choose another sink.folder") from None
    return files


def check_owner(folder: Path, replace: bool) -> None:
    """Refuse a folder with files that seg has not written."""
    if not folder.exists() or replace:
        return
    no_file(folder)
    others = [
        path for path in folder.iterdir() if not path.name.startswith(".") and not is_own_workbook(path)
    ]
    if others and not made_by_seg(folder / DESCRIPTION):
        raise foreign(f"sink.folder={folder}", "the folder")


def made_by_seg(description: Path) -> bool:
    """Return True if a description of tables is one of seg's."""
    try:
        return json.loads(description.read_text(encoding="utf-8")).get("made_by") == MADE_BY
    except (OSError, ValueError, AttributeError):
        return False


def is_own_workbook(path: Path) -> bool:
    """Return True for a workbook that seg has written."""
    try:
        with zipfile.ZipFile(path) as opened, opened.open("docProps/core.xml") as file:
            return f"<dc:creator>{MADE_BY}</dc:creator>".encode() in file.read(100_000)
    except (OSError, KeyError, zipfile.BadZipFile):
        return False


def _merged(folder: Path, export: Export, where: dict[str, str]) -> str:
    """Describe the tables of this run and of earlier ones, whose tables stay."""
    new = json.loads(described(export, where))
    with contextlib.suppress(OSError, ValueError, KeyError):
        old = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
        names = {table["name"] for table in new["tables"]}
        new["tables"] += [table for table in old["tables"] if table["name"] not in names]
    return json.dumps(new, indent=1, ensure_ascii=False) + "\n"


def _replace(path: Path, write: Callable[[Path], object]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    for left in path.parent.glob(".*.unfinished"):
        with contextlib.suppress(OSError):
            if time.time() - left.stat().st_mtime > STALE:
                left.unlink()
    temporary = path.with_name(f".{path.name}.{os.getpid()}.unfinished")
    try:
        write(temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
