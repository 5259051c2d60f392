"""Rule-based RFM: scores of tables worked by hand, every rule, every cell."""

from __future__ import annotations

from collections import Counter
from itertools import product

import numpy as np
import pandas as pd
import pytest

from seg.metrics.prediction import tiles
from seg.segments import rfm


def published(r: int, f: int, m: int) -> str:
    """The rules as the study writes them."""
    if r >= 4 and f >= 4 and m >= 4:
        return "Champions"
    if r >= 3 and f >= 4 and m >= 3:
        return "Loyal Customers"
    if r >= 4 and f >= 2 and m >= 2:
        return "Potential Loyalists"
    if r == 5 and f <= 2 and m <= 2:
        return "New Customers"
    if r >= 4 and f <= 2 and m <= 2:
        return "Promising"
    if r <= 2 and f <= 2 and m >= 3:
        return "About to Sleep"
    if r <= 2 and f <= 2 and m <= 2:
        return "Hibernating"
    if r <= 2 and f >= 4 and m >= 4:
        return "Can't Lose Them"
    if r <= 2 and f >= 3 and m >= 3:
        return "At Risk"
    if r <= 3 and f <= 3 and m <= 3:
        return "Needs Attention"
    return "Lost"


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        ((5, 5, 5), "Champions"),
        ((4, 4, 4), "Champions"),
        ((3, 5, 5), "Loyal Customers"),
        ((5, 4, 3), "Loyal Customers"),
        ((4, 2, 2), "Potential Loyalists"),
        ((5, 3, 5), "Potential Loyalists"),
        ((5, 1, 1), "New Customers"),
        ((5, 2, 1), "New Customers"),
        ((4, 1, 2), "Promising"),
        ((1, 2, 3), "About to Sleep"),
        ((2, 2, 2), "Hibernating"),
        ((2, 4, 4), "Can't Lose Them"),
        ((2, 3, 3), "At Risk"),
        ((2, 5, 3), "At Risk"),
        ((3, 3, 3), "Needs Attention"),
        ((1, 3, 2), "Needs Attention"),
        ((5, 1, 5), "Lost"),
        ((3, 1, 4), "Lost"),
    ],
)
def test_the_first_rule_that_fits_names_the_customer(scores, expected):
    assert rfm.DEFAULT.name(*([score] for score in scores)).tolist() == [expected]


def test_every_cell_has_the_published_name_and_every_rule_is_used():
    cells = list(product(range(1, 6), repeat=3))
    names = rfm.DEFAULT.name(*np.transpose(cells)).tolist()
    assert names == [published(*cell) for cell in cells]
    assert set(names) == {rule[0] for rule in rfm.RULES} and len(rfm.RULES) == 11
    assert sum(Counter(names).values()) == 125


def test_a_table_worked_by_hand():
    # Worst to best by hand: share of customers who are worse, times five, plus one.
    table = rfm.rfm(
        recency_days=pd.Series([300, 80, 30, 9, 2], index=list("abcde")),
        orders=pd.Series([1, 1, 4, 1, 9], index=list("abcde")),
        revenue=pd.Series([10.0, 200.0, 80.0, 15.0, 900.0], index=list("abcde")),
    )
    assert table.index.tolist() == list("abcde")
    assert table["r"].tolist() == [1, 2, 3, 4, 5]
    assert table["f"].tolist() == [1, 1, 4, 1, 5]
    assert table["m"].tolist() == [1, 4, 3, 2, 5]
    assert table["name"].tolist() == [
        "Hibernating", "About to Sleep", "Loyal Customers", "Promising", "Champions",
    ]  # fmt: skip


def test_equal_values_get_equal_scores_however_many_share_them():
    rng = np.random.default_rng(0)
    orders = pd.Series(rng.choice([1, 1, 1, 2, 3, 8], 1000))
    table = rfm.rfm(pd.Series(rng.integers(0, 9, 1000)), orders, pd.Series(rng.integers(1, 4, 1000)))
    assert (table["f"].groupby(orders).nunique() == 1).all()
    assert (table.loc[orders == 1, "f"] == 1).all()
    assert table.groupby(["r", "f", "m"])["name"].nunique().eq(1).all()


def test_scores_do_not_depend_on_the_order_of_rows():
    rng = np.random.default_rng(1)
    frame = pd.DataFrame(rng.integers(0, 30, (200, 3)), columns=["days", "orders", "revenue"])
    shuffled = frame.sample(frac=1, random_state=2)
    one, other = (rfm.rfm(part["days"], part["orders"], part["revenue"]) for part in (frame, shuffled))
    pd.testing.assert_frame_equal(one, other.sort_index())


def test_without_equal_values_scores_are_equal_parts():
    scores = tiles(np.random.default_rng(0).permutation(100), 5)
    assert np.bincount(scores).tolist() == [0, 20, 20, 20, 20, 20]


def test_one_value_for_all_scores_one():
    assert tiles([7, 7, 7], 5).tolist() == [1, 1, 1]


def test_missing_values_are_refused():
    with pytest.raises(ValueError, match="1 values are missing, expected numbers"):
        tiles([1, np.nan], 5)
