"""Names of segments: the first rule that holds, no name twice, overrides, and names that are kept."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from seg.errors import SegError
from seg.segments.naming import name_segments, unknown
from seg.segments.playbook import parse

BOOK = parse(
    {
        "name": "mine",
        "within": 0.05,
        "rules": [
            {"name": "Best", "when": {"recency": [0.6, 1], "money": [0.6, 1]}},
            {"name": "Rich", "when": {"money": [0.6, 1]}},
            {"name": "New", "when": [{"recency": [0.7, 1], "tenure": [0, 0.3]}, {"recency": [0.8, 1]}]},
            {"name": "Gone", "when": {"recency": [0, 0.3]}},
        ],
    }
)


def table(**columns) -> pd.DataFrame:
    return pd.DataFrame(columns).rename_axis("segment")


def named(frame: pd.DataFrame, **more) -> list[str]:
    return list(name_segments(frame, BOOK, **more).names.values())


ACTION = {"do": "write", "for": "all", "why": "it works", "measure": "orders"}


def test_an_action_is_left_out_of_segments_for_which_it_makes_no_sense():
    actions = {"write": ACTION, "remind": {**ACTION, "do": "remind", "when": {"tenure": [0.5, 1]}}}
    rule = {"name": "Good", "when": {"money": [0.5, 1]}, "actions": ["write", "remind"]}
    made = parse({"name": "mine", "actions": actions, "rules": [rule]})

    def done(**columns) -> str:
        return name_segments(table(money=[0.9], **columns), made).described["actions"].item()

    assert done(tenure=[0.8]) == "write\nremind"
    assert done(tenure=[0.2]) == "write"
    assert done() == "write\nremind"  # a condition on what the data do not tell is ignored


def test_what_the_data_do_not_tell_is_said_once_with_the_rules_that_are_passed_over():
    assert unknown(BOOK, ["recency", "money", "tenure"]) is None
    assert unknown(BOOK, ["recency"]) == (
        "playbook=mine: this data set does not tell money, tenure; passed over: Best, Rich"
    )
    assert unknown(BOOK, ["recency", "money"]).endswith("tenure; conditions with them are ignored")
    assert "named after what sets them apart" in unknown(BOOK, ["visits"])


def test_the_first_rule_that_holds_gives_the_name():
    assert named(table(recency=[0.9, 0.5, 0.1], money=[0.8, 0.7, 0.2])) == ["Best", "Rich", "Gone"]


def test_of_two_segments_that_want_one_rule_the_one_deeper_inside_gets_it_and_the_other_the_next_that_holds():
    assert named(table(recency=[0.65, 0.9], money=[0.95, 0.9])) == ["Rich", "Best"]


def test_names_do_not_depend_on_the_order_of_the_segments():
    frame = table(recency=[0.65, 0.9, 0.7, 0.1, 0.2], money=[0.95, 0.9, 0.61, 0.3, 0.1])
    forward = name_segments(frame, BOOK).names
    backward = name_segments(frame.iloc[::-1].reset_index(drop=True), BOOK).names
    assert list(forward.values()) == list(backward.values())[::-1]


def test_a_rule_whose_measure_is_unknown_is_passed_over_and_an_alternative_may_still_hold():
    assert named(table(recency=[0.85], money=[0.3])) == ["New"]
    assert named(table(recency=[0.75], money=[0.3], tenure=[0.1])) == ["New"]
    assert named(table(recency=[0.75, 0.2], money=[np.nan, 0.3], tenure=[0.1, 0.5])) == ["New", "Gone"]


def test_a_rule_that_nearly_holds_is_used_once_no_other_is_left():
    naming = name_segments(table(recency=[0.34], money=[0.5]), BOOK)
    assert naming.names == {0: "Gone"}
    assert naming.table["how"].tolist() == ["the nearest rule, no rule that holds was free"]


def test_where_rules_run_out_a_variant_says_what_differs_and_no_name_comes_twice():
    frame = table(recency=[0.1, 0.15, 0.1, 0.1], money=[0.1, 0.2, 0.3, 0.1])
    names = named(frame)
    assert len(set(names)) == 4
    assert sum(name == "Gone" for name in names) == 1
    assert any(name.startswith("Gone, higher spend") for name in names)
    assert "Gone 2" in names


def test_where_no_rule_holds_a_name_says_what_sets_the_segment_apart():
    naming = name_segments(table(recency=[0.5], money=[0.3], visits=[0.9]), BOOK)
    assert naming.names == {0: "Higher visits, lower spend"}
    assert naming.rules == {}
    assert named(table(recency=[0.5], money=[0.52])) == ["Average customers"]


def test_the_table_says_which_rule_fired_and_how_far_the_next_one_was():
    row = name_segments(table(recency=[0.55], money=[0.8]), BOOK).table.iloc[0]
    assert (row["rule"], row["how"], row["because"]) == (
        "Rich",
        "the first rule that holds",
        "money 0.80 (at least 0.6)",
    )
    assert (row["next_rule"], row["next_distance"]) == ("Best", 0.05)
    assert row["next_needs"] == "recency 0.55 (at least 0.6); money 0.80 (at least 0.6)"


def test_noise_has_its_own_name_and_comes_last():
    naming = name_segments(table(recency=[0.1], money=[0.3]), BOOK, noise=True)
    assert list(naming.names.items()) == [(0, "Gone"), (-1, "noise")]


def test_without_a_playbook_segments_keep_their_numbers():
    naming = name_segments(table(recency=[0.9, 0.1]), parse({"name": "none"}))
    assert naming.names == {0: "segment 0", 1: "segment 1"}


def test_a_name_set_by_the_user_wins_and_the_rule_of_the_segment_keeps_its_actions():
    naming = name_segments(table(recency=[0.9, 0.1], money=[0.8, 0.2]), BOOK, overrides={0: "Insiders"})
    assert naming.names == {0: "Insiders", 1: "Gone"}
    assert naming.rules[0].name == "Best"


def test_a_name_of_a_rule_that_the_user_gives_away_is_not_given_twice():
    frame = table(recency=[0.9, 0.9], money=[0.8, 0.9])
    assert named(frame, overrides={0: "Best"}) == ["Best", "Rich"]


def test_a_kept_name_stays_unless_the_user_sets_another():
    frame = table(recency=[0.9, 0.1], money=[0.8, 0.2])
    assert named(frame, kept={1: "Old friends"}) == ["Best", "Old friends"]
    assert named(frame, kept={1: "Old friends"}, overrides={1: "Lost"}) == ["Best", "Lost"]
    assert named(frame, kept={1: "Old friends"}, overrides={0: "Old friends"}) == ["Old friends", "Gone"]


def test_names_for_a_segment_that_is_not_there_are_refused():
    with pytest.raises(
        SegError, match=r"segments\.names: there is no segment 7 \(VIP\); this run has segments 0, 1"
    ):
        named(table(recency=[0.9, 0.1]), overrides={7: "VIP"})


def test_one_name_for_two_segments_is_refused():
    with pytest.raises(SegError, match="segments 0 and 1 are both named vip"):
        named(table(recency=[0.9, 0.1]), overrides={0: "VIP", 1: "vip"})


@pytest.mark.parametrize("name", ["", " ", "Noise"])
def test_an_empty_name_is_refused(name):
    with pytest.raises(SegError, match="expected a name of its own"):
        named(table(recency=[0.9]), overrides={0: name})


def test_many_segments_all_get_different_names():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.uniform(size=(40, 3)), columns=["recency", "money", "tenure"]).rename_axis(
        "segment"
    )
    names = named(frame)
    assert len({name.casefold() for name in names}) == 40
