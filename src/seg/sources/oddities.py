"""What is right as a value and most likely wrong as a fact: impossible dates, ids that are nearly the same."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta

import ibis
import numpy as np
import pandas as pd
from ibis.expr import types as ir

from seg.engine import Engine
from seg.errors import SegError, number_of

LARGE = 5_000_000  # rows; beyond it, neither ids nor lines are compared
FEW_DAYS, SPREAD = 12, 4  # different days and months from which on a pattern is none of chance
CHANCE = 1e-5  # of a pattern among days that nobody has exchanged
ENOUGH = 40  # days from which on the weekdays without any are those on which the shop is closed
YEARS = 20  # between an order and all others: longer than this is a slip
# Days that systems write for "unknown".
SENTINELS = ("0001-01-01", "1753-01-01", "1899-12-30", "1899-12-31", "1900-01-01", "1970-01-01", "2099-12-31", "2999-12-31",
             "9999-12-31")  # fmt: skip


@dataclass(frozen=True)
class Suspects:
    """Rows whose date is most likely wrong.

    Parameters
    ----------
    rows : DataFrame with columns file, line, reason, text
        The first of them.
    count : int
    first, last : date
        Days of the first and the last order of the other rows.
    latest : date
        Day of the last of all rows.
    """

    rows: pd.DataFrame
    count: int
    first: date
    last: date
    latest: date

    @property
    def text(self) -> str:
        """Return the row numbers as text."""
        shown = "; ".join(f"row {row.line:,}: {row.reason}" for row in self.rows.itertuples())
        count = "1 row has a date" if self.count == 1 else f"{self.count:,} rows have dates"
        return f"{count} far from all others, which run from {self.first} to {self.last} ({shown})"

    def error(self, window: str) -> SegError:
        """Build the error that names the rows and the ways out; `window` is the option that drops them."""
        early = self.latest <= self.last
        keep = ", or keep them and name the day that recency is counted from, recipe.as_of=" if early else ""
        keep += f"{self.last + timedelta(days=1)}" if early else ""
        return SegError(
            f"{self.rows.file.iloc[0]}: {self.text}\n  recency is counted from the newest order and the oldest order is a customer's first, "
            f"so one wrong date changes the segments: correct the file, drop such rows with {window}{keep}"
        )


def suspect_days(days: pd.Series, today: date) -> tuple[list[date], date, date] | None:
    """Find days that are far from all others, or in the future where most are not.

    Parameters
    ----------
    days : Series of int, index of date
        Rows of each day.
    today : date

    Returns
    -------
    suspects : list of date
    first, last : date
        The ends of the other days.
    """
    days = days.sort_index()
    total = int(days.sum())
    few = max(1, total // 100)
    if total < 10 or len(days) < 3:
        return None
    first, last = _middle(days, few)
    reach = max(timedelta(days=365 * YEARS), last - first)
    marked = [day for day in days.index if _unlikely(day, first, last, reach)]
    future = [day for day in days.index if day > today + timedelta(days=1)]
    if 0 < days[future].sum() <= few:
        marked = sorted({*marked, *future})
    others = days.drop(marked)
    if not marked or not len(others) or days[marked].sum() > few:
        return None
    return marked, others.index[0], others.index[-1]


def _middle(days: pd.Series, few: int) -> tuple[date, date]:
    """Return the days between which all but a few rows at either end lie."""
    running = days.cumsum()
    first = days.index[int((running > few).to_numpy().argmax())]
    last = days.index[int((running >= days.sum() - few).to_numpy().argmax())]
    return first, max(first, last)


def _unlikely(day: date, first: date, last: date, reach: timedelta) -> bool:
    gap = max(first - day, day - last)
    return gap > reach or (gap > timedelta(days=365) and day.isoformat() in SENTINELS)


def days_of(engine: Engine, times: ir.TimestampValue, table: ir.Table) -> pd.Series:
    """Count the rows of each day.

    Parameters
    ----------
    engine : Engine
    times : ir.TimestampValue
        A column of `table`.
    table : ir.Table

    Returns
    -------
    Series of int
        Rows, indexed by date; rows without a time are left out.
    """
    dated = table.select(day=times.date())
    dated = dated.filter(dated.day.notnull())
    counts = dated.group_by("day").aggregate(rows=dated.count())
    frame = engine.collect(counts)
    return pd.Series(frame["rows"].to_numpy(), index=[_date(day) for day in frame["day"]], dtype="int64")


def _date(day: object) -> date:
    return day.date() if hasattr(day, "date") else day


def future(days: pd.Series, today: date) -> str | None:
    """Return a note where many orders are of days to come."""
    ahead = days[[day > today + timedelta(days=1) for day in days.index]]
    if not len(ahead):
        return None
    share = ahead.sum() / days.sum()
    return f"{share:.1%} of the rows are dated after today (the last one {max(ahead.index)}): check dataset.date_format"


def ambiguous(days: pd.Series, format: str, other: str) -> str | None:
    """Return a note where day and month could be exchanged without anyone noticing.

    Parameters
    ----------
    days : Series of int
        Rows of each day, see `days_of`.
    format : str
        The date format that was used.
    other : str
        The same with day and month exchanged.

    Returns
    -------
    str or None
        None where a day is later than the 12th, or exchanging changes nothing.
    """
    if not len(days) or any(day.day > 12 for day in days.index):
        return None
    swapped = [date(day.year, day.day, day.month) for day in days.index]
    if swapped == list(days.index):
        return None
    return (
        f"no day is later than the 12th: the dates read with {format} ({min(days.index)} to {max(days.index)}) can also be read with "
        f"{other} ({min(swapped)} to {max(swapped)}); check which one is right"
    )


def exchanged(days: pd.Series) -> str | None:
    """Return a note where the days look as a spreadsheet leaves them that took the day for the month up to the 12th.

    From the 13th on such days stay texts, which are missing among the dates; or they are right, and tell the months and the days of the
    week on which the shop had orders.

    Parameters
    ----------
    days : Series of int
        Rows of each day, see `days_of`.

    Returns
    -------
    str or None
    """
    early = [day for day in days.index if day.day <= 12]
    late = [day for day in days.index if day.day > 12]
    text = (_other_months(early, late) or _other_weekdays(early, late)) if late else _no_later_day(early)
    if text is None:
        return None
    return (
        f"{text}: a spreadsheet or a script that takes the day for the month leaves dates like that; compare some with where they come "
        "from, and export them as text such as 2024-01-31"
    )


def _no_later_day(early: list[date]) -> str | None:
    by_month = Counter((day.year, day.month) for day in early)
    if len(early) < FEW_DAYS or len(by_month) < SPREAD or max(by_month.values()) < SPREAD - 1:
        return None
    return f"none of {len(early):,} days with orders in {len(by_month)} months is later than the 12th"


def _other_months(early: list[date], late: list[date]) -> str | None:
    months = {(day.year, day.month) for day in late}
    alone = [day for day in early if (day.year, day.month) not in months]
    # By chance, a day with day and month exchanged would lie in one of these months as often as they are among twelve.
    in_year = Counter(year for year, _ in months)
    chance = math.prod(in_year[day.year] / 12 for day in alone)
    if chance > CHANCE or not all((day.year, day.day) in months for day in alone):
        return None
    return (
        f"{len({(day.year, day.month) for day in alone})} months have orders until the 12th only, and with day and month exchanged these "
        "fall into months with later ones"
    )


def _other_weekdays(early: list[date], late: list[date]) -> str | None:
    """Return a note where a shop that is closed on a weekday has orders on it until the 12th of the months only."""
    closed = set(range(7)) - {day.weekday() for day in late}
    share = sum(day.weekday() in closed for day in early) / max(len(early), 1)
    if len(closed) > 2 or len(late) < ENOUGH or (1 - share) ** len(late) > CHANCE:
        return None
    names = " and ".join(date(2024, 1, 1 + one).strftime("%A") for one in sorted(closed))
    return f"there are orders on {names} until the 12th of the months only"


def exchanged_cells(dates: pd.Series, texts: pd.Series) -> str | None:
    """Return a note where the cells of a sheet that are dates and those that are texts part at the 12th.

    Parameters
    ----------
    dates, texts : Series of int
        Rows of each day of the cells that are dates, and of those that are texts.

    Returns
    -------
    str or None
    """
    if min(len(dates), len(texts)) < SPREAD:
        return None
    if any(day.day > 12 for day in dates.index) or any(day.day <= 12 for day in texts.index):
        return None
    return (
        f"{dates.sum():,} cells are dates, none later than the 12th, and {texts.sum():,} are texts, all later: the spreadsheet took the "
        "day for the month where it could, and exchanged them; open the original file with this column as text, or export it again"
    )


def two_digit_years(days: pd.Series, format: str | None) -> str | None:
    """Return a note on the century that years of two digits were read in."""
    if not format or "%y" not in format or not len(days):
        return None
    return (
        f"years of two digits: 69 to 99 are read as 1969 to 1999, 00 to 68 as 2000 to 2068; the dates run from {min(days.index)} to "
        f"{max(days.index)}"
    )


# ---- lines -------------------------------------------------------------------------------------------------


def repeated_lines(engine: Engine, table: ir.Table, option: str = "cleaning.steps") -> str | None:
    """Return a note on lines that are equal to another in every column that was read, with their money; `option` drops them.

    Parameters
    ----------
    engine : Engine
    table : ir.Table
        Order lines.
    option : str
        Key that the note points to.

    Returns
    -------
    str or None
    """
    counts = table.group_by(table.columns).aggregate(_times=table.count())
    extra = counts._times - 1
    row = engine.collect(
        counts.aggregate(
            rows=counts._times.sum(),
            more=extra.sum(),
            money=(counts.amount * extra).sum(),
            all=(counts.amount * counts._times).sum(),
        )
    ).iloc[0]
    if pd.isna(row["more"]) or not row["more"] or not np.isfinite([row["money"], row["all"]]).all():
        return None
    share = (
        f", {row['money'] / (row['all'] - row['money']):+.1%} of the revenue without them"
        if row["all"] != row["money"]
        else ""
    )
    return (
        f"{int(row['more']):,} lines ({row['more'] / row['rows']:.1%}) repeat another line in every column that was read; they add "
        f"{row['money']:{',.2f' if abs(row['money']) < 1e15 else '.4g'}}{share}; if they are the same sale twice, drop them with the cleaning step drop_duplicates ({option})"
    )


def mixed_currencies(engine: Engine, table: ir.Table, columns: dict[str, ir.StringValue], where: str) -> None:
    """Check that the amounts of a column are of one currency.

    Parameters
    ----------
    engine : Engine
    table : ir.Table
    columns : dict of str to ir.StringValue
        Currency sign of each amount, by the name of the column in the file.
    where : str
        Name of the source, for the message.

    Raises
    ------
    SegError
        A column has amounts with different currency signs.
    """
    places = dict(enumerate(columns))
    signed = engine.collect(
        table.aggregate(**{f"of {place}": columns[name].count() for place, name in places.items()})
    ).iloc[0]
    for source, sign in ((name, columns[name]) for place, name in places.items() if signed[f"of {place}"]):
        signs = table.select(sign=sign).filter(ibis._.sign.notnull())
        counts = engine.collect(signs.group_by("sign").aggregate(rows=signs.count()).order_by("sign"))
        totals: dict[str, int] = {}
        for text, rows in zip(counts["sign"], counts["rows"], strict=True):
            totals[SAME.get(text, text)] = totals.get(SAME.get(text, text), 0) + int(rows)
        if len(totals) > 1:
            shown = ", ".join(f"{text} ({number_of(rows, 'row')})" for text, rows in totals.items())
            raise SegError(
                f"{where}: column {source!r} mixes currencies: {shown}; convert the amounts to one currency, or keep one file a currency"
            )


SAME = {"US$": "$", "USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥", "INR": "₹", "TRY": "₺", "TL": "₺", "RUB": "₽", "KRW": "₩",
        "ILS": "₪", "UAH": "₴", "VND": "₫", "THB": "฿", "NGN": "₦", "ZŁ": "PLN", "KČ": "CZK", "RS": "₹", "RS.": "₹", "R$": "BRL",
        "KR.": "KR", "RMB": "CNY", "FT": "HUF", "FR.": "CHF"}  # fmt: skip
