"""Routers compared group by group: intervals for many groups, the mean of groups, and what stands against a challenger."""

from __future__ import annotations

import numpy as np
import pytest

from seg.compare import group_challenge
from seg.compare.challenge import Duel
from seg.compare.group_challenge import GroupDuel


def of(group: str, difference: float, reach: float, customers: int = 100, against=()) -> GroupDuel:
    duel = Duel("x", 0.5 + difference, 0.5, difference - reach, difference + reach, list(against))
    return GroupDuel(group, customers, 3, 3, group, duel, 1.0, 1.0)


def test_one_group_keeps_its_interval_and_many_get_wider_ones():
    assert group_challenge.widened([of("a", -0.1, 0.09)])[0].duel.verdict == "worse"
    many = group_challenge.widened([of(str(number), -0.1, 0.09) for number in range(20)])
    # Normal quantiles of 0.99875 and 0.975: 3.023 / 1.960.
    assert many[0].duel.low == pytest.approx(-0.1 - 0.09 * 3.0233 / 1.96, abs=1e-4)
    assert {one.duel.verdict for one in many} == {"as good"}


def test_the_mean_of_groups_is_of_what_the_first_of_them_was_compared_by():
    other = GroupDuel("b", 100, 3, 3, "b", Duel("y", 0.6, 0.5, 0.06, 0.14), 1.0, 1.0)
    assert group_challenge.averaged([of("a", 0.1, 0.04), other]).basis == "x, mean of the groups"


def test_the_mean_of_groups_weighs_customers_and_adds_variances():
    mean = group_challenge.averaged([of("a", 0.2, 0.04, 300), of("b", -0.2, 0.04, 100), of("c", np.nan, 1)])
    assert mean.difference == pytest.approx(0.1)
    assert mean.high - mean.difference == pytest.approx(np.hypot(0.75 * 0.04, 0.25 * 0.04))
    assert group_challenge.averaged([of("c", np.nan, 1)]).verdict == "unknown"


@pytest.mark.parametrize(
    ("groups", "against"),
    [
        ([of("FR", 0.0, 0.1), of("DE", 0.3, 0.1)], []),
        ([of("FR", -0.3, 0.1), of("DE", 0.3, 0.1)], ["worse in FR"]),
        ([of("FR", 0.0, 0.1, against=["flagged: one segment holds 99 %"])], ["flagged in FR"]),
        ([of("FR", 0.0, 0.1, against=["noise p 0.30"])], []),
        ([of("FR", np.nan, 0.1)], []),
        ([of(f"G{number}", -0.3, 0.1) for number in range(7)], ["worse in G0, G1, G2, G3, G4 and 2 more"]),
    ],
)
def test_a_group_that_is_worse_or_flagged_stands_against_the_router(groups, against):
    overall = group_challenge.decided(Duel("x", 0.5, 0.5, -0.1, 0.1), groups)
    assert overall.against == against and overall.may_win == (not against)


def test_failed_gates_and_groups_that_cannot_be_judged_are_named_without_deciding():
    texts = group_challenge.notes([of("FR", 0.0, 0.1, against=["noise p 0.30"]), of("DE", np.nan, 0.1)])
    assert "every gate, which decides nothing here: FR" in texts[0] and texts[1].endswith("compared: DE")
