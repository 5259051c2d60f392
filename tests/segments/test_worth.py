"""What segments are ordered by, and how it is called."""

from __future__ import annotations

import pandas as pd
import pytest

from seg.errors import SegError
from seg.report import note, page
from seg.segments import profile, worth

FRAME = pd.DataFrame(
    {"net_revenue": [5.0, -1.0], "revenue": [6.0, 2.0], "points": [-2.0, -1.0], "visits": [3.0, 1.0]}
)


@pytest.mark.parametrize(
    ("columns", "features", "value", "expected"),
    [
        (["revenue", "net_revenue"], ["net_revenue"], None, "net_revenue"),
        (["revenue", "net_revenue"], ["revenue", "net_revenue"], None, "revenue"),
        (["visits"], ["visits"], None, None),
        (["visits", "points"], ["points"], "visits", "visits"),
    ],
)
def test_the_value_is_what_is_set_else_net_revenue_else_revenue(columns, features, value, expected):
    assert worth.column(FRAME[columns], features, value) == expected


def test_a_value_that_nobody_has_is_refused():
    with pytest.raises(
        SegError, match=r"dataset.value=points: no customer has a value above 0 \(the largest is -1\)"
    ):
        worth.column(FRAME, ["visits"], "points")


def described(value: str | None) -> pd.DataFrame:
    labels = FRAME["visits"].rank().astype(int).to_numpy() - 1
    table = profile.profile(FRAME, labels, profile.names(labels), ["visits"], value)
    table.attrs["value"] = value
    return table


def test_texts_name_the_value_and_speak_of_none_where_there_is_none():
    assert "of the revenue" in page.headline(described("revenue"))
    assert "of the net revenue" in page.headline(described("net_revenue"))
    assert "visits share" in note.markdown(described("visits"), ["visits"], [])
    for text in (page.headline(described(None)), note.markdown(described(None), ["visits"], [])):
        assert "revenue" not in text
