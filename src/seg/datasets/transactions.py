"""Anyone's own orders, one row an order line, by a column mapping alone.

UCI Online Retail I and II are read by it too: their YAML is their mapping.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import ibis

from seg.engine import Engine, Reading
from seg.errors import SegError
from seg.sources import schema
from seg.sources.locate import Source
from seg.sources.schema import Field, Loaded

KINDS = {
    "customer_id": "id",
    "order_id": "id",
    "ordered_at": "time",
    "product_id": "id",
    "quantity": "number",
    "unit_price": "number",
    "amount": "number",
}


def mapping(columns: Mapping[str, str | None]) -> dict[str, str]:
    """Complete a column mapping: without ``amount`` and without quantity and unit price, the amount is in ``amount``.

    Raises
    ------
    SegError
        The customer or the date is not mapped.
    """
    if not isinstance(columns, Mapping):
        raise SegError(
            f"dataset.columns={columns}: expected your column for each column of seg, such as dataset.columns.customer_id=cust"
        )
    # YAML reads a column called 2024 as a number.
    mapped = {name: str(source) for name, source in columns.items() if source}
    for name in ("customer_id", "ordered_at"):
        if name not in mapped:
            raise SegError(f"dataset.columns.{name}=null: expected the column of the files that holds it")
    if "amount" not in mapped and not {"quantity", "unit_price"} <= set(mapped):
        mapped["amount"] = "amount"
    return mapped


def load(
    engine: Engine,
    source: Source,
    columns: Mapping[str, str | None],
    reading: Reading,
    date_format: str | None = None,
    decimal: str = ".",
    bad_rows: str = "fail",
) -> Loaded:
    """Read order lines.

    Parameters
    ----------
    engine : Engine
    source : Source
    columns : mapping of str to str
        Column of the files for each column of seg; without ``order_id`` an order is a customer's day, without
        ``amount`` it is quantity times unit price. Names beyond those of seg (``country``, ``category``)
        become attributes.
    reading : Reading
        How the files are written.
    date_format : str, optional
        A format of ``strptime``, ``excel`` or ``epoch_s`` to ``epoch_ns``; ISO 8601 when left out.
    decimal : {".", ","}
    bad_rows : {"fail", "skip"}

    Returns
    -------
    Loaded
        A transactions table. ``amount`` is what the line adds to revenue, in the currency of the files;
        ``is_return`` is false everywhere: which lines are returns is a decision of the cleaning. A line may
        lack its customer, and then has no order either where an order is a customer's day.
    """
    mapped = mapping(columns)
    _check_mapping(mapped)
    money = {"amount"} if "amount" in mapped else {"quantity", "unit_price"}
    # A line of no order would add to revenue and not to orders.
    needed = {"ordered_at", "order_id", *money}
    fields = [
        Field(
            name,
            source_name,
            KINDS.get(name, "text"),
            name in needed,
            date_format if name == "ordered_at" else None,
        )
        for name, source_name in mapped.items()
    ]
    loaded = schema.load_fields(engine, source, fields, reading, bad_rows, decimal)
    lines = loaded.table
    amount = lines.amount if "amount" in mapped else lines.quantity * lines.unit_price
    order_id = lines.order_id if "order_id" in mapped else _customer_day(lines)
    lines = lines.mutate(amount=amount, order_id=order_id, is_return=ibis.literal(False))
    return replace(loaded, table=schema.transactions(lines))


def _check_mapping(mapped: Mapping[str, str]) -> None:
    """Check that one column of the files is not mapped to two things that it cannot be both."""
    for first, second in (
        ("customer_id", "ordered_at"),
        ("customer_id", "order_id"),
        ("ordered_at", "amount"),
        ("customer_id", "amount"),
    ):
        if mapped.get(first) and mapped.get(first) == mapped.get(second):
            raise SegError(
                f"dataset.columns: {first} and {second} are both {mapped[first]!r}; expected a column for each, or "
                f"dataset.columns.{second}=null where the files have none"
            )


def _customer_day(lines: ibis.Table) -> ibis.expr.types.StringValue:
    return lines.customer_id + " " + lines.ordered_at.date().cast("string")
