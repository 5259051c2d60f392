"""Simple forecasts, worked by hand on six customers."""

from __future__ import annotations

from datetime import date

import pandas as pd
import pytest

from seg.outlook import yardsticks
from seg.outlook.snapshots import Snapshot
from seg.outlook.yardsticks import PRIOR


def of(previous: list[float], spend: list[float], segments: list[int]) -> Snapshot:
    index = [f"c{place}" for place in range(len(previous))]
    columns = {"previous_30": previous, "recency_days": [1.0, 9.0] * 3, "orders": 1.0, "revenue": previous}
    features = pd.DataFrame(columns, index=index, dtype="float64")
    return Snapshot(
        date(2011, 1, 1), features, pd.Series(segments, index=index), pd.DataFrame({30: spend}, index=index)
    )


# Bought in the last period: c0, c1, c2; in the outcome: c0, c1, c3, for 12 + 6 + 6 = 24.
TRAINING = of([5, 5, 5, 0, 0, 0], [12, 6, 0, 6, 0, 0], [0, 0, 1, 1, 1, 1])
JUDGED = of([0, 8, 0, 0, 8, 0], [0] * 6, [0, 1, 2, 0, 1, 2])
RATE, SPEND = 3 / 6, 24 / 6


def test_the_last_period_comes_again():
    made = yardsticks.same_as_last_period([TRAINING], JUDGED, 30)
    assert made["spend"].tolist() == [0, 8, 0, 0, 8, 0]
    again, new = (2 + PRIOR * RATE) / (3 + PRIOR), (1 + PRIOR * RATE) / (3 + PRIOR)
    assert made["probability"].tolist() == pytest.approx([new, again, new, new, again, new])


def test_a_segment_forecasts_its_mean_and_one_never_seen_that_of_all():
    made = yardsticks.segments_alone([TRAINING], JUDGED, 30)
    first = ((2 + PRIOR * RATE) / (2 + PRIOR), (18 + PRIOR * SPEND) / (2 + PRIOR))
    second = ((1 + PRIOR * RATE) / (4 + PRIOR), (6 + PRIOR * SPEND) / (4 + PRIOR))
    expected = [first, second, (RATE, SPEND)] * 2
    assert [tuple(row) for row in made[["probability", "spend"]].to_numpy()] == [
        pytest.approx(row) for row in expected
    ]


def test_cells_of_recency_part_customers_of_equal_revenue():
    spend = [9.0, 0.0] * 3  # who bought lately buys again
    training = of([1.0] * 6, spend, [0] * 6)
    made = yardsticks.rfm_cells([training], of([1.0] * 6, [0.0] * 6, [0] * 6), 30)
    assert made["probability"].iloc[0] > made["probability"].iloc[1]
    assert made["probability"].nunique() == 2
