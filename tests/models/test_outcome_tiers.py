"""Tiers of expected spend: borders by hand, a planted outcome, and what a model keeps."""

from __future__ import annotations

import itertools
import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.pipeline import Pipeline

from seg.errors import SegError
from seg.models import skops_file
from seg.models.outcome_tiers import Lesson, OutcomeTiers, OutcomeTree, least_variance_borders
from seg.models.segmenter import Segmenter


@pytest.fixture(scope="module")
def lesson() -> Lesson:
    """600 customers who buy the likelier, the smaller their first feature is; the second says nothing."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(600, 2))
    bought = rng.random(600) < 1 / (1 + np.exp(3 * X[:, 0]))
    return Lesson(X, np.where(bought, rng.lognormal(4, 0.5, 600), 0.0), np.arange(600))


def test_borders_lie_in_the_gaps_and_every_tier_keeps_its_least_share():
    scores = np.r_[np.zeros(50), np.ones(45), np.full(5, 9.0)]
    assert least_variance_borders(scores, 3, 0.02).tolist() == [0.5, 5.0]
    assert least_variance_borders(scores, 3, 0.1).max() < 5, "a tier of five of a hundred"
    assert len(least_variance_borders(scores, 8, 0.3)) <= 2
    assert least_variance_borders(np.zeros(9), 4, 0.1).tolist() == [0.0], "equal scores are not parted"


@pytest.mark.parametrize("kind", [OutcomeTiers, OutcomeTree])
def test_tiers_follow_what_foretells_the_outcome_and_nothing_else(lesson, kind):
    X = np.random.default_rng(1).normal(size=(400, 2))
    model = kind(n_tiers=4, lesson=lesson).fit(X)
    assert np.unique(model.labels_).tolist() == [0, 1, 2, 3]
    means = [X[model.labels_ == tier].mean(axis=0) for tier in range(4)]
    assert all(before[0] > after[0] for before, after in itertools.pairwise(means))
    assert np.ptp([mean[1] for mean in means]) < 0.5
    np.testing.assert_array_equal(model.predict(X), model.labels_)
    np.testing.assert_array_equal(model.predict(X[:1].astype("float32")), model.labels_[:1])


def test_a_scaler_that_keeps_the_order_changes_nothing(lesson):
    X = np.random.default_rng(1).normal(size=(200, 2))
    stretched = Lesson(np.exp(lesson.X), lesson.spend, lesson.customers)
    first = OutcomeTiers(lesson=lesson).fit(lesson.X).labels_
    np.testing.assert_array_equal(OutcomeTiers(lesson=stretched).fit(np.exp(lesson.X)).labels_, first)
    assert len(np.unique(OutcomeTiers(lesson=lesson).fit(X).labels_)) <= 8


def test_no_file_of_a_model_holds_what_single_customers_spent(lesson, tmp_path):
    segmenter = Segmenter(OutcomeTiers(lesson=lesson)).fit(lesson.X)
    again = pickle.loads(pickle.dumps(segmenter))
    assert again.clusterer.lesson is None and again.clusterer_.lesson is None
    np.testing.assert_array_equal(again.predict(lesson.X), segmenter.labels_)
    for model in (segmenter, Segmenter(OutcomeTree(lesson=lesson)).fit(lesson.X)):
        path = tmp_path / "model.skops"
        path.write_bytes(skops_file.dumps(Pipeline([("cluster", model)])))
        loaded, _remarks = skops_file.load(path)
        np.testing.assert_array_equal(loaded.predict(lesson.X), model.labels_)


@pytest.mark.parametrize("column", ["left", "feature_idx", "is_categorical"])
def test_a_boosted_tree_that_points_outside_itself_is_refused(lesson, tmp_path, column):
    segmenter = Segmenter(OutcomeTiers(lesson=lesson)).fit(lesson.X)
    segmenter.clusterer_.amount_trees_._predictors[0][0].nodes[column][0] = 99
    path = tmp_path / "model.skops"
    path.write_bytes(skops_file.dumps(Pipeline([("cluster", segmenter)])))
    with pytest.raises(SegError, match="tree of the model is damaged"):
        skops_file.load(path)


def test_a_bootstrap_sample_and_halves_are_of_customers(lesson):
    twice = Lesson(np.vstack([lesson.X] * 2), np.tile(lesson.spend, 2), np.tile(lesson.customers, 2))
    drawn = np.bincount(twice.resampled(3).customers, minlength=600)
    assert set(drawn) == {0, 2} and 0.55 < (drawn > 0).mean() < 0.7
    first, second = twice.halves(0)
    assert not set(first.customers) & set(second.customers) and len(first.spend) == len(second.spend) == 600


def test_without_a_lesson_or_without_buyers_the_error_says_what_to_do(lesson):
    with pytest.raises(SegError, match="choose a data set with orders"):
        OutcomeTiers().fit(lesson.X)
    nobody = Lesson(lesson.X, np.zeros(600), lesson.customers)
    with pytest.raises(SegError, match="0 bought and 600 did not; at least 10 of each"):
        clone(OutcomeTiers(lesson=nobody)).fit(lesson.X)
