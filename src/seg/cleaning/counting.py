"""Rows, customers and revenue before filters and after each of them, in one pass over a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import ibis
import pandas as pd
from ibis.expr import types as ir

from seg.engine import Engine
from seg.errors import SegError

TIMES = "_times"  # how often a row of a table that holds equal ones once has come


@dataclass(frozen=True)
class Line:
    """A line of the ledger to come: its step and, of a filter, the column that says which rows it keeps."""

    name: str
    keep: str | None = None
    undecided: str | None = None


def states(engine: Engine, table: ir.Table, filters: Sequence[Line], complete: bool) -> list[tuple]:
    """Count rows, customers and revenue before the filters and after each.

    A row's depth is the number of filters that it passes before the first that it does not; a customer's is that of the
    deepest of its rows. So one aggregate by customer counts exactly after every filter.

    Parameters
    ----------
    engine : Engine
    table : ir.Table
        The rows before the filters.
    filters : sequence of Line
        In the order in which they are applied.
    complete : bool
        Whether to count customers and revenue too; otherwise they are missing.

    Returns
    -------
    list of tuple
        Rows, customers, revenue (in the currency of the data) before the first filter and after each.
    """
    table = with_depth(table, filters)
    money = _money(table)
    revenue = {"revenue": money.sum()} if complete and money is not None else {}
    by_depth = depths(engine, table, filters, revenue)
    rows = passed(by_depth, filters)
    if not complete:
        return [(count, pd.NA, float("nan")) for count in rows]
    named = table.filter(table.customer_id.notnull())
    deepest = named.group_by("customer_id").aggregate(_depth=named._depth.max())
    people = engine.collect(deepest.group_by("_depth").aggregate(customers=deepest.count()))
    people = people.set_index("_depth").reindex(by_depth.index).fillna(0)["customers"]
    spent = _from_the_end(by_depth["revenue"].fillna(0)) if revenue else [float("nan")] * len(rows)
    return [(int(r), int(c), _rounded(m)) for r, c, m in zip(rows, _from_the_end(people), spent, strict=True)]


def with_depth(table: ir.Table, filters: Sequence[Line]) -> ir.Table:
    """Add to each row the number of filters that it passes before the first that it does not."""
    depth = ibis.literal(len(filters))
    for place in reversed(range(len(filters))):
        depth = table[filters[place].keep].fill_null(False).ifelse(depth, place)
    return table.mutate(_depth=depth.cast("int64"))


def depths(engine: Engine, table: ir.Table, filters: Sequence[Line], further: Mapping) -> pd.DataFrame:
    """Count rows by depth, with further aggregates, and the rows of which a filter does not know.

    Parameters
    ----------
    engine : Engine
    table : ir.Table
        With the column ``_depth``.
    filters : sequence of Line
        Those that may be undecided get a column ``unknown_<place>``.
    further : mapping of str to ir.Value
        Aggregates to compute in the same pass, by the name of their column.

    Returns
    -------
    DataFrame
        Indexed by depth, 0 to the number of filters; NaN for a depth that no row has.
    """
    unknown = {
        f"unknown_{place}": table[line.keep].isnull().sum()
        for place, line in enumerate(filters)
        if line.undecided
    }
    by_depth = engine.collect(table.group_by("_depth").aggregate(rows=table.count(), **unknown, **further))
    return by_depth.set_index("_depth").reindex(range(len(filters) + 1))


def passed(by_depth: pd.DataFrame, filters: Sequence[Line]) -> list[int]:
    """Count rows before the filters and after each, once it is sure that these could decide."""
    names = [name for name in by_depth if name == "rows" or name.startswith("unknown_")]
    by_depth = by_depth[names].fillna(0)
    _check_decided(by_depth, filters)
    return [int(count) for count in _from_the_end(by_depth["rows"])]


def _check_decided(by_depth: pd.DataFrame, filters: Sequence[Line]) -> None:
    for place, line in enumerate(filters):
        if line.undecided and by_depth.loc[place, f"unknown_{place}"]:
            reached = int(_from_the_end(by_depth["rows"])[place])
            unknown = int(by_depth.loc[place, f"unknown_{place}"])
            raise SegError(f"cleaning step {line.name}: of {reached:,} rows {unknown:,} {line.undecided}")


def _from_the_end(values: pd.Series) -> list:
    """Sum from each place to the end: what has passed so many filters has passed fewer too."""
    return list(values[::-1].cumsum()[::-1])


def state(engine: Engine, table: ir.Table, customers=pd.NA) -> tuple:
    """Count rows, customers where they are not known, and revenue; of merged rows each as often as it came.

    Parameters
    ----------
    engine : Engine
    table : ir.Table
        Merged rows carry their number in the column `TIMES`.
    customers : int, optional
        Their number where it is known already.

    Returns
    -------
    tuple
        Rows, customers, revenue; the revenue is NaN for a table without amounts.
    """
    times = table[TIMES] if TIMES in table.columns else ibis.literal(1)
    counts = {"rows": times.sum().fill_null(0) if TIMES in table.columns else table.count()}
    if pd.isna(customers):
        counts["customers"] = table.customer_id.nunique()
    money = _money(table)
    if money is not None:
        counts["revenue"] = (money * times).sum().fill_null(0)
    row = engine.collect(table.aggregate(**counts)).iloc[0]
    people = int(row.get("customers", customers))
    return int(row["rows"]), people, _rounded(row.get("revenue", float("nan")))


def _money(table: ir.Table) -> ir.Value | None:
    return next((table[name] for name in ("amount", "revenue") if name in table.columns), None)


def _rounded(money: float) -> float:
    return float(f"{money:.12g}")
