"""Forecasts by month: seasons, levels, sums and intervals, on series whose future is known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from seg.outlook import forecasting
from seg.outlook.coherent import SHARED, TOTAL, forecast_panel

SEASON = np.array([60, 60, 80, 90, 100, 100, 90, 90, 120, 140, 180, 90], dtype="float64")
AHEAD = [f"month {step}" for step in range(1, 7)]


def noise(n: int, seed: int = 0, size: float = 3.0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, size, n)


@pytest.fixture(scope="module")
def seasonal():
    """Two segments with one season, whose shares drift slowly."""
    months = 30
    total = np.tile(SEASON, 3)[:months] * 10
    share = np.linspace(0.3, 0.5, months)
    return pd.DataFrame({0: total * share + noise(months), 1: total * (1 - share) + noise(months, 1)})


def test_segments_add_up_to_the_total(seasonal):
    made = forecast_panel(seasonal, None, AHEAD).future.pivot(index="month", columns="group", values="mean")
    assert made[TOTAL].to_numpy() == pytest.approx(made[[0, 1]].sum(axis=1).to_numpy())
    assert list(made.index) == AHEAD


def test_the_season_of_the_total_is_shared_among_segments_that_are_too_short_to_show_it(seasonal):
    made = forecast_panel(seasonal, None, AHEAD)
    errors = made.errors.set_index("group")
    assert made.way == SHARED
    assert errors.loc[TOTAL, "model"] == "seasonal naive"
    assert (errors.loc[[0, 1], "mase"] < errors.loc[[0, 1], "mase_seasonal_naive"]).all()
    future = made.future[made.future["group"] == TOTAL].set_index("month")["mean"]
    assert future.to_numpy() == pytest.approx(np.roll(SEASON, -6)[:6] * 10, rel=0.1)


def test_intervals_hold_their_share_of_months_on_noise_around_a_level():
    panel = pd.DataFrame({0: 100 + noise(48, 2, 10), 1: 300 + noise(48, 3, 20)})
    made = forecast_panel(panel, None, AHEAD)
    errors, future = made.errors, made.future
    assert errors["coverage_80"].between(0.7, 1).all() and errors["coverage_95"].between(0.85, 1).all()
    assert (future["low_95"] <= future["low_80"]).all() and (future["high_80"] <= future["high_95"]).all()
    assert (future[["mean", "low_95"]] >= 0).all().all()


def test_a_month_that_was_closed_half_the_time_is_no_fall_of_demand():
    days = np.tile([26.0] * 11 + [13.0], 2)
    panel = pd.DataFrame({0: days * 10})
    future = forecast_panel(panel, days, AHEAD).future
    assert future[future["group"] == 0]["mean"].tolist() == pytest.approx([260] * 6)
    assert forecasting.days_expected(days, 12).tolist() == [26.0] * 11 + [13.0]


def test_a_segment_without_customers_in_some_months_or_in_all_is_forecast_too():
    rng = np.random.default_rng(0)
    panel = pd.DataFrame({0: 50 + noise(24), 1: np.where(rng.random(24) < 0.5, 0.0, 5.0), 2: 0.0})
    made = forecast_panel(panel, None, AHEAD)
    empty = made.future[made.future["group"] == 2]
    assert (empty["mean"] == 0).all()
    assert np.isnan(made.errors.set_index("group").loc[2, "mase"])
    assert np.isfinite(made.future.drop(columns=["group", "month"])).all().all()


def test_a_choice_uses_only_errors_of_months_that_are_over():
    # The first candidate is better from the fourth origin on; its first error known at origin p is that of origin p - 1.
    first, second = np.full((8, 1), 1.0), np.full((8, 1), 2.0)
    first[:2] = 9.0
    then = forecasting.chosen_then({"first": first, "second": second}, "second")
    # Known at origin 3: 9, 9, 1 against 2, 2, 2; at 6: 22 / 6 is still above 2.
    assert then == ["second"] * 8
    first[0] = 2.5
    first[1] = 2.5
    assert (
        forecasting.chosen_then({"first": first, "second": second}, "second")
        == ["second"] * 3 + ["first"] * 5
    )


def test_errors_of_the_future_are_unknown_at_an_origin():
    table = np.zeros((4, 3))
    assert forecasting.over(table, 0).sum() == 0
    # Origin 0 forecast months 0, 1, 2; at origin 2 months 0 and 1 are over; of origin 1 its first month.
    assert forecasting.over(table, 2).tolist() == [
        [True, True, False],
        [True, False, False],
        [False] * 3,
        [False] * 3,
    ]


def test_truth_is_laid_beside_each_origin():
    truth = forecasting.truth_of(np.arange(14.0))
    assert truth.shape == (2, 3)
    assert truth[0, :2].tolist() == [12, 13] and np.isnan(truth[0, 2]) and np.isnan(truth[1, 1:]).all()


def test_intervals_are_widened_by_what_was_missed_and_never_narrowed():
    track = np.zeros((8, 1, 5))
    track[..., 1:] = [-1, 1, -2, 2]
    truth = np.full((8, 1), 4.0)
    known = np.ones((8, 1), dtype=bool)
    assert forecasting.factors(track, truth, known).tolist() == [4, 4, 2, 2]
    assert forecasting.factors(track, truth * 0.1, known).tolist() == [1, 1, 1, 1]
    assert forecasting.factors(track[:3], truth[:3], known[:3]).tolist() == [1, 1, 1, 1]  # too few to say


def test_months_before_a_segment_exists_are_not_judged_and_no_part_of_its_scale():
    panel = pd.DataFrame({0: 100 + noise(24, 4, 10), 1: np.r_[np.zeros(10), 40 + noise(14, 5, 4)]})
    row = forecast_panel(panel, None, AHEAD, born={1: 10}).errors.set_index("group").loc[1]
    assert row["judged"] == 21  # origins 16 to 23, of 12 to 23
    assert row["off_by"] < 0.25
    # The jump from 0 to 40 is no change of a month: the scale is that of the last 14 months.
    came, changes = panel[1].iloc[16:].mean(), np.abs(np.diff(panel[1].iloc[10:])).mean()
    assert row["mase"] == pytest.approx(row["off_by"] * came / changes, rel=0.05)


def test_an_interval_is_as_wide_as_the_changes_of_a_mean_as_large_as_the_forecast():
    values = np.array([90.0, 110.0] * 6)  # changes of 20 around 100
    table = np.array([[100.0] * 5, [400.0] * 5])
    wide = forecasting.widen(table, np.ones(4), values, steps=1)
    assert wide[0, 2] - 100 == pytest.approx(1.2816 * 20, rel=0.01)
    assert wide[1, 2] - 400 == pytest.approx(2 * (wide[0, 2] - 100))


def test_an_interval_of_a_segment_that_grows_is_wider_the_farther_it_is_forecast():
    values = np.arange(100.0, 124.0)
    table = np.array([[124.0] * 5] * 4)
    reach = forecasting.widen(table, np.ones(4), values, steps=3)[:, 4] - 124
    assert reach[1] > 1.9 * reach[0]
    assert reach[2] > 1.4 * reach[1]
    assert reach[3] == reach[2]  # farther than the origins judge, no more


def test_a_segment_that_still_fills_up_is_not_expected_to_be_as_small_as_a_year_ago():
    growing = 20.0 * np.arange(24)
    panel = pd.DataFrame({0: growing, 1: 600 - growing + noise(24, 6, 10)})
    row = forecast_panel(panel, None, AHEAD, born={0: 1}).errors.set_index("group").loc[0]
    assert row["off_by"] < 0.25
    assert row["coverage_95"] > 0.8
