"""What comes with what in one order: lift of pairs by hand, and enough orders and customers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from seg.segments import together


def baskets(*orders: tuple[str, int, str]) -> pd.DataFrame:
    """Make orders of items: (items, how many such orders, prefix of their customers, one an order)."""
    rows = [
        ("product_id", item, f"{who}{number}", f"{items}{who}{number}")
        for items, times, who in orders
        for number in range(times)
        for item in items
    ]
    return pd.DataFrame(rows, columns=list(together.BASKETS))


def segment_of(table: pd.DataFrame, number: int = 0) -> pd.Series:
    return pd.Series(number, index=table["customer_id"].unique())


def test_lift_is_the_share_of_orders_with_both_over_that_of_independent_items():
    # 30 orders hold t and m, 10 only t, 20 only m, 40 neither.
    table = baskets(("tm", 30, "a"), ("t", 10, "b"), ("m", 20, "c"))
    row = together.pairs(table, {0: 100}, segment_of(table), {"t": "Tea", "m": "Milk"}).iloc[0]
    assert (row["first_label"], row["second_label"], row["orders"], row["customers"]) == (
        "Tea",
        "Milk",
        30,
        30,
    )
    assert (row["share_of_first"], row["lift"]) == (0.75, pytest.approx(0.30 / (0.4 * 0.5)))
    assert 1 < row["low"] < row["lift"] < row["high"]


def test_the_interval_covers_the_lift_of_drawn_orders():
    cells = np.array([0.05, 0.05, 0.15, 0.75])  # both, first only, second only, neither
    drawn = np.random.default_rng(0).multinomial(2_000, cells, size=4_000)
    _, low, high = together.lift_of_pairs(
        drawn[:, 0], drawn[:, 0] + drawn[:, 1], drawn[:, 0] + drawn[:, 2], 2_000
    )
    covered = np.mean((low <= 0.05 / (0.1 * 0.2)) & (high >= 0.05 / (0.1 * 0.2)))
    assert 0.94 < covered < 0.96


def test_segments_are_looked_at_one_by_one_and_noise_not_at_all():
    table = baskets(("tm", 30, "a"), ("tm", 30, "x"))
    segment = segment_of(table).where(lambda one: one.index.str.startswith("a"), -1)
    assert together.pairs(table, {0: 100, -1: 100}, segment, {})["segment"].tolist() == [0]


def test_a_pair_of_few_orders_or_of_one_customer_is_no_pattern():
    few = baskets(("tm", 19, "a"))
    assert together.pairs(few, {0: 100}, segment_of(few), {}).empty
    habit = baskets(("tm", 30, "a")).assign(customer_id="a")
    assert together.pairs(habit, {0: 100}, segment_of(habit), {}).empty


def test_orders_of_one_item_each_have_no_pairs():
    table = baskets(("t", 50, "a"), ("m", 50, "b"))
    assert together.pairs(table, {0: 100}, segment_of(table), {}).empty
    nothing = pd.DataFrame(columns=list(together.BASKETS))
    assert list(together.pairs(nothing, {}, segment_of(table), {})) == list(together.COLUMNS)
