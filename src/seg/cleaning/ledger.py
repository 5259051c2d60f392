"""Apply the steps, and note what each of them took away.

After each step the ledger notes rows, customers and revenue, so the last line is what the features see and
the differences add up to what was dropped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd
from ibis.expr import types as ir

from seg.cleaning.counting import TIMES, Line, depths, passed, state, states, with_depth
from seg.cleaning.step_registry import Step, needs
from seg.engine import Engine
from seg.errors import SegError
from seg.sources.schema import Lookup

LEDGER_COLUMNS = ["step", "rows", "customers", "revenue"]
LARGE = 5_000_000  # rows; to tell 18 million customers apart takes as long as everything else


def clean(
    engine: Engine,
    table: ir.Table,
    parsed: Sequence[tuple[Step, dict]],
    full: bool = False,
    lookup: Lookup | None = None,
):
    """Apply the steps in order.

    Filters and repairs wait until a change, or the end, asks for the rows that are left: then one pass counts after each
    of them, and one keeps what is left.

    Parameters
    ----------
    full : bool
        Whether customers and revenue are counted of a table of more than `LARGE` rows too, wherever it is filtered, and
        not only of what is left of it.
    lookup : Lookup, optional
        Which of the columns are looked up, and how: in a table of more than `LARGE` rows that waits until they are needed.

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
    cleaner = _Cleaner(engine, table, full, lookup)
    for step, arguments in parsed:
        cleaner.apply(step, arguments)
    return cleaner.finish()


class _Cleaner:
    """A table as far as it is cleaned, and its ledger.

    `waiting` are the lines that are not counted yet, `rows` those of the table without them, `stored` says whether it is
    kept already, `seen` counts rows after the filters that wait, `lookup` is what is still to look up, `merged` the place in
    the ledger of the line before equal rows were merged, as long as it is not counted.
    """

    def __init__(self, engine: Engine, table: ir.Table, full: bool, lookup: Lookup | None):
        self.engine, self.table, self.full, self.lookup = engine, table, full, lookup
        self.ledger: list[tuple] = []
        self.waiting, self.stored, self.seen, self.merged = [Line("loaded")], False, None, None
        self.rows = self._count(table if lookup is None else lookup.table)
        if lookup is not None and not self._counts_all():
            self.table = lookup.table
        else:
            self.lookup = None

    def apply(self, step: Step, arguments: dict) -> None:
        """Apply one step, or note it where it can wait."""
        if self.lookup is not None and not self._before_lookup(step, arguments):
            self._look_up()
        if step.kind == "change":
            if not (step.distinct and self._merge()):
                self._change(step, arguments)
            self.waiting, self.seen = [Line(step.name)], None
        elif step.kind == "repair":
            self.table = self.table.mutate(**step.apply(self.table, **arguments))
            self.waiting.append(Line(step.name))
        else:
            line = Line(step.name, f"_kept_{len(self.waiting)}", step.undecided)
            learned = self._learned(step, arguments)
            self.table = self.table.mutate(**{line.keep: step.apply(self.table, **arguments, **learned)})
            self.waiting.append(line)

    def finish(self):
        """Return the table and the ledger."""
        self._settle()
        self._look_up()
        if pd.isna(self.ledger[-1][2]):
            self._recount(-1, self.table)
        return self.table, pd.DataFrame(self.ledger, columns=LEDGER_COLUMNS).astype({"customers": "Int64"})

    @property
    def _filters(self) -> list[Line]:
        return [line for line in self.waiting if line.keep]

    def _counts_all(self) -> bool:
        """Return True if customers and revenue are counted after every step."""
        return self.full or self.rows <= LARGE

    def _count(self, table: ir.Table) -> int:
        return int(self.engine.collect(table.aggregate(rows=table.count())).iloc[0, 0])

    def _before_lookup(self, step: Step, arguments: dict) -> bool:
        """Return True if a step does the same to a table that has not looked up its columns yet."""
        own = set(self.lookup.table.columns) - {self.lookup.key}
        return (step.kind != "change" or step.distinct) and needs([(step, arguments)]) <= own

    def _look_up(self) -> None:
        if self.lookup is not None:
            self.table, self.lookup = self.lookup.join(self.table), None

    def _change(self, step: Step, arguments: dict) -> None:
        self._settle()
        _refuse(self.engine, step, self.table, arguments)
        self.table, self.stored = self.engine.checkpoint(step.apply(self.table, **arguments)), True
        self.rows = self._count(self.table)

    def _learned(self, step: Step, arguments: dict) -> dict:
        """Ask what a filter has to know of the rows that are left when it comes, and count them on the way."""
        if not (step.learns and step.learns(self.table, **arguments)):
            return {}
        self._store_merged()
        table = with_depth(self.table, self._filters)
        scalars = step.learns(table, **arguments)
        by_depth = depths(self.engine, table, self._filters, scalars)
        self.seen = passed(by_depth, self._filters)
        return by_depth.loc[len(self._filters), list(scalars)].to_dict()

    # ---- what waits ----------------------------------------------------------------------------------------

    def _merge(self) -> bool:
        """Merge equal rows of a large table into one with a count; return whether that is possible."""
        if self.stored or self.merged is not None or self._counts_all() or not self._filters:
            return False
        self._note(self._states())
        self.merged = len(self.ledger) - 1
        remaining = self._left()
        self.table = remaining.group_by(remaining.columns).aggregate(**{TIMES: remaining.count()})
        self._look_up()  # of fewer rows, and nobody had to compare what was looked up
        return True

    def _store_merged(self) -> None:
        """Keep merged rows, and with them what the filters say that wait: to ask these once more costs more than to keep it."""
        if self.merged is not None and not self.stored:
            self.table, self.stored = self.engine.checkpoint(self.table), True
            self.rows = self._count(self.table)

    def _settle(self) -> None:
        """Count after each line that waits, and keep what is left."""
        self._store_merged()
        if self.stored or self._counts_all():
            self._look_up()
        with_times, self.table = self.table, self.table.drop(*{TIMES} & set(self.table.columns))
        counted = self._states()
        if self.merged is not None:
            # Before equal rows were merged there were the same customers.
            self._recount(self.merged, with_times, counted[0][1])
            self.merged = None
        self.table = self._left()
        if self._filters and not self.stored:
            # To filter a stored table once more costs less than to store what is left of it.
            self._look_up()
            self.table = self.engine.checkpoint(self.table)
        if self._filters and not self._counts_all():
            counted[-1] = state(self.engine, self.table)
        self._note(counted)
        self.rows = int(counted[-1][0])

    def _states(self) -> list[tuple]:
        """Count rows, customers and revenue before the filters that wait and after each; the last at least of rows."""
        filters, complete = self._filters, self._counts_all()
        if not filters:
            return [state(self.engine, self.table) if complete else (self.rows, pd.NA, float("nan"))]
        seen = self.seen and len(self.seen) == len(filters) and not filters[-1].undecided
        if not complete and not self.stored and seen:
            # All but the last has been counted, and the last will be.
            return [(count, pd.NA, float("nan")) for count in [*self.seen, 0]]
        return states(self.engine, self.table, filters, complete)

    def _left(self) -> ir.Table:
        conditions = [line.keep for line in self._filters]
        return (
            self.table.filter(*(self.table[name] for name in conditions)).drop(*conditions)
            if conditions
            else self.table
        )

    def _note(self, counted: Sequence[tuple]) -> None:
        """Write the lines that wait into the ledger: the state before their filters and after each."""
        place = 0
        for line in self.waiting:
            place += line.keep is not None
            self.ledger.append((line.name, *counted[place]))

    def _recount(self, place: int, table: ir.Table, customers=pd.NA) -> None:
        """Count what a line of the ledger left."""
        self.ledger[place] = (self.ledger[place][0], *state(self.engine, table, customers))


def _refuse(engine: Engine, step: Step, table: ir.Table, arguments: Mapping) -> None:
    if step.refuses is None:
        return
    refused, reason = step.refuses(table, **arguments)
    values = engine.collect(refused.order_by(refused.columns).limit(6)).iloc[:, 0]
    if len(values):
        shown = ", ".join(map(repr, values[:5])) + (" and more" if len(values) > 5 else "")
        raise SegError(f"cleaning step {step.name}: {shown}: {reason}")


def remarks(engine: Engine, table: ir.Table) -> list[str]:
    """Describe which of the cleaned lines are returns, which the ledger cannot show: they stay, apart from purchases."""
    if "is_return" not in table.columns:
        return []
    back = table.filter(table.is_return)
    lines = int(engine.collect(back.aggregate(lines=back.count())).iloc[0, 0])
    if not lines:
        return []
    customers = int(engine.collect(back.aggregate(customers=back.customer_id.nunique())).iloc[0, 0])
    return [f"{lines:,} lines of {customers:,} customers are returns: kept apart from orders and revenue"]
