"""Customers as they were on a cut, and what they spent after it.

The order lines are parted at the cut before they are cleaned, so that nothing that the cleaning computes (a cap, a
repaired price) knows the outcome. Where every step judges a line by that line alone, parting before or after the cleaning
is the same, and all lines are cleaned once. Cleaned lines become one row an order and day, from which the features are
counted: those of the glossary, on either engine.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property

import ibis
import pandas as pd
from ibis.expr import types as ir

from seg import cleaning
from seg import features as features_table
from seg.engine import Engine
from seg.errors import SegError
from seg.features import FeatureRequest
from seg.preparation import as_of

# What the models see. Products and pieces are left out: they would need the order lines, and hardly add to the orders.
FEATURES = (
    "recency_days", "tenure_days", "span_days", "orders", "revenue", "active_days", "average_basket", "interpurchase_days",
    "lateness", "returns", "first_half_share", "weekend_share", "recent_orders", "recent_revenue",
)  # fmt: skip
PREVIOUS = "previous_{}"
# Steps that judge a line by that line alone, or by equal lines, which lie on one side of every cut. A customer without any
# purchase has none on either side. Steps of plug-ins are not known, and are taken to look around.
LINE_BY_LINE = {
    "drop_missing", "drop_products", "drop_countries", "minimum_price", "drop_zero_price", "drop_customers", "date_window",
    "drop_duplicates", "drop_customers_without_purchases", "raise_zero_ratings", "raise_negative_votes", "blank_placeholders",
    "verified_purchases", "drop_categories", "amount_above",
}  # fmt: skip


@dataclass(frozen=True)
class Snapshot:
    """Customers known before a cut.

    Parameters
    ----------
    cut : date
        First day that is not known.
    features : DataFrame of shape (n_customers, n_features)
        `FEATURES` by customer id, and ``previous_90``: revenue in the 90 days before the cut, for each horizon.
    segments : Series of shape (n_customers,)
        Segment of each customer on that day, by the model of the run.
    spend : DataFrame of shape (n_customers, n_horizons)
        Purchases in the days from the cut on, one column a horizon; returns are not subtracted. Only complete horizons.
    """

    cut: date
    features: pd.DataFrame
    segments: pd.Series
    spend: pd.DataFrame

    @property
    def inputs(self) -> pd.DataFrame:
        """The columns that the models see."""
        return self.features[[name for name in self.features if not name.startswith("previous_")]]


@dataclass(frozen=True)
class OrderHistory:
    """Order lines as they were loaded, and how they become customers.

    Parameters
    ----------
    engine : Engine
    table : ir.Table
        Transactions, not cleaned.
    steps : list
        Cleaning steps, parsed.
    recipe : sequence of str
        Features that the segmentation model needs.
    place : callable
        From those features to segments, one a customer.
    days_after : int
        Days from the newest order to the day that the segmentation counts recency from.
    levels : mapping
        Known values of categorical columns.
    """

    engine: Engine
    table: ir.Table
    steps: list
    recipe: Sequence[str]
    place: Callable[[pd.DataFrame], Sequence[int]]
    days_after: int = 1
    levels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @cached_property
    def line_by_line(self) -> bool:
        """Whether parting before the cleaning and after it is the same."""
        return all(
            step.name in LINE_BY_LINE
            or (step.name == "cancellations" and arguments.get("policy", "keep") != "match")
            for step, arguments in self.steps
        )

    @cached_property
    def lines(self) -> ir.Table:
        """All lines, cleaned together, without those of nobody."""
        lines, _ledger = cleaning.clean(self.engine, self.table, self.steps)
        return self.engine.checkpoint(lines.filter(lines.customer_id.notnull()))

    @cached_property
    def orders(self) -> ir.Table:
        """All orders of `lines`."""
        return self.engine.checkpoint(_orders(self.lines))

    def ends(self) -> tuple[date, date]:
        """Return the days of the first and the last order line."""
        return as_of.first_and_last(self.engine, self.table)


def snapshot(history: OrderHistory, cut: date, horizons: Sequence[int], last: date) -> Snapshot:
    """Return the customers known before a cut, and their spend in each horizon that is complete by `last`.

    Parameters
    ----------
    history : OrderHistory
    cut : date
    horizons : sequence of int
        In days.
    last : date
        Day of the last order.

    Raises
    ------
    SegError
        Nobody is known before the cut, or the lines before it cannot be cleaned.
    """
    try:
        lines, orders, named = _before(history, cut)
        moved = as_of.moved(cut, history.steps)
        features = features_table.build(
            history.engine, orders, FeatureRequest(dict.fromkeys(FEATURES, ()), as_of=moved)
        ).frame
        segments = _segments(history, lines, cut)
    except SegError as error:
        raise SegError(f"outlook: before the cut {cut}: {error}") from None
    previous = {h: (cut - timedelta(days=h), cut) for h in horizons}
    past = _spend_between(history, orders, previous).rename(columns=PREVIOUS.format)
    with_id = features.index[features.index.isin(named)]
    features = features.loc[with_id].join(past).fillna(dict.fromkeys(past, 0.0))
    complete = [h for h in horizons if cut + timedelta(days=h - 1) <= last]
    spend = _outcomes(history, cut, complete).reindex(with_id).fillna(0.0)
    return Snapshot(cut, features, segments.reindex(with_id), spend)


def _before(history: OrderHistory, cut: date) -> tuple[ir.Table, ir.Table, pd.Series]:
    """Return cleaned lines and orders before the cut, and the customers who have an id in the files."""
    if history.line_by_line:
        lines, orders = (
            table.filter(table.ordered_at.date() < ibis.literal(cut))
            for table in (history.lines, history.orders)
        )
        return lines, orders, as_of.with_id(history.engine, orders)
    table = history.table
    before = history.engine.checkpoint(table.filter(table.ordered_at.date() < ibis.literal(cut)))
    lines, _ledger = cleaning.clean(history.engine, before, history.steps)
    return lines, history.engine.checkpoint(_orders(lines)), as_of.with_id(history.engine, before)


def _segments(history: OrderHistory, lines: ir.Table, cut: date) -> pd.Series:
    """Place the customers by the segmentation model, as on the day before the cut."""
    newest = cut - timedelta(days=1)
    recipe = dict.fromkeys(history.recipe, ())
    day = as_of.moved(newest + timedelta(days=history.days_after), history.steps)
    frame = features_table.build(
        history.engine, lines, FeatureRequest(recipe, as_of=day, levels=history.levels)
    ).frame
    return pd.Series(history.place(frame), index=frame.index, name="segment")


def _outcomes(history: OrderHistory, cut: date, horizons: Sequence[int]) -> pd.DataFrame:
    """Return the spend in each horizon from the cut on; customers without a purchase have no row."""
    if not horizons:
        return pd.DataFrame(index=pd.Index([], dtype="str", name="customer_id"))
    windows = {h: (cut, cut + timedelta(days=h)) for h in horizons}
    if history.line_by_line:
        return _spend_between(history, history.orders, windows)
    table, until = history.table, cut + timedelta(days=max(horizons))
    day = table.ordered_at.date()
    window = history.engine.checkpoint(
        table.filter((day >= ibis.literal(cut)) & (day < ibis.literal(until)), as_of.has_customer(table))
    )
    try:
        lines, _ledger = cleaning.clean(history.engine, window, history.steps)
    except SegError as error:
        raise SegError(f"outlook: in the {max(horizons)} days from the cut {cut} on: {error}") from None
    return _spend_between(history, _orders(lines), windows)


def _orders(lines: ir.Table) -> ir.Table:
    """Return one row an order, day and kind (purchase or return) of a customer."""
    named_lines = lines.filter(lines.customer_id.notnull())
    named_lines = named_lines.mutate(day=named_lines.ordered_at.date())
    order = ["order_id"] if "order_id" in lines.columns else ["ordered_at"]
    measures = {"amount": named_lines.amount.sum()}
    if order == ["order_id"]:
        measures["ordered_at"] = named_lines.ordered_at.min()
    return named_lines.group_by(["customer_id", *order, "day", "is_return"]).aggregate(**measures).drop("day")


def _spend_between(
    history: OrderHistory, orders: ir.Table, windows: Mapping[int, tuple[date, date]]
) -> pd.DataFrame:
    """Sum the purchases of each customer from a day on and before another."""
    bought = orders.filter(~orders.is_return & (orders.amount > 0))
    day = bought.ordered_at.date()

    def within(first: date, end: date) -> ir.BooleanValue:
        first, end = as_of.moved(first, history.steps), as_of.moved(end, history.steps)
        return (day >= ibis.literal(first)) & (day < ibis.literal(end))

    sums = {
        f"spend_{h}": bought.amount.sum(where=within(*ends)).cast("float64").fill_null(0.0)
        for h, ends in windows.items()
    }
    frame = history.engine.collect(bought.group_by("customer_id").aggregate(**sums))
    frame = frame.set_index("customer_id").astype("float64").round(6)
    return frame.rename(columns={f"spend_{h}": h for h in windows})
