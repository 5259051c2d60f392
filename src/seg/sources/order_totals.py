"""Amounts that are the total of the order in each of its lines: their sum counts every order as often as it has lines."""

from __future__ import annotations

import pandas as pd
from ibis.expr import types as ir

from seg.engine import Engine

FEW = 20  # orders with several lines, and different totals among them, from which on a pattern is none of chance
MOST = 0.95  # share of the orders with several lines


def repeated_totals(engine: Engine, table: ir.Table) -> str | None:
    """Return a note where nearly every order with several lines has one amount in all of them.

    Parameters
    ----------
    engine : Engine
    table : ir.Table
        Order lines.

    Returns
    -------
    str or None
        None where the table has no orders, or their amounts differ.
    """
    if "order_id" not in table.columns:
        return None
    lines = table.filter(table.order_id.notnull() & (table.amount != 0))
    # Lines that are equal in every column have a note of their own. To drop them takes longer than all else, and can only lower the
    # share of orders with one amount: where it is too low with them, it is so without.
    if not _is_suspicious(_counted(engine, lines)):
        return None
    row = _counted(engine, lines.distinct())
    if not _is_suspicious(row):
        return None
    return (
        f"{int(row['same']):,} of {int(row['orders']):,} orders with several lines have the same amount in each of them: if it is the total of "
        f"the order, the lines count {row['more']:,.2f} too much; map the amount of a line (dataset.columns.amount), or quantity and unit_price"
    )


def _counted(engine: Engine, lines: ir.Table) -> pd.Series:
    orders = lines.group_by("order_id").aggregate(
        lines=lines.count(), least=lines.amount.min(), most=lines.amount.max()
    )
    several = orders.filter(orders.lines > 1)
    same = several.least == several.most
    return engine.collect(
        several.aggregate(
            orders=several.count(),
            same=same.sum(),
            totals=several.least.nunique(where=same),
            more=(several.least * (several.lines - 1)).sum(where=same),
        )
    ).iloc[0]


def _is_suspicious(row: pd.Series) -> bool:
    return pd.notna(row["same"]) and row["totals"] >= FEW and row["same"] >= MOST * row["orders"]
