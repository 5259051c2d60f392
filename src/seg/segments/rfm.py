"""Rule-based RFM: scores from 1 to 5 for recency, frequency and money, and rules that name a customer by them.

`RULES` are those of a published study of reviews (Amazon Electronics), to compare with; ``configs/rfm/`` holds them and others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise, product
from typing import Any

import numpy as np
import pandas as pd

from seg.errors import SegError

MEASURES = ("recency", "frequency", "money")
LETTERS = ("r", "f", "m")
SCORES = (1, 2, 3, 4, 5)
QUINTILES = (0.2, 0.4, 0.6, 0.8)
ANY = (1, 5)
# Name, then the lowest and the highest score of recency, frequency, money; the same as configs/rfm/amazon_electronics.yaml.
RULES = (
    ("Champions", (4, 5), (4, 5), (4, 5)),
    ("Loyal Customers", (3, 5), (4, 5), (3, 5)),
    ("Potential Loyalists", (4, 5), (2, 5), (2, 5)),
    ("New Customers", (5, 5), (1, 2), (1, 2)),
    ("Promising", (4, 5), (1, 2), (1, 2)),
    ("About to Sleep", (1, 2), (1, 2), (3, 5)),
    ("Hibernating", (1, 2), (1, 2), (1, 2)),
    ("Can't Lose Them", (1, 2), (4, 5), (4, 5)),
    ("At Risk", (1, 2), (3, 5), (3, 5)),
    ("Needs Attention", (1, 3), (1, 3), (1, 3)),
    ("Lost", ANY, ANY, ANY),
)
EXPECTED = (
    "quintiles, {quantiles: [four shares between 0 and 1]} or {bounds: [four numbers]}, in rising order"
)


@dataclass(frozen=True)
class Cut:
    """What parts the five scores of one measure.

    Parameters
    ----------
    kind : str
        ``quantiles``: shares of the customers; ``bounds``: values of the measure.
    points : tuple of four floats
        In rising order.
    """

    kind: str
    points: tuple[float, ...]

    def scores(self, values: np.ndarray, small_is_good: bool = False) -> np.ndarray:
        """Score values from 1 to 5; equal values always get equal scores.

        By quantiles, a score is one more than the number of points that the share of worse customers reaches. By bounds, a
        value on a bound counts as better: 30 days of bound 30 are recent, 5 orders of bound 5 are many.
        """
        values = np.asarray(values, dtype="float64")
        if np.isnan(values).any():
            raise ValueError(
                f"{int(np.isnan(values).sum())} values are missing, expected numbers: fill or drop them"
            )
        points = np.asarray(self.points)
        if self.kind == "bounds":
            if small_is_good:
                return 5 - np.searchsorted(points, values, side="left")
            return 1 + np.searchsorted(points, values, side="right")
        worse = (pd.Series(-values if small_is_good else values).rank(method="min").to_numpy() - 1) / max(
            len(values), 1
        )
        # A share such as 3 / 5 and its decimal 0.6 differ in the last digit.
        return 1 + np.searchsorted(points - 1e-12, worse, side="right")


@dataclass(frozen=True)
class RfmRule:
    """A name, and the lowest and the highest score of recency, frequency and money that it is for."""

    name: str
    r: tuple[int, int]
    f: tuple[int, int]
    m: tuple[int, int]

    def fits(self, r: np.ndarray, f: np.ndarray, m: np.ndarray) -> np.ndarray:
        """Return where the rule fits.

        Parameters
        ----------
        r, f, m : ndarray of shape (n,)
            Scores of recency, frequency and money, 1 to 5.

        Returns
        -------
        ndarray of bool of shape (n,)
        """
        pairs = ((r, self.r), (f, self.f), (m, self.m))
        return np.logical_and.reduce([(low <= score) & (score <= high) for score, (low, high) in pairs])


@dataclass(frozen=True)
class RfmBook:
    """Cut points and rules; every one of the 125 combinations of scores has exactly one name.

    Parameters
    ----------
    cuts : dict of str to Cut
        Of recency, frequency and money.
    rules : tuple of RfmRule
        In the order in which they are tried.
    """

    cuts: dict[str, Cut]
    rules: tuple[RfmRule, ...]

    @property
    def names(self) -> list[str]:
        """Names in the order of the rules."""
        return [rule.name for rule in self.rules]

    def name(self, r: np.ndarray, f: np.ndarray, m: np.ndarray) -> np.ndarray:
        """Return the rule segment of customers by their scores: the first rule that fits.

        Parameters
        ----------
        r, f, m : array of shape (n,)
            Scores of recency, frequency and money, 1 to 5.

        Returns
        -------
        ndarray of str of shape (n,)
            Empty where no rule fits.
        """
        scores = [np.asarray(score) for score in (r, f, m)]
        return np.select([rule.fits(*scores) for rule in self.rules], self.names, default="")

    def score(self, recency_days: pd.Series, orders: pd.Series, revenue: pd.Series) -> pd.DataFrame:
        """Score and name customers.

        Parameters
        ----------
        recency_days, orders, revenue : Series of shape (n_customers,)
            In original units, one index.

        Returns
        -------
        DataFrame of shape (n_customers, 5)
            ``r``, ``f``, ``m`` from 1 to 5 (5 is good), their text ``score`` such as "545", and ``rule_segment``.
        """
        columns = {
            letter: self.cuts[measure].scores(
                values.to_numpy(dtype="float64"), small_is_good=measure == "recency"
            )
            for letter, measure, values in zip(
                LETTERS, MEASURES, (recency_days, orders, revenue), strict=True
            )
        }
        table = pd.DataFrame(columns, index=recency_days.index)
        digits = 100 * table["r"] + 10 * table["f"] + table["m"]
        return table.assign(
            score=digits.astype(str), rule_segment=self.name(table["r"], table["f"], table["m"])
        )


def rfm(recency_days: pd.Series, orders: pd.Series, revenue: pd.Series) -> pd.DataFrame:
    """Score and name customers by the default rules.

    Parameters
    ----------
    recency_days, orders, revenue : Series of shape (n_customers,)
        In original units, one index.

    Returns
    -------
    DataFrame of shape (n_customers, 4)
        ``r``, ``f``, ``m`` from 1 to 5, and ``name``. 5 is good: ordered lately, often, for much.

    Notes
    -----
    Equal values get equal scores: a score is 1 plus five times the share of customers who are worse, rounded down. The
    study splits equal customers by ``ntile``, so that two customers of one order each get different frequency scores.
    Here they do not, and where most customers have one order, all of them have f = 1 and f = 2 may be nobody's.

    Examples
    --------
    >>> days, times, money = pd.Series([2, 9, 30, 80, 300]), pd.Series([9, 1, 4, 1, 1]), pd.Series([900, 15, 80, 200, 10])
    >>> rfm(days, times, money)
       r  f  m             name
    0  5  5  5        Champions
    1  4  1  2        Promising
    2  3  4  3  Loyal Customers
    3  2  1  4   About to Sleep
    4  1  1  1      Hibernating
    """
    scored = DEFAULT.score(recency_days, orders, revenue)
    return scored.drop(columns="score").rename(columns={"rule_segment": "name"})


def parse(section: Mapping[str, Any]) -> RfmBook:
    """Read and check cut points and rules.

    Parameters
    ----------
    section : mapping
        ``cuts`` and ``rules``, as in ``configs/rfm/default.yaml``.

    Raises
    ------
    SegError
        Cut points are not in rising order, a combination of scores has no rule, a rule can never be used, or two rules have
        one name.
    """
    cuts = section.get("cuts") or {}
    unknown = sorted(set(cuts) - set(MEASURES))
    if unknown:
        raise SegError(f"rfm.cuts.{unknown[0]}: unknown key; expected {', '.join(MEASURES)}")
    parsed = {measure: _cut(measure, cuts.get(measure, "quintiles")) for measure in MEASURES}
    rules = tuple(_rule(place, entry) for place, entry in enumerate(section.get("rules") or []))
    _check_names(rules)
    _check_cells(rules)
    return RfmBook(parsed, rules)


def _cut(measure: str, value: Any) -> Cut:
    if value == "quintiles":
        return Cut("quantiles", QUINTILES)
    kinds = set(value) if isinstance(value, Mapping) else set()
    if kinds not in ({"quantiles"}, {"bounds"}):
        raise SegError(f"rfm.cuts.{measure}={value}: expected {EXPECTED}")
    kind = kinds.pop()
    points = (
        list(value[kind]) if isinstance(value[kind], Sequence) and not isinstance(value[kind], str) else []
    )
    real = all(isinstance(point, (int, float)) and not isinstance(point, bool) for point in points)
    rising = real and all(low < high for low, high in pairwise(points))
    inside = rising and (kind == "bounds" or all(0 < point < 1 for point in points))
    if len(points) != 4 or not inside:
        raise SegError(f"rfm.cuts.{measure}={value[kind]}: expected {EXPECTED}")
    return Cut(kind, tuple(float(point) for point in points))


def _rule(place: int, entry: Any) -> RfmRule:
    where = f"rfm.rules[{place}]"
    if not isinstance(entry, Mapping) or not str(entry.get("name") or "").strip():
        raise SegError(
            f"{where}: expected a name and ranges r, f and m, such as {{name: Champions, r: [4, 5], f: [4, 5], m: [4, 5]}}"
        )
    where = f"{where} ({entry['name']})"
    unknown = sorted(set(entry) - {"name", *LETTERS})
    if unknown:
        raise SegError(f"{where}: unknown key {unknown[0]}; expected name, r, f, m")
    for letter in LETTERS:
        value = entry.get(letter, [1, 5])
        ends = list(value) if isinstance(value, Sequence) and not isinstance(value, str) else []
        if len(ends) != 2 or any(one not in SCORES for one in ends) or ends[0] > ends[1]:
            raise SegError(
                f"{where}: {letter}={value}; expected [lowest, highest] score from 1 to 5, such as [4, 5]"
            )
    return RfmRule(str(entry["name"]).strip(), *(tuple(entry.get(letter, (1, 5))) for letter in LETTERS))


def _check_names(rules: Sequence[RfmRule]) -> None:
    names: set[str] = set()
    for rule in rules:
        if rule.name.casefold() in names:
            raise SegError(f"rfm.rules: two rules are named {rule.name}; expected each name once")
        names.add(rule.name.casefold())


def _check_cells(rules: Sequence[RfmRule]) -> None:
    """Refuse rules that leave one of the 125 combinations of scores without a name, or never name one."""
    r, f, m = (np.array(column) for column in zip(*product(SCORES, repeat=3), strict=True))
    free = np.ones(len(r), dtype=bool)
    for rule in rules:
        fits = rule.fits(r, f, m) & free
        if not fits.any():
            raise SegError(
                f"rfm.rules: {rule.name} can never be used, rules before it fit first; move it up, or remove it"
            )
        free &= ~fits
    if free.any():
        first = f"r={r[free][0]}, f={f[free][0]}, m={m[free][0]}"
        raise SegError(
            f"rfm.rules: {int(free.sum())} of the 125 combinations of scores have no rule, such as {first}; add one as the last rule, "
            "such as {name: Others}"
        )


DEFAULT = RfmBook(
    {measure: Cut("quantiles", QUINTILES) for measure in MEASURES}, tuple(RfmRule(*rule) for rule in RULES)
)
