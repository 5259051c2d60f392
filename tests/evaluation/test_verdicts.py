"""Each verdict on both sides of its threshold."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from seg.evaluation.verdicts import Foretold, Sizes, verdicts
from seg.metrics.null_result import NullTest
from seg.metrics.prediction import HoldoutScores, evaluate
from seg.metrics.stability import Stability

SIZES = Sizes(100, 0.5, 1_000)


def judged(silhouette=0.3, sizes=SIZES, stability=None, null=None, scores=None, reason=None) -> dict:
    verdict_of = verdicts(silhouette, sizes, stability, null, Foretold(scores, reason))
    assert [one.criterion for one in verdict_of] == [
        "identifiable",
        "substantial",
        "stable",
        "better than noise",
        "predictive",
    ]
    return {one.criterion: one for one in verdict_of}


@pytest.mark.parametrize(("silhouette", "passed"), [(0.25, False), (0.26, True), (-0.1, False)])
def test_segments_are_identifiable_above_a_quarter(silhouette, passed):
    verdict = judged(silhouette)["identifiable"]
    assert verdict.passed is passed and f"{silhouette:.2f} (Euclidean, scaled features)" in verdict.number


@pytest.mark.parametrize(
    ("smallest", "largest", "customers", "passed"),
    [
        (50, 0.5, 1_000, True),
        (49, 0.5, 1_000, False),
        (10, 0.5, 200, True),
        (9, 0.5, 200, False),
        (100, 0.95, 10_000, False),
        (99, 0.5, 10_000, False),
    ],
)
def test_segments_are_substantial_if_none_is_tiny_or_giant(smallest, largest, customers, passed):
    assert judged(sizes=Sizes(smallest, largest, customers))["substantial"].passed is passed


@pytest.mark.parametrize(("lowest", "passed"), [(0.75, True), (0.74, False)])
def test_segments_are_stable_if_the_least_stable_one_is(lowest, passed):
    stability = Stability(np.array([0, 1]), np.array([[0.9, lowest], [1.0, lowest]]), np.ones(2), 0, 500, 500)
    verdict = judged(stability=stability)["stable"]
    assert verdict.passed is passed and f"lowest bootstrap Jaccard {lowest:.2f}" in verdict.number


@pytest.mark.parametrize(("higher", "passed"), [(0, True), (1, False)])
def test_one_of_twenty_draws_as_high_is_noise(higher, passed):
    null = {"stretched": NullTest(0.5, np.r_[np.full(19, 0.3), 0.6 if higher else 0.4])}
    verdict = judged(null=null)["better than noise"]
    assert verdict.passed is passed and "silhouette 0.500" in verdict.number


@pytest.fixture(scope="module")
def scores() -> HoldoutScores:
    """Return a hold-out of segments that know what rule RFM knows."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=600)
    bought = (rng.random(600) < 1 / (1 + np.exp(-2 * x))).astype(int)
    codes = (x > 0).astype(int)
    return evaluate(codes, bought, bought * 9.0, pd.DataFrame({"x": x}), {"rule RFM": codes})


@pytest.mark.parametrize(
    ("auc", "highest", "passed"),
    [(0.60, 0.55, True), (0.59, 0.55, False), (0.65, 0.65, False), (0.65, 0.64, True)],
)
def test_segments_foretell_from_six_tenths_and_above_all_random_ones(scores, auc, highest, passed):
    random = pd.DataFrame({"auc": [0.5, highest]})
    verdict = judged(scores=replace(scores, auc=auc, random=random))["predictive"]
    assert verdict.passed is passed
    assert verdict.number.startswith("as good as rule RFM") and f"AUC {auc:.2f}" in verdict.number
    assert "by deciles of x" in verdict.number


def test_segments_worse_than_the_rules_do_not_pass_whatever_their_auc():
    rng = np.random.default_rng(1)
    x = rng.normal(size=1_500)
    bought = (rng.random(1_500) < 1 / (1 + np.exp(-4 * x))).astype(int)
    rules = np.digitize(x, [-1, -0.5, 0, 0.5, 1])
    worse = evaluate((x > 0.9).astype(int), bought, bought * 9.0, pd.DataFrame({"x": x}), {"rule RFM": rules})
    verdict = judged(scores=replace(worse, auc=0.9))["predictive"]
    assert verdict.passed is False and verdict.number.startswith("worse than rule RFM")


def test_what_was_not_measured_says_which_option_measures_it():
    verdict_of = judged()
    options = {"stable": "evaluation.stability=true", "better than noise": "evaluation.null=20"}
    options["predictive"] = "evaluation.holdout.cut=<day>"
    for criterion, option in options.items():
        assert verdict_of[criterion].passed is None and option in verdict_of[criterion].number
    assert judged(reason="one row a customer")["predictive"].number == "one row a customer"
