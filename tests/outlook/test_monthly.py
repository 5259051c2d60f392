"""Months of segments, worked by hand: membership on the day before a month, months that are not complete, holidays."""

from __future__ import annotations

from types import SimpleNamespace

import pandas as pd
import pytest

from seg import cleaning
from seg.outlook import monthly, segment_outlook
from seg.outlook.monthly import NEW_CUSTOMERS, monthly_history
from seg.outlook.snapshots import OrderHistory

ORDERS = [
    ("a", "1", "2011-01-01 09:00", "x", 1, 10.0),
    ("a", "2", "2011-01-31 09:00", "x", 1, 5.0),
    ("b", "3", "2011-01-10 09:00", "x", 1, 20.0),
    ("a", "4", "2011-02-10 09:00", "x", 1, 7.0),  # a bought on the last day of January: recent
    ("a", "4", "2011-02-10 09:00", "y", 1, 1.0),  # the same order
    ("b", "5", "2011-02-28 09:00", "x", 1, 30.0),  # b did not buy for 21 days before February: not recent
    ("c", "6", "2011-02-15 09:00", "x", 1, 2.0),  # new in February
    ("c", "7", "2011-02-16 09:00", "x", -1, 2.0),  # takes back: no purchase
    ("a", "8", "2011-03-05 09:00", "x", 1, 3.0),  # March is not complete
]
RECENT, LONG_AGO = 0, 1


@pytest.fixture(scope="module")
def months(engine, lines):
    table = lines(*ORDERS, is_return=[quantity < 0 for *_, quantity, _ in ORDERS])

    def place(frame):
        return (frame["recency_days"] > 14).astype(int)

    return monthly_history(OrderHistory(engine, table, cleaning.parse([]), ["recency_days"], place))


def test_a_customer_counts_in_the_segment_of_the_day_before_the_month(months):
    made = months.activity.set_index(["month", "segment"])
    january, february = pd.Period("2011-01"), pd.Period("2011-02")
    assert made.loc[(january, NEW_CUSTOMERS)].tolist() == [35, 3, 2]  # revenue, orders, customers
    assert made.loc[(february, RECENT)].tolist() == [8, 1, 1]
    assert made.loc[(february, LONG_AGO)].tolist() == [30, 1, 1]
    assert made.loc[(february, NEW_CUSTOMERS)].tolist() == [2, 1, 1]
    assert months.activity["revenue"].sum() == 35 + 8 + 30 + 2


def test_a_month_without_a_customer_of_a_segment_is_a_zero(months):
    panel = months.panel("orders")
    assert panel.loc[pd.Period("2011-01")].to_dict() == {NEW_CUSTOMERS: 3, RECENT: 0, LONG_AGO: 0}
    assert list(panel.index) == months.months == [pd.Period("2011-01"), pd.Period("2011-02")]


def test_a_month_that_is_not_complete_is_left_out_and_named(months):
    row = months.partial.iloc[0]
    assert (row["month"], row["days"], row["of"], row["revenue"]) == (pd.Period("2011-03"), 5, 31, 3)
    assert (
        months.notes[0]
        == "March 2011 is not complete (5 of 31 days) and is left out; its revenue so far is 3"
    )


def test_long_times_without_orders_are_named(months):
    assert "2011-01-02 to 2011-01-09, 2011-01-11 to 2011-01-30, 2011-02-01 to 2011-02-09" in months.notes[1]


def test_open_days_are_those_with_a_purchase(months):
    assert months.open_days.tolist() == [3, 3]


def test_states_are_missing_before_the_first_order(months):
    states = months.states
    assert states.shape == (3, 2)  # before February, and today: nobody is known before January
    assert states.loc["c"].isna().tolist() == [True, False]
    assert states.loc["b"].tolist() == [LONG_AGO, RECENT]


def test_only_the_newest_months_are_counted(engine, lines, monkeypatch):
    monkeypatch.setattr(monthly, "MOST_MONTHS", 1)
    table = lines(*ORDERS, is_return=[quantity < 0 for *_, quantity, _ in ORDERS])
    made = monthly_history(
        OrderHistory(engine, table, cleaning.parse([]), ["recency_days"], lambda frame: [0] * len(frame))
    )
    assert made.months == [pd.Period("2011-02")] and made.states.shape[1] == 2
    assert made.notes[0] == "forecasts by month look at the newest 1 of 2 complete months"
    assert made.partial["month"].tolist() == [pd.Period("2011-03")]


def test_too_few_months_are_refused_with_what_is_lacking(months):
    reason = segment_outlook.lacking(months)
    assert reason.startswith("not possible: 2 complete months, and at least 18 are needed")
    assert reason.endswith("16 more months of orders are lacking")
    one = segment_outlook.lacking(SimpleNamespace(open_days=range(17)))
    assert "17 complete months" in one and one.endswith("1 more month of orders is lacking")
