"""Customers as they were on a cut, worked by hand; nothing of the outcome reaches their features."""

from __future__ import annotations

from datetime import date

import pandas as pd
import pytest

from seg import cleaning
from seg.errors import SegError
from seg.outlook.snapshots import LINE_BY_LINE, OrderHistory, snapshot

CUT, LAST = date(2011, 3, 1), date(2011, 4, 30)
ORDERS = [
    ("a", "1", "2011-01-10 09:00", "x", 1, 10.0),
    ("a", "2", "2011-02-28 23:59", "x", 1, 5.0),  # the last minute before the cut
    ("a", "3", "2011-03-01 00:00", "x", 1, 7.0),  # the first minute after it
    ("a", "4", "2011-03-31 00:00", "x", 1, 100.0),  # 30 days after the cut: not in a horizon of 30
    ("b", "5", "2011-02-01 09:00", "x", 2, 20.0),
    ("b", "6", "2011-03-05 09:00", "x", -1, 20.0),  # takes back only: did not buy
    ("c", "7", "2011-03-02 09:00", "x", 1, 1.0),  # not known before the cut
    ("a", "8", "2011-04-30 09:00", "x", 1, 1.0),  # the last day of the data
]
KNOWN = ["drop_missing", "cancellations", "drop_customers_without_purchases"]


@pytest.fixture(scope="module")
def make_history(engine, lines):
    def make(*steps, rows=ORDERS, place=None):
        table = lines(*rows, is_return=[quantity < 0 for *_, quantity, _ in rows])
        parsed = cleaning.parse(list(steps))
        return OrderHistory(
            engine, table, parsed, ["recency_days"], place or (lambda frame: [0] * len(frame))
        )

    return make


def test_features_end_and_outcomes_begin_with_the_cut(make_history):
    seen = snapshot(make_history(), CUT, [30, 60], LAST)
    assert list(seen.features.index) == ["a", "b"]
    assert seen.features["recency_days"].tolist() == [1, 28]
    assert seen.features["orders"].tolist() == [2, 1]
    assert seen.features["revenue"].tolist() == [15, 40]
    assert seen.features["previous_30"].tolist() == [5, 40]
    assert seen.spend[30].tolist() == [7, 0]
    assert seen.spend[60].tolist() == [107, 0]  # 2011-04-30 is day 61


def test_a_horizon_that_is_not_over_has_no_outcome(make_history):
    seen = snapshot(make_history(), CUT, [30, 62], LAST)
    assert list(seen.spend) == [30]
    assert list(snapshot(make_history(), date(2011, 5, 1), [30], LAST).spend) == []


def test_the_inputs_of_models_hold_no_outcome_and_no_yardstick(make_history):
    seen = snapshot(make_history(), CUT, [30], LAST)
    assert not [name for name in seen.inputs if str(name).startswith("previous")] and 30 not in seen.inputs


def test_segments_are_those_of_the_day_before_the_cut(make_history):
    seen = snapshot(
        make_history(place=lambda frame: (frame["recency_days"] > 7).astype(int)), CUT, [30], LAST
    )
    assert seen.segments.to_dict() == {"a": 0, "b": 1}


def test_parting_before_and_after_the_cleaning_is_the_same_where_steps_judge_line_by_line(make_history):
    steps = [{"drop_missing": {"columns": ["customer_id"]}}, "drop_duplicates", {"cancellations": {"policy": "keep"}},
             "drop_customers_without_purchases"]  # fmt: skip
    rows = [
        *ORDERS,
        ORDERS[0],
        (None, "9", "2011-02-03", "x", 1, 1.0),
        ("d", "10", "2011-01-05", "x", -1, 5.0),
    ]
    together, apart = make_history(*steps, rows=rows), make_history(*steps, rows=rows)
    assert together.line_by_line
    apart.__dict__["line_by_line"] = False
    one, other = (snapshot(history, CUT, [30, 60], LAST) for history in (together, apart))
    pd.testing.assert_frame_equal(one.features, other.features)
    pd.testing.assert_frame_equal(one.spend, other.spend)


@pytest.mark.parametrize(
    "step", [{"iqr_cap": {"columns": ["amount"]}}, {"cancellations": {"policy": "match"}}, "pseudo_customers"]
)
def test_steps_that_look_around_are_done_on_each_side_of_the_cut(make_history, step):
    assert not make_history(step).line_by_line


def test_a_cap_before_the_cut_does_not_know_what_came_after_it(make_history):
    rows = [
        (name, name, "2011-01-10", "x", 1, price)
        for name, price in zip("pqrstu", (1, 2, 3, 4, 5, 100.0), strict=True)
    ]
    later = [("p", f"l{n}", "2011-03-10", "x", 1, 100.0) for n in range(20)]
    step = {"iqr_cap": {"columns": ["amount"]}}
    alone, followed = make_history(step, rows=rows), make_history(step, rows=[*rows, *later])
    capped = snapshot(followed, CUT, [30], LAST).features["revenue"]
    assert capped["u"] < 100
    assert capped.tolist() == snapshot(alone, CUT, [], LAST).features["revenue"].tolist()


def test_every_step_that_is_said_to_judge_line_by_line_exists():
    assert set(cleaning.STEPS) >= LINE_BY_LINE


def test_a_cut_before_every_order_is_refused_with_the_day(make_history):
    with pytest.raises(SegError, match="outlook: before the cut 2011-01-01"):
        snapshot(make_history(), date(2011, 1, 1), [30], LAST)
