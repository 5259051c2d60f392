"""Rows that cannot be read: found by expressions of any engine, described for people, limited in number."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import ibis
import numpy as np
import pandas as pd
from ibis.expr import types as ir

from seg.engine import REJECT_COLUMNS, Engine, Raw
from seg.errors import SegError, brief
from seg.sources.date_formats import EPOCH_MS
from seg.sources.format_advice import advice
from seg.sources.number_formats import BLANK
from seg.sources.typed_values import MISSING_WORDS, SHORTENED, Field

SHOWN = 5  # bad rows shown in an error
# A line of totals below the rows, which spreadsheets are exported with.
TOTAL = "(?i)^[ ]*(?:grand |sub)?-?(?:total|sum|summe|gesamt|insgesamt|totale|toplam|suma|somme)s?:?[ ]*$"


def faultless(raw: Raw, field: Field) -> bool:
    """Return True if no value can be at fault: among millions of rows, a search for nothing costs as much as the rest."""
    if field.kind in ("milliseconds", "row"):
        return True
    kind = raw.table[field.source].type()
    if field.kind == "text" and (field.source in raw.complete or (kind.is_string() and not field.required)):
        return True
    if field.source in raw.bounds and field.kind == "epoch_ms" and kind.is_integer():
        smallest, largest = raw.bounds[field.source]
        return EPOCH_MS[0] <= smallest and largest < EPOCH_MS[1]
    if field.source in raw.bounds and field.kind == "number" and kind.is_floating():
        return not field.required  # NaN, a missing number, is in no statistics
    exact = kind.is_integer() or kind.is_boolean()
    return exact and not field.required and field.kind in ("text", "number", "flag")


def fault(raw: ir.Value, value: ir.Value, field: Field, plain: bool = False) -> ir.BooleanValue:
    """Return whether a value is at fault: it does not fit, or is missing where one is required; `plain` texts have no blanks.

    Parameters
    ----------
    raw : ir.Value
        The value as it stands in the file.
    value : ir.Value
        The same with its type; NULL where it could not be read.
    field : Field
    plain : bool
        Whether the texts are known to be plain numbers.

    Returns
    -------
    ir.BooleanValue
    """
    if field.required:
        return value.isnull()
    if plain:
        return value.isnull() & (raw != "").fill_null(False)
    if raw.type().is_string():
        # An empty cell is NULL in some files and blank in others; in neither is it at fault, and NULL is not false.
        text = raw.re_replace(f"^{BLANK}+|{BLANK}+\\z", "")
        filled = text != ""
        if field.missing_words:
            filled = filled & ~text.lower().isin(MISSING_WORDS)
        return value.isnull() & filled.fill_null(False)
    # NaN is how pandas writes a missing number.
    filled = raw.notnull() & ~raw.isnan() if raw.type().is_floating() else raw.notnull()
    return value.isnull() & filled


def faults(
    raw: Raw, fields: Sequence[Field], columns: Mapping[str, ir.Value], plain: Collection[str] = ()
) -> dict[str, ir.BooleanValue]:
    """Return for each field whether its value is at fault; `plain` are columns of plain numbers.

    Parameters
    ----------
    raw : Raw
    fields : sequence of Field
    columns : mapping of str to ir.Value
        Typed values by the name of the field.
    plain : collection of str
        Columns of the file.

    Returns
    -------
    dict of str to ir.BooleanValue
    """
    return {
        field.name: ibis.literal(False)
        if faultless(raw, field)
        else fault(raw.table[field.source], columns[field.name], field, field.source in plain)
        for field in fields
    }


def any_of(flags: Sequence[ir.BooleanValue]) -> ir.BooleanValue:
    """Combine flags with "or", in a tree that stays shallow for hundreds of columns."""
    if len(flags) == 1:
        return flags[0]
    half = len(flags) // 2
    return any_of(flags[:half]) | any_of(flags[half:])


@dataclass(frozen=True)
class Faults:
    """The faults of a table: per field whether its value is at fault, and whether any of a row's is."""

    raw: Raw
    fields: Sequence[Field]
    by_field: Mapping[str, ir.BooleanValue]

    @property
    def any(self) -> ir.BooleanValue:
        """Whether a row has a fault."""
        return any_of(list(self.by_field.values()))


def rows_where(
    raw: Raw, fields: Sequence[Field], flags: Mapping[str, ir.BooleanValue], limit: int | None
) -> ir.Table:
    """Select the rows in which a flag is set: where each is, which flags are set, and the text of its fields.

    Parameters
    ----------
    raw : Raw
    fields : sequence of Field
    flags : mapping of str to ir.BooleanValue
        By the name of the field.
    limit : int or None
        Rows to select, all if None.

    Returns
    -------
    ir.Table
        ``file``, ``row``, ``faulty``, and ``fault_<field>`` and ``raw_<field>`` of each field.
    """
    table = raw.table
    # An engine that reads in no order tells of each row where it is; the embedded one reads in order.
    file, row = (
        [table[name] for name in raw.place] if raw.place else (ibis.null("string"), ibis.row_number() + 1)
    )
    numbered = table.select(
        file=file,
        row=row,
        faulty=any_of(list(flags.values())),
        **{f"fault_{field.name}": flags.get(field.name, ibis.literal(False)) for field in fields},
        **{f"raw_{field.name}": _shown(table[field.source]) for field in fields},
    )
    rows = numbered.filter(numbered.faulty).order_by("file", "row")
    return rows if limit is None else rows.limit(limit)


def _shown(column: ir.Value) -> ir.StringValue:
    """Spell a value for an error as every engine does: NaN is a missing number, and infinity has one name."""
    text = column.cast("string")
    if not column.type().is_floating():
        return text
    return ibis.cases((column.isnan(), ibis.null("string")), (column.isinf(), "infinite"), else_=text)


EXPECTED = {
    "number": "a finite number",
    "id": "an id",
    "text": "a text",
    "time": "a date",
    "flag": "true or false",
    "epoch_ms": "milliseconds since 1970, such as 1694649600000",
}


def described(rows: pd.DataFrame, fields: Sequence[Field], where: str) -> pd.DataFrame:
    """Describe bad rows, as `rows_where` has selected them: file, line, reason, text.

    Parameters
    ----------
    rows : DataFrame
    fields : sequence of Field
    where : str
        Name of the source, for rows of which no file is known.

    Returns
    -------
    DataFrame
        One row a bad row.
    """
    fields = [field for field in fields if field.kind != "row"]
    listing = []
    for row in rows.to_dict("records"):
        values = [None if pd.isna(value := row[f"raw_{field.name}"]) else str(value) for field in fields]
        pairs = zip(fields, values, strict=True)
        reasons = [_reason(field, value) for field, value in pairs if row[f"fault_{field.name}"]]
        if any(re.search(TOTAL, value or "") for value in values):
            reasons.append("it looks like a line of totals")
        text = ",".join(value or "" for value in values)
        listing.append(
            (where if pd.isna(row["file"]) else row["file"], int(row["row"]), "; ".join(reasons), text)
        )
    return pd.DataFrame(listing, columns=REJECT_COLUMNS)


def _reason(field: Field, value: str | None) -> str:
    expected = EXPECTED[field.kind]
    if field.kind == "time":
        declared = field.format not in (None, "offset")
        expected = f"a date like {field.format}" if declared else "an ISO 8601 date"
    if value is None or not re.sub(BLANK, "", value):
        return f"{field.source} is missing, expected {expected}"
    more = _dates_that_follow(value) if field.kind == "epoch_ms" else ""
    if field.kind == "id" and re.fullmatch(SHORTENED.replace(r"\z", ""), value.strip()):
        more = ": a spreadsheet has dropped its last digits; export the column as text"
    if field.kind == "id" and re.fullmatch(r"[0-9]{16,}([.]0)?", value.strip()):
        more = ": the column holds floats, which keep 15 to 16 digits; write it as text or as whole numbers"
    return f"{field.source} is {brief(value)}, expected {expected}{more}"


def _dates_that_follow(text: str) -> str:
    """Show the days a number of another unit would be: nobody sees from 1589664000 that it is of 2020."""
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
    in_milliseconds = f"as milliseconds it would be of {days['ms']}, " if days["ms"] else ""
    return f": {in_milliseconds}as {word} of {days[unit]}; if they are {word}, {mend}"


# ---- errors ------------------------------------------------------------------------------------------------


def malformed(where: str, rejects: pd.DataFrame, rows: int, limit: float) -> SegError:
    """Build the error for lines that could not be split into fields.

    Parameters
    ----------
    where : str
        Name of the source.
    rejects : DataFrame
        Lines that could not be split.
    rows : int
        Lines that could.
    limit : float
        Largest share of the lines that may be skipped.

    Returns
    -------
    SegError
    """
    shown = "\n".join(
        f"  line {row.line}: {row.reason}\n    {str(row.text)[:160]}"
        for row in rejects.head(SHOWN).itertuples()
    )
    encoding = rejects["reason"].str.contains("utf-8", case=False).any()
    mend = (
        "not UTF-8: set dataset.encoding (such as windows-1252)"
        if encoding
        else "correct the file or dataset.delimiter"
    )
    if rejects["text"].head(SHOWN).str.contains('\\"', regex=False).all():
        mend = 'write a quote inside a field as "" and not as \\"'
    few = rows > 0 and len(rejects) <= limit * (len(rejects) + rows)
    skip = ", or leave the lines out with dataset.bad_rows=skip" if few else ""
    return SegError(f"{where}: {len(rejects):,} malformed lines\n{shown}\n  {mend}{skip}")


def unreadable(engine: Engine, faults: Faults, listing: pd.DataFrame, where: str, counts: Counts) -> SegError:
    """Build the error for rows with a fault: the first of them, and what the values of the columns look like.

    Parameters
    ----------
    engine : Engine
    faults : Faults
        Where the values are that do not fit.
    listing : DataFrame
        Bad rows, as `described` returns them.
    where : str
        Name of the source.
    counts : Counts
        Rows, bad rows, and how many may be skipped.

    Returns
    -------
    SegError
    """
    shown = "\n".join(
        f"  row {row.line:,}{'' if row.file == where else f' of {row.file}'}: {row.reason}"
        for row in listing.head(SHOWN).itertuples()
    )
    lines = advice(engine, faults.raw, faults.fields, faults.by_field)
    if not lines:
        few = counts.bad <= counts.limit * counts.rows and counts.bad < counts.rows
        lines = [
            "correct these rows, or leave them out with dataset.bad_rows=skip"
            if few
            else "correct these rows"
        ]
    head = f"{where}: {counts.bad:,} of {counts.rows:,} rows cannot be read"
    if counts.skip and counts.bad == counts.rows:
        head += ", so none is left to use"
    elif counts.skip:
        head += f", more than dataset.bad_rows_limit={counts.limit:g} allows to skip"
    return SegError("\n".join([head, shown, *(f"  {line}" for line in lines)]))


@dataclass(frozen=True)
class Counts:
    """Bad rows among all rows, the share of them that may be skipped, and whether they are to be."""

    bad: int
    rows: int
    limit: float
    skip: bool
