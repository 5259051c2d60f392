"""Cleaning steps, and the ledger that says what each of them took away.

A step is a function of this module that a YAML names with its arguments, in the order it gives; the
annotation of an argument is what the YAML may say. Two kinds:

- a filter returns, for each row, whether to keep it; filters in a row are counted in one scan;
- a change returns a new table.

After each step the ledger notes rows, customers and revenue, so the last line is what the features see and
the differences add up to what was dropped.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import reduce
from typing import Annotated, Literal, get_type_hints

import ibis
import pandas as pd
from ibis import _
from ibis.expr import types as ir
from pydantic import AfterValidator, BeforeValidator, ConfigDict, TypeAdapter, ValidationError

from seg.engine import DuckDBEngine
from seg.errors import SegError, listed

LEDGER_COLUMNS = ["step", "rows", "customers", "revenue"]


def _pattern(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"not a regular expression: {error}") from None
    return text


def _day(value: object) -> date:
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        raise ValueError("expected a day such as 2011-12-09") from None


Pattern = Annotated[str, AfterValidator(_pattern)]
Day = Annotated[date, BeforeValidator(_day)]


@dataclass(frozen=True)
class Step:
    """A cleaning rule: its function, whether it filters, the columns that it needs, and what it refuses."""

    name: str
    apply: Callable
    filters: bool
    needs: tuple[str, ...]
    refuses: Callable | None = None  # from table and arguments to a table that must be empty, and why

    @property
    def arguments(self) -> dict[str, inspect.Parameter]:
        """Arguments that the YAML may give, the table left out."""
        return dict(list(inspect.signature(self.apply).parameters.items())[1:])


STEPS: dict[str, Step] = {}


def _step(filters: bool, needs: tuple[str, ...], refuses: Callable | None = None) -> Callable:
    def register(function: Callable) -> Callable:
        STEPS[function.__name__] = Step(function.__name__, function, filters, needs, refuses)
        return function

    return register


def keeps(*needs: str) -> Callable:
    """Register a filter: a function from a table to the rows to keep."""
    return _step(True, needs)


def changes(*needs: str, refuses: Callable | None = None) -> Callable:
    """Register a change: a function from a table to a table."""
    return _step(False, needs, refuses)


# ---- filters -----------------------------------------------------------------------------------------------


@keeps()
def drop_missing(
    lines: ir.Table, columns: Sequence[str], placeholders: Sequence[str] = ()
) -> ir.BooleanValue:
    """Drop rows in which one of the columns is missing, blank, or a placeholder such as ``Unknown``."""
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
    """Keep lines from the day `start` to the day `end`, both included."""
    day = lines.ordered_at.date()
    kept = ibis.literal(True)
    if start:
        kept = kept & (day >= ibis.literal(start))
    if end:
        kept = kept & (day <= ibis.literal(end))
    return kept


# ---- changes -----------------------------------------------------------------------------------------------


@changes()
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
    """Let the lines of an order without a customer belong to a customer of their own, one an order.

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
    """Give a line with price zero the most frequent price of its product (ties: the lowest).

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
        is not later, one to one; matched cancellations stay as ordinary lines that cancel their purchase
        out, the others are dropped.
    """
    back = _takes_back(lines)
    if policy == "keep":
        return lines.mutate(is_return=lines.is_return | back)
    if policy == "drop":
        return lines.filter(~back)
    matched = match_cancellations(lines)
    return matched.filter(~_takes_back(matched) | matched.matched).drop("matched")


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
    known = counted.customer_id.notnull() & counted.product_id.notnull() & counted._size.notnull()
    matched = counted.mutate(matched=(counted._move == -1) & (counted._count >= low) & known)
    return matched.drop("_size", "_move", "_row", "_count")


@changes()
def iqr_cap(rows: ir.Table, columns: Sequence[str], factor: float = 1.5) -> ir.Table:
    """Cap columns to [Q1 - factor IQR, Q3 + factor IQR] (Tukey 1977), quartiles exact and interpolated.

    Where quantity or unit price is capped, amount becomes their product again. Missing values stay missing.
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
    return lines.mutate(ordered_at=lines.ordered_at + ibis.interval(years=years))


@changes("customer_id")
def drop_customers_without_purchases(lines: ir.Table) -> ir.Table:
    """Drop all lines of customers who have only returns."""
    buyers = lines.filter(~lines.is_return).select(buyer=_.customer_id).distinct()
    return lines.semi_join(buyers, lines.customer_id == buyers.buyer)


# ---- running them ------------------------------------------------------------------------------------------


def parse(steps: Sequence) -> list[tuple[Step, dict]]:
    """Read the steps of a YAML (a name, or one name with its arguments) and check them before any data is read.

    Raises
    ------
    SegError
        A step or an argument is unknown, an argument without a default is not given, or has a wrong value.
    """
    parsed = []
    for entry in steps or []:
        if isinstance(entry, Mapping) and len(entry) != 1:
            raise SegError(
                f"cleaning.steps: {', '.join(map(str, entry)) or 'an empty entry'}: expected one step "
                "an entry, "
                "each with a dash of its own"
            )
        name, arguments = next(iter(entry.items())) if isinstance(entry, Mapping) else (entry, None)
        if name not in STEPS:
            raise SegError(f"cleaning.steps: unknown step {name!r}; expected one of {listed(name, STEPS)}")
        if arguments is not None and not isinstance(arguments, Mapping):
            raise SegError(
                f"cleaning.steps: {name}: {arguments!r}: expected arguments by name, "
                f"{', '.join(STEPS[name].arguments)}"
            )
        parsed.append((STEPS[name], _arguments(STEPS[name], dict(arguments or {}))))
    return parsed


def _arguments(step: Step, given: dict) -> dict:
    for key in given:
        if key not in step.arguments:
            takes = listed(key, step.arguments)
            raise SegError(f"cleaning.steps: {step.name} has no argument {key!r}; it takes {takes}")
    for key, parameter in step.arguments.items():
        if parameter.default is inspect.Parameter.empty and key not in given:
            raise SegError(f"cleaning.steps: {step.name} needs the argument {key!r}")
    hints, checked = get_type_hints(step.apply, include_extras=True), {}
    for key, value in given.items():
        try:
            adapter = TypeAdapter(hints[key], config=ConfigDict(allow_inf_nan=False))
            checked[key] = adapter.validate_python(value)
        except ValidationError as error:
            expected = error.errors()[0]["msg"].removeprefix("Value error, ")
            raise SegError(f"cleaning.steps: {step.name}: {key}={value!r}: {expected}") from None
    return checked


def needs(parsed: Sequence[tuple[Step, dict]]) -> set[str]:
    """Name the columns that the steps need, those that their arguments ask for with them."""
    return {column for step, arguments in parsed for column in (*step.needs, *_asked(arguments))}


def _asked(arguments: Mapping) -> tuple[str, ...]:
    matching = ("customer_id", "product_id", "quantity", "ordered_at")
    return (*arguments.get("columns", ()), *(matching if arguments.get("policy") == "match" else ()))


def clean(engine: DuckDBEngine, table: ir.Table, parsed: Sequence[tuple[Step, dict]], first: str = "loaded"):
    """Apply the steps in order.

    Returns
    -------
    table : ir.Table
        What is left, computed.
    ledger : DataFrame with columns step, rows, customers, revenue
        State after each step; the first line is the table as it was loaded.

    Raises
    ------
    SegError
        A step refuses the table.
    """
    ledger = [_state(engine, table, first)]
    pending: list[tuple[str, ir.BooleanValue]] = []
    for step, arguments in parsed:
        if step.filters:
            pending.append((step.name, step.apply(table, **arguments)))
            continue
        table = _filtered(engine, table, pending, ledger)
        pending = []
        _refuse(engine, step, table, arguments)
        table = engine.checkpoint(step.apply(table, **arguments))
        ledger.append(_state(engine, table, step.name))
    table = _filtered(engine, table, pending, ledger)
    return table, pd.DataFrame(ledger, columns=LEDGER_COLUMNS)


def _refuse(engine: DuckDBEngine, step: Step, table: ir.Table, arguments: Mapping) -> None:
    if step.refuses is None:
        return
    refused, reason = step.refuses(table, **arguments)
    found = engine.collect(refused.order_by(refused.columns).limit(6)).iloc[:, 0]
    if len(found):
        shown = ", ".join(map(repr, found[:5])) + (" and more" if len(found) > 5 else "")
        raise SegError(f"cleaning step {step.name}: {shown}: {reason}")


def remarks(engine: DuckDBEngine, table: ir.Table) -> list[str]:
    """Say what of the cleaned lines are returns, which the ledger cannot show: they stay, apart from purchases."""
    if "is_return" not in table.columns:
        return []
    back = engine.collect(
        table.aggregate(
            lines=table.is_return.sum().fill_null(0),
            customers=table.customer_id.nunique(where=table.is_return),
        )
    ).iloc[0]
    if not back["lines"]:
        return []
    return [
        f"{back['lines']:,} lines of {back['customers']:,} customers are returns: kept apart from "
        "orders and revenue"
    ]


def _filtered(engine: DuckDBEngine, table: ir.Table, pending: list, ledger: list) -> ir.Table:
    """Apply filters that stand in a row: one scan counts after each of them, one keeps what is left."""
    if not pending:
        return table
    counts, kept = {}, []
    for place, (_name, keep) in enumerate(pending):
        kept.append(keep)
        both = reduce(lambda a, b: a & b, kept)
        counts |= _counts(table, f"{place}_", both)
    row = engine.collect(table.aggregate(**counts)).iloc[0]
    ledger += [_line(row, name, f"{place}_") for place, (name, _keep) in enumerate(pending)]
    return engine.checkpoint(table.filter(*kept))


def _state(engine: DuckDBEngine, table: ir.Table, step: str) -> tuple:
    return _line(engine.collect(table.aggregate(**_counts(table, "", None))).iloc[0], step, "")


def _counts(table: ir.Table, prefix: str, where: ir.BooleanValue | None) -> dict[str, ir.Value]:
    money = next((table[name] for name in ("amount", "revenue") if name in table.columns), None)
    return {
        f"{prefix}rows": table.count(where=where),
        f"{prefix}customers": table.customer_id.nunique(where=where),
        f"{prefix}revenue": ibis.literal(float("nan"))
        if money is None
        else money.sum(where=where).fill_null(0),
    }


def _line(row: pd.Series, step: str, prefix: str) -> tuple:
    return (
        step,
        int(row[f"{prefix}rows"]),
        int(row[f"{prefix}customers"]),
        float(f"{row[f'{prefix}revenue']:.12g}"),
    )


def _filled(table: ir.Table, column: str) -> ir.BooleanValue:
    value = table[column]
    return value.notnull() & (value.strip() != "") if value.type().is_string() else value.notnull()


def _takes_back(lines: ir.Table) -> ir.BooleanValue:
    amount = lines.amount.fill_null(0)
    return (lines.quantity.fill_null(amount) if "quantity" in lines.columns else amount) < 0


def _full_order(lines: ir.Table) -> list[ir.Value]:
    """Every column, so that equal keys are equal rows and no engine has a choice left."""
    return [lines[column] for column in lines.columns]
