"""Cleaning steps for reviews that stand for purchases: flags, votes and prices that a shop's orders do not have."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal

import ibis
from ibis.expr import types as ir

from seg.cleaning.step_registry import Days, keeps, repairs

PLACEHOLDERS = ("None", "none", "N/A", "n/a", "null", "NULL", "")


@repairs("rating")
def raise_zero_ratings(lines: ir.Table) -> dict[str, ir.Value]:
    """Replace a rating of 0, which nobody can give, by 1, the lowest possible one."""
    return {"rating": (lines.rating == 0).fill_null(False).ifelse(1.0, lines.rating)}


@repairs("helpful_votes")
def raise_negative_votes(lines: ir.Table) -> dict[str, ir.Value]:
    """Replace a negative number of helpful votes by 0."""
    return {"helpful_votes": (lines.helpful_votes < 0).fill_null(False).ifelse(0.0, lines.helpful_votes)}


@repairs()
def blank_placeholders(
    lines: ir.Table, columns: Sequence[str], placeholders: Sequence[str] = PLACEHOLDERS
) -> dict[str, ir.Value]:
    """Replace texts that stand for a missing value (None, N/A, null, empty, ...) by a missing value.

    Parameters
    ----------
    lines : ir.Table
    columns : sequence of str
        Text columns to look at.
    placeholders : sequence of str
        Texts that stand for a missing value, spelled exactly so.

    Returns
    -------
    dict of str to ir.Value
        The columns, with NULL where they held a placeholder.
    """
    return {
        column: lines[column].isin(list(placeholders)).ifelse(ibis.null("string"), lines[column])
        for column in columns
    }


@keeps(
    "verified",
    undecided="have no flag that says whether the purchase was verified: take all with cleaning.verified=any, or leave "
    "these out with unknown: drop in the step",
)
def verified_purchases(
    lines: ir.Table, verified: Literal["only", "any"] = "only", unknown: Literal["refuse", "drop"] = "refuse"
) -> ir.BooleanValue:
    """Keep reviews of verified purchases; of any, where so asked. A missing flag is an error unless it is dropped.

    Parameters
    ----------
    lines : ir.Table
        With the column ``verified``.
    verified : {"only", "any"}
        Whether reviews without a verified purchase are dropped or kept.
    unknown : {"refuse", "drop"}
        What a missing flag is: an error, or a review to drop.

    Returns
    -------
    ir.BooleanValue
        True for the rows to keep.
    """
    if verified == "any":
        return ibis.literal(True)
    return lines.verified if unknown == "refuse" else lines.verified.fill_null(False)


def _newest(lines: ir.Table, days: int | None) -> dict[str, ir.Scalar]:
    return {} if days is None else {"newest": lines.ordered_at.max()}


@keeps("ordered_at", learns=_newest)
def newest_days(lines: ir.Table, days: Days, *, newest: date | None = None) -> ir.BooleanValue:
    """Keep lines from the day `days` before the newest one that is left, to the newest, both days included.

    365 days before 2023-09-13 is 2022-09-13. All lines are kept where `days` is null.

    Parameters
    ----------
    lines : ir.Table
    days : int or None
        How many days before the newest one are kept.
    newest : datetime, optional
        Time of the newest line; filled in by the cleaning.

    Returns
    -------
    ir.BooleanValue
        True for the rows to keep.
    """
    # No line is left, or all are wanted: there is no day to count from, or none so long ago.
    if days is None or newest is None or newest != newest or days >= newest.toordinal():
        return ibis.literal(True)
    first = datetime.combine(newest.date() - timedelta(days=days), time())
    # As the files have it where that is known: by a whole number engines skip rows of a Parquet file before they read the rest.
    if "ordered_ms" in lines.columns:
        return lines.ordered_ms >= int(first.replace(tzinfo=UTC).timestamp()) * 1000
    # Compared as a time, not as a day: DuckDB then looks before it joins.
    return lines.ordered_at >= ibis.literal(first).cast("timestamp(6)")


@keeps("category")
def drop_categories(lines: ir.Table, categories: Sequence[str]) -> ir.BooleanValue:
    """Drop lines of products of the named categories; a product without a category stays."""
    return ~lines.category.fill_null("").isin(list(categories))


@keeps("amount")
def amount_above(lines: ir.Table, above: float) -> ir.BooleanValue:
    """Keep lines whose amount is known and larger than `above`."""
    return (lines.amount > above).fill_null(False)
