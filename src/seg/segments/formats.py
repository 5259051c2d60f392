"""Numbers as people read them, by locale: separators, percentages, and short forms."""

from __future__ import annotations

import numbers
import re
from dataclasses import dataclass

import numpy as np
import pandas as pd

from seg.errors import SegError

UNKNOWN, MINUS = "\N{EN DASH}", "\N{MINUS SIGN}"
NO_BREAK = "\N{NO-BREAK SPACE}"
# Numbers and percentages in a sentence; not dates, versions, DOIs, numbers inside of words, or values of options.
_IN_TEXT = re.compile(
    r"(?<![\w.:/=])(?<!\w-)(?P<number>\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+\.\d+|\d+(?=[ \u00a0]?%))(?P<percent>[ \u00a0]?%)?(?![\w/]|\.\d|,\d)"
)


@dataclass(frozen=True)
class Locale:
    """How numbers are written in a language.

    Parameters
    ----------
    code : str
        Of the language, as in `LOCALES`.
    decimal, thousands : str
        The two separators.
    percentage : str
        Pattern around the digits of a percentage.
    """

    code: str
    decimal: str = "."
    thousands: str = ","
    percentage: str = "{}" + NO_BREAK + "%"

    def number(self, value: object) -> str:
        """Write a number with separators and sensible digits; other objects as they are.

        >>> [LOCALES["en"].number(value) for value in (19945, 4123.456, 152.34, 12.345, 0.4123, 0.00012345, None)]
        ['19,945', '4,123', '152.3', '12.35', '0.412', '0.00012', '\N{EN DASH}']
        >>> [LOCALES["de"].number(value) for value in (19945, 152.34)]
        ['19.945', '152,3']
        """
        if value is None or value is pd.NA or value is pd.NaT:
            return UNKNOWN
        if isinstance(value, (bool, np.bool_)) or not isinstance(value, numbers.Real):
            return str(value)
        if np.isnan(value):
            return UNKNOWN
        if np.isinf(value):
            return "∞" if value > 0 else f"{MINUS}∞"
        return self.written(_digits(float(value) if not isinstance(value, numbers.Integral) else int(value)))

    def percent(self, share: float) -> str:
        """Write a share of 1 as a percentage with sensible digits, a dash if it is unknown.

        >>> [LOCALES["en"].percent(share).replace(NO_BREAK, " ") for share in (0.413, 0.0713, 0.0002, 0)]
        ['41 %', '7.1 %', '< 0.1 %', '0 %']
        >>> [LOCALES["tr"].percent(share) for share in (0.413, 0.0713)]
        ['%41', '%7,1']
        """
        if share is None or not np.isfinite(share):
            return UNKNOWN
        if 0 < share < 0.001:
            return f"<{NO_BREAK}{self.percentage.format(self.written('0.1'))}"
        digits = f"{100 * share:.0f}" if share >= 0.0995 or share == 0 else f"{100 * share:.1f}"
        return self.percentage.format(self.written(digits))

    def compact(self, value: float) -> str:
        """Write a number in at most about five characters.

        >>> [LOCALES["en"].compact(value) for value in (1234, 3_400_000, 57.3, 0.3412)]
        ['1.2k', '3.4M', '57', '0.34']
        """
        if not np.isfinite(value):
            return UNKNOWN if np.isnan(value) else ("∞" if value > 0 else f"{MINUS}∞")
        for divisor, suffix in ((1e9, "B"), (1e6, "M"), (1e3, "k"), (1.0, "")):
            scaled = value / divisor
            if abs(scaled) >= 0.9995:
                text = f"{scaled:.0f}" if abs(scaled) >= 9.95 else f"{scaled:.1f}".removesuffix(".0")
                return self.written(text) + suffix
        return self.written(f"{value:.2g}")

    def fixed(self, value: float, places: int) -> str:
        """Write a number with so many digits after the point, a dash if it is unknown.

        >>> LOCALES["de"].fixed(6.47, 1)
        '6,5'
        """
        return self.written(f"{value:,.{places}f}") if np.isfinite(value) else UNKNOWN

    def money(self, value: float, currency: str | None) -> str:
        """Write an amount with its currency, without digits behind the point from 100 on.

        >>> LOCALES["en"].money(1234.56, "EUR").replace(NO_BREAK, " ")
        '1,235 EUR'
        """
        text = self.number(round(value) if np.isfinite(value) and abs(value) >= 100 else value)
        return f"{text}{NO_BREAK}{currency}" if currency else text

    def prose(self, english: str) -> str:
        r"""Write the numbers and percentages of an English sentence as this locale does.

        >>> LOCALES["de"].prose("p = 0.048 of 1,200 draws since 2011-09-10 (doi 10.1145/2535927), 95 % of 3")
        'p = 0,048 of 1.200 draws since 2011-09-10 (doi 10.1145/2535927), 95\xa0% of 3'
        >>> LOCALES["tr"].prose("70% or more, 4.9 % lost; evaluation.null=20")
        '%70 or more, %4,9 lost; evaluation.null=20'
        """

        def of_match(match: re.Match[str]) -> str:
            text = self.written(match["number"])
            return self.percentage.format(text) if match["percent"] else text

        return _IN_TEXT.sub(of_match, english)

    def written(self, english: str) -> str:
        """Turn a number with English separators into one of this locale."""
        swapped = english.translate(str.maketrans({",": self.thousands, ".": self.decimal}))
        return swapped.replace("-", MINUS)


LOCALES = {
    locale.code: locale
    for locale in (
        Locale("en"),
        Locale("de", ",", "."),
        Locale("tr", ",", ".", "%{}"),
        Locale("pt", ",", ".", "{}%"),
    )
}
ENGLISH = LOCALES["en"]


def locale(code: str) -> Locale:
    """Return a locale by its code.

    Raises
    ------
    SegError
        There is none of that code.
    """
    if code not in LOCALES:
        raise SegError(f"report.locale={code}: expected one of {', '.join(LOCALES)}")
    return LOCALES[code]


def _digits(value: float) -> str:
    size = abs(value)
    if value == int(value) or size >= 1000:
        return f"{value:,.0f}"
    if value == round(value, 1):  # medians of counts lie half way: 3.5, not 3.500
        return f"{value:.1f}"
    for least, places in ((100, 1), (10, 2), (0.01, 3)):
        if size >= least:
            return f"{value:.{places}f}"
    return f"{value:.2g}"
