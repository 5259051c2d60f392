"""k-means of many customers: the clusters of scikit-learn's, from starts that were tried on a sample."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.exceptions import NotFittedError
from sklearn.metrics import adjusted_rand_score

from seg.models.coreset_kmeans import CoresetKMeans, distinct, lightweight


@pytest.fixture(scope="module")
def customers() -> np.ndarray:
    """Three columns of 12,000 customers in whole steps, half of them alike, and eight far out."""
    draw = np.random.default_rng(0)
    group = draw.integers(0, 5, 12_000)
    X = np.column_stack([np.round(draw.normal(8 * (group == place), 1.0), 1) for place in range(3)])
    X[:6000] = X[draw.integers(0, 500, 6000)]
    X[:8] += 300
    return X


def test_of_few_customers_it_is_the_kmeans_of_scikit_learn(customers):
    few, options = customers[:900], {"n_init": 3, "random_state": 1}
    ours, theirs = CoresetKMeans(4, **options).fit(few), KMeans(4, **options).fit(few)
    np.testing.assert_array_equal(ours.labels_, theirs.labels_)
    assert ours.inertia_ == theirs.inertia_


@pytest.mark.parametrize("k", [2, 5, 9])
def test_of_many_it_finds_clusters_as_tight_and_the_few_who_are_far_out(customers, k):
    ours = CoresetKMeans(k, tol=0, max_iter=1000, random_state=0, coreset=1000).fit(customers)
    theirs = KMeans(k, n_init=10, tol=0, max_iter=1000, random_state=0).fit(customers)
    assert ours.inertia_ <= theirs.inertia_ * 1.01
    assert len({*ours.labels_[:8].tolist()}) == 1 and (ours.labels_ == ours.labels_[0]).sum() == 8
    np.testing.assert_array_equal(ours.predict(customers), ours.labels_)
    np.testing.assert_allclose(ours.cluster_centers_[ours.labels_[0]], customers[:8].mean(axis=0), rtol=1e-9)
    assert ours.inertia_ == pytest.approx(((customers - ours.cluster_centers_[ours.labels_]) ** 2).sum())


def test_the_order_of_rows_does_not_matter_and_the_seed_does_what_it_says(customers):
    order = np.random.default_rng(1).permutation(len(customers))
    model = CoresetKMeans(7, random_state=0, coreset=1000)
    straight, shuffled = clone(model).fit(customers), clone(model).fit(customers[order])
    np.testing.assert_array_equal(straight.labels_[order], shuffled.labels_)
    again = clone(model).set_params(random_state=3).fit(customers)
    assert adjusted_rand_score(straight.labels_, again.labels_) > 0.5
    assert model.get_params()["coreset"] == 1000
    with pytest.raises(NotFittedError):
        model.predict(customers)


def test_equal_rows_are_one_point_of_their_weight():
    points, place, weight = distinct(
        np.array([[2.0, 1], [0.0, 5], [2, 1], [-0.0, 5]]), np.array([1.0, 2, 3, 4])
    )
    assert points.tolist() == [[0, 5], [2, 1]] and weight.tolist() == [6, 4]
    assert place.tolist() == [1, 0, 1, 0]


def test_a_coreset_weighs_as_much_as_all_points_on_average(customers):
    points, _place, weight = distinct(customers, np.ones(len(customers)))
    random = np.random.RandomState(0)
    sums = []
    for _ in range(200):
        drawn, weights = lightweight(points, weight, 500, random)
        sums.append([weights.sum(), weights @ points[drawn, 0]])
    expected = np.array([weight.sum(), weight @ points[:, 0]])
    error = np.std(sums, axis=0) / np.sqrt(len(sums))
    assert (np.abs(np.mean(sums, axis=0) - expected) < 4 * error).all()
