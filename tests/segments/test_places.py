"""Where segments lie among all customers: tables worked by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from seg.segments.places import MEASURES, available, lacking, meaning, places, words

# Four customers in two segments.
FRAME = pd.DataFrame(
    {
        "recency_days": [1.0, 10.0, 100.0, 100.0],
        "orders": [5.0, 3.0, 1.0, 1.0],
        "revenue": [500.0, 90.0, 40.0, 10.0],
        "online_share": [1.0, 0.5, 0.0, 0.5],
        "returns": [2.0, 0.0, 0.0, 1.0],
    }
)
LABELS = np.array([0, 0, 1, 1])


def test_a_place_is_the_mean_of_the_customers_places_among_all():
    table = places(FRAME, LABELS, ["money"])
    # Ranks 4, 3, 2, 1 of four: places 0.875, 0.625, 0.375, 0.125.
    assert table["money"].tolist() == [0.75, 0.25]


def test_a_recent_order_is_the_high_end_and_equal_values_share_their_places():
    table = places(FRAME, LABELS, ["recency", "frequency"])
    assert table["recency"].tolist() == [0.75, 0.25]
    assert table["frequency"].tolist() == [0.75, 0.25]


def test_shares_are_of_the_customers_of_the_segment():
    table = places(FRAME, LABELS, ["online", "returns", "single"])
    assert table["online"].tolist() == [0.75, 0.25]
    assert table["returns"].tolist() == [0.5, 0.5]
    assert table["single"].tolist() == [0.0, 1.0]


def test_shares_of_days_and_orders_mean_the_same_in_every_shop():
    known = pd.DataFrame(
        {
            "recency_days": [10.0, 20.0, 400.0, 3.0],
            "orders": [12.0, 2.0, 1.0, 30.0],
            "span_days": [380.0, 100.0, 0.0, 90.0],
        }
    )
    table = places(known, np.array([0, 0, 1, 1]), ["beginners", "regulars", "veterans", "newcomers"])
    assert table["beginners"].tolist() == [0.5, 0.5]
    assert table["veterans"].tolist() == [0.5, 0.5]
    assert table["newcomers"].tolist() == [0.5, 0.5]
    # Usual gaps of 33, 61, 24 and 4 days: of customer 2, with one order, that of all.
    assert table["regulars"].tolist() == [0.5, 1.0]


def test_a_measure_that_a_table_does_not_give_names_the_features_that_give_it():
    assert lacking(["money", "waited"], ["orders", "revenue", "recency_days", "span_days"]) == {}
    assert lacking(["weekend_share", "breadth"], ["orders"]) == {
        "weekend_share": (("weekend_share",),),
        "breadth": (("category_count",), ("products",)),
    }


def test_places_hold_for_any_currency_and_any_number_of_customers():
    once = places(FRAME, LABELS, ["money", "recency"])
    dearer = places(FRAME.assign(revenue=1000 * FRAME["revenue"]), LABELS, ["money", "recency"])
    double = places(pd.concat([FRAME] * 2), np.tile(LABELS, 2), ["money", "recency"])
    pd.testing.assert_frame_equal(once, dearer)
    pd.testing.assert_frame_equal(once, double)


def test_noise_counts_among_all_customers_but_has_no_row():
    table = places(FRAME, np.array([0, -1, 1, 1]), ["money"])
    assert table.index.tolist() == [0, 1]
    assert table["money"].tolist() == [0.875, 0.25]


def test_measures_that_the_table_does_not_have_are_left_out():
    assert places(FRAME, LABELS, ["tenure", "money"]).columns.tolist() == ["money"]
    assert "tenure" not in available(FRAME.columns)


def test_tenure_and_order_size_follow_from_other_features():
    frame = FRAME.assign(span_days=[30.0, 0.0, 0.0, 20.0])
    assert {"tenure", "basket"} <= set(available(frame.columns))
    # Tenure 31, 10, 100, 120; orders of 100, 30, 40, 10.
    table = places(frame, LABELS, ["tenure", "basket"])
    assert table["tenure"].tolist() == [0.25, 0.75]
    assert table["basket"].tolist() == [0.625, 0.375]


def test_any_other_column_is_a_place_too():
    table = places(pd.DataFrame({"visits": [3.0, 1.0]}), np.array([0, 1]), ["visits"])
    assert table["visits"].tolist() == [0.75, 0.25]
    assert meaning("visits") == "0 lowest visits, 1 highest"
    assert words("store_visits") == ("lower store visits", "higher store visits")


@pytest.mark.parametrize("name", MEASURES)
def test_every_measure_says_what_0_and_1_mean(name):
    assert meaning(name) == MEASURES[name].meaning
    assert all(words(name))


def test_customers_are_new_by_days_and_not_beside_older_ones():
    frame = pd.DataFrame({"tenure_days": [10.0, 180.0, 500.0, 600.0]})
    assert places(frame, np.array([0, 0, 1, 1]), ["newcomers"])["newcomers"].tolist() == [1.0, 0.0]
    assert "newcomers" not in available(["orders"])
