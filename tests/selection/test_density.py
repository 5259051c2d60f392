"""The peaks of a density: groups of any shape are counted, single clouds have one, whole numbers make none."""

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from seg.selection.density import CERTAIN, LIKELY, SURE, density_groups, scales, spread_evenly


def blobs(n, sd=1.0, seed=0):
    rng = np.random.default_rng(seed)
    group = rng.integers(4, size=n)
    return np.array([[0, 0], [8, 1], [1, 9], [9, 9]])[group] + sd * rng.normal(size=(n, 2)), group


def test_four_separated_groups_are_four_peaks_at_every_level():
    X, group = blobs(600)
    found = density_groups(X)
    assert set(found.counts.values()) == {4}
    assert adjusted_rand_score(found.labels, group) > 0.95


def test_a_ring_around_a_blob_is_two_groups():
    rng = np.random.default_rng(1)
    angle = rng.uniform(0, 2 * np.pi, 500)
    ring = 8 * np.column_stack([np.cos(angle), np.sin(angle)]) + 0.8 * rng.normal(size=(500, 2))
    found = density_groups(np.vstack([ring, rng.normal(size=(300, 2))]))
    assert found.counts[SURE] == 2
    assert adjusted_rand_score(found.labels, np.repeat([0, 1], [500, 300])) > 0.9


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    "cloud",
    [
        lambda rng: rng.normal(size=(500, 3)),
        lambda rng: np.exp(rng.normal(size=(500, 2))),
        lambda rng: rng.uniform(size=(500, 2)),
        lambda rng: np.log1p(rng.poisson(2.0, size=(500, 2)).astype(float)),
    ],
    ids=["normal", "log-normal", "uniform", "counts"],
)
def test_one_cloud_has_one_certain_peak(cloud, seed):
    assert density_groups(cloud(np.random.default_rng(seed))).counts[CERTAIN] == 1


def test_neither_the_order_of_rows_nor_units_change_the_counts():
    X = blobs(300)[0].round(1)
    order = np.random.default_rng(2).permutation(300)
    one, two = density_groups(X), density_groups(X[order] * [100, 0.01] + 5)
    assert one.counts == two.counts
    assert adjusted_rand_score(one.labels[order], two.labels) == pytest.approx(1)


def test_of_many_customers_a_sample_is_looked_at():
    found = density_groups(blobs(6000)[0])
    assert len(found.rows) == len(found.labels) == 2500 and found.counts[LIKELY] == 4


def test_nothing_to_tell_apart_is_one_group():
    assert set(density_groups(np.ones((50, 2))).counts.values()) == {1}
    assert set(density_groups(np.arange(10.0)[:, None]).counts.values()) == {1}


def test_a_value_is_spread_about_as_far_to_both_sides():
    spread = spread_evenly(np.repeat([1.0, 2.0, 10.0, 11.5], [1, 500, 1, 500])[:, None])[:, 0]
    assert spread[0] == 1 and spread[501] == 10  # they occur once
    assert spread[1:501].min() == pytest.approx(1.5, abs=0.05) and spread[1:501].max() == pytest.approx(
        2.75, abs=0.05
    )


def test_scales_grow_from_six_neighbours_to_a_quarter_of_the_customers():
    assert scales(100) == [6, 9, 13, 19]
    assert scales(3000)[0] == 20 and scales(3000)[-1] <= 150
