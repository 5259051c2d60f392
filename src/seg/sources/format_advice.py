"""What the values of a column look like, and the options that read them: the last lines of an error, and `seg data check`."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial

from ibis.expr import types as ir

from seg.engine import Engine, Raw
from seg.errors import brief, number_of
from seg.sources import date_formats, number_formats
from seg.sources.date_formats import COUNTED
from seg.sources.number_formats import NumberFormat
from seg.sources.oddities import SPREAD
from seg.sources.typed_values import MISSING_WORDS, Field

SAMPLE = 2_000  # different values that are looked at
LEVELS = 20  # different texts that make columns of zeros and ones
QUARTER = "(?i)[0-9]{4}[-/ ]?Q[1-4]|Q[1-4][-/ ]?[0-9]{4}"
NESTED = "it holds JSON objects or lists: write the value that is needed as a column of its own (pandas.json_normalize does)"
MIDNIGHT = r"\b24:00(:00)?\b"


def sample(engine: Engine, raw: Raw, source: str) -> Counter:
    """Count the most frequent values of a column, as text.

    Parameters
    ----------
    engine : Engine
    raw : Raw
    source : str
        Column of the file.

    Returns
    -------
    Counter
        How often each of at most `SAMPLE` texts occurs, blank ones left out.
    """
    column = raw.table[source].cast("string")
    values = raw.table.select(value=column).filter(column.notnull())
    counts = values.group_by("value").aggregate(times=values.count())
    frame = engine.collect(counts.order_by(counts.times.desc(), "value").limit(SAMPLE))
    return Counter(
        {text: int(times) for text, times in zip(frame["value"], frame["times"], strict=True) if text.strip()}
    )


def advice(
    engine: Engine, raw: Raw, fields: Sequence[Field], faults: Mapping[str, ir.BooleanValue]
) -> list[str]:
    """Look at the columns that have faults and return what to do about each, one sentence a column.

    Parameters
    ----------
    engine : Engine
    raw : Raw
    fields : sequence of Field
    faults : mapping of str to ir.BooleanValue
        By the name of the field, see `seg.sources.bad_rows.faults`.

    Returns
    -------
    list of str
    """
    possible = {name: one for name, one in faults.items() if isinstance(one, ir.BooleanColumn)}
    flagged = engine.collect(raw.table.aggregate(**{name: one.sum() for name, one in possible.items()})).iloc[
        0
    ]
    lines = []
    for field in fields:
        if not flagged.get(field.name):
            continue
        values = sample(engine, raw, field.source)
        look = {"time": partial(of_dates, workbook=raw.workbook), "number": of_numbers, "id": of_ids}.get(
            field.kind, lambda *_: None
        )
        line = of_other_digits(field, values) or look(field, values)
        wrong = [text for text in values if _is_no_number(text)] if field.kind == "number" else []
        if line is None and field.if_missing and wrong:
            line = f"{field.source}: {wrong[0]!r} is not a finite number; correct it, or leave such rows out with dataset.bad_rows=skip"
        elif line is None and raw.workbook and field.kind == "number" and not values:
            line = (
                f"{field.source}: no cell holds a value; if they hold formulas, open the workbook in a spreadsheet program and save it, "
                "which stores their values"
            )
        elif line is None and field.if_missing and not values:
            line = f"{field.source}: no row has a value; leave it out of dataset.features"
        elif line is None and field.if_missing:
            line = f"{field.source}: {int(flagged[field.name]):,} values are missing; {field.if_missing}"
        lines += [line] if line else []
    return lines


def of_other_digits(field: Field, values: Counter) -> str | None:
    """Return what to do about digits that are not 0 to 9, such as Arabic ones; no format of numbers or dates reads them."""
    digits = [one for text in values for one in text if one.isdecimal() and not one.isascii()]
    if field.kind not in ("time", "number") or not digits:
        return None
    return (
        f"{field.source}: has digits that are not 0 to 9, such as {digits[0]!r}; write its values with 0 to 9"
    )


def _is_no_number(text: str) -> bool:
    if text.strip().lower() in MISSING_WORDS:
        return False
    return all(number_formats.parse(text, one) is None for one in number_formats.EVERY)


def of_dates(field: Field, values: Counter, workbook: bool = False) -> str | None:
    """Return the date formats that a column looks like; of a workbook, cells that are dates need no format beside that of the others."""
    if workbook:
        texts = Counter(
            {text: times for text, times in values.items() if date_formats.day_of(text.strip(), None) is None}
        )
        values = texts or values
    special = _beside_formats(field, values)
    if special is not None:
        return special
    formats = date_formats.proposals(values.elements())
    total = values.total()
    formats = [one for one in formats if one.format != field.format or one.values < total]
    if not formats and values and not date_formats.proposals(values.elements()):
        return f"{field.source}: no date format that seg knows reads {brief(next(iter(values)))}; " + (
            NESTED
            if _nested(values)
            else "declare it as strptime spells it (dataset.date_format), or write the dates like 2024-01-31"
        )
    if not formats or (len(formats) == 1 and formats[0].format == field.format):
        return None
    if formats[0].values >= 0.98 * total:
        options = " or ".join(one.override for one in formats)
        unsure = ": day and month cannot be told apart" if len(formats) > 1 else ""
        first, last = formats[0].first, formats[0].last
        return f"{field.source}: set {options}{unsure} ({first} to {last})"
    named = " and ".join(f"{one.named} ({number_of(one.values, 'row')})" for one in formats)
    if len(formats) == 1:
        other = next(text for text in values if date_formats.day_of(text.strip(), formats[0].format) is None)
        return (
            f"{field.source}: {named} reads {formats[0].values / total:.0%} of the rows, and not {other!r}; write all dates in one "
            "format, such as 2024-01-31"
        )
    return f"{field.source}: mixes {named}; {_exchanged(values, formats[:2])}write all dates in one format"


def _beside_formats(field: Field, values: Counter) -> str | None:
    """Return what to do about values that no format of dates mends: a decimal comma, quarters, the hour 24."""
    if (
        field.format in COUNTED
        and any("," in text for text in values)
        and all(re.fullmatch(r"\d+(,\d+)?", text.strip()) for text in values)
    ):
        return f"{field.source}: set dataset.decimal=','"
    if values and all(re.fullmatch(QUARTER, text.strip()) for text in values):
        return (
            f"{field.source}: holds quarters such as {brief(next(iter(values)))}, and recency is counted in days; choose a column with the day of "
            "each order, or write the first day of each quarter in its place"
        )
    late = next((text for text in values if re.search(MIDNIGHT, text)), None)
    if late is not None:
        return f"{field.source}: no day has a time such as {late!r}; write it as 00:00 of the next day, or as 23:59"
    return None


def _exchanged(values: Counter, formats: Sequence[date_formats.Proposal]) -> str:
    """Return that a spreadsheet took the day for the month where it could, if the dates of two formats part at the 12th."""
    if formats[0].format is not None:
        formats = formats[::-1]
    read = [
        [day.day for text in values if (day := date_formats.day_of(text.strip(), one.format))]
        for one in formats
    ]
    if min(map(len, read)) < SPREAD or max(read[0]) > 12 or min(read[1]) <= 12:
        return ""
    return (
        f"no day in {formats[0].named} is later than the 12th and all in {formats[1].named} are, so a spreadsheet took the day for the month where it could: "
        "export the original again; "
    )


def _nested(values: Counter) -> bool:
    return all(text.strip()[:1] in ("{", "[") for text in values)


def of_ids(field: Field, values: Counter) -> str | None:
    """Return what to do about ids that are JSON objects or lists."""
    return f"{field.source}: {NESTED}" if values and _nested(values) else None


def of_numbers(field: Field, values: Counter) -> str | None:
    """Return the number formats that a column looks like; of texts, the columns that could stand for them."""
    words = {text for text in values if text.strip().lower() not in MISSING_WORDS}
    formats = number_formats.proposals(words)
    declared = [one for one in formats if one != NumberFormat()]
    if declared:
        options = " or ".join(" ".join(one.overrides) for one in declared)
        unsure = ": the values do not tell which" if len(declared) > 1 else ""
        return f"{field.source}: set {options}{unsure}"
    if formats or not words:
        return None
    return of_texts(field, values)


def _around_numbers(values: Counter) -> list[str]:
    """List what stands before or behind the number in each of the texts; nothing where a text has no number, or several."""
    matches = [re.fullmatch(r"([^\d(+-]*)[(]?[+-]?\d[\d.,' ]*[)]?(\D*)", text.strip()) for text in values]
    if not all(matches):
        return []
    return list(dict.fromkeys(part.strip() for match in matches for part in match.groups() if part.strip()))


def of_texts(field: Field, values: Counter) -> str | None:
    """Return how to make numbers of a column of texts; None where most of its values are numbers."""
    fitting = sum(
        times
        for text, times in values.items()
        if any(number_formats.parse(text, one) is not None for one in number_formats.EVERY)
    )
    if fitting > values.total() / 2:
        return None
    dates = date_formats.proposals(values)
    if dates and dates[0].values > len(values) / 2:  # different texts, however often each occurs
        if not field.percent:
            return f"{field.source}: holds dates, expected amounts; choose another column"
        return (
            f"{field.source}: holds dates, and a feature is a number; count the days to a fixed day instead"
        )
    if not field.percent and all(text.strip().endswith("%") for text in values):
        return f"{field.source}: holds percentages, expected amounts; choose another column"
    if values and _nested(values):
        return f"{field.source}: {NESTED}"
    if not field.percent or len(values) > LEVELS:  # an amount, or too many to be kinds of something
        if around := _around_numbers(values):
            return (
                f"{field.source}: holds numbers with other text around them ({', '.join(map(repr, around[:3]))}), such as "
                f"{brief(next(iter(values)))}; write the numbers alone, or choose another column"
            )
        return f"{field.source}: holds texts such as {brief(next(iter(values)))}, expected numbers; choose another column"
    columns = ",".join(f"'{field.source}={text.strip()}'" for text in sorted(values))
    return (
        f"{field.source}: holds texts ({', '.join(map(repr, sorted(values)[:3]))}{', ...' if len(values) > 3 else ''}), and a feature is a "
        f"number; leave it out of dataset.features, or name one column of zeros and ones for each value: {columns}"
    )
