"""Tables as Parquet files: all types stay as they are."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq

from seg.sinks.folder import write_folder
from seg.sinks.star_schema import Export
from seg.sinks.target import needed


class ParquetFolder:
    """Write a file ``<folder>/<table>/<run>.parquet`` for each table.

    Parameters
    ----------
    folder : str
    replace : bool, default=False
        Whether a folder that seg has not made may be written into.
    """

    def __init__(self, folder: str, replace: bool = False):
        needed(folder, "sink.folder", "a folder")
        self._folder, self._replace = Path(folder).expanduser(), replace

    def write(self, export: Export) -> str:
        """Write all tables; return the folder."""
        write_folder(self._folder, export, ".parquet", pq.write_table, self._replace)
        return str(self._folder)
