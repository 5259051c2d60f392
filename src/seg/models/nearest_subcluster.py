"""A fitted Birch without its tree: the same labels for new customers."""

from __future__ import annotations

from sklearn.base import BaseEstimator
from sklearn.metrics import pairwise_distances_argmin


class NearestSubcluster(BaseEstimator):
    """Place a customer in the cluster of the nearest subcluster, as `sklearn.cluster.Birch` does.

    Parameters
    ----------
    centers : ndarray of shape (n_subclusters, n_features)
    labels : ndarray of int of shape (n_subclusters,)
        Cluster of each subcluster.
    """

    def __init__(self, centers, labels):
        self.centers = centers
        self.labels = labels

    def predict(self, X):
        """Return the number of the cluster for each row."""
        return self.labels[pairwise_distances_argmin(X, self.centers)]
