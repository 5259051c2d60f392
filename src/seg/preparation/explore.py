"""Look at a data set before clustering: counts, gaps, distributions, who buys what and when; aggregates only.

Everything is one Ibis definition for both engines. No table here has a row of a single customer.
"""

from __future__ import annotations

from dataclasses import dataclass

import ibis
import numpy as np
import pandas as pd
from ibis.expr import types as ir

from seg.engine import Engine
from seg.preparation import line_divisions, line_statistics
from seg.preparation.explored_lines import Lines, lines_of
from seg.sources.schema import Lookup


@dataclass(frozen=True)
class Looked:
    """What was measured of the order lines.

    Parameters
    ----------
    facts : DataFrame
        ``what``, ``value``: rows, customers, days, revenue, duplicates, returns, prices.
    missing : DataFrame
        ``column``, ``missing``, ``share``.
    described : DataFrame
        One row a numeric column: count, min, max, range, mean, median, std, variance, variation, skewness, and quantiles.
    histograms : dict of str to DataFrame
        ``from``, ``to``, ``rows`` of each numeric column, between its 1st and 99th percentile.
    divisions : dict of str to DataFrame
        ``rows``, ``customers``, ``revenue`` by country, category, product, month, week day and hour.
    ratings : DataFrame or None
        Reviews by rating, verified or not.
    cohorts : DataFrame or None
        Customers of each period of first order (rows) who ordered so many periods later (columns).
    factor : int
        Quantiles, histograms, cohorts, counterparts and the customers of groups are those of every so many customers; 1: of all.
    """

    facts: pd.DataFrame
    missing: pd.DataFrame
    described: pd.DataFrame
    histograms: dict[str, pd.DataFrame]
    divisions: dict[str, pd.DataFrame]
    ratings: pd.DataFrame | None
    cohorts: pd.DataFrame | None
    factor: int


def look(engine: Engine, table: ir.Table, lookup: Lookup | None = None) -> Looked:
    """Measure the order lines of a data set.

    Parameters
    ----------
    engine : Engine
    table : ir.Table
        Transactions as they were read, with or without ``is_return``.
    lookup : Lookup, optional
        How some of their columns are looked up: then a large table is joined once for each value of the key.
    """
    lines = lines_of(engine, table, lookup)
    quantiles = line_statistics.quantiles(engine, lines)
    around = quantiles["p50"].fillna(0.0).to_dict() if len(quantiles) else {}
    numbers = line_statistics.totals(engine, lines, around)
    described = line_statistics.described(numbers, quantiles, around)
    return Looked(
        facts=_facts(engine, lines, numbers),
        missing=_missing(numbers, lines),
        described=described,
        histograms={
            name: line_statistics.histogram(engine, lines, row) for name, row in described.iterrows()
        },
        divisions=line_divisions.divisions(engine, lines),
        ratings=line_divisions.ratings(engine, lines),
        cohorts=line_divisions.cohorts(engine, lines),
        factor=lines.factor,
    )


def _facts(engine: Engine, lines: Lines, numbers: pd.Series) -> pd.DataFrame:
    listed = {"rows": "rows", "customers": "customer_id distinct", "products": "product_id distinct", "orders": "order_id distinct",
              "first order": "ordered_at first", "last order": "ordered_at last", "revenue": "amount sum",
              "lines without a customer": "customer_id missing", "lines with a negative quantity": "quantity negative",
              "lines with price 0": "unit_price zero", "lines with a negative price": "unit_price negative"}  # fmt: skip
    if "unit_price" not in lines.columns:
        listed["lines with amount 0"] = "amount zero"
    values = {"rows": lines.rows, **numbers}
    facts = {what: values[name] for what, name in listed.items() if name in values}
    facts["duplicate lines"] = _duplicates(engine, lines)
    if facts.get("lines with a negative quantity"):
        facts["negative lines with a counterpart"] = _counterparts(engine, lines)
    return pd.DataFrame({"what": list(facts), "value": [_plain(value) for value in facts.values()]})


def _duplicates(engine: Engine, lines: Lines) -> int | None:
    """Count lines that equal an earlier one in all columns; not of a large table, where that takes longer than all else."""
    if lines.sampled:
        return None
    distinct = lines.tables[-1].distinct()
    return lines.rows - int(engine.collect(distinct.aggregate(rows=distinct.count())).iloc[0, 0])


def _counterparts(engine: Engine, lines: Lines) -> int | None:
    """Count lines with a negative quantity whose customer bought the same product in the same quantity."""
    table = lines.some
    if not {"product_id", "quantity"} <= set(table.columns):
        return None
    groups = table.filter(table.customer_id.notnull()).group_by(
        customer=table.customer_id, product=table.product_id, pieces=table.quantity.abs()
    )
    counted = groups.aggregate(back=(table.quantity < 0).sum(), bought=(table.quantity > 0).sum())
    matched = ibis.least(counted.back, counted.bought).sum()
    return lines.factor * int(engine.collect(counted.aggregate(matched=matched)).iloc[0, 0] or 0)


def _missing(numbers: pd.Series, lines: Lines) -> pd.DataFrame:
    gaps = pd.DataFrame({"column": list(lines.columns)})
    gaps["missing"] = [int(numbers[f"{name} missing"] or 0) for name in lines.columns]
    gaps["share"] = gaps["missing"] / max(lines.rows, 1)
    return gaps.sort_values("missing", ascending=False, kind="stable", ignore_index=True)


def _plain(value: object) -> object:
    if value is None or (isinstance(value, float) and np.isnan(value)):
        return None
    if isinstance(value, pd.Timestamp):
        return f"{value:%Y-%m-%d}"
    return value.item() if isinstance(value, np.generic) else value
