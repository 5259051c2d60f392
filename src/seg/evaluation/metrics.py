"""Scores of a labeling: silhouettes, inertia, Calinski-Harabasz, Davies-Bouldin, sizes, eta squared.

Everywhere here ``X`` is of shape (n, d) with one row a customer, ``labels`` of shape (n,) with integers,
and -1 is noise. Noise is excluded from every separation metric (as if those customers were not in the
data), so a model that calls half of them noise may score well: read each score next to ``noise_share``. The
name of a score says its distance: the Euclidean silhouette and the squared one are different quantities and
are never comparable.
"""

from collections.abc import Callable, Hashable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import joblib
import numpy as np
import pandas as pd
from scipy.spatial.distance import cdist
from sklearn.metrics import calinski_harabasz_score, davies_bouldin_score

from seg.evaluation.common import numbers

NOISE = -1
CLUSTER_MINIMUM = 30  # sampled customers of each cluster, so that its own mean is worth reading
CHUNK_BYTES = 4 << 20  # distances held by one thread: in the cache they cost half of what 64 MB in memory do


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


@dataclass(frozen=True)
class _Labeling:
    ids: np.ndarray  # (k,) labels, ascending, without noise
    codes: np.ndarray  # (n,) position in ids, -1 for noise
    counts: np.ndarray  # (k,) customers


def silhouettes(
    X: np.ndarray, labelings: Mapping[Hashable, np.ndarray], sample: int = 20_000, seed: int = 0
) -> dict[Hashable, SilhouetteResult]:
    """Measure the Euclidean silhouette of several labelings of the same customers in one pass.

    Parameters
    ----------
    X : array of shape (n, d)
    labelings : mapping of key to labels (n,)
        For instance one entry for each k.
    sample : int
        Up to this many customers the result is exact; above, about so many are measured, each against *all*
        customers. Time is O(min(n, sample) n d), memory O(n).
    seed : int
        Of the sample.

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
    2. The sample is stratified by joint cell with proportional allocation, at least 2 customers a cell and
       30 a cluster (or all there are). Strata nest in the clusters of every labeling.
    3. The squared silhouette costs little for all customers and is the control variate of a regression
       estimator; its slope is the one that minimises the estimated variance.

    References
    ----------
    Rousseeuw (1987), "Silhouettes", J. Comput. Appl. Math. 20; Cochran (1977), *Sampling Techniques*, 7.10.
    """
    X = _centred(_matrix(X))
    if sample < 2:
        raise ValueError(f"sample is {sample}, expected at least 2 customers")
    encoded = {key: _encode(labels, len(X)) for key, labels in labelings.items()}
    nothing = SilhouetteResult(np.nan, np.nan, 0, {}, np.empty(0), np.empty(0, dtype=np.intp))
    results = dict.fromkeys(encoded, nothing)
    scored = {key: labeling for key, labeling in encoded.items() if len(labeling.ids) >= 2}
    # An exact pass takes any number of cells; a sample needs two customers from each.
    limit = len(X) if len(X) <= sample else sample // 4
    for keys, cells in _passes(scored, limit):
        group = [scored[key] for key in keys]
        query = _draw(cells, group, sample, np.random.default_rng(seed))
        values = _euclidean(X, cells, group, query)
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
    X = _centred(_matrix(X))
    return _squared(X, _encode(labels, len(X)))


def silhouette_squared(X: np.ndarray, labels: np.ndarray) -> float:
    """Return the mean silhouette of squared Euclidean distances, the one Spark reports.

    It is mostly larger than the Euclidean silhouette of the same labels (0.80 against 0.65, say): never put
    the two into one column. Noise (-1) is excluded; NaN with fewer than two clusters. See
    `silhouette_squared_samples`.
    """
    return _mean(silhouette_squared_samples(X, labels))


def inertia(X: np.ndarray, labels: np.ndarray) -> float:
    """Return the sum of squared distances to the mean of the own cluster, in squared units of ``X``.

    From labels alone, so that models without centres have it too. Noise (-1) is excluded and adds nothing:
    compare only at equal ``noise_share``. NaN when all is noise.
    """
    X = _centred(_matrix(X))
    labeling = _encode(labels, len(X))
    return float(_spread(X, labeling)[1].sum()) if len(labeling.ids) else np.nan


def calinski_harabasz(X: np.ndarray, labels: np.ndarray) -> float:
    """Return the Calinski-Harabasz index (between over within variance; large is good) without noise (-1).

    scikit-learn's, but NaN with fewer than two clusters or when every customer is a cluster.
    """
    return _scored_by(calinski_harabasz_score, X, labels)


def davies_bouldin(X: np.ndarray, labels: np.ndarray) -> float:
    """Return the Davies-Bouldin index (worst similarity of two clusters; small is good) without noise (-1).

    scikit-learn's, but NaN with fewer than two clusters or when every customer is a cluster.
    """
    return _scored_by(davies_bouldin_score, X, labels)


def sizes(labels: np.ndarray) -> dict[str, float]:
    """Return how evenly customers are spread over clusters.

    Returns
    -------
    dict
        ``smallest_segment`` (customers; 0 when all is noise), ``largest_share`` and ``noise_share`` (0 to
        1, both of all customers, noise included).
    """
    labels = np.asarray(labels)
    counts = _encode(labels, len(labels)).counts
    return {
        "smallest_segment": int(counts.min(initial=len(labels))) if len(counts) else 0,
        "largest_share": float(counts.max(initial=0) / len(labels)),
        "noise_share": float(1 - counts.sum() / len(labels)),
    }


def variance_explained(features: pd.DataFrame, labels: np.ndarray) -> dict[str, float]:
    """Return the share of each feature's variance that lies between clusters, eta squared (0 to 1).

    Parameters
    ----------
    features : DataFrame of shape (n, d)
        Numeric columns. A missing value leaves that customer out of that column only.
    labels : array of shape (n,)
        Noise (-1) is excluded.

    Returns
    -------
    dict of column name to float
        NaN where there is nothing to explain: a column without values or with one value only.

    Raises
    ------
    ValueError
        A column that is not numeric or has infinite values.
    """
    labels = np.asarray(labels)
    _encode(labels, len(features))
    shares = {}
    for name, column in features.items():
        values = numbers(name, column)
        if np.isinf(values).any():
            raise ValueError(f"column {name!r} has infinite values, expected finite or missing ones")
        known = ~np.isnan(values) & (labels != NOISE)
        if not known.any():
            shares[name] = np.nan
            continue
        values = _centred(values[known, None])
        total = ((values - values.mean()) ** 2).sum()
        within = _spread(values, _encode(labels[known], len(values)))[1].sum()
        shares[name] = float(np.clip(1 - within / total, 0, 1)) if total > 0 else np.nan
    return shares


def _matrix(X: np.ndarray) -> np.ndarray:
    X = np.asarray(X, dtype=np.float64)
    if X.ndim != 2 or not X.size:
        raise ValueError(f"X has shape {X.shape}, expected (customers, features) with at least one of each")
    if not np.isfinite(X).all():
        raise ValueError(
            f"X has {(~np.isfinite(X)).sum()} values that are not finite, expected none: impute or drop"
        )
    return X


def _encode(labels: np.ndarray, n: int) -> _Labeling:
    labels = np.asarray(labels)
    if labels.shape != (n,) or not n:
        raise ValueError(
            f"labels have shape {labels.shape}, expected ({n},), at least 1: one label a customer"
        )
    if not np.issubdtype(labels.dtype, np.integer):
        raise ValueError(f"labels have dtype {labels.dtype}, expected integers: use labels.astype(int)")
    ids, codes = np.unique(labels, return_inverse=True)
    if ids[0] < NOISE:
        raise ValueError(
            f"labels go down to {ids[0]}, expected -1 (noise) or clusters from 0: map others to -1"
        )
    if ids[0] == NOISE:
        ids, codes = ids[1:], codes - 1
    return _Labeling(ids, codes, np.bincount(codes[codes >= 0], minlength=len(ids)))


def _centred(X: np.ndarray) -> np.ndarray:
    # The median, not the mean: it is exact for equal values, and an outlier does not move it.
    return X - np.median(X, axis=0)


def _mean(values: np.ndarray) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else np.nan


def _scored_by(score: Callable[..., float], X: np.ndarray, labels: np.ndarray) -> float:
    X = _matrix(X)
    labeling = _encode(labels, len(X))
    inside = labeling.codes >= 0
    if not 2 <= len(labeling.ids) < inside.sum():
        return np.nan
    # Centred because scikit-learn's expanded distances lose all digits far from the origin.
    return float(score(_centred(X[inside]), labeling.codes[inside]))


def _spread(X: np.ndarray, labeling: _Labeling) -> tuple[np.ndarray, np.ndarray]:
    """Return means (k, d) and within-cluster sums of squares (k,)."""
    inside = labeling.codes >= 0
    codes, k = labeling.codes[inside], len(labeling.ids)
    sums = [np.bincount(codes, weights=column, minlength=k) for column in X[inside].T]
    means = np.stack(sums, axis=1) / labeling.counts[:, None]
    squares = ((X[inside] - means[codes]) ** 2).sum(axis=1)
    return means, np.bincount(codes, weights=squares, minlength=k)


def _squared(X: np.ndarray, labeling: _Labeling) -> np.ndarray:
    """Return squared silhouettes (n,) of a centred X."""
    samples = np.full(len(X), np.nan)
    if len(labeling.ids) < 2:
        return samples
    means, within = _spread(X, labeling)
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


def _inside(group: list[_Labeling]) -> np.ndarray:
    """Return the rows that are not noise in every labeling."""
    return np.flatnonzero(np.any([labeling.codes >= 0 for labeling in group], axis=0))


def _draw(cells: np.ndarray, group: list[_Labeling], sample: int, rng: np.random.Generator) -> np.ndarray:
    """Return the rows to measure, ascending: all, or about `sample` of them, stratified by cell."""
    inside = _inside(group)
    if len(inside) <= sample:
        return inside
    counts = np.bincount(cells[inside])
    fraction = np.full(len(counts), sample / len(inside))
    for labeling in group:
        known = labeling.codes >= 0
        needed = np.minimum(1, CLUSTER_MINIMUM / labeling.counts)[labeling.codes[known]]
        fraction[cells[known]] = np.maximum(fraction[cells[known]], needed)
    # At least two from every cell, so that each has a variance of its own (a cell of one is complete).
    take = np.minimum(counts, np.maximum(2, np.ceil(fraction * counts)))
    shuffled = rng.permutation(inside)
    ordered = shuffled[np.argsort(cells[shuffled], kind="stable")]
    rank = np.arange(len(ordered)) - (np.cumsum(counts) - counts)[cells[ordered]]
    return np.sort(ordered[rank < take[cells[ordered]]])


def _euclidean(X: np.ndarray, cells: np.ndarray, group: list[_Labeling], query: np.ndarray) -> np.ndarray:
    """Return silhouettes (query, labelings) against all customers."""
    inside = _inside(group)
    ordered = inside[np.argsort(cells[inside], kind="stable")]
    starts = np.flatnonzero(np.diff(cells[ordered], prepend=-1))
    reference, first = X[ordered], ordered[starts]
    members = [(part.codes[first, None] == np.arange(len(part.ids))).astype(float) for part in group]

    def measure(rows: np.ndarray) -> np.ndarray:
        sums = np.add.reduceat(cdist(X[rows], reference), starts, axis=1)
        parts = zip(members, group, strict=True)
        return np.column_stack([_scores(sums @ m, part.codes[rows], part.counts) for m, part in parts])

    step = max(1, CHUNK_BYTES // reference[:, 0].nbytes)
    # cdist and reduceat release the GIL: threads share the reference points and cost nothing to start.
    with ThreadPoolExecutor(joblib.cpu_count()) as pool:
        return np.concatenate(list(pool.map(measure, np.split(query, range(step, len(query), step)))))


def _estimate(
    X: np.ndarray, labeling: _Labeling, cells: np.ndarray, query: np.ndarray, samples: np.ndarray
) -> SilhouetteResult:
    """Weight the measured silhouettes of one labeling, its clusters unions of cells, to all customers."""
    known = labeling.codes[query] >= 0
    query, samples = query[known], samples[known]
    k, total = len(labeling.ids), labeling.counts.sum()
    counts, taken = np.bincount(cells), np.bincount(cells[query], minlength=cells.max() + 1)
    weights = counts[cells[query]] / taken[cells[query]]
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
    taken = np.bincount(strata, minlength=len(counts))

    def within(v: np.ndarray) -> np.ndarray:
        return v - (np.bincount(strata, weights=v, minlength=len(counts)) / np.maximum(taken, 1))[strata]

    size, drawn = counts[strata], taken[strata]
    # Cochran 5.9: N (N - n) / n times the variance within the stratum; complete strata add nothing.
    factor = size * (size - drawn) / (drawn * np.maximum(drawn - 1, 1))
    values, control = within(values), within(control)
    spread = (factor * control**2).sum()
    slope = (factor * values * control).sum() / spread if spread > 0 else 0.0
    return float(slope), float(np.sqrt((factor * (values - slope * control) ** 2).sum()))
