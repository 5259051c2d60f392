"""Birch for several numbers of segments: the tree of small groups is grown once, and what differs by k is cut from it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from numbers import Integral

import numpy as np
from sklearn.base import clone
from sklearn.cluster import AgglomerativeClustering, Birch, ward_tree
from sklearn.metrics import pairwise_distances_argmin


@dataclass(frozen=True)
class BirchTree:
    """What a fit of Birch knows before it is told the number of segments.

    Parameters
    ----------
    grown : Birch
        With its subclusters, without the nodes that led to them: a hundred thousand objects that nothing asks for any more.
    nearest : ndarray of shape (n_customers,)
        The subcluster of each customer.
    hierarchy : tuple
        Ward's hierarchy of the subclusters, as `sklearn.cluster.ward_tree` returns it; empty for a single one.
    """

    grown: Birch
    nearest: np.ndarray
    hierarchy: tuple

    def cache(self, function: Callable) -> Callable:
        """Return the hierarchy where scikit-learn would build it: the tree is the memory of the cut."""
        return lambda *_, **__: self.hierarchy

    def cut(self, clusterer: Birch) -> np.ndarray:
        """Finish the fit of a clusterer as `sklearn.cluster.Birch` does; return the cluster of each customer.

        Parameters
        ----------
        clusterer : Birch
            With the parameters that the tree was grown with, and its own ``n_clusters``.
        """
        wanted = clusterer.n_clusters
        vars(clusterer).update(vars(self.grown))
        if isinstance(wanted, Integral) and 1 < len(clusterer.subcluster_centers_) >= wanted:
            clusterer.n_clusters = AgglomerativeClustering(wanted, memory=self)
        else:
            clusterer.n_clusters = wanted
        clusterer.partial_fit()
        clusterer.n_clusters = wanted
        clusterer.labels_ = clusterer.subcluster_labels_[self.nearest]
        return clusterer.labels_


def grow(clusterer: Birch, X: np.ndarray) -> BirchTree:
    """Grow the tree of a clusterer on rows in an order that follows from their values alone.

    Parameters
    ----------
    clusterer : Birch
    X : ndarray of shape (n_customers, n_features)
    """
    # By value, then shuffled: rows that come sorted make a poor tree.
    order = np.lexsort(X.T[::-1])[np.random.default_rng(0).permutation(len(X))]
    grown = clone(clusterer).set_params(n_clusters=None, compute_labels=False).fit(X[order])
    grown.compute_labels = clusterer.compute_labels
    del grown.root_, grown.dummy_leaf_
    centers = grown.subcluster_centers_
    nearest = np.empty(len(X), dtype="int64")
    nearest[order] = pairwise_distances_argmin(X[order], centers)
    return BirchTree(grown, nearest, ward_tree(centers) if len(centers) > 1 else ())


def shared(clusterers: Sequence, X: np.ndarray) -> BirchTree | None:
    """Grow one tree for clusterers that differ in their number of segments alone; None for others."""
    if not all(isinstance(one, Birch) for one in clusterers):
        return None
    rest = [{**one.get_params(deep=False), "n_clusters": None} for one in clusterers]
    return grow(clusterers[0], X) if all(one == rest[0] for one in rest) else None
