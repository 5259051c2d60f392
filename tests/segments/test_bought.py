"""What segments buy: months, lift, revenue tree and new customers, worked by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from seg.segments import bought

SEGMENT = pd.Series({"a": 0, "b": 0, "c": 1}, name="segment")
MONTHS = pd.DataFrame(
    {
        "customer_id": ["a", "a", "b", "c", "unknown"],
        "month": ["2011-01", "2011-02", "2011-02", "2011-01", "2011-01"],
        "revenue": [10.0, 20.0, 30.0, 5.0, 99.0],
        "orders": [1, 1, 2, 1, 1],
        "lines": [2, 2, 3, 1, 1],
        "pieces": [4.0, 8.0, 6.0, 5.0, 9.0],
    }
)


def test_months_sum_the_customers_of_each_segment():
    tables = bought.by_month(MONTHS, SEGMENT)
    assert tables["revenue"].to_dict("index") == {
        0: {"2011-01": 10, "2011-02": 50},
        1: {"2011-01": 5, "2011-02": 0},
    }
    assert tables["customers"].loc[0].tolist() == [1, 2]
    assert tables["orders"].loc[0, "2011-02"] == 3


def test_the_factors_of_the_revenue_tree_multiply_to_the_revenue():
    tree = bought.revenue_tree(MONTHS, SEGMENT).set_index("segment")
    assert tree.loc[0, ["customers", "orders_per_customer", "pieces_per_order"]].tolist() == [2, 2.0, 4.5]
    product = tree[["customers", "orders_per_customer", "pieces_per_order", "revenue_per_piece"]].prod(axis=1)
    assert product.tolist() == pytest.approx(tree["revenue"].tolist())
    times = tree[["times_orders_per_customer", "times_pieces_per_order", "times_revenue_per_piece"]].prod(
        axis=1
    )
    assert times.tolist() == pytest.approx(tree["times_revenue_per_customer"].tolist())


def test_lift_is_the_share_of_the_segment_over_that_of_the_others_with_its_interval():
    customers = [f"c{number}" for number in range(200)]
    segment = pd.Series(np.repeat([0, 1], 100), index=customers)
    # 40 of 100 in segment 0 buy tea, 10 of 100 in segment 1; everybody buys milk.
    items = pd.DataFrame(
        {"kind": "product_id", "item": "tea", "customer_id": customers[:40] + customers[100:110]}
    )
    milk = pd.DataFrame({"kind": "product_id", "item": "milk", "customer_id": customers})
    table = bought.lift(pd.concat([items, milk]), segment, {"tea": "Green tea"})
    row = table.iloc[0]
    assert len(table) == 1
    assert (row["segment"], row["item"], row["label"], row["buyers"]) == (0, "tea", "Green tea", 40)
    assert (row["share"], row["others"], row["lift"]) == (0.4, 0.1, pytest.approx(4.0))
    error = np.sqrt(1 / 40 - 1 / 100 + 1 / 10 - 1 / 100)
    assert row["low"] == pytest.approx(4 * np.exp(-1.96 * error))
    assert row["high"] == pytest.approx(4 * np.exp(1.96 * error))


def test_an_item_with_few_buyers_is_not_listed():
    segment = pd.Series([0] * 10 + [1] * 10, index=[f"c{number}" for number in range(20)])
    items = pd.DataFrame(
        {"kind": "category", "item": "x", "customer_id": [f"c{number}" for number in range(10)]}
    )
    assert bought.lift(items, segment, {}).empty


def test_new_repeat_returning_and_lapsed_customers_of_the_last_three_months():
    months = pd.DataFrame(
        [("new", "2011-12"), ("repeat", "2011-08"), ("repeat", "2011-10"), ("back", "2011-02"), ("back", "2011-11"),
         ("lapsed", "2011-09"), ("gone", "2011-01")],
        columns=["customer_id", "month"],
    )  # fmt: skip
    segment = pd.Series(0, index=["new", "repeat", "back", "lapsed", "gone"])
    assert bought.status(months, segment).iloc[0].to_dict() == {
        "segment": 0,
        "new": 1,
        "repeat": 1,
        "returning": 1,
        "lapsed": 1,
    }


def test_months_of_the_first_century_have_years_of_few_digits():
    months = pd.DataFrame({"customer_id": ["a", "b"], "month": ["1-01", "2011-12"]})
    assert bought.status(months, pd.Series(0, index=["a", "b"])).iloc[0]["new"] == 1


def test_two_months_are_too_few_to_tell_who_is_new():
    assert bought.status(MONTHS, SEGMENT).empty
