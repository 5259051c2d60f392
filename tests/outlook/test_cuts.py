"""Which days a model is trained on and judged on, and when there are none."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from seg.outlook.cuts import LEAST_HISTORY, plan_cuts

FIRST, LAST = date(2010, 1, 1), date(2010, 12, 31)


def test_the_newest_cut_with_a_complete_outcome_is_judged():
    plan = plan_cuts(FIRST, LAST, 90)
    assert plan.judged == date(2010, 10, 3)  # 29 days of October, 30 and 31: 90 up to the last day
    assert plan.judged + timedelta(days=90) == LAST + timedelta(days=1)


@pytest.mark.parametrize("horizon", [7, 30, 90])
def test_every_outcome_that_is_learnt_from_is_over_on_the_judged_day(horizon):
    plan = plan_cuts(FIRST, LAST, horizon)
    assert len(plan.training) == 3 and list(plan.training) == sorted(plan.training, reverse=True)
    assert max(plan.training) + timedelta(days=horizon) <= plan.judged


def test_training_cuts_without_enough_history_are_left_out():
    plan = plan_cuts(FIRST, LAST, 90, cut=date(2010, 8, 1))
    # 90 days before 2010-08-01 is 2010-05-03; 30 days earlier is 2010-04-03; 2010-03-04 has 62 days before it, not 90.
    assert plan.training == (date(2010, 5, 3), date(2010, 4, 3))


def test_a_cut_too_late_for_its_horizon_is_refused_with_the_last_possible_day():
    plan = plan_cuts(FIRST, LAST, 90, cut=date(2010, 10, 4))
    assert plan.judged is None and plan.training == ()
    assert "end on 2011-01-01, and the orders end on 2010-12-31" in plan.reason
    assert plan.reason.endswith("choose a cut on 2010-10-03 or earlier")


def test_a_history_too_short_is_refused_with_the_days_that_are_needed():
    plan = plan_cuts(FIRST, LAST, 180)
    assert plan.judged is None
    assert plan.reason.startswith("not possible: the history is too short")
    assert plan.reason.endswith("540 days of orders are needed")
    assert plan_cuts(FIRST, FIRST + timedelta(days=538), 180).judged is None
    assert plan_cuts(FIRST, FIRST + timedelta(days=539), 180).reason is None


def test_a_short_horizon_needs_the_least_history_all_the_same():
    shortest = LEAST_HISTORY + 2 * 7
    assert plan_cuts(FIRST, FIRST + timedelta(days=shortest - 1), 7).reason is None
    assert plan_cuts(FIRST, FIRST + timedelta(days=shortest - 2), 7).reason is not None
