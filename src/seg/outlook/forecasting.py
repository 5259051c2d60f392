"""Forecast one series by month or week with statsforecast, and keep what each candidate would have said at earlier origins.

Rolling origin: each month in turn (each fourth week) is taken for the newest one, and every candidate forecasts the months after
it from the months before. The choice of a candidate, and the widening of its intervals, use at each origin only errors that
were known on that day, so that the error that is reported belongs to the procedure and not to a winner picked
afterwards.

Revenue and orders are forecast an open day (a day with at least one order of anybody), so that holidays that close the
shop and the lengths of months are no change of demand. A month to come has the open days of the same month a year before, a week
those of the week 52 weeks before.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec

import numpy as np

SEASONAL_NAIVE = "seasonal naive"
LEVELS = (80, 95)
ENDS = ("low_80", "high_80", "low_95", "high_95")
LEAST_ERRORS = 3  # of each candidate, before the choice trusts them; until then the seasonal naive is used
LEAST_RATIOS = 6  # judged months behind a widening of the intervals
NORMAL = {80: 1.2816, 95: 1.9600}  # two-sided quantiles


@dataclass(frozen=True)
class Rhythm:
    """What is forecast: months or weeks, and how much of them the procedure needs.

    Parameters
    ----------
    name : str
        ``month`` or ``week``.
    season : int
        Periods of a year.
    first_origin : int
        Periods that every candidate gets at least: one of each season.
    least : int
        Periods that are needed: eighteen months.
    steps : int
        Periods ahead that rolling origins judge.
    stride : int
        Periods from one origin to the next.
    seasonal_from : int
        Periods from which theta (of months also ETS) estimates a season, three years; before, only the seasonal naive knows one.
    recent : int
        Newest periods that say which share of the total a segment has.
    learned : int
        Periods with customers after which forecasts of a segment are judged: half a year.
    """

    name: str
    season: int
    first_origin: int
    least: int
    steps: int
    stride: int
    seasonal_from: int
    recent: int
    learned: int


MONTHS = Rhythm("month", 12, 12, 18, 3, 1, 36, 3, 6)
WEEKS = Rhythm("week", 52, 52, 78, 4, 4, 156, 13, 26)
RHYTHMS = {"month": MONTHS, "week": WEEKS}
LONGEST_ETS = 24  # periods of a season that ETS can estimate


def missing() -> str | None:
    """Return why nothing can be forecast on this machine; None where it can."""
    if find_spec("statsforecast") is None:
        return "not possible: statsforecast is not installed; install it with: pip install 'seg[forecast]'"
    return None


def candidates(periods: int, rhythm: Rhythm = MONTHS) -> dict[str, Callable[[], object]]:
    """Return the makers of all candidates for a series of so many months or weeks, by name."""
    from statsforecast.models import AutoETS, AutoTheta, HistoricAverage, SeasonalNaive

    season = rhythm.season if periods >= rhythm.seasonal_from else 1
    smooth = season if season <= LONGEST_ETS else 1
    return {
        SEASONAL_NAIVE: lambda: SeasonalNaive(season_length=rhythm.season),
        "ETS": lambda: AutoETS(season_length=smooth, model="ZZZ" if smooth > 1 else "ZZN"),
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
    values, days : array of shape (n_periods,)
        Values of 0 or more, the oldest first, and the days that they were made on. A period without a day says nothing of demand.
    days_ahead : array of shape (n_ahead,)
        Days of the months or weeks to forecast.

    Returns
    -------
    array of shape (n_ahead, 5)
        Mean, then the ends of the 80 % and 95 % intervals as in `ENDS`; none below 0.
    """
    rates, steps = rates_of(values, days), len(days_ahead)
    if np.ptp(rates) == 0:  # nothing to estimate: more of the same
        return np.repeat(rates[-1] * days_ahead[:, None], 1 + len(ENDS), axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):  # an exact fit has no variance
        forecast: Mapping[str, np.ndarray] = make().forecast(y=rates, h=steps, level=list(LEVELS))
    mean = np.asarray(forecast["mean"], dtype="float64")
    columns = [mean]
    for level in LEVELS:
        reach = NORMAL[level] * rates.std()  # for the exact fits of which a model has no interval
        for end, sign in (("lo", -1), ("hi", 1)):
            value = np.asarray(forecast[f"{end}-{level}"], dtype="float64")
            columns.append(np.where(np.isfinite(value), value, mean + sign * reach))
    return np.maximum(np.column_stack(columns) * days_ahead[:, None], 0.0)


def rates_of(values: np.ndarray, days: np.ndarray) -> np.ndarray:
    """Return values a day; a period without a day has the rate of the one before it, the first ones that of the first known.

    >>> rates_of(np.array([0.0, 10.0, 0.0, 30.0]), np.array([0.0, 5.0, 0.0, 6.0]))
    array([2., 2., 2., 5.])
    """
    open_ones = np.flatnonzero(days > 0)
    if not len(open_ones):
        return np.zeros(len(values))
    known = np.maximum(np.searchsorted(open_ones, np.arange(len(values)), side="right") - 1, 0)
    return values[open_ones[known]] / days[open_ones[known]]


def roll(
    make: Callable[[], object], values: np.ndarray, days: np.ndarray, rhythm: Rhythm = MONTHS
) -> np.ndarray:
    """Forecast from every origin; return an array of shape (n_origins, steps, 5), NaN beyond the last period.

    Parameters
    ----------
    make : callable
        Makes an unfitted forecaster.
    values : ndarray of shape (n_periods,)
        A measure of each month or week.
    days : ndarray of shape (n_periods,)
        Days of each.
    rhythm : Rhythm
    """
    starts = origins(len(values), rhythm)
    track = np.full((len(starts), rhythm.steps, 1 + len(ENDS)), np.nan)
    for place, origin in enumerate(starts):
        steps = min(rhythm.steps, len(values) - origin)
        expected = days_expected(days[:origin], steps, rhythm)
        track[place, :steps] = ahead(make, values[:origin], days[:origin], expected)
    return track


def origins(periods: int, rhythm: Rhythm) -> range:
    """Return how many periods are known at each origin."""
    return range(rhythm.first_origin, periods, rhythm.stride)


def days_expected(days: np.ndarray, steps: int, rhythm: Rhythm = MONTHS) -> np.ndarray:
    """Return the open days of the next periods: those of the same month, or of the week 52 weeks, before.

    >>> days_expected(np.arange(1.0, 13.0), 3)
    array([1., 2., 3.])
    """
    year = rhythm.season
    return np.array([days[len(days) + (step % year) - year] for step in range(steps)])


def truth_of(values: np.ndarray, rhythm: Rhythm = MONTHS) -> np.ndarray:
    """Arrange the observed periods as the forecasts of `roll`; shape (n_origins, steps), NaN beyond the last one."""
    padded = np.append(values, np.full(rhythm.steps, np.nan))
    return np.array([padded[origin : origin + rhythm.steps] for origin in origins(len(values), rhythm)])


def chosen_then(losses: Mapping[str, np.ndarray], default: str, stride: int = 1) -> list[str]:
    """Return at each origin the candidate with the least mean loss among those of periods that were over by then.

    Parameters
    ----------
    losses : mapping of str to array of shape (n_origins, steps)
        Absolute errors, NaN beyond the last period.
    default : str
        Candidate to use while fewer than `LEAST_ERRORS` are known.
    stride : int
        Periods from one origin to the next.
    """
    chosen = []
    for place in range(len(next(iter(losses.values())))):
        known = {name: loss[over(loss, place, stride)] for name, loss in losses.items()}
        enough = min(len(values) for values in known.values()) >= LEAST_ERRORS
        chosen.append(min(known, key=lambda name: known[name].mean()) if enough else default)
    return chosen


def chosen_now(losses: Mapping[str, np.ndarray]) -> str:
    """Return the candidate with the least mean loss over all origins."""
    return min(losses, key=lambda name: np.nanmean(losses[name]))


def over(table: np.ndarray, place: int, stride: int = 1) -> np.ndarray:
    """Return True for the entries of periods that are over at an origin; `place` counts origins from 0."""
    origin, step = np.indices(table.shape)
    return (origin * stride + step < place * stride) & ~np.isnan(table)


def widened(track: np.ndarray, values: np.ndarray, rhythm: Rhythm = MONTHS, born: int = 0) -> np.ndarray:
    """Widen the intervals of each origin by what was known then; never narrow them.

    See `widen`; `track` is of shape (n_origins, steps, 5), `values` of shape (n_periods,). Before the period `born` nobody could
    be in the segment: what was forecast then, and the zeros that came, say nothing of how far a forecast is off.
    """
    truth, wider, counts = truth_of(values, rhythm), track.copy(), judged(len(values), rhythm, born)
    for place, origin in enumerate(origins(len(values), rhythm)):
        known = over(truth, place, rhythm.stride) & counts[:, None]
        wider[place] = widen(
            track[place],
            factors(track, truth, known),
            values[min(born, origin - 2) : origin],
            rhythm.steps,
        )
    return wider


def judged(periods: int, rhythm: Rhythm, born: int = 0) -> np.ndarray:
    """Return True for the origins at which a segment that exists from the period `born` on has been seen for long enough.

    >>> judged(24, MONTHS, born=10).sum(), judged(24, MONTHS).sum()
    (np.int64(8), np.int64(12))
    """
    return np.array([origin >= born + rhythm.learned for origin in origins(periods, rhythm)], dtype=bool)


def factors(track: np.ndarray, truth: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Return the factor of each end in `ENDS`: 1 while fewer than `LEAST_RATIOS` months are known.

    Parameters
    ----------
    track : ndarray of shape (n_origins, steps, 5)
        Forecasts, with the two ends of each level in `LEVELS`.
    truth : ndarray of shape (n_origins, steps)
        What came.
    known : ndarray of bool of shape (n_origins, steps)
        Where the truth may be used.

    Returns
    -------
    ndarray of shape (4,)
        By how much each interval is to be stretched; 1 at least.
    """
    error, stretch = truth - track[..., 0], []
    for place, level in enumerate(LEVELS):
        low, high = track[..., 1 + 2 * place], track[..., 2 + 2 * place]
        reach = np.where(error < 0, track[..., 0] - low, high - track[..., 0])
        usable = known & (reach > 0)
        ratios = np.abs(error[usable]) / reach[usable]
        enough = len(ratios) >= LEAST_RATIOS
        factor = max(1.0, float(np.quantile(ratios, level / 100, method="higher"))) if enough else 1.0
        stretch += [factor, factor]
    return np.array(stretch)


def changes(values: np.ndarray, apart: int = 1) -> float:
    """Return the mean squared change between periods so far apart, divided by the mean value; 0 for a series of zeros.

    >>> changes(np.array([2.0, 4.0, 2.0, 4.0])), changes(np.array([1.0, 2.0, 3.0]), 2), changes(np.zeros(3))
    (1.3333333333333333, 2.0, 0.0)
    """
    apart = min(apart, len(values) - 1)
    middle = (values[apart:] + values[:-apart]).sum() / 2 if apart > 0 else 0.0
    return float(((values[apart:] - values[:-apart]) ** 2).sum() / middle) if middle > 0 else 0.0


def widen(table: np.ndarray, by: np.ndarray, values: np.ndarray, steps: int) -> np.ndarray:
    """Widen intervals by the errors of earlier origins; none below 0.

    A conformal step (Vovk et al. 2005; Barber et al. 2023 on series): the reach of an interval is multiplied by the
    quantile, at its level, of |error| / reach over the months that are over. No interval is narrower than that of
    "as in the last known month": the spread of the changes over one month, two months and so on, for a mean as large as the forecast
    (the variance of sums over customers grows with their mean). So a segment that grows has wider intervals the farther it is forecast.

    Parameters
    ----------
    table : array of shape (n_ahead, 5)
        Mean and ends as in `ENDS`.
    by : array of shape (4,)
        See `factors`.
    values : array of shape (n_months,)
        Months known so far.
    steps : int
        Months ahead that rolling origins judge; changes over more of them count no further.
    """
    changed = [changes(values, min(step, steps)) for step in range(1, len(table) + 1)]
    mean, spread = table[:, :1], np.sqrt(table[:, :1] * np.array(changed)[:, None])
    least = spread * np.array([sign * NORMAL[level] for level in LEVELS for sign in (-1, 1)])
    reach = (table[:, 1:] - mean) * by
    reach = np.where(least < 0, np.minimum(reach, least), np.maximum(reach, least))
    return np.column_stack([mean, np.maximum(mean + reach, 0.0)])
