"""What an outlook changes in the actions of a playbook, and every mistake of that part."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
import yaml

from seg.errors import SegError
from seg.segments import outlook_rules
from seg.segments.naming import Naming
from seg.segments.playbook import parse

FOLDER = Path(__file__).parents[2] / "configs" / "playbook"
DEFAULT = yaml.safe_load((FOLDER / "default.yaml").read_text())
STAKES = pd.DataFrame(
    {"segment": [0, 1, 2], "customers": [100, 100, 10], "likely_anyway": [80, 10, 0], "lost_rate": [0.1, 0.6, 0.9],
     "value_at_stake": [100.0, 300.0, 0.0]}
)  # fmt: skip


def keys(naming: Naming, segment: int) -> list[str]:
    return [action.key for action in naming.rules[segment].actions]


def adjusted() -> Naming:
    book = parse(DEFAULT)
    rules = {0: book.rule("New customers"), 1: book.rule("Lost customers"), 2: book.rule("Lost big spenders")}
    naming = Naming({0: "a", 1: "b", 2: "c"}, rules)
    return outlook_rules.adjusted(naming, outlook_rules.parse(DEFAULT), outlook_rules.measures(STAKES))


def test_measures_are_shares_of_the_segment_and_of_the_value_at_stake_of_all():
    made = outlook_rules.measures(STAKES)
    assert made.loc[0].tolist() == pytest.approx([0.8, 0.1, 0.25])
    assert made.loc[1].tolist() == pytest.approx([0.1, 0.6, 0.75])


def test_who_returns_anyway_gets_no_voucher():
    made = adjusted()
    assert keys(made, 0) == ["no_voucher", "recommendations"]  # neither second_order nor trial
    assert made.rules[0].says.endswith("Most of them return anyway")


def test_where_much_is_at_stake_nobody_is_left_alone():
    assert keys(adjusted(), 1) == ["call_first", "survey"]


def test_a_segment_that_no_condition_fits_keeps_its_actions():
    assert keys(adjusted(), 2) == ["win_back", "survey"]


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ({"when": {"likely": [0, 1]}}, "unknown feature likely; expected one of likely_anyway"),
        ({"when": {"lost": [0.9, 0.1]}}, "can never hold"),
        ({"when": {"lost": [0, 1]}, "add": ["vouchers"]}, "no action vouchers in this playbook"),
        ({"add": ["survey"]}, "expected the keys when, says, add, drop"),
        ({"when": {"lost": [0, 1]}, "do": "x"}, "expected the keys"),
    ],
)
def test_mistakes_are_named(rule, words):
    with pytest.raises(SegError, match=words):
        outlook_rules.parse({**DEFAULT, "outlook": [rule]})
