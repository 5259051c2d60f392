"""Lists of customers: their columns, and text that no spreadsheet takes for a formula."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd

from seg.report.lists import Placed, csv_for_people, customers, guard
from seg.segments.deciding import most_probable, nearest

FEATURES = pd.DataFrame(
    {"recency_days": [1.0, 9.0, 80.0], "orders": [5.0, 2.0, 1.0]},
    index=pd.Index(["a", "=b", "-c"], name="customer_id"),
)


def placed(**more) -> Placed:
    nearness = nearest(np.array([[0.0], [1.0], [9.0]]), np.array([0, 0, 1]), np.array([[0.5], [9.0]]))
    return Placed(np.array([0, 0, 1]), nearness, pd.Series(["orders", "orders", "recency_days"]), **more)


def test_a_row_has_segment_name_features_and_what_decided():
    table = customers(FEATURES, {0: "Good", 1: "Gone"}, placed())
    assert table.columns.tolist() == [
        "customer_id", "segment", "name", "recency_days", "orders", "distance", "next_segment", "next_distance", "decided_by",
    ]  # fmt: skip
    assert table["name"].tolist() == ["Good", "Good", "Gone"]
    assert table["next_segment"].tolist() == ["Gone", "Gone", "Good"]


def test_scores_and_probabilities_are_there_where_they_are_known():
    scored = pd.DataFrame(
        {"score": ["545", "111", "123"], "rule_segment": ["A", "B", "C"]}, index=FEATURES.index
    )
    chances = most_probable(np.array([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8]]), np.array([0, 0, 1]))
    table = customers(
        FEATURES, {0: "Good", 1: "Gone"}, Placed(np.array([0, 0, 1]), chances, pd.Series([""] * 3), scored)
    )
    assert table["rfm_score"].tolist() == ["545", "111", "123"]
    assert table["probability"].tolist() == [0.9, 0.6, 0.8]
    assert "distance" not in table


def test_a_feature_named_like_a_column_of_the_list_is_kept_beside_it():
    table = customers(FEATURES.rename(columns={"orders": "segment"}), {0: "Good", 1: "Gone"}, placed())
    assert table["segment"].tolist() == [0, 0, 1]
    assert table["segment_feature"].tolist() == [5.0, 2.0, 1.0]


def test_text_that_looks_like_a_formula_is_guarded_and_numbers_are_not():
    table = customers(FEATURES.assign(change=[-1.5, 0.0, 2.0]), {0: "=Good", 1: "Gone"}, placed())
    read = pd.read_csv(io.BytesIO(csv_for_people(table)), dtype={"customer_id": str})
    assert read["customer_id"].tolist() == ["a", "'=b", "'-c"]
    assert read["name"].tolist() == ["'=Good", "'=Good", "Gone"]
    assert read["change"].tolist() == [-1.5, 0.0, 2.0]


def test_every_beginning_of_a_formula_is_guarded():
    for text in ("=1", "+1", "-1", "@a", "\t=1", "\r=1"):
        assert guard(text) == "'" + text
    assert guard("a=1") == "a=1"
    assert guard(5) == 5


def test_the_features_that_came_in_are_not_changed():
    before = FEATURES.copy()
    csv_for_people(customers(FEATURES, {0: "Good", 1: "Gone"}, placed()))
    pd.testing.assert_frame_equal(FEATURES, before)
