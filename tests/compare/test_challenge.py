"""A challenger against the champion: gates first, then whether it is worse on the same customers."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from seg.compare import challenge
from seg.compare.challenge import Duel
from seg.features import FeatureTable

SOUND = {
    "common/silhouette": 0.5, "stability/jaccard_min": 0.9, "null/draws": 19, "null/permuted_p": 0.05, "null/stretched_p": 0.05,
    "null/bent_p": 0.05, "holdout/auc": 0.8, "holdout/auc_random": 0.5, "holdout/deviance_explained": 0.3,
    "holdout/deviance_explained_se": 0.01, "holdout/over_rule_rfm_high": 0.02,
}  # fmt: skip


def outcome(labels: list[int], seed=0):
    """Customers of whom those with label 1 buy more often."""
    rng = np.random.default_rng(seed)
    labels = np.array(labels)
    bought = (rng.uniform(size=len(labels)) < np.where(labels == 1, 0.8, 0.2)).astype(int)
    table = pd.DataFrame(
        {"known": True, "bought": bought, "spend": bought * rng.lognormal(3, 0.3, len(labels))}
    )
    features = FeatureTable(
        pd.DataFrame({"x": labels + rng.normal(0, 0.1, len(labels))}), ["x"], [], {}, None
    )
    return SimpleNamespace(parted=SimpleNamespace(table=features, outcome=table), labels=labels)


def test_segments_that_tell_who_buys_beat_those_that_do_not_and_equal_ones_are_as_good():
    truth = [0, 1] * 300
    judged = outcome(truth)
    random = np.random.default_rng(1).integers(0, 2, 600)
    assert Duel("x", *challenge.by_holdout(judged, random, 0)).verdict == "better"
    assert Duel("x", *challenge.by_holdout(judged, np.array(truth), 0)).verdict == "as good"
    judged.labels = random
    assert Duel("x", *challenge.by_holdout(judged, np.array(truth), 0)).verdict == "worse"


def test_without_a_hold_out_separation_decides_with_an_interval():
    points = np.array([[0.0], [0.1], [0.2], [5.0], [5.1], [5.2]] * 10)
    right, wrong = np.array([0, 0, 0, 1, 1, 1] * 10), np.array([0, 1, 0, 1, 0, 1] * 10)
    assert Duel("x", *challenge.by_separation(points, right, wrong, 1000, 0)).verdict == "better"
    assert Duel("x", *challenge.by_separation(points, wrong, right, 1000, 0)).verdict == "worse"
    same = challenge.by_separation(points, right, right, 1000, 0)
    assert Duel("x", *same).verdict == "as good" and same[2] == same[3] == 0


@pytest.mark.parametrize(
    ("change", "against"),
    [
        ({}, []),
        ({"stability/jaccard_min": 0.4}, ["stability 0.40"]),
        ({"null/bent_p": 0.3}, ["noise p 0.30"]),
        ({"holdout/over_rule_rfm_high": -0.01}, ["worse than rule RFM"]),
        ({"stability/jaccard_min": np.nan}, ["lacks stability"]),
    ],
)
def test_the_gates_are_those_of_the_comparison(change, against):
    assert challenge.gates(SOUND | change, [], True) == against
    assert challenge.gates(SOUND, ["a segment of 3"], True) == ["flagged: a segment of 3"]


def test_only_a_challenger_that_passes_and_is_not_worse_may_win():
    assert Duel("x", 0.3, 0.3, -0.01, 0.01).may_win and Duel("x", 0.3, 0.2, 0.05, 0.15).may_win
    assert not Duel("x", 0.2, 0.3, -0.15, -0.05).may_win
    assert not Duel("x", 0.3, 0.2, 0.05, 0.15, ["noise p 0.30"]).may_win
    assert not Duel("x", 0.3, np.nan, np.nan, np.nan).may_win, (
        "what is unknown is no reason to replace a champion"
    )
