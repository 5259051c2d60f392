"""Weeks of segments, worked by hand: membership by the month, weeks that are not complete, closed weeks, forecasts."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

from seg import cleaning
from seg.outlook import forecasting, segment_outlook
from seg.outlook.coherent import TOTAL, forecast_panel
from seg.outlook.forecasting import WEEKS
from seg.outlook.monthly import NEW_CUSTOMERS, monthly_history
from seg.outlook.snapshots import OrderHistory
from seg.outlook.weekly import weekly_history

# January 2011 begins on a Saturday; Mondays: 3, 10, 17, 24, 31 January, 7, 14 February.
ORDERS = [
    ("a", "1", "2011-01-03 09:00", "x", 1, 10.0),
    ("b", "2", "2011-01-09 09:00", "x", 1, 20.0),  # the Sunday of that week
    ("a", "3", "2011-01-31 09:00", "x", 1, 5.0),  # a Monday of January: who is known before January? nobody
    ("a", "4", "2011-02-07 09:00", "x", 1, 7.0),  # recent on 31 January
    ("a", "4", "2011-02-07 09:00", "y", 1, 1.0),  # the same order
    ("b", "5", "2011-02-13 09:00", "x", 1, 30.0),  # not recent on 31 January
    ("c", "6", "2011-02-13 09:00", "x", 1, 2.0),  # new in February
    ("c", "7", "2011-02-13 10:00", "x", -1, 2.0),  # takes back: no purchase
    ("a", "8", "2011-02-14 09:00", "x", 1, 3.0),  # the week that begins here is not complete
]
RECENT, LONG_AGO = 0, 1


@pytest.fixture(scope="module")
def weeks(engine, lines):
    table = lines(*ORDERS, is_return=[quantity < 0 for *_, quantity, _ in ORDERS])
    history = OrderHistory(
        engine,
        table,
        cleaning.parse([]),
        ["recency_days"],
        lambda frame: (frame["recency_days"] > 14).astype(int),
    )
    return weekly_history(history, monthly_history(history))


def test_a_customer_counts_in_the_segment_of_the_day_before_the_month_in_which_the_week_begins(weeks):
    made = weeks.activity.set_index(["week", "segment"])
    assert made.loc[(date(2011, 1, 3), NEW_CUSTOMERS)].tolist() == [30, 2, 2]  # revenue, orders, customers
    assert made.loc[(date(2011, 1, 31), NEW_CUSTOMERS)].tolist() == [5, 1, 1]
    assert made.loc[(date(2011, 2, 7), RECENT)].tolist() == [8, 1, 1]
    assert made.loc[(date(2011, 2, 7), LONG_AGO)].tolist() == [30, 1, 1]
    assert made.loc[(date(2011, 2, 7), NEW_CUSTOMERS)].tolist() == [2, 1, 1]
    assert weeks.panel("orders").loc[date(2011, 1, 10)].tolist() == [0, 0, 0]


def test_the_partial_last_week_is_left_out_and_named_and_closed_weeks_are_kept(weeks):
    assert weeks.weeks == [
        date(2011, 1, 3),
        date(2011, 1, 10),
        date(2011, 1, 17),
        date(2011, 1, 24),
        date(2011, 1, 31),
        date(2011, 2, 7),
    ]
    assert weeks.open_days.tolist() == [2, 0, 0, 0, 1, 2]
    assert weeks.partial["week"].tolist() == [date(2011, 2, 14)]
    assert weeks.notes[0] == (
        "the week from Monday 2011-02-14 is not complete (orders from Monday to Monday) and is left out; its revenue so far is 3"
    )
    assert weeks.notes[1].startswith(
        "weeks without any order (closed, or missing data), by their Monday: 2011-01-10, 2011-01-17"
    )


def test_too_few_weeks_are_refused_with_what_is_lacking(weeks):
    reason = segment_outlook.lacking(weeks)
    assert reason.startswith("not possible: 6 complete weeks, and at least 78 are needed (52 to learn from")
    assert reason.endswith("72 more weeks of orders are lacking")


def test_a_shop_that_closes_at_weekends_has_complete_weeks_that_end_on_friday(engine, lines):
    days = pd.bdate_range("2011-01-03", "2011-01-21")  # the third week ends with its Friday
    table = lines(
        *[("a", str(place), f"{day:%Y-%m-%d} 09:00", "x", 1, 1.0) for place, day in enumerate(days)]
    )
    history = OrderHistory(
        engine, table, cleaning.parse([]), ["recency_days"], lambda frame: [0] * len(frame)
    )
    made = weekly_history(history, monthly_history(history))
    assert made.weeks == [date(2011, 1, 3), date(2011, 1, 10), date(2011, 1, 17)] and made.partial.empty


@pytest.fixture(scope="module")
def seasonal():
    """Two years of weeks with a season, closed in the last week of each year."""
    rng = np.random.default_rng(0)
    year = 100 + 50 * np.sin(np.arange(52) / 52 * 2 * np.pi)
    days = np.tile([6.0] * 51 + [0.0], 2)
    return pd.DataFrame({0: np.tile(year, 2) * days / 6 + rng.normal(0, 2, 104) * (days > 0)}).clip(
        lower=0
    ), days


def test_weeks_have_a_season_of_52_and_a_closed_week_is_expected_to_be_closed_again(seasonal):
    panel, days = seasonal
    made = forecast_panel(panel, days, list(range(52)), WEEKS)
    total = made.future[made.future["group"] == TOTAL].set_index("week")["mean"].to_numpy()
    assert total[:51] == pytest.approx(panel[0].to_numpy()[52:103], abs=12) and total[51] == 0
    errors = made.errors.set_index("group").loc[TOTAL]
    assert errors["judged"] == 52, "each week of the second year once, one to four weeks ahead"
    assert errors["mase"] < 1 and errors["coverage_95"] > 0.8


def test_a_closed_week_is_no_fall_of_demand():
    values, days = np.array([10.0, 0.0, 30.0]), np.array([5.0, 0.0, 6.0])
    assert forecasting.rates_of(values, days).tolist() == [2, 2, 5]
    assert forecasting.rates_of(np.zeros(2), np.zeros(2)).tolist() == [0, 0]


def test_origins_four_weeks_apart_know_only_weeks_that_are_over():
    assert list(forecasting.origins(61, WEEKS)) == [52, 56, 60]
    truth = forecasting.truth_of(np.arange(58.0), WEEKS)
    assert (
        truth[0].tolist() == [52, 53, 54, 55] and truth[1, :2].tolist() == [56, 57] and np.isnan(truth[1, 2])
    )
    known = forecasting.over(np.zeros((3, 4)), 1, WEEKS.stride)
    assert known.tolist() == [[True] * 4, [False] * 4, [False] * 4]
