"""Playbooks: those that come with seg, and every mistake that one can hold."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from seg.errors import SegError
from seg.segments import outlook_rules
from seg.segments.playbook import parse, uncovered

FOLDER = Path(__file__).parents[2] / "configs" / "playbook"
ACTION = {"do": "write", "for": "all", "why": "it works", "measure": "orders"}


def book(*rules: dict, **more) -> dict:
    return {"name": "mine", "actions": {"write": ACTION}, "rules": list(rules), **more}


def section(name: str) -> dict:
    own = yaml.safe_load((FOLDER / f"{name}.yaml").read_text())
    if "defaults" not in own:
        return own
    base = section("default")
    return {**base, **own, "actions": {**base["actions"], **own["actions"]}}


@pytest.mark.parametrize("name", sorted(path.stem for path in FOLDER.glob("*.yaml")))
def test_every_playbook_reads_and_each_of_its_rules_can_be_the_first_that_holds(name):
    made = parse(section(name))
    assert made.name == name
    assert all(rule.actions and rule.says for rule in made.rules)


def test_every_action_says_for_whom_why_and_what_to_measure():
    for name in ("default", "omnichannel", "reviews"):
        for rule in parse(section(name)).rules:
            assert all(one.do and one.for_whom and one.why and one.measure for one in rule.actions)


def test_all_actions_of_a_playbook_are_used_by_some_rule_of_some_playbook():
    used = {
        one.key
        for name in ("default", "omnichannel", "reviews")
        for rule in parse(section(name)).rules
        for one in rule.actions
    }
    used |= {one.key for rule in outlook_rules.parse(section("default")) for one in rule.add}
    for name in ("default", "omnichannel", "reviews"):
        assert set(section(name)["actions"]) <= used


def test_every_rule_has_an_action_that_makes_sense_for_any_of_its_segments():
    for name in ("default", "omnichannel", "reviews"):
        for rule in parse(section(name)).rules:
            assert any(not one.when for one in rule.actions), rule.name


def test_an_action_with_an_unknown_feature_or_an_empty_range_is_refused():
    for when, message in (
        ({"recencey": [0, 1]}, "unknown feature recencey"),
        ({"size": [1, 0]}, "can never hold"),
    ):
        actions = {"write": {**ACTION, "when": when}}
        with pytest.raises(SegError, match=f"action write: {message}|action write: size=.* {message}"):
            parse(
                {**book({"name": "A", "when": {"money": [0, 1]}, "actions": ["write"]}), "actions": actions}
            )


def test_a_playbook_without_rules_is_one():
    assert parse(section("none")).rules == ()


def test_an_unknown_feature_is_refused_with_the_nearest_names_first():
    with pytest.raises(SegError, match=r"rule 1 \(A\): unknown feature recencey; expected one of recency"):
        parse(book({"name": "A", "when": {"recencey": [0, 0.5]}}))


def test_features_of_the_data_are_known_if_they_are_given():
    assert parse(book({"name": "A", "when": {"visits": [0, 0.5]}}), ["visits"]).measures == ["visits"]


def test_two_rules_of_one_name_are_refused():
    with pytest.raises(SegError, match="two rules are named a; a name may be given once"):
        parse(book({"name": "A", "when": {"money": [0, 0.5]}}, {"name": "a", "when": {"money": [0.5, 1]}}))


@pytest.mark.parametrize("bounds", [[0.6, 0.4], [0, 2], [0.5], "high", [True, 1], None])
def test_a_range_that_can_never_hold_is_refused(bounds):
    with pytest.raises(SegError, match=r"money=.* can never hold; expected \[lowest, highest\]"):
        parse(book({"name": "A", "when": {"money": bounds}}))


def test_a_rule_behind_one_that_covers_it_is_refused():
    with pytest.raises(
        SegError, match=r"rule 2 \(B\) can never be the first that holds: A before it holds wherever it does"
    ):
        parse(book({"name": "A", "when": {"money": [0, 0.6]}}, {"name": "B", "when": {"money": [0.2, 0.5]}}))


def test_a_rule_behind_two_that_cover_it_together_is_refused():
    rules = [
        {"name": "A", "when": {"money": [0, 0.5]}},
        {"name": "B", "when": {"money": [0.5, 1], "recency": [0, 1]}},
        {"name": "C", "when": {"money": [0.2, 0.8], "frequency": [0.3, 0.4]}},
    ]
    with pytest.raises(SegError, match=r"rule 3 \(C\) can never be the first that holds: A and B"):
        parse(book(*rules))


def test_a_rule_without_conditions_is_the_last():
    parse(book({"name": "A", "when": {"money": [0, 0.5]}}, {"name": "Others", "when": {}}))
    with pytest.raises(SegError, match=r"rule 2 \(A\) can never be the first that holds: Others"):
        parse(book({"name": "Others", "when": {}}, {"name": "A", "when": {"money": [0, 0.5]}}))


def test_a_box_is_covered_only_by_boxes_that_leave_no_point():
    halves = [{"money": (0.0, 0.5)}, {"money": (0.5, 1.0)}]
    assert not uncovered({"recency": (0.0, 0.3)}, halves)
    assert uncovered({"recency": (0.0, 0.3)}, halves[:1])
    corner = {"money": (0.0, 0.5), "recency": (0.0, 0.5)}
    assert uncovered({"money": (0.0, 0.6), "recency": (0.0, 0.5)}, [corner])
    assert not uncovered({"money": (0.1, 0.4), "recency": (0.2, 0.5)}, [corner])


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ({"when": {}}, "rule 1 has no name"),
        (
            {"name": "A", "whenn": {}},
            r"rule 1 \(A\): unknown key whenn; expected name, when, unless, says, actions",
        ),
        ({"name": "A", "actions": ["writte"]}, "no action writte in this playbook; expected one of write"),
        ({"name": "A", "when": ["money"]}, "when is 'money'; expected ranges"),
    ],
)
def test_a_rule_of_the_wrong_shape_is_refused(rule, message):
    with pytest.raises(SegError, match=message):
        parse(book(rule))


def test_an_action_without_a_reason_is_refused():
    with pytest.raises(SegError, match="action call has do, for; expected do, for, why, measure"):
        parse({"name": "mine", "actions": {"call": {"do": "call", "for": "all"}}, "rules": []})


@pytest.mark.parametrize("within", [-0.1, 0.9, "far", True])
def test_a_tolerance_out_of_range_is_refused(within):
    with pytest.raises(SegError, match=r"playbook\.within=.*: expected a number from 0 to 0.5"):
        parse(book(within=within))


def test_a_rule_does_not_hold_in_the_ranges_of_unless_and_a_measure_that_is_not_known_is_ignored():
    lost = parse(book({"name": "Lost", "when": {"recency": [0, 0.3]}, "unless": {"waited": [0, 0.5]}})).rules[
        0
    ]
    assert lost.is_excluded({"recency": 0.1, "waited": 0.4})
    assert not lost.is_excluded({"recency": 0.1, "waited": 0.6})
    assert not lost.is_excluded({"recency": 0.1})
    assert "waited" in lost.measures


def test_a_rule_with_exceptions_leaves_them_to_later_rules():
    first, second = {"name": "A", "when": {"money": [0, 1]}}, {"name": "B", "when": {"money": [0, 0.5]}}
    parse(book({**first, "unless": {"waited": [0, 0.5]}}, second))
    with pytest.raises(SegError, match=r"rule 2 \(B\) can never be the first"):
        parse(book(first, second))
    with pytest.raises(SegError, match=r"rule 1 \(A\), unless: unknown feature wated"):
        parse(book({**first, "unless": {"wated": [0, 0.5]}}))
