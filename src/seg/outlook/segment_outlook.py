"""What each segment will do next: revenue, orders and active customers by month, and the shares of the segments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from seg.outlook import forecasting, markov
from seg.outlook.coherent import TOTAL, PanelForecast, forecast_panel
from seg.outlook.markov import ShareForecast
from seg.outlook.monthly import MEASURES, NEW_CUSTOMERS, MonthlyHistory, monthly_history
from seg.outlook.snapshots import OrderHistory

SUMS_OVER_DAYS = ("revenue", "orders")  # forecast an open day; active customers of a month are no such sum


@dataclass(frozen=True)
class SegmentOutlook:
    """Every segment's next months.

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
    """

    history: MonthlyHistory
    forecasts: dict[str, PanelForecast]
    shares: ShareForecast | None
    reasons: tuple[str, ...]
    names: dict[object, str]

    def future(self) -> pd.DataFrame:
        """Return all forecasts as one table: ``measure``, ``segment`` (name), ``month``, ``mean`` and the ends of intervals."""
        return self._gathered("future")

    def errors(self) -> pd.DataFrame:
        """Return the rolling-origin errors as one table: ``measure``, ``segment`` (name), ``model`` and the figures."""
        return self._gathered("errors")

    def _gathered(self, part: str) -> pd.DataFrame:
        frames = []
        for measure, made in self.forecasts.items():
            frame = getattr(made, part).rename(columns={"group": "segment"})
            frame["segment"] = [self.names[one] for one in frame["segment"]]
            frame.insert(0, "measure", measure)
            frames.append(frame)
        return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()


def segment_outlook(history: OrderHistory, names: Mapping[int, str], months_ahead: int = 6) -> SegmentOutlook:
    """Forecast what each segment does in the next months.

    Parameters
    ----------
    history : OrderHistory
    names : mapping of int to str
        Of the segments.
    months_ahead : int
        Months to forecast; the first follows the newest complete month.

    Returns
    -------
    SegmentOutlook
    """
    months = monthly_history(history)
    reasons, forecasts = [], {}
    reason = lacking(months)
    if reason:
        reasons.append(f"forecast by month: {reason}")
    else:
        ahead = [months.months[-1] + step for step in range(1, months_ahead + 1)]
        for measure in MEASURES:
            days = months.open_days.to_numpy() if measure in SUMS_OVER_DAYS else None
            forecasts[measure] = forecast_panel(months.panel(measure), days, ahead)
    shares = markov.forecast_shares(months.states, months_ahead)
    if isinstance(shares, str):
        reasons.append(f"shares of the segments: {shares}")
        shares = None
    every = {one: names.get(one, "noise" if one == -1 else f"segment {one}") for one in _segments(months)}
    every |= {NEW_CUSTOMERS: "new customers", TOTAL: "all"}
    return SegmentOutlook(months, forecasts, shares, tuple(reasons), every)


def lacking(months: MonthlyHistory) -> str | None:
    """Return why these months cannot be forecast; None where they can."""
    n = len(months.months)
    if n < forecasting.LEAST_MONTHS:
        return (
            f"not possible: {n} complete months, and at least {forecasting.LEAST_MONTHS} are needed (12 to learn from, and 6 to judge "
            f"the forecasts by); {forecasting.LEAST_MONTHS - n} more months of orders are lacking"
        )
    return forecasting.missing()


def _segments(months: MonthlyHistory) -> list[int]:
    values = pd.unique(months.states.to_numpy().ravel())
    return sorted(
        {int(one) for one in values if not pd.isna(one)} | set(months.activity["segment"].astype(int))
    )
