"""Scores of forecasts, worked by hand, and what intervals may claim."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from seg.outlook import judging

SPEND = np.array([0.0, 0.0, 10.0, 20.0])


def forecast(probability: list[float], spend: list[float]) -> pd.DataFrame:
    return pd.DataFrame({"probability": probability, "spend": spend})


def test_scores_are_those_worked_by_hand():
    made = forecast([0.1, 0.6, 0.6, 0.9], [0.0, 5.0, 10.0, 10.0])
    row = judging.judge({"model": made}, SPEND, draws=5).scores.iloc[0]
    # Pairs of a buyer and another: (.6 > .1), (.6 = .6), (.9 > .1), (.9 > .6).
    assert row["auc"] == pytest.approx(3.5 / 4)
    assert row["brier"] == pytest.approx((0.1**2 + 0.6**2 + 0.4**2 + 0.1**2) / 4)
    assert row["spend_mae"] == pytest.approx((0 + 5 + 0 + 10) / 4)
    # Squares around the mean of 7.5: 56.25 + 56.25 + 6.25 + 156.25 = 275.
    assert row["spend_r2"] == pytest.approx(1 - (25 + 100) / 275)
    assert row["spend_ratio"] == pytest.approx(25 / 30)


def test_a_forecast_is_better_only_where_the_interval_says_so():
    rng = np.random.default_rng(0)
    spend = np.where(rng.random(500) < 0.5, 10.0, 0.0)
    good = forecast(np.where(spend > 0, 0.8, 0.2), spend * 0.9)
    chance = forecast(rng.random(500), np.full(500, 5.0))
    made = judging.judge({"chance": chance, "model": good, "twin": good}, spend)
    assert made.scores["name"].tolist() == ["model", "chance", "twin"]
    better = made.differences.set_index(["yardstick", "metric"])["better"]
    assert better["chance"].all() and not better["twin"].any()
    assert made.not_better == [f"{words}: no better than twin" for words in judging.WORDS.values()]


def test_intervals_hold_the_score_and_narrow_with_more_customers():
    rng = np.random.default_rng(1)

    def width(n: int) -> float:
        probability = rng.random(n)
        spend = np.where(rng.random(n) < probability, 1.0, 0.0)
        row = judging.judge({"model": forecast(probability, probability)}, spend).scores.iloc[0]
        assert row["auc_low"] < row["auc"] < row["auc_high"]
        return row["auc_high"] - row["auc_low"]

    assert width(4000) < width(200)


@pytest.mark.parametrize("spend", [0.0, 3.0])
def test_equal_outcomes_have_no_auc_and_no_explained_variance(spend):
    made = judging.judge({"model": forecast([0.2, 0.4, 0.6], [1.0, 2.0, 3.0])}, np.full(3, spend), draws=5)
    assert made.scores[["auc", "spend_r2"]].isna().all().all()
    assert np.isfinite(made.scores["brier"]).all()
    assert made.rate == (spend > 0)


def test_calibration_groups_equal_probabilities_together():
    probability = np.array([0.1] * 10 + [0.5] * 10)
    bought = np.array([True] + [False] * 9 + [True] * 5 + [False] * 5)
    table = judging.calibration_table(probability, bought)
    assert table["customers"].tolist() == [10, 10]
    assert table["predicted"].tolist() == pytest.approx([0.1, 0.5])
    assert table["observed"].tolist() == pytest.approx([0.1, 0.5])
    assert (table["low"] < table["observed"]).all() and (table["observed"] < table["high"]).all()
