"""Cells that a spreadsheet would run as a formula, and how CSV files are kept free of them."""

from __future__ import annotations

import re

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

# What Excel, LibreOffice and Google Sheets take for the beginning of a formula (OWASP, CSV injection).
FORMULA = r"^[=+\-@\t\r]"
NUMBER = r"^[+-]?[0-9][0-9.,]*$"  # a negative number kept as text runs nothing


def guard(rows: pa.Table) -> tuple[pa.Table, int]:
    """Put an apostrophe before text that a spreadsheet would run.

    Returns
    -------
    rows : pyarrow.Table
    cells : int
        How many cells were changed.

    >>> guard(pa.table({"name": ["=1+1", "-5", "ana"]}))[0]["name"].to_pylist()
    ["'=1+1", '-5', 'ana']
    """
    changed = 0
    for place, name in enumerate(rows.column_names):
        column = rows.column(name)
        if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
            continue
        risky = pc.and_not(
            pc.match_substring_regex(column, FORMULA), pc.match_substring_regex(column, NUMBER)
        )
        count = pc.sum(risky).as_py() or 0
        if count:
            guarded = pc.if_else(risky, pc.binary_join_element_wise("'", column, ""), column)
            rows, changed = rows.set_column(place, name, guarded), changed + count
    return rows, changed


def guard_frame(frame: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """Do as `guard` for a DataFrame; its other columns stay as they are."""
    texts = [
        name for name in frame if frame[name].dtype == object or pd.api.types.is_string_dtype(frame[name])
    ]
    changed, guarded = 0, {}
    for name in texts:
        cells = frame[name].tolist()
        risky = [_runs(cell) for cell in cells]
        if any(risky):
            guarded[name] = [f"'{cell}" if runs else cell for cell, runs in zip(cells, risky, strict=True)]
            changed += sum(risky)
    return (frame.assign(**guarded) if guarded else frame), changed


def _runs(cell: object) -> bool:
    return isinstance(cell, str) and bool(re.match(FORMULA, cell)) and not re.match(NUMBER, cell)
