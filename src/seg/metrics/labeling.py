"""What every score starts from: a checked table, and labels as clusters from 0 and noise."""

from dataclasses import dataclass

import numpy as np

NOISE = -1


@dataclass(frozen=True)
class Labeling:
    """Labels of n customers in k clusters."""

    ids: np.ndarray  # (k,) labels, ascending, without noise
    codes: np.ndarray  # (n,) position in ids, -1 for noise
    counts: np.ndarray  # (k,) customers


def matrix(X: np.ndarray) -> np.ndarray:
    """Check that `X` is a table of finite numbers, one row a customer."""
    X = np.asarray(X, dtype=np.float64)
    if X.ndim != 2 or not X.size:
        raise ValueError(f"X has shape {X.shape}, expected (customers, features) with at least one of each")
    if not np.isfinite(X).all():
        raise ValueError(
            f"X has {(~np.isfinite(X)).sum()} values that are not finite, expected none: impute or drop"
        )
    return X


def encode(labels: np.ndarray, n: int) -> Labeling:
    """Check that `labels` are n integers from -1 (noise) up, and number the clusters from 0."""
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
    return Labeling(ids, codes, np.bincount(codes[codes >= 0], minlength=len(ids)))


def centred(X: np.ndarray) -> np.ndarray:
    """Move the origin into the data, so that no digits are lost far from it."""
    # The median, not the mean: it is exact for equal values, and an outlier does not move it.
    return X - np.median(X, axis=0)


def spread(X: np.ndarray, labeling: Labeling) -> tuple[np.ndarray, np.ndarray]:
    """Return means (k, d) and within-cluster sums of squares (k,)."""
    inside = labeling.codes >= 0
    codes, k = labeling.codes[inside], len(labeling.ids)
    sums = [np.bincount(codes, weights=column, minlength=k) for column in X[inside].T]
    means = np.stack(sums, axis=1) / labeling.counts[:, None]
    squares = ((X[inside] - means[codes]) ** 2).sum(axis=1)
    return means, np.bincount(codes, weights=squares, minlength=k)
