"""Moving windows, rhythm and calendar habits, on a table worked by hand."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from seg import features
from seg.features.windows import WINDOWS

# as_of is 2011-03-11, a Friday, one day after the newest order.
ORDERS = [
    ("a", "10", "2011-03-10 09:00", "x", 1, 1.0),  # Thursday, 1 day before as_of
    ("a", "11", "2011-03-05 23:59", "x", 1, 2.0),  # Saturday, 6 days
    ("a", "11", "2011-03-05 23:59", "y", 1, 2.0),  # the same order
    ("a", "12", "2011-02-09 00:00", "x", 1, 8.0),  # Wednesday, 30 days: in the window of 30
    ("a", "13", "2011-02-08 23:59", "x", 1, 16.0),  # Tuesday, 31 days: not in it
    ("a", "14", "2011-03-09 12:00", "x", -1, 50.0),  # a return
    ("b", "20", "2010-03-11 00:00", "x", 1, 4.0),  # Thursday, 365 days: in the widest window
    ("b", "21", "2010-03-10 23:59", "x", 1, 9.0),  # Wednesday, 366 days: in none
    ("b", "22", "2010-09-12 10:00", "x", 1, 3.0),  # Sunday, 180 days
    ("c", "30", "2011-02-28 10:00", "x", 1, 5.0),  # Monday, 11 days
    ("c", "31", "2011-02-28 18:00", "x", 1, 5.0),  # a second order of the same day
]
RETURNS = [quantity < 0 for *_, quantity, _price in ORDERS]
CUSTOMERS = list("abc")

# feature -> column -> of a, b, c; windows of 7, 14, 21, 30, 90, 365 days
WORKED = {
    "recent_orders": {
        "orders_7d": [2, 0, 0], "orders_14d": [2, 0, 2], "orders_21d": [2, 0, 2],
        "orders_30d": [3, 0, 2], "orders_90d": [4, 0, 2], "orders_365d": [4, 2, 2],
    },
    "recent_revenue": {
        "revenue_7d": [5, 0, 0], "revenue_14d": [5, 0, 10], "revenue_21d": [5, 0, 10],
        "revenue_30d": [13, 0, 10], "revenue_90d": [29, 0, 10], "revenue_365d": [29, 7, 10],
    },
    "recent_active_days": {
        "active_days_7d": [2, 0, 0], "active_days_14d": [2, 0, 1], "active_days_21d": [2, 0, 1],
        "active_days_30d": [3, 0, 1], "active_days_90d": [4, 0, 1], "active_days_365d": [4, 2, 1],
    },
    # From 02-08 to 03-10 30 days, 4 days with a purchase; from 2010-03-10 to 09-12 186 days, 3 of them; one day.
    "interpurchase_days": {"interpurchase_days": [30 / 3, 186 / 2, 0]},
    "lateness": {"lateness": [1 / 10, 180 / 93, 0]},
    "days_overdue": {"days_overdue": [0, 180 - 93, 0]},
    "first_half_share": {"first_half_share": [4 / 4, 3 / 3, 0 / 2]},
    "second_half_share": {"second_half_share": [0, 0, 1]},
    "weekend_share": {"weekend_share": [1 / 4, 1 / 3, 0]},
    "quarter_shares": {
        "quarter_1_share": [1, 2 / 3, 1], "quarter_2_share": [0, 0, 0],
        "quarter_3_share": [0, 1 / 3, 0], "quarter_4_share": [0, 0, 0],
    },
    # a: two orders in February and two in March, 30 degrees apart; b: two in March against one in September.
    "seasonality": {"seasonality": [math.cos(math.radians(15)), (2 - 1) / 3, 1]},
}  # fmt: skip


@pytest.fixture(scope="module")
def shop(lines):
    return lines(*ORDERS, is_return=RETURNS)


@pytest.fixture(scope="module")
def build(engine):
    def run(table, *names, **options):
        return features.build(engine, table, features.FeatureRequest(features.parse(names), **options)).frame

    return run


@pytest.mark.parametrize("name", WORKED)
def test_a_feature_of_time_is_what_was_worked_by_hand(shop, build, name):
    expected = pd.DataFrame(WORKED[name], index=CUSTOMERS, dtype="float64")
    pd.testing.assert_frame_equal(
        build(shop, name), expected, rtol=1e-11, check_names=False, check_index_type=False
    )


def test_a_window_ends_at_as_of_whichever_day_that_is(shop, build):
    later = build(shop, "recent_orders", as_of="2011-03-17")
    assert later["orders_7d"].tolist() == [1, 0, 0]  # 03-10 is 7 days before 03-17
    assert later["orders_30d"].tolist() == [2, 0, 2]
    same_day = build(shop, "recent_orders", as_of=0)
    assert same_day["orders_7d"].tolist() == [2, 0, 0]  # an order of as_of itself is in the window


def test_a_wider_window_never_holds_less(shop, build):
    frame = build(shop, "recent_orders", "recent_revenue", "recent_active_days")
    for name in ("orders", "revenue", "active_days"):
        columns = frame[[f"{name}_{days}d" for days in WINDOWS]]
        assert (columns.diff(axis=1).iloc[:, 1:] >= 0).all().all()


def test_the_last_minute_of_a_half_month_and_of_a_weekend_belongs_to_it(lines, build):
    table = lines(
        ("a", "1", "2011-01-15 23:59:59", "x", 1, 1),  # a Saturday, day 15
        ("a", "2", "2011-01-16 23:59:59", "x", 1, 1),  # a Sunday, day 16
        ("a", "3", "2011-01-17 00:00:00", "x", 1, 1),  # a Monday
        ("a", "4", "2011-01-14 23:59:59", "x", 1, 1),  # a Friday
    )
    frame = build(table, "first_half_share", "second_half_share", "weekend_share")
    assert frame.loc["a"].tolist() == [2 / 4, 2 / 4, 2 / 4]


def test_orders_spread_evenly_over_the_year_have_no_season(lines, build):
    table = lines(*[("a", f"{month}", f"2010-{month:02d}-10", "x", 1, 1) for month in range(1, 13)])
    assert build(table, "seasonality")["seasonality"].tolist() == [0.0]


def test_all_orders_in_one_month_are_one_season(lines, build):
    table = lines(("a", "1", "2010-01-10", "x", 1, 1), ("a", "2", "2011-01-20", "x", 1, 1))
    assert build(table, "seasonality")["seasonality"].tolist() == [1.0]
