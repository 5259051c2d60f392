"""Times that Parquet holds as text, read on Spark by the grammar of the embedded reader.

Spark's own patterns are Java's: they take what ``strptime`` refuses, and the other way round.
"""

from __future__ import annotations

import re

import ibis
from ibis.expr import types as ir

from seg.engine.duckdb import ISO_DAY, ISO_OFFSET, ISO_TIME
from seg.errors import SegError

# A digit that fits is taken and not given back, hence the possessive plus.
DIRECTIVES = {
    "Y": "([0-9]{1,4}+)", "y": "([0-9]{1,2}+)", "m": "([0-9]{1,2}+)", "d": "([0-9]{1,2}+)", "H": "([0-9]{1,2}+)",
    "I": "([0-9]{1,2}+)", "M": "([0-9]{1,2}+)", "S": "([0-9]{1,2}+)", "f": "([0-9]{1,6}+)", "p": "([AaPp][Mm])",
}  # fmt: skip
MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]


def iso(text: ir.StringValue) -> ir.TimestampValue:
    """Read ISO 8601 as `DuckDBEngine.timestamp` does; an offset is dropped."""
    # An offset stands behind a time only: -02 of a date is its day.
    return _canonical(text).re_replace(rf"([T ].*?){ISO_OFFSET}\z", "$1").try_cast("timestamp")


def iso_instant(text: ir.StringValue) -> ir.TimestampValue:
    """Read ISO 8601 with an offset as the time in UTC."""
    spelled = _canonical(text).re_replace(r"([T ][0-9]{1,2}:[0-9]{2})(Z|[+-][0-9:]+)\z", "$1:00$2")
    spelled = spelled.re_replace(r"([+-][0-9]{2})([0-9]{2})\z", "$1:$2")
    return spelled.re_replace(r"([+-][0-9]{2})\z", "$1:00").try_cast("timestamp('UTC')").cast("timestamp")


def zoned(text: ir.StringValue) -> ir.BooleanValue:
    """Return True if a text is an ISO 8601 time that carries a UTC offset."""
    return text.re_search(rf"^{ISO_DAY}{ISO_TIME}{ISO_OFFSET}\z")


def unzoned(text: ir.StringValue) -> ir.BooleanValue:
    """Return True if a text is an ISO 8601 date or time without a UTC offset."""
    return text.re_search(rf"^{ISO_DAY}({ISO_TIME})?\z")


def _canonical(text: ir.StringValue) -> ir.StringValue:
    fits = text.re_search(rf"^{ISO_DAY}({ISO_TIME}{ISO_OFFSET}?)?\z")
    dashed = text.re_replace("^([0-9]{4})/([0-9]{1,2})/([0-9]{1,2})", "$1-$2-$3")
    return fits.ifelse(dashed, ibis.null("string"))


def strptime(text: ir.StringValue, format_text: str) -> ir.TimestampValue:
    """Read a time by a format of ``strptime``; NULL where the text does not fit.

    Raises
    ------
    SegError
        The format has a directive that Spark is not taught, or one twice.
    """
    pattern, places = _pattern(format_text)

    def part(letter: str, default: str) -> ir.StringValue:
        return text.re_extract(pattern, places[letter]) if letter in places else ibis.literal(default)

    year = part("Y", "1900").lpad(4, "0")
    if "y" in places:
        short = part("y", "").lpad(2, "0")
        year = (short >= "69").ifelse("19", "20") + short
    month = part("m", "1")
    for letter in {"b", "B"} & set(places):
        names = [name[:3] if letter == "b" else name for name in MONTHS]
        named = part(letter, "").lower()
        month = ibis.cases(
            *((named == name.lower(), str(number)) for number, name in enumerate(names, 1)), else_=""
        )
    hour = part("H", "0")
    if "I" in places:
        twelfth = part("I", "").try_cast("int32")
        later = (part("p", "AM").upper() == "PM").ifelse(12, 0)
        hour = twelfth.between(1, 12).ifelse((twelfth % 12 + later).cast("string"), "99")
    clock = hour + ":" + part("M", "0") + ":" + part("S", "0") + "." + part("f", "0")
    spelled = year + "-" + month + "-" + part("d", "1") + " " + clock
    return text.re_search(pattern).ifelse(spelled, ibis.null("string")).try_cast("timestamp")


def _pattern(format_text: str) -> tuple[str, dict[str, int]]:
    """Turn a format into a regular expression, and the place of each directive in it."""
    known = DIRECTIVES | {
        "b": f"((?i:{'|'.join(name[:3] for name in MONTHS)}))",
        "B": f"((?i:{'|'.join(MONTHS)}))",
    }
    pattern, places = r"^\s*", {}
    for directive, other in re.findall(r"%-?(.)|([^%]|%\Z)", format_text, re.DOTALL):
        if directive in known and directive not in places:
            places[directive] = len(places) + 1
            pattern += known[directive]
        elif directive and directive != "%":
            raise SegError(
                f"dataset.date_format={format_text}: %{directive} is not read from Parquet on Spark "
                f"(once each: {', '.join(f'%{letter}' for letter in known)}); run with engine=duckdb, or write the times as timestamps"
            )
        else:
            literal = directive or other
            pattern += r"\s+" if literal.isspace() else re.escape(literal)
    if ("p" in places) != ("I" in places) and "H" not in places:
        raise SegError(f"dataset.date_format={format_text}: %I and %p go together")
    return pattern + r"\s*\z", places
