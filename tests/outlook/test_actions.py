"""Value at stake and sizes of tests, worked by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from seg.outlook import actions

SCORES = pd.DataFrame(
    {
        "segment": [0, 0, 1, -1],
        "probability_90": [0.9, 0.5, 0.2, 0.0],
        "spend_90": [100.0, 40.0, 5.0, 0.0],
        "probability_lost": [0.05, 0.4, 0.7, 1.0],
        "usual_spend": [120.0, 60.0, 50.0, 10.0],
    }
)


def test_value_at_stake_is_the_usual_spend_of_who_does_not_come():
    made = actions.value_at_stake(SCORES, {0: "best", 1: "others"}, 90)
    assert made["name"].tolist() == ["best", "others", "segment -1"]  # noise last
    assert made["value_at_stake"].tolist() == pytest.approx([120 * 0.1 + 60 * 0.5, 50 * 0.8, 10])
    assert made["purchase_rate"].tolist() == pytest.approx([0.7, 0.2, 0.0])
    assert made["lost_rate"].tolist() == pytest.approx([0.225, 0.7, 1.0])
    assert made["likely_anyway"].tolist() == [1, 0, 0]
    assert made["customers"].sum() == len(SCORES)


def test_the_size_of_a_test_is_that_of_the_textbook():
    # Fleiss, Levin & Paik, normal approximation without continuity correction: 686 in each half for 10 % against 15 %.
    assert actions.customers_needed(0.10, 0.05) == 2 * 686
    assert actions.customers_needed(0.10, 0.02) > actions.customers_needed(0.10, 0.05)


def test_the_smallest_lift_is_what_the_needed_customers_show():
    lift = actions.smallest_lift(0.10, 686)
    assert lift == pytest.approx(0.05, abs=1e-4)
    assert actions.smallest_lift(0.10, 10_000) < lift


@pytest.mark.parametrize(("rate", "each_half"), [(0.3, 2), (1.0, 500), (0.5, 0)])
def test_a_segment_too_small_or_with_nothing_to_gain_shows_no_lift(rate, each_half):
    assert np.isnan(actions.smallest_lift(rate, each_half))


def test_a_lift_above_everybody_needs_no_number():
    assert np.isnan(actions.customers_needed(0.97, 0.05))


def test_every_segment_has_its_sizes():
    stakes = actions.value_at_stake(SCORES, {0: "best"}, 90)
    made = actions.ab_test_sizes(stakes, [0.01, 0.05])
    assert list(made) == [
        "name",
        "customers",
        "purchase_rate",
        "smallest_lift",
        "needed_for_1_points",
        "needed_for_5_points",
    ]
    assert len(made) == 3


def test_every_action_of_a_segment_has_a_row_of_its_own():
    stakes = actions.value_at_stake(SCORES, {0: "best"}, 90)
    made = actions.by_action(actions.ab_test_sizes(stakes), stakes, {0: ["write", "call"]})
    assert made[["name", "action"]].values.tolist()[:3] == [
        ["best", "write"],
        ["best", "call"],
        ["segment 1", ""],
    ]
    assert made["customers"].tolist() == [2, 2, 1, 1]
