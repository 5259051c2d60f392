"""What segments buy and how their customers move: months, lift of products, a revenue tree, new and lapsed customers."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

LEAST_BUYERS = 20  # of an item in a segment, below which a lift is chance
MOST_ITEMS = 8  # a segment that are listed
Z = 1.96  # of a 95 % interval
PERIOD = 3  # months that new, repeat, returning and lapsed customers are told apart by
STATUS = ("new", "repeat", "returning", "lapsed")


def by_month(months: pd.DataFrame, segment: pd.Series) -> dict[str, pd.DataFrame]:
    """Sum revenue, orders and customers of each segment and month.

    Parameters
    ----------
    months : DataFrame
        ``customer_id``, ``month``, ``revenue``, ``orders``.
    segment : Series of int, index customer_id

    Returns
    -------
    dict of str to DataFrame
        Segments by months, for ``revenue``, ``orders`` and ``customers``; a month without purchases is 0.
    """
    purchases = months.assign(segment=segment.reindex(months["customer_id"]).to_numpy(), customers=1)
    purchases = purchases.dropna(subset=["segment"]).astype({"segment": "int64"})
    return {
        what: purchases.pivot_table(
            index="segment", columns="month", values=what, aggfunc="sum", fill_value=0
        )
        for what in ("revenue", "orders", "customers")
    }


def lift(items: pd.DataFrame, segment: pd.Series, labels: Mapping[str, str]) -> pd.DataFrame:
    """Find what a segment buys more often than all other customers.

    Parameters
    ----------
    items : DataFrame
        ``kind``, ``item``, ``customer_id``: who bought what.
    segment : Series of int, index customer_id
    labels : mapping of str to str
        Descriptions of items.

    Returns
    -------
    DataFrame
        ``segment``, ``kind``, ``item``, ``label``, ``buyers`` in the segment, ``share`` of the segment and of the ``others`` who bought
        it, ``lift`` (their ratio) with its 95 % interval ``low`` to ``high`` (Katz et al. 1978, of the logarithm). Only items with
        at least `LEAST_BUYERS` buyers whose interval lies above 1, the highest lower ends first.
    """
    purchases = items.assign(segment=segment.reindex(items["customer_id"]).to_numpy()).dropna(
        subset=["segment"]
    )
    sizes = segment[segment >= 0].value_counts()
    counts = purchases.groupby(["kind", "item", "segment"]).size().rename("buyers").reset_index()
    counts = counts[counts["segment"] >= 0].astype({"segment": "int64"})
    everyone = purchases.groupby(["kind", "item"]).size().rename("all").reset_index()
    table = counts.merge(everyone, on=["kind", "item"])
    size = table["segment"].map(sizes)
    rest = len(segment) - size
    table["share"] = table["buyers"] / size
    table["others"] = (table["all"] - table["buyers"]) / rest.where(rest > 0)
    table["lift"] = table["share"] / table["others"].where(table["others"] > 0)
    error = np.sqrt(
        1 / table["buyers"]
        - 1 / size
        + 1 / (table["all"] - table["buyers"]).where(table["others"] > 0)
        - 1 / rest
    )
    table["low"], table["high"] = table["lift"] * np.exp(-Z * error), table["lift"] * np.exp(Z * error)
    table = table[(table["buyers"] >= LEAST_BUYERS) & (table["low"] > 1)]
    table = table.sort_values(["segment", "kind", "low"], ascending=[True, True, False])
    table = table.groupby(["segment", "kind"], sort=False).head(MOST_ITEMS).reset_index(drop=True)
    table.insert(3, "label", [labels.get(item, "") for item in table["item"]])
    return table[["segment", "kind", "item", "label", "buyers", "share", "others", "lift", "low", "high"]]


def revenue_tree(months: pd.DataFrame, segment: pd.Series) -> pd.DataFrame:
    """Take the revenue of each segment apart: customers x orders a customer x pieces an order x revenue a piece.

    Parameters
    ----------
    months : DataFrame
        ``customer_id``, ``revenue``, ``orders``, ``lines`` and, where they are known, ``pieces`` (else lines are counted).
    segment : Series of int, index customer_id

    Returns
    -------
    DataFrame
        One row a segment: ``customers``, ``orders_per_customer``, ``pieces_per_order``, ``revenue_per_piece``, ``revenue`` (their
        product), ``revenue_per_customer``, and ``times_...``: each factor over that of all customers; the three multiply to
        ``times_revenue_per_customer``.
    """
    pieces = "pieces" if "pieces" in months else "lines"
    purchases = months.assign(segment=segment.reindex(months["customer_id"]).to_numpy()).dropna(
        subset=["segment"]
    )
    sums = purchases.groupby("segment")[["orders", pieces, "revenue"]].sum()
    sums.index = sums.index.astype("int64")
    sizes = segment.value_counts().reindex(sums.index)
    table, overall = _factors(sizes, sums, pieces), _factors(sizes.sum(), sums.sum(), pieces)
    for factor in ("orders_per_customer", "pieces_per_order", "revenue_per_piece", "revenue_per_customer"):
        table[f"times_{factor}"] = table[factor] / overall[factor]
    return table.rename_axis("segment").reset_index()


def status(months: pd.DataFrame, segment: pd.Series) -> pd.DataFrame:
    """Count new, repeat, returning and lapsed customers of the last period of `PERIOD` months by segment.

    New: first purchase in the period. Repeat: bought in the period before, too. Returning: bought earlier, not in the period
    before. Lapsed: bought in the period before, and not in the last one.

    Returns
    -------
    DataFrame
        One row a segment with a column for each of `STATUS`; empty if the purchases span fewer than two periods.
    """
    # Before the year 1000, engines spell a year with as few digits as it has.
    year, month = (months["month"].str.split("-").str[place].astype("int64") for place in (0, 1))
    ago = (12 * year + month).max() - (12 * year + month)
    if ago.max() < 2 * PERIOD - 1:
        return pd.DataFrame(columns=["segment", *STATUS])
    place = pd.Series(np.minimum(ago // PERIOD, 2).to_numpy(), index=months["customer_id"])
    buyers = {when: place.index[place == when].unique() for when in (0, 1, 2)}
    customers = segment.index
    now, before, earlier = (customers.isin(buyers[when]) for when in (0, 1, 2))
    flags = {
        "new": now & ~before & ~earlier,
        "repeat": now & before,
        "returning": now & ~before & earlier,
        "lapsed": ~now & before,
    }
    table = pd.DataFrame(flags, index=customers).groupby(segment.to_numpy()).sum()
    return table.rename_axis("segment").reset_index()


def _factors(customers: pd.Series, sums: pd.DataFrame | pd.Series, pieces: str) -> pd.DataFrame | dict:
    groups = {
        "customers": customers,
        "orders_per_customer": sums["orders"] / customers,
        "pieces_per_order": sums[pieces] / sums["orders"],
        "revenue_per_piece": sums["revenue"] / sums[pieces],
        "revenue": sums["revenue"],
        "revenue_per_customer": sums["revenue"] / customers,
    }
    return pd.DataFrame(groups) if isinstance(customers, pd.Series) else groups
