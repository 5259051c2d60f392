"""Forecasts of several groups that add up to the forecast of their total.

Two ways, chosen by rolling-origin error: *summed* (each group has its own model, the total is their sum) and *shared*
(the total has a model, and each group gets its share of the last three months, or thirteen weeks). Segments have short and bumpy series;
the total shows the season best.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from seg.outlook import forecasting
from seg.outlook.forecasting import ENDS, LEVELS, MONTHS, SEASONAL_NAIVE, Rhythm

TOTAL = "all"
SUMMED, SHARED = "summed", "shared"


@dataclass(frozen=True)
class PanelForecast:
    """Forecasts of one measure for all groups and their total.

    Parameters
    ----------
    way : str
        `SUMMED` or `SHARED`.
    future : DataFrame
        One row a group and month or week, the total last: ``group``, ``month`` (``week``), ``mean`` and the ends in `ENDS`.
    errors : DataFrame
        One row a group: ``group``, ``model``, ``mase`` and ``mase_seasonal_naive`` (mean absolute error of the procedure
        and of the seasonal naive on the same origins, in mean absolute changes from one month or week to the next), ``off_by`` (mean
        absolute error of the procedure as a share of the mean of what came), ``coverage_80``, ``coverage_95``, ``judged`` (pairs of
        origin and month or week). A group that never changes has no scale: NaN.
    """

    way: str
    future: pd.DataFrame
    errors: pd.DataFrame


@dataclass(frozen=True)
class _Series:
    """One series: its months, what the procedure said at each origin, and what it says now."""

    values: np.ndarray
    truth: np.ndarray
    track: np.ndarray
    seasonal: np.ndarray
    future: np.ndarray
    model: str
    born: int = 0

    @property
    def loss(self) -> np.ndarray:
        return np.abs(self.track[..., 0] - self.truth)

    def judged(self, rhythm: Rhythm) -> np.ndarray:
        """Return True for the forecasts that count; shape (n_origins, steps)."""
        return ~np.isnan(self.truth) & forecasting.judged(len(self.values), rhythm, self.born)[:, None]


def forecast_panel(
    panel: pd.DataFrame,
    days: np.ndarray | None,
    ahead: Sequence,
    rhythm: Rhythm = MONTHS,
    born: Mapping[object, int] | None = None,
) -> PanelForecast:
    """Forecast all groups and their total.

    Parameters
    ----------
    panel : DataFrame of shape (n_periods, n_groups)
        Values of 0 or more, one row a complete month or week, the oldest first; at least `rhythm.least`.
    days : array of shape (n_periods,) or None
        Open days of each row; None for a measure that is no sum over days.
    ahead : sequence
        Names of the months or weeks to forecast, which follow the last row.
    rhythm : Rhythm
    born : mapping of object to int, optional
        First row at which a group had customers, 0 where it is not named. No customer can be "lost" in the first months of the
        orders: earlier rows of such a group are no months without demand, and its errors are counted later.

    Returns
    -------
    PanelForecast
    """
    days = np.ones(len(panel)) if days is None else np.asarray(days, dtype="float64")
    total = _series(panel.sum(axis=1).to_numpy(), days, len(ahead), rhythm)
    own = {name: _series(panel[name].to_numpy(), days, len(ahead), rhythm) for name in panel}
    shared = {name: _shared(one, total, rhythm) for name, one in own.items()}
    losses = {
        SUMMED: np.sum([one.loss for one in own.values()], axis=0),
        SHARED: np.sum([one.loss for one in shared.values()], axis=0),
    }
    # Until errors are known, the share of the total: a year ago most segments did not exist, or were still filling up.
    then, way = forecasting.chosen_then(losses, SHARED, rhythm.stride), forecasting.chosen_now(losses)
    final = {name: _mixed(own[name], shared[name], then, way) for name in panel}
    final = {name: replace(one, born=(born or {}).get(name, 0)) for name, one in final.items()}
    final[TOTAL] = _mixed(_sum(own, total), total, then, way)
    future, errors = [], []
    for name, one in final.items():
        by = forecasting.factors(one.track, one.truth, one.judged(rhythm))
        table = forecasting.widen(one.future, by, one.values[one.born :], rhythm.steps)
        frame = pd.DataFrame(table, columns=["mean", *ENDS])
        frame.insert(0, rhythm.name, list(ahead))
        frame.insert(0, "group", name)
        future.append(frame)
        errors.append(_errors(name, one, rhythm))
    return PanelForecast(way, pd.concat(future, ignore_index=True), pd.DataFrame(errors))


def _series(values: np.ndarray, days: np.ndarray, steps: int, rhythm: Rhythm) -> _Series:
    """Roll every candidate, and follow the one that was best at each origin."""
    values = np.asarray(values, dtype="float64")
    truth, makers = forecasting.truth_of(values, rhythm), forecasting.candidates(len(values), rhythm)
    tracks = {name: forecasting.roll(make, values, days, rhythm) for name, make in makers.items()}
    losses = {name: np.abs(track[..., 0] - truth) for name, track in tracks.items()}
    then = forecasting.chosen_then(losses, SEASONAL_NAIVE, rhythm.stride)
    best = forecasting.chosen_now(losses)
    expected = forecasting.days_expected(days, steps, rhythm)
    future = forecasting.ahead(makers[best], values, days, expected)
    track = np.array([tracks[name][place] for place, name in enumerate(then)])
    return _Series(values, truth, track, tracks[SEASONAL_NAIVE], future, best)


def _shared(one: _Series, total: _Series, rhythm: Rhythm) -> _Series:
    """Return a group's recent share of the total's forecasts."""

    def share(origin: int) -> float:
        window = slice(origin - rhythm.recent, origin)
        everything = total.values[window].sum()
        return float(one.values[window].sum() / everything) if everything else 0.0

    shares = np.array([share(origin) for origin in forecasting.origins(len(one.values), rhythm)])
    return _Series(
        one.values,
        one.truth,
        total.track * shares[:, None, None],
        one.seasonal,
        total.future * share(len(one.values)),
        f"share of the total ({total.model})",
    )


def _sum(own: dict[str, _Series], total: _Series) -> _Series:
    """Sum the groups' forecasts; the reach of the intervals is that of the total's own model."""

    def around(mean: np.ndarray, model: np.ndarray) -> np.ndarray:
        return np.concatenate(
            [mean[..., None], np.maximum(model[..., 1:] + (mean - model[..., 0])[..., None], 0.0)], axis=-1
        )

    track = np.sum([one.track[..., 0] for one in own.values()], axis=0)
    future = np.sum([one.future[..., 0] for one in own.values()], axis=0)
    return _Series(
        total.values,
        total.truth,
        around(track, total.track),
        total.seasonal,
        around(future, total.future),
        "sum of the groups",
    )


def _mixed(own: _Series, shared: _Series, then: list[str], way: str) -> _Series:
    """Follow the way that was better at each origin; widen the intervals by what earlier origins missed."""
    track = np.array([(own if name == SUMMED else shared).track[place] for place, name in enumerate(then)])
    now = own if way == SUMMED else shared
    return _Series(own.values, own.truth, track, own.seasonal, now.future, now.model)


def _errors(name: str, one: _Series, rhythm: Rhythm) -> dict[str, object]:
    scale = float(np.abs(np.diff(one.values[one.born :])).mean())
    observed = one.judged(rhythm)
    track = forecasting.widened(one.track, one.values, rhythm, one.born)
    error, naive = (
        _mean(np.abs(forecast[..., 0] - one.truth)[observed]) for forecast in (one.track, one.seasonal)
    )
    row: dict[str, object] = {"group": name, "model": one.model, "mase": _over(error, scale)}
    row |= {"off_by": _over(error, _mean(one.truth[observed])), "mase_seasonal_naive": _over(naive, scale)}
    for place, level in enumerate(LEVELS):
        low, high = track[..., 1 + 2 * place], track[..., 2 + 2 * place]
        row[f"coverage_{level}"] = _mean(((low <= one.truth) & (one.truth <= high))[observed])
    return row | {"judged": int(observed.sum())}


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if len(values) else float("nan")


def _over(error: float, scale: float) -> float:
    return error / scale if scale > 0 else float("nan")
