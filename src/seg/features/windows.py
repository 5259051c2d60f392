"""Features of when a customer buys: moving windows before `as_of`, the customer's own rhythm, and habits of the calendar.

An order lies in the window of n days when it was placed at most n calendar days before `as_of` (its recency is n or
less). With `as_of` one day after the newest order, the window of 7 days is the last 7 days of the data.
"""

from __future__ import annotations

import math
from datetime import timedelta

import ibis
from ibis.expr import types as ir

from seg.features.glossary import from_customer, from_lines, orders_among, ratio

WINDOWS = (7, 14, 21, 30, 90, 365)
QUARTERS = (1, 2, 3, 4)
SATURDAY = 5  # Monday is 0
LAST_DAY_OF_FIRST_HALF = 15


# ---- moving windows ----------------------------------------------------------------------------------------


@from_lines("orders", "ordered_at", "order_id")
def recent_orders(lines, context):
    """Orders in the last 7, 14, 21, 30, 90 and 365 days before as_of, one column a window: orders_30d."""
    return {f"orders_{days}d": orders_among(lines, _within(lines, context, days)) for days in WINDOWS}


@from_lines("currency", "ordered_at", "amount")
def recent_revenue(lines, context):
    """Revenue of the last 7, 14, 21, 30, 90 and 365 days before as_of, one column a window: revenue_30d."""
    return {
        f"revenue_{days}d": lines.amount.sum(where=_within(lines, context, days))
        .cast("float64")
        .fill_null(0.0)
        for days in WINDOWS
    }


@from_lines("days", "ordered_at")
def recent_active_days(lines, context):
    """Days with a purchase among the last 7, 14, 21, 30, 90 and 365 days, one column a window: active_days_30d."""
    return {
        f"active_days_{days}d": lines.ordered_at.date()
        .nunique(where=_within(lines, context, days))
        .cast("float64")
        for days in WINDOWS
    }


# ---- rhythm ------------------------------------------------------------------------------------------------


@from_customer("days", "span_days", "active_days")
def interpurchase_days(customers, context):
    """Mean days from one day with a purchase to the next; 0 for a customer of one day, whose rhythm is unknown."""
    return ratio(customers.span_days, customers.active_days - 1)


@from_customer("intervals", "recency_days", "interpurchase_days")
def lateness(customers, context):
    """Days since the last order, in the customer's own mean intervals: above 1 is late; 0 for a customer of one day."""
    return ratio(customers.recency_days, customers.interpurchase_days)


@from_customer("days", "recency_days", "interpurchase_days")
def days_overdue(customers, context):
    """Days since the next order was due by the customer's own mean interval; 0 if not due, or for a customer of one day."""
    overdue = (customers.recency_days - customers.interpurchase_days).clip(lower=0.0)
    return (customers.interpurchase_days > 0).ifelse(overdue, 0.0)


# ---- calendar ----------------------------------------------------------------------------------------------


@from_lines("share", "ordered_at", "order_id")
def first_half_share(lines, context):
    """Share of the orders placed on day 1 to 15 of a month, 0 to 1."""
    return _share_of_orders(lines, lines.ordered_at.day() <= LAST_DAY_OF_FIRST_HALF)


@from_lines("share", "ordered_at", "order_id")
def second_half_share(lines, context):
    """Share of the orders placed on day 16 or later of a month, 0 to 1."""
    return _share_of_orders(lines, lines.ordered_at.day() > LAST_DAY_OF_FIRST_HALF)


@from_lines("share", "ordered_at", "order_id")
def weekend_share(lines, context):
    """Share of the orders placed on a Saturday or Sunday, 0 to 1."""
    return _share_of_orders(lines, lines.ordered_at.day_of_week.index() >= SATURDAY)


@from_lines("share", "ordered_at", "order_id")
def quarter_shares(lines, context):
    """Share of the orders placed in each calendar quarter, one column a quarter: quarter_4_share."""
    return {
        f"quarter_{quarter}_share": _share_of_orders(lines, lines.ordered_at.quarter() == quarter)
        for quarter in QUARTERS
    }


@from_lines("0 to 1", "ordered_at", "order_id")
def seasonality(lines, context):
    """Concentration of the orders in one season: 1 for all in the same calendar month, 0 for an even spread."""
    # Each calendar month is a direction on the circle of the year; the length of the mean direction.
    counts = [
        orders_among(lines, ~lines.is_return & (lines.ordered_at.month() == month)) for month in range(1, 13)
    ]
    angles = [2 * math.pi * month / 12 for month in range(1, 13)]
    total = sum(counts[1:], counts[0])
    east = sum(count * math.cos(angle) for count, angle in zip(counts, angles, strict=True))
    north = sum(count * math.sin(angle) for count, angle in zip(counts, angles, strict=True))
    length = ratio((east * east + north * north).sqrt(), total)
    # What is left of two months that cancel each other is a rounding error, not a season.
    return (length < 1e-9).ifelse(0.0, length)


def _within(lines: ir.Table, context, days: int) -> ir.BooleanValue:
    oldest = ibis.literal(context.as_of - timedelta(days=days))
    return ~lines.is_return & (lines.ordered_at.date() >= oldest)


def _share_of_orders(lines: ir.Table, which: ir.BooleanValue) -> ir.FloatingValue:
    bought = ~lines.is_return
    return ratio(orders_among(lines, bought & which), orders_among(lines, bought))
