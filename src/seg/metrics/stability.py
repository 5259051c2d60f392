"""Whether a segmentation comes back: bootstrap, prediction strength, agreement over seeds.

``X`` is of shape (n, d) with one row a customer. A clusterer is any callable ``fit(X, k, seed) -> (labels,
assign)``: ``labels`` (n,) of the fitted rows, -1 for noise, and ``assign(Y)`` the labels of other rows. Every
fit here starts anew with a seed of its own: a start from known centres finds them again on almost any data
and hides the instability that is looked for, so `fit` must not remember anything either.

Above `LARGE` customers everything is measured on one random sample of `SAMPLE` of them. The answer is then for
that many customers: a little less stable than for all.
"""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from joblib import cpu_count
from sklearn.metrics import adjusted_rand_score
from threadpoolctl import threadpool_limits

from seg.metrics.labeling import Labeling, encode, matrix

Fit = Callable[[np.ndarray, int, int], tuple[np.ndarray, Callable[[np.ndarray], np.ndarray]]]

LARGE = 50_000  # customers
SAMPLE = 20_000
FEW = 4_000  # rows
DISSOLVED = 0.5  # a segment whose best match is no better is gone
# Lower bounds of the mean Jaccard, from Hennig and the manual of fpc's clusterboot.
BANDS = {"highly stable": 0.85, "valid": 0.75, "pattern": 0.6, "unstable": 0.0}
NOT_MEASURED = "not measured"


def band(jaccard: float) -> str:
    """Return the band of a mean bootstrap Jaccard: a key of `BANDS`, or "not measured" for NaN."""
    return next((name for name, bound in BANDS.items() if jaccard >= bound), NOT_MEASURED)


@dataclass(frozen=True)
class Resampling:
    """How often the clustering is repeated on bootstrap samples.

    Parameters
    ----------
    repeats : int
        Bootstrap samples.
    seed : int
        The same seed gives the same result, with any number of workers.
    workers : int, optional
        Threads, see `in_threads`.
    """

    repeats: int = 100
    seed: int = 0
    workers: int | None = None


@dataclass(frozen=True)
class Stability:
    """How well bootstrap samples reproduce the segments.

    Attributes
    ----------
    segments : ndarray of shape (k,)
        Labels of the segments, ascending, without noise.
    jaccards : ndarray of shape (repeats, k)
        Best Jaccard of each segment in each repeat. A column of NaN is a segment with no customer in the sample.
    rands : ndarray of shape (repeats,)
        Adjusted Rand index of each repeat with the original, over all customers; noise is a group of its own.
    skipped : int
        Repeats left out, because the bootstrap sample had fewer distinct points than k.
    customers, total : int
        Customers the bootstrap drew from, and all of them. They differ above `LARGE`.
    """

    segments: np.ndarray
    jaccards: np.ndarray
    rands: np.ndarray
    skipped: int
    customers: int
    total: int

    @property
    def jaccard(self) -> dict[int, float]:
        """Mean Jaccard of each segment."""
        return self._by_segment(self.jaccards.mean(axis=0))

    @property
    def bands(self) -> dict[int, str]:
        """Return the band of each segment's mean Jaccard, see `band`."""
        return {segment: band(value) for segment, value in self.jaccard.items()}

    @property
    def dissolved(self) -> dict[int, float]:
        """Share of the repeats in which the best Jaccard of a segment is at most `DISSOLVED`."""
        lost = np.where(np.isnan(self.jaccards), np.nan, self.jaccards <= DISSOLVED)
        return self._by_segment(lost.mean(axis=0))

    @property
    def rand(self) -> float:
        """Mean adjusted Rand index."""
        return float(self.rands.mean())

    @property
    def rand_se(self) -> float:
        """Standard error of `rand` from the number of repeats; NaN for one repeat."""
        return _mean_se(self.rands)[1]

    @property
    def scope(self) -> str:
        """What was measured, for people to read."""
        text = f"{len(self.rands)} bootstrap samples of {self.customers:,} customers"
        if self.customers < self.total:
            text += f", drawn at random from {self.total:,}"
        return f"{text}; {self.skipped} left out" if self.skipped else text

    def _by_segment(self, values: np.ndarray) -> dict:
        return dict(zip(self.segments.tolist(), values.tolist(), strict=True))


def bootstrap(
    X: np.ndarray,
    labels: np.ndarray,
    fit: Fit,
    k: int,
    resampling: Resampling = Resampling(),
) -> Stability:
    """Cluster bootstrap samples, and look for each segment among their clusters.

    Parameters
    ----------
    X : array of shape (n, d)
    labels : array of shape (n,)
        The segmentation in question; noise (-1) is no segment.
    fit : callable
        The clusterer that made `labels`.
    k : int
        Number of clusters that `fit` is asked for.
    resampling : Resampling

    Returns
    -------
    Stability

    Raises
    ------
    ValueError
        `X` or `labels` are no table and labels of its rows, all labels are noise, or `X`, or every bootstrap
        sample, has fewer distinct points than `k`.

    Notes
    -----
    1. As ``clusterboot`` of the R package fpc does by default, n customers are drawn with replacement and those
       drawn more than once are used once, which leaves about 63 % of them: copies would be dense regions to
       DBSCAN and ties to a hierarchy.
    2. The Jaccard of a segment is its largest with any bootstrap cluster, both restricted to the drawn customers.
       A segment of which nobody was drawn has 0 in that repeat, as in fpc. Noise of the bootstrap clustering
       belongs to no cluster and lowers the Jaccard of the segments it came from.
    3. For the adjusted Rand index the customers not drawn are placed by `assign`.

    References
    ----------
    Hennig (2007), "Cluster-wise assessment of cluster stability", CSDA 52, doi 10.1016/j.csda.2006.11.025;
    Hubert and Arabie (1985), "Comparing partitions", Journal of Classification 2.
    """
    total = len(X := matrix(X))
    segments = encode(labels, total)
    if not len(segments.ids):
        raise ValueError("all labels are noise (-1), expected at least one segment")
    rows, repeats = sample(total, resampling.seed), resampling.repeats
    X, codes, points = X[rows], segments.codes[rows], _points(X[rows], k)
    _positive(repeats=repeats)

    def repeat(number: int) -> tuple[np.ndarray, float] | None:
        rng = np.random.default_rng([resampling.seed, number])
        drawn = np.unique(rng.integers(len(X), size=len(X)))
        if len(np.unique(points[drawn])) < k:
            return None
        again = encode(_extended(X, drawn, *fit(X[drawn], k, _start(rng))), len(X))
        return _best_jaccard(codes[drawn], again.codes[drawn], segments, again), _rand(codes, again.codes)

    fitted = int(0.63 * len(X))  # so many are left without copies
    done = [result for result in in_threads(repeat, range(repeats), fitted, resampling.workers) if result]
    if not done:
        raise ValueError(
            f"each of the {repeats} bootstrap samples has fewer distinct points than k = {k}: choose a smaller k"
        )
    jaccards = np.array([values for values, _ in done])
    jaccards[:, np.bincount(codes[codes >= 0], minlength=len(segments.ids)) == 0] = np.nan
    rands = np.array([rand for _, rand in done])
    return Stability(segments.ids, jaccards, rands, repeats - len(done), len(X), total)


def prediction_strength(
    X: np.ndarray,
    fit: Fit,
    ks: Iterable[int],
    splits: int = 10,
    seed: int = 0,
    workers: int | None = None,
) -> dict[int, tuple[float, float]]:
    """Ask how well the clusters of one half of the customers predict who is together in the other half.

    Parameters
    ----------
    X : array of shape (n, d)
    fit : callable
    ks : iterable of int
    splits : int
        Random splits in two halves, the same for every k.
    seed : int
    workers : int, optional
        Threads, see `in_threads`.

    Returns
    -------
    dict of int to (float, float)
        For each k the mean over splits (0 to 1) and its standard error (NaN for a single split); (1, 0) for
        k = 1. The authors take the largest k whose mean plus standard error is at least 0.8 to 0.9.

    Raises
    ------
    ValueError
        `X` is not a table of finite numbers, or for some k each split has a half with fewer distinct points.

    Notes
    -----
    1. Each half is clustered; the test half is also placed by the clustering of the other. Of each test cluster
       the share of its pairs that the placement too puts together, then the minimum over clusters.
    2. Each half is the test half once and the two minima are averaged, and a test cluster of one customer counts
       as predicted (1), both as in ``prediction.strength`` of the R package fpc.
    3. Two customers whom the placement calls noise are not together. A half that is all noise has 0.
    4. A split with a half of fewer than k distinct points is left out.

    References
    ----------
    Tibshirani and Walther (2005), "Cluster validation by prediction strength", JCGS 14, doi
    10.1198/106186005X59243.
    """
    X = matrix(X)
    X = X[sample(len(X), seed)]
    ks = sorted(set(ks), reverse=True)  # the slowest first, so that no core is idle at the end
    _positive(splits=splits, k=min(ks, default=1))
    points = _points(X, max(ks, default=1))

    def split(job: tuple[int, int]) -> float | None:
        k, number = job
        rng = np.random.default_rng([seed, number])
        halves = np.array_split(rng.permutation(len(X)), [len(X) // 2])
        if min(len(np.unique(points[half])) for half in halves) < k:
            return None
        fits = [fit(X[half], k, _start(rng)) for half in halves]
        return float(
            np.mean([_weakest(fits[i][0], fits[1 - i][1](X[half])) for i, half in enumerate(halves)])
        )

    jobs = [(k, number) for k in ks if k > 1 for number in range(splits)]
    values = dict(zip(jobs, in_threads(split, jobs, len(X) // 2, workers), strict=True))
    strengths = {1: (1.0, 0.0)} if 1 in ks else {}
    for k in (k for k in reversed(ks) if k > 1):
        measured = [value for number in range(splits) if (value := values[k, number]) is not None]
        if not measured:
            raise ValueError(
                f"in each of the {splits} splits a half of the {len(X):,} customers has fewer distinct points than "
                f"k = {k}: choose a smaller k"
            )
        strengths[k] = _mean_se(np.array(measured))
    return strengths


def seed_agreement(
    X: np.ndarray, fit: Fit, k: int, seeds: int = 10, seed: int = 0, workers: int | None = None
) -> float:
    """Return the mean adjusted Rand index over all pairs of fits that differ only in their seed.

    1 for a clusterer that does not use its seed. Noise (-1) is a group of its own.

    Parameters
    ----------
    X : array of shape (n, d)
    fit : callable
    k : int
    seeds : int
        Fits, at least 2.
    seed : int
        The seeds are drawn from it.
    workers : int, optional
        Threads, see `in_threads`.

    Raises
    ------
    ValueError
        Fewer than 2 seeds, or fewer distinct points than `k`.
    """
    X = matrix(X)
    X = X[sample(len(X), seed)]
    _points(X, k)
    if seeds < 2:
        raise ValueError(f"seeds is {seeds}, expected at least 2 to compare")
    starts = np.random.default_rng(seed).choice(2**31, size=seeds, replace=False).tolist()
    labelings = in_threads(lambda start: encode(fit(X, k, start)[0], len(X)).codes, starts, len(X), workers)
    return float(np.mean([_rand(a, b) for a, b in combinations(labelings, 2)]))


def in_threads(task: Callable, jobs: Iterable, rows: int, workers: int | None = None) -> list:
    """Return ``task(job)`` of every job, in order, each thread on one core.

    Fits run side by side with one OpenMP and one BLAS thread each: threads within a fit of a few thousand
    customers mostly wait for each other, and their number would change the last digits. Fits of fewer than `FEW`
    rows run one after the other: they are Python more than arithmetic, and two threads would take 1.8 times as long.

    Parameters
    ----------
    task : callable
    jobs : iterable
    rows : int
        What one task fits.
    workers : int, optional
        Threads; one a core unless given. Give 1 for a task that must not run twice at a time.
    """
    workers = 1 if rows < FEW else workers or cpu_count()
    with (
        threadpool_limits(1, user_api="blas"),
        ThreadPoolExecutor(workers, initializer=threadpool_limits, initargs=(1, "openmp")) as pool,
    ):
        try:
            futures = [pool.submit(task, job) for job in jobs]
            return [future.result() for future in futures]
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def sample(n: int, seed: int) -> np.ndarray:
    """Return the rows to measure, ascending: all n, or a random `SAMPLE` of them above `LARGE`."""
    if n <= LARGE:
        return np.arange(n)
    return np.sort(np.random.default_rng(seed).choice(n, SAMPLE, replace=False))


def _points(X: np.ndarray, k: int) -> np.ndarray:
    """Return the number (n,) of each row's distinct point; ValueError where they are fewer than k."""
    _positive(k=k)
    distinct, points = np.unique(X, axis=0, return_inverse=True)
    if len(distinct) < k:
        raise ValueError(
            f"X has {len(distinct)} distinct points, expected at least k = {k}: choose a smaller k"
        )
    return points


def _positive(**counts: int) -> None:
    for name, count in counts.items():
        if count < 1:
            raise ValueError(f"{name} is {count}, expected at least 1")


def _start(rng: np.random.Generator) -> int:
    return int(rng.integers(2**31))


def _extended(X: np.ndarray, drawn: np.ndarray, labels: np.ndarray, assign: Callable) -> np.ndarray:
    """Return labels of all rows: of the drawn ones as fitted, of the others as assigned."""
    full = np.empty(len(X), dtype=np.int64)
    full[drawn] = labels
    others = np.ones(len(X), dtype=bool)
    others[drawn] = False
    if others.any():
        full[others] = assign(X[others])
    return full


def _table(a: np.ndarray, b: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """Count pairs of codes; row 0 and column 0 are noise."""
    cells = (a + 1) * (columns + 1) + b + 1
    return np.bincount(cells, minlength=(rows + 1) * (columns + 1)).reshape(rows + 1, columns + 1)


def _best_jaccard(a: np.ndarray, b: np.ndarray, segments: Labeling, others: Labeling) -> np.ndarray:
    """Return the largest Jaccard of each segment, coded in `a`, with a cluster coded in `b`."""
    table = _table(a, b, len(segments.ids), len(others.ids))
    both = table[1:, 1:]
    either = table[1:].sum(axis=1, keepdims=True) + table[:, 1:].sum(axis=0) - both
    return (both / np.maximum(either, 1)).max(axis=1, initial=0.0)


def _weakest(test: np.ndarray, placed: np.ndarray) -> float:
    """Return the prediction strength of one split: the minimum over the clusters of `test`."""
    clusters, others = encode(test, len(test)), encode(placed, len(test))
    table = _table(clusters.codes, others.codes, len(clusters.ids), len(others.ids))[1:]
    # Ordered pairs: n (n - 1) of a cluster, without an n x n matrix.
    together = (table[:, 1:] * (table[:, 1:] - 1)).sum(axis=1)
    pairs = clusters.counts * (clusters.counts - 1)
    shares = np.divide(together, pairs, out=np.ones(len(pairs)), where=pairs > 0)
    return float(shares.min()) if len(shares) else 0.0


def _rand(a: np.ndarray, b: np.ndarray) -> float:
    return float(adjusted_rand_score(a, b))


def _mean_se(values: np.ndarray) -> tuple[float, float]:
    se = values.std(ddof=1) / np.sqrt(len(values)) if len(values) > 1 else np.nan
    return float(values.mean()), float(se)
