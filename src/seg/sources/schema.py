"""The two kinds of table, and how raw files become their typed columns.

``transactions`` hold one row an order line, ``customers`` one row a customer. An adapter names the columns of its files as
`Field` objects; one grammar of numbers and dates is applied on any engine. A value that does not fit makes a bad row: an
error with row and value, or set aside and counted (``bad_rows=skip``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import pandas as pd
from ibis.expr import types as ir

from seg.engine import Engine, Raw, Reading
from seg.errors import SegError
from seg.sources import bad_rows as bad
from seg.sources import left_out, noticed, percentages
from seg.sources.bad_rows import Faults
from seg.sources.locate import Source
from seg.sources.oddities import Suspects
from seg.sources.typed_values import Dialect, Field, canonical_offset, proven, typed, with_plain

__all__ = ["TRANSACTIONS", "Field", "Loaded", "Lookup", "load_fields", "transactions"]

TRANSACTIONS = {
    "customer_id": "string",
    "order_id": "string",
    "ordered_at": "timestamp",
    "amount": "float64",
    "is_return": "boolean",
}


@dataclass(frozen=True)
class Lookup:
    """Columns that a table has from another one, one row of which each of its rows may find; equal rows stay equal.

    Parameters
    ----------
    table : ir.Table
        The table without them.
    key : str
        Its column by which they are found.
    join : callable
        From the table, or what is left of it, to the same with them.
    """

    table: ir.Table
    key: str
    join: Callable[[ir.Table], ir.Table]


@dataclass(frozen=True)
class Loaded:
    """A typed table, and what was noticed while it was read.

    Parameters
    ----------
    table : ir.Table
    rejects : DataFrame with columns file, line, reason, text
        Rows that were left out. ``line`` is the line of the file where a line is malformed, and the row of data (header,
        blank and malformed lines not counted) where a value does not fit; the reason tells which.
    lookup : Lookup, optional
        How some of the columns are looked up.
    notes : tuple of (level, text)
        What a reader of the result has to know.
    suspects : Suspects, optional
        Rows with a date that is most likely wrong.
    """

    table: ir.Table
    rejects: pd.DataFrame
    lookup: Lookup | None = None
    notes: tuple[tuple[str, str], ...] = ()
    suspects: Suspects | None = None


def load_fields(
    engine: Engine,
    source: Source,
    fields: Sequence[Field],
    reading: Reading,
    bad_rows: str = "fail",
    decimal: str = ".",
) -> Loaded:
    """Read the files of a source into typed columns.

    Parameters
    ----------
    engine : Engine
    source : Source
        The files.
    fields : sequence of Field
        Columns to read.
    reading : Reading
        How the files are written.
    bad_rows : {"fail", "skip"}
        What to do with rows that cannot be read; ``skip`` leaves out at most `reading.bad_rows_limit` of them.
    decimal : {".", ","}

    Raises
    ------
    SegError
        A column is missing, a file is empty, no row is left, or, with ``bad_rows="fail"``, a line is malformed, a
        value does not fit or a required one is missing: the message names row and value.
    """
    computing, engine = engine, engine.reader(source.paths)
    raw = engine.read(source.paths, list(dict.fromkeys(field.source for field in fields)), reading)
    where = _where(source)
    if len(raw.rejects) and bad_rows == "fail":
        rows = int(engine.collect(raw.table.aggregate(rows=raw.table.count())).rows[0])
        raise bad.malformed(where, raw.rejects, rows, reading.bad_rows_limit)
    dialect = with_plain(engine, raw, fields, Dialect.of(reading, decimal))
    fields = percentages.with_percent(engine, raw, fields, dialect.plain, where)
    fields = [_with_zone(engine, raw, field, where) for field in fields]
    columns = {field.name: typed(engine, raw, field, dialect, where) for field in fields}
    faults = Faults(raw, fields, bad.faults(raw, fields, columns, dialect.plain))
    table = raw.table.select(**columns, _faulty=faults.any)
    # Text is parsed once and kept; a typed file is cheap to scan again and may be larger than this machine.
    table = engine.checkpoint(table) if raw.stored else table
    rejects, counts = left_out.set_aside(
        engine, faults, table, where, bad_rows == "skip", reading.bad_rows_limit
    )
    good = table.filter(~table._faulty) if counts.bad else table
    noticed.check_currencies(
        engine, raw, [field for field in fields if field.source not in dialect.plain], where
    )
    by_field = {field: columns[field.name] for field in fields}
    notes, suspects = noticed.look(engine, raw, by_field, good, where, reading.time_zone)
    notes = [
        *(("info", text) for text in raw.notes),
        *percentages.notes(fields),
        *([] if reading.thousands else noticed.about_thousands(engine, raw, fields, decimal)),
        *left_out.lost(engine, table, rejects, counts),
        *noticed.about_ids(engine, raw, fields, good, counts.rows),
        *notes,
    ]
    good = good.drop("_faulty")
    if not counts.bad and not raw.stored:
        good = raw.table.select(**columns | proven(engine, raw, fields))
    return Loaded(computing.adopt(good, engine), rejects, None, tuple(notes), suspects)


def transactions(table: ir.Table) -> ir.Table:
    """Return a table with the columns that every transactions table has, in order, attributes after them.

    ``order_id`` may be missing: then each line is an order of its own.

    Raises
    ------
    SegError
        A column is missing: a fault of the adapter.
    """
    missing = set(TRANSACTIONS) - set(table.columns) - {"order_id"}
    if missing:
        raise SegError(
            f"adapter: a transactions table needs {', '.join(sorted(missing))}; it has "
            f"{', '.join(table.columns)}"
        )
    required = {name: table[name].cast(kind) for name, kind in TRANSACTIONS.items() if name in table.columns}
    return table.select(**required, **{name: table[name] for name in table.columns if name not in required})


def _with_zone(engine: Engine, raw: Raw, field: Field, where: str) -> Field:
    """Decide whether the times of a column carry a UTC offset: all of them or none, never a mix."""
    column = raw.table[field.source]
    if field.kind != "time" or field.format or not column.type().is_string():
        return field
    text = canonical_offset(column)
    zoned, unzoned = engine.zoned(text), engine.unzoned(text)
    counts = raw.table.aggregate(zoned=zoned.sum().fill_null(0), unzoned=unzoned.sum().fill_null(0))
    count = engine.collect(counts).iloc[0]
    if not count.zoned:
        return field
    # What is no time at all is a bad row, whichever of the two the others are.
    if not count.unzoned:
        return replace(field, format="offset")
    example = engine.collect(raw.table.filter(zoned).select(field.source).limit(1)).iloc[0, 0]
    raise SegError(
        f"{where}: column {field.source!r} mixes times with a UTC offset ({int(count.zoned):,}, such as "
        f"{example!r}) and without one "
        f"({int(count.unzoned):,}); write all of them in one way"
    )


def _where(source: Source) -> str:
    return str(source.paths[0]) + (f" and {len(source.paths) - 1} more" if len(source.paths) > 1 else "")
