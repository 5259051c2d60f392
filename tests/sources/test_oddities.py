"""Dates whose day and month a spreadsheet has exchanged, known by what it does to the others."""

from __future__ import annotations

import random
from collections import Counter
from datetime import date, timedelta

import pandas as pd
import pytest

from seg.sources import format_advice, oddities
from seg.sources.typed_values import Field


def drawn(length: int, seed: int = 0, rows: int = 200, closed: tuple[int, ...] = ()) -> list[date]:
    """Draw days of orders from a period, none on the weekdays on which the shop is closed."""
    chance = random.Random(seed)
    days = [date(2023, 1, 1) + timedelta(days=chance.randrange(length)) for _ in range(rows)]
    return [day for day in days if day.weekday() not in closed]


def exchanged(days: list[date]) -> list[date]:
    return [date(day.year, day.day, day.month) if day.day <= 12 else day for day in days]


def note_on(days: list[date]) -> str:
    return oddities.exchanged(pd.Series(Counter(days), dtype="int64")) or ""


@pytest.mark.parametrize(
    ("days", "words"),
    [
        (exchanged(drawn(50)), "months have orders until the 12th only"),
        (exchanged(drawn(180)), "months have orders until the 12th only"),
        (exchanged(drawn(700, closed=(6,))), "orders on Sunday until the 12th of the months only"),
        (exchanged(drawn(700, closed=(5, 6))), "orders on Saturday and Sunday until"),
        ([day for day in exchanged(drawn(89)) if day.day <= 12], "in 12 months is later than the 12th"),
    ],
    ids=["two months", "half a year", "no Sundays", "no weekends", "the others are missing"],
)
def test_days_that_a_spreadsheet_has_exchanged_are_said(days, words):
    assert words in note_on(days)


@pytest.mark.parametrize("length", [10, 50, 400, 1500])
@pytest.mark.parametrize("rows", [12, 60, 200])
def test_days_that_nobody_has_exchanged_are_not_said(length, rows):
    for seed in range(10):
        assert not note_on(drawn(length, seed, rows))
        assert not note_on(drawn(length, seed, rows, closed=(6,)))


def test_days_of_monthly_tables_are_not_said():
    assert not note_on([date(2021 + month // 12, month % 12 + 1, 1 + month % 3) for month in range(36)])


def test_dates_of_two_formats_that_part_at_the_12th_are_one_that_was_exchanged():
    days = drawn(300)
    spelled = [
        f"{date(one.year, one.day, one.month)}" if one.day <= 12 else f"{one:%d/%m/%Y}" for one in days
    ]
    field = Field("ordered_at", "date", "time")
    assert "a spreadsheet took the day for the month" in format_advice.of_dates(field, Counter(spelled))
    spelled = [f"{one}" if place % 2 else f"{one:%d/%m/%Y}" for place, one in enumerate(days)]
    assert format_advice.of_dates(field, Counter(spelled)).endswith("rows); write all dates in one format")
