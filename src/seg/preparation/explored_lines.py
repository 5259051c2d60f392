"""The tables that a look at order lines reads: each question goes to the smallest table that has its columns."""

from __future__ import annotations

from dataclasses import dataclass

import ibis
from ibis.expr import types as ir

from seg.cleaning.counting import TIMES
from seg.engine import Engine
from seg.sources.schema import Lookup

LARGE = 2_000_000  # rows; beyond, customers, quantiles and cohorts are estimated, which the page says
SAMPLED = 16  # of a large table, quantiles and cohorts are of every so many customers
NUMERIC = ("quantity", "unit_price", "amount", "rating", "helpful_votes")
KEYS = ("customer_id", "order_id")
OTHERS = ("ordered_at", "product_id", "country", "category", "verified")


@dataclass(frozen=True)
class Lines:
    """Order lines to look at.

    Parameters
    ----------
    tables : tuple of ir.Table
        The smallest first, the last one with all columns. A table that stands for equal lines once has their number in the
        column `seg.cleaning.counting.TIMES`.
    some : ir.Table
        Stored lines of every `factor`-th customer, with customers and orders as numbers.
    factor : int
        1 where `some` are all lines.
    rows : int
    """

    tables: tuple[ir.Table, ...]
    some: ir.Table
    factor: int
    rows: int

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the names of all columns."""
        return self.tables[-1].columns

    @property
    def sampled(self) -> bool:
        """Return True if `some` are not all lines."""
        return self.factor > 1

    def having(self, *columns: str) -> ir.Table:
        """Return the smallest table of all lines that has the columns."""
        return next(table for table in self.tables if set(columns) <= set(table.columns))


def lines_of(engine: Engine, table: ir.Table, lookup: Lookup | None = None) -> Lines:
    """Store what several questions read.

    Of a large table the lines of a sample of customers are stored, and the looked-up columns once for each key: no copy of all lines.

    Parameters
    ----------
    engine : Engine
    table : ir.Table
        Transactions as they were read.
    lookup : Lookup, optional
        How some of their columns are looked up.
    """
    own = table if lookup is None else lookup.table
    rows = int(engine.collect(own.aggregate(rows=own.count())).iloc[0, 0])
    if rows <= LARGE:
        some = engine.checkpoint(_narrow(table))
        return Lines((some, table), some, 1, rows)
    few = own.filter(own.customer_id.notnull() & (own.customer_id.hash() % SAMPLED == 0))
    some = engine.checkpoint(_narrow(few if lookup is None else lookup.join(few)))
    tables = (table,) if lookup is None else (_looked_up(engine, lookup), own, table)
    return Lines(tables, some, SAMPLED, rows)


def counted(table: ir.Table) -> ir.IntegerScalar:
    """Count the lines that a table stands for."""
    return table[TIMES].sum() if TIMES in table.columns else table.count()


def total(table: ir.Table, value: ir.Value) -> ir.Scalar:
    """Sum a value, or count the lines for which a condition holds."""
    if value.type().is_boolean():
        value = value.cast("int64")
    return (value * table[TIMES]).sum() if TIMES in table.columns else value.sum()


def _narrow(table: ir.Table) -> ir.Table:
    """Keep the columns that are looked at, with customers and orders as numbers."""
    keys = {
        name: table[name].isnull().ifelse(ibis.null("int64"), table[name].hash())
        for name in KEYS
        if name in table.columns
    }
    return table.select(
        **keys, **{name: table[name] for name in (*OTHERS, *NUMERIC) if name in table.columns}
    )


def _looked_up(engine: Engine, lookup: Lookup) -> ir.Table:
    """Store one row for each value of the key: how many lines have it, and the columns that are looked up by it."""
    own = lookup.table
    by_key = own.group_by(lookup.key).aggregate(**{TIMES: own.count()})
    blank = {
        name: ibis.null(own[name].type().copy(nullable=True)) for name in own.columns if name != lookup.key
    }
    return engine.checkpoint(lookup.join(by_key.mutate(**blank)).drop(*blank))
