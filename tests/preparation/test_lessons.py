"""What a model of outcomes learns from: days by hand, outcomes that are over, and nothing from later."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest
from hydra import compose, initialize_config_dir
from sklearn.preprocessing import StandardScaler

from seg.config import load
from seg.config.parts import Parts
from seg.config.settings import LessonSettings
from seg.datasets import synthetic
from seg.errors import SegError
from seg.evaluation import holdout
from seg.models.outcome_tiers import OutcomeTiers
from seg.preparation import as_of, lessons

END = date(2024, 9, 1)


@pytest.fixture(scope="module")
def asked():
    load.prepare_environment()
    with initialize_config_dir(str(load.CONFIGS), version_base="1.3"):
        cfg = compose("run", overrides=["tracking=none", "model=outcome_tiers", "recipe=rfm"])
    return load.settings(cfg).preparation


@pytest.fixture(scope="module")
def tables(engine):
    """One past twice: with other orders from `END` on, and with none."""
    frame = synthetic.toy(customers=400, seed=0).drop(columns="planted")
    frame = frame.assign(
        quantity=frame["quantity"].astype("float64"),
        amount=frame["quantity"] * frame["unit_price"],
        is_return=False,
        ordered_at=frame["ordered_at"].astype("datetime64[us]"),
    )
    past = frame[frame["ordered_at"] < pd.Timestamp(END)]
    later = past.tail(500).assign(ordered_at=pd.Timestamp("2024-10-01"), amount=9e6)
    return engine.register(past.reset_index(drop=True)), engine.register(
        pd.concat([past, later], ignore_index=True)
    )


def test_days_leave_room_for_the_outcome_and_for_a_history():
    days = lessons.days_of(date(2024, 1, 1), date(2024, 7, 1), LessonSettings(days=60, cuts=4, step=20))
    assert [str(day) for day in days] == ["2024-05-02", "2024-04-12", "2024-03-23", "2024-03-03"]
    assert lessons.days_of(date(2024, 5, 1), date(2024, 7, 1), LessonSettings()) == []


def test_lessons_know_nothing_from_the_end_on(engine, asked, tables):
    one, other = (lessons.learn_from(asked, engine, table, END) for table in tables)
    pd.testing.assert_frame_equal(one.frame, other.frame)
    np.testing.assert_array_equal(one.spend, other.spend)
    assert max(one.days) == date(2024, 6, 3) and len(one.customers) == len(one.frame) == len(one.spend)
    assert one.customers.max() < 400 and len(one.frame) > 400, "customers are there on several days"


def test_tiers_of_a_hold_out_are_learned_before_its_cut(engine, asked, tables):
    parts = Parts(None, None, StandardScaler(), lambda k: OutcomeTiers(n_tiers=4), takes_k=False)
    labels = []
    for table in tables:
        parted = as_of.part(asked, engine, tables[1], END, 60)
        learned = lessons.learn_from(asked, engine, table, END)
        labels.append(holdout.judge(parts, as_of.with_lessons(parted, learned), 4, 100, 0).labels)
    np.testing.assert_array_equal(*labels)


def test_a_history_that_is_too_short_says_how_many_days_are_needed(engine, asked, tables):
    with pytest.raises(SegError, match="150 days of orders before 2024-02-01 are needed"):
        lessons.learn_from(asked, engine, tables[0], date(2024, 2, 1))
