"""What each segment will do next: revenue, orders and active customers by month or week, and the shares of the segments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

import numpy as np
import pandas as pd

from seg.outlook import forecasting, markov, segment_age
from seg.outlook.coherent import TOTAL, PanelForecast, forecast_panel
from seg.outlook.forecasting import RHYTHMS, Rhythm
from seg.outlook.markov import ShareForecast
from seg.outlook.monthly import MEASURES, NEW_CUSTOMERS, MonthlyHistory, monthly_history
from seg.outlook.snapshots import OrderHistory
from seg.outlook.weekly import WEEK, WeeklyHistory, weekly_history

SUMS_OVER_DAYS = ("revenue", "orders")  # forecast an open day; active customers of a month are no such sum


@dataclass(frozen=True)
class SegmentOutlook:
    """Every segment's next months or weeks.

    Parameters
    ----------
    history : MonthlyHistory
    forecasts : dict of str to PanelForecast
        By measure; empty where no forecast is possible.
    shares : ShareForecast or None
    reasons : tuple of str
        What is not possible, and why.
    names : dict of int to str
        Of the segments, of new customers and of the total.
    weeks : WeeklyHistory or None
        Where weeks are forecast.
    hidden : dict of int to str
        Segments that are part of the total but have no forecast of their own, with the reason.
    """

    history: MonthlyHistory
    forecasts: dict[str, PanelForecast]
    shares: ShareForecast | None
    reasons: tuple[str, ...]
    names: dict[object, str]
    weeks: WeeklyHistory | None = None
    hidden: dict[int, str] = field(default_factory=dict)

    @property
    def rhythm(self) -> Rhythm:
        """Months, or weeks."""
        return RHYTHMS["month" if self.weeks is None else "week"]

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader has to know of the months or weeks."""
        weekly = () if self.weeks is None else self.weeks.notes
        hidden = [
            f"no forecast of “{self.names[segment]}” alone: {reason}; the total includes it"
            for segment, reason in self.hidden.items()
        ]
        return (*self.history.notes, *weekly, *hidden)

    def panel(self, measure: str) -> pd.DataFrame:
        """Return one measure of what is forecast, one row a month or week, one column a segment."""
        return self.history.panel(measure) if self.weeks is None else self.weeks.panel(measure)

    def future(self) -> pd.DataFrame:
        """Return all forecasts as one table: ``measure``, ``segment`` (name), ``month`` or ``week``, ``mean`` and the ends of intervals."""
        return self._gathered("future")

    def errors(self) -> pd.DataFrame:
        """Return the rolling-origin errors as one table: ``measure``, ``segment`` (name), ``model`` and the figures."""
        return self._gathered("errors")

    def _gathered(self, part: str) -> pd.DataFrame:
        frames = []
        for measure, panel in self.forecasts.items():
            frame = getattr(panel, part).rename(columns={"group": "segment"})
            frame = frame[~frame["segment"].isin(list(self.hidden))].copy()
            frame["segment"] = [self.names[one] for one in frame["segment"]]
            frame.insert(0, "measure", measure)
            frames.append(frame)
        return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()


def segment_outlook(
    history: OrderHistory, names: Mapping[int, str], months_ahead: int = 6, weeks_ahead: int | None = None
) -> SegmentOutlook:
    """Forecast what each segment does in the next months or weeks.

    Parameters
    ----------
    history : OrderHistory
    names : mapping of int to str
        Of the segments.
    months_ahead : int
        Months to forecast, of the shares of the segments in any case; the first follows the newest complete month.
    weeks_ahead : int, optional
        Weeks to forecast instead of months; the first follows the newest complete week.

    Returns
    -------
    SegmentOutlook
    """
    months = monthly_history(history)
    weeks = None if weeks_ahead is None else weekly_history(history, months)
    reasons, forecasts, hidden = [], {}, {}
    counted = months if weeks is None else weeks
    reason = lacking(counted)
    if reason:
        reasons.append(f"forecast by {'month' if weeks is None else 'week'}: {reason}")
    else:
        first = segment_age.first_periods(months, weeks)
        hidden = segment_age.without_forecast(counted, first)
        forecasts = (
            _by_month(months, months_ahead, first) if weeks is None else _by_week(weeks, weeks_ahead, first)
        )
        rhythm = RHYTHMS["month" if weeks is None else "week"]
        hidden = segment_age.badly_forecast(forecasts, rhythm) | hidden
    shares = markov.forecast_shares(months.states, months_ahead)
    if isinstance(shares, str):
        reasons.append(f"shares of the segments: {shares}")
        shares = None
    every = {one: names.get(one, "noise" if one == -1 else f"segment {one}") for one in _segments(months)}
    every |= {NEW_CUSTOMERS: "new customers", TOTAL: "all"}
    return SegmentOutlook(months, forecasts, shares, tuple(reasons), every, weeks, hidden)


def _by_month(months: MonthlyHistory, ahead: int, first: Mapping[int, int]) -> dict[str, PanelForecast]:
    names = [months.months[-1] + step for step in range(1, ahead + 1)]
    forecasts = {}
    for measure in MEASURES:
        days = months.open_days.to_numpy() if measure in SUMS_OVER_DAYS else None
        forecasts[measure] = forecast_panel(months.panel(measure), days, names, born=first)
    return forecasts


def _by_week(weeks: WeeklyHistory, ahead: int, first: Mapping[int, int]) -> dict[str, PanelForecast]:
    names: list[date] = [weeks.weeks[-1] + step * WEEK for step in range(1, ahead + 1)]
    forecasts, days = {}, weeks.open_days.to_numpy()
    for measure in MEASURES:
        # Active customers are no sum over days, but a week without an open day has none.
        counted = days if measure in SUMS_OVER_DAYS else np.minimum(days, 1)
        forecasts[measure] = forecast_panel(weeks.panel(measure), counted, names, RHYTHMS["week"], first)
    return forecasts


def lacking(history: MonthlyHistory | WeeklyHistory) -> str | None:
    """Return why these months or weeks cannot be forecast; None where they can."""
    rhythm = RHYTHMS["week" if isinstance(history, WeeklyHistory) else "month"]
    n = len(history.open_days)
    if n < rhythm.least:
        unit, lack = rhythm.name, rhythm.least - n
        return (
            f"not possible: {n} complete {unit}{_s(n)}, and at least {rhythm.least} are needed ({rhythm.first_origin} to learn from, and "
            f"{rhythm.least - rhythm.first_origin} to judge the forecasts by); {lack} more {unit}{_s(lack)} of orders {'is' if lack == 1 else 'are'} lacking"
        )
    return forecasting.missing()


def _s(number: int) -> str:
    return "" if number == 1 else "s"


def _segments(months: MonthlyHistory) -> list[int]:
    values = pd.unique(months.states.to_numpy().ravel())
    return sorted(
        {int(one) for one in values if not pd.isna(one)} | set(months.activity["segment"].astype(int))
    )
