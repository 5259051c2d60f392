"""The gap statistic: how much tighter clusters are than in data that has none, and whether one is enough."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from seg.metrics.labeling import centred, encode, matrix, spread
from seg.metrics.stability import Fit, in_threads

SAMPLE = 5_000  # customers; log(W / n) hardly depends on n
GAP_COLUMNS = ["k", "log_within", "log_within_null", "gap", "se"]


@dataclass(frozen=True)
class Gap:
    """The gap statistic of every k, and the k it chooses.

    Attributes
    ----------
    k : int
        The smallest k whose gap is at least that of the next k less its standard error; the largest k where
        there is none.
    rising : bool
        Whether there is none: the gap still grows at the largest k, so the rule has not decided.
    table : DataFrame
        One row a k, columns `GAP_COLUMNS`: log of the within-cluster sum of squares, its mean over reference
        sets, their difference and its simulation error.
    customers, total : int
        Customers measured (and in each reference set), and all of them. They differ above `SAMPLE`.
    """

    k: int
    rising: bool
    table: pd.DataFrame
    customers: int
    total: int


def gap(
    X: np.ndarray,
    fit: Fit,
    ks: Iterable[int],
    references: int = 10,
    seed: int = 0,
    workers: int | None = None,
) -> Gap:
    """Compare the within-cluster sum of squares with that of uniform data, for every k.

    Parameters
    ----------
    X : array of shape (n, d)
        Above `SAMPLE` customers a random sample of so many stands for all, and the reference sets are of
        that size: then the error from sampling customers comes on top of ``se``.
    fit : callable
        See `seg.metrics.stability`; it must put every customer in a cluster.
    ks : iterable of int
        1 is always added, at no cost. The rule compares each k with the next of these.
    references : int
        Reference sets.
    seed : int
    workers : int, optional
        Threads, see `seg.metrics.stability.in_threads`.

    Raises
    ------
    ValueError
        `X` is not a table of finite numbers, a k is not below the number of distinct points (then nothing is
        left within clusters), or `fit` leaves noise.

    Notes
    -----
    1. Reference sets are uniform over the box along the principal axes of the data, (b) of the paper: data that
       are only elongated are not clusters.
    2. The standard error is the standard deviation over reference sets (ddof 0, as in the paper; R's clusGap has
       ddof 1) times ``sqrt(1 + 1 / references)``.

    References
    ----------
    Tibshirani, Walther and Hastie (2001), "Estimating the number of clusters in a data set via the gap
    statistic", JRSS B 63, doi 10.1111/1467-9868.00293; ``k_global``: Dudoit and Fridlyand (2002), "A
    prediction-based resampling method for estimating the number of clusters in a dataset", Genome Biology 3.
    """
    total = len(X := centred(matrix(X)))
    rng = np.random.default_rng(seed)
    if total > SAMPLE:
        X = X[np.sort(rng.choice(total, SAMPLE, replace=False))]
    ks = _checked(X, ks, references)
    sets = [X, *_references(X, references, rng)]

    def log_within(job: tuple[int, int]) -> float:
        k, number = job
        data = sets[number]
        labels = np.zeros(len(data), dtype=int)
        if k > 1:
            labels = fit(data, k, int(np.random.default_rng([seed, k, number]).integers(2**31)))[0]
        labeling = encode(labels, len(data))
        if (labeling.codes < 0).any():
            raise ValueError(
                "fit leaves noise (-1), expected every customer in a cluster: no gap for this model"
            )
        return float(np.log(spread(data, labeling)[1].sum()))

    jobs = [(k, number) for k in reversed(ks) for number in range(len(sets))]
    values = np.array(in_threads(log_within, jobs, len(X), workers)).reshape(len(ks), len(sets))[::-1]
    observed, null = values[:, 0], values[:, 1:]
    gaps, se = null.mean(axis=1) - observed, null.std(axis=1) * np.sqrt(1 + 1 / references)
    table = pd.DataFrame(zip(ks, observed, null.mean(axis=1), gaps, se, strict=True), columns=GAP_COLUMNS)
    enough = np.flatnonzero(gaps[:-1] >= gaps[1:] - se[1:])
    return Gap(ks[enough[0] if len(enough) else -1], not len(enough), table, len(X), total)


def _checked(X: np.ndarray, ks: Iterable[int], references: int) -> list[int]:
    """Return the k to try, ascending and with 1, or say what is wrong."""
    ks = sorted({1, *ks})
    if ks[0] < 1 or references < 1:
        raise ValueError(f"k is {ks[0]} and references {references}, expected at least 1 of each")
    distinct = len(np.unique(X, axis=0))
    if ks[-1] >= distinct:
        raise ValueError(
            f"X has {distinct} distinct points, expected more than the largest k = {ks[-1]}: choose a smaller k"
        )
    return ks


def _references(X: np.ndarray, count: int, rng: np.random.Generator) -> list[np.ndarray]:
    """Draw data sets uniformly from the box of `X` along its principal axes."""
    mean = X.mean(axis=0)
    axes = np.linalg.svd(X - mean, full_matrices=False)[2]
    along = (X - mean) @ axes.T
    low, high = along.min(axis=0), along.max(axis=0)
    return [rng.uniform(low, high, size=along.shape) @ axes + mean for _ in range(count)]
