"""Segments against rule segments: counts, shares and the sentence."""

from __future__ import annotations

import numpy as np

from seg.segments.cross_tab import cross_tab

LABELS = np.array([0, 0, 0, 1, 1, 1, 1, 1])
RULES = np.array(["A", "A", "B", "B", "B", "B", "C", "C"])


def test_counts_and_shares_of_rows():
    table = cross_tab(LABELS, {0: "Good", 1: "Bad"}, RULES, ["A", "B", "C", "D"])
    assert table.counts.to_numpy().tolist() == [[2, 1, 0], [0, 3, 2]]
    assert table.counts.columns.tolist() == ["A", "B", "C"]
    assert table.shares.loc["Bad"].tolist() == [0, 0.6, 0.4]


def test_a_segment_without_customers_has_a_row_of_zeros():
    table = cross_tab(LABELS, {0: "Good", 1: "Bad", 2: "Empty"}, RULES, ["A", "B", "C"])
    assert table.counts.loc["Empty"].tolist() == [0, 0, 0]


def test_the_long_table_has_one_row_a_pair():
    long = cross_tab(LABELS, {0: "Good", 1: "Bad"}, RULES, ["A", "B", "C"]).long
    row = long[(long["segment"] == "Good") & (long["rule_segment"] == "B")].iloc[0]
    assert (row["customers"], row["share_of_segment"], row["share_of_rule_segment"]) == (1, 1 / 3, 0.25)
    assert len(long) == 6


def test_the_sentence_says_how_far_they_agree_and_where_not():
    sentence = cross_tab(LABELS, {0: "Good", 1: "Bad"}, RULES, ["A", "B", "C"]).sentence.replace(
        "\N{NO-BREAK SPACE}", " "
    )
    # By rule segment 2 + 3 + 2 of 8 are guessed right, blindly 5 of 8.
    assert "right for 88 % of them (62 % without)" in sentence
    assert "They disagree most about B (4 customers): 75 % are Bad, 25 % are Good." in sentence


def test_two_that_agree_say_so():
    sentence = cross_tab(LABELS, {0: "Good", 1: "Bad"}, np.where(LABELS == 0, "A", "B"), ["A", "B"]).sentence
    assert "The two agree on every customer." in sentence


def test_noise_is_a_row_of_its_own():
    table = cross_tab(np.array([0, -1]), {0: "Good", -1: "noise"}, np.array(["A", "A"]), ["A"])
    assert table.counts.index.tolist() == ["Good", "noise"]
