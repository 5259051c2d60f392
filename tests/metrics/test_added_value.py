"""What segments add to simpler groups: known by construction, and nothing for groups that are the same."""

import numpy as np
import pandas as pd
import pytest

from seg.metrics.added_value import REGRESSION, added_value


def shop(n=1500, seed=0):
    """Make customers whose chance of buying follows from two features together."""
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=(2, n))
    true = (a > 0).astype(int) * 2 + (b > 0)
    bought = (rng.random(n) < np.array([0.1, 0.3, 0.5, 0.9])[true]).astype(int)
    spend = bought * np.exp(3 + 0.5 * true + 0.5 * rng.normal(size=n))
    return pd.DataFrame({"a": a, "b": b}), true, bought, np.log1p(spend), np.arange(n) % 5


def test_segments_that_know_more_add_to_rules_that_know_less():
    features, true, bought, log_spend, fold = shop()
    value = added_value({"segments": true, "rule RFM": true // 2}, features, bought, log_spend, fold)
    assert value.verdict("rule RFM") == "adds to"
    row = value.against.set_index("name").loc["rule RFM"]
    assert 0 < row["low"] < row["difference"] < row["high"]
    assert value.explained == pytest.approx(row["explained"] + row["difference"]) and 0 < value.se < 0.05


def test_the_other_way_round_they_are_worse():
    features, true, bought, log_spend, fold = shop()
    assert (
        added_value({"segments": true // 2, "rule RFM": true}, features, bought, log_spend, fold).verdict(
            "rule RFM"
        )
        == "worse than"
    )


def test_the_same_groups_are_as_good_and_random_ones_explain_nothing():
    features, true, bought, log_spend, fold = shop()
    chance = np.random.default_rng(1).integers(4, size=len(true))
    value = added_value(
        {"segments": true, "rule RFM": true[:], "chance": chance}, features, bought, log_spend, fold
    )
    assert value.verdict("rule RFM") == "as good as"
    assert value.against.set_index("name")["explained"]["chance"] == pytest.approx(0, abs=0.01)


def test_the_regression_knows_what_its_features_tell():
    features, true, bought, log_spend, fold = shop()
    value = added_value({"segments": true}, features, bought, log_spend, fold)
    assert value.against.set_index("name")["explained"][REGRESSION] == pytest.approx(0.262, abs=0.005)


def test_the_regression_is_judged_on_customers_that_it_has_not_seen():
    """Ten columns of noise fit forty customers well, and tell nothing of the next ones."""
    rng = np.random.default_rng(2)
    features, bought = pd.DataFrame(rng.normal(size=(50, 10))), rng.integers(0, 2, 50)
    groups, fold = rng.integers(0, 2, 50), np.arange(50) % 5
    value = added_value({"segments": groups}, features, bought, bought * 2.0, fold)
    assert value.against.set_index("name")["explained"][REGRESSION] < 0
