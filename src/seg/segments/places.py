"""Where each segment lies among all customers: the measures that the conditions of a playbook refer to.

A measure is a place or a share, so that a condition holds for any currency and any number of customers.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from seg.segments import usual_gap

NOISE = -1
SIZE, MONEY_SHARE, MONEY_EACH = "size", "money_share", "money_each"
# Days and orders that mean the same in every shop.
NEW = 180  # days after the first order in which a customer is new
YEAR = 365  # days after which the season of the first order has come round
MONTHLY = 45  # days between two orders of a customer who orders every month or so
FEW = 2  # orders of a customer who has not got used to the shop yet


@dataclass(frozen=True)
class Measure:
    """One measure of a segment, from 0 to 1.

    Parameters
    ----------
    name : str
        Name in a condition.
    columns : tuple of str
        Features that may serve, the first that the table has.
    meaning : str
        What 0 and 1 mean.
    less, more : str
        Words for a segment that lies lower, or higher, than another one.
    kind : str
        ``place``: mean of the customers' places among all customers, 0 for the lowest value and 1 for the highest, equal
        values in the middle of their places. ``share``: mean of a feature between 0 and 1. ``above`` and ``within``: share of
        the customers with a value above `limit`, or of at most `limit`. ``one``: share of the customers with a value of exactly 1.
        ``ratio``: mean of value / (1 + value), 0.5 where the value is 1.
    reverse : bool
        Whether a small value is the high end (days since the last order).
    limit : float
        Of the kinds ``above`` and ``within``.
    needs : tuple of str
        Features from the glossary that give the measure where the table has none of `columns`; the first of `columns` if empty.
    """

    name: str
    columns: tuple[str, ...]
    meaning: str
    less: str
    more: str
    kind: str = "place"
    reverse: bool = False
    limit: float = 0.0
    needs: tuple[str, ...] = ()


_GAP = ("orders", "recency_days", "span_days")
MEASURES = {
    measure.name: measure
    for measure in (
        Measure("recency", ("recency_days", "elapsed_days"), "0 ordered longest ago, 1 most recently",
                "longer ago", "more recent", reverse=True),
        Measure("frequency", ("orders",), "0 fewest orders, 1 most", "fewer orders", "more orders"),
        Measure("money", ("revenue", "net_revenue"), "0 lowest spend, 1 highest", "lower spend", "higher spend"),
        Measure("tenure", ("tenure_days",), "0 newest customers, 1 oldest", "newer", "longer known"),
        Measure("newcomers", ("tenure_days",), f"share of the customers whose first order is at most {NEW} days old",
                "fewer newcomers", "more newcomers", kind="within", limit=NEW),
        Measure("veterans", ("tenure_days",), f"share of the customers whose first order is more than {YEAR} days old",
                "fewer known for a year", "more known for a year", kind="above", limit=YEAR),
        Measure("basket", ("average_basket",), "0 smallest orders, 1 largest", "smaller orders", "larger orders"),
        Measure("breadth", ("category_count", "products"), "0 narrowest choice, 1 broadest",
                "narrower choice", "broader choice"),
        Measure("pieces", ("quantity_per_order",), "0 fewest pieces an order, 1 most", "fewer pieces", "more pieces"),
        Measure("price", ("average_unit_price",), "0 cheapest products, 1 dearest", "cheaper products",
                "dearer products"),
        Measure("rating", ("mean_rating",), "0 lowest ratings, 1 highest", "lower ratings", "higher ratings"),
        Measure("helpful", ("helpful_votes",), "0 fewest helpful votes, 1 most", "fewer votes", "more votes"),
        Measure("online", ("online_share",), "share of the orders placed online", "more in the shop", "more online",
                kind="share"),
        Measure("returns", ("returns", "return_rate"), "share of the customers who returned goods", "fewer returns",
                "more returns", kind="above"),
        Measure("waited", ("gaps_waited",), "days since the last order against the customer's usual gap between orders: 0.5 as long, "
                "0.67 twice as long", "waited less", "waited longer", kind="ratio", needs=_GAP),
        Measure("regulars", ("usual_gap",), f"share of the customers whose usual gap between orders is at most {MONTHLY} days",
                "fewer who order monthly", "more who order monthly", kind="within", limit=MONTHLY, needs=_GAP),
        Measure("beginners", ("orders",), f"share of the customers with at most {FEW} orders", "fewer beginners",
                "more beginners", kind="within", limit=FEW),
        Measure("single", ("orders",), "share of the customers with one order", "more with several orders",
                "more with one order", kind="one"),
    )
}  # fmt: skip
OF_SEGMENT = {
    SIZE: "share of all customers",
    MONEY_SHARE: "share of the revenue",
    MONEY_EACH: "mean spend of a customer, 0.5 where it is that of all customers and 0.67 where it is twice as much",
}


def meaning(name: str) -> str:
    """Return what 0 and 1 mean for a measure or a feature."""
    if name in MEASURES:
        return MEASURES[name].meaning
    return OF_SEGMENT.get(name, f"0 lowest {name}, 1 highest")


def words(name: str) -> tuple[str, str]:
    """Return the words for lower and for higher."""
    if name in MEASURES:
        return MEASURES[name].less, MEASURES[name].more
    readable = name.replace("_", " ")
    return f"lower {readable}", f"higher {readable}"


def available(columns: Iterable[str]) -> list[str]:
    """List the named measures that a table with these columns has."""
    there = {*columns, *_derivable(set(columns))}
    return [name for name, measure in MEASURES.items() if there.intersection(measure.columns)]


def lacking(names: Iterable[str], columns: Iterable[str]) -> dict[str, tuple[tuple[str, ...], ...]]:
    """Return the features that measures need beside a table with these columns, one way or another.

    Parameters
    ----------
    names : iterable of str
        Measures or features.
    columns : iterable of str
        Of the table.

    Returns
    -------
    dict of str to tuple of tuple of str
        By measure the ways to compute it, the best first; a measure that the table gives is left out.

    >>> lacking(["money", "waited", "breadth"], ["orders", "revenue", "recency_days"])
    {'waited': (('orders', 'recency_days', 'span_days'),), 'breadth': (('category_count',), ('products',))}
    """
    there = set(columns) | _derivable(set(columns))
    asked = {name: MEASURES.get(name, Measure(name, (name,), "", "", "")) for name in names}
    return {
        name: (one.needs,) if one.needs else tuple((column,) for column in one.columns)
        for name, one in asked.items()
        if not there & set(one.columns)
    }


def places(frame: pd.DataFrame, labels: np.ndarray, names: Iterable[str]) -> pd.DataFrame:
    """Compute the measures of every segment.

    Parameters
    ----------
    frame : DataFrame of shape (n_customers, n_columns)
        Features in original units.
    labels : ndarray of shape (n_customers,)
        Segment of each customer; noise (-1) counts among all customers but has no row.
    names : iterable of str
        Measures or features; those that the table does not have are left out.

    Returns
    -------
    DataFrame, index segment
        One column a measure, values from 0 to 1.
    """
    labels = np.asarray(labels)
    members = labels != NOISE
    segments = np.unique(labels[members])
    table, known = {}, with_derived(frame)
    for name in dict.fromkeys(names):
        values = _of_customers(known, name)
        if values is not None:
            sums = pd.Series(values[members]).groupby(labels[members]).mean()
            table[name] = sums.reindex(segments).to_numpy()
    return pd.DataFrame(table, index=pd.Index(segments, name="segment"))


def of_customers(frame: pd.DataFrame, name: str) -> np.ndarray | None:
    """Return what each customer adds to a measure, None if the table does not give it."""
    return _of_customers(with_derived(frame), name)


def with_derived(frame: pd.DataFrame) -> pd.DataFrame:
    """Add the features that follow from others: tenure, the average order, and the wait in usual gaps."""
    derived = _derivable(set(frame.columns))
    added = {}
    if "tenure_days" in derived:
        added["tenure_days"] = frame["recency_days"] + frame["span_days"]
    if "average_basket" in derived:
        added["average_basket"] = (frame["revenue"] / frame["orders"].where(frame["orders"] > 0)).fillna(0.0)
    if "gaps_waited" in derived:
        added["gaps_waited"] = usual_gap.waited(frame)
        added["usual_gap"] = usual_gap.usual(frame)
    return frame.assign(**added) if added else frame


def _derivable(columns: set[str]) -> set[str]:
    derivable = set()
    if {"recency_days", "span_days"} <= columns and "tenure_days" not in columns:
        derivable.add("tenure_days")
    if {"revenue", "orders"} <= columns and "average_basket" not in columns:
        derivable.add("average_basket")
    if usual_gap.is_known(columns):
        derivable |= {"gaps_waited", "usual_gap"}
    return derivable


def _of_customers(frame: pd.DataFrame, name: str) -> np.ndarray | None:
    measure = MEASURES.get(name, Measure(name, (name,), "", "", ""))
    column = next((one for one in measure.columns if one in frame.columns), None)
    if column is None:
        return None
    values = frame[column].to_numpy(dtype="float64")
    if measure.kind == "share":
        return values.clip(0, 1)
    if measure.kind == "ratio":
        return values / (1 + values)
    if measure.kind in ("above", "one", "within"):
        holds = {"above": values > measure.limit, "one": values == 1, "within": values <= measure.limit}
        return holds[measure.kind].astype("float64")
    ranked = (pd.Series(-values if measure.reverse else values).rank().to_numpy() - 0.5) / len(values)
    return ranked
