"""Rules for people: a tree of few questions, its numbers, and SQL that gives the same segments."""

from __future__ import annotations

import duckdb
import numpy as np
import pandas as pd
import pytest
import sqlglot

from seg.errors import SegError
from seg.segments import rule_sql
from seg.segments.explain import Leaf, Split, between, explain, in_words, leaves, predict, text


@pytest.fixture(scope="module")
def customers() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "recency_days": rng.integers(1, 400, 800).astype(float),
            "orders": rng.integers(1, 30, 800).astype(float),
            "change": rng.normal(0, 5, 800).round(3),
        }
    )
    frame.index = pd.Index([f"c{number}" for number in range(800)], name="customer_id")
    return frame


@pytest.fixture(scope="module")
def labels(customers) -> np.ndarray:
    good = np.where(customers["orders"] > 9, 0, 1)
    return np.where(customers["recency_days"] > 180, 2, np.where(customers["change"] < -4.5, -1, good))


@pytest.fixture(scope="module")
def explained(customers, labels):
    return explain(customers, labels, {0: "Good", 1: "Small", 2: "Gone", -1: "noise"}, list(customers))


def test_rules_that_are_there_are_found(customers, labels, explained):
    assert explained.fidelity == 1
    assert explained.levels == 3
    assert (explained.predict(customers) == labels).all()
    first = explained.rules.iloc[0]
    assert (first["name"], first["precision"], first["recall"]) == ("Good", 1.0, 1.0)


def test_a_level_that_adds_nothing_is_left_out(customers):
    explained = explain(customers, np.where(customers["orders"] > 9, 0, 1), {0: "a", 1: "b"}, list(customers))
    assert explained.levels == 1
    assert explained.rules["rule"].tolist() == ["orders > 9", "orders <= 9"]


def test_precision_and_recall_are_of_the_customers_a_rule_holds_for():
    frame = pd.DataFrame({"orders": [1.0] * 10 + [5.0] * 10})
    labels = np.array([1] * 9 + [0] + [0] * 10)
    rules = explain(frame, labels, {0: "a", 1: "b"}, ["orders"]).rules
    assert rules["customers"].tolist() == [10, 10]
    assert rules["precision"].tolist() == [1.0, 0.9]
    assert rules["recall"].tolist() == pytest.approx([10 / 11, 1.0])


@pytest.mark.parametrize("dialect", rule_sql.DIALECTS)
def test_the_query_gives_the_same_segments_as_the_tree(customers, explained, dialect):
    query = rule_sql.case(explained, dialect)
    # DuckDB runs its own dialect; those of the others are read back, and written as DuckDB has them.
    table = customers.reset_index()
    connection = duckdb.connect()
    connection.register("customers", table)
    rows = connection.sql(sqlglot.transpile(query, read=dialect, write="duckdb")[0]).df()
    by_id = rows.set_index("customer_id")["segment"].reindex(customers.index)
    assert by_id.tolist() == explained.predict(customers).tolist()


def test_values_on_a_threshold_go_the_same_way_in_the_query_and_in_the_tree():
    tree = Split("x", 0.1, Leaf(0), Split("x", 0.30000000000000004, Leaf(1), Leaf(2)))
    frame = pd.DataFrame({"x": [0.1, np.nextafter(0.1, 1), 0.3, 0.1 + 0.2, np.nextafter(0.1 + 0.2, 1)]})
    assert predict(tree, frame).tolist() == [0, 1, 1, 1, 2]
    made = explain(frame, np.zeros(5, dtype=int), {0: "a"}, ["x"])
    query = rule_sql.case(type(made)(tree, ["x"], 2, 1.0, made.rules), "duckdb")
    connection = duckdb.connect()
    connection.register("customers", frame.assign(customer_id=range(5)))
    assert connection.sql(query).df().sort_values("customer_id")["segment"].tolist() == [0, 1, 1, 1, 2]


def test_names_of_columns_and_segments_cannot_break_the_query():
    frame = pd.DataFrame({'a "b"; drop': [1.0] * 10 + [2.0] * 10})
    explained = explain(frame, np.repeat([0, 1], 10), {0: "x\n; DROP TABLE y", 1: "b"}, list(frame))
    script = rule_sql.script(explained, {0: "x\n; DROP TABLE y", 1: "b"})
    assert [line for line in script.splitlines() if "DROP" in line] == ["--   0: x ; DROP TABLE y"]
    connection = duckdb.connect()
    connection.register("customers", frame.assign(customer_id=range(20)))
    assert connection.sql(rule_sql.case(explained, "duckdb")).df()["segment"].sum() == 10


def test_an_unknown_dialect_is_refused(explained):
    with pytest.raises(SegError, match="dialect=oracle: expected one of duckdb, spark, postgres"):
        rule_sql.case(explained, "oracle")


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(2, 3, 2.0), (1216.4837, 1216.9, 1216.5), (-0.31, 0.2, 0.0), (0.00012, 0.0003, 0.0002), (149.99, 150.01, 150.0),
     (-8.25, -8.21, -8.25), (1e9, 1e9 + 1, 1e9)],
)  # fmt: skip
def test_a_threshold_is_the_shortest_number_between_two_customers(low, high, expected):
    assert between(low, high) == expected


def test_two_bounds_of_one_feature_are_one_range():
    assert (
        in_words([("a", ">", 2.0), ("b", "<=", 0.5), ("a", "<=", 9.0), ("a", ">", 3.0)])
        == "3 < a <= 9 and b <= 0.5"
    )
    assert in_words([]) == "every customer"


def test_leaves_are_listed_from_left_to_right():
    tree = Split("a", 1.0, Leaf(0), Split("b", 2.0, Leaf(1), Leaf(2)))
    assert [segment for _, segment in leaves(tree)] == [0, 1, 2]
    assert leaves(tree)[2][0] == [("a", ">", 1.0), ("b", ">", 2.0)]


def test_the_text_has_every_segment_and_says_which_no_rule_reaches(customers):
    few = np.zeros(len(customers), dtype=int)
    few[:3] = 1
    made = explain(customers, few, {0: "Most", 1: "Three"}, list(customers))
    written = text(made)
    assert "Most" in written
    assert "No rule reaches: Three" in written


def test_one_segment_needs_no_question(customers):
    made = explain(customers, np.zeros(len(customers), dtype=int), {0: "All"}, list(customers))
    assert made.rules["rule"].tolist() == ["every customer"]
    assert "0" in rule_sql.case(made, "duckdb")
