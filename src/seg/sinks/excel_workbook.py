"""Tables as one Excel workbook a run, a sheet a table: what is text stays text, so that no cell is run as a formula."""

from __future__ import annotations

import io
import os
from datetime import datetime
from pathlib import Path

import pyarrow as pa

from seg.errors import SegError
from seg.sinks.folder import is_own_workbook
from seg.sinks.star_schema import MADE_BY, Export
from seg.sinks.target import extra_missing, failed, foreign, needed, no_file

MOST_ROWS = 1_048_575  # of a sheet, without the head
EXACT = 2**53  # whole numbers beyond it lose digits in Excel
CELL = 32_767  # characters
WIDEST = 60


class ExcelWorkbook:
    """Write a workbook ``<folder>/<data set>-<run>.xlsx``.

    Parameters
    ----------
    folder : str
    replace : bool, default=False
        Whether a workbook of that name that seg has not made is overwritten.
    """

    def __init__(self, folder: str, replace: bool = False):
        needed(folder, "sink.folder", "a folder")
        self._folder, self._replace = Path(folder).expanduser(), replace

    def write(self, export: Export) -> str:
        """Write all tables; return the file."""
        try:
            import xlsxwriter
        except ImportError:
            raise extra_missing("xlsxwriter", "excel") from None
        no_file(self._folder)
        path = self._folder / f"{export.dataset}-{export.run_id}.xlsx"
        large = [table for table in export.tables if table.rows.num_rows > MOST_ROWS]
        if large:
            raise SegError(
                f"sink=excel: the table {large[0].name} has {large[0].rows.num_rows:,} rows, a sheet holds {MOST_ROWS:,}; "
                "choose sink=parquet or sink=csv, or leave the table out with sink.tables"
            )
        temporary = path.with_name(f".{path.name}.{os.getpid()}.unfinished")
        try:
            if path.exists() and not self._replace and not is_own_workbook(path):
                raise foreign(str(path), "the workbook")
            path.parent.mkdir(parents=True, exist_ok=True)
            options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
            # Packed in memory, since a ZIP file that the disk has no room for complains once more when it is forgotten.
            packed = io.BytesIO()
            book = xlsxwriter.Workbook(packed, options)
            # A fixed time, so that the same run gives the same file.
            book.set_properties(
                {"author": MADE_BY, "comments": f"run {export.run_id}", "created": datetime(2000, 1, 1)}
            )
            for table in export.tables:
                _sheet(book, table.name, table.rows)
            book.close()
            temporary.write_bytes(packed.getbuffer())
            temporary.replace(path)
        except (OSError, xlsxwriter.exceptions.FileCreateError) as error:
            raise failed(
                str(path), error, "free space, close the workbook, or choose another sink.folder"
            ) from None
        finally:
            temporary.unlink(missing_ok=True)
        return str(path)


def _sheet(book, name: str, rows: pa.Table) -> None:
    sheet, head = book.add_worksheet(name), book.add_format({"bold": True})
    formats = {"date": book.add_format({"num_format": "yyyy-mm-dd"})}
    formats["time"] = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
    for column, title in enumerate(rows.column_names):
        sheet.write_string(0, column, title, head)
        sheet.set_column(column, column, min(max(len(title) + 2, 12), WIDEST))
    sheet.freeze_panes(1, 0)
    kinds = [column.type for column in rows.columns]
    at = 1
    for batch in rows.to_batches(max_chunksize=10_000):
        for values in zip(*(column.to_pylist() for column in batch.columns), strict=True):
            for column, value in enumerate(values):
                _cell(sheet, at, column, value, kinds[column], formats)
            at += 1


def _cell(sheet, row: int, column: int, value: object, kind: pa.DataType, formats: dict) -> None:
    if value is None or value != value:  # NaN too
        return
    if pa.types.is_boolean(kind):
        sheet.write_boolean(row, column, value)
    elif pa.types.is_date(kind) or pa.types.is_timestamp(kind):
        if value.year < 1900:
            sheet.write_string(row, column, value.isoformat())
        else:
            plain = value.replace(tzinfo=None) if pa.types.is_timestamp(kind) else value
            sheet.write_datetime(
                row, column, plain, formats["time" if pa.types.is_timestamp(kind) else "date"]
            )
    elif pa.types.is_string(kind) or abs(value) >= EXACT:
        sheet.write_string(row, column, str(value)[:CELL])
    else:
        sheet.write_number(row, column, float(value))
