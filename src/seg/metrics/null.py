"""Test whether a score is better than what the same pipeline gets on data of one group."""

from collections.abc import Callable, Sequence

import numpy as np

from seg.metrics.labeling import matrix
from seg.metrics.null_result import KINDS, NullTest
from seg.metrics.one_cloud import OneCloud
from seg.metrics.stability import in_threads

LOWEST = -1.0  # the lowest silhouette: what a pipeline gets on null data in which it finds no segments

Draw = Callable[[np.random.Generator], np.ndarray]


def permuted(X: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Shuffle each column by itself: every feature stays as it is distributed, what joins them is gone."""
    return rng.permuted(X, axis=0)


def uniform(X: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw each column uniformly between its minimum and its maximum: neither lumps nor tails are left.

    The box is along the columns, not the principal axes (as in the gap statistic), because the pipeline often
    starts from raw features: a rotated box holds negative revenues and half a million orders, which a
    logarithm cannot take and no shop has seen.
    """
    return rng.uniform(X.min(axis=0), X.max(axis=0), size=X.shape)


CLOUDS = ("permuted", "uniform", "stretched", "bent")  # kinds of data in which no segments lie apart


def null_test(
    X: np.ndarray,
    score: Callable[[np.ndarray, int], float],
    draws: int = 20,
    seed: int = 0,
    kinds: Sequence[str] = CLOUDS,
    workers: int = 1,
) -> dict[str, NullTest]:
    """Run a pipeline on the data and on null data like it.

    Parameters
    ----------
    X : array of shape (n, d)
        The input of the pipeline. Pass the features *before* transforms and scaling, so that whatever the
        pipeline does to improve its score, it does to the null data as well.
    score : callable
        From a matrix like `X` and a seed to a number, larger is better (a silhouette, say). It runs the whole
        pipeline: scaling, embedding, clustering, scoring.
    draws : int
        Null data sets of each kind. The smallest possible p is 1 / (1 + draws): 19 at least to reach 0.05.
    seed : int
        The score on `X` gets this very seed, each null data set its own.
    kinds : sequence of str
        Of `CLOUDS`.
    workers : int
        Threads. 1 unless `score` may run several times at once: a k-means may, numba (UMAP) may not.

    Returns
    -------
    dict of str to NullTest
        By kind, without the kinds that do not apply to `X`.

    Raises
    ------
    ValueError
        `X` is not a table of finite numbers or all its rows are equal, a kind is unknown, or the score of `X` is
        not a number.

    Notes
    -----
    1. Each kind asks its own question. *Permuted* columns keep lumps and tails of single features, and lose what links them.
       *Uniform* data have nothing at all. A *stretched* cloud keeps the marginals, smoothed to one peak each, and the
       correlation: one elongated, skewed or heavy-tailed group of customers. A *bent* cloud keeps a curve as well.
    2. Permuted data do not apply where one column varies (they would be the same), nor where columns by themselves have
       several peaks: permuted, they still have them, so such data are not free of groups. Nor do uniform data: no column of theirs has
       two peaks. They do not apply either where no column may be evenly spread (Kolmogorov-Smirnov, p above 0.05): the columns exclude
       them, whatever the score. Against one cloud, whose columns have one peak each, such columns are enough with a score above the median of the
       draws. Bent data need two columns.
    3. A draw on which the score is NaN, because the clusterer finds no segments in it, counts as the lowest score, -1.
    4. This is a Monte Carlo test: p is valid for any distribution of the score, z is only a measure of distance.
    5. Significant is not large. Null scores of thousands of customers hardly vary, and a silhouette of 0.602
       against 0.597 is 19 standard deviations: show ``mean`` beside the verdict.

    References
    ----------
    Davison and Hinkley (1997), *Bootstrap Methods and their Application*, 4.2 (the p value); Gordon (1999),
    *Classification*, 7.2 (null models of clustering); Gionis et al. (2007), "Assessing data mining results via
    swap randomization", ACM TKDD 1; `seg.metrics.one_cloud` for the stretched and the bent cloud.
    """
    X = matrix(X)
    _check(X, kinds, draws)
    observed = float(score(X, seed))
    if not np.isfinite(observed):
        raise ValueError(f"the score of the data is {observed}, expected a number to compare with")
    cloud = OneCloud(X, seed)
    makers = _makers(X, kinds, cloud)

    def draw(job: tuple[str, int]) -> float:
        kind, number = job
        rng = np.random.default_rng([seed, list(KINDS).index(kind), number])
        value = float(score(makers[kind](rng), int(rng.integers(2**31))))
        return value if np.isfinite(value) else LOWEST

    jobs = [(kind, number) for kind in makers for number in range(draws)]
    scores = np.array(in_threads(draw, jobs, len(X), workers)).reshape(len(makers), draws)
    two = cloud.two_peaked
    return {
        kind: NullTest(observed, values, two and kind in ("stretched", "bent"))
        for kind, values in zip(makers, scores, strict=True)
    }


def _makers(X: np.ndarray, kinds: Sequence[str], cloud: OneCloud) -> dict[str, Draw]:
    """Return what draws each kind of null data that applies to `X`."""
    makers: dict[str, Draw] = {
        "permuted": lambda rng: permuted(X, rng),
        "uniform": lambda rng: uniform(X, rng),
        "stretched": cloud.stretched,
        "bent": cloud.bent,
    }
    varying = int((np.ptp(X, axis=0) > 0).sum())
    left_out = ({"permuted", "bent"} if varying < 2 else set()) | (
        {"permuted", "uniform"} if cloud.two_peaked else set() if cloud.evenly_spread else {"uniform"}
    )
    chosen = list(dict.fromkeys(kinds))
    if not set(chosen) - left_out:
        raise ValueError(
            f"null data of kind {', '.join(chosen)} do not apply to X, whose columns do not vary enough, are not evenly spread or have several peaks: "
            "add the kind stretched"
        )
    return {kind: makers[kind] for kind in chosen if kind not in left_out}


def _check(X: np.ndarray, kinds: Sequence[str], draws: int) -> None:
    if draws < 1:
        raise ValueError(f"draws is {draws}, expected at least 1")
    unknown = [kind for kind in kinds if kind not in CLOUDS]
    if unknown or not kinds:
        raise ValueError(f"unknown kinds of null data {unknown}, expected some of {', '.join(CLOUDS)}")
    if not (np.ptp(X, axis=0) > 0).any():
        raise ValueError(
            f"all {len(X):,} rows of X are equal, expected features that differ between customers"
        )
