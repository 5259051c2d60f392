"""The groups that customers form in the density of their features: its peaks at many scales, with their significance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from seg.metrics.labeling import matrix

LARGE = 2_500  # customers; of more, a random sample of so many is looked at
SMALL = 0.01  # of the customers; a peak with fewer on its slopes is none
FEWEST = 4  # customers on the slopes of a peak
NEIGHBOURS = 10  # of a customer, in the graph along which peaks are climbed
FINEST, PER_SCALE, GROWTH = (
    6,
    150,
    1.4,
)  # neighbours of the finest scale, customers for each, factor between scales
EVEN = 1.5  # a value is spread to one side at most so many times as far as to the other
COARSEST = 0.25, 150  # share of the customers, and neighbours at most
POSSIBLE, LIKELY, SURE, CERTAIN = LEVELS = (2.5, 3.0, 3.5, 4.0)  # standard errors by which a peak stands out


@dataclass(frozen=True)
class DensityGroups:
    """Groups of customers, by how far a peak has to stand out to count.

    Attributes
    ----------
    counts : dict of float to int
        Number of peaks that stand out by so many standard errors (`LEVELS`), the largest over all scales; at least 1.
    labels : ndarray of shape (m,)
        Group of each customer of the sample, for the `LIKELY` count.
    rows : ndarray of shape (m,)
        The customers looked at, ascending.
    """

    counts: dict[float, int]
    labels: np.ndarray
    rows: np.ndarray


def density_groups(X: np.ndarray, seed: int = 0) -> DensityGroups:
    """Count the groups of customers by the peaks of their density.

    Parameters
    ----------
    X : array of shape (n, d)
        Scaled features; each column is brought to unit variance first.
    seed : int
        Of the sample above `LARGE` customers.

    Notes
    -----
    1. The density at a customer follows from the distance to the m-th neighbour; its logarithm has a standard error of about
       ``1 / sqrt(m)``. A peak counts if the log-density falls by ``z * sqrt(2 / m)`` on the best way to a higher peak.
    2. Small groups are seen at small m, and shallow valleys between large groups at large m. So m runs from 6 (more for more
       customers, which have more places where chance makes a peak) to a quarter of the customers (150 at most), and the largest count decides.
    3. Groups may have any shape: a ring is one group. Whether segments of a model follow the groups is for their agreement
       to tell.
    4. A value that occurs more than once is spread towards its neighbours first, see `spread_evenly`: whole numbers are no peaks.

    References
    ----------
    Chazal, Guibas, Oudot and Skraba (2013), "Persistence-based clustering in Riemannian manifolds", JACM 60,
    doi 10.1145/2535927 (peaks and how far they stand out); Loftsgaarden and Quesenberry (1965), "A nonparametric estimate of a multivariate
    density function", Annals of Mathematical Statistics 36 (the density).
    """
    X = matrix(X)
    rows = np.arange(len(X))
    if len(X) > LARGE:
        rows = np.sort(np.random.default_rng(seed).choice(len(X), LARGE, replace=False))
    points = spread_evenly(X[rows])
    deviation = points.std(axis=0)
    points = ((points - points.mean(axis=0)) / np.where(deviation > 0, deviation, 1.0))[:, deviation > 0]
    if not points.size or len(points) < 3 * FINEST:
        return DensityGroups(dict.fromkeys(LEVELS, 1), np.zeros(len(rows), dtype=int), rows)
    trees = _at_scales(scales(len(points)), points, _Graph.of(points))
    least = max(FEWEST, SMALL * len(points))
    counts = {z: max(tree.count(z, least) for tree in trees) for z in LEVELS}
    # Of the scales with that count the coarsest, whose borders are smoothest.
    chosen = [tree for tree in trees if tree.count(LIKELY, least) == counts[LIKELY]][-1]
    return DensityGroups(counts, chosen.labels(LIKELY, least), rows)


def spread_evenly(X: np.ndarray) -> np.ndarray:
    """Spread values (n, d) that occur more than once half-way to their neighbours, in the same way for any row order.

    A value with a near and a far neighbour is spread about as far to both sides: two and three orders, and then none below
    seventeen, do not make three to ten one broad group.
    """
    order = np.lexsort(X.T[::-1])
    draw = np.random.default_rng(0).uniform(size=X.shape)
    result = np.empty(X.shape)
    result[order] = np.column_stack([_spread(*column) for column in zip(X[order].T, draw.T, strict=True)])
    return result


def _spread(values: np.ndarray, draw: np.ndarray) -> np.ndarray:
    distinct, at, counts = np.unique(values, return_inverse=True, return_counts=True)
    if len(distinct) == 1:
        return values
    half = np.diff(distinct) / 2
    below, above = np.r_[half[0], half], np.r_[half, half[-1]]
    below, above = np.minimum(below, EVEN * above), np.minimum(above, EVEN * below)
    return np.where(counts[at] > 1, values - below[at] + draw * (below + above)[at], values)


def scales(n: int) -> list[int]:
    """Return the numbers of neighbours that the density of n customers is estimated with, ascending."""
    sizes = [max(FINEST, -(-n // PER_SCALE))]
    while sizes[-1] * GROWTH <= min(COARSEST[0] * n, COARSEST[1]):
        sizes.append(int(np.ceil(sizes[-1] * GROWTH)))
    return sizes


@dataclass(frozen=True)
class _Graph:
    """Neighbours of the customers, and the points half-way between them."""

    tree: cKDTree
    a: np.ndarray
    b: np.ndarray
    middles: np.ndarray

    @classmethod
    def of(cls, points: np.ndarray) -> _Graph:
        n, tree = len(points), cKDTree(points)
        near = tree.query(points, min(NEIGHBOURS + 1, n))[1][:, 1:]
        ends = np.sort(np.column_stack([np.repeat(np.arange(n), near.shape[1]), near.ravel()]), axis=1)
        a, b = np.unique(ends, axis=0).T
        return cls(tree, a, b, (points[a] + points[b]) / 2)


@dataclass(frozen=True)
class _Persistence:
    """Peaks of the density at one scale, and where they are joined.

    `joins` has a row a join: the lower peak, the higher one, by how many standard errors the lower stands out, and the customers
    on its slopes.
    """

    tops: np.ndarray
    joins: list[tuple[int, int, float, float]]

    def count(self, z: float, least: float) -> int:
        """Return the number of peaks that stand out by z standard errors and have enough customers."""
        joined = sum(out > z and size >= least for _, _, out, size in self.joins)
        low = {join[0] for join in self.joins}
        sizes = np.bincount(self._apart())
        apart = sum(size >= least for top, size in enumerate(sizes) if size and top not in low)
        return int(joined + max(apart, 1))

    def labels(self, z: float, least: float) -> np.ndarray:
        """Return the group (n,) of each customer; slopes that are no group belong to the peak they are joined to."""
        owner = np.arange(len(self.tops))
        for low, high, out, size in self.joins:
            if not (out > z and size >= least):
                owner[low] = high
        return np.unique(_roots(owner)[self.tops], return_inverse=True)[1]

    def _apart(self) -> np.ndarray:
        """Return the top (n,) that is left for each customer when everything that can be joined is joined."""
        owner = np.arange(len(self.tops))
        for low, high, _, _ in self.joins:
            owner[low] = high
        return _roots(owner)[self.tops]


def _at_scales(sizes: list[int], points: np.ndarray, graph: _Graph) -> list[_Persistence]:
    """Return the peaks of the density that is estimated with so many neighbours, for each of `sizes`."""
    # The nearest neighbour of a customer is the customer, of a point half-way it is another one.
    heights = _log_density(graph.tree, points, [m + 1 for m in sizes])
    passes = _log_density(graph.tree, graph.middles, sizes)
    return [
        _persistence(m, graph, height, low) for m, height, low in zip(sizes, heights.T, passes.T, strict=True)
    ]


def _log_density(tree: cKDTree, places: np.ndarray, nearest: list[int]) -> np.ndarray:
    """Return the logarithm of the density (n, len(nearest)) by the distance to each of the nearest neighbours, but for a constant."""
    # One search as far as the farthest neighbour gives the distances to all the nearer ones.
    distances = tree.query(places, nearest, workers=-1)[0]
    return -places.shape[1] * np.log(distances + 1e-12)


def _persistence(m: int, graph: _Graph, heights: np.ndarray, passes: np.ndarray) -> _Persistence:
    heights, passes = np.ascontiguousarray(heights), np.ascontiguousarray(passes)
    passes = np.minimum(passes, np.minimum(heights[graph.a], heights[graph.b]))
    tops = _climb(heights, graph.a, graph.b)
    edges = (tops[graph.a], tops[graph.b], passes)
    return _Persistence(tops, _joins(heights, tops, edges, np.sqrt(m / 2)))


def _roots(owner: np.ndarray) -> np.ndarray:
    while (owner[owner] != owner).any():
        owner = owner[owner]
    return owner


def _climb(heights: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the top (n,) that each customer reaches by always going to the highest neighbour."""
    up = np.arange(len(heights))
    start, end = np.r_[a, b], np.r_[b, a]
    better = heights[end] > heights[start]
    start, end = start[better], end[better]
    ascending = np.argsort(heights[end], kind="stable")
    up[start[ascending]] = end[ascending]  # the last one written is the highest
    return _roots(up)


def _joins(heights: np.ndarray, tops: np.ndarray, edges: tuple, precision: float) -> list:
    """Join slopes over the highest passes first."""
    sizes = np.bincount(tops, minlength=len(heights)).astype(float)
    owner = np.arange(len(heights))

    def find(top: int) -> int:
        while owner[top] != top:
            owner[top] = owner[owner[top]]
            top = owner[top]
        return top

    one, other, passes = (values[edges[0] != edges[1]] for values in edges)
    joins = []
    for place in np.argsort(-passes, kind="stable"):
        high, low = find(one[place]), find(other[place])
        if high == low:
            continue
        if heights[high] < heights[low]:
            high, low = low, high
        joins.append((int(low), int(high), float((heights[low] - passes[place]) * precision), sizes[low]))
        owner[low] = high
        sizes[high] += sizes[low]
    return joins
