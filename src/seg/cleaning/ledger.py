"""Apply the steps, and note what each of them took away.

After each step the ledger notes rows, customers and revenue, so the last line is what the features see and
the differences add up to what was dropped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import ibis
import pandas as pd
from ibis.expr import types as ir

from seg.cleaning.registry import Step
from seg.engine import Engine
from seg.errors import SegError

LEDGER_COLUMNS = ["step", "rows", "customers", "revenue"]
TIMES = "_times"  # how often a row of a table that holds equal ones once has come
LARGE = 5_000_000  # rows; to tell 18 million customers apart takes as long as everything else


@dataclass(frozen=True)
class Line:
    """A line of the ledger to come: its step and, of a filter, the column that says which rows it keeps."""

    name: str
    keep: str | None = None
    undecided: str | None = None


def clean(
    engine: Engine,
    table: ir.Table,
    parsed: Sequence[tuple[Step, dict]],
    first: str = "loaded",
    full: bool = False,
):
    """Apply the steps in order.

    Filters and repairs wait until a change, or the end, asks for the rows that are left: then one pass counts after each
    of them, and one keeps what is left.

    Parameters
    ----------
    full : bool
        Whether customers and revenue are counted of a table of more than `LARGE` rows too, wherever it is filtered, and
        not only of what is left of it.

    Returns
    -------
    table : ir.Table
        What is left: stored, or a filter of what is.
    ledger : DataFrame with columns step, rows, customers, revenue
        State after each step; the first line is the table as it was loaded. Customers and revenue are missing where they
        were not counted.

    Raises
    ------
    SegError
        A step refuses the table, or cannot decide of a row.
    """
    ledger: list[tuple] = []
    waiting, stored, seen = [Line(first)], False, None
    for step, arguments in parsed:
        if step.kind == "change":
            table = _settled(engine, table, waiting, ledger, full, stored, seen, step.distinct)
            _refuse(engine, step, table, arguments)
            merged = TIMES in table.columns
            table = table.drop(TIMES) if merged else engine.checkpoint(step.apply(table, **arguments))
            waiting, stored, seen = [Line(step.name)], True, None
        elif step.kind == "repair":
            table = table.mutate(**step.apply(table, **arguments))
            waiting.append(Line(step.name))
        else:
            line = Line(step.name, f"_kept_{len(waiting)}", step.undecided)
            learned, seen = _learned(engine, table, waiting, step, arguments, seen)
            table = table.mutate(**{line.keep: step.apply(table, **arguments, **learned)})
            waiting.append(line)
    table = _settled(engine, table, waiting, ledger, full, stored, seen)
    if pd.isna(ledger[-1][2]):
        ledger[-1] = _state(engine, table, ledger[-1][0])
    return table, pd.DataFrame(ledger, columns=LEDGER_COLUMNS).astype({"customers": "Int64"})


def _refuse(engine: Engine, step: Step, table: ir.Table, arguments: Mapping) -> None:
    if step.refuses is None:
        return
    refused, reason = step.refuses(table, **arguments)
    found = engine.collect(refused.order_by(refused.columns).limit(6)).iloc[:, 0]
    if len(found):
        shown = ", ".join(map(repr, found[:5])) + (" and more" if len(found) > 5 else "")
        raise SegError(f"cleaning step {step.name}: {shown}: {reason}")


def _learned(engine: Engine, table: ir.Table, waiting: Sequence[Line], step: Step, arguments, seen):
    """Look up what a filter has to know of the rows that are left when it comes.

    Returns
    -------
    learned : dict
    seen : list of int or None
        Rows before the filters that wait and after each of them, counted on the way; what was given where nothing was looked up.
    """
    if not (step.learns and step.learns(table, **arguments)):
        return {}, seen
    filters = [line for line in waiting if line.keep]
    table = _with_depth(table, filters)
    scalars = step.learns(table, **arguments)
    by_depth = _by_depth(engine, table, filters, scalars)
    return by_depth.loc[len(filters), list(scalars)].to_dict(), _counts(by_depth, filters)


def remarks(engine: Engine, table: ir.Table) -> list[str]:
    """Say what of the cleaned lines are returns, which the ledger cannot show: they stay, apart from purchases."""
    if "is_return" not in table.columns:
        return []
    back = table.filter(table.is_return)
    lines = int(engine.collect(back.aggregate(lines=back.count())).iloc[0, 0])
    if not lines:
        return []
    customers = int(engine.collect(back.aggregate(customers=back.customer_id.nunique())).iloc[0, 0])
    return [f"{lines:,} lines of {customers:,} customers are returns: kept apart from orders and revenue"]


# ---- counting ----------------------------------------------------------------------------------------------


def _left(table: ir.Table, waiting: Sequence[Line]) -> ir.Table:
    kept = [table[line.keep] for line in waiting if line.keep]
    return table.filter(*kept) if kept else table


def _settled(
    engine: Engine,
    table: ir.Table,
    waiting: Sequence[Line],
    ledger: list,
    full: bool,
    stored: bool,
    seen: Sequence[int] | None = None,
    distinct: bool = False,
) -> ir.Table:
    """Count after each line that waits, and keep what is left; of equal rows one, with how often it came, where that saves a pass."""
    rows = int(engine.collect(table.aggregate(rows=table.count())).iloc[0, 0])
    whole = full or rows <= LARGE
    filters = [line for line in waiting if line.keep]
    if not filters:
        state = _state(engine, table, "") if whole else ("", rows, pd.NA, float("nan"))
        ledger += [(line.name, *state[1:]) for line in waiting]
        return table
    if not whole and not stored and seen and len(seen) == len(filters) and not filters[-1].undecided:
        # All but the last has been counted, and the last will be.
        states = [(count, pd.NA, float("nan")) for count in [*seen, 0]]
    else:
        states = _states(engine, table, filters, whole)
    kept = _left(table, waiting).drop(*[line.keep for line in filters])
    if distinct and not whole and not stored:
        kept = kept.group_by(kept.columns).aggregate(**{TIMES: kept.count()})
    # To filter a stored table once more costs less than to store what is left of it.
    kept = kept if stored else engine.checkpoint(kept)
    if not whole:
        states[-1] = _state(engine, kept, "")[1:]
    passed = 0
    for line in waiting:
        passed += line.keep is not None
        ledger.append((line.name, *states[passed]))
    return kept


def _states(engine: Engine, table: ir.Table, filters: Sequence[Line], whole: bool) -> list[tuple]:
    """Count rows, customers and revenue before the filters and after each.

    A row's depth is the number of filters that it passes before the first that it does not; a customer's is that of the
    deepest of its rows. So one aggregate by customer counts exactly after every filter.
    """
    table = _with_depth(table, filters)
    money = _money(table)
    revenue = {"revenue": money.sum()} if whole and money is not None else {}
    by_depth = _by_depth(engine, table, filters, revenue)
    rows = _counts(by_depth, filters)
    if not whole:
        return [(count, pd.NA, float("nan")) for count in rows]
    named = table.filter(table.customer_id.notnull())
    deepest = named.group_by("customer_id").aggregate(_depth=named._depth.max())
    people = engine.collect(deepest.group_by("_depth").aggregate(customers=deepest.count()))
    people = people.set_index("_depth").reindex(by_depth.index).fillna(0)["customers"]
    spent = _from_the_end(by_depth["revenue"].fillna(0)) if revenue else [float("nan")] * len(rows)
    return [(int(r), int(c), _rounded(m)) for r, c, m in zip(rows, _from_the_end(people), spent, strict=True)]


def _with_depth(table: ir.Table, filters: Sequence[Line]) -> ir.Table:
    depth = ibis.literal(len(filters))
    for place in reversed(range(len(filters))):
        depth = table[filters[place].keep].fill_null(False).ifelse(depth, place)
    return table.mutate(_depth=depth.cast("int64"))


def _by_depth(engine: Engine, table: ir.Table, filters: Sequence[Line], further: Mapping) -> pd.DataFrame:
    unknown = {
        f"unknown_{place}": table[line.keep].isnull().sum()
        for place, line in enumerate(filters)
        if line.undecided
    }
    found = engine.collect(table.group_by("_depth").aggregate(rows=table.count(), **unknown, **further))
    return found.set_index("_depth").reindex(range(len(filters) + 1))


def _counts(by_depth: pd.DataFrame, filters: Sequence[Line]) -> list[int]:
    """Count rows before the filters and after each, once it is sure that these could decide."""
    names = [name for name in by_depth if name == "rows" or name.startswith("unknown_")]
    by_depth = by_depth[names].fillna(0)
    _check_decided(by_depth, filters)
    return [int(count) for count in _from_the_end(by_depth["rows"])]


def _check_decided(by_depth: pd.DataFrame, filters: Sequence[Line]) -> None:
    for place, line in enumerate(filters):
        if line.undecided and by_depth.loc[place, f"unknown_{place}"]:
            reached = int(_from_the_end(by_depth["rows"])[place])
            unknown = int(by_depth.loc[place, f"unknown_{place}"])
            raise SegError(f"cleaning step {line.name}: of {reached:,} rows {unknown:,} {line.undecided}")


def _from_the_end(values: pd.Series) -> list:
    """Sum from each place to the end: what has passed so many filters has passed fewer too."""
    return list(values[::-1].cumsum()[::-1])


def _state(engine: Engine, table: ir.Table, step: str) -> tuple:
    money = _money(table)
    counts = {"rows": table.count(), "customers": table.customer_id.nunique()}
    if TIMES in table.columns:
        counts["rows"], money = (
            table[TIMES].sum().fill_null(0),
            None if money is None else money * table[TIMES],
        )
    if money is not None:
        counts["revenue"] = money.sum().fill_null(0)
    row = engine.collect(table.aggregate(**counts)).iloc[0]
    return step, int(row["rows"]), int(row["customers"]), _rounded(row.get("revenue", float("nan")))


def _money(table: ir.Table) -> ir.Value | None:
    return next((table[name] for name in ("amount", "revenue") if name in table.columns), None)


def _rounded(money: float) -> float:
    return float(f"{money:.12g}")
