import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from seg.metrics.kernels.distance_sums import MOST_FEATURES, cells, exact_sums, query_sums


def laid_out(X, weights, labelings):
    """Return cells of points, the number of columns, and the clusters by hand (m, columns)."""
    joint, numbers = np.unique(labelings, axis=0, return_inverse=True)
    counts = labelings.max(axis=0) + 1
    offsets = np.cumsum(counts) - counts
    columns = np.where(joint >= 0, joint + offsets, -1)
    member = np.concatenate([labelings[:, [q]] == np.arange(count) for q, count in enumerate(counts)], axis=1)
    return cells(X, weights, numbers.ravel(), columns), int(counts.sum()), member * weights[:, None]


@settings(max_examples=25, deadline=None)
@given(
    st.integers(2, 400),
    st.integers(1, MOST_FEATURES),
    st.lists(st.integers(1, 6), min_size=1, max_size=4),
    st.integers(0, 99),
)
def test_sums_are_those_of_all_distances(n, d, ks, seed):
    rng = np.random.default_rng(seed)
    X, weights = rng.normal(size=(n, d)), rng.integers(1, 4, n).astype(float)
    labelings = np.column_stack([rng.integers(-1, k, n) for k in ks])
    labelings[0] = np.array(ks) - 1
    reference, columns, member = laid_out(X, weights, labelings)
    expected = cdist(X, X) @ member
    tolerance = {"rtol": 1e-5, "atol": 1e-5 * max(1.0, np.abs(X).max())}
    np.testing.assert_allclose(exact_sums(reference, columns), expected, **tolerance)
    queries = rng.normal(size=(7, d))
    np.testing.assert_allclose(
        query_sums(reference, queries, columns), cdist(queries, X) @ member, **tolerance
    )


@pytest.mark.parametrize("unit", [1e-30, 1.0, 1e30])
def test_units_do_not_matter(unit):
    X = np.array([[0.0, 0.0], [3.0, 4.0], [6.0, 8.0]]) * unit
    reference, columns, _ = laid_out(X, np.ones(3), np.array([[0], [0], [1]]))
    np.testing.assert_allclose(exact_sums(reference, columns) / unit, [[5, 10], [5, 5], [15, 0]], rtol=1e-6)
