"""Look at a data set before clustering: counts, gaps, distributions, who buys what and when; aggregates only.

Everything is one Ibis definition for both engines. No table here has a row of a single customer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import ibis
import numpy as np
import pandas as pd
from ibis.expr import types as ir

from seg.engine import Engine

LARGE = (
    5_000_000  # rows; beyond, distinct customers, quantiles and cohorts are approximate, which the page says
)
SAMPLED = 16  # of a large table, quantiles and cohorts are of every so many customers
TOP = 20  # products, categories and countries that are listed
BINS = 30
NUMERIC = ("quantity", "unit_price", "amount", "rating", "helpful_votes")
BOXED = (0.05, 0.25, 0.5, 0.75, 0.95)
DIVISIONS = ("country", "category", "product_id")
MOST_COHORTS = 24


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
    approximate : bool
        Whether distinct customers, quantiles and cohorts are estimates.
    """

    facts: pd.DataFrame
    missing: pd.DataFrame
    described: pd.DataFrame
    histograms: dict[str, pd.DataFrame]
    divisions: dict[str, pd.DataFrame]
    ratings: pd.DataFrame | None
    cohorts: pd.DataFrame | None
    approximate: bool


def look(engine: Engine, table: ir.Table) -> Looked:
    """Measure the order lines of a data set.

    Parameters
    ----------
    engine : Engine
    table : ir.Table
        Transactions as they were read, with or without ``is_return``.
    """
    rows = int(engine.collect(table.aggregate(rows=table.count())).iloc[0, 0])
    large = rows > LARGE
    every = list(table.columns)
    missing = pd.Series(dtype="int64")
    if large:
        # It is gone over a dozen times: kept as numbers once, instead of read, parsed and joined each time.
        narrow = _narrow(table)
        missing = _nulls(engine, table, [name for name in every if name not in narrow.columns])
        table = engine.checkpoint(narrow)
    missing = pd.concat([missing, _nulls(engine, table, [name for name in every if name in table.columns])])
    numeric = [name for name in NUMERIC if name in table.columns]
    described = _described(engine, table, numeric, large)
    return Looked(
        facts=_facts(engine, table, rows, large),
        missing=_missing(missing.reindex(every), rows),
        described=described,
        histograms={name: _histogram(engine, table, name, described.loc[name]) for name in numeric},
        divisions=_divisions(engine, table, large),
        ratings=_ratings(engine, table),
        cohorts=_cohorts(engine, table, large),
        approximate=large,
    )


def _narrow(table: ir.Table) -> ir.Table:
    """Keep the columns that are looked at, with customers and orders as numbers."""
    keys = {
        name: table[name].isnull().ifelse(ibis.null("int64"), table[name].hash())
        for name in ("customer_id", "order_id")
        if name in table.columns
    }
    wanted = ["ordered_at", "product_id", "country", "category", "verified", *NUMERIC]
    return table.select(**keys, **{name: table[name] for name in wanted if name in table.columns})


def describe(frame: pd.DataFrame) -> pd.DataFrame:
    """Describe the features of customers: one row a feature, columns as in `Looked.described`."""
    quantiles = frame.quantile([0.01, *BOXED, 0.99]).T
    quantiles.columns = [_quantile_name(share) for share in (0.01, *BOXED, 0.99)]
    mean, std = frame.mean(), frame.std(ddof=0)
    table = pd.DataFrame(
        {
            "count": frame.count(),
            "min": frame.min(),
            "max": frame.max(),
            "range": frame.max() - frame.min(),
            "mean": mean,
            "median": frame.median(),
            "std": std,
            "variance": std**2,
            "variation": std / mean.where(mean != 0),
            "skewness": ((frame - mean) ** 3).mean() / std.where(std > 0) ** 3,
        }
    )
    return table.join(quantiles)


def alike(
    frame: pd.DataFrame, kept: Sequence[str], threshold: float = 0.8
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Find features that order customers nearly the same way.

    Parameters
    ----------
    frame : DataFrame of shape (n_customers, n_features)
    kept : sequence of str
        Features that are not proposed for dropping while the other of a pair can be.
    threshold : float
        Absolute Spearman correlation from which on a pair is listed.

    Returns
    -------
    correlations : DataFrame of shape (n_features, n_features)
    pairs : DataFrame
        ``first``, ``second``, ``spearman``, ``drop``: strongest pair first.
    """
    varied = frame.loc[:, frame.nunique() > 1]
    correlations = varied.rank().corr()
    rows, dropped = [], set()
    names = list(varied.columns)
    listed = [
        (abs(correlations.iat[i, j]), names[i], names[j], correlations.iat[i, j])
        for i in range(len(names))
        for j in range(i + 1, len(names))
        if abs(correlations.iat[i, j]) >= threshold
    ]
    others = correlations.abs().mean()
    for _, first, second, value in sorted(listed, reverse=True):
        if first in dropped or second in dropped:
            drop = first if first in dropped else second
        else:
            # The one that repeats more of the other features goes, but for those that are to be kept.
            drop = max((first, second), key=lambda name: (name not in kept, others[name], name))
            dropped.add(drop)
        rows.append((first, second, value, drop))
    return correlations, pd.DataFrame(rows, columns=["first", "second", "spearman", "drop"])


def lorenz(revenue: pd.Series, points: int = 100) -> tuple[pd.DataFrame, float]:
    """Compute the Lorenz curve of revenue, and its Gini coefficient.

    Returns
    -------
    curve : DataFrame
        ``share_of_customers`` (the smallest spenders first) and ``share_of_revenue``.
    gini : float
        0: everybody spends the same; 1: one customer spends everything.
    """
    values = np.sort(revenue.clip(lower=0).to_numpy(dtype="float64"))
    total = values.sum()
    if not total:
        return pd.DataFrame({"share_of_customers": [0.0, 1.0], "share_of_revenue": [0.0, 1.0]}), 0.0
    sums = np.concatenate([[0.0], np.cumsum(values)]) / total
    shares = np.arange(len(sums)) / len(values)
    at = np.linspace(0, 1, points + 1)
    gini = 1 - 2 * np.trapezoid(sums, shares)
    return pd.DataFrame({"share_of_customers": at, "share_of_revenue": np.interp(at, shares, sums)}), float(
        gini
    )


def retention(cohorts: pd.DataFrame) -> pd.DataFrame:
    """Turn the counts of cohorts into shares of each cohort's first period."""
    return cohorts.div(cohorts[0].replace(0, np.nan), axis=0)


# ---- order lines ---------------------------------------------------------------------------------------------------


def _facts(engine: Engine, table: ir.Table, rows: int, large: bool) -> pd.DataFrame:
    wanted = {"customers": _distinct(table.customer_id, large)}
    if "product_id" in table.columns:
        wanted["products"] = _distinct(table.product_id, large)
    if "order_id" in table.columns:
        wanted["orders"] = _distinct(table.order_id, large)
    wanted |= {
        "first order": table.ordered_at.min(),
        "last order": table.ordered_at.max(),
        "revenue": table.amount.sum(),
        "lines without a customer": table.customer_id.isnull().sum(),
    }
    if "quantity" in table.columns:
        wanted["lines with a negative quantity"] = (table.quantity < 0).sum()
    if "unit_price" in table.columns:
        wanted |= {
            "lines with price 0": (table.unit_price == 0).sum(),
            "lines with a negative price": (table.unit_price < 0).sum(),
        }
    else:
        wanted |= {"lines with amount 0": (table.amount == 0).sum()}
    rows_by_key = engine.collect(table.aggregate(**wanted)).iloc[0].to_dict()
    rows_by_key = {"rows": rows, **rows_by_key, "duplicate lines": _duplicates(engine, table, rows, large)}
    if rows_by_key.get("lines with a negative quantity"):
        rows_by_key["negative lines with a counterpart"] = _counterparts(engine, table)
    return pd.DataFrame(
        {"what": list(rows_by_key), "value": [_plain(value) for value in rows_by_key.values()]}
    )


def _duplicates(engine: Engine, table: ir.Table, rows: int, large: bool) -> int | None:
    """Count lines that equal an earlier one in all columns; not of a large table, where that takes longer than all else."""
    if large:
        return None
    return rows - int(engine.collect(table.distinct().aggregate(rows=lambda t: t.count())).iloc[0, 0])


def _counterparts(engine: Engine, table: ir.Table) -> int | None:
    """Count lines with a negative quantity whose customer bought the same product in the same quantity."""
    if not {"product_id", "quantity"} <= set(table.columns):
        return None
    pieces = table.quantity.abs()
    groups = table.filter(table.customer_id.notnull()).group_by(
        customer=table.customer_id, product=table.product_id, pieces=pieces
    )
    counted = groups.aggregate(back=(table.quantity < 0).sum(), bought=(table.quantity > 0).sum())
    matched = ibis.least(counted.back, counted.bought).sum()
    return int(engine.collect(counted.aggregate(matched=matched)).iloc[0, 0] or 0)


def _nulls(engine: Engine, table: ir.Table, names: Sequence[str]) -> pd.Series:
    """Count the missing values of columns."""
    if not names:
        return pd.Series(dtype="int64")
    return engine.collect(table.aggregate(**{name: table[name].isnull().sum() for name in names})).iloc[0]


def _missing(counts: pd.Series, rows: int) -> pd.DataFrame:
    made = pd.DataFrame({"column": list(counts.index), "missing": [int(one) for one in counts]})
    made["share"] = made["missing"] / max(rows, 1)
    return made.sort_values("missing", ascending=False, kind="stable", ignore_index=True)


def _described(engine: Engine, table: ir.Table, names: Sequence[str], large: bool) -> pd.DataFrame:
    if not names:
        return pd.DataFrame()
    values = {name: table[name].cast("float64") for name in names}
    wanted = {}
    for name, value in values.items():
        wanted |= {f"{name} count": value.count(), f"{name} min": value.min(), f"{name} max": value.max()}
        wanted[f"{name} mean"] = value.mean()
    numbers = engine.collect(table.aggregate(**wanted)).iloc[0].astype("float64")
    # Of the distance to the mean: the third power of large numbers loses all its digits.
    centred = {}
    for name, value in values.items():
        away = value - numbers[f"{name} mean"]
        centred |= {f"{name} 2": (away * away).mean(), f"{name} 3": (away * away * away).mean()}
    some = table.filter(table.customer_id % SAMPLED == 0) if large else table
    quantiles = {
        f"{name} {_quantile_name(share)}": some[name].cast("float64").quantile(share)
        for name in names
        for share in (0.01, *BOXED, 0.99)
    }
    parts = [engine.collect(table.aggregate(**centred)), engine.collect(some.aggregate(**quantiles))]
    numbers = pd.concat([numbers, *[part.iloc[0].astype("float64") for part in parts]])
    return pd.DataFrame.from_dict({name: _one_described(name, numbers) for name in names}, orient="index")


def _one_described(name: str, numbers: pd.Series) -> dict[str, float]:
    mean, variance = numbers[f"{name} mean"], numbers[f"{name} 2"]
    low, high, std = numbers[f"{name} min"], numbers[f"{name} max"], float(np.sqrt(variance))
    return {
        "count": numbers[f"{name} count"],
        "min": low,
        "max": high,
        "range": high - low,
        "mean": mean,
        "median": numbers[f"{name} {_quantile_name(0.5)}"],
        "std": std,
        "variance": variance,
        "variation": std / mean if mean else np.nan,
        "skewness": numbers[f"{name} 3"] / std**3 if std else np.nan,
        **{
            _quantile_name(share): numbers[f"{name} {_quantile_name(share)}"]
            for share in (0.01, *BOXED, 0.99)
        },
    }


def _histogram(engine: Engine, table: ir.Table, name: str, row: pd.Series) -> pd.DataFrame:
    low, high = row[_quantile_name(0.01)], row[_quantile_name(0.99)]
    if not np.isfinite(low) or low >= high:
        return pd.DataFrame({"from": [row["min"]], "to": [row["max"]], "rows": [int(row["count"])]})
    width = (high - low) / BINS
    value = table[name].cast("float64")
    inside = table.filter((value >= low) & (value <= high))
    place = ((inside[name].cast("float64") - low) / width).floor().cast("int64").clip(0, BINS - 1)
    rows_by_key = engine.collect(inside.group_by(place=place).aggregate(rows=inside.count()))
    counts = rows_by_key.set_index("place")["rows"].reindex(range(BINS), fill_value=0)
    edges = low + width * np.arange(BINS + 1)
    return pd.DataFrame({"from": edges[:-1], "to": edges[1:], "rows": counts.to_numpy()})


def histogram(values: pd.Series) -> pd.DataFrame:
    """Count customers by the value of a feature, between its 1st and 99th percentile: ``from``, ``to``, ``rows``."""
    low, high = values.quantile([0.01, 0.99])
    if low >= high:
        low, high = values.min(), max(values.max(), values.min() + 1)
    counts, edges = np.histogram(values, bins=BINS, range=(low, high))
    return pd.DataFrame({"from": edges[:-1], "to": edges[1:], "rows": counts})


def _divisions(engine: Engine, table: ir.Table, large: bool) -> dict[str, pd.DataFrame]:
    """Count lines, customers and money by what, where and when."""
    at = table.ordered_at
    keys = {
        name: table[name].cast("string").fill_null("(none)") for name in DIVISIONS if name in table.columns
    }
    keys |= {
        "month": at.year().cast("int64") * 100 + at.month().cast("int64"),
        "week_day": at.day_of_week.index(),
        "hour": at.hour(),
    }
    made = {}
    for name, key in keys.items():
        grouped = table.group_by(key=key).aggregate(
            rows=table.count(), customers=_distinct(table.customer_id, large), revenue=table.amount.sum()
        )
        if name in DIVISIONS and large:
            rows_by_key = _largest(engine, table.mutate(key=key))
        elif name in DIVISIONS:
            rows_by_key = engine.collect(grouped.order_by([ibis.desc("revenue"), "key"]).limit(TOP))
        else:
            rows_by_key = engine.collect(grouped.order_by("key"))
        if name == "month":
            rows_by_key = rows_by_key.assign(
                key=[f"{one // 100}-{one % 100:02d}" for one in rows_by_key["key"]]
            )
        if name == "week_day":
            days = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
            rows_by_key = rows_by_key.assign(key=[days[int(one)] for one in rows_by_key["key"]])
        if len(rows_by_key) > 1 or name in DIVISIONS:
            made[name] = rows_by_key.rename(columns={"key": name})
    return made


def _largest(engine: Engine, table: ir.Table) -> pd.DataFrame:
    """Count the largest groups of a large table: customers are estimated in those alone, and not in a million products."""
    sums = table.group_by("key").aggregate(rows=table.count(), revenue=table.amount.sum())
    top = engine.collect(sums.order_by([ibis.desc("revenue"), "key"]).limit(TOP))
    few = table.filter(table.key.isin(top["key"].tolist()))
    customers = engine.collect(
        few.group_by("key").aggregate(customers=_distinct(few.customer_id, large=True))
    )
    return top.merge(customers, on="key")[["key", "rows", "customers", "revenue"]]


def _ratings(engine: Engine, table: ir.Table) -> pd.DataFrame | None:
    if "rating" not in table.columns:
        return None
    by = {"rating": table.rating} | ({"verified": table.verified} if "verified" in table.columns else {})
    rows_by_key = engine.collect(table.group_by(**by).aggregate(rows=table.count()).order_by(list(by)))
    if "verified" not in by:
        return rows_by_key
    wide = rows_by_key.pivot(index="rating", columns="verified", values="rows").fillna(0)
    return wide.rename(columns={True: "verified", False: "not verified"}).astype("int64").reset_index()


def _cohorts(engine: Engine, table: ir.Table, large: bool) -> pd.DataFrame | None:
    """Count the customers of each period of first order by how many periods later they ordered; of a large table by a sample."""
    bought = table.filter(table.customer_id.notnull() & (table.amount > 0))
    ends = engine.collect(bought.aggregate(first=bought.ordered_at.min(), last=bought.ordered_at.max())).iloc[
        0
    ]
    if pd.isna(ends["first"]):
        return None
    years = ends["last"].year - ends["first"].year + 1
    length = next((one for one in (1, 3, 12) if 12 * years / one <= MOST_COHORTS + 12), 12)
    at = bought.ordered_at
    period = ((at.year().cast("int64") * 12 + at.month().cast("int64") - 1) / length).floor().cast("int64")
    seen = bought.select(customer=bought.customer_id, period=period)
    if large:
        seen = seen.filter(seen.customer % SAMPLED == 0)
    seen = seen.distinct()
    first = seen.group_by("customer").aggregate(start=seen.period.min())
    pairs = seen.join(first, "customer")
    counted = pairs.group_by(start=pairs.start, later=pairs.period - pairs.start).aggregate(
        customers=pairs.count()
    )
    rows_by_key = engine.collect(counted)
    if large:
        rows_by_key["customers"] *= SAMPLED
    last = (ends["last"].year * 12 + ends["last"].month - 1) // length
    every = range(int(rows_by_key["start"].min()), last + 1)[-MOST_COHORTS:]
    wide = rows_by_key.pivot(index="start", columns="later", values="customers")
    wide = wide.reindex(index=every, columns=range(len(every))).fillna(0.0)
    # Periods that lie in the future of a cohort are unknown, the others without a customer are 0.
    unknown = np.add.outer(np.array(every), np.arange(len(every))) > last
    wide = wide.mask(unknown)
    wide.index = pd.Index([_period_name(start, length) for start in every], name="first_order")
    return wide


def _period_name(number: int, length: int) -> str:
    year, part = divmod(number * length, 12)
    if length == 12:
        return str(year)
    return f"{year}-{part + 1:02d}" if length == 1 else f"{year} Q{part // 3 + 1}"


def _distinct(column: ir.Column, large: bool) -> ir.IntegerScalar:
    return column.approx_nunique() if large else column.nunique()


def _quantile_name(share: float) -> str:
    return f"p{round(100 * share)}"


def _plain(value: object) -> object:
    if value is None or (isinstance(value, float) and np.isnan(value)):
        return None
    if isinstance(value, pd.Timestamp):
        return f"{value:%Y-%m-%d}"
    return value.item() if isinstance(value, np.generic) else value
