"""Null data of one cloud: customers of a single kind, however skewed, stretched or bent their cloud is.

`OneCloud` is fitted to a table of features and draws tables like it that hold one group. Each column is fitted by the nearest
distribution with one peak, so that a valley between two groups is filled, and skew, heavy tails, a spike at zero and whole numbers
stay; a column that may be evenly spread is taken to be so. In the normal scores of these distributions, customers are drawn

* from one normal distribution with the correlation of the data (`stretched`, a Gaussian copula), or
* column after column, each with a mean and a variance that may bend with the columns before it (`bent`).

References
----------
Hartigan and Hartigan (1985), "The dip test of unimodality", Annals of Statistics 13 (the nearest distribution with one peak);
Cheng and Hall (1998), "Calibrating the excess mass and dip tests of modality", JRSS B 60 (valleys are judged by draws, not by uniform data);
Stephens (1970), "Use of the Kolmogorov-Smirnov, Cramer-von Mises and related statistics without extensive tables", JRSS B 32 (evenly spread columns);
Liu, Hayes, Nobel and Marron (2008), "Statistical significance of clustering for high-dimension, low-sample size data", JASA 103
(one normal distribution as the null of a clustering).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.special import kolmogorov, ndtr, ndtri

from seg.metrics.bent_cloud import BentCloud
from seg.metrics.null_result import PEAKS_LEVEL
from seg.metrics.single_peak import one_peak, valley_depth

SPIKE = 0.1  # share of customers at the least or the greatest value from which it is kept as it is
LATTICE = 0.9  # share of customers with a repeated value from which only values of the column are drawn
DRAWN = 99  # tables with one peak in each column that the valleys of the data are held against
# Share of the customers; a column this near to one peak has one, however many customers say otherwise.
LEAST = 0.02
EVEN = 0.05  # p above which a column counts as evenly spread
ENOUGH = 5_000  # customers; of more, so many are drawn to compare the peaks of columns with


@dataclass(frozen=True)
class Marginal:
    """The distribution with one peak that is nearest to a column.

    Attributes
    ----------
    knots, heights : ndarray of shape (m,)
        Its distribution function, linear in between.
    distinct, repeated : ndarray of shape (v,)
        The distinct values of the column, and whether each is drawn exactly because it occurs more than once.
    distance : float
        Largest difference from the distribution function of the column.
    even : bool
        Whether the column may be evenly spread, spikes at its ends left out.
    """

    knots: np.ndarray
    heights: np.ndarray
    distinct: np.ndarray
    repeated: np.ndarray
    distance: float
    even: bool = False

    @classmethod
    def fit(cls, values: np.ndarray, rng: np.random.Generator) -> tuple[Marginal, np.ndarray]:
        """Fit a column (n,); return the marginal and the column's values with repeated ones spread towards their neighbours."""
        distinct, at, counts = np.unique(values, return_inverse=True, return_counts=True)
        if len(distinct) == 1:
            return cls(distinct, np.ones(1), distinct, np.ones(1, dtype=bool), 0.0), values
        edges = cell_edges(distinct)
        spread = _spread(values, edges, at, counts, rng)
        low, high = _without_spikes(counts)
        between = (at >= low) & (at < high)
        knots, heights, distance = one_peak(spread[between])
        even = _evenly_spread(spread[between])
        if even:
            # The nearest distribution with one peak makes a tent of chance lumps; draws from it would be less flat than the data.
            knots, heights = edges[[low, high]], np.array([0.0, 1.0])
        below, share = counts[:low].sum() / len(values), between.mean()
        # A spike takes its own cell: the rest begins where that cell ends.
        knots = np.clip(knots, edges[low], edges[high])
        spiked = high < len(distinct)
        knots = np.r_[edges[: low + 1] if low else [], knots, edges[high:] if spiked else []]
        heights = np.r_[
            [0.0, below] if low else [], below + share * heights, [below + share, 1.0] if spiked else []
        ]
        # In a column of whole numbers the few that occur once are whole numbers as well.
        repeated = (counts > 1) | (counts[counts > 1].sum() >= LATTICE * len(values))
        return cls(knots, heights, distinct, repeated, distance * share, even), spread

    def scores(self, spread: np.ndarray) -> np.ndarray:
        """Return normal scores (n,) of spread values (n,)."""
        if len(self.knots) == 1:
            return np.zeros(len(spread))
        least = 0.25 / len(spread)
        return ndtri(np.clip(np.interp(spread, self.knots, self.heights), least, 1 - least))

    def values(self, scores: np.ndarray) -> np.ndarray:
        """Return the values (m,) that have these normal scores (m,); repeated values of the column come back exactly."""
        if len(self.knots) == 1:
            return np.full(len(scores), self.knots[0])
        drawn = np.interp(ndtr(scores), self.heights, self.knots)
        cell = np.clip(
            np.searchsorted(cell_edges(self.distinct), drawn, "right") - 1, 0, len(self.distinct) - 1
        )
        drawn = np.where(self.repeated[cell], self.distinct[cell], drawn)
        return np.clip(drawn, self.distinct[0], self.distinct[-1])


def cell_edges(distinct: np.ndarray) -> np.ndarray:
    """Return the edges (v + 1,) between ascending values (v,), half-way; the outer ones lie as far out as the next ones in."""
    half = np.diff(distinct) / 2
    return np.r_[distinct[0] - half[0], distinct[:-1] + half, distinct[-1] + half[-1]]


def _spread(
    values: np.ndarray, edges: np.ndarray, at: np.ndarray, counts: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Return values (n,) of which repeated ones are spread over their cells; `at` is the place among the distinct ones."""
    spread = edges[at] + rng.uniform(size=len(values)) * (edges[at + 1] - edges[at])
    return np.where(counts[at] > 1, spread, values)


def _evenly_spread(values: np.ndarray) -> bool:
    """Return whether values (n,) may be evenly spread between the least and the greatest one (Kolmogorov-Smirnov, p above `EVEN`)."""
    n = len(values) - 2  # given the ends, the others are evenly spread
    if n < 1 or not np.ptp(values) > 0:
        return False
    shares = np.sort((values - values.min()) / np.ptp(values))[1:-1]
    distance = max((np.arange(1, n + 1) / n - shares).max(), (shares - np.arange(n) / n).max())
    return bool(kolmogorov((np.sqrt(n) + 0.12 + 0.11 / np.sqrt(n)) * distance) > EVEN)


def _without_spikes(counts: np.ndarray) -> tuple[int, int]:
    """Return the first of the ascending distinct values that is no spike at the lower end, and the place after the last such one."""
    least, low, high = SPIKE * counts.sum(), 0, len(counts)
    if counts[0] >= least:
        low = 1
    if counts[-1] >= least and high - low > 1:
        high -= 1
    return low, high


def _valleys(X: np.ndarray, rng: np.random.Generator) -> float:
    """Return the depth of the valleys of all columns of X (n, d) together, spikes at an end of a column left out."""
    total = 0.0
    for values in X.T:
        distinct, at, counts = np.unique(values, return_inverse=True, return_counts=True)
        if len(distinct) == 1:
            continue
        low, high = _without_spikes(counts)
        between = (at >= low) & (at < high)
        total += between.mean() * valley_depth(
            _spread(values, cell_edges(distinct), at, counts, rng)[between]
        )
    return total


class OneCloud:
    """One group of customers like those of a table.

    Parameters
    ----------
    X : ndarray of shape (n, d)
        Features in their own units.
    seed : int
        Of the spreading of repeated values and of the simulation that `bent` is calibrated with.

    Examples
    --------
    >>> X = np.random.default_rng(0).poisson(2.0, size=(200, 2)).astype(float)
    >>> drawn = OneCloud(X).stretched(np.random.default_rng(1))
    >>> drawn.shape, bool(np.isin(drawn, np.arange(12)).all())
    ((200, 2), True)
    """

    def __init__(self, X: np.ndarray, seed: int = 0):
        rng = np.random.default_rng([seed, 12])
        self._columns = X
        pairs = [Marginal.fit(column, rng) for column in X.T]
        self.marginals = [marginal for marginal, _ in pairs]
        scores = np.column_stack([marginal.scores(spread) for marginal, spread in pairs])
        deviation = scores.std(axis=0)
        self.scores = (scores - scores.mean(axis=0)) / np.where(deviation > 0, deviation, 1.0)
        self._seed = seed
        self._bent: BentCloud | None = None

    @property
    def evenly_spread(self) -> bool:
        """Whether any column may be evenly spread."""
        return any(marginal.even for marginal in self.marginals)

    @cached_property
    def two_peaked(self) -> bool:
        """Whether columns have more than one peak by themselves, at the level `PEAKS_LEVEL`.

        The valleys of all columns together are held against those of tables drawn from the columns' distributions with one peak: groups
        that leave a shallow valley in each of several features are seen. Drawing ends as soon as too many are as deep.
        """
        n = len(self.scores)
        if max(marginal.distance for marginal in self.marginals) < LEAST:
            return False
        rng = np.random.default_rng([self._seed, 56])
        X = self._columns if n <= ENOUGH else self._columns[rng.choice(n, ENOUGH, replace=False)]
        observed, as_deep = _valleys(X, rng), 1
        for _ in range(DRAWN):
            as_deep += _valleys(self.stretched(rng, len(X)), rng) >= observed
            if as_deep > PEAKS_LEVEL * (1 + DRAWN):
                return False
        return True

    def stretched(self, rng: np.random.Generator, n: int | None = None) -> np.ndarray:
        """Draw a table of n customers (n, d), as many as the data have unless given, with the marginals and the correlation of the data."""
        values, vectors = np.linalg.eigh(self.scores.T @ self.scores / len(self.scores))
        root = vectors * np.sqrt(np.maximum(values, 0))
        return self._values(rng.standard_normal((n or len(self.scores), len(root))) @ root.T)

    def bent(self, rng: np.random.Generator) -> np.ndarray:
        """Draw a table (n, d) with the marginals and the bent dependence of the data."""
        if self._bent is None:
            self._bent = BentCloud(self.scores, self._seed)
        return self._values(self._bent.draw(len(self.scores), rng))

    def _values(self, scores: np.ndarray) -> np.ndarray:
        return np.column_stack(
            [marginal.values(column) for marginal, column in zip(self.marginals, scores.T, strict=True)]
        )
