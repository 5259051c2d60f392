"""The two kinds of table, and how text becomes their typed columns.

``transactions`` hold one row an order line, ``customers`` one row a customer. An adapter names the columns of
its files as `Field` objects; one number grammar and one date format a column are applied here, on any
engine, and what does not parse is a bad row: an error with row and value, or set aside and counted
(``bad_rows=skip``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import ibis
import numpy as np
import pandas as pd
from ibis.expr import types as ir

from seg.engine import REJECT_COLUMNS, Engine, Raw, Reading
from seg.errors import SegError
from seg.sources.locate import Source

TRANSACTIONS = {
    "customer_id": "string",
    "order_id": "string",
    "ordered_at": "timestamp",
    "amount": "float64",
    "is_return": "boolean",
}
SHOWN = 5  # bad rows shown in an error
# Milliseconds since 1970 from April 1970 to the year 5138: what is below is seconds, what is above microseconds.
EPOCH_MS = (10**10, 10**14)


@dataclass(frozen=True)
class Field:
    """One column to read.

    Parameters
    ----------
    name : str
        Its name in seg.
    source : str
        Its name in the files.
    kind : {"id", "text", "number", "time", "epoch_ms", "milliseconds", "flag"}
        How its text is read; ``epoch_ms`` is a time written as whole milliseconds since 1970, ``milliseconds`` these themselves (at
        fault where the time is, which tells), ``flag`` true or false.
    required : bool
        Whether a row without a value is a bad row.
    format : str, optional
        Of a time, spelled as for ``strptime``; ISO 8601 when left out.
    """

    name: str
    source: str
    kind: str = "text"
    required: bool = False
    format: str | None = None


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
    """A typed table, and what was set aside: file, line, reason, text; and how some of its columns are looked up, if they are.

    ``line`` is the line of the file where a line is malformed, and the row of data (the header and malformed
    lines not counted) where a value does not parse; the reason tells which.
    """

    table: ir.Table
    rejects: pd.DataFrame
    lookup: Lookup | None = None


def load_fields(
    engine: Engine,
    source: Source,
    fields: Sequence[Field],
    reading: Reading,
    bad_rows: str = "fail",
    decimal: str = ".",
) -> Loaded:
    """Read the files of a source into typed columns.

    Raises
    ------
    SegError
        A column is missing, a file is empty, no row is left, or, with ``bad_rows="fail"``, a line is malformed, a
        value does not parse or a required one is missing: the message names row and value.
    """
    computing, engine = engine, engine.reader(source.paths)
    raw = engine.read(source.paths, list(dict.fromkeys(field.source for field in fields)), reading)
    where = _where(source)
    if len(raw.rejects) and bad_rows == "fail":
        raise SegError(_malformed(where, raw.rejects))
    fields = [_with_zone(engine, raw, field, where) for field in fields]
    columns = {field.name: _typed(engine, raw, field, decimal, where) for field in fields}
    faults = {
        field.name: ibis.literal(False)
        if _faultless(raw, field)
        else _fault(raw.table[field.source], columns[field.name], field.required)
        for field in fields
    }
    faulty = ibis.or_(*faults.values())
    typed = raw.table.select(**columns, _faulty=faulty)
    # Text is parsed once and kept; a typed file is cheap to scan again and may be larger than this machine.
    typed = engine.checkpoint(typed) if raw.stored else typed
    count = engine.collect(typed.aggregate(rows=typed.count(), bad=typed._faulty.sum().fill_null(0)))
    rows, bad = int(count.rows[0]), int(count.bad[0])
    if not rows and not len(raw.rejects):
        raise SegError(f"{where}: a header but no rows; expected at least one row of data")
    rejects = raw.rejects
    if bad:
        found = engine.collect(_bad_rows(raw, fields, faults, faulty, None if bad_rows == "skip" else SHOWN))
        listing = _describe(found, fields, where)
        if bad_rows == "fail":
            raise SegError(_unparsed(where, bad, rows, listing))
        rejects = pd.concat([part for part in (rejects, listing) if len(part)])
        rejects = rejects[REJECT_COLUMNS].reset_index(drop=True)
    if rows == bad:
        raise SegError(
            f"{where}: none of its {rows + len(raw.rejects):,} rows can be used; run with "
            "dataset.bad_rows=fail to see why"
        )
    good = (typed.filter(~typed._faulty) if bad else typed).drop("_faulty")
    if not bad and not raw.stored:
        good = raw.table.select(**columns | _proven(engine, raw, fields))
    return Loaded(computing.adopt(good, engine), rejects)


def transactions(table: ir.Table) -> ir.Table:
    """Give a table the columns that every transactions table has, in order, attributes after them.

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
    typed = {name: table[name].cast(kind) for name, kind in TRANSACTIONS.items() if name in table.columns}
    return table.select(**typed, **{name: table[name] for name in table.columns if name not in typed})


# ---- leaves: one grammar, the same on every engine ---------------------------------------------------------


def number(text: ir.StringValue, decimal: str = ".") -> ir.FloatingValue:
    """Read a number; NULL where the text is not one finite decimal number.

    Engines disagree on ``1_000`` and ``+-1`` (numbers for one), ``12d`` (for another), ``Infinity`` and ``NaN``: none
    is one here.
    """
    text = text.strip()
    if decimal == ",":
        text = (text.contains(".")).ifelse(ibis.null("string"), text.replace(",", "."))
    value = text.try_cast("float64")
    plain = ~text.contains("_") & ~text.contains("+-") & ~text.right(1).isin(["d", "D", "f", "F"])
    return (plain & ~value.isnan() & ~value.isinf()).ifelse(value, ibis.null("float64"))


def identifier(text: ir.StringValue) -> ir.StringValue:
    """Read an id: trimmed, blank is NULL, and 17850.0 (a number that once had gaps beside it) is 17850."""
    text = text.strip().nullif("")
    digits = text.left(text.length() - 2)
    whole = text.endswith(".0") & digits.re_search(r"^[0-9]+\z")
    return whole.ifelse(digits, text)


def _typed(engine: Engine, raw: Raw, field: Field, decimal: str, where: str) -> ir.Value:
    column = raw.table[field.source]
    if field.kind in ("epoch_ms", "milliseconds"):
        whole = _milliseconds(column, field, where)
        return engine.epoch_ms(whole) if field.kind == "epoch_ms" else whole
    if not column.type().is_string():
        return _converted(column, field, where)
    if field.kind == "flag":
        word = column.strip().lower()
        return word.isin(["true", "false"]).ifelse(word == "true", ibis.null("boolean"))
    if field.kind == "number":
        # Cells of a workbook are numbers: their text has a point whatever the decimal sign of the country.
        return number(column, "." if raw.typed_cells else decimal)
    if field.kind == "time":
        text = column.strip().nullif("")
        if field.format == "offset":
            return engine.instant(text)
        value = engine.timestamp(text, field.format)
        return (
            ibis.coalesce(value, engine.timestamp(text, None)) if raw.typed_cells and field.format else value
        )
    if field.kind == "id":
        return identifier(column)
    return column if field.source in raw.complete else column.nullif("")


def _proven(engine: Engine, raw: Raw, fields: Sequence[Field]) -> dict[str, ir.Value]:
    """Read once more what has been found without fault: an engine skips rows sooner by times that it need not test."""
    whole = {
        field: raw.table[field.source].cast("int64")
        for field in fields
        if field.kind in ("epoch_ms", "milliseconds") and raw.table[field.source].type().is_integer()
    }
    return {
        field.name: engine.epoch_ms(value) if field.kind == "epoch_ms" else value
        for field, value in whole.items()
    }


def _milliseconds(column: ir.Value, field: Field, where: str) -> ir.IntegerValue:
    """Read whole milliseconds since 1970; NULL for what is none, seconds and microseconds among them."""
    if column.type().is_string():
        text = column.strip()
        column = text.re_search("^[0-9]{1,18}$").ifelse(text, ibis.null("string")).try_cast("int64")
    if not column.type().is_integer():
        raise SegError(
            f"{where}: column {field.source!r} holds {column.type()}, expected milliseconds since 1970, "
            "such as 1694649600000"
        )
    column = column.cast("int64")
    return column.between(EPOCH_MS[0], EPOCH_MS[1] - 1).ifelse(column, ibis.null("int64"))


def _converted(column: ir.Value, field: Field, where: str) -> ir.Value:
    """Convert a column that the file has typed already (Parquet)."""
    kind = column.type()
    wrong = kind.is_nested() or kind.is_binary() or kind.is_unknown()
    if field.kind == "number" and not wrong and (kind.is_numeric() or kind.is_boolean()):
        value = column.cast("float64")
        if not (kind.is_floating() or kind.is_decimal()):
            return value
        return (value.isnan() | value.isinf()).ifelse(ibis.null("float64"), value)
    if field.kind == "time" and (kind.is_timestamp() or kind.is_date()):
        return column.cast("timestamp(6)")
    if field.kind == "flag" and kind.is_boolean():
        return column
    if wrong or field.kind in ("number", "time", "flag"):
        expected = {
            "number": "a number",
            "time": "a date, a timestamp or ISO 8601 text",
            "flag": "true or false",
        }
        expected = expected.get(field.kind, "text")
        raise SegError(
            f"{where}: column {field.source!r} holds {kind}, expected {expected}; write it so, or map "
            "another column"
        )
    if kind.is_floating():
        # Ids that once had gaps beside them: 17850.0 is 17850, and 12.5 is no whole number to round.
        whole = column.try_cast("int64")
        text = (whole.cast("float64") == column).ifelse(whole.cast("string"), column.cast("string"))
        return column.isnan().ifelse(ibis.null("string"), text)
    return column.cast("string")


def _faultless(raw: Raw, field: Field) -> bool:
    """Say whether no value can be at fault: of millions of rows, to look for what cannot be costs as much as the rest."""
    if field.kind == "milliseconds":
        return True
    kind = raw.table[field.source].type()
    if field.kind == "text" and (field.source in raw.complete or (kind.is_string() and not field.required)):
        return True
    if field.source in raw.bounds and field.kind == "epoch_ms" and kind.is_integer():
        smallest, largest = raw.bounds[field.source]
        return EPOCH_MS[0] <= smallest and largest < EPOCH_MS[1]
    if field.source in raw.bounds and field.kind == "number" and kind.is_floating():
        return not field.required  # NaN, a missing number, is in no statistics
    whole = kind.is_integer() or kind.is_boolean()
    return whole and not field.required and field.kind in ("text", "number", "flag")


def _fault(raw: ir.Value, value: ir.Value, required: bool) -> ir.BooleanValue:
    if required:
        return value.isnull()
    if raw.type().is_string():
        # An empty cell is NULL in some files and blank in others; in neither is it at fault, and NULL is not
        # false.
        return value.isnull() & (raw.strip() != "").fill_null(False)
    # NaN is how pandas writes a missing number.
    given = raw.notnull() & ~raw.isnan() if raw.type().is_floating() else raw.notnull()
    return value.isnull() & given


def _with_zone(engine: Engine, raw: Raw, field: Field, where: str) -> Field:
    """Decide whether the times of a column carry a UTC offset: all of them or none, never a mix."""
    column = raw.table[field.source]
    if field.kind != "time" or field.format or not column.type().is_string():
        return field
    zoned, unzoned = engine.zoned(column.strip()), engine.unzoned(column.strip())
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


def _bad_rows(
    raw: Raw, fields: Sequence[Field], faults: dict, faulty: ir.BooleanValue, limit: int | None
) -> ir.Table:
    table = raw.table
    # An engine that reads in no order says of each row where it is; the embedded one reads in order.
    file, row = (
        [table[name] for name in raw.place] if raw.place else (ibis.null("string"), ibis.row_number() + 1)
    )
    numbered = table.select(
        file=file,
        row=row,
        faulty=faulty,
        **{f"fault_{field.name}": faults[field.name] for field in fields},
        **{f"raw_{field.name}": _shown(table[field.source]) for field in fields},
    )
    found = numbered.filter(numbered.faulty).order_by("file", "row")
    return found if limit is None else found.limit(limit)


def _shown(column: ir.Value) -> ir.StringValue:
    """Spell a value for an error as every engine does: NaN is a missing number, and infinity has one name."""
    text = column.cast("string")
    if not column.type().is_floating():
        return text
    return ibis.cases((column.isnan(), ibis.null("string")), (column.isinf(), "infinite"), else_=text)


def _describe(found: pd.DataFrame, fields: Sequence[Field], where: str) -> pd.DataFrame:
    expected = {
        "number": "a finite number",
        "id": "an id",
        "text": "a text",
        "time": "a date",
        "flag": "true or false",
        "epoch_ms": "milliseconds since 1970, such as 1694649600000",
    }
    rows = []
    for row in found.to_dict("records"):
        reasons = []
        for field in fields:
            if not row[f"fault_{field.name}"]:
                continue
            value = row[f"raw_{field.name}"]
            wanted = expected[field.kind] + (
                f" like {field.format}" if field.format not in (None, "offset") else ""
            )
            wanted = "an ISO 8601 date" if wanted == "a date" else wanted
            blank = pd.isna(value) or not str(value).strip()
            follows = "" if blank or field.kind != "epoch_ms" else _dates_that_follow(str(value))
            reasons.append(
                f"{field.source} is {'missing' if blank else repr(value)}, expected {wanted}{follows}"
            )
        text = ",".join(
            "" if pd.isna(row[f"raw_{field.name}"]) else str(row[f"raw_{field.name}"]) for field in fields
        )
        file = where if pd.isna(row["file"]) else row["file"]
        rows.append((file, int(row["row"]), "; ".join(reasons), text))
    return pd.DataFrame(rows, columns=REJECT_COLUMNS)


def _dates_that_follow(text: str) -> str:
    """Say of which days a number of another unit would be: nobody sees from 1589664000 that it is of 2020."""
    if not text.isdigit():
        return ""
    stamp, days = int(text), {}
    for unit, per_day in (
        ("ms", 86_400_000),
        ("s", 86_400),
        ("us", 86_400_000_000),
        ("ns", 86_400_000_000_000),
    ):
        # What numpy's days cannot hold has no year that anyone means.
        days[unit] = str(np.datetime64(stamp // per_day, "D")) if stamp // per_day < 3_000_000 else ""
    unit = "s" if stamp < EPOCH_MS[0] else "us" if days["us"] else "ns"
    if not days[unit]:
        return ""
    word, mend = {
        "s": ("seconds", "multiply by 1000"),
        "us": ("microseconds", "divide by 1000"),
        "ns": ("nanoseconds", "divide by 1000000"),
    }[unit]
    seen = f"as milliseconds it would be of {days['ms']}, " if days["ms"] else ""
    return f": {seen}as {word} of {days[unit]}; if they are {word}, {mend}"


def _where(source: Source) -> str:
    return str(source.paths[0]) + (f" and {len(source.paths) - 1} more" if len(source.paths) > 1 else "")


def _malformed(where: str, rejects: pd.DataFrame) -> str:
    shown = "\n".join(
        f"  line {row.line}: {row.reason}\n    {str(row.text)[:160]}"
        for row in rejects.head(SHOWN).itertuples()
    )
    encoding = rejects["reason"].str.contains("utf-8", case=False).any()
    advice = (
        "not UTF-8: set dataset.encoding (such as windows-1252), "
        if encoding
        else "mend the file (or dataset.delimiter), "
    )
    return f"{where}: {len(rejects):,} malformed lines\n{shown}\n  {advice}or leave them out with dataset.bad_rows=skip"


def _unparsed(where: str, bad: int, rows: int, listing: pd.DataFrame) -> str:
    shown = "\n".join(
        f"  row {row.line:,}{'' if row.file == where else f' of {row.file}'}: {row.reason}"
        for row in listing.itertuples()
    )
    return (
        f"{where}: {bad:,} of {rows:,} rows cannot be read\n{shown}\n"
        "  mend them, set dataset.date_format (as for strptime, e.g. %d.%m.%Y) or dataset.decimal, "
        "or leave them out with dataset.bad_rows=skip"
    )
