"""What is in a table that an adapter has read, and whether a run can use it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from importlib import import_module

import pandas as pd
from ibis.expr import datatypes as dt

from seg.config.settings import DatasetSettings
from seg.datasets import transactions
from seg.engine import Engine
from seg.sources import odd_ids, oddities, order_totals, schema
from seg.sources.schema import Loaded

SHOWN = 5  # bad rows shown
DERIVED = "(worked out)"


@dataclass(frozen=True)
class Column:
    """One column: its name in the files and in seg, its type in a word, rows without a value, the verdict."""

    source: str
    name: str
    kind: str
    missing: int
    verdict: str


@dataclass(frozen=True)
class Report:
    """What a data set holds.

    Parameters
    ----------
    rows : int
        Rows that could be read.
    customers : int
        Distinct customers; rows without one are not counted.
    first, last : Timestamp or None
        First and last order; None where the table has no dates.
    revenue : float or None
        Sum of what the rows add to revenue, nothing cleaned; None where the table has no money.
    rejects : DataFrame
        Rows that could not be read: `file`, `line`, `reason`, `text`.
    columns : tuple of Column
    problems : tuple of str
        Why a run could not use it; empty when all is well.
    notes : tuple of str
        What is most likely wrong: ids that are nearly the same, lines that repeat another.
    """

    rows: int
    customers: int
    first: pd.Timestamp | None
    last: pd.Timestamp | None
    revenue: float | None
    rejects: pd.DataFrame
    columns: tuple[Column, ...]
    problems: tuple[str, ...]
    notes: tuple[str, ...] = ()


def inspect(
    engine: Engine, loaded: Loaded, kind: str, declared: Collection[str], sources: Mapping[str, str]
) -> Report:
    """Measure a table, in one pass over it.

    Parameters
    ----------
    loaded : Loaded
        What the adapter gave with ``bad_rows="skip"``.
    kind : {"transactions", "customers"}
    declared : collection of str
        Columns that the data set says it provides.
    sources : mapping of str to str
        Name in the files for each column of seg that is read as it is.
    """
    table = loaded.table
    dates, money = _roles(kind, table.columns)
    measures = {f"missing {name}": table[name].isnull().sum() for name in table.columns}
    measures["rows"] = table.count()
    if "customer_id" in table.columns:
        measures["customers"] = table.customer_id.nunique()
    if dates:
        measures |= {"first": table[dates[0]].min(), "last": table[dates[1]].max()}
    if money:
        measures["revenue"] = table[money].sum()
    totals = engine.collect(table.aggregate(**measures)).iloc[0]
    rows, customers = int(totals["rows"]), int(totals.get("customers", 0))
    missing = {name: int(totals[f"missing {name}"]) for name in table.columns}
    columns = [_column(name, type_, missing[name], rows, sources) for name, type_ in table.schema().items()]
    needed = schema.TRANSACTIONS.keys() - {"order_id"} if kind == "transactions" else {"customer_id"}
    expected = {*declared, *needed}
    absent = sorted(expected - set(table.columns))
    columns += [Column(sources.get(name, DERIVED), name, "", rows, "not there") for name in absent]
    problems = [*_bad(loaded.rejects, rows), *_faults(kind, rows, customers, columns, absent)]
    problems += [loaded.suspects.text] if loaded.suspects else []
    notes = tuple(text for _level, text in loaded.notes if "dataset.bad_rows=skip" not in text)
    oddly = []
    if kind == "transactions" and rows <= oddities.LARGE:
        nobody = odd_ids.about_placeholders(odd_ids.placeholders(engine, table))
        repeated = (oddities.repeated_lines(engine, table), order_totals.repeated_totals(engine, table))
        oddly = [text for text in (nobody, *repeated) if text]
    days = [totals[name] if dates and pd.notna(totals[name]) else None for name in ("first", "last")]
    revenue = float(totals["revenue"]) if money and pd.notna(totals["revenue"]) else None
    return Report(
        rows,
        customers,
        *days,
        revenue,
        loaded.rejects,
        tuple(columns),
        tuple(problems),
        (*notes, *oddly),
    )


def names_in_files(dataset: DatasetSettings) -> dict[str, str]:
    """Map columns of seg to columns of the files.

    Known from the YAML, or from the ``FIELDS`` of the adapter of a fixed file; empty for generated rows.
    """
    if getattr(dataset, "columns", None):
        return transactions.mapping(dataset.columns)
    if getattr(dataset, "features", None):
        return {"customer_id": dataset.id, **{name: name for name in dataset.features}}
    adapter = import_module(dataset.load["_target_"].rpartition(".")[0])
    return {field.name: field.source for field in getattr(adapter, "FIELDS", ())}


def facts(report: Report, currency: str | None) -> list[tuple[str, str]]:
    """Return the lines of a report, for people to read."""
    bad = len(report.rejects)
    lines = [("rows", f"{report.rows:,}"), ("customers", f"{report.customers:,}")]
    for name, day in (("first order", report.first), ("last order", report.last)):
        if day is not None:
            lines.append((name, f"{day:%Y-%m-%d %H:%M}".removesuffix(" 00:00")))
    if report.revenue is not None:
        amount = f"{report.revenue:,.2f} {currency or ''}".rstrip()
        lines.append(("revenue", f"{amount}, the sum of all rows, nothing cleaned"))
    lines += [("note", text) for text in report.notes]
    lines.append(("bad rows", f"{bad:,} of {report.rows + bad:,} could not be read" if bad else "0"))
    for row in report.rejects.head(SHOWN).itertuples():
        lines.append(("", f"line or row {row.line:,}: {row.reason}"))
        lines.append(("", f"    {str(row.text)[:160]}"))
    if bad > SHOWN:
        more = f"and {bad - SHOWN:,} more; a run with dataset.bad_rows=skip lists all of them in bad_rows.csv"
        lines.append(("", more))
    return lines


def _roles(kind: str, columns: Collection[str]) -> tuple[tuple[str, str] | None, str | None]:
    """Find the columns with the first and the last order, and the one with money."""
    names = ("ordered_at", "ordered_at") if kind == "transactions" else ("first_order_at", "last_order_at")
    money = "amount" if kind == "transactions" else "revenue"
    return names if set(names) <= set(columns) else None, money if money in columns else None


def _column(name: str, type_: dt.DataType, missing: int, rows: int, sources: Mapping[str, str]) -> Column:
    words = {"is_string": "text", "is_boolean": "yes or no", "is_temporal": "time", "is_numeric": "number"}
    kind = next((word for test, word in words.items() if getattr(type_, test)()), str(type_))
    verdict = "ok" if missing < rows else "no value at all"
    return Column(sources.get(name, DERIVED), name, kind, missing, verdict)


def _bad(rejects: pd.DataFrame, rows: int) -> list[str]:
    if rejects.empty:
        return []
    return [f"{len(rejects):,} of {rows + len(rejects):,} rows cannot be read"]


def _faults(kind: str, rows: int, customers: int, columns: list[Column], absent: list[str]) -> list[str]:
    problems = []
    if absent:
        names = ", ".join(absent)
        problems.append(f"the data set promises {names}, which its adapter does not give (dataset.provides)")
    needed = schema.TRANSACTIONS if kind == "transactions" else ["customer_id"]
    # What is worked out has no value where its columns in the files have none: those are the ones to name.
    empty = [
        column.source
        for column in columns
        if column.name in needed and column.source != DERIVED and column.verdict.startswith("no ")
    ]
    if empty:
        problems.append(f"no value at all in {', '.join(empty)}, which a run needs")
    if kind == "customers" and 0 < customers < rows:
        problems.append(f"{rows - customers:,} rows repeat a customer: expected one row a customer")
    return problems
