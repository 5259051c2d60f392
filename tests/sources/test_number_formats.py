"""Amounts in every spelling, read by declared format; the engine and plain Python agree."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus import drawn
from seg.errors import SegError
from seg.sources.number_formats import EVERY, NumberFormat, currency, number, parse, proposals

PLAIN, US, EU = NumberFormat(), NumberFormat(".", ","), NumberFormat(",", ".")
FRENCH, SWISS = NumberFormat(",", " "), NumberFormat(".", "'")
# text, format, value; None: not a number in this format
CASES = [
    ("12.5", PLAIN, 12.5), (" -3 ", PLAIN, -3.0), ("1e3", PLAIN, 1000.0), ("+4", PLAIN, 4.0), (".5", PLAIN, 0.5),
    ("$5", PLAIN, 5.0), ("5 EUR", PLAIN, 5.0), ("US$ 5", PLAIN, 5.0), ("kr 5", PLAIN, 5.0), ("5 zł", PLAIN, 5.0),
    ("12.-", PLAIN, 12.0), ("CHF -12.\u2013", PLAIN, -12.0), ("12.\u2014 \u20ac", PLAIN, 12.0), ("12.--", PLAIN, 12.0), ("1.200,- kr", EU, 1200.0),
    ("(45.00)", PLAIN, -45.0), ("($45.00)", PLAIN, -45.0), ("$(45)", PLAIN, -45.0), ("45.00-", PLAIN, -45.0),
    ("−3.5", PLAIN, -3.5), ("–3.5", PLAIN, -3.5), ("-$5", PLAIN, -5.0), ("$-5", PLAIN, -5.0),
    ("1,234", PLAIN, None), ("3,5", PLAIN, None), ("1 234", PLAIN, None), ("", PLAIN, None), ("5%", PLAIN, None),
    ("-(5)", PLAIN, None), ("--5", PLAIN, None), ("5--", PLAIN, None), ("$", PLAIN, None), ("()", PLAIN, None),
    ("0x10", PLAIN, None), ("1_000", PLAIN, None), ("nan", PLAIN, None), ("inf", PLAIN, None), ("1e999", PLAIN, None),
    ("１２", PLAIN, None), ("12d", PLAIN, None), ("5 USD 5", PLAIN, None), ("abc", PLAIN, None),
    ("'12.50", PLAIN, 12.5), ("'12.50'", PLAIN, 12.5), ("KRW 1200", PLAIN, 1200.0), ("R 12", PLAIN, 12.0), ("1200円", PLAIN, 1200.0),
    ("12.-", PLAIN, 12.0), ("1.234,-", PLAIN, None), ("1.234,-", EU, 1234.0),
    ("1,234.50", US, 1234.5), ("-1,234,567", US, -1234567.0), ("$1,234.50", US, 1234.5), ("($1,234.50)", US, -1234.5),
    ("1,23,456.50", US, 123456.5), ("12,34", US, None), ("1,2,3", US, None), ("1,2345", US, None), (",123", US, None),
    ("1.234,50", EU, 1234.5), ("1.234,50 EUR", EU, 1234.5), ("1234,5", EU, 1234.5), ("-1.234,5", EU, -1234.5),
    ("1.5", EU, None), ("1.234", EU, 1234.0), ("3,00-", EU, -3.0), ("1,234.50", EU, None),
    ("1 234,50", FRENCH, 1234.5), ("1\u00a0234,50", FRENCH, 1234.5), ("1\u202f234,50 €", FRENCH, 1234.5),
    ("- 1 234,5", FRENCH, -1234.5), ("12 34,5", FRENCH, None),
    ("1'234.50", SWISS, 1234.5), ("1\u2019234.50 CHF", SWISS, 1234.5),
]  # fmt: skip


@pytest.fixture(scope="module")
def engine_reads(engine):
    def read(texts: list[str], format: NumberFormat) -> list[float | None]:
        table = engine.register(pa.table({"text": texts}))
        values = engine.collect(table.select(value=number(table.text, format)))["value"]
        return [None if value != value else float(value) for value in values]

    return read


@pytest.mark.parametrize("format", [PLAIN, US, EU, FRENCH, SWISS], ids=str)
def test_each_spelling_is_read_by_the_declared_format_and_by_no_other(engine_reads, format):
    cases = [(text, value) for text, one, value in CASES if one == format]
    texts, values = zip(*cases, strict=True)
    assert engine_reads(list(texts), format) == list(values)
    assert [parse(text, format) for text in texts] == list(values)


numbers = st.decimals(min_value=-(10**9), max_value=10**9, places=2)


def test_what_python_writes_with_groups_and_currency_is_what_is_read(engine_reads):
    values = drawn(numbers, 300)
    texts = [f"${value:,.2f}" if value >= 0 else f"(${-value:,.2f})" for value in values]
    assert engine_reads(texts, US) == pytest.approx([float(value) for value in values])
    european = [text.translate(str.maketrans(",.", ".,")).replace("$", "") + " EUR" for text in texts]
    european = [text.replace(") EUR", " EUR)") for text in european]
    assert engine_reads(european, EU) == pytest.approx([float(value) for value in values])


def test_the_engine_and_python_agree_on_any_text(engine_reads):
    texts = drawn(st.text("0123456789.,'-+() $€EURe\u00a0\u2212", max_size=12), 1_000)
    for format in EVERY:
        pairs = zip(texts, engine_reads(texts, format), strict=True)
        assert not [(text, value) for text, value in pairs if value != parse(text, format)], format


@settings(max_examples=200, deadline=None)
@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_float_of_python_comes_back(value):
    assert parse(repr(value)) == value


@pytest.mark.parametrize(
    "values, formats",
    [
        (["1.234,50", "7,00"], [["dataset.decimal=','", "dataset.thousands='.'"]]),
        (["1,234.50", "7"], [["dataset.thousands=','"]]),
        (["1'234.50", "7"], [['dataset.thousands="\'"']]),
        (["3,5"], [["dataset.decimal=','"]]),
        (["1 234,50"], [["dataset.decimal=','", "dataset.thousands=space"]]),
        (["1,234", "7,000"], [["dataset.thousands=','"], ["dataset.decimal=','"]]),  # nobody can tell
        (["$5.00", "(3)"], [[]]),
        (["x", "5"], []),
        ([" "], []),
    ],
)
def test_proposals_are_the_formats_that_read_every_value(values, formats):
    assert [format.overrides for format in proposals(values)] == formats


@pytest.mark.parametrize(
    "decimal, thousands, message",
    [
        (";", None, r"dataset\.decimal=;: expected '\.' or ','"),
        (",", ",", r"dataset\.thousands=,: is the sign of dataset\.decimal too"),
        (".", "x", r"dataset\.thousands=x: expected one of"),
    ],
)
def test_signs_that_cannot_be_meant_are_refused(decimal, thousands, message):
    with pytest.raises(SegError, match=message):
        NumberFormat(decimal, thousands).checked()


def test_the_currency_of_an_amount_is_found_and_no_letter_of_another_text(engine):
    signs = {"$5": "$", "5 eur": "EUR", "€5": "€", "R 12": "R", "(5.00 USD)": "USD", "5,- Kč": "KČ"}
    none = ["5", "(5)", "x", "1e5", "-5.0", "TRUE", "ERROR", "5 items"]
    table = engine.register(pa.table({"text": [*signs, *none]}))
    found = engine.collect(table.select("text", sign=currency(table.text))).set_index("text")["sign"]
    assert found.dropna().to_dict() == signs
