"""A sentence in numbers for each segment, and words for features."""

from __future__ import annotations

import math

from seg.segments import wording
from seg.segments.formats import LOCALES

ROW = {
    "size": 1967, "share": 0.0986, "revenue_share": 0.207, "median_recency_days": 121.0, "median_orders": 9.0,
    "median_revenue": 1158.29,
}  # fmt: skip


def write(code: str = "en", currency: str | None = "TRY") -> wording.Writers:
    locale = LOCALES[code]
    return wording.Writers(locale.number, locale.percent, lambda value: locale.money(value, currency))


def plain(text: str) -> str:
    return text.replace("\N{NO-BREAK SPACE}", " ")


def test_a_segment_is_described_by_its_size_its_money_and_its_typical_customer():
    assert plain(wording.sentence(ROW, write())) == (
        "1,967 customers (9.9 %) bring 21 % of the revenue. A typical one last ordered 121 days ago, has 9 orders and spent "
        "1,158 TRY in all."
    )


def test_numbers_follow_the_locale():
    assert "1.967 customers (9,9 %)" in plain(wording.sentence(ROW, write("de")))
    assert "(%9,9) bring %21" in wording.sentence(ROW, write("tr"))


def test_one_customer_and_one_order_are_singular():
    text = wording.sentence(ROW | {"size": 1, "median_orders": 1.0, "median_recency_days": 1.0}, write())
    assert text.startswith("1 customer (")
    assert "brings" in text and "has 1 order and" in text and "1 day ago" in text


def test_what_is_not_known_is_not_said():
    text = wording.sentence(
        {"size": 5, "share": 0.5, "revenue_share": math.nan, "median_visits": 7.0}, write()
    )
    assert plain(text) == "5 customers (50 %). A typical one: visits 7."


def test_good_and_bad_are_one_stated_rule():
    assert wording.direction("orders") == 1
    assert wording.direction("revenue_2011-09") == 1
    assert wording.direction("recency_days") == -1
    assert wording.direction("returns") == -1
    assert wording.direction("tenure_days") == wording.direction("age") == 0
