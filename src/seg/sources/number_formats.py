"""Amounts as people write them: ``$1,234.50``, ``1.234,50 EUR``, ``(45.00)``, ``45.00-``, ``1 234,50``.

The format is declared (`decimal`, `thousands`) and never guessed while rows are read; `proposals` looks at values and
returns the formats that read all of them. The expressions are the same on every engine.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

import ibis
from ibis.expr import types as ir

from seg.errors import SegError

# Every kind of blank: no-break and narrow spaces group digits in French, Swedish and Polish exports.
BLANK = "[ \t\u00a0\u1680\u2000-\u200b\u202f\u205f\u2060\u3000\ufeff]"
MINUS = "[\u2212\u2013\ufe63\uff0d]"  # minus signs that are no hyphen
CODES = (
    "AED", "AFN", "ALL", "AMD", "AOA", "ARS", "AUD", "AZN", "BAM", "BDT", "BGN", "BHD", "BND", "BOB", "BRL", "BYN",
    "CAD", "CDF", "CHF", "CLP", "CNY", "COP", "CRC", "CZK", "DKK", "DOP", "DZD", "EGP", "ETB", "EUR", "GBP", "GEL",
    "GHS", "GTQ", "HKD", "HNL", "HRK", "HUF", "IDR", "ILS", "INR", "IQD", "IRR", "ISK", "JMD", "JOD", "JPY", "KES",
    "KGS", "KHR", "KRW", "KWD", "KZT", "LBP", "LKR", "MAD", "MDL", "MKD", "MMK", "MXN", "MYR", "NGN", "NIO", "NOK",
    "NPR", "NZD", "OMR", "PAB", "PEN", "PHP", "PKR", "PLN", "PYG", "QAR", "RMB", "RON", "RSD", "RUB", "SAR", "SEK",
    "SGD", "THB", "TND", "TRY", "TWD", "TZS", "UAH", "UGX", "USD", "UYU", "UZS", "VES", "VND", "XAF", "XOF", "YER",
    "ZAR", "ZMW",
)  # fmt: skip
WORDS = (
    "US[$]", "CA?[$]", "AU?[$]", "NZ[$]", "HK[$]", "NT[$]", "MX[$]", "R[$]", "S[$]", "Kč", "zł", "kr[.]?", "Ft", "lei", "TL",
    "Rs[.]?", "Fr[.]", "руб[.]?", "лв[.]?", "Rp", "RM", "R", "円", "元", "원", "đ",  # noqa: RUF001
)  # fmt: skip
CURRENCY = f"(?:{'|'.join(CODES)}|{'|'.join(WORDS)}|[$€£¥₹₺₽₩₪฿₫₴₦₱₡₲₵₸₼₾₿])"
# Where a currency stands in an amount: the "R" of "TRUE" is none.
BESIDE = (f"^[^0-9a-z]*?({CURRENCY})[^0-9a-z]*[0-9]", f"[0-9][^0-9a-z]*?({CURRENCY})[^0-9a-z]*\\z")
PLAIN = r"^[+-]?(?:[0-9]+[.]?[0-9]*|[.][0-9]+)(?:[eE][+-]?[0-9]+)?\z"
SEPARATORS = {"blank": BLANK, ",": ",", ".": "[.]", "'": "['\u2019]", "_": "_"}
DECIMALS = (".", ",")
PERCENT_SIGN = f"{BLANK}*%{BLANK}*\\z"


@dataclass(frozen=True)
class NumberFormat:
    """How the amounts of a file are written.

    Parameters
    ----------
    decimal : {".", ","}
        Sign before the fraction.
    thousands : str, optional
        Sign between groups of digits: ``,`` ``.`` ``'`` ``_``, or a blank, which stands for every kind of blank. Without it
        a grouped number cannot be read.
    """

    decimal: str = "."
    thousands: str | None = None

    def checked(self) -> NumberFormat:
        """Return the format, with every kind of blank spelled ``blank``.

        Raises
        ------
        SegError
            A sign is not one of those that numbers are written with, or both are the same.
        """
        if self.decimal not in DECIMALS:
            raise SegError(f"dataset.decimal={self.decimal}: expected '.' or ','")
        thousands = self.thousands
        if thousands is not None and (
            str(thousands) in ("space", "blank") or re.fullmatch(BLANK, str(thousands))
        ):
            thousands = "blank"
        if thousands is not None and thousands not in SEPARATORS:
            raise SegError(
                f"dataset.thousands={self.thousands}: expected one of ',' '.' \"'\" '_' or a blank (every kind of blank), "
                "or null where digits are not grouped"
            )
        if thousands == self.decimal:
            raise SegError(
                f"dataset.thousands={thousands}: is the sign of dataset.decimal too; expected two different signs, such as "
                "dataset.decimal=',' dataset.thousands='.'"
            )
        return NumberFormat(self.decimal, thousands)

    @property
    def overrides(self) -> list[str]:
        """Options of a run that declare the format, as a shell takes them."""
        options = [] if self.decimal == "." else [f"dataset.decimal='{self.decimal}'"]
        if self.thousands:
            sign = {"blank": "space", "'": '"\'"'}.get(self.thousands, f"'{self.thousands}'")
            options.append(f"dataset.thousands={sign}")
        return options


def number(text: ir.StringValue, format: NumberFormat | None = None) -> ir.FloatingValue:
    """Read a number; NULL where the text is not one finite decimal number.

    Currency signs and codes, parentheses and a minus behind the number (both: negative) and unicode minus signs are
    read in every format.
    """
    format = (format or NumberFormat()).checked()
    spelled = _finite(_spelled(text, format))
    if format.decimal == ",":
        return spelled
    # Most numbers are plain: the expensive spelling is worked out for the others only.
    return ibis.coalesce(_finite(text.strip()), spelled)


def fraction(text: ir.StringValue, format: NumberFormat | None = None) -> ir.FloatingValue:
    """Read a percentage as a fraction, ``12.5%`` as 0.125; NULL where the text is none."""
    value = number(text.re_replace(PERCENT_SIGN, ""), format) / 100
    return text.re_search(PERCENT_SIGN).ifelse(value, ibis.null("float64"))


def plain(text: ir.StringValue, format: NumberFormat) -> ir.BooleanValue:
    """Return whether a text is empty, or a number without blanks, groups, currency or parentheses."""
    pattern = PLAIN.replace("[.]", re.escape(format.decimal)) if format.decimal == "," else PLAIN
    return (text == "") | text.re_search(pattern)


def plain_number(text: ir.StringValue, format: NumberFormat) -> ir.FloatingValue:
    """Read a text that is `plain`: the same as `number`, by an expression that hundreds of columns can afford."""
    value = (text.replace(",", ".") if format.decimal == "," else text).try_cast("float64")
    return value.isinf().ifelse(ibis.null("float64"), value)


def currency(text: ir.StringValue) -> ir.StringValue:
    """Return the currency sign or code beside the digits of an amount; NULL where there is none."""
    other = text.re_search("^[^0-9]*[^0-9 .,+()-]|[^0-9 .,+()-][^0-9]*\\z")
    sign = ibis.coalesce(*(text.re_extract(f"(?i){place}", 1).nullif("") for place in BESIDE)).upper()
    return other.ifelse(sign, ibis.null("string"))


def _finite(text: ir.StringValue) -> ir.FloatingValue:
    plain = text.re_search(PLAIN).ifelse(text, ibis.null("string")).try_cast("float64")
    return (plain.isnan() | plain.isinf()).ifelse(ibis.null("float64"), plain)


def _spelled(text: ir.StringValue, format: NumberFormat) -> ir.StringValue:
    """Rewrite an amount as a plain number with a point."""
    for pattern, replacement in _rewriting(format):
        text = text.re_replace(pattern, replacement)
    if format.thousands:
        grouped = text.re_search(_grouped(format))
        text = grouped.ifelse(text.re_replace(SEPARATORS[format.thousands], ""), text)
    if format.decimal == ",":
        text = text.contains(".").ifelse(ibis.null("string"), text.replace(",", "."))
    return text


def _rewriting(format: NumberFormat) -> list[tuple[str, str]]:
    return [
        (f"^{BLANK}+|{BLANK}+\\z", ""),
        (MINUS, "-"),
        ("^'|'\\z", ""),  # as some programs quote texts, and spreadsheets mark them
        # 12.- or 12,- is a round amount, and none below zero.
        (f"([0-9]){re.escape(format.decimal)}[-\u2014]+({BLANK}*(?i:{CURRENCY})?)\\z", r"\1\2"),
        (f"^([(]?){BLANK}*([+-]?){BLANK}*(?i:{CURRENCY}){BLANK}*([+-]?)", r"\1\2\3"),
        (f"{BLANK}*(?i:{CURRENCY}){BLANK}*(-?{BLANK}*[)]?)\\z", r"\1"),
        (f"^[(]{BLANK}*([^()+-][^()+-]*?){BLANK}*[)]\\z", r"-\1"),
        (f"^([^+-][^-]*?){BLANK}*-{BLANK}*(?i:{CURRENCY})?\\z", r"-\1"),
        (f"^([+-]){BLANK}+", r"\1"),
    ]


def _grouped(format: NumberFormat) -> str:
    """Match digits in groups of three, or of two before the last three, as in India."""
    sign, decimal = SEPARATORS[format.thousands], re.escape(format.decimal)
    return f"^[+-]?[0-9]{{1,3}}(?:(?:{sign}[0-9]{{3}})+|(?:{sign}[0-9]{{2}})+{sign}[0-9]{{3}})(?:{decimal}[0-9]*)?\\z"


def parse(text: str, format: NumberFormat | None = None) -> float | None:
    """Read one text as `number` does, without an engine.

    >>> parse("($1,234.50)", NumberFormat(thousands=","))
    -1234.5
    >>> parse("1.234,50") is None
    True
    """
    format = (format or NumberFormat()).checked()
    if format.decimal == "." and re.fullmatch(_python(PLAIN), text.strip(" \t")):
        return _float(text.strip(" \t"))
    for pattern, replacement in _rewriting(format):
        text = re.sub(_python(pattern), replacement, text)
    if format.thousands and re.search(_python(_grouped(format)), text):
        text = re.sub(SEPARATORS[format.thousands], "", text)
    if format.decimal == ",":
        text = "" if "." in text else text.replace(",", ".")
    return _float(text) if re.fullmatch(_python(PLAIN), text) else None


def _float(text: str) -> float | None:
    value = float(text)
    return value if abs(value) != float("inf") else None


def _python(pattern: str) -> str:
    return pattern.replace(r"\z", r"\Z")


EVERY = [NumberFormat(decimal, thousands) for thousands in (None, ",", ".", "blank", "'") for decimal in DECIMALS
         if thousands != decimal]  # fmt: skip


def proposals(values: Iterable[str]) -> list[NumberFormat]:
    """List the formats that read every value; several where the values do not tell them apart, that of groups first.

    Of ``1,234`` alone, a group of three digits is likelier in money than three decimals.

    >>> [format.overrides for format in proposals(["1.234,50", "7,00"])]
    [["dataset.decimal=','", "dataset.thousands='.'"]]
    """
    values = [value for value in values if value.strip()]
    fitting = [format for format in EVERY if all(parse(value, format) is not None for value in values)]
    # A sign that no value has is not worth declaring.
    needed = [one for one in fitting if not any(_simpler(other, one, values) for other in fitting)]
    return sorted(needed, key=lambda one: one.thousands is None) if values else []


def _simpler(other: NumberFormat, format: NumberFormat, values: list[str]) -> bool:
    if other == format or EVERY.index(other) > EVERY.index(format):
        return False
    return all(parse(value, other) == parse(value, format) for value in values)
