"""Order lines by what, where and when: rows, customers and money of each group, and who comes back."""

from __future__ import annotations

import ibis
import numpy as np
import pandas as pd
from ibis.expr import types as ir

from seg.engine import Engine
from seg.preparation.explored_lines import Lines, counted, total

TOP = 20  # products, categories and countries that are listed
LISTED = ("country", "category", "product_id")
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
NONE = "(none)"
MOST_COHORTS = 24


def divisions(engine: Engine, lines: Lines) -> dict[str, pd.DataFrame]:
    """Count lines, customers and money by country, category, product, month, week day and hour.

    Returns
    -------
    dict of str to DataFrame
        ``rows``, ``customers``, ``revenue`` by the first column, which has the name of the division. Countries, categories and
        products also have ``share`` (of all revenue), products a ``description`` where the orders have one.
    """
    tables = {name: _largest(engine, lines, name) for name in LISTED if name in lines.columns}
    return tables | _by_time(engine, lines)


def _largest(engine: Engine, lines: Lines, name: str) -> pd.DataFrame:
    """Count the groups of most revenue; customers of a product exactly, of a large table's countries and categories by the sample."""
    table = lines.having(name, "amount")
    grouped = table.group_by(**{name: _text(table, name)})
    sums = grouped.aggregate(rows=counted(table), revenue=total(table, table.amount))
    shared = sums.mutate(share=sums.revenue / sums.revenue.sum())  # of all groups, also those below the limit
    top = engine.collect(shared.order_by([ibis.desc("revenue"), name]).limit(TOP))
    buyers = lines.having("customer_id", name) if name == "product_id" else lines.some
    few = buyers.filter(_text(buyers, name).isin(top[name].tolist()))
    customers = engine.collect(
        few.group_by(**{name: _text(few, name)}).aggregate(customers=few.customer_id.nunique())
    )
    made = _with_customers(top, customers, 1 if name == "product_id" else lines.factor)
    made["share"] = top.set_index(name)["share"].reindex(made[name]).to_numpy()
    if name == "product_id" and "description" in lines.columns:
        made.insert(1, "description", _descriptions(engine, lines, made[name].tolist()))
    return made


def _descriptions(engine: Engine, lines: Lines, products: list[str]) -> list[str]:
    """Return the most frequent description of each product, an empty text where there is none."""
    table = lines.having("product_id", "description")
    written = table.filter(_text(table, "product_id").isin(products) & table.description.notnull())
    by = {"product": _text(written, "product_id"), "description": written.description.cast("string")}
    counts = engine.collect(written.group_by(**by).aggregate(rows=counted(written)))
    first = counts.sort_values(["rows", "description"], ascending=[False, True]).drop_duplicates("product")
    return first.set_index("product")["description"].reindex(products).fillna("").tolist()


def _text(table: ir.Table, name: str) -> ir.StringValue:
    return table[name].cast("string").fill_null(NONE)


def _with_customers(sums: pd.DataFrame, customers: pd.DataFrame, factor: int) -> pd.DataFrame:
    name = customers.columns[0]
    table = sums.merge(customers, on=name, how="left")
    table["customers"] = table["customers"].fillna(0).astype("int64") * factor
    return table[[name, "rows", "customers", "revenue"]]


def _by_time(engine: Engine, lines: Lines) -> dict[str, pd.DataFrame]:
    table = lines.having("ordered_at", "amount")
    hourly = engine.collect(
        table.group_by(at=table.ordered_at.truncate("h")).aggregate(
            rows=counted(table), revenue=total(table, table.amount)
        )
    )
    at = hourly["at"].dt
    places = {"month": at.year * 100 + at.month, "week_day": at.day_of_week, "hour": at.hour}
    some, tables = lines.some, {}
    when = some.ordered_at
    keys = {
        "month": when.year().cast("int64") * 100 + when.month().cast("int64"),
        "week_day": when.day_of_week.index().cast("int64"),
        "hour": when.hour().cast("int64"),
    }
    for name, key in keys.items():
        by = hourly.groupby(places[name].astype("int64").rename(name))
        sums = by[["rows", "revenue"]].sum(min_count=1).reset_index()
        customers = engine.collect(
            some.group_by(**{name: key}).aggregate(customers=some.customer_id.nunique())
        )
        table_of = _with_customers(sums, customers, lines.factor)
        if len(table_of) > 1:
            tables[name] = table_of.assign(**{name: [_when(name, one) for one in table_of[name]]})
    return tables


def _when(name: str, number: int) -> object:
    if name == "month":
        return f"{number // 100}-{number % 100:02d}"
    return DAYS[number] if name == "week_day" else number


def ratings(engine: Engine, lines: Lines) -> pd.DataFrame | None:
    """Count reviews by rating, verified or not; None without ratings."""
    if "rating" not in lines.columns:
        return None
    by = ["rating", *(["verified"] if "verified" in lines.columns else [])]
    table = lines.having(*by)
    rows = engine.collect(table.group_by(by).aggregate(rows=counted(table)).order_by(by))
    if len(by) == 1:
        return rows
    wide = rows.pivot(index="rating", columns="verified", values="rows").fillna(0)
    return wide.rename(columns={True: "verified", False: "not verified"}).astype("int64").reset_index()


def cohorts(engine: Engine, lines: Lines) -> pd.DataFrame | None:
    """Count the customers of each period of first order by how many periods later they ordered; None without a purchase."""
    bought = lines.some.filter(lines.some.customer_id.notnull() & (lines.some.amount > 0))
    ends = engine.collect(bought.aggregate(first=bought.ordered_at.min(), last=bought.ordered_at.max())).iloc[
        0
    ]
    if pd.isna(ends["first"]):
        return None
    years = ends["last"].year - ends["first"].year + 1
    length = next((one for one in (1, 3, 12) if 12 * years / one <= MOST_COHORTS + 12), 12)
    returning = engine.collect(_returning(bought, length))
    returning["customers"] *= lines.factor
    last = (ends["last"].year * 12 + ends["last"].month - 1) // length
    every = range(int(returning["start"].min()), last + 1)[-MOST_COHORTS:]
    wide = returning.pivot(index="start", columns="later", values="customers")
    wide = wide.reindex(index=every, columns=range(len(every))).fillna(0.0)
    # Periods that lie in the future of a cohort are unknown, the others without a customer are 0.
    unknown = np.add.outer(np.array(every), np.arange(len(every))) > last
    wide = wide.mask(unknown)
    wide.index = pd.Index([_period_name(start, length) for start in every], name="first_order")
    return wide


def _returning(bought: ir.Table, length: int) -> ir.Table:
    """Count customers by their first period (of `length` months) and by how many periods later they bought."""
    at = bought.ordered_at
    period = ((at.year().cast("int64") * 12 + at.month().cast("int64") - 1) / length).floor().cast("int64")
    active = bought.select(customer=bought.customer_id, period=period).distinct()
    first = active.group_by("customer").aggregate(start=active.period.min())
    pairs = active.join(first, "customer")
    return pairs.group_by(start=pairs.start, later=pairs.period - pairs.start).aggregate(
        customers=pairs.count()
    )


def _period_name(number: int, length: int) -> str:
    year, part = divmod(number * length, 12)
    if length == 12:
        return str(year)
    return f"{year}-{part + 1:02d}" if length == 1 else f"{year} Q{part // 3 + 1}"
