"""Excel workbooks, as tables of text: any engine registers what `read` returns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import reduce
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from seg.engine.files import Reading, check_header, missing_columns, not_text
from seg.engine.inflated_size import check_workbook, limit_of
from seg.errors import SegError, listed


def read(paths: list[Path], columns: list[str], reading: Reading) -> tuple[pa.Table, list[str]]:
    """Read the named columns of one sheet, or of all visible sheets, one after the other.

    Parameters
    ----------
    paths : list of Path
    columns : list of str
        Those to read, by their names in the header.
    reading : Reading
        Its `sheet` names the sheet; without one all visible sheets are read.

    Returns
    -------
    table : pa.Table
        Every cell as text.
    notes : list of str
        Hidden sheets that were not read.

    Raises
    ------
    SegError
        A workbook is damaged or empty, has not the sheet, or a sheet lacks a column.
    """
    parts: list[pa.Table] = []
    notes: list[str] = []
    for path in paths:
        sheets, hidden = _sheets(path, reading)
        if hidden:
            notes.append(
                f"{path.name}: hidden sheets are not read: {', '.join(hidden)} (dataset.sheet=<name> reads one)"
            )
        try:
            _check_sheets(path, {name: header for name, (header, _cells) in sheets.items()}, columns, reading)
        except SegError as error:
            raise SegError("; ".join([str(error), *notes])) from None
        for header, cells in sheets.values():
            picked = cells.select([header.index(column) for column in columns])
            parts.append(picked.rename_columns(columns))
    if not parts:
        raise SegError(f"{paths[0]}: the workbook is empty; expected a header row with the column names")
    return pa.concat_tables(parts), notes


def headers(path: Path, reading: Reading) -> dict[str, tuple[str, ...]]:
    """Return the column names of each sheet that would be read."""
    return {name: header for name, (header, _cells) in _sheets(path, reading)[0].items()}


def cells(path: Path, reading: Reading, most: int) -> dict[str, list[list[str]]]:
    """Return the first rows of each visible sheet, blank ones included, every cell as text.

    Parameters
    ----------
    path : Path
    reading : Reading
        Sheet, and rows to skip.
    most : int
        Rows of each sheet.

    Returns
    -------
    dict of str to list of list of str
        Rows by the name of the sheet.
    """
    rows = {}
    for name, sheet in _loaded(path, reading, reading.skip_rows):
        table = _table(path, sheet)
        columns = [column.cast(pa.string()).slice(0, most).to_pylist() for column in table.columns]
        if columns and (reading.sheet or sheet.visible == "visible"):
            rows[name] = [[cell or "" for cell in row] for row in zip(*columns, strict=True)]
    return rows


def _open(path: Path, reading: Reading):
    import fastexcel

    check_workbook(path, limit_of(reading.max_bytes))
    try:
        return fastexcel.read_excel(path)
    except fastexcel.FastExcelError as error:
        if (other := not_text(path)) and "HTML" in str(other):
            raise other from None
        raise SegError(
            f"{path}: not a readable Excel workbook ({str(error).splitlines()[0]}); save it again as .xlsx, or rename it to .csv where it is text"
        ) from None


def _sheets(path: Path, reading: Reading) -> tuple[dict[str, tuple[tuple[str, ...], pa.Table]], list[str]]:
    """Return header and cells of the sheets to read, and the names of the hidden ones beside them."""
    sheets, hidden = {}, []
    # Without a number of rows to skip, blank ones above the header are.
    for name, sheet in _loaded(path, reading, reading.skip_rows or None):
        if not reading.sheet and sheet.visible != "visible":
            hidden.append(name)
            continue
        header, rows = _parted(_table(path, sheet), reading)
        if header:  # an empty sheet, most often beside the one that holds the table
            sheets[name] = header, rows
    if hidden and not sheets:
        raise SegError(
            f"{path}: every sheet with a table is hidden ({', '.join(hidden)}); name one with dataset.sheet"
        )
    return sheets, hidden


def _loaded(path: Path, reading: Reading, skip_rows: int | None) -> Iterator[tuple[str, object]]:
    """Load the sheets that are asked for, as text."""
    book, sheet_name = _open(path, reading), reading.sheet
    if sheet_name and sheet_name not in book.sheet_names:
        raise SegError(f"{path}: no sheet {sheet_name!r}; it has {listed(sheet_name, book.sheet_names)}")
    for name in [sheet_name] if sheet_name else book.sheet_names:
        # Without header_row: fastexcel would rename a name that comes twice.
        yield name, book.load_sheet(name, header_row=None, skip_rows=skip_rows, dtypes="string")


def _table(path: Path, sheet) -> pa.Table:
    try:
        return pa.Table.from_batches([sheet.to_arrow()])
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # of Rust, and no Exception of Python
            raise
        raise SegError(
            f"{path}: the sheet {sheet.name!r} cannot be read ({error}); a column may hold more than 2 GB of text: export it as CSV"
        ) from None


def _check_sheets(
    path: Path, sheets: dict[str, tuple[str, ...]], columns: Sequence[str], reading: Reading
) -> None:
    """Check the header of each sheet; of several, name those that could be read alone."""
    lacking = [name for name, header in sheets.items() if missing_columns(header, columns)]
    fitting = [name for name in sheets if name not in lacking]
    if lacking and len(sheets) > 1:
        choose = (
            f"choose the one to read with dataset.sheet={fitting[0]!r}"
            if fitting
            else "none has all of them: correct dataset.columns"
        )
        absent = ", ".join(map(repr, missing_columns(sheets[lacking[0]], columns)))
        raise SegError(
            f"{path}: the workbook has the sheets {', '.join(sheets)}; all of them would be read, and {lacking[0]!r} has no column "
            f"{absent}; {choose}"
        )
    for header in sheets.values():
        check_header(
            path, header, columns, reading, lambda: next(iter(cells(path, reading, 30).values()), [])
        )


def _parted(table: pa.Table, reading: Reading) -> tuple[tuple[str, ...], pa.Table]:
    """Part a sheet into its header and the rows that hold anything at all."""
    columns = [column.cast(pa.string()) for column in table.columns]
    if not columns or not table.num_rows:
        return (), pa.table({})
    header = tuple(reading.names or [(column[0].as_py() or "").strip() for column in columns])
    cells = pa.table(columns, names=[str(place) for place in range(len(columns))]).slice(
        0 if reading.names else 1
    )
    filled = reduce(pc.or_, [pc.is_valid(column) for column in cells.columns])
    return header, cells.filter(filled)
