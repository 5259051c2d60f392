"""Models of the next days: what they learn, and when there is nothing to learn."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from made import snapshot_of

from seg.outlook import learning


@pytest.fixture(scope="module")
def model():
    return learning.fit([snapshot_of(seed=1), snapshot_of(seed=2)], 30)


def test_probabilities_are_those_of_the_groups(model):
    judged = snapshot_of(2000, seed=3)
    made = model.predict(judged.inputs)
    late = judged.features["recency_days"] > 50
    assert made["probability"].between(0, 1).all()
    assert made.loc[late, "probability"].mean() == pytest.approx(0.1, abs=0.06)
    assert made.loc[~late, "probability"].mean() == pytest.approx(0.9, abs=0.06)


def test_expected_spend_adds_up_and_large_customers_are_not_cut_off(model):
    judged = snapshot_of(2000, seed=4)
    made, spend = model.predict(judged.inputs)["spend"], judged.spend[30]
    assert (made >= 0).all()
    assert made.sum() == pytest.approx(spend.sum(), rel=0.15)
    giant = judged.inputs.iloc[[0]].assign(recency_days=5.0, tenure_days=300.0)
    usual = model.predict(giant.assign(revenue=1000.0))["spend"].iloc[0]
    assert model.predict(giant.assign(revenue=50_000.0))["spend"].iloc[0] > 20 * usual


def test_a_fit_is_the_same_for_the_same_seed(model):
    again = learning.fit([snapshot_of(seed=1), snapshot_of(seed=2)], 30)
    inputs = snapshot_of(50, seed=5).inputs
    pd.testing.assert_frame_equal(model.predict(inputs), again.predict(inputs))


def test_of_very_many_customers_a_part_is_learnt_from_and_all_are_forecast(model, monkeypatch):
    monkeypatch.setattr(learning, "MOST_LEARNT", 300)
    part = learning.fit([snapshot_of(seed=1), snapshot_of(seed=2)], 30)
    judged = snapshot_of(2000, seed=3)
    made, full = part.predict(judged.inputs), model.predict(judged.inputs)
    assert len(made) == 2000 and not made.equals(full)
    assert (made["probability"] - full["probability"]).abs().mean() < 0.06


def test_longer_horizons_never_promise_less():
    short = pd.DataFrame({"probability": [0.5, 0.2], "spend": [10.0, 1.0]})
    long = pd.DataFrame({"probability": [0.4, 0.3], "spend": [12.0, 0.5]})
    first, second = learning.nested([short, long])
    assert first.equals(short)
    assert second["probability"].tolist() == [0.5, 0.3] and second["spend"].tolist() == [12.0, 1.0]


@pytest.mark.parametrize(("value", "words"), [(5.0, "all of the 400"), (0.0, "none of the 400")])
def test_equal_outcomes_teach_nothing(value, words):
    one = snapshot_of()
    same = replace(one, spend=pd.DataFrame({30: np.full(400, value)}, index=one.features.index))
    assert words in learning.impossible([same], 30) and "no difference to learn" in learning.impossible(
        [same], 30
    )


def test_few_buyers_are_too_few_and_ten_are_enough():
    one = snapshot_of()
    spend = np.zeros(400)
    spend[:9] = 1.0
    few = replace(one, spend=pd.DataFrame({30: spend}, index=one.features.index))
    assert "9 bought within 30 days and 391 did not" in learning.impossible([few], 30)
    spend[:10] = 1.0
    enough = replace(one, spend=pd.DataFrame({30: spend}, index=one.features.index))
    assert learning.impossible([enough], 30) is None
