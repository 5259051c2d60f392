"""Revenue, orders and active customers of each segment by calendar month.

A customer belongs in each month to the segment that the model gives on the last day before the month: no month is
counted with a segment that its own orders have made. Who has no order before the month is a new customer of the month.
Orders are cleaned once, all of them: the past is what the run itself counts.
"""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import date, timedelta

import ibis
import numpy as np
import pandas as pd
from ibis.expr import types as ir

from seg import features as features_table
from seg.features import FeatureRequest
from seg.outlook.snapshots import OrderHistory
from seg.preparation import as_of

NEW_CUSTOMERS = -2  # beside the segments, whose noise is -1
MEASURES = ("revenue", "orders", "customers")
CLOSED_AT_EDGE = (
    2  # days without an order that a complete month may have at its first or last day, such as a weekend
)
MOST_MONTHS = (
    60  # newest ones that are counted: older ones say little, and each costs a placement of all customers
)
LONG_GAP = 5  # days in a row without any order that are worth a word


@dataclass(frozen=True)
class MonthlyHistory:
    """What happened, month by month.

    Parameters
    ----------
    activity : DataFrame
        One row a month and group: ``month`` (period), ``segment`` (`NEW_CUSTOMERS` for those of the month), and `MEASURES`.
        Complete months only.
    states : DataFrame of shape (n_customers, n_months + 1)
        Segment of each customer on the day before each month, and today; missing before the first order.
    open_days : Series
        Days with at least one order, by month.
    partial : DataFrame
        Months that are not complete and left out: ``month``, ``days`` (so far), ``of``, and the `MEASURES` so far.
    notes : tuple of str
        On partial months and closed days.
    cut_off : bool
        Whether older months are left out.
    """

    activity: pd.DataFrame
    states: pd.DataFrame
    open_days: pd.Series
    partial: pd.DataFrame
    notes: tuple[str, ...]
    cut_off: bool = False

    @property
    def months(self) -> list[pd.Period]:
        """The complete months, the oldest first."""
        return list(self.open_days.index)

    def panel(self, measure: str) -> pd.DataFrame:
        """Return one measure, one row a month, one column a segment, 0 for a month without a customer of it."""
        table = self.activity.pivot(index="month", columns="segment", values=measure)
        return table.reindex(self.months).fillna(0.0).astype("float64")


def monthly_history(history: OrderHistory) -> MonthlyHistory:
    """Count what each segment did in each month.

    Parameters
    ----------
    history : OrderHistory

    Returns
    -------
    MonthlyHistory
    """
    engine = history.engine
    lines = history.lines
    named = as_of.with_id(engine, history.table)
    days = open_days(history, lines)
    first, last = days["day"].min(), days["day"].max()
    every = pd.period_range(first, last, freq="M")
    all_complete = [month for month in every if _is_complete(month, first, last)]
    complete = all_complete[-MOST_MONTHS:]
    starts = [month.start_time.date() for month in complete]
    today = last + timedelta(days=1)
    states = {day: states_on(history, lines, day) for day in [*starts, today.date()] if day > first.date()}
    table = pd.DataFrame(states).sort_index()
    table = table[table.index.isin(named)]
    activity = _activity(history, lines)
    grouped = _grouped(activity[activity["month"].isin(complete)], table)
    left_out = [month for month in every if month not in all_complete]
    by_month = days.groupby(days["day"].dt.to_period("M")).size().reindex(every, fill_value=0)
    partial = _partial(activity, left_out, first, last)
    older = [f"forecasts by month look at the newest {MOST_MONTHS} of {len(all_complete)} complete months"]
    notes = (
        *(older if len(all_complete) > MOST_MONTHS else ()),
        *_partial_notes(partial),
        *_gap_notes(days["day"]),
    )
    cut_off = len(all_complete) > MOST_MONTHS
    return MonthlyHistory(grouped, table, by_month.loc[complete], partial, notes, cut_off)


def _is_complete(month: pd.Period, first: pd.Timestamp, last: pd.Timestamp) -> bool:
    edge = pd.Timedelta(days=CLOSED_AT_EDGE)
    return first <= month.start_time + edge and last >= month.end_time.normalize() - edge


def open_days(history: OrderHistory, lines: ir.Table) -> pd.DataFrame:
    """List the days with a purchase."""
    bought = lines.filter(~lines.is_return)
    frame = history.engine.collect(bought.select(day=bought.ordered_at.date()).distinct())
    return pd.DataFrame({"day": pd.to_datetime(frame["day"])}).sort_values("day")


def states_on(history: OrderHistory, lines: ir.Table, day: date) -> pd.Series:
    """Return the segment of each customer as on the day before `day`."""
    newest = day - timedelta(days=1)
    before = lines.filter(lines.ordered_at.date() < ibis.literal(day))
    frame = features_table.build(
        history.engine,
        before,
        FeatureRequest(
            dict.fromkeys(history.recipe, ()),
            as_of=newest + timedelta(days=history.days_after),
            levels=history.levels,
        ),
    ).frame
    return pd.Series(history.place(frame), index=frame.index, dtype="int64")


def _activity(history: OrderHistory, lines: ir.Table) -> pd.DataFrame:
    """Sum what each customer bought in each month."""
    bought = lines.filter(~lines.is_return)
    bought = bought.mutate(year=bought.ordered_at.year(), number=bought.ordered_at.month())
    counted = bought.order_id.nunique() if "order_id" in bought.columns else bought.count()
    frame = history.engine.collect(
        bought.group_by(["customer_id", "year", "number"]).aggregate(
            revenue=bought.amount.sum().cast("float64").fill_null(0.0), orders=counted.cast("float64")
        )
    )
    months = pd.PeriodIndex.from_fields(year=frame["year"], month=frame["number"], freq="M")
    return frame.assign(month=months, customers=1.0).drop(columns=["year", "number"])


def _grouped(activity: pd.DataFrame, states: pd.DataFrame) -> pd.DataFrame:
    """Add each customer's month to the segment on the day before it."""
    by_month = states.rename(columns={day: pd.Period(day, freq="M") for day in states.columns})
    by_month = by_month.loc[:, ~by_month.columns.duplicated()]
    long = (
        by_month.reset_index(names="customer_id")
        .melt("customer_id", var_name="month", value_name="segment")
        .dropna()
    )
    long["month"] = pd.PeriodIndex(long["month"], freq="M")
    joined = activity.merge(long, on=["customer_id", "month"], how="left")
    joined["segment"] = joined["segment"].fillna(NEW_CUSTOMERS).astype("int64")
    return joined.groupby(["month", "segment"], as_index=False)[list(MEASURES)].sum()


def _partial(activity: pd.DataFrame, months: list, first: pd.Timestamp, last: pd.Timestamp) -> pd.DataFrame:
    rows = []
    for month in months:
        start, end = max(first, month.start_time), min(last, month.end_time.normalize())
        sums = activity.loc[activity["month"] == month, list(MEASURES)].sum()
        rows.append({"month": month, "days": (end - start).days + 1, "of": month.days_in_month, **sums})
    return pd.DataFrame(rows, columns=["month", "days", "of", *MEASURES])


def _partial_notes(partial: pd.DataFrame) -> list[str]:
    return [
        left_out_note(
            f"{calendar.month_name[row.month.month]} {row.month.year}",
            f"{row.days} of {row.of} days",
            row.revenue,
        )
        for row in partial.itertuples()
    ]


def left_out_note(period: str, days: str, revenue: float) -> str:
    """Return the note on a month or week that is not complete."""
    return f"{period} is not complete ({days}) and is left out; its revenue so far is {revenue:,.0f}"


def _gap_notes(days: pd.Series) -> list[str]:
    """Write down the longest times without any order: holidays, or data that are missing."""
    after = days.diff().dt.days.to_numpy()
    gaps = [(int(after[place]) - 1, place) for place in np.flatnonzero(after > LONG_GAP)]
    listed = sorted(gaps, reverse=True)[:5]
    texts = [
        f"{days.iloc[place - 1] + pd.Timedelta(days=1):%Y-%m-%d} to {days.iloc[place] - pd.Timedelta(days=1):%Y-%m-%d}"
        for _length, place in sorted(listed, key=lambda gap: gap[1])
    ]
    if not texts:
        return []
    return [
        f"no orders from {', '.join(texts)} (holidays, or missing data): such days are not counted as days without demand; months to "
        "come are expected to have the open days of the same month a year before"
    ]
