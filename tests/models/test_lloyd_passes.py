"""Centres of k-means that few passes over all customers move to their optimum; without Spark: a pass is arithmetic here."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.cluster import KMeans

from seg.models.block_kmeans import BlockKMeans
from seg.models.mllib import lloyd_passes, weighted_cells
from seg.models.mllib.lloyd_passes import Stand

TOLERANCE = 2e-3  # of configs/model/mllib_kmeans.yaml


@pytest.fixture(scope="module")
def customers():
    """Make 20,000 customers with skewed, rounded and tied features, as orders and revenue are; scaled."""
    rng = np.random.default_rng(5)
    orders = rng.geometric(0.5, 20_000).astype("float64")
    X = np.column_stack(
        [rng.uniform(0, 365, 20_000).round(), np.log1p(orders), np.log1p(orders * rng.gamma(2, 15, 20_000))]
    )
    return (X - X.mean(axis=0)) / X.std(axis=0)


def cells(X: np.ndarray, width: float) -> Stand:
    grouped = pd.DataFrame(X).groupby([np.floor(column / width) for column in X.T])
    return Stand(grouped.mean().to_numpy(), grouped.size().to_numpy(dtype="float64"))


def inertia(X: np.ndarray, centers: np.ndarray) -> float:
    return float(((X[:, None] - centers[None]) ** 2).sum(axis=2).min(axis=1).sum())


@pytest.mark.parametrize("k", [3, 6])
def test_few_passes_end_within_a_thousandth_of_the_inertia_of_full_lloyd(customers, k):
    sample = customers[::10]
    everyone, stand = (
        Stand(customers, np.ones(len(customers))),
        cells(customers, weighted_cells.cell_width(sample)),
    )
    assert len(stand.points) < len(customers) / 4 and stand.weights.sum() == len(customers)
    passes = []

    def passed(centers):
        passes.append(centers)
        return everyone.means(centers)

    start = BlockKMeans(k, n_init=20, tol=0, random_state=0).fit(stand.points, sample_weight=stand.weights)
    centers = lloyd_passes.optimum(passed, start.cluster_centers_, stand, TOLERANCE, 300)
    full = KMeans(k, n_init=5, tol=0, random_state=0).fit(customers)
    assert inertia(customers, centers) <= 1.001 * full.inertia_
    assert len(passes) <= 12


def test_centres_end_at_the_means_of_their_customers_however_badly_the_points_stand_for_them(customers):
    """Where a jump does not lead nearer, plain passes go on."""
    X, poor = customers[:2000], Stand(customers[5000:5020], np.ones(20))
    everyone = Stand(X, np.ones(len(X)))
    centers = lloyd_passes.optimum(everyone.means, X[:3], poor, 1e-9, 500)
    np.testing.assert_allclose(everyone.means(centers), centers, atol=1e-9)


def test_the_first_pass_ends_it_where_the_points_are_all_customers(customers):
    everyone = Stand(customers[:500], np.ones(500))
    start = everyone
    centers = customers[:4]
    for _ in range(300):
        centers = start.means(centers)
    passes = []
    lloyd_passes.optimum(lambda now: passes.append(now) or everyone.means(now), centers, everyone, 1e-8, 300)
    assert len(passes) == 1


def test_means_are_weighted_and_a_centre_without_points_stays():
    stand = Stand(np.array([[0.0], [3.0], [10.0]]), np.array([2.0, 1.0, 5.0]))
    assert stand.means(np.array([[1.0], [9.0], [50.0]])).ravel().tolist() == [1.0, 10.0, 50.0]


def test_a_grid_in_too_many_features_gives_way_to_the_sample():
    rng = np.random.default_rng(0)
    assert weighted_cells.cell_width(rng.normal(size=(2000, 2))) is not None
    assert weighted_cells.cell_width(rng.normal(size=(2000, 9))) is None
    assert weighted_cells.cell_width(np.ones((5, 2))) is None
