"""The scan over k: every number of segments is fitted and measured."""

from __future__ import annotations

import contextlib
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from seg.config.parts import Parts
from seg.errors import SegError
from seg.metrics import separation
from seg.metrics.silhouette import Sampling
from seg.metrics.stability import in_threads
from seg.models import birch_tree
from seg.models.birch_tree import BirchTree
from seg.models.segmenter import Segmenter
from seg.sinks import scratch

K_SCAN_COLUMNS = [
    "k", "inertia", "silhouette", "silhouette_se", "silhouette_n", "silhouette_sq", "calinski_harabasz",
    "davies_bouldin", "bic", "aic", "icl", "smallest_segment", "largest_share", "seconds",
]  # fmt: skip


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
    parts: Parts,
    ks: Sequence[int],
    order_by: np.ndarray | None,
    sampling: Sampling,
    tick: Callable[[int], None] = lambda k: None,
) -> Scan:
    """Fit every k and measure it in the space it was fitted in.

    Parameters
    ----------
    X : ndarray of shape (n_customers, n_features)
        The scaled features.
    parts : Parts
        Its `make_clusterer`, from k to a clusterer, and `takes_k`.
    ks : sequence of int
        Numbers of segments; one entry if the clusterer finds k itself: the row then has the k it came to.
    order_by : ndarray of shape (n_customers,) or None
        What makes a segment worth more, see `Segmenter`.
    sampling : Sampling
        How many customers the silhouettes are measured on.
    tick : callable
        Called with each k before it is fitted.

    Returns
    -------
    Scan

    Raises
    ------
    SegError
        The clusterer cannot be fitted to these customers.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        segmenters, seconds = _fit_all(X, [parts.make_clusterer(k) for k in ks], ks, order_by, tick)
    # Other threads may warn meanwhile: only what scikit-learn says of the fits is about this run.
    texts = dict.fromkeys(str(warning.message) for warning in caught if "sklearn" in warning.filename)
    counts = ks if parts.takes_k else [segmenter.n_segments_ for segmenter in segmenters]
    fitted = dict(zip(counts, segmenters, strict=True))
    labelings = {k: segmenter.labels_ for k, segmenter in fitted.items()}
    silhouettes = separation.silhouettes(X, labelings, sampling.size, sampling.seed, sampling.error)
    rows = [_row(X, k, fitted[k], silhouettes[k], spent) for k, spent in zip(counts, seconds, strict=True)]
    return Scan(pd.DataFrame(rows, columns=K_SCAN_COLUMNS), fitted, silhouettes, tuple(texts))


def together(scans: Sequence[Scan]) -> Scan:
    """Join scans of different k over the same customers into one."""
    return Scan(
        pd.concat([scan.table for scan in scans]).sort_values("k", ignore_index=True),
        {k: segmenter for scan in scans for k, segmenter in scan.fitted.items()},
        {k: silhouette for scan in scans for k, silhouette in scan.silhouettes.items()},
        tuple(dict.fromkeys(text for scan in scans for text in scan.warnings)),
    )


def _fit_all(X: np.ndarray, clusterers: list, ks: Sequence[int], order_by, tick: Callable[[int], None]):
    """Fit every clusterer, one k a thread."""
    with _possible(clusterers[0], X):
        tree = birch_tree.shared(clusterers, X)
    # A hierarchy is built once and cut for every k: no use in several threads doing it at the same time.
    cuts_a_tree = {"memory", "compute_full_tree"} <= set(clusterers[0].get_params())
    by_k = dict(zip(ks, clusterers, strict=True))
    with scratch.folder("seg-tree") as cache:

        def fit(k: int) -> tuple[Segmenter, float]:
            tick(k)
            start = time.perf_counter()
            segmenter = _fit(by_k[k], X, order_by, tree, str(cache) if cuts_a_tree else None)
            return segmenter, time.perf_counter() - start

        # The largest k takes longest: first in, so that no core is idle at the end.
        largest_first = sorted(ks, reverse=True)
        fits = in_threads(fit, largest_first, len(X), 1 if cuts_a_tree else None)
    results = dict(zip(largest_first, fits, strict=True))
    return [results[k][0] for k in ks], [results[k][1] for k in ks]


def _fit(clusterer, X: np.ndarray, order_by, tree: BirchTree | None, cache: str | None) -> Segmenter:
    if cache:
        clusterer.set_params(memory=cache, compute_full_tree=True)
    with _possible(clusterer, X):
        segmenter = Segmenter(clusterer).fit(X, order_by=order_by, tree=tree)
    if cache:
        for estimator in (segmenter.clusterer, segmenter.clusterer_):
            estimator.set_params(memory=None)
    return segmenter


@contextlib.contextmanager
def _possible(clusterer, X: np.ndarray) -> Iterator[None]:
    """Turn what scikit-learn says of a fit that is not possible into a `SegError`."""
    try:
        yield
    except (ValueError, TypeError) as error:
        raise SegError(
            f"model: {type(clusterer).__name__} cannot be fitted to {len(X):,} customers: {error}"
        ) from error


def _row(X: np.ndarray, k: int, segmenter: Segmenter, silhouette, seconds: float) -> dict:
    labels, sizes = segmenter.labels_, separation.sizes(segmenter.labels_)
    information = {
        name: float(getattr(segmenter.clusterer_, name)(X)) if hasattr(segmenter.clusterer_, name) else np.nan
        for name in ("bic", "aic", "icl")
    }
    return {
        "k": k,
        "inertia": separation.inertia(X, labels),
        "silhouette": silhouette.value,
        "silhouette_se": silhouette.se,
        "silhouette_n": silhouette.n,
        "silhouette_sq": separation.silhouette_squared(X, labels),
        "calinski_harabasz": separation.calinski_harabasz(X, labels),
        "davies_bouldin": separation.davies_bouldin(X, labels),
        **information,
        "smallest_segment": sizes["smallest_segment"],
        "largest_share": sizes["largest_share"],
        "seconds": seconds,
    }
