"""The group of each customer, such as the country, from a column of the orders or of a table of customers."""

from __future__ import annotations

import ibis
import pandas as pd
from ibis.expr import types as ir

from seg.engine import Engine
from seg.errors import SegError, listed

COMMON = "(common)"  # the model of small groups, and what its customers have as `model`


def collect(engine: Engine, table: ir.Table, by: str) -> pd.Series:
    """Return the group of each customer.

    A customer of several groups belongs to the group of most of its orders; of groups with equally many orders, to the one
    of the latest order, then to the first by name. Returns and orders without a group do not count.

    Parameters
    ----------
    engine : Engine
    table : ir.Table
        Cleaned transactions or customers.
    by : str
        Column of the groups.

    Returns
    -------
    Series of str, index customer_id
        Without customers for whom no group is known.

    Raises
    ------
    SegError
        The table has no such column.
    """
    if by not in table.columns:
        raise SegError(
            f"by={by}: the data have no such column; expected one of {listed(by, table.columns, most=20)}"
        )
    rows = _of_orders(table, by) if "is_return" in table.columns else _named(table, by)
    frame = engine.collect(rows.select("customer_id", "group"))
    return frame.set_index("customer_id")["group"].astype("str")


def alike(groups: pd.Series) -> list[list[str]]:
    """Return the names of groups that differ by case alone, the largest group first.

    >>> alike(pd.Series(["FR", "fr", "FR", "DE"]))
    [['FR', 'fr']]
    """
    names = groups.value_counts().index.to_series()
    return [list(same) for _, same in names.groupby(names.str.casefold()) if len(same) > 1]


def _named(table: ir.Table, by: str) -> ir.Table:
    """Add the group as text, and leave out rows without a customer or a group."""
    named = table.mutate(group=table[by].cast("string").strip())
    complete = named.group.notnull() & (named.group != "") & named.customer_id.notnull()
    return named.filter(complete)


def _of_orders(lines: ir.Table, by: str) -> ir.Table:
    bought = _named(lines.filter(~lines.is_return), by)
    orders = bought.order_id.nunique() if "order_id" in lines.columns else bought.count()
    counts = bought.group_by(["customer_id", "group"]).aggregate(orders=orders, last=bought.ordered_at.max())
    order = [counts.orders.desc(), counts["last"].desc(), counts.group.asc()]
    place = ibis.row_number().over(group_by="customer_id", order_by=order)
    ranked = counts.mutate(place=place)
    return ranked.filter(ranked.place == 0)
