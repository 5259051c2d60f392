"""From the text, or the typed values, of one column to what seg computes with: one grammar, the same on every engine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import ibis
from ibis.expr import types as ir

from seg.engine import Engine, Raw, Reading
from seg.errors import SegError
from seg.sources import date_formats, month_names
from seg.sources.date_formats import COUNTED, EPOCH_MS, INSTANTS
from seg.sources.number_formats import BLANK, NumberFormat, fraction, number, plain, plain_number

# 1.0284E+04 is how a spreadsheet shows 10284 in a narrow column, 1.23457E+12 what it leaves of a long id.
SHORTENED = r"^[0-9](?:[.][0-9]+)?[eE][+][0-9]{2}\z"
EXACT = 2.0**53  # whole numbers from here on are not exact as floats
# An object or an array of JSON in the place of an id; a GUID in braces is none.
NESTED = r'^(?:[{]"[^"]*" *:|[\[] *["{0-9].*\]\z)'
# Most ids: nothing to strip and nothing to mend. One look decides, where the patterns above take ten.
SIMPLE = r"^[0-9A-Za-z_-]+\z"
YEARS = datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59, 999_999)  # that Python and Spark can hold
PERCENT = "percent"  # format of a number: the text ends in % and is a fraction
MISSING_WORDS = ("na", "n/a", "nan", "null", "none", "?", "-")


@dataclass(frozen=True)
class Field:
    """One column to read.

    Parameters
    ----------
    name : str
        Its name in seg.
    source : str
        Its name in the files.
    kind : {"id", "row", "text", "number", "time", "epoch_ms", "milliseconds", "flag"}
        How its text is read; ``epoch_ms`` is a time written as whole milliseconds since 1970, ``milliseconds`` the number
        itself (faults are reported for the time), ``flag`` true or false, ``row`` the number of the row, whatever the column
        holds.
    required : bool
        Whether a row without a value is a bad row.
    format : str, optional
        Of a time: a format of ``strptime``, ``excel`` or ``epoch_s`` to ``epoch_ns``; ISO 8601 when left out. Of a number:
        ``percent``, see `seg.sources.percentages`.
    missing_words : bool
        Whether ``NA``, ``null`` and the like are missing values instead of faults.
    if_missing : str, optional
        What to do where values are missing, for errors.
    percent : bool
        Whether a column of percentages is read as fractions; an amount of money is none.
    """

    name: str
    source: str
    kind: str = "text"
    required: bool = False
    format: str | None = None
    missing_words: bool = False
    if_missing: str | None = None
    percent: bool = False


@dataclass(frozen=True)
class Dialect:
    """How numbers and times of a data set are written."""

    numbers: NumberFormat = field(default_factory=NumberFormat)
    time_zone: str | None = None
    id_case: str = "keep"
    plain: frozenset[str] = frozenset()  # columns of text that hold plain numbers, blanks, and nothing else

    @classmethod
    def of(cls, reading: Reading, decimal: str) -> Dialect:
        """Return the checked dialect of a data set."""
        date_formats.check_zone(reading.time_zone)
        if reading.id_case not in ("keep", "lower"):
            raise SegError(f"dataset.id_case={reading.id_case}: expected keep or lower")
        return cls(NumberFormat(decimal, reading.thousands).checked(), reading.time_zone, reading.id_case)


def identifier(text: ir.StringValue, case: str = "keep") -> ir.StringValue:
    """Read an id: without blanks around it, blank is NULL, 17850.0 is 17850 and 1.0284E+04 is 10284.

    An id that a spreadsheet has shortened for good (1.23457E+12) is NULL: its last digits are lost.
    """
    simple, written = text.re_search(SIMPLE), text
    text = text.re_replace(f"^{BLANK}+|{BLANK}+\\z", "").nullif("")
    digits = text.left(text.length() - 2)
    integral = text.endswith(".0") & digits.re_search(r"^[0-9]+\z")
    shortened = text.re_search(SHORTENED)
    exact = text.re_replace(r"[eE].*\z", "").length() - 2 >= text.right(2).try_cast("int32")
    value = text.try_cast("float64").round().cast("int64").cast("string")
    read = ibis.cases(
        (simple, written),
        (text.re_search(NESTED), ibis.null("string")),
        (integral, digits),
        (shortened & exact, value),
        (shortened, ibis.null("string")),
        else_=text,
    )
    return read.lower() if case == "lower" else read


def typed(engine: Engine, raw: Raw, field: Field, dialect: Dialect, where: str) -> ir.Value:
    """Convert a column of the files to the type of a field; NULL where a value does not fit.

    Parameters
    ----------
    engine : Engine
        The one that has read `raw`.
    raw : Raw
    field : Field
    dialect : Dialect
    where : str
        Name of the files, for errors.

    Raises
    ------
    SegError
        The column has a type that no value of the field can come from.
    """
    column = raw.table[field.source]
    if field.kind == "row":
        row = raw.table[raw.place[1]] if raw.place else ibis.row_number() + 1
        return row.cast("string")
    if field.kind in ("epoch_ms", "milliseconds"):
        milliseconds = _milliseconds(column, field, where)
        return engine.epoch_ms(milliseconds) if field.kind == "epoch_ms" else milliseconds
    if field.kind == "time":
        return _time(engine, raw, field, dialect, where)
    if not column.type().is_string():
        return _converted(column, field, where)
    if field.kind == "flag":
        word = column.strip().lower()
        return word.isin(["true", "false"]).ifelse(word == "true", ibis.null("boolean"))
    if field.kind == "number":
        return _number(raw, column, field, dialect)
    if field.kind == "id":
        return identifier(column, dialect.id_case)
    return column if field.source in raw.complete else column.nullif("")


def with_plain(engine: Engine, raw: Raw, fields: Sequence[Field], dialect: Dialect) -> Dialect:
    """Find the columns of plain numbers, in one pass: what reads every spelling is too much for hundreds of columns.

    Parameters
    ----------
    engine : Engine
    raw : Raw
    fields : sequence of Field
        Those of numbers are looked at where the file holds text.
    dialect : Dialect
        How numbers are written.

    Returns
    -------
    Dialect
        The same with the columns of plain numbers.
    """
    sources = {
        field.source
        for field in fields
        if field.kind == "number" and raw.table[field.source].type().is_string()
    }
    places = dict(enumerate(sorted(sources)))
    if not places:
        return dialect
    other = {
        f"of {place}": (~plain(raw.table[name], dialect.numbers)).sum() for place, name in places.items()
    }
    counts = engine.collect(raw.table.aggregate(**other)).iloc[0]
    plain_columns = frozenset(name for place, name in places.items() if not counts[f"of {place}"] > 0)
    return replace(dialect, plain=plain_columns)


def _number(raw: Raw, column: ir.StringValue, field: Field, dialect: Dialect) -> ir.FloatingValue:
    if field.format == PERCENT:
        return fraction(column, dialect.numbers)
    if column.get_name() in dialect.plain:
        return plain_number(column, dialect.numbers)
    declared = number(column, dialect.numbers)
    if not raw.workbook or dialect.numbers == NumberFormat():
        return declared
    # Cells that are numbers have a point whatever the decimal sign of the country, cells of text have the declared one.
    return ibis.coalesce(number(column), declared)


def _time(engine: Engine, raw: Raw, field: Field, dialect: Dialect, where: str) -> ir.TimestampValue:
    column = raw.table[field.source]
    kind = column.type()
    if kind.is_timestamp() or kind.is_date():
        zoned = field.source in raw.instants or (kind.is_timestamp() and kind.timezone is not None)
        value = _local(engine, column.cast("timestamp(6)"), dialect.time_zone if zoned else None)
        return value.between(*YEARS).ifelse(value, ibis.null("timestamp(6)"))
    if field.format in COUNTED and (kind.is_string() or kind.is_numeric()):
        value = engine.epoch_ms(date_formats.milliseconds(column, field.format, dialect.numbers))
        value = _local(engine, value, dialect.time_zone if field.format in INSTANTS else None)
        if not (kind.is_string() and raw.typed_cells):
            return value
        return ibis.coalesce(value, engine.timestamp(column.strip(), None))
    if kind.is_numeric() and not kind.is_decimal() and field.format not in (None, "offset"):
        column = column.cast("int64").cast("string")  # 20240131
    if not column.type().is_string():
        return _converted(raw.table[field.source], field, where)
    if field.format == "offset":
        return _local(engine, engine.instant(canonical_offset(column)), dialect.time_zone)
    text = column.strip().nullif("")
    if field.format in date_formats.WORDED:
        return _local(engine, engine.instant(date_formats.with_offset(text, field.format)), dialect.time_zone)
    value = _dated(engine, text, field.format)
    if (field.format or "").endswith(date_formats.ZONES):
        value = _local(engine, value, dialect.time_zone)
    return ibis.coalesce(value, engine.timestamp(text, None)) if raw.typed_cells and field.format else value


def _dated(engine: Engine, text: ir.StringValue, format: str | None) -> ir.TimestampValue:
    """Read times in a format of ``strptime``, or ISO 8601; a week is its Monday, and months may have names in other languages."""
    if format is None:
        return engine.timestamp(text, None)
    text = text.re_replace(*date_formats.half_days(format)) if "%p" in format else text
    text = text.re_replace(*month_names.ORDINAL) if month_names.named(format) else text
    more, directive = date_formats.start_of_week(format)
    value = engine.timestamp(text + more if more else text, format + directive)
    if not month_names.named(format):
        return value
    spelled = month_names.english(text, format).strip()
    return ibis.coalesce(value, engine.timestamp(spelled, month_names.undated(format).strip()))


def canonical_offset(column: ir.StringValue) -> ir.StringValue:
    """Spell ``UTC``, ``GMT`` and an offset behind a blank as ISO 8601 does; the name of a zone behind an offset is dropped."""
    text = column.strip().nullif("").re_replace(r"(Z|[+-][0-9]{2}:?[0-9]{2})\[[A-Za-z0-9_/+-]+\]\z", r"\1")
    text = text.re_replace(r"([0-9]) *(?:UTC|GMT)\z", r"\1Z")
    return text.re_replace(r"(:[0-9]{2}(?:[.][0-9]+)?) +(Z|[+-][0-9]{2}:?[0-9]{0,2})\z", r"\1\2")


def _local(engine: Engine, time: ir.TimestampValue, zone: str | None) -> ir.TimestampValue:
    return time if zone is None else engine.wall_clock(time, zone)


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


EXPECTED = {
    "number": "a number",
    "time": "a date, a timestamp or ISO 8601 text",
    "flag": "true or false",
}


def _converted(column: ir.Value, field: Field, where: str) -> ir.Value:
    """Convert a column that the file has typed already (Parquet)."""
    kind = column.type()
    wrong = kind.is_nested() or kind.is_binary() or kind.is_unknown() or kind.is_interval() or kind.is_time()
    # True is 1 as a feature of a customer, and no amount of money.
    counts = kind.is_numeric() or (kind.is_boolean() and field.percent)
    if field.kind == "number" and not wrong and counts:
        value = column.cast("float64")
        if not (kind.is_floating() or kind.is_decimal()):
            return value
        return (value.isnan() | value.isinf()).ifelse(ibis.null("float64"), value)
    if field.kind == "flag" and kind.is_boolean():
        return column
    if wrong or field.kind in ("number", "time", "flag"):
        advice = "write it so, or map another column"
        if field.kind == "time" and kind.is_numeric():
            advice = (
                "declare what the numbers are with dataset.date_format: %Y%m%d for 20240131, excel for serial numbers of a "
                "spreadsheet, epoch_s, epoch_ms, epoch_us or epoch_ns for seconds to nanoseconds since 1970"
            )
        holds = "durations" if kind.is_interval() else kind
        raise SegError(
            f"{where}: column {field.source!r} holds {holds}, expected {EXPECTED.get(field.kind, 'text')}; {advice}"
        )
    if kind.is_floating():
        # Ids that once had gaps beside them: 17850.0 is 17850, and 12.5 is no whole number to round.
        integer = column.try_cast("int64")
        text = (integer.cast("float64") == column).ifelse(integer.cast("string"), column.cast("string"))
        lost = column.abs() >= EXACT if field.kind == "id" else ibis.literal(False)
        return (column.isnan() | lost).ifelse(ibis.null("string"), text)
    return column.cast("string")


def proven(engine: Engine, raw: Raw, fields: list[Field]) -> dict[str, ir.Value]:
    """Return simpler expressions for columns without a fault: engines skip rows by times they need not test.

    Parameters
    ----------
    engine : Engine
    raw : Raw
    fields : list of Field
        Only those of whole milliseconds get an expression.

    Returns
    -------
    dict of str to ir.Value
        By the name of the field.
    """
    integers = {
        field: raw.table[field.source].cast("int64")
        for field in fields
        if field.kind in ("epoch_ms", "milliseconds") and raw.table[field.source].type().is_integer()
    }
    return {
        field.name: engine.epoch_ms(value) if field.kind == "epoch_ms" else value
        for field, value in integers.items()
    }
