"""Scores of a labeling: silhouettes, inertia, Calinski-Harabasz, Davies-Bouldin, sizes, eta squared.

Everywhere here ``X`` is of shape (n, d) with one row a customer, ``labels`` of shape (n,) with integers,
and -1 is noise. Noise is excluded from every separation metric (as if those customers were not in the
data), so a model that calls half of them noise may score well: read each score next to ``noise_share``. The
name of a score says its distance: the Euclidean silhouette and the squared one are different quantities and
are never comparable.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd
from sklearn.metrics import calinski_harabasz_score, davies_bouldin_score

from seg.metrics.common_space import numbers
from seg.metrics.labeling import NOISE, centred, encode, matrix, spread
from seg.metrics.silhouette import (
    SilhouetteResult,
    silhouette_squared,
    silhouette_squared_samples,
    silhouettes,
)

__all__ = [
    "SilhouetteResult",
    "calinski_harabasz",
    "davies_bouldin",
    "inertia",
    "silhouette_squared",
    "silhouette_squared_samples",
    "silhouettes",
    "sizes",
    "variance_explained",
]


def inertia(X: np.ndarray, labels: np.ndarray) -> float:
    """Return the sum of squared distances to the mean of the own cluster, in squared units of ``X``.

    From labels alone, so that models without centres have it too. Noise (-1) is excluded and adds nothing:
    compare only at equal ``noise_share``. NaN when all is noise.
    """
    X = centred(matrix(X))
    labeling = encode(labels, len(X))
    return float(spread(X, labeling)[1].sum()) if len(labeling.ids) else np.nan


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
    counts = encode(labels, len(labels)).counts
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
    encode(labels, len(features))
    shares = {}
    for name, column in features.items():
        values = numbers(name, column)
        if np.isinf(values).any():
            raise ValueError(f"column {name!r} has infinite values, expected finite or missing ones")
        known = ~np.isnan(values) & (labels != NOISE)
        if not known.any():
            shares[name] = np.nan
            continue
        values = centred(values[known, None])
        total = ((values - values.mean()) ** 2).sum()
        within = spread(values, encode(labels[known], len(values)))[1].sum()
        shares[name] = float(np.clip(1 - within / total, 0, 1)) if total > 0 else np.nan
    return shares


def _scored_by(score: Callable[..., float], X: np.ndarray, labels: np.ndarray) -> float:
    X = matrix(X)
    labeling = encode(labels, len(X))
    inside = labeling.codes >= 0
    if not 2 <= len(labeling.ids) < inside.sum():
        return np.nan
    # Centred because scikit-learn's expanded distances lose all digits far from the origin.
    return float(score(centred(X[inside]), labeling.codes[inside]))
