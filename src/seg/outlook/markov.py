"""How the shares of the segments will move: a Markov chain of monthly steps, and a test of whether it is one.

In a Markov chain where a customer goes next depends on the present segment only. The test compares it with a chain
that also remembers the segment before (likelihood ratio; Anderson & Goodman 1957, doi 10.1214/aoms/1177707039). With
thousands of customers it nearly always finds a memory; what counts for a forecast of shares is how far off the chain
was in months that are over, beside "the shares stay".
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd
from scipy.stats import chi2

from seg.errors import number_of

LEAST_STEPS = 4  # months of moves to learn from
JUDGED_AHEAD = 3  # months that the check looks ahead


@dataclass(frozen=True)
class ShareForecast:
    """Shares of the segments in months to come.

    Parameters
    ----------
    counts, transitions : DataFrame of shape (n_segments, n_segments)
        Steps of a month that were made, from the row to the column, and the probability to be in the segment of the column a month later; rows sum to 1.
    shares : DataFrame of shape (n_months_ahead + 1, n_segments)
        Expected shares, today's first; new customers of each month are those of an average month.
    statistic, p_value : float
        Of the test that the chain has no memory; a small p-value speaks against a Markov chain.
    degrees : int
        Degrees of freedom.
    error, error_unchanged : float
        Mean absolute error of a share, `JUDGED_AHEAD` months ahead, of the chain and of unchanged shares.
    """

    counts: pd.DataFrame
    transitions: pd.DataFrame
    shares: pd.DataFrame
    statistic: float
    p_value: float
    degrees: int
    error: float
    error_unchanged: float

    @property
    def sentence(self) -> str:
        """What the test and the check say, for people."""
        memory = (
            "customers also follow where they were before, so this is not a Markov chain"
            if self.p_value < 0.05
            else "no sign that customers follow where they were before: a Markov chain fits"
        )
        p_value = "p < 0.001" if self.p_value < 0.001 else f"p = {self.p_value:.3f}"
        better = "better than" if self.error < self.error_unchanged else "no better than"
        return (
            f"{memory} (likelihood ratio {self.statistic:,.0f} on {self.degrees} degrees of freedom, {p_value}); {JUDGED_AHEAD} "
            f"months ahead the chain missed a share by {100 * self.error:.1f} points on average, {better} unchanged shares "
            f"({100 * self.error_unchanged:.1f} points)"
        )


def forecast_shares(states: pd.DataFrame, months_ahead: int = 6) -> ShareForecast | str:
    """Forecast the shares of the segments.

    Parameters
    ----------
    states : DataFrame of shape (n_customers, n_months)
        Segment of each customer at the start of each month, the oldest first; missing before the first order.
    months_ahead : int

    Returns
    -------
    ShareForecast or str
        The reason where there are too few months.
    """
    steps = states.shape[1] - 1
    needed = LEAST_STEPS + JUDGED_AHEAD
    if steps < needed:
        return f"not possible: {number_of(max(steps, 0), 'monthly step')} between segments, and at least {needed} are needed"
    segments = sorted(int(one) for one in pd.unique(states.to_numpy().ravel()) if not pd.isna(one))
    codes = states.to_numpy(dtype="float64")
    places = np.where(np.isnan(codes), -1, np.searchsorted(segments, np.nan_to_num(codes, nan=segments[0])))
    matrix, entrants = _chain(places, len(segments))
    now = _counts(places[:, -1], len(segments))
    counts = [now]
    for _month in range(months_ahead):
        counts.append(counts[-1] @ matrix + entrants)
    shares = np.array([one / one.sum() for one in counts])
    statistic, degrees = memory_test(places, len(segments))
    error, unchanged = _check(places, len(segments))
    return ShareForecast(
        pd.DataFrame(_moves(places, len(segments)), index=segments, columns=segments),
        pd.DataFrame(matrix, index=segments, columns=segments),
        pd.DataFrame(shares, columns=segments),
        statistic,
        float(chi2.sf(statistic, degrees)) if degrees else float("nan"),
        degrees,
        error,
        unchanged,
    )


def memory_test(places: np.ndarray, n_segments: int) -> tuple[float, int]:
    """Compare a chain that remembers one step with one that remembers two.

    Parameters
    ----------
    places : int array of shape (n_customers, n_months)
        Segments numbered from 0; -1 where there is none.
    n_segments : int

    Returns
    -------
    statistic : float
        ``2 * sum n_ijk * log(p_ijk / p_jk)``, chi-squared if the chain has no memory.
    degrees : int
        Of the histories that occur.
    """
    three = np.zeros((n_segments,) * 3)
    for step in range(places.shape[1] - 2):
        before, now, after = (places[:, step + back] for back in range(3))
        everywhere = (before >= 0) & (now >= 0) & (after >= 0)
        np.add.at(three, (before[everywhere], now[everywhere], after[everywhere]), 1)
    pairs = three.sum(axis=0)  # now, after
    rows = three.sum(axis=2, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        long = three / rows
        short = pairs / pairs.sum(axis=1, keepdims=True)
        terms = np.where(three > 0, three * np.log(long / short[None]), 0.0)
    statistic = max(float(2 * terms.sum()), 0.0)
    reachable = (pairs > 0).sum(axis=1)  # where one can go from each segment
    histories = (rows[:, :, 0] > 0).sum(axis=0)  # from where one comes to it
    degrees = int((np.maximum(histories - 1, 0) * np.maximum(reachable - 1, 0)).sum())
    return statistic, degrees


def _chain(places: np.ndarray, n_segments: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the transition matrix over all steps, and the mean number of new customers a month by segment."""
    moves, entrants = _moves(places, n_segments), np.zeros(n_segments)
    for before, after in pairwise(places.T):
        np.add.at(entrants, after[(before < 0) & (after >= 0)], 1)
    # A segment that nobody has left yet is one that is stayed in.
    empty = moves.sum(axis=1) == 0
    moves[empty, empty] = 1
    return moves / moves.sum(axis=1, keepdims=True), entrants / (places.shape[1] - 1)


def _moves(places: np.ndarray, n_segments: int) -> np.ndarray:
    """Count the steps of a month from each segment to each."""
    moves = np.zeros((n_segments, n_segments))
    for before, after in pairwise(places.T):
        both = (before >= 0) & (after >= 0)
        np.add.at(moves, (before[both], after[both]), 1)
    return moves


def _check(places: np.ndarray, n_segments: int) -> tuple[float, float]:
    """Forecast shares from months that are over, with what was known then."""
    errors, unchanged = [], []
    for origin in range(LEAST_STEPS, places.shape[1] - JUDGED_AHEAD):
        matrix, entrants = _chain(places[:, : origin + 1], n_segments)
        now = counts = _counts(places[:, origin], n_segments)
        for _month in range(JUDGED_AHEAD):
            counts = counts @ matrix + entrants
        truth = _counts(places[:, origin + JUDGED_AHEAD], n_segments)
        truth = truth / truth.sum()
        errors.append(np.abs(counts / counts.sum() - truth).mean())
        unchanged.append(np.abs(now / now.sum() - truth).mean())
    return float(np.mean(errors)), float(np.mean(unchanged))


def _counts(places: np.ndarray, n_segments: int) -> np.ndarray:
    return np.bincount(places[places >= 0], minlength=n_segments).astype("float64")
