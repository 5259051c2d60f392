"""The scan over k, and the rule that chooses one."""

from __future__ import annotations

import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from seg.errors import SegError
from seg.evaluation import metrics
from seg.models.segmenter import Segmenter

K_SCAN_COLUMNS = [
    "k", "inertia", "silhouette", "silhouette_se", "silhouette_n", "silhouette_sq", "calinski_harabasz",
    "davies_bouldin", "bic", "aic", "smallest_segment", "largest_share", "seconds",
]  # fmt: skip
SMALL_SHARE = 0.01  # a segment below one customer in a hundred is too small to act on


@dataclass(frozen=True)
class Scan:
    """Every k that was tried.

    Parameters
    ----------
    table : DataFrame
        One row a k, columns `K_SCAN_COLUMNS`; metrics are of the own space, over customers that are not noise.
    fitted : dict of int to Segmenter
        The segmentation for each k.
    silhouettes : dict of int to SilhouetteResult
        Euclidean silhouettes, customer by customer.
    warnings : tuple of str
        What the fits warned of, each once.
    """

    table: pd.DataFrame
    fitted: dict[int, Segmenter]
    silhouettes: dict
    warnings: tuple[str, ...]


def scan(
    X: np.ndarray,
    make_clusterer: Callable[[int], object],
    ks: Sequence[int],
    order_by: np.ndarray | None,
    silhouette_sample: int,
    seed: int,
    tick: Callable[[int], None] = lambda k: None,
) -> Scan:
    """Fit every k and measure it in the space it was fitted in.

    Parameters
    ----------
    X : ndarray of shape (n_customers, n_features)
        The scaled features.
    make_clusterer : callable
        From k to a clusterer.
    ks : sequence of int
        A clusterer that finds k itself is fitted once, with the first of them.
    order_by : ndarray of shape (n_customers,) or None
        What makes a segment worth more, see `Segmenter`.
    silhouette_sample : int
        Up to so many customers the silhouette is exact, above it is estimated on so many.
    tick : callable
        Told each k before it is fitted.
    """
    fitted, seconds, said = {}, {}, []
    with tempfile.TemporaryDirectory(prefix="seg-tree-") as cache, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for k in ks:
            tick(k)
            start = time.perf_counter()
            segmenter = _fit(make_clusterer(k), X, order_by, cache)
            found = segmenter.n_segments_
            fitted[found if len(ks) == 1 else k] = segmenter
            seconds[found if len(ks) == 1 else k] = time.perf_counter() - start
        said = list(dict.fromkeys(f"{type(segmenter.clusterer).__name__}: {w.message}" for w in caught))
    labelings = {k: segmenter.labels_ for k, segmenter in fitted.items()}
    silhouettes = metrics.silhouettes(X, labelings, sample=silhouette_sample, seed=seed)
    rows = [_row(X, k, fitted[k], silhouettes[k], seconds[k]) for k in fitted]
    return Scan(pd.DataFrame(rows, columns=K_SCAN_COLUMNS), fitted, silhouettes, tuple(said))


def _fit(clusterer, X: np.ndarray, order_by, cache: str) -> Segmenter:
    # A hierarchy is built once and cut for every k, through the cache that scikit-learn's own parameter takes.
    cuts_a_tree = "memory" in clusterer.get_params() and "compute_full_tree" in clusterer.get_params()
    if cuts_a_tree:
        clusterer.set_params(memory=cache, compute_full_tree=True)
    try:
        segmenter = Segmenter(clusterer).fit(X, order_by=order_by)
    except (ValueError, TypeError) as error:
        raise SegError(f"model: {type(clusterer).__name__} cannot be fitted to {len(X):,} customers: {error}") from error
    if cuts_a_tree:
        for estimator in (segmenter.clusterer, segmenter.clusterer_):
            estimator.set_params(memory=None)
    return segmenter


def _row(X: np.ndarray, k: int, segmenter: Segmenter, silhouette, seconds: float) -> dict:
    labels, sizes = segmenter.labels_, metrics.sizes(segmenter.labels_)
    information = {
        name: float(getattr(segmenter.clusterer_, name)(X)) if hasattr(segmenter.clusterer_, name) else np.nan
        for name in ("bic", "aic")
    }
    return {
        "k": k,
        "inertia": metrics.inertia(X, labels),
        "silhouette": silhouette.value,
        "silhouette_se": silhouette.se,
        "silhouette_n": silhouette.n,
        "silhouette_sq": metrics.silhouette_squared(X, labels),
        "calinski_harabasz": metrics.calinski_harabasz(X, labels),
        "davies_bouldin": metrics.davies_bouldin(X, labels),
        **information,
        "smallest_segment": sizes["smallest_segment"],
        "largest_share": sizes["largest_share"],
        "seconds": seconds,
    }


def choose(table: pd.DataFrame, n_customers: int) -> tuple[int, str]:
    """Choose k from a scan.

    The rule: the largest Calinski-Harabasz index among the k whose every segment holds at least 1 % of the customers; among
    all k where none does. On generated data with known k it is right more often than the largest silhouette, which picks too
    few segments (Calinski & Harabasz 1974, doi 10.1080/03610927408827101).

    Returns
    -------
    k : int
    reason : str
        The rule as it was applied, for people to read.
    """
    if not table["calinski_harabasz"].notna().any():
        raise SegError("k=auto: no k of selection.k_range gives two segments or more; give k, or another model")
    whole = table[table["smallest_segment"] >= SMALL_SHARE * n_customers]
    eligible = whole if whole["calinski_harabasz"].notna().any() else table
    best = eligible.loc[eligible["calinski_harabasz"].idxmax()]
    among = "with every segment at least 1 % of the customers" if eligible is whole else "(each has a segment below 1 %)"
    return int(best["k"]), f"largest Calinski-Harabasz index among k = {_span(eligible['k'])} {among}"


def _span(ks: pd.Series) -> str:
    values = [int(k) for k in ks]
    run = values == list(range(values[0], values[-1] + 1))
    return f"{values[0]}..{values[-1]}" if run and len(values) > 2 else ", ".join(map(str, values))
