"""One definition for each feature of a customer.

A feature is either counted from order lines (`from_lines`, for transactions) or derived from other columns
of the customer (`from_customer`, for both kinds of table: a customers table brings the counted ones along).
Money is in the currency of the data set, days are calendar days. Purchases are lines that the cleaning has
not marked as returns.

A feature may be a family: one name in a recipe, several columns (a month, a category or a channel each).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date

import ibis
from ibis.expr import types as ir

from seg.errors import SegError

# Fifty years: an order of the year 1 or 9999 is a slip, and its months would be thousands of columns.
MOST_MONTHS = 600


@dataclass(frozen=True)
class Context:
    """What a definition may need to know beyond the table.

    Parameters
    ----------
    as_of : date
        The day from which recency and tenure are counted back.
    newest : datetime or None
        Time of the newest purchase; None for a table without dates.
    months : tuple of (year, month)
        Calendar months from the oldest to the newest order line.
    levels : mapping of str to sequence of str
        Known values of categorical columns, declared by the data set.
    oldest : datetime or None
        Time of the first purchase.
    """

    as_of: date
    newest: object
    months: tuple[tuple[int, int], ...] = ()
    levels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    oldest: object = None


@dataclass(frozen=True)
class Feature:
    """A glossary entry."""

    name: str
    build: Callable[[ir.Table, Context], ir.Value | dict[str, ir.Value]]
    counted: bool
    needs: tuple[str, ...]
    unit: str

    @property
    def meaning(self) -> str:
        """First line of the definition's docstring."""
        return (self.build.__doc__ or "").strip().splitlines()[0]


GLOSSARY: dict[str, Feature] = {}


def _define(counted: bool, unit: str, needs: tuple[str, ...]) -> Callable:
    def register(function: Callable) -> Callable:
        registered = GLOSSARY.get(function.__name__)
        if registered is not None:
            raise SegError(
                f"feature {function.__name__!r}: registered by {registered.build.__module__} and again by {function.__module__}; "
                "rename one of them"
            )
        GLOSSARY[function.__name__] = Feature(function.__name__, function, counted, needs, unit)
        return function

    return register


def from_lines(unit: str, *needs: str) -> Callable:
    """Define a feature as an aggregate of a customer's order lines."""
    return _define(True, unit, needs)


def from_customer(unit: str, *needs: str) -> Callable:
    """Define a feature from other columns of the customer."""
    return _define(False, unit, needs)


def days_between(later: ir.DateValue, earlier: ir.DateValue) -> ir.FloatingValue:
    """Count calendar days from one date to another."""
    return later.delta(earlier, unit="day").cast("float64")


def ratio(part: ir.Value, whole: ir.Value, otherwise: float = 0.0) -> ir.FloatingValue:
    """Divide; `otherwise` where the denominator is zero or missing (engines disagree on x / 0).

    Parameters
    ----------
    part, whole : ir.Value
        Numerator and denominator.
    otherwise : float

    Returns
    -------
    ir.FloatingValue
    """
    safe = whole.nullif(0)
    return (part / safe).cast("float64").fill_null(otherwise)


def orders_among(lines: ir.Table, which: ir.BooleanValue) -> ir.FloatingValue:
    """Count distinct orders; of lines without an order_id each is an order of its own."""
    if "order_id" in lines.columns:
        return lines.order_id.nunique(where=which).cast("float64")
    return which.sum().cast("float64").fill_null(0.0)


# ---- counted from order lines ------------------------------------------------------------------------------


@from_lines("time", "ordered_at")
def first_order_at(lines, context):
    """Time of the first purchase."""
    return lines.ordered_at.min(where=~lines.is_return)


@from_lines("time", "ordered_at")
def last_order_at(lines, context):
    """Time of the last purchase."""
    return lines.ordered_at.max(where=~lines.is_return)


@from_lines("orders", "order_id")
def orders(lines, context):
    """Distinct orders with at least one purchase (the frequency of RFM)."""
    return orders_among(lines, ~lines.is_return)


@from_lines("currency", "amount")
def revenue(lines, context):
    """Sum of the amounts of all purchases (the monetary value of RFM); returns are not subtracted."""
    return lines.amount.sum(where=~lines.is_return).cast("float64").fill_null(0.0)


@from_lines("pieces", "quantity")
def quantity(lines, context):
    """Sum of the pieces of all purchases."""
    return lines.quantity.sum(where=~lines.is_return).cast("float64").fill_null(0.0)


@from_lines("products", "product_id")
def products(lines, context):
    """Distinct products bought (the variety)."""
    return lines.product_id.nunique(where=~lines.is_return).cast("float64")


@from_lines("currency / piece", "unit_price")
def average_unit_price(lines, context):
    """Mean of the prices a piece over purchase lines, each line counting once."""
    return lines.unit_price.mean(where=~lines.is_return).cast("float64").fill_null(0.0)


@from_lines("orders", "order_id")
def returns(lines, context):
    """Distinct orders that take goods back."""
    return orders_among(lines, lines.is_return)


@from_lines("currency", "amount")
def returned_revenue(lines, context):
    """Value of what was taken back, as a positive amount."""
    return (-lines.amount.sum(where=lines.is_return)).cast("float64").fill_null(0.0)


@from_lines("days", "ordered_at")
def active_days(lines, context):
    """Distinct calendar days with a purchase."""
    return lines.ordered_at.date().nunique(where=~lines.is_return).cast("float64")


@from_lines("currency", "ordered_at", "amount")
def revenue_by_month(lines, context):
    """Revenue of each calendar month, one column a month: revenue_2011-09."""
    return {
        f"revenue_{year}-{month:02d}": lines.amount.sum(where=_in_month(lines, year, month))
        .cast("float64")
        .fill_null(0.0)
        for year, month in _months(context)
    }


@from_lines("orders", "ordered_at", "order_id")
def orders_by_month(lines, context):
    """Orders of each calendar month, one column a month: orders_2011-09."""
    return {
        f"orders_{year}-{month:02d}": orders_among(lines, _in_month(lines, year, month))
        for year, month in _months(context)
    }


@from_lines("stars", "rating")
def mean_rating(lines, context):
    """Mean of the ratings given, 1 to 5; reviews without a rating do not count."""
    return lines.rating.mean(where=~lines.is_return).cast("float64")


@from_lines("share", "rating")
def one_star_share(lines, context):
    """Share of the ratings given that are 1 star, 0 to 1."""
    return _share_of_ratings(lines, 1)


@from_lines("share", "rating")
def five_star_share(lines, context):
    """Share of the ratings given that are 5 stars, 0 to 1."""
    return _share_of_ratings(lines, 5)


@from_lines("votes", "helpful_votes")
def helpful_votes(lines, context):
    """Sum of the votes of others that found the customer's reviews helpful."""
    return lines.helpful_votes.sum(where=~lines.is_return).cast("float64").fill_null(0.0)


# ---- derived from the customer -----------------------------------------------------------------------------


@from_customer("days", "last_order_at")
def recency_days(customers, context):
    """Calendar days from the last order to as_of: small is good (the recency of RFM)."""
    return days_between(ibis.literal(context.as_of), customers.last_order_at.date())


@from_customer("days", "last_order_at")
def elapsed_days(customers, context):
    """Whole periods of 24 hours from the customer's last purchase to the newest purchase of all."""
    seconds = (
        ibis.literal(context.newest).cast("timestamp(6)").epoch_seconds()
        - customers.last_order_at.epoch_seconds()
    )
    return (seconds / 86400).floor().cast("float64")


@from_customer("days", "first_order_at")
def tenure_days(customers, context):
    """Calendar days from the first order to as_of."""
    return days_between(ibis.literal(context.as_of), customers.first_order_at.date())


@from_customer("days", "first_order_at", "last_order_at")
def span_days(customers, context):
    """Calendar days from the first order to the last; 0 for a customer of one day."""
    return days_between(customers.last_order_at.date(), customers.first_order_at.date())


@from_customer("currency", "revenue", "returned_revenue")
def net_revenue(customers, context):
    """Revenue less the value of what was taken back."""
    net, turnover = (
        customers.revenue - customers.returned_revenue,
        customers.revenue + customers.returned_revenue,
    )
    # All taken back is nothing earned: the last digits of two sums, which depend on the order of adding, are not.
    return (net.abs() < 1e-9 * turnover).ifelse(0.0, net)


@from_customer("currency / order", "revenue", "orders")
def average_basket(customers, context):
    """Revenue an order."""
    return ratio(customers.revenue, customers.orders)


@from_customer("pieces / order", "quantity", "orders")
def quantity_per_order(customers, context):
    """Pieces an order."""
    return ratio(customers.quantity, customers.orders)


@from_customer("orders / day", "orders", "span_days")
def order_rate(customers, context):
    """Orders a day between first and last order; 0 for a customer of one day, whose rate is unknown."""
    return ratio(customers.orders, customers.span_days)


@from_customer("days / order", "orders", "span_days")
def days_between_orders(customers, context):
    """Mean days from one order to the next; 0 for a customer of one order."""
    return ratio(customers.span_days, customers.orders - 1)


@from_customer("share", "returns", "orders")
def return_rate(customers, context):
    """Orders that take goods back, for each order."""
    return ratio(customers.returns, customers.orders)


@from_customer("share", "orders_online", "orders")
def online_share(customers, context):
    """Share of the orders that were placed online, 0 to 1."""
    return ratio(customers.orders_online, customers.orders)


@from_customer("share", "revenue_online", "revenue")
def online_revenue_share(customers, context):
    """Share of the revenue that came in online, 0 to 1."""
    return ratio(customers.revenue_online, customers.revenue)


@from_customer("0 or 1", "channel")
def channels(customers, context):
    """1 for the channel of the customer's first contact, one column a channel: channel_Mobile."""
    return {
        f"channel_{level}": (customers.channel == level).cast("float64")
        for level in context.levels.get("channel", ())
    }


@from_customer("0 or 1", "last_channel")
def last_channels(customers, context):
    """1 for the channel of the last order, one column a channel: last_channel_Offline."""
    levels = context.levels.get("last_channel", ())
    return {f"last_channel_{level}": (customers.last_channel == level).cast("float64") for level in levels}


@from_customer("0 or 1", "categories")
def category_interests(customers, context):
    """1 for each category that interests the customer (multi-hot), one column a category: category_KADIN."""
    levels = context.levels.get("categories", ())
    return {
        f"category_{level}": customers.categories.contains(f"|{level}|").cast("float64") for level in levels
    }


@from_customer("categories", "categories")
def category_count(customers, context):
    """Count the categories that interest the customer."""
    named = customers.categories.replace("||", "")
    return (named.length() - named.replace("|", "").length() - 1).cast("float64").clip(lower=0.0)


def _months(context) -> tuple[tuple[int, int], ...]:
    if len(context.months) > MOST_MONTHS:
        (first, _), (last, _) = context.months[0], context.months[-1]
        raise SegError(
            f"features: the orders are of the years {first} to {last}, {len(context.months):,} months, and each would be a column; "
            "remove impossible dates with the cleaning step date_window: {start: ..., end: ...}"
        )
    return context.months


def _in_month(lines: ir.Table, year: int, month: int) -> ir.BooleanValue:
    return ~lines.is_return & (lines.ordered_at.year() == year) & (lines.ordered_at.month() == month)


def _share_of_ratings(lines: ir.Table, stars: int) -> ir.FloatingValue:
    # NULL, an error later, for someone who gave no rating: a share of nothing is not 0.
    return (lines.rating == stars).cast("float64").mean(where=~lines.is_return)
