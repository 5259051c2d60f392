"""Tables as CSV files (UTF-8, comma, decimal point), with cells that a spreadsheet would run as a formula made harmless."""

from __future__ import annotations

import logging
from pathlib import Path

import pyarrow as pa
from pyarrow import csv

from seg.sinks.csv_guard import guard
from seg.sinks.folder import write_folder
from seg.sinks.star_schema import Export
from seg.sinks.target import needed

log = logging.getLogger("seg")


class CsvFolder:
    """Write a file ``<folder>/<table>/<run>.csv`` for each table.

    Parameters
    ----------
    folder : str
    replace : bool, default=False
        Whether a folder that seg has not made may be written into.
    guard : bool, default=True
        Whether text that begins with ``=``, ``+``, ``-`` or ``@`` gets an apostrophe in front, so that no spreadsheet runs it.
    """

    def __init__(self, folder: str, replace: bool = False, guard: bool = True):
        needed(folder, "sink.folder", "a folder")
        self._folder, self._replace, self._guard = Path(folder).expanduser(), replace, guard

    def write(self, export: Export) -> str:
        """Write all tables; return the folder."""
        changed = 0

        def write(rows: pa.Table, path: Path) -> None:
            nonlocal changed
            rows, cells = guard(rows) if self._guard else (rows, 0)
            changed += cells
            csv.write_csv(rows, path)

        write_folder(self._folder, export, ".csv", write, self._replace)
        if changed:
            log.info(
                "%s like a formula and got an apostrophe in front; sink.guard=false leaves such texts unchanged",
                "1 cell begins" if changed == 1 else f"{changed:,} cells begin",
            )
        return str(self._folder)
