"""Revenue, orders and active customers of each segment by week, from Monday to Sunday.

A customer belongs in each week to the segment of the last day before the month in which the week begins: no week is counted with a
segment that its own orders have made. Who has no order before that month is a new customer.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import pandas as pd

from seg.outlook import monthly
from seg.outlook.monthly import MEASURES, NEW_CUSTOMERS, MonthlyHistory
from seg.outlook.snapshots import OrderHistory
from seg.preparation import as_of

USUAL = 0.5  # share of the weeks with orders from which a weekday with orders is one of the shop's days
WEEK = timedelta(days=7)


@dataclass(frozen=True)
class WeeklyHistory:
    """What happened, week by week; a week goes by its Monday.

    Parameters
    ----------
    activity : DataFrame
        One row a week and group: ``week`` (date), ``segment`` (`NEW_CUSTOMERS` for those of the month), and `MEASURES`. Complete
        weeks only.
    open_days : Series
        Days with at least one order, by week; 0 for a week in which the shop was closed.
    partial : DataFrame
        Weeks that are not complete and left out: ``week``, the ``first`` and ``last`` day with an order, and the `MEASURES` so far.
    notes : tuple of str
        On partial weeks and the shop's days.
    """

    activity: pd.DataFrame
    open_days: pd.Series
    partial: pd.DataFrame
    notes: tuple[str, ...]

    @property
    def weeks(self) -> list[date]:
        """The complete weeks, the oldest first."""
        return list(self.open_days.index)

    def panel(self, measure: str) -> pd.DataFrame:
        """Return one measure, one row a week, one column a segment, 0 for a week without a customer of it."""
        table = self.activity.pivot(index="week", columns="segment", values=measure)
        return table.reindex(self.weeks).fillna(0.0).astype("float64")


def weekly_history(history: OrderHistory, months: MonthlyHistory) -> WeeklyHistory:
    """Count what each segment did in each week.

    Parameters
    ----------
    history : OrderHistory
    months : MonthlyHistory
        Of the same orders, with the segments at the start of each month.

    Returns
    -------
    WeeklyHistory
    """
    days = monthly.open_days(history, history.lines)["day"]
    first, last = days.min(), days.max()
    mondays = days.dt.normalize() - pd.to_timedelta(days.dt.day_of_week, unit="D")
    every = [one.date() for one in pd.date_range(mondays.min(), mondays.max(), freq="7D")]
    usual = _usual_weekdays(days, mondays.nunique())
    counted = [week for week in every if _has_states(week, months)]
    complete = [week for week in counted if _is_complete(week, usual, first.date(), last.date())]
    activity = _activity(history)
    states = months.states
    start = last.to_period("M").start_time.date()
    if start not in states and start > first.date():
        named = as_of.with_id(history.engine, history.table)
        newest = monthly.states_on(history, history.lines, start)
        states = states.copy()
        states[start] = newest[newest.index.isin(named)]
    grouped = _grouped(activity[activity["week"].isin(complete)], states)
    open_days = mondays.dt.date.value_counts().reindex(complete, fill_value=0)
    left_out = [week for week in (every[0], every[-1]) if week not in complete and week in counted]
    partial = _partial(activity, left_out, days)
    return WeeklyHistory(grouped, open_days, partial, (*_partial_notes(partial), *_closed(open_days)))


def _usual_weekdays(days: pd.Series, weeks: int) -> list[int]:
    """Return the weekdays (0 is Monday) on which the shop has orders in half or more of the `weeks` with any."""
    counts = days.dt.day_of_week.value_counts()
    usual = sorted(int(one) for one in counts.index[counts >= USUAL * weeks])
    return usual or sorted(int(one) for one in counts.index)


def _has_states(week: date, months: MonthlyHistory) -> bool:
    """Return whether the segments before the month of a week are known; before the first month nobody had one."""
    return not months.cut_off or week.replace(day=1) >= months.months[0].start_time.date()


def _is_complete(week: date, usual: list[int], first: date, last: date) -> bool:
    return first <= week + timedelta(days=usual[0]) and week + timedelta(days=usual[-1]) <= last


def _activity(history: OrderHistory) -> pd.DataFrame:
    """Sum what each customer bought in each week."""
    bought = history.lines.filter(~history.lines.is_return)
    bought = bought.mutate(week=bought.ordered_at.truncate("W").date())
    counted = bought.order_id.nunique() if "order_id" in bought.columns else bought.count()
    frame = history.engine.collect(
        bought.group_by(["customer_id", "week"]).aggregate(
            revenue=bought.amount.sum().cast("float64").fill_null(0.0), orders=counted.cast("float64")
        )
    )
    return frame.assign(week=pd.to_datetime(frame["week"]).dt.date, customers=1.0)


def _grouped(activity: pd.DataFrame, states: pd.DataFrame) -> pd.DataFrame:
    """Add each customer's week to the segment on the day before the month in which the week begins."""
    long = (
        states.reset_index(names="customer_id")
        .melt("customer_id", var_name="start", value_name="segment")
        .dropna()
    )
    start = pd.to_datetime(activity["week"]).dt.to_period("M").dt.start_time.dt.date
    joined = activity.assign(start=start).merge(long, on=["customer_id", "start"], how="left")
    joined["segment"] = joined["segment"].fillna(NEW_CUSTOMERS).astype("int64")
    return joined.groupby(["week", "segment"], as_index=False)[list(MEASURES)].sum()


def _partial(activity: pd.DataFrame, weeks: list[date], days: pd.Series) -> pd.DataFrame:
    rows = []
    for week in dict.fromkeys(weeks):
        sums = activity.loc[activity["week"] == week, list(MEASURES)].sum()
        inside = days[days.between(pd.Timestamp(week), pd.Timestamp(week + WEEK), inclusive="left")]
        rows.append({"week": week, "first": inside.min().date(), "last": inside.max().date(), **sums})
    return pd.DataFrame(rows, columns=["week", "first", "last", *MEASURES])


def _partial_notes(partial: pd.DataFrame) -> list[str]:
    return [
        monthly.left_out_note(
            f"the week from Monday {row.week}", f"orders from {row.first:%A} to {row.last:%A}", row.revenue
        )
        for row in partial.itertuples()
    ]


def _closed(open_days: pd.Series) -> list[str]:
    closed = [str(week) for week in open_days.index[open_days == 0]]
    if not closed:
        return []
    shown = ", ".join(closed[-5:]) + (f" and {len(closed) - 5} earlier ones" if len(closed) > 5 else "")
    return [
        f"weeks without any order (closed, or missing data), by their Monday: {shown}. They are not counted as weeks without demand; a week "
        "to come is expected to have the open days of the week 52 weeks before. Holidays that move, such as Easter, are not followed"
    ]
