"""From the directory of a run to a sink: tables that are there, and those that are computed from the data once more."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import ibis
import pandas as pd
import pyarrow as pa
import pyarrow.dataset
from ibis.expr import types as ir

from seg import progress
from seg.config.parts import Parts
from seg.config.settings import Preparation
from seg.errors import SegError, undamaged
from seg.pipeline import keys
from seg.preparation import prepare
from seg.sinks import local_files as files
from seg.sinks import run_tables
from seg.sinks.star_schema import chosen, described
from seg.sinks.target import Sink

log = logging.getLogger("seg")
DESCRIPTION = "export.json"
FROM_DATA = ("monthly", "transactions", "products")


def export_run(
    folder: Path,
    sink: Sink,
    names: Sequence[str] | None,
    settings: Preparation,
    data_dir: str,
    parts: Parts,
) -> str:
    """Write the tables of a run to a sink, and their description into the directory of the run.

    Parameters
    ----------
    folder : Path
        The directory of the run.
    sink : Sink
    names : sequence of str or None
        Tables; all usual ones when None.
    settings : Preparation
    data_dir : str
        Folder that holds a folder for each data set.
    parts : Parts
        Of the run: the orders are read and cleaned with them once more for the tables of months, lines and products.

    Returns
    -------
    str
        Where the tables are, for people.

    Raises
    ------
    SegError
        The directory holds no run, or the sink does not take the tables.
    """
    wanted = chosen(names)
    with progress.step("export") as detail:
        orders = _Orders(folder, settings, data_dir, parts, [name for name in FROM_DATA if name in wanted])
        export = run_tables.gather(folder, wanted, {name: orders.get(name) for name in FROM_DATA})
        where = sink.write(export)
        files.write(folder / DESCRIPTION, described(export, {}))
        detail(f"{export.rows:,} rows in {len(export.tables)} tables: {where}")
    return where


class _Orders:
    """The cleaned orders of a run, read when the first table asks for them."""

    def __init__(
        self, folder: Path, settings: Preparation, data_dir: str, parts: Parts, wanted: Sequence[str]
    ):
        self._folder, self._settings, self._data_dir = folder, settings, data_dir
        self._parts, self._wanted = parts, wanted
        self._tables: dict[str, pa.Table | pd.DataFrame] | None = None

    def get(self, name: str):
        """Return a function that makes a table; it returns None where the run has no orders, or the data have changed."""

        def make():
            if self._tables is None:
                self._tables = self._computed()
            return self._tables.get(name)

        return make

    def _computed(self) -> dict:
        if self._settings.dataset.kind != "transactions" or not self._wanted:
            return {}
        try:
            source, _notes = prepare.find(self._settings.dataset, self._data_dir)
        except SegError as error:
            if set(self._wanted) - set(chosen(None)):  # asked for by name
                raise
            log.warning("export: %s. Left out: %s", error, ", ".join(self._wanted))
            return {}
        fingerprint = run_tables.read_facts(self._folder).get("fingerprint")
        if fingerprint and keys.fingerprint(self._settings.dataset, source) != fingerprint:
            log.warning(
                "export: the data have changed since the run; %s are left out: run it again",
                ", ".join(self._wanted),
            )
            return {}
        with self._parts.connect() as engine:
            clean = prepare.read(self._settings, self._parts, engine, source).table
            makers = {"monthly": monthly, "transactions": transactions, "products": products}
            return {name: makers[name](engine, clean, self._assigned()) for name in self._wanted}

    def _assigned(self) -> pa.Table:
        path = self._folder / "assignments.parquet"
        if not path.exists():
            raise SegError(
                f"run={self._folder}: assignments.parquet is missing, which says who is in which segment"
            )
        with undamaged(path):
            return pyarrow.dataset.dataset(path, format="parquet").to_table(
                columns=["customer_id", "segment"]
            )


def monthly(engine, lines: ir.Table, assigned: pa.Table) -> pd.DataFrame:
    """Return customers, orders and revenue of each month and segment; revenue without returns, as the feature has it.

    Parameters
    ----------
    engine : Engine
    lines : ibis Table
        Cleaned order lines.
    assigned : pyarrow.Table
        ``customer_id`` and ``segment``.
    """
    who = engine.register(assigned)
    joined = lines.inner_join(who, lines.customer_id == who.customer_id)
    joined = joined.mutate(month=joined.ordered_at.truncate("M").date())
    bought = ~joined.is_return
    table = joined.group_by(["month", "segment"]).aggregate(
        customers=_distinct(joined.customer_id, bought).cast("int64"),
        orders=_distinct(joined.order_id, bought).cast("int64")
        if "order_id" in lines.columns
        else bought.sum().cast("int64"),
        revenue=joined.amount.sum(where=bought).cast("float64").fill_null(0.0),
        net_revenue=joined.amount.sum().cast("float64").fill_null(0.0),
    )
    sums = engine.collect(table).sort_values(["month", "segment"], ignore_index=True)
    return sums.assign(
        month=pd.Series(pd.to_datetime(sums["month"]).dt.date, dtype=pd.ArrowDtype(pa.date32()))
    )


def transactions(engine, lines: ir.Table, assigned: pa.Table) -> pd.DataFrame:
    """Return the cleaned order lines, numbered in an order that does not depend on how they were read."""
    frame = engine.collect(lines)
    frame = frame.sort_values(
        [name for name in frame if frame[name].dtype != object or name.endswith("_id")], kind="stable"
    )
    return frame.reset_index(drop=True).rename_axis("line").reset_index()


def products(engine, lines: ir.Table, assigned: pa.Table) -> pd.DataFrame | None:
    """Return lines, customers, quantity and revenue of each product; None for orders without products."""
    if "product_id" not in lines.columns:
        return None
    bought = ~lines.is_return
    quantity = lines.quantity.sum(where=bought) if "quantity" in lines.columns else ibis.null("float64")
    table = lines.group_by("product_id").aggregate(
        lines=lines.count().cast("int64"),
        customers=_distinct(lines.customer_id, bought).cast("int64"),
        quantity=quantity.cast("float64"),
        revenue=lines.amount.sum(where=bought).cast("float64").fill_null(0.0),
    )
    frame = engine.collect(table)
    return frame[frame["product_id"].notna()].sort_values("product_id", ignore_index=True)


def _distinct(column: ir.Value, which: ir.BooleanValue) -> ir.IntegerValue:
    """Count distinct values of large groups: without a condition, which would take a set in memory on Spark."""
    return which.ifelse(column, ibis.null()).nunique()
