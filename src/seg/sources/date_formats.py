"""Dates as files have them: ISO 8601, a format of ``strptime``, serial numbers of a spreadsheet, a count since 1970.

The format is declared (`dataset.date_format`) and never guessed while rows are read; `proposals` looks at values and
returns the formats that read them. Instants (a UTC offset, an epoch) become the wall clock of `dataset.time_zone`.
"""

from __future__ import annotations

import re
import shlex
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import product

from ibis.expr import types as ir

from seg.errors import SegError
from seg.sources import month_names
from seg.sources.number_formats import NumberFormat, number

EXCEL, SECONDS, MILLISECONDS, MICROSECONDS, NANOSECONDS = (
    "excel",
    "epoch_s",
    "epoch_ms",
    "epoch_us",
    "epoch_ns",
)
INSTANTS = (SECONDS, MILLISECONDS, MICROSECONDS, NANOSECONDS)
COUNTED = (EXCEL, *INSTANTS)  # formats that are numbers and no text
# Dates of mail and of JavaScript, and the same as ISO 8601 with the name of the month in it.
WORDED = {
    "rfc2822": (
        r"^(?:[A-Z][a-z]{2}, *)?([0-9]{1,2}) ([A-Z][a-z]{2}) ([0-9]{4}) ([0-9]{2}:[0-9]{2}(?::[0-9]{2})?) ([+-][0-9]{4})(?: \([^)]*\))?\z",
        r"\3-\2-\1T\4\5",
    ),
    "javascript": (
        r"^[A-Z][a-z]{2} ([A-Z][a-z]{2}) ([0-9]{1,2}) ([0-9]{4}) ([0-9]{2}:[0-9]{2}:[0-9]{2}) GMT([+-][0-9]{4})(?: \([^)]*\))?\z",
        r"\3-\1-\2T\4\5",
    ),
}
# How the serializers of .NET and SAP write milliseconds in JSON; the offset behind them tells the zone of the writer only.
WRAPPED = r"^\\?/Date[(]([0-9]+)(?:[+-][0-9]{4})?[)]\\?/\z"
HALF_DAY = "[ \u00a0\u202f]*([AaPp])(?:[.][ \u00a0\u202f]?)?[Mm][.]?$"
MONTH_NUMBERS = {f"-{date(2000, month, 1):%b}-": f"-{month:02}-" for month in range(1, 13)}
PER_SECOND = {SECONDS: 1, MILLISECONDS: 10**3, MICROSECONDS: 10**6, NANOSECONDS: 10**9}
EXCEL_START = 25_569  # 1970-01-01 in days of Excel
# April 1970 to the year 5138, so that seconds are not milliseconds and the other way round; days of Excel from March 1900 (before
# it, Excel counts a day that never was) to the year 9999.
RANGES = {unit: (10**7 * factor, 10**11 * factor) for unit, factor in PER_SECOND.items()} | {
    EXCEL: (61, 2_958_466)
}
EPOCH_MS = RANGES[MILLISECONDS]


@dataclass(frozen=True)
class Proposal:
    """A date format, how many values it reads, and the first and the last day that it reads.

    Parameters
    ----------
    format : str or None
        As `dataset.date_format` takes it; None for ISO 8601.
    values : int
    first, last : date
    offset : bool
        Whether the values carry a UTC offset.
    """

    format: str | None
    values: int
    first: date
    last: date
    offset: bool = False

    @property
    def override(self) -> str:
        """Option of a run that declares the format, as a shell takes it."""
        return f"dataset.date_format={'null' if self.format is None else quoted(self.format)}"

    @property
    def named(self) -> str:
        """The format for people."""
        return "ISO 8601" if self.format is None else self.format


def quoted(format: str) -> str:
    """Quote a format for a shell where it needs that."""
    return shlex.quote(format)


def check(format: str | None) -> None:
    """Check that a date format is one.

    Raises
    ------
    SegError
        It has no directive, or one of a time zone.
    """
    if format is None or format in (*COUNTED, *WORDED):
        return
    if not isinstance(format, str) or "%" not in format:
        raise SegError(
            f"dataset.date_format={format}: expected the spelling of strptime, such as %d.%m.%Y or "
            f"%Y-%m-%d %H:%M:%S, or one of {', '.join((*COUNTED, *WORDED))}"
        )
    if not re.search("%-?[YyGcxDFs]", format):
        raise SegError(
            f"dataset.date_format={format}: reads no year (%Y); expected one such as %d.%m.%Y or %Y-%m-%d %H:%M:%S"
        )
    if "%z" in format or "%Z" in format:
        raise SegError(
            f"dataset.date_format={format}: time zones are read from ISO 8601 text only; write the times like 2024-01-31T23:30:00+01:00 "
            "and leave date_format out, declare date_format=rfc2822 or javascript for dates of mail or of JavaScript, or, where all have one "
            "offset, write it in the format as it is (such as +0000)"
        )


def check_zone(zone: str | None) -> None:
    """Check that a time zone is one that this machine knows.

    Raises
    ------
    SegError
        The name is unknown.
    """
    from zoneinfo import ZoneInfo, available_timezones

    if zone is None:
        return
    try:
        ZoneInfo(zone)
    except (KeyError, ValueError, OSError, TypeError):
        from seg.errors import listed

        if re.search("[0-9]", str(zone)):
            raise SegError(
                f"dataset.time_zone={zone}: expected the name of a place's zone, such as Europe/Berlin: an offset does not change with summer "
                "time; where the shop has none, Etc/GMT-2 is two hours ahead of UTC, and Etc/GMT+2 two hours behind it"
            ) from None
        raise SegError(
            f"dataset.time_zone={zone}: unknown; expected a name such as {listed(zone, available_timezones(), most=3)}"
        ) from None


def milliseconds(column: ir.Value, format: str, numbers: NumberFormat | None = None) -> ir.IntegerValue:
    """Read a counted date as milliseconds since 1970; NULL for what is none.

    Parameters
    ----------
    column : ir.Value
        Text or numbers.
    format : {"excel", "epoch_s", "epoch_ms", "epoch_us", "epoch_ns"}
    numbers : NumberFormat, optional
        How the text of numbers is written.
    """
    if column.type().is_string():
        text = column.strip().re_replace(WRAPPED, r"\1") if format == MILLISECONDS else column
        value = number(text, numbers)
    else:
        value = column.cast("float64")
    first, last = RANGES[format]
    # As floats: the last nanosecond is beyond 64 bits.
    value = ((value >= float(first)) & (value < float(last))).ifelse(value, None).cast("float64")
    if format == EXCEL:
        # A serial number holds the time of day as a fraction: to the millisecond, as spreadsheets show it.
        return ((value - EXCEL_START) * 86_400_000).round().cast("int64")
    if PER_SECOND[format] > 1000:  # rounded up, the last microsecond of a day would be of the next
        return (value / (PER_SECOND[format] // 1000)).floor().cast("int64")
    return (value * (1000 // PER_SECOND[format])).round().cast("int64")


def with_offset(text: ir.StringValue, format: str) -> ir.StringValue:
    """Spell a date of mail or of JavaScript as ISO 8601 with its UTC offset; NULL for what is none.

    Parameters
    ----------
    text : ir.StringValue
    format : {"rfc2822", "javascript"}
    """
    pattern, iso = WORDED[format]
    spelled = text.re_search(pattern).ifelse(text.re_replace(pattern, iso), None)
    for name, number_of_month in MONTH_NUMBERS.items():
        spelled = spelled.replace(name, number_of_month)
    return spelled


def half_days(format: str) -> tuple[str, str]:
    """Return the pattern of "p.m." and "a. m.", with any kind of blank in front, and what ``%p`` of a format reads in its place."""
    return HALF_DAY, r" \1m" if " %p" in format else r"\1m"


# ---- what values look like ---------------------------------------------------------------------------------

DAYS = ["%d{0}%m{0}%Y", "%m{0}%d{0}%Y", "%Y{0}%m{0}%d", "%d{0}%m{0}%y", "%m{0}%d{0}%y", "%y{0}%m{0}%d"]
NAMED = ["%d{0}%b{0}%Y", "%d{0}%B{0}%Y", "%b{0}%d{0}%Y", "%d{0}%b{0}%y", "%b{0}%d{0}%y", "%Y{0}%b{0}%d"]
WORDS = [
    "%B %d, %Y",
    "%b %d, %Y",
    "%d. %B %Y",
    "%d. %b %Y",
    "%d %b, %Y",
    "%Y. %B %d.",
    "%Y. %b %d.",
    "%d%b%Y",
    "%d de %B de %Y",
    "%d de %b de %Y",
    "%Y年%m月%d日",
    "%d. %m. %Y",
    "%Y. %m. %d.",
    "%Y. %m. %d",
]
SOLID = ["%Y%m%d", "%d%m%Y", "%m%d%Y", "%y%m%d", "%d%m%y", "%m%d%y", "%Y%m%d%H%M%S", "%Y%m%d%H%M", "%Y%j"]
JOINED = ["%Y%m%dT%H%M%S", "%Y%m%dT%H%M%SZ", "%a %b %d %H:%M:%S %Y", "%G-W%V-%u", "%Y-%j"]
# Read as the first day of the month, the year or the week.
MONTHS = ["%Y-%m", "%Y/%m", "%m/%Y", "%m.%Y", "%b %Y", "%B %Y", "%b-%y", "%Y", "%G-W%V"]
WEEKDAYS = ["", "%a ", "%A ", "%a, ", "%A, "]
ZONES = ("GMT", "UTC", "SZ")
TIMES = [
    "",
    " %H:%M",
    " %H:%M:%S",
    " %H:%M:%S.%f",
    " %I:%M %p",
    " %I:%M:%S %p",
    "T%H:%M:%S",
    ", %H:%M",
    ", %H:%M:%S",
    ", %I:%M %p",
    ", %I:%M:%S %p",
    " %H:%M:%S GMT",
    " %H:%M GMT",
    " %H:%M:%S UTC",
    " %H:%M UTC",
    ":%H:%M:%S",
    " %H.%M",
    " %H.%M.%S",
    " %I.%M.%S.%f %p",
    " %H:%M Uhr",
    ", %H:%M Uhr",
    " kl. %H:%M",
    " kl. %H.%M",
]
PLACED = [
    *(day.format(sign) for sign, day in product("./- ", DAYS)),
    *(day.format(sign) for sign, day in product("- /", NAMED)),
    *WORDS,
]
FORMATS = [*SOLID, *JOINED, *(prefix + day + time for prefix, day, time in product(WEEKDAYS, PLACED, TIMES))]
ISO = re.compile(
    r"\d{4}[-/]\d{1,2}[-/]\d{1,2}([T ]([01]?\d|2[0-3]):[0-5]\d(:[0-5]\d([.]\d+)?)?( ?(?P<offset>Z|UTC|GMT|[+-]\d\d(:?\d\d)?)(\[[\w/+-]+\])?)?)?"
)
FIXED = (*SOLID, "%Y", "%Y-%j")  # formats whose numbers have all their digits
MOST = 2_000  # values that are looked at


def proposals(values: Iterable[object]) -> list[Proposal]:
    """List the formats that read most of the values, those that read more of them first.

    A format is listed where it reads values that no format before it reads, or all that the first one reads: day and month
    cannot be told apart where no day is later than the 12th.

    >>> [one.format for one in proposals(["26.05.2024", "01.06.2024"])]
    ['%d.%m.%Y']
    >>> [one.format for one in proposals(["03/05/2024"])]
    ['%d/%m/%Y', '%m/%d/%Y']
    """
    counts = Counter(str(value).strip() for value in values if value is not None and str(value).strip())
    unread = dict(counts.most_common(MOST))
    everything, listed = dict(unread), []
    while unread:
        best = _best(unread)
        if not best:
            break
        listed += best
        read = {text for text in unread if any(day_of(text, one.format) for one in best)}
        unread = {text: times for text, times in unread.items() if text not in read}
        if len(listed) > 3:
            break
    return [_proposal(one.format, everything) or one for one in listed] if len(listed) > 1 else listed


def _best(values: dict[str, int]) -> list[Proposal]:
    """Find the formats that read the most of the values; all of them where several read equally many."""
    shapes = list(values)
    present = {_shape(text) for text in shapes[:200]}
    tried = [None, *COUNTED, *WORDED, *(one for one in (*FORMATS, *MONTHS) if _shape_of(one) in present)]
    # A format that reads none of the first values is tried on no others, unless all are such.
    near = [one for one in tried if any(day_of(text, one) for text in shapes[:5])] or [
        one for one in tried if any(day_of(text, one) for text in shapes[:200])
    ]
    fitting = [proposal for proposal in (_proposal(one, values) for one in near) if proposal]
    most = max((one.values for one in fitting), default=0)
    best = [one for one in fitting if one.values == most]
    plain = [one for one in best if one.format is None]
    return plain or _told_apart(best)


def _shape(text: str) -> str:
    """Return a text with each number as 9 and each word as w: python compiles a pattern for every format that it tries.

    >>> _shape("5. May 2024  10:15")
    '9. w 9 9:9'
    """
    text = month_names.plain_day(text)
    words = re.sub(r"[^\W\d_]+", "w", re.sub(r"\d+", "9", re.sub(HALF_DAY, r" \1m", text)))
    return re.sub(r"\s+", " ", re.sub(r"w[.](?=\s)", "w", words))


@cache
def _shape_of(format: str) -> str:
    return _shape(datetime(2000, 1, 1).strftime(format))


def _told_apart(best: list[Proposal]) -> list[Proposal]:
    """Drop formats that only seem to fit: a year of two digits in one of four, an instant centuries away."""
    now = datetime.now(UTC).date()
    likely = [one for one in best if date(1950, 1, 1) <= one.last <= now + timedelta(days=3660)]
    likely = [one for one in likely if one.last <= now + timedelta(days=366)] or likely
    # Formats that read the same days are one: %b and %B of May.
    likely = list({(one.first, one.last): one for one in reversed(likely or best)}.values())[::-1]
    solid = [one for one in likely if one.format in SOLID]
    counted = [one for one in likely if one.format in COUNTED]
    return solid[:3] or counted[:1] or likely[:3]


def _proposal(format: str | None, values: dict[str, int]) -> Proposal | None:
    days = {text: day for text in values if (day := day_of(text, format))}
    # Any number is a day of Excel or a second of the epoch: only days that shops have had are proposed.
    if not days or (format in COUNTED and not _recent(min(days.values()), max(days.values()))):
        return None
    zoned = format is None and any(ISO.fullmatch(text)["offset"] for text in days)
    read = sum(values[text] for text in days)
    return Proposal(format, read, min(days.values()), max(days.values()), zoned)


def _recent(first: date, last: date) -> bool:
    return first >= date(1985, 1, 1) and last <= datetime.now(UTC).date() + timedelta(days=3660)


def day_of(text: str, format: str | None) -> date | None:
    """Read the day of a text in a format; None where it does not fit."""
    try:
        if format is None:
            return _iso(text)
        if format in COUNTED:
            if format == MILLISECONDS:
                text = re.sub(WRAPPED.replace(r"\z", r"\Z"), r"\1", text)
            return _counted(float(text.replace(",", ".")), format)
        if format in WORDED:
            pattern, iso = WORDED[format]
            spelled = re.sub(pattern.replace(r"\z", r"\Z"), iso, text)
            name = spelled[4:9]
            return _iso(spelled.replace(name, MONTH_NUMBERS[name])) if name in MONTH_NUMBERS else None
        if format in FIXED and len(text) != len(datetime(2000, 1, 1).strftime(format)):
            return None
        return _strptime(text, format)
    except (ValueError, OverflowError):
        return None


def _strptime(text: str, format: str) -> date:
    text = re.sub(*half_days(format), text) if "%p" in format else text
    text = month_names.plain_day(text) if month_names.named(format) else text
    try:
        return datetime.strptime(
            *(one + add for one, add in zip((text, format), start_of_week(format), strict=True))
        ).date()
    except ValueError:
        if not month_names.named(format):
            raise
        spelled = month_names.english_text(text, format)
        return datetime.strptime(spelled.strip(), month_names.undated(format).strip()).date()


def start_of_week(format: str) -> tuple[str, str]:
    """Return what is added to a text and to its format, so that a week without a day is read as its Monday."""
    return (" 1", " %u") if "%V" in format and not re.search("%[uwaA]", format) else ("", "")


def _iso(text: str) -> date | None:
    if not ISO.fullmatch(text):
        return None
    year, month, day = re.split("[-/T ]", text)[:3]
    return date(int(year), int(month), int(day))


def _counted(value: float, format: str) -> date | None:
    first, last = RANGES[format]
    if not first <= value < last:
        return None
    seconds = (value - EXCEL_START) * 86_400 if format == EXCEL else value / PER_SECOND[format]
    return (datetime(1970, 1, 1) + timedelta(seconds=seconds)).date()


def swapped(format: str | None) -> str | None:
    """Return a format with day and month exchanged; None where it does not begin with both as numbers."""
    if not format or not re.match(r"%-?[dm][^%\w]%-?[dm]", format):
        return None
    return format.translate(str.maketrans({"d": "m", "m": "d"}))
