"""Advice about columns that no option reads says what they hold."""

from __future__ import annotations

from collections import Counter

import pytest

from seg.sources import format_advice
from seg.sources.typed_values import Field


@pytest.mark.parametrize("kind", ["number", "time"])
def test_digits_of_other_scripts_are_named(kind):
    field = Field("amount", "Total", kind)
    text = format_advice.of_other_digits(field, Counter({"١١٠٥.٥٥": 3, "12": 1}))
    assert text == "Total: has digits that are not 0 to 9, such as '١'; write its values with 0 to 9"
    assert format_advice.of_other_digits(field, Counter({"1,105.55 €": 3})) is None


def test_an_amount_that_holds_dates_is_another_column():
    text = format_advice.of_numbers(
        Field("amount", "Total", "number"), Counter({"31.01.2024": 2, "13.02.2024": 2})
    )
    assert text == "Total: holds dates, expected amounts; choose another column"
