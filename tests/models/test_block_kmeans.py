from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.datasets import make_blobs
from sklearn.utils.estimator_checks import parametrize_with_checks
from threadpoolctl import threadpool_limits

from seg.metrics import kernels
from seg.models.block_kmeans import MOST_FEATURES, BlockKMeans

STRICT = {"tol": 0, "max_iter": 1000, "random_state": 0}
PUBLIC = ["sipu_a1", "sipu_s1", "sipu_unbalance", "sipu_aggregation", "sipu_compound", "sipu_r15", "fcps_hepta",
          "graves_dense", "other_iris", "uci_wine", "uci_glass", "wut_x2"]  # fmt: skip


def customers(n: int = 4000, seed: int = 0) -> np.ndarray:
    """Draw recency, orders and revenue of which many are equal, z-scored but not logged."""
    rng = np.random.default_rng(seed)
    orders = 1 + rng.poisson(rng.gamma(0.7, 4, n))
    X = np.column_stack([rng.gamma(2, 100, n).round(), orders, (rng.lognormal(3, 1, n) * orders).round()])
    return (X - X.mean(axis=0)) / X.std(axis=0)


@parametrize_with_checks([BlockKMeans(n_clusters=3, n_init=2, random_state=0)])
def test_it_is_an_estimator_as_scikit_learn_defines_them(estimator, check):
    check(estimator)


def test_the_kernels_are_used_here():
    assert kernels.ready()


@pytest.mark.parametrize("k", [2, 3, 5, 8])
@pytest.mark.parametrize("seed", [0, 1])
def test_its_optimum_is_that_of_scikit_learn_or_better(k, seed):
    X = customers(seed=seed)
    ours, theirs = BlockKMeans(k, **STRICT).fit(X), KMeans(k, n_init=10, **STRICT).fit(X)
    assert ours.inertia_ <= theirs.inertia_ * 1.002


@pytest.mark.real
@pytest.mark.parametrize("name", PUBLIC)
def test_its_optimum_on_public_data_is_that_of_scikit_learn_or_better(real_data: Path, name):
    table = pd.read_csv(real_data / "clustering" / f"{name}.csv.gz")
    X = (
        table.select_dtypes("number")
        .iloc[:, : max(2, table.select_dtypes("number").shape[1] - 1)]
        .to_numpy(float)
    )
    excess = [
        BlockKMeans(k, **STRICT).fit(X).inertia_ / KMeans(k, n_init=10, **STRICT).fit(X).inertia_ - 1
        for k in (2, 3, 5, 8)
    ]
    assert np.mean(excess) < 2e-3
    assert max(excess) < 2e-2


@settings(max_examples=30, deadline=None)
@given(st.integers(20, 600), st.integers(1, 6), st.integers(2, 6), st.integers(0, 99))
def test_it_ends_where_scikit_learn_would_not_move_on(n, d, k, seed):
    X = np.random.default_rng(seed).normal(size=(n, d))
    ours = BlockKMeans(k, n_init=2, tol=0, max_iter=1000, random_state=seed).fit(X)
    further = KMeans(k, init=ours.cluster_centers_, n_init=1, tol=0).fit(X)
    np.testing.assert_array_equal(ours.labels_, further.labels_)
    np.testing.assert_array_equal(ours.labels_, ours.predict(X))
    np.testing.assert_allclose(ours.cluster_centers_, further.cluster_centers_, atol=1e-12)
    assert ours.inertia_ == pytest.approx(further.inertia_)


@pytest.mark.parametrize("coreset", [500, 4096])
def test_the_order_of_rows_does_not_change_a_label(coreset):
    X = customers()
    model = BlockKMeans(6, tol=0, random_state=0, coreset=coreset)
    straight = clone(model).fit(X)
    for seed in range(3):
        order = np.random.default_rng(seed).permutation(len(X))
        shuffled = clone(model).fit(X[order])
        np.testing.assert_array_equal(straight.labels_[order], shuffled.labels_)
        np.testing.assert_array_equal(straight.cluster_centers_, shuffled.cluster_centers_)


def test_the_number_of_threads_does_not_change_a_label():
    X = customers()
    fits = []
    for threads in (1, 2, 4):
        with threadpool_limits(threads):
            fits.append(BlockKMeans(5, tol=0, random_state=0).fit(X))
    for other in fits[1:]:
        np.testing.assert_array_equal(fits[0].labels_, other.labels_)
        np.testing.assert_array_equal(fits[0].cluster_centers_, other.cluster_centers_)


def test_a_weight_is_so_many_equal_rows_and_weight_zero_none():
    X = customers(500)
    counts = np.random.default_rng(0).integers(0, 4, len(X))
    weighted = BlockKMeans(4, random_state=0).fit(X, sample_weight=counts)
    repeated = BlockKMeans(4, random_state=0).fit(np.repeat(X, counts, axis=0))
    np.testing.assert_array_equal(weighted.cluster_centers_, repeated.cluster_centers_)
    np.testing.assert_array_equal(np.repeat(weighted.labels_, counts), repeated.labels_)
    np.testing.assert_array_equal(weighted.labels_, weighted.predict(X))
    assert weighted.inertia_ == pytest.approx(repeated.inertia_)


@pytest.mark.parametrize("k", [2, 5, 9])
def test_starts_on_a_coreset_find_the_few_who_are_far_out(k):
    X = customers(12_000)
    X[:8] += 300
    ours = BlockKMeans(k, **STRICT, coreset=1000).fit(X)
    theirs = KMeans(k, n_init=10, **STRICT).fit(X)
    assert ours.inertia_ <= theirs.inertia_ * 1.01
    assert len(set(ours.labels_[:8].tolist())) == 1
    assert (ours.labels_ == ours.labels_[0]).sum() == 8


@pytest.mark.parametrize("offset", [0.0, 1e6])
def test_data_far_from_the_origin_keep_their_clusters(offset):
    X, truth = make_blobs(900, centers=[[0, 0], [9, 0], [0, 9]], random_state=0)
    labels = BlockKMeans(3, random_state=0).fit(X + offset).labels_
    assert len(np.unique(np.column_stack([labels, truth]), axis=0)) == 3


def test_many_features_are_left_to_scikit_learn_and_row_order_still_does_not_matter():
    X = np.random.default_rng(0).normal(size=(200, MOST_FEATURES + 1))
    model, order = BlockKMeans(3, n_init=5, random_state=0), np.random.default_rng(1).permutation(len(X))
    straight, shuffled = clone(model).fit(X), clone(model).fit(X[order])
    np.testing.assert_array_equal(straight.labels_[order], shuffled.labels_)
    assert straight.inertia_ <= KMeans(3, n_init=5, random_state=0).fit(X).inertia_ * 1.01


def test_fewer_distinct_points_than_clusters_give_as_many_clusters_as_points_and_a_warning():
    two = np.array([[0.0], [1.0]] * 5)
    assert set(BlockKMeans(2, random_state=0).fit(two).labels_.tolist()) == {0, 1}
    with pytest.warns(UserWarning, match=r"distinct clusters \(2\) found smaller than n_clusters \(3\)"):
        assert len(set(BlockKMeans(3, random_state=0).fit(two).labels_.tolist())) == 2


def test_float32_tables_give_float32_centres_and_the_same_clusters():
    X = customers()
    single = BlockKMeans(4, random_state=0).fit(X.astype(np.float32))
    double = BlockKMeans(4, random_state=0).fit(X)
    assert single.cluster_centers_.dtype == np.float32
    np.testing.assert_allclose(single.cluster_centers_, double.cluster_centers_, atol=1e-2)
    assert single.inertia_ == pytest.approx(double.inertia_, rel=1e-5)
