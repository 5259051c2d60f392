"""Silhouettes of labelings: the Euclidean one, exact or estimated with its error, and the squared one.

``X``, ``labels`` and noise are as in `seg.metrics.separation`.
"""

from collections.abc import Hashable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import joblib
import numpy as np
import pandas as pd
from scipy.spatial.distance import cdist

from seg.metrics import kernels
from seg.metrics.labeling import Labeling, centred, encode, matrix, spread

CLUSTER_MINIMUM = 30  # sampled customers of each cluster, so that its own mean is worth reading
FEW_ALIKE = 0.8  # distinct points for each customer, above which putting equal ones together saves nothing
PILOT = (
    2_000  # customers measured first, where a sample is taken; more as far as the error asked for needs them
)
ERROR = 0.0005  # standard error up to which a sample grows, unless another one is asked for
MANY_PAIRS = (
    20_000_000  # distances, from which the compiled float32 kernels are used; below, float64 costs as little
)
SINGLE_DIGITS = 1e-3  # of a point's own size: mean distances smaller than that are computed in float64
CELL_SIZE = 48  # customers of a cell on average, so that the kernels' tiles of 16 are mostly full
MOST_FEATURES = 16  # of the kernels
CHUNK_BYTES = 4 << 20  # distances held by one thread: in the cache they cost half of what 64 MB in memory do


@dataclass(frozen=True)
class Sampling:
    """How many customers a silhouette is measured on.

    Parameters
    ----------
    size : int
        Up to this many customers a silhouette is exact; above, it is estimated on so many.
    seed : int
        Of the random draw.
    error : float
        Standard error at which a sample is large enough.
    """

    size: int
    seed: int = 0
    error: float = ERROR


@dataclass(frozen=True)
class SilhouetteResult:
    """Mean silhouette of one labeling (-1 to 1, large is good), and the customers it was measured on.

    Attributes
    ----------
    value : float
        Mean over all customers that are not noise; NaN with fewer than two clusters.
    se : float
        Standard error of ``value`` from sampling customers; 0 when all were measured.
    n : int
        Customers measured, the length of ``samples``.
    per_cluster : dict of int to float
        Mean by label. ``value`` is their mean, weighted by the sizes of the clusters.
    samples : ndarray of shape (n,)
        Silhouette of each measured customer. Of a sample, small clusters are over-represented: draw one
        cluster at a time, and take means from ``value`` and ``per_cluster``, which are weighted.
    index : ndarray of shape (n,)
        Row of ``X`` of each measured customer, ascending.
    """

    value: float
    se: float
    n: int
    per_cluster: dict[int, float]
    samples: np.ndarray
    index: np.ndarray


def silhouettes(
    X: np.ndarray,
    labelings: Mapping[Hashable, np.ndarray],
    sample: int = 20_000,
    seed: int = 0,
    error: float = ERROR,
) -> dict[Hashable, SilhouetteResult]:
    """Measure the Euclidean silhouette of several labelings of the same customers in one pass.

    Parameters
    ----------
    X : array of shape (n, d)
    labelings : mapping of key to labels (n,)
        For instance one entry for each k.
    sample : int
        Up to this many customers the result is exact; above, at most about so many are measured, each against *all*
        customers. Time is O(min(n, sample) n d), memory O(n).
    seed : int
        Of the sample.
    error : float
        A sample starts with 2,000 customers and grows until every labeling has at most this standard error, or to `sample`.

    Returns
    -------
    dict of key to SilhouetteResult
        A customer alone in its cluster has silhouette 0, as in scikit-learn; noise (-1) is excluded.

    Raises
    ------
    ValueError
        Shapes that do not fit, values that are not finite, labels that are not integers or below -1.

    Notes
    -----
    1. Distances do not depend on the labeling. They are summed by joint cell (customers whom no labeling
       separates), then cells are added up to the clusters of each labeling. Labelings with more joint cells
       than a quarter of the sample share out over several passes.
       Customers of one cell at one point are one point with a weight.
    2. The sample is stratified by joint cell with proportional allocation, at least 2 customers a cell and
       30 a cluster (or all there are). Strata nest in the clusters of every labeling.
    3. The squared silhouette costs little for all customers and is the control variate of a regression
       estimator; its slope is the one that minimises the estimated variance.

    References
    ----------
    Rousseeuw (1987), "Silhouettes", J. Comput. Appl. Math. 20; Cochran (1977), *Sampling Techniques*, 7.10.
    """
    X = centred(matrix(X))
    if sample < 2:
        raise ValueError(f"sample is {sample}, expected at least 2 customers")
    encoded = {key: encode(labels, len(X)) for key, labels in labelings.items()}
    nothing = SilhouetteResult(np.nan, np.nan, 0, {}, np.empty(0), np.empty(0, dtype=np.intp))
    results = dict.fromkeys(encoded, nothing)
    scored = {key: labeling for key, labeling in encoded.items() if len(labeling.ids) >= 2}
    # An exact pass takes any number of cells; a sample needs two customers from each.
    limit = max(len(X) // CELL_SIZE, 2_000) if len(X) <= sample else min(sample, PILOT) // 4
    for keys, cells in _passes(scored, limit):
        group = [scored[key] for key in keys]
        query, values = _measured(X, cells, group, sample, seed, error)
        for key, labeling, samples in zip(keys, group, values.T, strict=True):
            results[key] = _estimate(X, labeling, cells, query, samples)
    return results


def silhouette_squared_samples(X: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return the silhouette of squared Euclidean distances of each customer, exact at any size.

    Returns
    -------
    ndarray of shape (n,)
        NaN for noise, and everywhere with fewer than two clusters; 0 for a customer alone in its cluster.

    Notes
    -----
    The mean squared distance from x to a cluster is ``|x - mean|^2`` plus the cluster's own mean squared
    distance to its mean, so sums over clusters are enough: O(n k d). The terms are positive, so nothing
    cancels.

    References
    ----------
    Apache Spark, ``ClusteringEvaluator`` (``squaredEuclidean``): the same quantity and the same conventions.
    """
    X = centred(matrix(X))
    return _squared(X, encode(labels, len(X)))


def silhouette_squared(X: np.ndarray, labels: np.ndarray) -> float:
    """Return the mean silhouette of squared Euclidean distances, the one Spark reports.

    It is mostly larger than the Euclidean silhouette of the same labels (0.80 against 0.65, say): never put
    the two into one column. Noise (-1) is excluded; NaN with fewer than two clusters. See
    `silhouette_squared_samples`.
    """
    values = silhouette_squared_samples(X, labels)
    finite = values[~np.isnan(values)]
    return float(finite.mean()) if len(finite) else np.nan


def _squared(X: np.ndarray, labeling: Labeling) -> np.ndarray:
    """Return squared silhouettes (n,) of a centred X."""
    samples = np.full(len(X), np.nan)
    if len(labeling.ids) < 2:
        return samples
    means, within = spread(X, labeling)
    # Equal points are not exactly at their mean: without a floor the ratio of two residues looks like a
    # score.
    floor = (1e-14 * np.abs(X).max()) ** 2
    for start in range(0, len(X), step := max(1, CHUNK_BYTES // (8 * len(means)))):
        rows = slice(start, start + step)
        distances = cdist(X[rows], means, "sqeuclidean") + within / labeling.counts
        distances[distances < floor] = 0.0
        samples[rows] = _scores(distances * labeling.counts, labeling.codes[rows], labeling.counts)
    return samples


def _scores(sums: np.ndarray, own: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return silhouettes (m,) from sums of distances to each cluster (m, k); NaN where `own` is noise."""
    rows = np.arange(len(own))
    inner = sums[rows, own] / np.maximum(counts[own] - 1, 1)
    means = sums / counts
    means[rows, own] = np.inf
    outer = means.min(axis=1)
    larger = np.maximum(inner, outer)
    scores = np.divide(outer - inner, larger, out=np.zeros(len(own)), where=(larger > 0) & (counts[own] > 1))
    scores[own < 0] = np.nan
    return scores


def _passes(labelings: Mapping, limit: int) -> list[tuple[list, np.ndarray]]:
    """Group labelings so that no group has over `limit` joint cells; return keys and cells (n,) of each."""
    groups: list[tuple[list, np.ndarray]] = []
    for key, labeling in labelings.items():
        if groups:
            keys, cells = groups[-1]
            pairs = cells * (len(labeling.ids) + 1) + labeling.codes + 1
            kinds, joint = np.unique(pairs, return_inverse=True)
            if len(kinds) <= limit:
                groups[-1] = ([*keys, key], joint)
                continue
        groups.append(([key], labeling.codes + 1))
    return groups


def _inside(group: list[Labeling]) -> np.ndarray:
    """Return the rows that are not noise in every labeling."""
    return np.flatnonzero(np.any([labeling.codes >= 0 for labeling in group], axis=0))


def _draw(cells: np.ndarray, group: list[Labeling], sample: int, seed: int) -> np.ndarray:
    """Return the rows to measure, ascending: all, or about `sample` of them, stratified by cell."""
    inside = _inside(group)
    if len(inside) <= sample:
        return inside
    counts = np.bincount(cells[inside])
    fraction = np.full(len(counts), sample / len(inside))
    for labeling in group:
        in_cluster = labeling.codes >= 0
        needed = np.minimum(1, CLUSTER_MINIMUM / labeling.counts)[labeling.codes[in_cluster]]
        fraction[cells[in_cluster]] = np.maximum(fraction[cells[in_cluster]], needed)
    # At least two from every cell, so that each has a variance of its own (a cell of one is complete).
    take = np.minimum(counts, np.maximum(2, np.ceil(fraction * counts)))
    shuffled = np.random.default_rng(seed).permutation(inside)
    ordered = shuffled[np.argsort(cells[shuffled], kind="stable")]
    rank = np.arange(len(ordered)) - (np.cumsum(counts) - counts)[cells[ordered]]
    return np.sort(ordered[rank < take[cells[ordered]]])


def _measured(
    X: np.ndarray, cells: np.ndarray, group: list[Labeling], sample: int, seed: int, error: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows that are measured, ascending, and their silhouettes (rows, labelings)."""
    reference = _Reference(X, cells, group)
    query = _draw(cells, group, sample if len(reference.inside) <= sample else min(sample, PILOT), seed)
    values = reference.silhouettes(query)
    if len(query) == len(reference.inside) or sample <= PILOT:
        return query, values
    estimates = zip(group, values.T, strict=True)
    worst = max(_estimate(X, labeling, cells, query, samples).se for labeling, samples in estimates)
    if worst <= error:
        return query, values
    needed = sample if error <= 0 else min(sample, int(1.1 * PILOT * (worst / error) ** 2))
    # The same seed draws the same customers first: those measured so far are all among the larger sample.
    larger = _draw(cells, group, needed, seed)
    further = np.setdiff1d(larger, query, assume_unique=True)
    rows = np.concatenate([query, further])
    values = np.concatenate([values, reference.silhouettes(further)])
    order = np.argsort(rows)
    return rows[order], values[order]


class _Reference:
    """All customers that are not noise, by joint cell: what the measured ones are held against."""

    def __init__(self, X: np.ndarray, cells: np.ndarray, group: list[Labeling]):
        self.X, self.cells, self.group, self.inside = X, cells, group, _inside(group)
        self.rows, self.weights, self.point = _alike(X, cells, self.inside)
        self.offsets = np.cumsum([0, *(len(labeling.ids) for labeling in group)])

    def silhouettes(self, query: np.ndarray) -> np.ndarray:
        """Return the silhouettes (query, labelings) of some rows."""
        pairs = len(query) * len(self.rows)
        if pairs < MANY_PAIRS or self.X.shape[1] > MOST_FEATURES or not kernels.ready():
            return self._double(query)
        sums = self._compiled_sums(query)
        scores, least = [], np.full(len(query), np.inf)
        for labeling, first, last in zip(self.group, self.offsets[:-1], self.offsets[1:], strict=True):
            scores.append(_scores(sums[:, first:last], labeling.codes[query], labeling.counts))
            # No more than the larger of the two means that a silhouette is made of.
            second = np.partition(sums[:, first:last] / labeling.counts, 1, axis=1)[:, 1]
            least = np.minimum(least, second)
        values = np.column_stack(scores)
        near = least < SINGLE_DIGITS * np.abs(self.X[query]).max(axis=1)
        if near.any():
            values[near] = self._double(query[near])
        return values

    def _compiled_sums(self, query: np.ndarray) -> np.ndarray:
        """Return sums of distances (query, clusters of all labelings), float32 within cells."""
        from seg.metrics.kernels import distance_sums

        kinds, numbers = np.unique(self.cells[self.rows], return_inverse=True)
        first = np.zeros(len(kinds), dtype=np.intp)
        first[numbers[::-1]] = self.rows[::-1]
        codes = [labeling.codes[first] for labeling in self.group]
        columns = np.column_stack(
            [np.where(c >= 0, c + offset, -1) for c, offset in zip(codes, self.offsets[:-1], strict=True)]
        )
        reference = distance_sums.cells(self.X[self.rows], self.weights, numbers, columns)
        if len(query) == len(self.inside):
            return distance_sums.exact_sums(reference, int(self.offsets[-1]))[self.point]
        return distance_sums.query_sums(reference, self.X[query], int(self.offsets[-1]))

    def _double(self, query: np.ndarray) -> np.ndarray:
        """Return silhouettes (query, labelings) from float64 distances."""
        order = np.argsort(self.cells[self.rows], kind="stable")
        ordered, weights = self.rows[order], self.weights[order]
        starts = np.flatnonzero(np.diff(self.cells[ordered], prepend=-1))
        reference, first = self.X[ordered], ordered[starts]
        members = [(part.codes[first, None] == np.arange(len(part.ids))).astype(float) for part in self.group]
        repeated = len(reference) and weights.max() > 1

        def measure(rows: np.ndarray) -> np.ndarray:
            distances = cdist(self.X[rows], reference)
            if repeated:
                distances *= weights
            sums = np.add.reduceat(distances, starts, axis=1)
            parts = zip(members, self.group, strict=True)
            return np.column_stack([_scores(sums @ m, part.codes[rows], part.counts) for m, part in parts])

        step = max(1, CHUNK_BYTES // reference[:, 0].nbytes)
        # cdist and reduceat release the GIL: threads share the reference points and cost nothing to start.
        with ThreadPoolExecutor(joblib.cpu_count()) as pool:
            return np.concatenate(list(pool.map(measure, np.split(query, range(step, len(query), step)))))


def _alike(X: np.ndarray, cells: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Merge rows of one cell at one point: return one row for each, how many it stands for, and which it is for each row."""
    # Hashed column by column: a fifth of the time of sorting rows.
    frame = pd.DataFrame(X[rows] + 0.0).assign(cell=cells[rows])
    point = frame.groupby(list(frame.columns), sort=False).ngroup().to_numpy()
    counts = np.bincount(point)
    if len(counts) > FEW_ALIKE * len(rows):
        return rows, np.ones(len(rows)), np.arange(len(rows))
    first = np.full(len(counts), -1)
    first[point[::-1]] = rows[::-1]
    return first, counts.astype(float), point


def _estimate(
    X: np.ndarray, labeling: Labeling, cells: np.ndarray, query: np.ndarray, samples: np.ndarray
) -> SilhouetteResult:
    """Weight the measured silhouettes of one labeling, its clusters unions of cells, to all customers."""
    in_cluster = labeling.codes[query] >= 0
    query, samples = query[in_cluster], samples[in_cluster]
    k, total = len(labeling.ids), labeling.counts.sum()
    counts, drawn = np.bincount(cells), np.bincount(cells[query], minlength=cells.max() + 1)
    weights = counts[cells[query]] / drawn[cells[query]]
    adjusted, shift, se = samples, np.zeros(k), 0.0
    if len(query) < total:
        control, codes = _squared(X, labeling), labeling.codes
        slope, deviation = _regress(samples, control[query], cells[query], counts)
        adjusted, se = samples - slope * control[query], deviation / total
        everyone = np.bincount(codes[codes >= 0], weights=control[codes >= 0], minlength=k)
        shift = slope * everyone / labeling.counts
    means = (
        np.bincount(labeling.codes[query], weights=weights * adjusted, minlength=k) / labeling.counts + shift
    )
    per_cluster = dict(zip(labeling.ids.tolist(), means.tolist(), strict=True))
    return SilhouetteResult(
        float(means @ labeling.counts / total), se, len(query), per_cluster, samples, query
    )


def _regress(
    values: np.ndarray, control: np.ndarray, strata: np.ndarray, counts: np.ndarray
) -> tuple[float, float]:
    """Return the slope on the control that minimises the variance of the total, and the total's deviation."""
    n_drawn = np.bincount(strata, minlength=len(counts))

    def within(v: np.ndarray) -> np.ndarray:
        return v - (np.bincount(strata, weights=v, minlength=len(counts)) / np.maximum(n_drawn, 1))[strata]

    size, drawn = counts[strata], n_drawn[strata]
    # Cochran 5.9: N (N - n) / n times the variance within the stratum; complete strata add nothing.
    factor = size * (size - drawn) / (drawn * np.maximum(drawn - 1, 1))
    values, control = within(values), within(control)
    spread = (factor * control**2).sum()
    slope = (factor * values * control).sum() / spread if spread > 0 else 0.0
    return float(slope), float(np.sqrt((factor * (values - slope * control) ** 2).sum()))
