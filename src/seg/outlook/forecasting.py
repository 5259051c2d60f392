"""Forecast one monthly series with statsforecast, and keep what each candidate would have said at earlier origins.

Rolling origin: each month in turn is taken for the newest one, and every candidate forecasts the months after it from
the months before. The choice of a candidate, and the widening of its intervals, use at each origin only errors that
were known on that day, so that the error that is reported belongs to the procedure and not to a winner picked
afterwards.

Revenue and orders are forecast an open day (a day with at least one order of anybody), so that holidays that close the
shop and the lengths of months are no change of demand. A month to come has the open days of the same month a year before.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.util import find_spec

import numpy as np

YEAR = 12
SEASONAL_NAIVE = "seasonal naive"
LEVELS = (80, 95)
ENDS = ("low_80", "high_80", "low_95", "high_95")
LEAST_MONTHS = 18
FIRST_ORIGIN = 12  # months that every candidate gets at least: one of each season
STEPS = 3  # months ahead that rolling origins judge
LEAST_ERRORS = 3  # of each candidate, before the choice trusts them; until then the seasonal naive is used
LEAST_RATIOS = 6  # judged months behind a widening of the intervals
SEASONAL_MONTHS = (
    36  # from three years on, ETS and theta estimate a season; before, only the seasonal naive knows one
)
NORMAL = {80: 1.2816, 95: 1.9600}  # two-sided quantiles


def missing() -> str | None:
    """Return why nothing can be forecast on this machine; None where it can."""
    if find_spec("statsforecast") is None:
        return "not possible: statsforecast is not installed; install it with: pip install 'seg[forecast]'"
    return None


def candidates(months: int) -> dict[str, Callable[[], object]]:
    """Return the makers of all candidates for a series of so many months, by name."""
    from statsforecast.models import AutoETS, AutoTheta, HistoricAverage, SeasonalNaive

    season = YEAR if months >= SEASONAL_MONTHS else 1
    return {
        SEASONAL_NAIVE: lambda: SeasonalNaive(season_length=YEAR),
        "ETS": lambda: AutoETS(season_length=season, model="ZZZ" if season > 1 else "ZZN"),
        "theta": lambda: AutoTheta(season_length=season),
        "mean": lambda: HistoricAverage(),
    }


def ahead(
    make: Callable[[], object], values: np.ndarray, days: np.ndarray, days_ahead: np.ndarray
) -> np.ndarray:
    """Forecast the months after a series.

    Parameters
    ----------
    make : callable
        Makes a model of statsforecast.
    values, days : array of shape (n_months,)
        Values of 0 or more, the oldest first, and the days that they were made on.
    days_ahead : array of shape (n_ahead,)
        Days of the months to forecast.

    Returns
    -------
    array of shape (n_ahead, 5)
        Mean, then the ends of the 80 % and 95 % intervals as in `ENDS`; none below 0.
    """
    rates, steps = values / days, len(days_ahead)
    if np.ptp(rates) == 0:  # nothing to estimate: more of the same
        return np.repeat(rates[-1] * days_ahead[:, None], 1 + len(ENDS), axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):  # an exact fit has no variance
        made: Mapping[str, np.ndarray] = make().forecast(y=rates, h=steps, level=list(LEVELS))
    mean = np.asarray(made["mean"], dtype="float64")
    columns = [mean]
    for level in LEVELS:
        reach = NORMAL[level] * rates.std()  # for the exact fits of which a model has no interval
        for end, sign in (("lo", -1), ("hi", 1)):
            value = np.asarray(made[f"{end}-{level}"], dtype="float64")
            columns.append(np.where(np.isfinite(value), value, mean + sign * reach))
    return np.maximum(np.column_stack(columns) * days_ahead[:, None], 0.0)


def roll(make: Callable[[], object], values: np.ndarray, days: np.ndarray) -> np.ndarray:
    """Forecast from every origin; return an array of shape (n_origins, STEPS, 5), NaN beyond the last month.

    Parameters
    ----------
    make : callable
        Makes an unfitted forecaster.
    values : ndarray of shape (n_months,)
        A measure of each month.
    days : ndarray of shape (n_months,)
        Days of each month.
    """
    origins = range(FIRST_ORIGIN, len(values))
    track = np.full((len(origins), STEPS, 1 + len(ENDS)), np.nan)
    for place, origin in enumerate(origins):
        steps = min(STEPS, len(values) - origin)
        track[place, :steps] = ahead(
            make, values[:origin], days[:origin], days_expected(days[:origin], steps)
        )
    return track


def days_expected(days: np.ndarray, steps: int) -> np.ndarray:
    """Return the open days of the next months: those of the same month a year before.

    >>> days_expected(np.arange(1.0, 13.0), 3)
    array([1., 2., 3.])
    """
    return np.array([days[len(days) + (step % YEAR) - YEAR] for step in range(steps)])


def truth_of(values: np.ndarray) -> np.ndarray:
    """Arrange the observed months as the forecasts of `roll`; shape (n_origins, STEPS), NaN beyond the last month."""
    padded = np.append(values, np.full(STEPS, np.nan))
    return np.array([padded[origin : origin + STEPS] for origin in range(FIRST_ORIGIN, len(values))])


def chosen_then(losses: Mapping[str, np.ndarray], default: str) -> list[str]:
    """Return at each origin the candidate with the least mean loss among those of months that were over by then.

    Parameters
    ----------
    losses : mapping of str to array of shape (n_origins, STEPS)
        Absolute errors, NaN beyond the last month.
    default : str
        Candidate to use while fewer than `LEAST_ERRORS` are known.
    """
    chosen = []
    for place in range(len(next(iter(losses.values())))):
        known = {name: loss[over(loss, place)] for name, loss in losses.items()}
        enough = min(len(values) for values in known.values()) >= LEAST_ERRORS
        chosen.append(min(known, key=lambda name: known[name].mean()) if enough else default)
    return chosen


def chosen_now(losses: Mapping[str, np.ndarray]) -> str:
    """Return the candidate with the least mean loss over all origins."""
    return min(losses, key=lambda name: np.nanmean(losses[name]))


def over(table: np.ndarray, place: int) -> np.ndarray:
    """Return True for the entries of months that are over at an origin; `place` counts origins from 0."""
    origin, step = np.indices(table.shape)
    return (origin + step < place) & ~np.isnan(table)


def widened(track: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Widen the intervals of each origin by what was known then; never narrow them.

    See `widen`; `track` is of shape (n_origins, STEPS, 5), `values` of shape (n_months,).
    """
    truth, made = truth_of(values), track.copy()
    for place in range(len(track)):
        by = factors(track, truth, over(truth, place))
        made[place] = widen(track[place], by, values[: FIRST_ORIGIN + place])
    return made


def factors(track: np.ndarray, truth: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Return the factor of each end in `ENDS`: 1 while fewer than `LEAST_RATIOS` months are known.

    Parameters
    ----------
    track : ndarray of shape (n_origins, STEPS, 5)
        Forecasts, with the two ends of each level in `LEVELS`.
    truth : ndarray of shape (n_origins, STEPS)
        What came.
    known : ndarray of bool of shape (n_origins, STEPS)
        Where the truth may be used.

    Returns
    -------
    ndarray of shape (4,)
        By how much each interval is to be stretched; 1 at least.
    """
    error, made = truth - track[..., 0], []
    for place, level in enumerate(LEVELS):
        low, high = track[..., 1 + 2 * place], track[..., 2 + 2 * place]
        reach = np.where(error < 0, track[..., 0] - low, high - track[..., 0])
        usable = known & (reach > 0)
        ratios = np.abs(error[usable]) / reach[usable]
        enough = len(ratios) >= LEAST_RATIOS
        factor = max(1.0, float(np.quantile(ratios, level / 100, method="higher"))) if enough else 1.0
        made += [factor, factor]
    return np.array(made)


def widen(table: np.ndarray, by: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Widen intervals by the errors of earlier origins; none below 0.

    A conformal step (Vovk et al. 2005; Barber et al. 2023 on series): the reach of an interval is multiplied by the
    quantile, at its level, of |error| / reach over the months that are over. No interval is narrower than that of
    "as last month": the spread of the changes from month to month.

    Parameters
    ----------
    table : array of shape (n_ahead, 5)
        Mean and ends as in `ENDS`.
    by : array of shape (4,)
        See `factors`.
    values : array of shape (n_months,)
        Months known so far.
    """
    mean, spread = table[:, :1], float(np.std(np.diff(values)))
    least = np.array([sign * NORMAL[level] * spread for level in LEVELS for sign in (-1, 1)])
    reach = (table[:, 1:] - mean) * by
    reach = np.where(least < 0, np.minimum(reach, least), np.maximum(reach, least))
    return np.column_stack([mean, np.maximum(mean + reach, 0.0)])
