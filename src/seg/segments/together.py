"""What a segment buys together: pairs of products, or of categories, in one order."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

LEAST_ORDERS = 20  # with both items, below which a lift is chance
LEAST_CUSTOMERS = 10  # who ordered both: one customer's habit is no pattern
MOST_PAIRS = 8  # a segment and kind that are listed
Z = 1.96  # of a 95 % interval
BASKETS = ("kind", "item", "customer_id", "order_id")
COLUMNS = (
    "segment", "kind", "first", "second", "first_label", "second_label", "orders", "customers", "share_of_first", "lift", "low", "high",
)  # fmt: skip


def pairs(
    baskets: pd.DataFrame, orders: Mapping[int, int], segment: pd.Series, labels: Mapping[str, str]
) -> pd.DataFrame:
    """Find items that the customers of a segment order together more often than chance would have it.

    Parameters
    ----------
    baskets : DataFrame
        ``kind``, ``item``, ``customer_id``, ``order_id``: which order holds which item.
    orders : mapping of int to int
        Orders of each segment, those without any of the items too.
    segment : Series of int, index customer_id
    labels : mapping of str to str
        Descriptions of items.

    Returns
    -------
    DataFrame
        `COLUMNS`: orders with both items and customers who placed them, the share of the orders with the first item that hold the second, too, and ``lift``: how
        many times as often both are in one order as if they were bought independently, with its 95 % interval (delta method for a
        multinomial, of the logarithm). Only pairs in at least `LEAST_ORDERS` orders of `LEAST_CUSTOMERS` customers whose interval lies above 1,
        the highest lower ends first.
    """
    known = baskets.assign(segment=segment.reindex(baskets["customer_id"]).to_numpy()).dropna(
        subset=["segment"]
    )
    known = known[known["segment"] >= 0].astype({"segment": "int64"})
    tables = [
        _pairs(rows, int(orders.get(int(number), 0))).assign(segment=int(number), kind=kind)
        for (number, kind), rows in known.groupby(["segment", "kind"], sort=True)
    ]
    if not tables:
        return pd.DataFrame(columns=list(COLUMNS))
    table = pd.concat(tables, ignore_index=True)
    for side in ("first", "second"):
        table[f"{side}_label"] = [labels.get(item, "") for item in table[side]]
    return table[list(COLUMNS)]


def _pairs(rows: pd.DataFrame, n_orders: int) -> pd.DataFrame:
    """Measure the pairs of one segment and kind."""
    order, names = pd.factorize(rows["order_id"])[0], np.sort(rows["item"].unique())
    item = np.searchsorted(names, rows["item"].to_numpy(dtype=object))
    in_basket = np.zeros((order.max() + 1, len(names)), dtype="float32")
    in_basket[order, item] = 1
    both = (in_basket.T @ in_basket).astype("int64")
    first, second = np.nonzero(np.triu(both >= LEAST_ORDERS, 1))
    # The rarer item first: its share of orders with the other says more.
    swap = both[first, first] > both[second, second]
    first, second = np.where(swap, second, first), np.where(swap, first, second)
    counts = both[first, second]
    lift, low, high = lift_of_pairs(counts, both[first, first], both[second, second], n_orders)
    owner = pd.factorize(rows["customer_id"])[0]
    of_order = np.zeros(len(in_basket), dtype="int64")
    of_order[order] = owner
    table = pd.DataFrame(
        {"first": names[first], "second": names[second], "orders": counts,
         "share_of_first": counts / both[first, first], "lift": lift, "low": low, "high": high}
    )  # fmt: skip
    table = table.assign(place_first=first, place_second=second)[low > 1].sort_values("low", ascending=False)
    table = table.head(5 * MOST_PAIRS)
    table["customers"] = [
        len(np.unique(of_order[(in_basket[:, one] > 0) & (in_basket[:, other] > 0)]))
        for one, other in zip(table["place_first"], table["place_second"], strict=True)
    ]
    return table[table["customers"] >= LEAST_CUSTOMERS].head(MOST_PAIRS)


def lift_of_pairs(
    both: np.ndarray, first: np.ndarray, second: np.ndarray, n_orders: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Compute the lift of pairs with its 95 % interval.

    Parameters
    ----------
    both, first, second : ndarray of int
        Orders with both items, with the first, with the second.
    n_orders : int
        All orders.

    Returns
    -------
    lift, low, high : ndarray of float
    """
    n = max(n_orders, 1)
    lift = both * n / (first * second)
    variance = 1 / both - 1 / first - 1 / second + (2 * lift - 1) / n
    error = np.sqrt(np.maximum(variance, 0))
    return lift, lift * np.exp(-Z * error), lift * np.exp(Z * error)
