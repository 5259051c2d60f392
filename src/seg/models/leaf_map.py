"""From the leaves of customers to a map: exact neighbours, and UMAP laid out from them."""

from __future__ import annotations

import logging
import os
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import OneHotEncoder

from seg.errors import SegError

log = logging.getLogger("seg")

BLOCK = 256  # rows compared at a time: a dense block of 20,000 columns takes 40 MB
# numba may not run its threads from two threads of Python at once: it ends the process.
_ONE_MAP_AT_A_TIME = threading.Lock()


def hamming_neighbors(leaves: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Find the k rows that share most leaves with each row, itself first; ties go to the row nearest in order.

    Exact, and without numbers in the way: leaves shared are counted by a sparse product of one-hot leaves.

    Returns
    -------
    neighbors : ndarray of shape (n, k)
    distances : ndarray of shape (n, k)
        Share of trees that part the two.
    """
    hot = OneHotEncoder(dtype="int32").fit_transform(leaves)
    n, trees = leaves.shape
    columns, across = np.arange(n), hot.T.tocsr()
    neighbors, distances = np.empty((n, k), dtype="int64"), np.empty((n, k), dtype="float32")
    for start in range(0, n, BLOCK):
        shared = (hot[start : start + BLOCK] @ across).toarray()
        step = columns - columns[start : start + BLOCK, None]
        # One whole number that no two rows share: leaves shared first, then nearness in order, the one before first.
        key = shared.astype("int64") * (2 * n) - 2 * np.abs(step) - (step > 0)
        best = np.argpartition(key, n - k, axis=1)[:, n - k :]
        best = np.take_along_axis(best, np.argsort(-np.take_along_axis(key, best, axis=1), axis=1), axis=1)
        neighbors[start : start + BLOCK] = best
        distances[start : start + BLOCK] = 1 - np.take_along_axis(shared, best, axis=1) / trees
    return neighbors, distances


def euclidean_neighbors(leaves: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Find the k nearest rows with leaf ids read as numbers."""
    ids = leaves.astype("float64")
    distances, neighbors = NearestNeighbors(n_neighbors=k, algorithm="brute").fit(ids).kneighbors(ids)
    return neighbors.astype("int64"), distances.astype("float32")


def umap_layout(
    X: np.ndarray, neighbors: tuple[np.ndarray, np.ndarray], n_components: int, min_dist: float, seed: int
) -> np.ndarray:
    """Embed rows by UMAP from given neighbours; the same for the same seed, on one thread.

    Parameters
    ----------
    X : ndarray of shape (n, n_features)
        Where groups that no neighbour connects lie to each other; of no influence otherwise.
    neighbors : tuple of two ndarrays of shape (n, k)
        Rows and distances of the nearest, itself first.
    """
    n, k = neighbors[0].shape
    umap = _umap()
    with _ONE_MAP_AT_A_TIME, warnings.catch_warnings():
        # Two remarks on what is meant so: UMAP's own transform is not used, and a seed means one thread.
        warnings.filterwarnings("ignore", r"precomputed_knn\[2\]")
        warnings.filterwarnings("ignore", "n_jobs value 1 overridden")
        model = umap.UMAP(
            n_neighbors=k,
            min_dist=min_dist,
            n_components=n_components,
            precomputed_knn=neighbors,
            init="spectral" if n > 2 * n_components + 2 else "random",
            random_state=seed,
            n_jobs=1,
        )
        return model.fit(X).embedding_.astype("float64")


def _umap():
    """Import UMAP late, and keep what numba compiles of it for the next process.

    UMAP leaves its three costly functions out of numba's cache, so that every process compiles them again. With exact
    neighbours given they are all it needs; numba can be asked to keep them.
    """
    try:
        import numba
    except ImportError as error:
        raise SegError(
            "model.embed: UMAP is not installed; install it with pip install umap-learn, or take reducer=svd (model=tree_svd_kmeans)"
        ) from error
    with _own_cache(numba) as cache:
        if not any(cache.glob("*/umap_.smooth_knn_dist*.nbi")):
            log.info("UMAP is compiled: about 20 s, once on this machine (kept in %s)", cache)
        import umap
        from umap import layouts, umap_

        for function in (
            umap_.smooth_knn_dist,
            umap_.compute_membership_strengths,
            # Private: without it, a process compiles for four seconds more.
            getattr(layouts, "_nb_optimize_layout_euclidean_single_epoch", None),
        ):
            if hasattr(function, "enable_caching") and not function.signatures:
                function.enable_caching()
    return umap


@contextmanager
def _own_cache(numba) -> Iterator[Path]:
    """Have numba keep what is imported here in a folder of the user's own: installed packages may be read-only.

    Afterwards the setting is as before: seg's own kernels are compiled beside their sources already.
    """
    if numba.config.CACHE_DIR:
        yield Path(numba.config.CACHE_DIR)
        return
    import pooch

    os.environ["NUMBA_CACHE_DIR"] = str(pooch.os_cache("seg") / "numba")
    numba.config.reload_config()
    try:
        yield Path(numba.config.CACHE_DIR)
    finally:
        del os.environ["NUMBA_CACHE_DIR"]
        numba.config.reload_config()
