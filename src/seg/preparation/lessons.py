"""What a model of outcomes learns from: customers as they were on earlier days, and what they bought in the days after.

Every outcome is over on the day that the segments are of: the end of the data, or the cut of a hold-out. The order lines are
parted at that day and at each earlier one before anything is computed from them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import ibis
import numpy as np
import pandas as pd
from ibis.expr import types as ir

from seg.config.settings import LessonSettings, Preparation
from seg.engine import Engine
from seg.errors import SegError
from seg.features import FeatureTable
from seg.preparation import as_of

LEAST_HISTORY = 60  # days of orders before an earlier day


@dataclass(frozen=True)
class Lessons:
    """Customers on earlier days, one below the other.

    Parameters
    ----------
    days : tuple of date
        First day of each outcome, the newest first.
    frame : DataFrame of shape (n, n_features)
        Features from orders before the day; a customer may be there on several days.
    spend : ndarray of shape (n,)
        Purchases from the day on; 0 for who did not buy.
    customers : ndarray of int of shape (n,)
        Number of the customer, from 0.
    """

    days: tuple[date, ...]
    frame: pd.DataFrame
    spend: np.ndarray
    customers: np.ndarray

    @property
    def sentence(self) -> str:
        """Return what was learned from, for people."""
        days = ", ".join(str(day) for day in self.days)
        return f"learned from {len(self.frame):,} customers on {days}, and what they bought after"


def days_of(first: date, end: date, lesson: LessonSettings) -> list[date]:
    """Return the days whose outcome is over by `end` and before which there are `LEAST_HISTORY` days of orders.

    >>> lesson = LessonSettings(days=90, cuts=3, step=30)
    >>> [str(day) for day in days_of(date(2010, 1, 1), date(2010, 7, 1), lesson)]
    ['2010-04-02', '2010-03-03']
    """
    days = [end - timedelta(days=lesson.days + lesson.step * place) for place in range(lesson.cuts)]
    return [day for day in days if day >= first + timedelta(days=LEAST_HISTORY)]


def learn_from(settings: Preparation, engine: Engine, table: ir.Table, end: date) -> Lessons:
    """Return the customers on the earlier days.

    Parameters
    ----------
    settings : Preparation
        Its section `lesson` says how many days.
    engine : Engine
    table : ir.Table
        Order lines, not cleaned.
    end : date
        First day that is not known.

    Raises
    ------
    SegError
        The history is too short, or an earlier day has no customers or no buyers.
    """
    before = engine.checkpoint(table.filter(table.ordered_at.date() < ibis.literal(end)))
    first, _last = as_of.first_and_last(engine, before)
    days = days_of(first, end, settings.lesson)
    if not days:
        needed = settings.lesson.days + LEAST_HISTORY
        raise SegError(
            f"model.lesson: the segments learn from what customers bought in {settings.lesson.days} days, by those known {LEAST_HISTORY} days "
            f"before: {needed} days of orders before {end} are needed, and the orders begin on {first}; choose another model, or "
            "fewer model.lesson.days"
        )
    parts = []
    for day in days:
        try:
            parts.append(as_of.part(settings, engine, before, day, settings.lesson.days))
        except SegError as error:
            raise SegError(f"model.lesson, on {day}: {str(error).removeprefix(as_of.KEY)}") from None
    tables = [_known_customers(part.table, part.outcome) for part in parts]
    frame = pd.concat([one for one, _spend in tables])
    spend = np.concatenate([spend for _frame, spend in tables])
    return Lessons(tuple(days), frame.reset_index(drop=True), spend, pd.factorize(frame.index)[0])


def _known_customers(table: FeatureTable, outcome: pd.DataFrame) -> tuple[pd.DataFrame, np.ndarray]:
    has_outcome = outcome["known"].to_numpy()
    return table.frame.loc[has_outcome, table.features], outcome.loc[has_outcome, "spend"].to_numpy()
