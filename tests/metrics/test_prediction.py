"""What segments say about the time after them: arithmetic by hand, and against scikit-learn."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from seg.metrics import prediction


@pytest.mark.parametrize(("successes", "n"), [(8, 10), (1, 3), (50, 100), (999, 1000), (1, 100_000)])
def test_wilson_bounds_are_where_the_rate_is_just_rejected(successes, n):
    # The interval holds every p with (rate - p)^2 <= z^2 p (1 - p) / n.
    low, high = prediction.wilson(successes, n)
    for p in (low, high):
        assert (successes / n - p) ** 2 == pytest.approx(prediction.Z95**2 * p * (1 - p) / n, rel=1e-9)
    assert low < successes / n < high


def test_wilson_agrees_with_the_formula_of_statsmodels():
    count, nobs, crit = 25, 26, 1.959963984540054
    q = count / nobs
    denom = 1 + crit**2 / nobs
    center = (q + crit**2 / (2 * nobs)) / denom
    dist = crit * np.sqrt(q * (1 - q) / nobs + crit**2 / (4 * nobs**2)) / denom
    assert prediction.wilson(count, nobs) == pytest.approx((center - dist, center + dist))


def test_wilson_of_none_and_of_all():
    assert prediction.wilson(0, 4)[0] == 0 and prediction.wilson(4, 4)[1] == 1
    low, high = prediction.wilson(7, 30)
    assert prediction.wilson(23, 30) == pytest.approx((1 - high, 1 - low))
    # By hand, n = 4: 1 / (1 + z^2 / 4) = 0.5101.
    assert prediction.wilson(0, 4) == pytest.approx((0, 0.4899), abs=1e-4)
    assert prediction.wilson(4, 4) == pytest.approx((0.5101, 1), abs=1e-4)
    assert np.isnan(prediction.wilson(0, 0)).all()


def test_auc_is_that_of_scikit_learn():
    rng = np.random.default_rng(0)
    for values in (2, 5, 1000):
        scores, bought = rng.integers(0, values, 400), rng.integers(0, 2, 400)
        assert prediction.auc(scores, bought) == pytest.approx(roc_auc_score(bought, scores))
    assert np.isnan(prediction.auc(scores, np.ones(400)))


def few(labels, log_spend, **draws):
    """Score customers whose log1p(spend) is given."""
    spend = np.expm1(np.asarray(log_spend, dtype=float))
    features = pd.DataFrame({"x": np.arange(len(spend))})
    return prediction.evaluate(
        np.array(labels), (spend > 0).astype(int), spend, features, draws=prediction.Draws(**draws)
    )


def test_r_squared_by_hand():
    # Each customer is a fold. Predicted by the partner: 2, 0, 5, 5, squares left 4 + 4; by the mean of the three
    # others: 4, 10/3, 7/3, 7/3, squares 16 + 16/9 + 64/9 + 64/9 = 32. Eta squared: 1 - 2 / 18.
    scores = few([0, 0, 1, 1], [0, 2, 5, 5], folds=4)
    assert scores.r_squared == pytest.approx(1 - 8 / 32)
    assert scores.eta_squared == pytest.approx(1 - 2 / 18)
    assert np.isnan(scores.auc), "a fold of one customer has no buyer beside another"


def test_a_cross_fitted_score_is_of_the_other_folds_only():
    rng = np.random.default_rng(3)
    labels, bought = rng.integers(0, 5, 200), rng.integers(0, 2, 200)
    scores = prediction.evaluate(
        labels, bought, bought * 9.0, pd.DataFrame({"x": labels}), draws=prediction.Draws(4)
    )
    fold, areas = prediction._folds(bought, 5, 4), []
    for number in range(5):
        here = fold == number
        rates = [bought[~here][labels[~here] == label].mean() for label in labels[here]]
        areas.append(roc_auc_score(bought[here], rates))
    assert scores.auc == pytest.approx(np.mean(areas))


def test_folds_share_out_the_buyers():
    bought = np.r_[np.zeros(53), np.ones(27)]
    fold = prediction._folds(bought, 5, 0)
    assert set(np.bincount(fold)) == {16}
    assert set(np.bincount(fold[bought == 1])) <= {5, 6}


def test_a_segment_in_one_fold_only_gets_what_all_get():
    scores = few([0, 0, 0, 1], [1, 1, 1, 5], folds=4)
    # Customer 3 is predicted 1, as all others are: 16 left. The others: right. By the mean: 3 * (4/3)^2 + 16.
    assert scores.r_squared == pytest.approx(1 - 16 / (16 + 3 * (4 / 3) ** 2))


def test_segments_that_tell_all_and_segments_that_tell_nothing():
    bought = np.repeat([0, 1], 50)
    features = pd.DataFrame({"x": np.arange(100.0)})
    perfect = prediction.evaluate(bought, bought, bought * 20.0, features)
    assert (perfect.auc, perfect.r_squared, perfect.eta_squared) == (1, 1, 1)
    nothing = prediction.evaluate(np.zeros(100, dtype=int), bought, bought * 20.0, features)
    assert (nothing.auc, nothing.r_squared, nothing.eta_squared) == (0.5, 0, 0)


def test_random_segments_are_chance_however_many_they_are():
    rng = np.random.default_rng(0)
    bought = rng.integers(0, 2, 3000)
    scores = prediction.evaluate(
        rng.integers(0, 60, 3000), bought, bought * rng.exponential(50, 3000), pd.DataFrame(index=range(3000))
    )
    random = scores.baselines.set_index("name").loc["random"]
    assert random["auc"] == pytest.approx(0.5, abs=0.01)
    assert -0.05 < random["r_squared"] < 0 < random["eta_squared"]
    assert len(scores.random) == 20 and scores.random["auc"].mean() == pytest.approx(random["auc"])


def test_segments_table_by_hand():
    labels = np.array([1, 0, 0, 0, 0, -1])
    spend = np.array([30.0, 0, 10, 0, 50, 0])
    table = prediction.evaluate(labels, spend > 0, spend, pd.DataFrame({"x": labels})).segments
    assert table["segment"].tolist() == [0, 1, -1]
    assert table["customers"].tolist() == [4, 1, 1]
    assert table["bought"].tolist() == [2, 1, 0]
    assert table["rate"].tolist() == [0.5, 1, 0]
    assert table["spend"].tolist() == [15, 30, 0]
    assert table.loc[0, ["rate_low", "rate_high"]].tolist() == pytest.approx([0.15, 0.85], abs=5e-3)
    assert table.loc[1, ["spend_low", "spend_high"]].tolist() == [30, 30]
    assert 0 <= table.loc[0, "spend_low"] < 15 < table.loc[0, "spend_high"]


def test_the_bootstrap_covers_as_a_normal_interval_does_and_repeats_by_seed():
    spend = np.random.default_rng(0).exponential(100, 4000)
    same = [
        prediction.evaluate(
            np.zeros(4000, int),
            np.ones(4000),
            spend,
            pd.DataFrame(index=range(4000)),
            None,
            prediction.Draws(seed),
        )
        for seed in (1, 1, 2)
    ]
    row = same[0].segments.loc[0]
    reach = prediction.Z95 * spend.std() / np.sqrt(4000)
    assert (row["spend_low"], row["spend_high"]) == pytest.approx(
        (spend.mean() - reach, spend.mean() + reach), rel=0.01
    )
    pd.testing.assert_frame_equal(same[0].segments, same[1].segments)
    assert same[2].segments.loc[0, "spend_low"] != row["spend_low"]
    assert np.isnan(same[0].auc) and same[0].rate == 1


def test_baselines_are_the_segments_random_the_rules_and_the_deciles():
    rng = np.random.default_rng(0)
    x, bought = rng.normal(size=500), rng.integers(0, 2, 500)
    features = pd.DataFrame({"x": x, "orders": rng.integers(1, 3, 500)})
    rules = {"rule RFM": np.where(x > 0, "Champions", "Lost")}
    table = prediction.evaluate(rng.integers(0, 3, 500), bought, bought * 1.0, features, rules).baselines
    assert table["name"].tolist() == ["segments", "random", "rule RFM", "deciles of x", "deciles of orders"]
    assert table["groups"].tolist() == [3, 3, 2, 10, 2]
    assert list(table.columns) == ["name", "groups", "eta_squared", "auc", "r_squared"]


@pytest.mark.parametrize(
    ("labels", "bought", "spend", "message"),
    [
        ([0, 1], [0, 1, 1], [0, 1], "have 2, 3, 2 and 2 rows, expected the same customers"),
        ([0, 1], [0, 2], [0, 1], "other values than 0 and 1"),
        ([0, 1], [0, 1], [0, -1], "below 0 or not finite"),
    ],
)
def test_an_outcome_that_is_none_is_refused(labels, bought, spend, message):
    with pytest.raises(ValueError, match=message):
        prediction.evaluate(np.array(labels), np.array(bought), np.array(spend), pd.DataFrame({"x": [1, 2]}))


def test_intervals_of_segments_and_baselines_by_the_rules_are_kept_apart():
    """Rules come between the random segments and the deciles, and each is scored as segments of its own would be."""
    rng = np.random.default_rng(5)
    bought, codes = rng.integers(0, 2, 300), rng.integers(0, 4, 300)
    features = pd.DataFrame({"x": rng.normal(size=300)})
    rule = prediction.evaluate(codes, bought, bought * 2.0, features, {"rule": codes}).baselines.set_index(
        "name"
    )
    assert rule.loc["rule"].tolist() == rule.loc["segments"].tolist()


@pytest.mark.parametrize(
    ("values", "bins", "expected"),
    [
        ([10, 20, 30, 40, 50], 5, [1, 2, 3, 4, 5]),
        ([1, 1, 1, 2, 9], 5, [1, 1, 1, 4, 5]),
        ([7, 7], 10, [1, 1]),
        ([3, 1, 2], 2, [2, 1, 1]),
        ([], 5, []),
    ],
)
def test_tiles_go_by_the_share_of_lower_values(values, bins, expected):
    assert prediction.tiles(np.array(values), bins).tolist() == expected


def test_tiles_of_missing_values_are_refused():
    with pytest.raises(ValueError, match="1 values are missing"):
        prediction.tiles(np.array([1, np.nan]), 2)


def test_the_interval_of_a_mean_is_wide_where_few_spend_and_a_point_where_all_are_alike():
    rng = np.random.default_rng(0)
    assert prediction.mean_interval(np.full(9, 4.0), rng, 200) == (4.0, 4.0)
    assert prediction.mean_interval(np.zeros(9), rng, 200) == (0.0, 0.0)
    assert prediction.mean_interval(np.array([6.0]), rng, 200) == (6.0, 6.0)
    # One buyer among fifty spends 50: mean 1, standard error 1.
    assert prediction.mean_interval(np.r_[np.zeros(49), 50.0], rng, 400) == pytest.approx((0, 4))
    low, high = prediction.mean_interval(np.r_[np.zeros(48), 50.0, 50.0], rng, 400)
    assert 0 < low < 1 and high > 3
