"""A clusterer whose clusters have become segments: ordered, and able to place new customers."""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree
from sklearn.base import BaseEstimator, ClusterMixin, clone
from sklearn.cluster import Birch
from sklearn.utils.validation import check_is_fitted, validate_data

from seg.models import birch_tree

NOISE = -1


class Segmenter(ClusterMixin, BaseEstimator):
    """Wrap a clusterer so that it numbers segments by their worth, and predicts.

    Algorithms number their clusters arbitrarily. Here segment 0 has the highest mean of what `fit` is given to order by
    (revenue), 1 the next, and so on; noise stays -1.

    Parameters
    ----------
    clusterer : estimator
        Any scikit-learn clusterer. One without ``predict`` places a new customer in the segment of the nearest customer of the
        training, noise included, in the space it was fitted in: those of the training keep their segments.

    Attributes
    ----------
    clusterer_ : estimator
        The fitted clusterer.
    labels_ : ndarray of shape (n_customers,)
        Segment of each customer of the training data.
    centers_ : ndarray of shape (n_segments, n_features)
        Mean of each segment.
    n_segments_ : int
        Number of segments, noise not counted.
    rows_, row_labels_ : ndarray
        Distinct rows of the training and their segments, where the clusterer has no ``predict``.

    Notes
    -----
    Birch depends on the order of its rows: they are fitted in an order that follows from their values alone.
    """

    def __init__(self, clusterer):
        self.clusterer = clusterer

    def fit(self, X, y=None, order_by=None, tree=None):
        """Cluster and order.

        Parameters
        ----------
        X : array of shape (n_customers, n_features)
        order_by : array of shape (n_customers,), optional
            Segments are numbered by its mean, highest first; the first column of `X` when left out.
        tree : BirchTree, optional
            Of Birch on the same rows, where it was grown already.
        """
        X = validate_data(self, X, dtype="float64")
        worth = X[:, 0] if order_by is None else np.asarray(order_by, dtype="float64")
        self.clusterer_ = clone(self.clusterer)
        labels = self._labels(X, tree)
        clusters = np.unique(labels[labels != NOISE])
        means = np.array([worth[labels == cluster].mean() for cluster in clusters])
        # Equal means (no revenue at all, say) fall back on the first customer of each cluster: never on chance.
        firsts = np.array([np.argmax(labels == cluster) for cluster in clusters])
        self.order_ = clusters[np.lexsort((firsts, -means))] if len(clusters) else clusters
        self.labels_ = self._numbered(labels)
        self.n_segments_ = len(clusters)
        self._remember_centers(X)
        if not self.predicts:
            self.rows_, first = np.unique(X, axis=0, return_index=True)
            self.row_labels_ = self.labels_[first]
        return self

    def fit_predict(self, X, y=None, order_by=None):
        """Cluster, and return the segment of each customer of the training data.

        Parameters
        ----------
        X : ndarray of shape (n_customers, n_features)
        y : None
            Not used; scikit-learn passes it.
        order_by : ndarray of shape (n_customers,), optional
            See `fit`.

        Returns
        -------
        ndarray of shape (n_customers,)
            0 is the most valuable segment, -1 noise.
        """
        return self.fit(X, order_by=order_by).labels_

    @property
    def predicts(self) -> bool:
        """Whether the clusterer has a rule of its own for new customers."""
        return hasattr(self.clusterer_, "predict")

    def predict(self, X):
        """Place customers in segments; one row alone gets what it gets within a batch."""
        check_is_fitted(self)
        # Clusterers that were fitted on float64 refuse float32, or round it.
        X = validate_data(self, X, dtype="float64", reset=False)
        if self.predicts:
            return self._numbered(np.asarray(self.clusterer_.predict(X)))
        return self.row_labels_[cKDTree(self.rows_).query(X)[1]].astype("int64")

    def memberships(self, X) -> np.ndarray | None:
        """Return the probability of each segment for each customer, shape (n_customers, n_segments); None without one."""
        check_is_fitted(self)
        if not hasattr(self.clusterer_, "predict_proba"):
            return None
        return np.asarray(self.clusterer_.predict_proba(X))[:, self.order_]

    def _labels(self, X: np.ndarray, tree: birch_tree.BirchTree | None) -> np.ndarray:
        """Fit the clusterer, and return its labels."""
        if not isinstance(self.clusterer_, Birch):
            return np.asarray(self.clusterer_.fit_predict(X))
        return (tree or birch_tree.grow(self.clusterer_, X)).cut(self.clusterer_)

    def _numbered(self, labels: np.ndarray) -> np.ndarray:
        """Turn cluster numbers into segment numbers."""
        segments = np.full(len(labels), NOISE, dtype="int64")
        for segment, cluster in enumerate(self.order_):
            segments[labels == cluster] = segment
        return segments

    def _remember_centers(self, X: np.ndarray) -> None:
        members = [X[self.labels_ == segment] for segment in range(self.n_segments_)]
        self.centers_ = np.array([rows.mean(axis=0) for rows in members]).reshape(
            self.n_segments_, X.shape[1]
        )
