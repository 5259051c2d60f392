"""What a reader of the result has to know of the rows that were read: currencies, dates, ids."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date

import ibis
import pandas as pd
from ibis.expr import types as ir

from seg.engine import Engine, Raw
from seg.sources import bad_rows as bad
from seg.sources import odd_ids, oddities
from seg.sources.date_formats import COUNTED, WORDED, swapped, with_offset
from seg.sources.number_formats import currency
from seg.sources.oddities import Suspects
from seg.sources.typed_values import Field, canonical_offset

MONEY = ("amount", "unit_price")
THREE = 3  # numbers with three digits behind the sign, from which on it may group thousands


def check_currencies(engine: Engine, raw: Raw, fields: Sequence[Field], where: str) -> None:
    """Check that each column of amounts is in one currency.

    Parameters
    ----------
    engine : Engine
    raw : Raw
    fields : sequence of Field
        Those of numbers are checked where the file holds text.
    where : str
        Name of the source, for the message.

    Raises
    ------
    SegError
        A column has amounts with different currency signs.
    """
    signs = {
        field.source: currency(raw.table[field.source])
        for field in fields
        if field.kind == "number" and raw.table[field.source].type().is_string()
    }
    if signs:
        oddities.mixed_currencies(engine, raw.table, signs, where)


def about_thousands(engine: Engine, raw: Raw, fields: Sequence[Field], decimal: str) -> list[tuple[str, str]]:
    """Return a note on columns of money whose every fraction has three digits: their sign may group thousands.

    Parameters
    ----------
    engine : Engine
    raw : Raw
    fields : sequence of Field
    decimal : str
        The decimal sign that is declared.

    Returns
    -------
    list of (level, text)
    """
    money = [field for field in fields if field.name in MONEY and raw.table[field.source].type().is_string()]
    if not money or raw.workbook:
        return []
    sign, counts = re.escape(decimal), {}
    for field in money:
        text = raw.table[field.source]
        counts |= {
            f"all {field.name}": text.contains(decimal).sum().fill_null(0),
            f"three {field.name}": text.re_search(f"(^|[^0-9])[1-9][0-9]{{0,2}}{sign}[0-9]{{3}}($|[^0-9])")
            .sum()
            .fill_null(0),
        }
    row = engine.collect(raw.table.aggregate(**counts)).iloc[0]
    other = "." if decimal == "," else ","
    return [
        (
            "warning",
            f"{field.source}: every number with a {decimal!r} has three digits behind it; if it groups thousands, set dataset.decimal='{other}' "
            f"dataset.thousands='{decimal}'",
        )
        for field in money
        if row[f"three {field.name}"] >= THREE and row[f"three {field.name}"] == row[f"all {field.name}"]
    ]


def look(
    engine: Engine,
    raw: Raw,
    columns: Mapping[Field, ir.Value],
    good: ir.Table,
    where: str,
    time_zone: str | None = None,
) -> tuple[list[tuple[str, str]], Suspects | None]:
    """Look for dates that are most likely wrong.

    Parameters
    ----------
    engine : Engine
    raw : Raw
        The rows as they are in the files.
    columns : mapping of Field to ir.Value
        What each field is read as.
    good : ir.Table
        The typed rows without bad ones.
    where : str
        Name of the files.
    time_zone : str, optional
        Zone that instants are read in; UTC when left out.

    Returns
    -------
    notes : list of (level, text)
    suspects : Suspects or None
        Rows whose date is most likely wrong.
    """
    notes: list[tuple[str, str]] = []
    suspects = None
    for field in columns:
        if field.kind == "time" and field.name == "ordered_at":
            days = oddities.days_of(engine, good[field.name], good)
            suspects = _suspects(engine, raw, columns, field, days, where)
            notes += _about_dates(days, field, suspects is None) + _about_cells(
                engine, raw, columns[field], field
            )
            notes += _about_offsets(engine, raw, field, time_zone)
    return notes, suspects


def about_ids(
    engine: Engine, raw: Raw, fields: Sequence[Field], good: ir.Table, rows: int
) -> list[tuple[str, str]]:
    """Return notes on ids of customers that are most likely wrong, see `seg.sources.odd_ids`.

    Parameters
    ----------
    engine : Engine
    raw : Raw
    fields : sequence of Field
    good : ir.Table
        The typed rows without bad ones.
    rows : int
        Rows of the files; above `LARGE`, ids are not compared.

    Returns
    -------
    list of (level, text)
    """
    notes = []
    for field in fields:
        if field.kind == "id" and field.name == "customer_id":
            notes += _about_gaps(engine, raw, good, field)
            alike = odd_ids.alike_ids(engine, good, field.source) if rows <= oddities.LARGE else []
            notes += [("warning", text) for text in alike]
    return notes


def _about_gaps(engine: Engine, raw: Raw, good: ir.Table, field: Field) -> list[tuple[str, str]]:
    """Return a note where rows of a workbook have no customer: of merged cells only the first one holds the value."""
    if not raw.workbook or field.required:
        return []
    gaps = int(engine.collect(good.aggregate(rows=good.customer_id.isnull().sum().fill_null(0))).rows[0])
    if not gaps:
        return []
    return [
        (
            "warning",
            f"{gaps:,} rows have no {field.source}: if its cells are merged, unmerge them, and fill in each row",
        )
    ]


def _about_offsets(engine: Engine, raw: Raw, field: Field, time_zone: str | None) -> list[tuple[str, str]]:
    """Return a note where the days of another zone are the shop's."""
    if field.format not in ("offset", *WORDED) or time_zone:
        return []
    text = raw.table[field.source].strip()
    text = canonical_offset(text) if field.format == "offset" else with_offset(text, field.format)
    other = text.re_search(r"[+-][0-9:]+\z") & ~text.re_search(r"[+-]00(?::?00)?\z")
    if not int(engine.collect(raw.table.aggregate(rows=other.sum().fill_null(0))).rows[0]):
        return []
    return [
        (
            "warning",
            f"the times of {field.source!r} carry a UTC offset, and days are counted in UTC; set dataset.time_zone (such as "
            "Europe/Berlin) to count them where the shop is",
        )
    ]


def _about_dates(days: pd.Series, field: Field, plausible: bool) -> list[tuple[str, str]]:
    other = swapped(field.format)
    notes = [
        oddities.future(days, date.today()) if plausible else None,
        oddities.ambiguous(days, field.format, other) if other else oddities.exchanged(days),
        oddities.two_digit_years(days, field.format),
    ]
    return [("warning", text) for text in notes if text]


def _about_cells(engine: Engine, raw: Raw, time: ir.TimestampValue, field: Field) -> list[tuple[str, str]]:
    """Return a note where the spreadsheet has read some of the dates, and those wrong."""
    column = raw.table[field.source]
    if not raw.workbook or not column.type().is_string() or field.format in (None, *COUNTED):
        return []
    dates = engine.timestamp(column.strip(), None)
    texts = dates.isnull().ifelse(time, ibis.null("timestamp(6)"))
    text = oddities.exchanged_cells(*(oddities.days_of(engine, one, raw.table) for one in (dates, texts)))
    return [("warning", f"{field.source}: {text}")] if text else []


def _suspects(
    engine: Engine, raw: Raw, columns: Mapping[Field, ir.Value], field: Field, days: pd.Series, where: str
) -> Suspects | None:
    suspects = oddities.suspect_days(days, date.today())
    if suspects is None:
        return None
    marked, first, last = suspects
    day = columns[field].date()
    outside = (day < ibis.literal(first)) | (day > ibis.literal(last))
    selected = bad.rows_where(raw, list(columns), {field.name: outside.fill_null(False)}, bad.SHOWN)
    rows = engine.collect(selected)
    listing = bad.described(rows, list(columns), where)
    listing["reason"] = [f"{field.source} is {str(value)!r}" for value in rows[f"raw_{field.name}"]]
    return Suspects(listing, int(days[marked].sum()), first, last, max(days.index))
