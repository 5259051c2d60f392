"""Apply the steps, and note what each of them took away.

After each step the ledger notes rows, customers and revenue, so the last line is what the features see and
the differences add up to what was dropped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce

import ibis
import pandas as pd
from ibis.expr import types as ir

from seg.cleaning.registry import Step
from seg.engine import Engine
from seg.errors import SegError

LEDGER_COLUMNS = ["step", "rows", "customers", "revenue"]


def clean(engine: Engine, table: ir.Table, parsed: Sequence[tuple[Step, dict]], first: str = "loaded"):
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


def _refuse(engine: Engine, step: Step, table: ir.Table, arguments: Mapping) -> None:
    if step.refuses is None:
        return
    refused, reason = step.refuses(table, **arguments)
    found = engine.collect(refused.order_by(refused.columns).limit(6)).iloc[:, 0]
    if len(found):
        shown = ", ".join(map(repr, found[:5])) + (" and more" if len(found) > 5 else "")
        raise SegError(f"cleaning step {step.name}: {shown}: {reason}")


def remarks(engine: Engine, table: ir.Table) -> list[str]:
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


def _filtered(engine: Engine, table: ir.Table, pending: list, ledger: list) -> ir.Table:
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


def _state(engine: Engine, table: ir.Table, step: str) -> tuple:
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
