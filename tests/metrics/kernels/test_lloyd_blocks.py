import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from seg.metrics.kernels.lloyd_blocks import Blocks
from seg.metrics.kernels.ordering import ordered


def table(n: int, d: int, seed: int, tails: bool = False) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.standard_t(1.5, size=(n, d)) if tails else rng.normal(size=(n, d)).round(2)


def by_hand(values: np.ndarray, weights: np.ndarray, centres: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    squares = cdist(values, centres, "sqeuclidean")
    labels = squares.argmin(axis=1)
    member = (labels[:, None] == np.arange(len(centres))) * weights[:, None]
    cost = (member * squares).sum(axis=0)
    return labels, np.column_stack([member.T @ values, member.sum(axis=0), cost])


@pytest.mark.parametrize(("dtype", "digits"), [(np.float32, 1e-5), (np.float64, 1e-10)])
@settings(max_examples=25, deadline=None)
@given(
    n=st.integers(3, 3000),
    d=st.integers(1, 9),
    k=st.integers(1, 12),
    seed=st.integers(0, 99),
    tails=st.booleans(),
)
def test_a_pass_assigns_and_adds_up_as_all_distances_would(dtype, digits, n, d, k, seed, tails):
    points = ordered(table(n, d, seed, tails))
    rng = np.random.default_rng(seed)
    weights = rng.integers(1, 5, len(points.values)).astype(dtype)
    blocks = Blocks(points.inner(points.values).astype(dtype), weights)
    # Near points, not at them: at a point of 2 decimals two centres may be exactly as far.
    centres = points.inner(points.values)[rng.integers(len(weights), size=k)] + rng.normal(size=(k, d)) * 1e-2
    sums = np.empty((k, d + 2))
    blocks.step(centres, sums)
    values = blocks.values.transpose(0, 2, 1).reshape(-1, d)[: blocks.n].astype(float)
    labels, expected = by_hand(values, weights.astype(float), centres.astype(dtype).astype(float))
    np.testing.assert_allclose(sums, expected, rtol=digits, atol=digits * weights.sum())
    squares = cdist(values, centres, "sqeuclidean")
    excess = squares[np.arange(len(labels)), blocks.labels(centres)] - squares.min(axis=1)
    assert excess.max() < digits


def test_lloyd_ends_at_the_two_means_of_two_pairs():
    points = ordered(np.array([[0.0], [1.0], [10.0], [12.0]]))
    centres, inertia, passes = points.landscape.double.lloyd(points.inner(np.array([[0.0], [1.0]])), 0.0, 50)
    assert sorted(points.outer(centres).ravel()) == pytest.approx([0.5, 11.0])
    assert inertia * points.scale**2 == pytest.approx(2 * 0.25 + 2 * 1.0)
    assert 1 < passes < 50


@pytest.mark.parametrize("seed", range(4))
def test_lloyd_is_a_pass_and_the_means_of_its_sums_in_turn_bit_for_bit(seed):
    landscape = ordered(table(700, 3, seed, True)).landscape
    expected = start = landscape.single.seed(4, np.random.default_rng(seed))
    centres, inertia, passes = landscape.single.lloyd(start, 0.0, 500)
    sums = np.empty((4, 5))
    for _ in range(passes):
        landscape.single.step(expected, sums)
        expected = sums[:, :3] / sums[:, 3:4]
    assert (centres == expected).all() and inertia == sums[:, 4].sum()


def test_a_centre_without_points_goes_to_the_point_that_costs_most():
    points = ordered(np.array([[0.0], [1.0], [2.0], [100.0]]))
    centres, inertia, _ = points.landscape.double.lloyd(points.inner(np.array([[1.0], [5000.0]])), 0.0, 50)
    assert sorted(points.outer(centres).ravel()) == pytest.approx([1.0, 100.0])
    assert inertia * points.scale**2 == pytest.approx(2.0)


def test_seeds_are_distinct_points_far_apart():
    X = np.repeat(np.array([[0.0, 0.0], [50.0, 0.0], [0.0, 50.0]]), 40, axis=0)
    X = X + np.random.default_rng(0).normal(size=X.shape)
    points = ordered(X)
    for number in range(20):
        seeds = points.outer(points.landscape.single.seed(3, np.random.default_rng(number)))
        assert cdist(seeds, X).min(axis=1).max() < 1e-4
        assert cdist(seeds, seeds)[np.triu_indices(3, 1)].min() > 20


def test_weights_draw_seeds():
    X = np.arange(500.0)[:, None]
    points = ordered(X, np.where(X[:, 0] == 123, 1e9, 1.0))
    assert points.outer(points.landscape.single.seed(1, np.random.default_rng(0)))[0, 0] == pytest.approx(
        123, abs=1e-3
    )


def test_groups_of_blocks_that_lie_with_one_centre_are_labelled_each_by_itself():
    """Four clusters of 2,000 points, far apart: whole groups of 16 blocks have one centre to choose from."""
    X = np.repeat([0.0, 100.0, 200.0, 300.0], 2_000)[:, None] + np.random.default_rng(0).normal(
        size=(8_000, 1)
    )
    points = ordered(X)
    values = points.inner(points.values)
    centres = points.inner(np.array([[200.0], [0.0], [300.0], [100.0]]))
    labels = Blocks(values, np.ones(len(values))).labels(centres)
    assert labels.tolist() == cdist(values, centres).argmin(axis=1).tolist()
