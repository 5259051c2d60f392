"""The cleaning steps: a new one is one function here.

A YAML names the function with its arguments; the annotation of an argument is what the YAML may say.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import ibis
from ibis import _
from ibis.expr import types as ir

from seg.cleaning.step_registry import Day, Pattern, changes, keeps

# ---- filters -----------------------------------------------------------------------------------------------


@keeps()
def drop_missing(
    lines: ir.Table, columns: Sequence[str], placeholders: Sequence[str] = ()
) -> ir.BooleanValue:
    """Drop rows in which one of the columns is missing, blank, or a placeholder such as ``Unknown``.

    Parameters
    ----------
    lines : ir.Table
    columns : sequence of str
    placeholders : sequence of str
        Texts that stand for a missing value.

    Returns
    -------
    ir.BooleanValue
        True for the rows to keep.
    """
    filled = [_filled(lines, column) for column in columns]
    named = (
        [~lines[column].fill_null("").isin(list(placeholders)) for column in columns] if placeholders else []
    )
    return ibis.and_(*filled, *named)


@keeps("product_id")
def drop_products(lines: ir.Table, pattern: Pattern) -> ir.BooleanValue:
    """Drop lines whose product code matches a regular expression, such as ``^[A-Za-z]+$``: postage, fees."""
    return ~lines.product_id.fill_null("").re_search(pattern)


@keeps("country")
def drop_countries(lines: ir.Table, countries: Sequence[str]) -> ir.BooleanValue:
    """Drop lines of the named countries."""
    return ~lines.country.fill_null("").isin(list(countries))


@keeps("unit_price")
def minimum_price(lines: ir.Table, price: float) -> ir.BooleanValue:
    """Keep lines whose price a piece is at least `price`."""
    return lines.unit_price.fill_null(0) >= price


@keeps("unit_price")
def drop_zero_price(lines: ir.Table) -> ir.BooleanValue:
    """Drop lines whose price a piece is exactly zero; negative ones (bad debt written off) stay."""
    return lines.unit_price.fill_null(0) != 0


@keeps("customer_id")
def drop_customers(rows: ir.Table, customers: Sequence[str | int]) -> ir.BooleanValue:
    """Drop the named customers."""
    return ~rows.customer_id.fill_null("").isin([str(customer) for customer in customers])


@keeps("ordered_at")
def date_window(lines: ir.Table, start: Day | None = None, end: Day | None = None) -> ir.BooleanValue:
    """Keep lines from the day `start` to the day `end`, both included.

    Parameters
    ----------
    lines : ir.Table
    start, end : date, optional
        First and last day to keep; None leaves that side open.

    Returns
    -------
    ir.BooleanValue
        True for the rows to keep.
    """
    day = lines.ordered_at.date()
    in_window = ibis.literal(True)
    if start:
        in_window = in_window & (day >= ibis.literal(start))
    if end:
        in_window = in_window & (day <= ibis.literal(end))
    return in_window


# ---- changes -----------------------------------------------------------------------------------------------


@changes(distinct=True)
def drop_duplicates(rows: ir.Table) -> ir.Table:
    """Keep one of rows that are equal in every column that was read."""
    return rows.distinct()


def _taken_ids(lines: ir.Table, first_id: int | None = None) -> tuple[ir.Table, str]:
    named = lines.filter(_filled(lines, "customer_id")).select("customer_id").distinct()
    pseudo = lines.mutate(_nameless=~_filled(lines, "customer_id"))
    pseudo = pseudo_customers(pseudo, first_id).filter(_._nameless).select(pseudo_id=_.customer_id)
    advice = "leave first_id out" if first_id is not None else "number them with first_id"
    taken = named.semi_join(pseudo, named.customer_id == pseudo.pseudo_id)
    return (
        taken,
        f"a customer has the id that a pseudo-customer would get; choose another first_id, or {advice}",
    )


@changes("customer_id", "order_id", refuses=_taken_ids)
def pseudo_customers(lines: ir.Table, first_id: int | None = None) -> ir.Table:
    """Assign the lines of an order without a customer to a pseudo-customer, one per order.

    Parameters
    ----------
    first_id : int, optional
        Number the pseudo-customers from here, in the order of their order ids; ``order <order_id>`` when left
        out. An id that a customer has already is an error.
    """
    nameless = ~_filled(lines, "customer_id")
    if first_id is None:
        pseudo_id = ibis.literal("order ") + lines.order_id
    else:
        # dense_rank over all orders, those with a customer pushed into a partition of their own.
        rank = ibis.dense_rank().over(group_by=nameless, order_by=lines.order_id)
        pseudo_id = (rank + first_id).cast("string")
    return lines.mutate(customer_id=nameless.ifelse(pseudo_id, lines.customer_id))


@changes("product_id", "unit_price", "quantity")
def fill_zero_price(lines: ir.Table) -> ir.Table:
    """Replace a price of zero by the most frequent price of its product (ties: the lowest).

    A product that was never sold at a price keeps zero.
    """
    priced = lines.filter((lines.unit_price > 0) & lines.product_id.notnull())
    counts = priced.group_by("product_id", "unit_price").aggregate(times=priced.count())
    place = ibis.row_number().over(
        group_by=counts.product_id, order_by=[counts.times.desc(), counts.unit_price.asc()]
    )
    ranked = counts.mutate(place=place)
    usual = ranked.filter(ranked.place == 0).select(
        usual_product=ranked.product_id, usual_price=ranked.unit_price
    )
    joined = lines.left_join(usual, lines.product_id == usual.usual_product)
    repaired = (joined.unit_price == 0) & joined.usual_price.notnull()
    price = repaired.ifelse(joined.usual_price, joined.unit_price)
    amount = repaired.ifelse(joined.quantity * price, joined.amount)
    return joined.mutate(unit_price=price, amount=amount).select(*lines.columns)


@changes("amount")
def cancellations(lines: ir.Table, policy: Literal["keep", "drop", "match"] = "keep") -> ir.Table:
    """Decide what becomes of lines that take goods back (negative quantity, or amount where there is none).

    Parameters
    ----------
    policy : {"keep", "drop", "match"}
        ``keep`` marks them as returns: they leave orders and revenue, and count as returns. ``drop`` removes
        them. ``match`` pairs each with one purchase of the same customer, product and opposite quantity that
        is not later, one to one; matched cancellations are marked as returns: no orders, and ``net_revenue``
        has them cancel their purchase out. The others are dropped.
    """
    back = _takes_back(lines)
    if policy == "keep":
        return lines.mutate(is_return=lines.is_return | back)
    if policy == "drop":
        return lines.filter(~back)
    matched = match_cancellations(lines)
    remaining = matched.filter(~_takes_back(matched) | matched.matched)
    return remaining.mutate(is_return=remaining.is_return | remaining.matched).drop("matched")


def match_cancellations(lines: ir.Table) -> ir.Table:
    """Mark in a new column ``matched`` the cancellations that have a purchase to cancel, one to one.

    Within customer, product and size of quantity, in the order of time (a purchase before a cancellation of
    the same time), purchases not yet cancelled are counted as brackets are: +1 a purchase, -1 a
    cancellation. A cancellation is without counterpart exactly when it takes that running count to a new low
    below zero.
    """
    back = _takes_back(lines)
    numbered = lines.mutate(
        _size=lines.quantity.abs(),
        _move=back.ifelse(-1, 1),
        _row=ibis.row_number().over(order_by=_full_order(lines)),
    )
    same = [numbered.customer_id, numbered.product_id, numbered._size]
    in_time = [numbered.ordered_at, numbered._move.desc(), numbered._row]
    so_far = ibis.window(group_by=same, order_by=in_time, preceding=None, following=0)
    counted = numbered.mutate(_count=numbered._move.sum().over(so_far))
    before = ibis.window(
        group_by=[counted.customer_id, counted.product_id, counted._size],
        order_by=[counted.ordered_at, counted._move.desc(), counted._row],
        preceding=(None, 1),
    )
    low = ibis.least(counted._count.min().over(before).fill_null(0), 0)
    complete = counted.customer_id.notnull() & counted.product_id.notnull() & counted._size.notnull()
    matched = counted.mutate(matched=(counted._move == -1) & (counted._count >= low) & complete)
    return matched.drop("_size", "_move", "_row", "_count")


@changes()
def iqr_cap(rows: ir.Table, columns: Sequence[str], factor: float = 1.5) -> ir.Table:
    """Cap columns to [Q1 - factor IQR, Q3 + factor IQR] (Tukey 1977), quartiles exact and interpolated.

    Where quantity or unit price is capped, amount becomes their product again. Missing values stay missing.

    Parameters
    ----------
    rows : ir.Table
    columns : sequence of str
        Numeric columns.
    factor : float
        Interquartile ranges from the quartile to the bound.

    Returns
    -------
    ir.Table
        The rows with capped columns.
    """
    quartiles = rows.aggregate(
        **{f"{column}_q1": rows[column].quantile(0.25) for column in columns},
        **{f"{column}_q3": rows[column].quantile(0.75) for column in columns},
    )
    joined = rows.cross_join(quartiles)
    capped = {}
    for column in columns:
        value, first, third = joined[column], joined[f"{column}_q1"], joined[f"{column}_q3"]
        reach = (third - first) * factor
        # greatest and least pass over NULL: without the guard a missing value would become the bound.
        within = ibis.greatest(ibis.least(value, third + reach), first - reach)
        capped[column] = value.isnull().ifelse(ibis.null(value.type()), within)
    product = {"quantity", "unit_price"}
    if product & set(columns) and {*product, "amount"} <= set(rows.columns):
        moved = ibis.or_(*[capped[column] != joined[column] for column in sorted(product & set(columns))])
        quantity, price = (capped.get(column, joined[column]) for column in ("quantity", "unit_price"))
        capped["amount"] = moved.fill_null(False).ifelse(
            quantity * price, capped.get("amount", joined.amount)
        )
    return joined.mutate(**capped).select(*rows.columns)


@changes("ordered_at")
def shift_years(lines: ir.Table, years: int) -> ir.Table:
    """Move every date by whole years, as published studies do that disguise theirs.

    Not neutral: a leap day that comes to lie between two orders makes them a day farther apart.
    """
    moved = lines.mutate(ordered_at=lines.ordered_at + ibis.interval(years=years))
    return moved.drop("ordered_ms") if "ordered_ms" in moved.columns else moved


@changes("customer_id")
def drop_customers_without_purchases(lines: ir.Table) -> ir.Table:
    """Drop all lines of customers who have only returns."""
    buyers = lines.filter(~lines.is_return).select(buyer=_.customer_id).distinct()
    return lines.semi_join(buyers, lines.customer_id == buyers.buyer)


# ---- what several of them ask ------------------------------------------------------------------------------


def _filled(table: ir.Table, column: str) -> ir.BooleanValue:
    value = table[column]
    return value.notnull() & (value.strip() != "") if value.type().is_string() else value.notnull()


def _takes_back(lines: ir.Table) -> ir.BooleanValue:
    amount = lines.amount.fill_null(0)
    return (lines.quantity.fill_null(amount) if "quantity" in lines.columns else amount) < 0


def _full_order(lines: ir.Table) -> list[ir.Value]:
    """Every column, so that equal keys are equal rows and no engine has a choice left."""
    return [lines[column] for column in lines.columns]
