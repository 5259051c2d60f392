"""Null data of one cloud: what is kept (marginals, ties, correlation, a bend) and what is smoothed away (a second peak)."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from seg.metrics.bent_cloud import BentCloud
from seg.metrics.one_cloud import Marginal, OneCloud
from seg.metrics.single_peak import one_peak, valley_depth


def test_the_distribution_with_one_peak_of_four_values_is_the_one_worked_by_hand():
    # Shares 1/8, 3/8, 5/8, 7/8 at 0, 1, 2, 3 lie on a line: one flat peak, nothing to smooth.
    knots, heights, distance = one_peak(np.array([0.0, 1.0, 2.0, 3.0]))
    assert distance == pytest.approx(0)
    assert np.interp([0, 1, 2, 3], knots, heights) == pytest.approx([1 / 8, 3 / 8, 5 / 8, 7 / 8])


def test_its_density_rises_to_one_peak_and_falls_from_there():
    rng = np.random.default_rng(0)
    two = np.r_[rng.normal(0, 1, 300), rng.normal(6, 1, 300)]
    knots, heights, distance = one_peak(two)
    slopes = np.diff(heights) / np.diff(knots)
    peak = slopes.argmax()
    assert (np.diff(slopes[: peak + 1]) >= -1e-9).all() and (np.diff(slopes[peak:]) <= 1e-9).all()
    assert distance > 0.1 > one_peak(rng.normal(size=600))[2]


def test_a_column_of_two_peaks_is_known_by_itself():
    rng = np.random.default_rng(1)
    X = np.column_stack([rng.normal(size=500), np.r_[rng.normal(0, 1, 250), rng.normal(6, 1, 250)]])
    assert OneCloud(X).two_peaked
    assert not OneCloud(X[:, :1]).two_peaked


def test_a_smoothed_valley_has_a_depth_and_one_peak_has_none():
    rng = np.random.default_rng(11)
    one, two = rng.normal(size=600), np.r_[rng.normal(0, 1, 300), rng.normal(6, 1, 300)]
    assert valley_depth(two) > 0.05 > 0.002 > valley_depth(one) >= 0
    assert valley_depth(1000 + 7 * two) == pytest.approx(valley_depth(two)), "units do not matter"
    assert valley_depth(np.ones(9)) == 0


def test_shallow_valleys_of_several_columns_count_together():
    rng = np.random.default_rng(12)
    X = 2.7 * rng.integers(2, size=(400, 4)) + rng.normal(size=(400, 4))
    assert OneCloud(X).two_peaked
    assert not OneCloud(X[:, :1]).two_peaked


def test_an_evenly_spread_column_is_drawn_evenly_spread():
    rng = np.random.default_rng(13)
    even, _ = Marginal.fit(rng.uniform(2, 5, 300), rng)
    assert len(even.knots) == 2 and even.heights.tolist() == [0, 1]
    assert len(Marginal.fit(rng.normal(size=300), rng)[0].knots) > 2
    assert not OneCloud(rng.uniform(size=(300, 3))).two_peaked


def test_repeated_values_and_a_spike_at_zero_come_back():
    rng = np.random.default_rng(2)
    X = np.column_stack(
        [1 + rng.poisson(2, 1000), np.where(rng.random(1000) < 0.5, 0.0, np.exp(rng.normal(4, 0.7, 1000)))]
    ).astype(float)
    drawn = OneCloud(X).stretched(np.random.default_rng(3))
    assert set(np.unique(drawn[:, 0])) <= set(range(1, 20))
    assert (drawn[:, 1] == 0).mean() == pytest.approx(0.5, abs=0.06)
    assert drawn.min() >= 0 and drawn[:, 1].max() <= X[:, 1].max()


def test_a_stretched_cloud_keeps_the_correlation_and_a_constant_column():
    rng = np.random.default_rng(4)
    shared = rng.normal(size=2000)
    X = np.column_stack([np.exp(shared), shared + rng.normal(size=2000), np.full(2000, 7.0)])
    drawn = OneCloud(X).stretched(np.random.default_rng(5))
    assert spearmanr(drawn[:, 0], drawn[:, 1])[0] == pytest.approx(spearmanr(X[:, 0], X[:, 1])[0], abs=0.06)
    assert (drawn[:, 2] == 7).all()
    assert np.median(drawn[:, 0]) == pytest.approx(1, rel=0.15)


def test_a_bent_cloud_bends_where_a_stretched_one_does_not():
    rng = np.random.default_rng(6)
    x = rng.normal(size=2000)
    cloud = OneCloud(np.column_stack([x, x**2 + 0.3 * rng.normal(size=2000)]))

    def bend(drawn):
        return np.corrcoef(np.abs(drawn[:, 0]), drawn[:, 1])[0, 1]

    assert bend(cloud.bent(np.random.default_rng(7))) > 0.7
    assert abs(bend(cloud.stretched(np.random.default_rng(7)))) < 0.2


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_bent_cloud_is_drawn_in_the_order_that_explains_the_data(order):
    """The second feature follows from the square of the first; the other way round the square root has no sign."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=800)
    y = (x**2 - 1) / 2 + 0.7 * rng.normal(size=800)
    assert BentCloud(np.column_stack([x, y / y.std()])[:, order]).order == order


def test_every_drawn_feature_of_a_bent_cloud_is_normal_again():
    Z = np.random.default_rng(8).normal(size=(500, 4))
    drawn = BentCloud(Z).draw(4000, np.random.default_rng(9))
    assert drawn.mean(axis=0) == pytest.approx([0] * 4, abs=0.07) and drawn.std(axis=0) == pytest.approx(
        [1] * 4, abs=0.07
    )


def test_values_of_scores_of_values_are_the_values():
    values = np.array([1.0, 1.0, 2.0, 4.0, 4.0, 9.0])
    marginal, spread = Marginal.fit(values, np.random.default_rng(0))
    back = marginal.values(marginal.scores(spread))
    assert back[[0, 1, 3, 4]].tolist() == [1, 1, 4, 4]
