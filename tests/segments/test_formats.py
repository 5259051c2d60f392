"""Numbers by locale."""

from __future__ import annotations

import numpy as np
import pytest

from seg.errors import SegError
from seg.segments.formats import LOCALES, locale


@pytest.mark.parametrize(
    ("code", "number", "percent", "compact"),
    [
        ("en", "1,234,567", "7.1\N{NO-BREAK SPACE}%", "1.2k"),
        ("de", "1.234.567", "7,1\N{NO-BREAK SPACE}%", "1,2k"),
        ("tr", "1.234.567", "%7,1", "1,2k"),
        ("pt", "1.234.567", "7,1%", "1,2k"),
    ],
)
def test_separators_and_percentages_follow_the_locale(code, number, percent, compact):
    one = locale(code)
    assert (one.number(1234567), one.percent(0.0713), one.compact(1234)) == (number, percent, compact)


def test_numbers_have_sensible_digits():
    given = (
        19945,
        np.int64(1000),
        4123.456,
        152.34,
        12.345,
        0.41234,
        -0.00012345,
        3.0,
        np.nan,
        None,
        True,
        "text",
        np.inf,
    )
    written = [LOCALES["en"].number(value) for value in given]
    assert written == [
        "19,945", "1,000", "4,123", "152.3", "12.35", "0.412", "−0.00012", "3", "–", "–", "True", "text", "∞",
    ]  # fmt: skip


def test_a_small_share_is_not_rounded_to_nothing():
    assert LOCALES["en"].percent(0.0002).replace("\N{NO-BREAK SPACE}", " ") == "< 0.1 %"
    assert LOCALES["en"].percent(float("nan")) == "–"


def test_money_has_its_currency():
    assert LOCALES["de"].money(1234.56, "EUR").replace("\N{NO-BREAK SPACE}", " ") == "1.235 EUR"
    assert LOCALES["en"].money(3.5, None) == "3.5"


def test_a_locale_that_is_not_there_is_refused_with_those_that_are():
    with pytest.raises(SegError, match=r"report\.locale=fr: expected one of en, de, tr, pt"):
        locale("fr")
