"""k-means with scikit-learn whose starts are tried on a weighted sample, so that millions of rows cost little more than thousands."""

from __future__ import annotations

from numbers import Integral

import numpy as np
import pandas as pd
from sklearn.cluster import KMeans
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import _check_sample_weight, validate_data

POLISHED = 3  # starts run to the end on all rows: the best start on a sample may be second on all rows


class CoresetKMeans(KMeans):
    """scikit-learn's KMeans; on more than `coreset` distinct rows its starts are tried on a sample of them.

    Parameters
    ----------
    n_clusters, n_init, tol, max_iter, random_state
        As of `sklearn.cluster.KMeans`; `n_init` (a number) k-means++ starts are run to the end on the sample, and the best
        three of them on all rows.
    coreset : int, default=20_000
        Size of the sample. Up to so many rows this is KMeans itself.

    Attributes
    ----------
    Those of `sklearn.cluster.KMeans`. All are computed from all rows: the sample only decides where to start.

    Notes
    -----
    1. Equal rows are one point with a weight: the same objective for a fraction of the work where many customers are equal.
    2. Half of the sample is drawn by weight, half by squared distance to the mean, and each drawn point weighs the inverse
       of its probability. So the sample includes outliers, which own clusters where features are not logged and which a
       uniform sample misses.
    3. Above `coreset` rows the result does not depend on their order.

    References
    ----------
    Bachem, Lucic and Krause (2018), "Scalable k-Means Clustering via Lightweight Coresets", KDD, doi 10.1145/3219819.3219973.
    """

    _parameter_constraints = {  # noqa: RUF012
        **KMeans._parameter_constraints,
        "coreset": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(self, n_clusters=8, *, n_init=10, tol=1e-4, max_iter=300, random_state=None, coreset=20_000):
        super().__init__(n_clusters, n_init=n_init, tol=tol, max_iter=max_iter, random_state=random_state)
        self.coreset = coreset

    def fit(self, X, y=None, sample_weight=None):
        """Compute the clusters.

        Parameters
        ----------
        X : array of shape (n, n_features)
        y : None
        sample_weight : array of shape (n,), optional
        """
        self._validate_params()
        X = validate_data(self, X, dtype=["float64", "float32"], copy=False)
        if len(X) <= self._sample_size():
            return super().fit(X, sample_weight=sample_weight)
        return self._fit_points(*distinct(X, _check_sample_weight(sample_weight, X, dtype=X.dtype)))

    def _fit_points(self, points: np.ndarray, place: np.ndarray, weight: np.ndarray) -> CoresetKMeans:
        """Fit to weighted points; `place` (n,) is the point of each row."""
        fits = [
            inner.fit(points, sample_weight=weight)
            for inner in self._estimators(points, weight, self._sample_size())
        ]
        best = min(fits, key=lambda fit: fit.inertia_)
        learned = {name: value for name, value in vars(best).items() if name not in best.get_params()}
        vars(self).update(learned)
        self.labels_ = best.labels_[place]
        return self

    def _sample_size(self) -> int:
        return self.coreset

    def _estimators(self, points: np.ndarray, weight: np.ndarray, size: int) -> list[KMeans]:
        """Return estimators to fit to all points: KMeans itself up to `size` points, else one for each of the best starts."""
        settings = {name: getattr(self, name) for name in ("n_clusters", "tol", "max_iter")}
        if len(points) <= size:
            return [KMeans(**settings, n_init=self.n_init, random_state=self.random_state)]
        random = check_random_state(self.random_state)
        drawn, weights = lightweight(points, weight, size, random)
        seeds = random.randint(2**31 - 1, size=self.n_init)
        tried = [
            KMeans(**settings, n_init=1, random_state=seed).fit(points[drawn], sample_weight=weights)
            for seed in seeds
        ]
        tried.sort(key=lambda fit: fit.inertia_)
        return [KMeans(**settings, init=fit.cluster_centers_, n_init=1) for fit in tried[:POLISHED]]


def distinct(X: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Merge equal rows.

    Returns
    -------
    points : ndarray of shape (n_distinct, n_features)
        In lexicographic order, whatever the order of rows.
    place : ndarray of shape (n,)
        The point of each row.
    weight : ndarray of shape (n_distinct,)
        Sum of the weights of equal rows.
    """
    # + 0.0: zero and minus zero are equal. Hashing is five times faster than sorting all rows.
    group = pd.DataFrame(X + 0.0).groupby(list(range(X.shape[1])), sort=False).ngroup().to_numpy()
    first = np.full(group.max() + 1, len(X))
    np.minimum.at(first, group, np.arange(len(X)))
    order = np.lexsort(X[first].T[::-1])
    rank = np.empty(len(order), dtype=np.intp)
    rank[order] = np.arange(len(order))
    place = rank[group]
    return X[first][order], place, np.bincount(place, weights=weight).astype(X.dtype)


def lightweight(
    points: np.ndarray, weight: np.ndarray, size: int, random: np.random.RandomState
) -> tuple[np.ndarray, np.ndarray]:
    """Draw a lightweight coreset; return which `size` points were drawn, and their weights.

    Parameters
    ----------
    points : ndarray of shape (n, d)
    weight : ndarray of shape (n,)
    size : int
        Points to draw, with replacement.
    random : RandomState

    Returns
    -------
    drawn : ndarray of shape (size,)
        Rows of `points`.
    weights : ndarray of shape (size,)
    """
    far = weight * ((points - np.average(points, axis=0, weights=weight)) ** 2).sum(axis=1)
    chance = 0.5 * weight / weight.sum() + (0.5 * far / far.sum() if far.any() else 0.5 / len(points))
    chance = chance / chance.sum()
    drawn = random.choice(len(points), size, p=chance)
    return drawn, weight[drawn] / (size * chance[drawn])
