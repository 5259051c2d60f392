"""Since when a segment has customers, and which segments get no forecast of their own: too young, too small, or forecast too badly.

The orders begin on some day. In the first months nobody can be a lost customer, and old customers look new at their first order in
the file. Such months are no months without demand: forecasts of a segment learn from its own time and are judged there.
"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from seg.outlook.coherent import TOTAL, PanelForecast
from seg.outlook.forecasting import RHYTHMS, Rhythm
from seg.outlook.monthly import NEW_CUSTOMERS, MonthlyHistory
from seg.outlook.weekly import WeeklyHistory

FEW = 5  # customers a month or week who buy: below it one customer more or less is a fifth
HELD = 0.75  # share of the judged months or weeks inside the 95 % interval, below which nobody should plan with the forecast


def first_periods(months: MonthlyHistory, weeks: WeeklyHistory | None = None) -> dict[int, int]:
    """Return the place of the first month (or week) in which each segment has customers.

    Parameters
    ----------
    months : MonthlyHistory
        With the segments of the customers at the start of each month.
    weeks : WeeklyHistory, optional
        Where weeks are forecast; a week belongs to the month in which it begins.

    Returns
    -------
    dict of int to int
        New customers begin after half a year (`Rhythm.learned`), unless older months are left out.
    """
    starts = [month.start_time.date() for month in months.months]
    if weeks is not None:
        starts = [week.replace(day=1) for week in weeks.weeks]
    first_days: dict[int, object] = {}
    for day in sorted(months.states.columns):
        for segment in pd.unique(months.states[day].dropna()):
            first_days.setdefault(int(segment), day)
    places = {
        segment: next((place for place, start in enumerate(starts) if start >= day), len(starts))
        for segment, day in first_days.items()
    }
    rhythm = RHYTHMS["month" if weeks is None else "week"]
    return places | {NEW_CUSTOMERS: 0 if months.cut_off else rhythm.learned}


def without_forecast(history: MonthlyHistory | WeeklyHistory, first: Mapping[int, int]) -> dict[int, str]:
    """Return the segments that get no forecast of their own, with the reason.

    Parameters
    ----------
    history : MonthlyHistory or WeeklyHistory
    first : mapping of int to int
        See `first_periods`.
    """
    rhythm = RHYTHMS["week" if isinstance(history, WeeklyHistory) else "month"]
    customers, reasons = history.panel("customers"), {}
    for segment in customers:
        age, least = len(customers) - first.get(segment, 0), 2 * rhythm.learned
        buying = customers[segment].tail(rhythm.learned).mean()
        if age < least and segment != NEW_CUSTOMERS:
            reasons[segment] = (
                f"it has customers for {age} complete {rhythm.name}s only, and {least} are needed ({rhythm.learned} to learn from, "
                f"{rhythm.learned} to judge the forecast by)"
            )
        elif buying < FEW:
            reasons[segment] = (
                f"in the last {rhythm.learned} {rhythm.name}s {buying:.1f} of its customers bought in a {rhythm.name}, and at least {FEW} "
                "are needed"
            )
    return reasons


def badly_forecast(forecasts: Mapping[str, PanelForecast], rhythm: Rhythm) -> dict[int, str]:
    """Return the segments whose 95 % interval has missed too many past periods, with the reason.

    Parameters
    ----------
    forecasts : mapping of str to PanelForecast
        By measure.
    rhythm : Rhythm
    """
    reasons = {}
    for measure, forecast in forecasts.items():
        errors = forecast.errors
        for row in errors[(errors["group"] != TOTAL) & (errors["coverage_95"] < HELD)].itertuples():
            held = round(row.coverage_95 * row.judged)
            reasons.setdefault(
                row.group,
                f"the 95 % interval of its {measure} held {held} of {row.judged} past {rhythm.name}s; it changes faster than they could show",
            )
    return reasons
