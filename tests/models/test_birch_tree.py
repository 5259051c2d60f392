"""Birch of several k shares one tree, and nobody can tell."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.cluster import AgglomerativeClustering, Birch

from seg.models import birch_tree


@pytest.fixture(scope="module")
def cloud() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(600, 3)) * [3, 1, 1]


def by_scikit_learn(clusterer: Birch, X: np.ndarray) -> np.ndarray:
    """Fit Birch as it comes, on rows in the order in which the tree grows."""
    order = np.lexsort(X.T[::-1])[np.random.default_rng(0).permutation(len(X))]
    labels = np.empty(len(X), dtype="int64")
    labels[order] = clone(clusterer).fit_predict(X[order])
    return labels


@pytest.mark.filterwarnings("ignore:Number of subclusters found")
@pytest.mark.parametrize(
    "n_clusters", [1, 2, 3, 7, 50, 599, 600, None, AgglomerativeClustering(3, linkage="average")]
)
@pytest.mark.parametrize("threshold", [0.3, 1.0, 2.0])
def test_what_is_cut_from_a_shared_tree_is_what_scikit_learn_fits(cloud, n_clusters, threshold):
    tree = birch_tree.shared([Birch(n_clusters=k, threshold=threshold) for k in (2, 3)], cloud)
    fitted = Birch(n_clusters=n_clusters, threshold=threshold)
    labels = tree.cut(fitted)
    np.testing.assert_array_equal(labels, by_scikit_learn(fitted, cloud))
    np.testing.assert_array_equal(fitted.predict(cloud), labels)
    assert fitted.n_clusters is n_clusters


def test_trees_of_other_parameters_and_other_models_are_not_shared(cloud):
    assert (
        birch_tree.shared([Birch(n_clusters=2, threshold=0.3), Birch(n_clusters=3, threshold=0.4)], cloud)
        is None
    )
    assert birch_tree.shared([Birch(n_clusters=2), AgglomerativeClustering(3)], cloud) is None
