"""Shares to come: a chain that is known, a memory that is found, and too few months."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from seg.outlook import markov

TRUE = np.array([[0.8, 0.2], [0.3, 0.7]])


def chain(n: int = 3000, months: int = 12, memory: float = 0.0, seed: int = 0) -> pd.DataFrame:
    """Move customers by `TRUE`; with `memory` some go back to where they were two months ago."""
    rng = np.random.default_rng(seed)
    states = np.zeros((n, months), dtype=int)
    states[:, 0] = rng.random(n) < 0.5
    for month in range(1, months):
        states[:, month] = rng.random(n) > TRUE[states[:, month - 1], 0]
        if month > 1:
            back = rng.random(n) < memory
            states[back, month] = states[back, month - 2]
    return pd.DataFrame(states.astype("float64"))


def test_the_matrix_of_a_chain_is_found_and_its_shares_go_to_their_limit():
    made = markov.forecast_shares(chain(), months_ahead=24)
    assert made.transitions.to_numpy() == pytest.approx(TRUE, abs=0.02)
    assert made.transitions.sum(axis=1).tolist() == pytest.approx([1, 1])
    assert made.shares.iloc[-1].tolist() == pytest.approx([0.6, 0.4], abs=0.02)  # 0.3 / (0.2 + 0.3)
    assert made.shares.sum(axis=1).tolist() == pytest.approx([1] * 25)


def test_a_chain_without_memory_passes_the_test_and_one_with_memory_does_not():
    assert markov.forecast_shares(chain()).p_value > 0.001
    remembering = markov.forecast_shares(chain(memory=0.3))
    assert remembering.p_value < 1e-6
    assert "not a Markov chain" in remembering.sentence


def test_the_test_keeps_its_level():
    rejected = [markov.forecast_shares(chain(400, seed=seed)).p_value < 0.05 for seed in range(40)]
    assert sum(rejected) <= 6


def test_one_degree_of_freedom_for_two_segments_a_history():
    statistic, degrees = markov.memory_test(chain(500).to_numpy().astype(int), 2)
    assert degrees == 2 and statistic >= 0


def test_new_customers_of_an_average_month_join_the_shares():
    states = chain(1000, months=9)
    states.iloc[500:, :4] = np.nan  # half of the customers come in month 4
    made = markov.forecast_shares(states, months_ahead=1)
    assert made.counts.to_numpy().sum() == 500 * 8 + 500 * 4
    assert made.shares.sum(axis=1).tolist() == pytest.approx([1, 1])


def test_too_few_months_are_refused_with_their_number():
    assert (
        markov.forecast_shares(chain(50, months=7))
        == "not possible: 6 monthly steps between segments, and at least 7 are needed"
    )
    assert not isinstance(markov.forecast_shares(chain(50, months=8)), str)


def test_a_segment_that_is_never_left_is_stayed_in():
    states = pd.DataFrame(np.ones((20, 9)))
    states.iloc[0, -1] = 2.0
    made = markov.forecast_shares(states)
    assert made.transitions.loc[2].tolist() == [0, 1]
