import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seg.metrics.kernels.coreset import coreset
from seg.metrics.kernels.descent import Landscape
from seg.metrics.kernels.ordering import ordered


def test_a_move_is_made_where_it_pays_with_the_centres_it_leads_to():
    # 0, 2 | 5: the point 2 is 1 from its centre and 3 from the other, and stays for Lloyd and for Hartigan.
    # 0, 3 | 5.5: passes leave 3 (1.5 against 2.5), although {0} and {3, 5.5} have the inertia 3.125 instead of 4.5.
    points = np.array([[0.0], [3.0], [5.5]])
    optimum = Landscape(points, np.ones(3)).settle(np.array([[1.5], [5.5]]), 0.0, 50)
    assert sorted(optimum.centres.ravel()) == pytest.approx([0.0, 4.25])
    assert optimum.inertia == pytest.approx(3.125)


@settings(max_examples=30, deadline=None)
@given(st.integers(10, 500), st.integers(1, 5), st.integers(2, 6), st.integers(0, 99))
def test_moves_never_raise_the_inertia_and_end_at_a_fixed_point_of_passes(n, d, k, seed):
    rng = np.random.default_rng(seed)
    landscape = ordered(rng.normal(size=(n, d))).landscape
    start = landscape.start(k, rng, 1e-4, 300)
    settled = landscape.settle(start.centres, 1e-4, 300)
    assert settled.inertia <= start.inertia * (1 + 1e-6)
    assert landscape.hop(settled, rng, 0.3, 1e-4, 300).inertia <= settled.inertia
    further, _, _ = landscape.double.lloyd(settled.centres, 0.0, 300)
    np.testing.assert_allclose(further, settled.centres, atol=1e-9)


@pytest.mark.parametrize("size", [100, 1000])
def test_a_coreset_keeps_the_total_and_the_mean_and_outliers_stand_for_themselves(size):
    rng = np.random.default_rng(0)
    X = np.concatenate([rng.normal(size=(5000, 3)), [[200.0, 0, 0], [0, 300.0, 0]]])
    points = ordered(X)
    values, weights = coreset(points.values, points.weights, size)
    assert len(values) <= size
    assert weights.sum() == pytest.approx(5002)
    np.testing.assert_allclose(weights @ values / weights.sum(), X.mean(axis=0), atol=1e-9)
    for outlier in X[-2:]:
        at = np.flatnonzero(np.isclose(values, outlier).all(axis=1))
        assert weights[at].tolist() == [1.0]
