import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from seg.metrics.kernels.ordering import forget, ordered

TABLES = st.tuples(st.integers(1, 60), st.integers(1, 9)).flatmap(
    lambda shape: arrays(float, shape, elements=st.sampled_from([0.0, -0.0, 1.0, 2.5, -3.0, 1e6, 1e-9]))
)


def test_equal_rows_are_one_point_with_their_number_as_weight():
    points = ordered(np.array([[1.0, 2.0], [0.0, 0.0], [1.0, 2.0], [-0.0, 0.0]]))
    assert points.values.tolist() == [[0.0, 0.0], [1.0, 2.0]]
    assert points.weights.tolist() == [2.0, 2.0]
    assert points.place.tolist() == [1, 0, 1, 0]


def test_rows_of_weight_zero_have_no_point():
    points = ordered(np.array([[1.0], [2.0], [1.0]]), np.array([0.5, 0.0, 2.0]))
    assert points.values.tolist() == [[1.0]]
    assert points.weights.tolist() == [2.5]
    assert points.place.tolist() == [0, -1, 0]


@settings(max_examples=60, deadline=None)
@given(TABLES, st.integers(0, 100))
def test_every_row_has_its_point_and_their_order_does_not_matter(X, seed):
    order = np.random.default_rng(seed).permutation(len(X))
    points, shuffled = ordered(X), ordered(X[order])
    np.testing.assert_array_equal(points.values[points.place], X)
    assert len(np.unique(X + 0.0, axis=0)) == len(points.values)
    np.testing.assert_array_equal(points.values, shuffled.values)
    np.testing.assert_array_equal(points.weights, shuffled.weights)


def test_neighbours_along_the_curve_are_near_each_other_even_beside_outliers():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(5_000, 3))
    X[:5] *= 1e4
    along = np.linalg.norm(np.diff(ordered(X).values, axis=0), axis=1)
    at_random = np.linalg.norm(X[:-1] - X[1:], axis=1)
    assert np.median(along) < np.median(at_random) / 5


def test_a_table_is_ordered_once_until_it_changes():
    X = np.random.default_rng(0).normal(size=(100, 2))
    first = ordered(X)
    assert ordered(X.copy()) is first
    X[0, 0] += 1
    assert ordered(X) is not first
    forget()
    X[0, 0] -= 1
    assert ordered(X) is not first


def test_blocks_hold_the_points_in_units_below_one():
    points = ordered(np.array([[1000.0, 5.0], [1003.0, 6.0], [1001.0, 5.0]]))
    assert np.abs(points.landscape.single.values).max() <= 1
    np.testing.assert_allclose(points.outer(points.inner(points.values)), points.values, rtol=1e-15)
