"""Who moved from which segment to which: one model on customers as they were on several days."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from seg.errors import SegError
from seg.metrics import drift

NEW, GONE = "new", "gone"
STEPS = {
    "none": None,
    "week": pd.DateOffset(weeks=1),
    "month": pd.DateOffset(months=1),
    "quarter": pd.DateOffset(months=3),
}


def days(start: date, end: date, steps: str) -> list[date]:
    """List the days to look at: the first, each step after it, the last.

    Parameters
    ----------
    start, end : date
    steps : {"month", "week", "quarter", "none"}

    Returns
    -------
    list of date

    Examples
    --------
    >>> [str(day) for day in days(date(2011, 1, 31), date(2011, 3, 15), "month")]
    ['2011-01-31', '2011-02-28', '2011-03-15']
    """
    step, listed = STEPS[steps], [start]
    while step is not None:
        following = (pd.Timestamp(start) + len(listed) * step).date()
        if following >= end:
            break
        listed.append(following)
    return [*listed, end]


def check_days(start: date, end: date, first: date, last: date) -> None:
    """Refuse days that are out of order or out of the data.

    Parameters
    ----------
    start, end : date
        The days that are asked for.
    first, last : date
        Days of the oldest and the newest order.

    Raises
    ------
    SegError
        With the days that the data have.
    """
    if start >= end:
        raise SegError(f"from={start} to={end}: expected from to be before to")
    check_day("from", start, first, last)
    check_day("to", end, first, last)


def check_day(key: str, day: date, first: date, last: date) -> None:
    """Refuse a day outside the data.

    Parameters
    ----------
    key : str
        Name of the option, for the message.
    day : date
    first, last : date
        Days of the oldest and the newest order.

    Raises
    ------
    SegError
        With the days that the data have.
    """
    if not first <= day <= last:
        raise SegError(
            f"{key}={day}: outside the data, whose orders are of {first} to {last}; choose a day within"
        )


@dataclass(frozen=True)
class Movement:
    """What became of the customers between two days.

    Parameters
    ----------
    days : list of date
        Looked at; the first and the last are those asked for.
    customers : DataFrame
        One row a customer: ``customer_id``, ``segment_from`` and ``segment`` (missing where the customer was not there),
        ``status`` (stayed, moved, new, gone), ``previous_segment`` (the one before the last change), and between which two days
        that change was: after ``changed_after``, by ``changed_by``.
    transitions : DataFrame
        One row a pair: ``from``, ``to`` (names; new and gone among them), ``customers``, ``share`` of those who were in ``from``.
    features : DataFrame
        Drift of each feature, see `seg.metrics.drift.drift`.
    shares : DataFrame
        ``segment``, ``customers_from``, ``share_from``, ``customers_to``, ``share_to``.
    index : float
        Population stability index of those shares.
    """

    days: list[date]
    customers: pd.DataFrame
    transitions: pd.DataFrame
    features: pd.DataFrame
    shares: pd.DataFrame
    index: float

    @property
    def matrix(self) -> pd.DataFrame:
        """Customers from each segment (row) to each (column)."""
        return matrix(self.transitions)


def compare_days(on: Mapping[date, tuple[pd.DataFrame, pd.Series]], names: Mapping[int, str]) -> Movement:
    """Compare the segments of several days.

    Parameters
    ----------
    on : mapping of date to (DataFrame, Series)
        In order of time: the features of each customer and the segment, both by customer id.
    names : mapping of int to str
        Of the segments.
    """
    looked = list(on)
    placed = pd.DataFrame({day: segments for day, (_, segments) in on.items()}).sort_index()
    first, last = placed[looked[0]], placed[looked[-1]]
    then, now = on[looked[0]][0], on[looked[-1]][0]
    shares = _shares(first, last, names)
    return Movement(
        days=looked,
        customers=_customers(placed, names),
        transitions=transitions(first, last, names),
        features=drift.drift(then, now, list(then.columns)),
        shares=shares,
        index=drift.psi(shares["customers_from"], shares["customers_to"]),
    )


def transitions(
    first: pd.Series, last: pd.Series, names: Mapping[int, str], last_names: Mapping[int, str] | None = None
) -> pd.DataFrame:
    """Count who went from where to where; a missing segment is new on the way in, gone on the way out.

    Parameters
    ----------
    first, last : Series of int
        Segment of each customer at the start and at the end, missing where there is none.
    names : mapping of int to str
        Of the segments at the start, and at the end too unless `last_names` are passed.
    last_names : mapping of int to str, optional

    Returns
    -------
    DataFrame
        ``from``, ``to``, ``customers``, and their ``share`` of all in ``from``.
    """
    last_names = names if last_names is None else last_names
    pairs = pd.DataFrame({"from": first.map(names).fillna(NEW), "to": last.map(last_names).fillna(GONE)})
    rows, columns = (
        [named[one] for one in sorted(named, key=lambda one: (one < 0, one))] for named in (names, last_names)
    )
    table = pd.crosstab(pairs["from"], pairs["to"])
    table = table.reindex(index=[*rows, NEW], columns=[*columns, GONE], fill_value=0)
    long = table.stack().rename("customers").reset_index()
    totals = long.groupby("from")["customers"].transform("sum")
    return long.assign(share=long["customers"] / totals.where(totals > 0))


def matrix(table: pd.DataFrame) -> pd.DataFrame:
    """Build a table of transitions: rows from, columns to, in their order."""
    wide = table.pivot(index="from", columns="to", values="customers")
    return wide.loc[list(dict.fromkeys(table["from"])), list(dict.fromkeys(table["to"]))]


def _customers(placed: pd.DataFrame, names: Mapping[int, str]) -> pd.DataFrame:
    values = placed.to_numpy(dtype="float64")
    finite = ~np.isnan(values)
    changes = finite[:, 1:] & finite[:, :-1] & (values[:, 1:] != values[:, :-1])
    changed = changes.any(axis=1)
    # The last change: the first one from the end.
    at = changes.shape[1] - 1 - changes[:, ::-1].argmax(axis=1)
    rows, when = np.arange(len(values)), pd.to_datetime(pd.Series(placed.columns)).to_numpy()
    first, last = values[:, 0], values[:, -1]
    status = np.select(
        [np.isnan(last), np.isnan(first), first == last], [GONE, NEW, "stayed"], default="moved"
    )
    table = pd.DataFrame(
        {
            "customer_id": placed.index.astype(str),
            "segment_from": pd.array(first, dtype="Int64"),
            "segment": pd.array(last, dtype="Int64"),
            "status": status,
            "previous_segment": pd.array(np.where(changed, values[rows, at], np.nan), dtype="Int64"),
            "changed_after": pd.Series(when[at]).where(changed),
            "changed_by": pd.Series(when[at + 1]).where(changed),
        }
    )
    for column in ("segment", "previous_segment"):
        table.insert(table.columns.get_loc(column) + 1, f"{column}_name", table[column].map(names))
    return table


def _shares(first: pd.Series, last: pd.Series, names: Mapping[int, str]) -> pd.DataFrame:
    order = sorted(names, key=lambda one: (one < 0, one))
    table = pd.DataFrame({"segment": [names[one] for one in order]})
    for side, series in (("from", first), ("to", last)):
        counts = series.value_counts().reindex(order, fill_value=0).to_numpy()
        table[f"customers_{side}"] = counts
        table[f"share_{side}"] = counts / max(counts.sum(), 1)
    return table
