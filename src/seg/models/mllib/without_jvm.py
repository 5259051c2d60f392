"""What MLlib has fitted, as scikit-learn estimators: the same labels, and no JVM to load or to ask them."""

from __future__ import annotations

import numpy as np
from scipy.spatial.distance import cdist
from sklearn.base import BaseEstimator

from seg.models.segmenter import Segmenter

ROWS = 65_536  # placed at a time, so that memory does not grow with the customers
EPSILON = np.finfo(float).eps  # MLlib's: added to every weighted density


class NearestCenter(BaseEstimator):
    """Place a customer with the nearest centre, as MLlib's k-means does.

    Parameters
    ----------
    centers : ndarray of shape (n_clusters, n_features)
    """

    def __init__(self, centers):
        self.centers = centers

    def predict(self, X):
        """Return the number of the nearest centre for each row."""
        return _by_parts(lambda rows: cdist(rows, self.centers, "sqeuclidean").argmin(axis=1), X)


class CenterTree(BaseEstimator):
    """Place a customer by going down a tree of centres, as MLlib's bisecting k-means does.

    At every split the nearer of the two centres is followed. The leaf that is reached need not be the nearest leaf.

    Parameters
    ----------
    centers : ndarray of shape (n_nodes, n_features)
        The root is row 0.
    children : ndarray of int of shape (n_nodes, 2)
        Rows of the two children; -1 twice for a leaf.
    leaves : ndarray of int of shape (n_nodes,)
        Number of the cluster; -1 for a node that is split.
    """

    def __init__(self, centers, children, leaves):
        self.centers = centers
        self.children = children
        self.leaves = leaves

    def predict(self, X):
        """Return the number of the leaf for each row."""
        return _by_parts(self._descend, X)

    def _descend(self, X: np.ndarray) -> np.ndarray:
        at = np.zeros(len(X), dtype=np.intp)
        while True:
            going = np.flatnonzero(self.leaves[at] < 0)
            if not len(going):
                return self.leaves[at]
            options = self.children[at[going]]
            distances = ((X[going, None, :] - self.centers[options]) ** 2).sum(axis=2)
            at[going] = options[np.arange(len(going)), distances.argmin(axis=1)]


class GaussianPosterior(BaseEstimator):
    """Return the posterior probabilities of a Gaussian mixture, as MLlib's does.

    Parameters
    ----------
    weights : ndarray of shape (n_components,)
    means : ndarray of shape (n_components, n_features)
    covariances : ndarray of shape (n_components, n_features, n_features)

    Notes
    -----
    MLlib adds 2.2e-16 to every weighted density. A customer far from all components has equal probabilities, and goes
    to component 0: that is its answer, repeated here.
    """

    def __init__(self, weights, means, covariances):
        self.weights = weights
        self.means = means
        self.covariances = covariances

    def predict(self, X):
        """Return the likeliest component of each row."""
        return self.predict_proba(X).argmax(axis=1)

    def predict_proba(self, X):
        """Return the probability of each component for each row, shape (n, n_components)."""
        density = _by_parts(self._weighted, X) + EPSILON
        return density / density.sum(axis=1, keepdims=True)

    def _weighted(self, X: np.ndarray) -> np.ndarray:
        parts = zip(self.weights, self.means, self.covariances, strict=True)
        return np.column_stack([weight * _density(X, mean, spread) for weight, mean, spread in parts])


def _density(X: np.ndarray, mean: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    """Return the density of a normal distribution; directions without variance are left out, as in MLlib."""
    values, vectors = np.linalg.eigh(covariance)
    kept = values > EPSILON * values.max() * len(values)
    root = vectors[:, kept] / np.sqrt(values[kept])
    constant = -0.5 * (len(mean) * np.log(2 * np.pi) + np.log(values[kept]).sum())
    return np.exp(constant - 0.5 * (((X - mean) @ root) ** 2).sum(axis=1))


def segmenter(clusterer, order: np.ndarray, labels: np.ndarray, centers: np.ndarray):
    """Make the `Segmenter` that fitting in memory would have made.

    Parameters
    ----------
    clusterer : estimator
        One of this module.
    order : ndarray of shape (n_segments,)
        Number of the cluster that each segment is.
    labels : ndarray of shape (n_sampled,)
        Segments of the customers who are here.
    centers : ndarray of shape (n_segments, n_features)
    """
    wrapped = Segmenter(clusterer)
    wrapped.clusterer_, wrapped.order_, wrapped.labels_ = clusterer, order, labels
    wrapped.n_segments_, wrapped.n_features_in_ = len(order), centers.shape[1]
    wrapped.centers_ = centers
    return wrapped


def _by_parts(place, X) -> np.ndarray:
    X = np.asarray(X, dtype="float64")
    return np.concatenate([place(X[start : start + ROWS]) for start in range(0, max(len(X), 1), ROWS)])
