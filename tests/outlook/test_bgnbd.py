"""The classical yardstick on customers who follow its model; it runs where its extra is installed."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
import pandas as pd
import pytest

from seg.outlook import bgnbd

CUT, HORIZON = 360, 90


def customers(n: int = 400) -> tuple[pd.DataFrame, np.ndarray]:
    """Draw customers as BG/NBD has them: their past until the cut, and who buys in the days after it."""
    rng = np.random.default_rng(0)
    rows, later = [], []
    for _ in range(n):
        first, rate, leaves = rng.integers(0, 200), rng.gamma(0.8, 1 / 40), rng.beta(1.0, 4.0)
        days, at = [first], float(first)
        while rng.random() > leaves:
            at += max(rng.exponential(1 / rate), 1.0)
            if at >= CUT + HORIZON:
                break
            days.append(int(at))
        past = [day for day in days if day < CUT]
        rows.append((len(past), past[-1] - first, CUT - first, 20.0 * len(past)))
        later.append(any(day >= CUT for day in days))
    names = ["active_days", "span_days", "tenure_days", "revenue"]
    return pd.DataFrame(rows, columns=names, dtype="float64"), np.array(later)


@pytest.mark.skipif(find_spec("pymc_marketing") is None, reason="the extra clv is not installed")
@pytest.mark.timeout(600)  # it compiles on the first use on a machine
def test_it_finds_the_rate_and_the_order_of_customers_who_follow_its_model():
    features, bought = customers()
    made = bgnbd.forecast(features, HORIZON)
    assert made["probability"].between(0, 1).all() and (made["spend"] >= 0).all()
    assert made["probability"].mean() == pytest.approx(bought.mean(), abs=0.06)
    above = made["probability"].to_numpy()[bought][:, None] > made["probability"].to_numpy()[~bought]
    assert above.mean() > 0.75


def test_without_the_extra_or_with_few_who_came_back_it_says_what_is_lacking(monkeypatch):
    features, _ = customers(30)
    if find_spec("pymc_marketing") is not None:
        alone = features.assign(active_days=1.0, span_days=0.0)
        assert f"at least {bgnbd.LEAST_REPEATERS} are needed" in bgnbd.forecast(alone, HORIZON)
    monkeypatch.setattr(bgnbd, "find_spec", lambda name: None)
    assert "pip install 'seg[clv]'" in bgnbd.forecast(features, HORIZON)
