"""Rule-based RFM as a clusterer."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from seg.errors import SegError
from seg.models.rfm_rules import RfmRules
from seg.models.segmenter import Segmenter
from seg.segments.rfm import rfm


def customers(n: int = 400) -> np.ndarray:
    rng = np.random.default_rng(0)
    return np.column_stack(
        [rng.integers(1, 300, n), rng.integers(1, 9, n), rng.gamma(1, 100, n).round(2)]
    ).astype(float)


def test_customers_get_the_names_of_the_rules():
    X = customers()
    model = RfmRules().fit(X)
    expected = rfm(*(pd.Series(column) for column in X.T))["name"].to_numpy()
    assert [model.names_[label] for label in model.labels_] == expected.tolist()


def test_the_same_customers_are_placed_as_in_training_one_by_one_too():
    X = customers()
    model = RfmRules().fit(X)
    assert (model.predict(X) == model.labels_).all()
    assert [model.predict(row[None])[0] for row in X[:50]] == model.labels_[:50].tolist()


def test_what_keeps_the_order_of_the_customers_changes_nothing():
    X = customers()
    scaled = np.column_stack([(X[:, 0] - 100) / 50, np.log1p(X[:, 1]), np.log1p(X[:, 2]) * 3 - 1])
    assert (RfmRules().fit(scaled).labels_ == RfmRules().fit(X).labels_).all()


def test_own_bounds_part_by_value():
    rules = [{"name": "Recent", "r": [4, 5]}, {"name": "Others"}]
    model = RfmRules({"recency": {"bounds": [10, 30, 60, 90]}}, rules).fit(customers())
    X = np.array([[30.0, 1, 1], [31.0, 9, 900]])
    assert [model.names_[label] for label in model.predict(X)] == ["Recent", "Others"]


def test_segments_are_ordered_by_worth_like_those_of_any_model():
    X = customers()
    segmenter = Segmenter(RfmRules()).fit(X, order_by=X[:, 2])
    means = [X[segmenter.labels_ == segment, 2].mean() for segment in range(segmenter.n_segments_)]
    assert means == sorted(means, reverse=True)


def test_its_parameters_are_checked_like_those_of_any_estimator():
    RfmRules()._validate_params()


def test_two_features_are_too_few():
    with pytest.raises(SegError, match="got 2 features, expected recency, frequency and money"):
        RfmRules().fit(customers()[:, :2])
