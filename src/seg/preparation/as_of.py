"""Customers as they were on a day: the tables of a temporal hold-out, and of movement between days.

The order lines are parted before anything is computed from them, so no cap, no repaired price and no scale can know
what came after the day.
"""

from __future__ import annotations

import calendar
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

import ibis
import pandas as pd
from ibis.expr import types as ir

from seg import cleaning
from seg import features as features_table
from seg.config.settings import Preparation
from seg.engine import Engine
from seg.errors import SegError
from seg.features import FeatureRequest, FeatureTable
from seg.preparation import customer_groups

if TYPE_CHECKING:
    from seg.preparation.lessons import Lessons

KEY = "evaluation.holdout"

RFM = ["recency_days", "orders", "revenue"]


@dataclass(frozen=True)
class Parted:
    """Customers before the cut, and what they did after it.

    Parameters
    ----------
    cut : date
        First day of the outcome.
    days : int
        Length of the outcome, in days.
    table : FeatureTable
        Of the orders with a date before `cut`; recency is counted from `cut`.
    outcome : DataFrame, index as that of the table
        ``bought``: 1 with a purchase (amount above zero, not a return) from `cut` on, in `days` days; ``spend``: the
        sum of those amounts, returns not subtracted; ``known``: False for pseudo-customers, who are one order each
        and cannot come back. They are segmented as in the run, and left out of every score.
    notes : tuple of str
        What a reader has to know.
    lessons : Lessons or None
        Earlier days before the cut, for a model that learns from outcomes.
    """

    cut: date
    days: int
    table: FeatureTable
    outcome: pd.DataFrame
    notes: tuple[str, ...]
    lessons: Lessons | None = None


def impossible(kind: str) -> str | None:
    """Return why a data set of this kind cannot have a temporal hold-out; None where it can."""
    return "not possible: one row per customer, no orders" if kind == "customers" else None


def part(settings: Preparation, engine: Engine, table: ir.Table, cut: object, days: int) -> Parted:
    """Part the order lines at the cut, and make features of those before it and the outcome of those after it.

    Both are cleaned by the steps of the run, each by itself. Lines without a customer are no part of the outcome.

    Parameters
    ----------
    settings : Preparation
        Data set, cleaning and recipe.
    engine : Engine
    table : ir.Table
        Order lines, not cleaned.
    cut : date or str
        First day that is left out of the features.
    days : int
        Length of the time after the cut.

    Returns
    -------
    Parted

    Raises
    ------
    SegError
        The cut is not a day within the data, or one side of it has no customers.
    """
    cut, until = _window(cut, days)
    first, last = first_and_last(engine, table)
    if not first < cut <= last:
        allowed = (
            f"choose a day from {first + timedelta(days=1)} to {last}"
            if first < last
            else "it has one day only"
        )
        raise SegError(f"{KEY}.cut={cut}: outside the data, whose orders are of {first} to {last}; {allowed}")
    # Computed here and now: whatever is made of it cannot reach the lines that were left out.
    before = engine.checkpoint(table.filter(table.ordered_at.date() < ibis.literal(cut)))
    features = _features(settings, engine, before, cut)
    named = with_id(engine, before)
    outcome = _outcome(settings, engine, table, cut, until, days).reindex(features.frame.index)
    outcome = outcome.assign(
        bought=outcome["spend"].notna().astype("int64"),
        spend=outcome["spend"].fillna(0.0),
        known=outcome.index.isin(named),
    )
    with_outcome = outcome[outcome["known"]]
    if len(with_outcome) < 2:
        raise SegError(
            f"{KEY}.cut={cut}: before it: only {len(with_outcome)} with an id among the customers; at least 2 are needed, choose a later cut"
        )
    if not with_outcome["bought"].any():
        raise SegError(
            f"{KEY}.cut={cut}: none of the {len(with_outcome):,} customers known before it bought from {cut} to {until - timedelta(days=1)}; "
            "choose another cut or more days"
        )
    return Parted(cut, days, features, outcome, tuple(_notes(outcome, cut, until, last, days)))


def with_lessons(parted: Parted, lessons: Lessons) -> Parted:
    """Return the parted customers with what a model of outcomes learns from."""
    return replace(parted, lessons=lessons)


def _window(cut: object, days: object) -> tuple[date, date]:
    """Read the first day of the outcome, and the first day after it."""
    try:
        day = date.fromisoformat(str(cut))
    except ValueError:
        raise SegError(f"{KEY}.cut={cut}: expected a day such as 2011-09-10") from None
    if isinstance(days, bool) or not isinstance(days, int) or days < 1:
        raise SegError(f"{KEY}.days={days}: expected a whole number of at least 1")
    try:
        return day, day + timedelta(days=days)
    except OverflowError:
        raise SegError(f"{KEY}.days={days}: too many; the calendar ends in the year 9999") from None


def first_and_last(engine: Engine, table: ir.Table) -> tuple[date, date]:
    """Find the days of the first and of the last order line."""
    ends = engine.collect(table.aggregate(first=table.ordered_at.min(), last=table.ordered_at.max())).iloc[0]
    return ends["first"].date(), ends["last"].date()


def _features(settings: Preparation, engine: Engine, before: ir.Table, cut: date) -> FeatureTable:
    recipe, steps = settings.recipe, cleaning.parse(settings.cleaning.steps)
    try:
        lines, _ledger = cleaning.clean(engine, before, steps)
        return features_table.build(
            engine,
            lines,
            FeatureRequest(
                features_table.parse(recipe.features),
                recipe.profile,
                [*settings.dataset.common, *RFM],
                moved(cut, steps),
                settings.dataset.levels,
            ),
        )
    except SegError as error:
        raise SegError(f"{KEY}.cut={cut}: before it: {error}") from None


def moved(cut: date, steps: list) -> date:
    """Move the cut as the cleaning moves the orders."""
    year = cut.year + sum(arguments["years"] for step, arguments in steps if step.name == "shift_years")
    return cut.replace(year=year, day=min(cut.day, calendar.monthrange(year, cut.month)[1]))


def with_id(engine: Engine, lines: ir.Table) -> pd.Series:
    """List the customers who have an id in the files, the others being orders that nobody can be asked about."""
    ids = lines.filter(has_customer(lines)).select("customer_id").distinct()
    return engine.collect(ids)["customer_id"]


def has_customer(lines: ir.Table) -> ir.BooleanValue:
    """Return True for lines whose customer has an id in the files."""
    return lines.customer_id.fill_null("").strip() != ""


def _outcome(
    settings: Preparation, engine: Engine, table: ir.Table, cut: date, until: date, days: int
) -> pd.DataFrame:
    day = table.ordered_at.date()
    within = (day >= ibis.literal(cut)) & (day < ibis.literal(until))
    # Pseudo-customers are numbered anew in each part: the same id would be two different orders.
    window = engine.checkpoint(table.filter(within, has_customer(table)))
    try:
        lines, _ledger = cleaning.clean(engine, window, cleaning.parse(settings.cleaning.steps))
    except SegError as error:
        raise SegError(f"{KEY}.cut={cut}: in the {days} days from it on: {error}") from None
    bought = lines.filter(~lines.is_return & (lines.amount > 0))
    spend = engine.collect(bought.group_by("customer_id").aggregate(spend=bought.amount.sum()))
    if not len(spend):
        raise SegError(
            f"{KEY}.cut={cut}: nobody bought in the {days} days from it on, after cleaning; choose another cut or more days"
        )
    return spend.set_index("customer_id").astype("float64").round(6)


def _notes(outcome: pd.DataFrame, cut: date, until: date, last: date, days: int) -> list[str]:
    notes = []
    there = (last - cut).days + 1
    if until > last + timedelta(days=1):
        notes.append(f"the data end on {last}: the outcome covers only {there} of the {days} days")
    pseudo = int((~outcome["known"]).sum())
    if pseudo:
        notes.append(
            f"{pseudo:,} pseudo-customers of one order each cannot come back: segmented, and left out of the scores"
        )
    return notes


def table_on(settings: Preparation, engine, lines, day: date, days_after: int) -> tuple[FeatureTable, int]:
    """Compute the features of every customer as they were at the end of a day: from orders up to and including it.

    Recency is counted from as many days after it as in training from the newest order.

    Parameters
    ----------
    settings : Preparation
        Data set, cleaning and recipe.
    engine : Engine
    lines : ir.Table
        Order lines, not cleaned.
    day : date
    days_after : int
        From `day` to the day that recency is counted from.

    Returns
    -------
    table : FeatureTable
        Customers with an id; the others are orders whose customer cannot be followed. Of models by groups also the group of each.
    nameless : int
        How many were left out for that.
    """
    # Computed here and now: whatever is made of it cannot reach the lines that were left out.
    before = engine.checkpoint(lines.filter(lines.ordered_at.date() <= ibis.literal(day)))
    steps = cleaning.parse(settings.cleaning.steps)
    try:
        clean, _ledger = cleaning.clean(engine, before, steps)
        table = features_table.build(
            engine,
            clean,
            FeatureRequest(
                features_table.parse(settings.recipe.features),
                as_of=moved(day + timedelta(days=days_after), steps),
                levels=settings.dataset.levels,
            ),
        )
    except SegError as error:
        raise SegError(f"on {day}: {error}") from None
    frame = table.frame
    if settings.by:
        groups = customer_groups.collect(engine, clean, settings.by)
        frame = frame.assign(**{settings.by: groups.reindex(frame.index)})
    named = frame.index.isin(with_id(engine, before))
    return replace(table, frame=frame[named]), int((~named).sum())
