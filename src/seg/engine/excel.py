"""Excel workbooks, as tables of text: any engine registers what `read` returns."""

from __future__ import annotations

from functools import reduce
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from seg.engine.files import Reading, check_header
from seg.errors import SegError, listed


def read(paths: list[Path], columns: list[str], reading: Reading) -> pa.Table:
    """Read the named columns of one sheet, or of all sheets, one after the other.

    Raises
    ------
    SegError
        A workbook is damaged or empty, has not the sheet, or lacks a column.
    """
    import fastexcel

    parts = []
    for path in paths:
        try:
            book = fastexcel.read_excel(path)
        except fastexcel.FastExcelError as error:
            raise SegError(f"{path}: not a readable Excel workbook ({str(error).splitlines()[0]})") from None
        sheets = [reading.sheet] if reading.sheet else book.sheet_names
        for sheet in sheets:
            if sheet not in book.sheet_names:
                raise SegError(f"{path}: no sheet {sheet!r}; it has {listed(sheet, book.sheet_names)}")
            header, cells = _sheet(book, sheet)
            if not header:
                continue  # an empty sheet, most often beside the one that holds the table
            check_header(path, header, columns, reading)
            picked = cells.select([header.index(column) for column in columns])
            parts.append(picked.rename_columns(columns))
    if not parts:
        raise SegError(f"{paths[0]}: the workbook is empty; expected a header row with the column names")
    return pa.concat_tables(parts)


def _sheet(book, sheet: str) -> tuple[tuple[str, ...], pa.Table]:
    """Read a sheet as text: its header, and the rows that hold anything at all."""
    # Without header_row: fastexcel would rename a name that comes twice.
    loaded = pa.Table.from_batches([book.load_sheet(sheet, header_row=None, dtypes="string").to_arrow()])
    columns = [column.cast(pa.string()) for column in loaded.columns]
    if not columns or not loaded.num_rows:
        return (), pa.table({})
    header = tuple((column[0].as_py() or "").strip() for column in columns)
    cells = pa.table(columns, names=[str(place) for place in range(len(columns))]).slice(1)
    filled = reduce(pc.or_, [pc.is_valid(column) for column in cells.columns])
    return header, cells.filter(filled)
