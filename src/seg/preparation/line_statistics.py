"""Numbers about single columns of order lines: gaps, extremes, moments, quantiles; each table is read once."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from ibis.expr import types as ir

from seg.engine import Engine
from seg.preparation.explored_lines import NUMERIC, Lines, total
from seg.preparation.feature_statistics import BINS, SHARES, quantile_name


def quantiles(engine: Engine, lines: Lines) -> pd.DataFrame:
    """Compute quantiles of the numeric columns, of the stored lines: one row a column, ``p1`` to ``p99``."""
    names = [name for name in NUMERIC if name in lines.columns]
    some = lines.some
    measures = {name: some[name].cast("float64").quantile(list(SHARES)) for name in names}
    if not measures:
        return pd.DataFrame()
    row = engine.collect(some.aggregate(**measures)).iloc[0]
    nothing = [np.nan] * len(SHARES)
    values = [nothing if row[name] is None else list(row[name]) for name in names]
    return pd.DataFrame(
        values, index=names, columns=[quantile_name(share) for share in SHARES], dtype="float64"
    )


def totals(engine: Engine, lines: Lines, around: Mapping[str, float]) -> pd.Series:
    """Compute every number about a single column, in one pass over each table.

    Parameters
    ----------
    engine : Engine
    lines : Lines
    around : mapping of str to float
        A value in the middle of each numeric column, from which powers are counted: of the distance to 0 large numbers
        would lose all their digits.

    Returns
    -------
    Series
        Indexed by ``"<column> <number>"``.
    """
    by_place: dict[int, dict[str, ir.Scalar]] = {}
    for name in lines.columns:
        place = lines.tables.index(lines.having(name))
        by_place.setdefault(place, {}).update(_numbers_of(lines, name, around))
    parts = [
        engine.collect(lines.tables[place].aggregate(**numbers)).iloc[0].astype("object")
        for place, numbers in by_place.items()
    ]
    return pd.concat(parts)


def _numbers_of(lines: Lines, name: str, around: Mapping[str, float]) -> dict[str, ir.Scalar]:
    table = lines.having(name)
    column = table[name]
    measures = {"missing": total(table, column.isnull())}
    if name in ("customer_id", "product_id", "order_id"):
        measures["distinct"] = column.approx_nunique() if lines.sampled else column.nunique()
    if name == "ordered_at":
        measures |= {"first": column.min(), "last": column.max()}
    if name in ("quantity", "unit_price", "amount"):
        measures |= {"negative": total(table, column < 0), "zero": total(table, column == 0)}
    if name in around:
        value = column.cast("float64")
        away = value - around[name]
        measures |= {
            "count": total(table, value.notnull()),
            "min": value.min(),
            "max": value.max(),
            "sum": total(table, value),
        }
        measures |= {
            "1": total(table, away),
            "2": total(table, away * away),
            "3": total(table, away * away * away),
        }
    return {f"{name} {what}": number for what, number in measures.items()}


def described(numbers: pd.Series, quantiles: pd.DataFrame, around: Mapping[str, float]) -> pd.DataFrame:
    """Describe the numeric columns: columns as in `seg.preparation.explore.Looked.described`.

    Parameters
    ----------
    numbers : Series
        From `totals`.
    quantiles : DataFrame
        From `quantiles`.
    around : mapping of str to float
        As in `totals`.
    """
    rows = {name: _one_described(numbers, name, around[name]) for name in quantiles.index}
    return pd.DataFrame.from_dict(rows, orient="index").join(quantiles) if rows else pd.DataFrame()


def _one_described(numbers: pd.Series, name: str, middle: float) -> dict[str, float]:
    def of(what: str) -> float:
        return float(pd.to_numeric(numbers[f"{name} {what}"]))

    n = of("count") or np.nan
    first, second, third = (of(power) / n for power in ("1", "2", "3"))
    mean, variance = middle + first, max(second - first**2, 0.0)
    std = float(np.sqrt(variance))
    skewed = third - 3 * first * second + 2 * first**3
    return {
        "count": of("count"),
        "min": of("min"),
        "max": of("max"),
        "range": of("max") - of("min"),
        "mean": mean,
        "median": middle,
        "std": std,
        "variance": variance,
        "variation": std / mean if mean else np.nan,
        "skewness": skewed / std**3 if std else np.nan,
    }


def histogram(engine: Engine, lines: Lines, row: pd.Series) -> pd.DataFrame:
    """Count lines by the value of a column, between its 1st and 99th percentile.

    Parameters
    ----------
    engine : Engine
    lines : Lines
    row : Series
        The row of the column in `described`.
    """
    low, high = row[quantile_name(0.01)], row[quantile_name(0.99)]
    if not np.isfinite(low) or low >= high:
        return pd.DataFrame({"from": [row["min"]], "to": [row["max"]], "rows": [int(row["count"])]})
    width = (high - low) / BINS
    value = lines.some[row.name].cast("float64")
    inside = lines.some.filter((value >= low) & (value <= high))
    place = ((inside[row.name].cast("float64") - low) / width).floor().cast("int64").clip(0, BINS - 1)
    counted = engine.collect(inside.group_by(place=place).aggregate(rows=inside.count()))
    counts = counted.set_index("place")["rows"].reindex(range(BINS), fill_value=0) * lines.factor
    edges = low + width * np.arange(BINS + 1)
    return pd.DataFrame({"from": edges[:-1], "to": edges[1:], "rows": counts.to_numpy()})
