"""Since when a segment has customers, and which segments get no forecast of their own."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd

from seg.outlook import segment_age
from seg.outlook.forecasting import MONTHS
from seg.outlook.monthly import NEW_CUSTOMERS, MonthlyHistory
from seg.outlook.segment_outlook import SegmentOutlook

LOYAL, LOST = 0, 1


def history(n_months: int = 24, lost_from: int = 10, buying: dict[int, float] | None = None):
    """Make a history in which nobody is lost before the month `lost_from`."""
    months = pd.period_range("2020-01", periods=n_months, freq="M")
    starts = [month.start_time.date() for month in months]
    states = pd.DataFrame({day: [LOYAL, LOYAL] for day in starts[1:]}, index=["a", "b"], dtype="float64")
    states.loc["b", starts[lost_from:]] = LOST
    rows = [
        (month, segment, 10.0, 1.0, customers)
        for month in months
        for segment, customers in (buying or {LOYAL: 50.0, LOST: 20.0, NEW_CUSTOMERS: 9.0}).items()
    ]
    activity = pd.DataFrame(rows, columns=["month", "segment", "revenue", "orders", "customers"])
    open_days = pd.Series(30, index=months)
    return MonthlyHistory(activity, states, open_days, pd.DataFrame(), ("a note",))


def test_a_segment_begins_with_its_first_customer_and_new_customers_after_half_a_year():
    assert segment_age.first_periods(history()) == {LOYAL: 1, LOST: 10, NEW_CUSTOMERS: 6}


def test_of_a_history_whose_older_months_are_left_out_new_customers_are_new_from_the_first_month_on():
    cut_off = SimpleNamespace(**{**vars(history()), "months": history().months, "cut_off": True})
    assert segment_age.first_periods(cut_off)[NEW_CUSTOMERS] == 0


def test_weeks_begin_in_the_month_in_which_the_segment_does():
    mondays = [one.date() for one in pd.date_range("2020-09-14", periods=8, freq="7D")]
    weeks = SimpleNamespace(weeks=mondays)
    # The first customer is lost on 1 November 2020; the first week that begins after it is that of 2 November.
    assert segment_age.first_periods(history(), weeks)[LOST] == mondays.index(
        pd.Timestamp("2020-11-02").date()
    )


def test_a_segment_that_is_too_young_or_too_small_gets_no_forecast_and_the_reason_says_why():
    young = history(lost_from=14)
    reasons = segment_age.without_forecast(young, segment_age.first_periods(young))
    assert list(reasons) == [LOST]
    assert reasons[LOST].startswith("it has customers for 10 complete months only, and 12 are needed")
    small = history(buying={LOYAL: 50.0, LOST: 4.0, NEW_CUSTOMERS: 9.0})
    reasons = segment_age.without_forecast(small, segment_age.first_periods(small))
    assert reasons == {
        LOST: "in the last 6 months 4.0 of its customers bought in a month, and at least 5 are needed"
    }


def test_a_hidden_segment_has_no_row_in_the_forecasts_and_is_named_in_the_notes():
    frame = pd.DataFrame({"group": [LOYAL, LOST, "all"], "mean": np.arange(3.0)})
    made = SegmentOutlook(
        history(),
        {"revenue": SimpleNamespace(future=frame, errors=frame)},
        None,
        (),
        {LOYAL: "Loyal", LOST: "Lost", "all": "all"},
        hidden={LOST: "too young"},
    )
    assert made.future()["segment"].tolist() == ["Loyal", "all"] == made.errors()["segment"].tolist()
    assert made.notes == ("a note", "no forecast of “Lost” alone: too young; the total includes it")


def test_a_segment_whose_intervals_held_too_few_past_months_is_not_shown_and_the_total_always_is():
    errors = pd.DataFrame(
        {"group": [LOYAL, LOST, "all"], "coverage_95": [0.75, 0.7, 0.1], "judged": [20, 20, 20]}
    )
    reasons = segment_age.badly_forecast({"revenue": SimpleNamespace(errors=errors)}, MONTHS)
    assert list(reasons) == [LOST]
    assert reasons[LOST].startswith("the 95 % interval of its revenue held 14 of 20 past months")
