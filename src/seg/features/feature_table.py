"""From a recipe to one row of numbers a customer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

import numpy as np
import pandas as pd
from ibis.expr import types as ir

from seg.engine import Engine
from seg.errors import SegError, listed
from seg.features import checks
from seg.features.glossary import GLOSSARY, Context
from seg.features.recipe import check_as_of


@dataclass(frozen=True)
class FeatureTable:
    """The numbers that a recipe gives.

    Parameters
    ----------
    frame : DataFrame of shape (n_customers, n_columns), index customer_id, sorted
        Every column float64 and finite.
    features : list of str
        Columns to cluster on.
    profile : list of str
        Columns that only describe the segments.
    transforms : dict of str to tuple of str
        Per feature to cluster on, what is done to it before scaling.
    as_of : date or None
        Day from which recency was counted; None for a table without dates.
    truth : Series or None
        Planted segment of each customer, where the data set knows it.
    oldest, newest : date or None
        Days of the first and of the newest purchase; None for a table without dates.
    fills : dict of str to float
        What stands for a missing number of each column; empty where none may be missing.
    beside : DataFrame or None
        Further features of the same customers, which only the names of the segments need.
    """

    frame: pd.DataFrame
    features: list[str]
    profile: list[str]
    transforms: dict[str, tuple[str, ...]]
    as_of: date | None
    truth: pd.Series | None = None
    oldest: date | None = None
    newest: date | None = None
    fills: dict[str, float] = field(default_factory=dict)
    beside: pd.DataFrame | None = None

    @property
    def everything(self) -> pd.DataFrame:
        """Return `frame` with the features `beside` it."""
        return self.frame if self.beside is None else self.frame.join(self.beside)

    def rows(self, chosen: np.ndarray) -> FeatureTable:
        """Return the customers that `chosen` (bool, one a row) marks."""
        parts = {
            name: None if part is None else part[chosen]
            for name, part in (("frame", self.frame), ("truth", self.truth), ("beside", self.beside))
        }
        return replace(self, **parts)


@dataclass(frozen=True)
class FeatureRequest:
    """What a feature table shall hold.

    Parameters
    ----------
    features : mapping of str to tuple of str
        Features to cluster on, with their transforms.
    profile, extra : sequence of str
        Features to describe with, and to evaluate with, in the common space.
    as_of : int or date or str
        Day from which recency is counted: that many days after the newest order, or a date.
    levels : mapping of str to sequence of str
        Known values of categorical columns.
    truth : str, optional
        Column with the planted segment.
    missing : {"fail", "drop", "median", "keep"}
        With ``median`` missing numbers become the median of their column, which the table remembers; with ``keep`` they stay
        missing, for a model that fills them itself.
    beside : sequence of str
        Features that only the names of the segments need.
    """

    features: Mapping[str, tuple[str, ...]]
    profile: Sequence[str] = ()
    extra: Sequence[str] = ()
    as_of: object = 1
    levels: Mapping[str, Sequence[str]] = field(default_factory=dict)
    truth: str | None = None
    missing: str = "fail"
    beside: Sequence[str] = ()


def build(engine: Engine, table: ir.Table, request: FeatureRequest) -> FeatureTable:
    """Compute the features of every customer.

    Parameters
    ----------
    engine : Engine
    table : ir.Table
        Cleaned transactions (with ``is_return``) or customers.
    request : FeatureRequest

    Raises
    ------
    SegError
        `as_of` lies before the newest order, nobody is left, or a feature is not a number for a customer.
    """
    planned, missing = plan(engine, table, request), request.missing
    customers = _few_enough(engine, planned.customers)
    frame = engine.collect(customers.order_by("customer_id")).set_index("customer_id").sort_index()
    planted = frame.pop("_truth") if request.truth else None
    if not len(frame):
        raise checks.nobody()
    beside = frame.drop(columns=planned.shown).select_dtypes(["number", "bool"]).astype("float64")
    frame = frame[planned.shown]
    fills = checks.medians(frame) if missing == "median" else {}
    frame = checks.checked(frame.fillna(fills), gaps=missing == "keep")
    table = planned.computed(frame, planted)
    return replace(table, fills=fills, beside=beside if len(beside.columns) else None)


@dataclass(frozen=True)
class Plan:
    """A feature table that is not computed yet.

    Parameters
    ----------
    customers : ir.Table
        ``customer_id``, `features` and `profile`, and ``_truth`` where the data set knows it; neither rounded nor checked.
    features, profile, transforms, as_of, oldest, newest
        As in `FeatureTable`.
    """

    customers: ir.Table
    features: list[str]
    profile: list[str]
    transforms: dict[str, tuple[str, ...]]
    as_of: date | None = None
    oldest: date | None = None
    newest: date | None = None

    @property
    def shown(self) -> list[str]:
        """Columns to cluster on and to describe with."""
        return [*self.features, *self.profile]

    def computed(self, frame: pd.DataFrame, truth: pd.Series | None) -> FeatureTable:
        """Return the table, once its rows, or a sample of them, are computed."""
        return FeatureTable(
            frame, self.features, self.profile, self.transforms, self.as_of, truth, self.oldest, self.newest
        )


def plan(engine: Engine, table: ir.Table, request: FeatureRequest) -> Plan:
    """Plan how the features of every customer are computed; see `build`, which computes them.

    Parameters
    ----------
    engine : Engine
    table : ir.Table
        Transactions or customers.
    request : FeatureRequest

    Returns
    -------
    Plan
        The expression of one row a customer, and which of its columns are features.
    """
    counted, features = "is_return" in table.columns, request.features
    context = _context(engine, table, counted, request.as_of, request.levels)
    wanted = list(dict.fromkeys([*features, *request.profile, *request.extra]))
    beside = [name for name in request.beside if name not in wanted]
    customers, columns_of = _columns(table, counted, [*wanted, *beside], context, request.truth)
    chosen = [column for name in features for column in columns_of[name]]
    described = [column for name in wanted for column in columns_of[name] if column not in chosen]
    transforms = {column: features[name] for name in features for column in columns_of[name]}
    if context.newest is None:
        return Plan(customers, chosen, described, transforms)
    ends = context.oldest.date(), context.newest.date()
    return Plan(customers, chosen, described, transforms, context.as_of, *ends)


def _few_enough(engine: Engine, customers: ir.Table) -> ir.Table:
    """Count the customers before they are brought here, where an engine has a limit."""
    if engine.collect_limit is None:
        return customers
    customers = engine.checkpoint(customers)
    count = int(engine.collect(customers.aggregate(rows=customers.count())).rows[0])
    if count > engine.collect_limit:
        raise SegError(
            f"engine.collect_limit={engine.collect_limit}: this model needs its customers in the memory of one machine, and "
            f"there are {count:,}; raise engine.collect_limit, or take a model that is fitted on Spark (model=mllib_kmeans)"
        )
    return customers


def _context(engine: Engine, table: ir.Table, counted: bool, as_of, levels: Mapping) -> Context:
    """Look at the first and the newest order; a customers table without dates has neither."""
    first_name, last_name = ("ordered_at", "ordered_at") if counted else ("first_order_at", "last_order_at")
    if last_name not in table.columns:
        return Context(date.min, None, (), {name: tuple(values) for name, values in levels.items()})
    first = table[first_name].min() if first_name in table.columns else table[last_name].min()
    last = table[last_name].max(where=~table.is_return if counted else None)
    row = engine.collect(table.aggregate(first=first, last=last, any_last=table[last_name].max())).iloc[0]
    if pd.isna(row["last"]):
        raise SegError(
            "features: no order is left after cleaning; look at the ledger for the step that dropped them"
        )
    newest, day = row["last"].to_pydatetime(), _as_of(as_of, row["last"].date())
    months = (
        tuple((p.year, p.month) for p in pd.period_range(row["first"], row["any_last"], freq="M"))
        if counted
        else ()
    )
    levels_of = {name: tuple(values) for name, values in levels.items()}
    return Context(day, newest, months, levels_of, row["first"].to_pydatetime())


def _as_of(as_of: object, newest: date) -> date:
    rule = check_as_of(as_of)
    try:
        day = newest + timedelta(days=rule) if isinstance(rule, int) else rule
    except OverflowError:
        raise SegError(
            f"recipe.as_of={as_of}: the newest order is on {newest}, and no day is that much later; remove impossible dates "
            f"with the cleaning step date_window: {{end: ...}}"
        ) from None
    if day < newest:
        raise SegError(
            f"recipe.as_of={as_of}: the newest order ({newest}) is later than `as_of`; choose {newest} "
            f"or later, or cut the data first with the cleaning step date_window: {{end: {day}}}"
        )
    return day


def _columns(table: ir.Table, counted: bool, wanted: Sequence[str], context: Context, truth: str | None):
    """Add feature after feature, what each needs before it."""
    if truth and truth not in table.columns:
        hint = f"; one of your own files is read with +dataset.columns.{truth}={truth}" if counted else ""
        raise SegError(
            f"dataset.truth={truth}: no such column; expected one of {listed(truth, table.columns)}{hint}"
        )
    columns_of: dict[str, list[str]] = {}
    ordered = _in_order(wanted, set() if counted else set(table.columns))
    if counted:
        aggregates: dict[str, ir.Value] = {}
        for name in ordered:
            if GLOSSARY[name].counted:
                built = _named(name, GLOSSARY[name].build(table, context))
                aggregates |= built
                columns_of[name] = list(built)
        if truth:
            aggregates["_truth"] = table[truth].max()
        # Someone without a purchase has no recency: such customers cannot be segmented.
        buyers = {"_purchases": (~table.is_return).sum()}
        customers = (
            table.filter(table.customer_id.notnull())
            .group_by("customer_id")
            .aggregate(**aggregates, **buyers)
        )
        customers = customers.filter(customers._purchases > 0).drop("_purchases")
    else:
        customers = table.mutate(_truth=table[truth]) if truth else table
    for name in ordered:
        if name in columns_of:
            continue
        columns_of[name] = [name]
        # A column that the table has already needs no step of its own: hundreds of steps take minutes to compile.
        if _derived(name, customers):
            built = _named(name, GLOSSARY[name].build(customers, context))
            customers = customers.mutate(**built)
            columns_of[name] = list(built)
    columns = dict.fromkeys(column for name in wanted for column in columns_of[name])
    return customers.select("customer_id", *columns, *(["_truth"] if truth else [])), columns_of


def _derived(name: str, customers: ir.Table) -> bool:
    return name in GLOSSARY and not GLOSSARY[name].counted and name not in customers.columns


def _named(name: str, built: ir.Value | dict[str, ir.Value]) -> dict[str, ir.Value]:
    return built if isinstance(built, dict) else {name: built}


def _in_order(wanted: Sequence[str], present: set[str]) -> list[str]:
    ordered: dict[str, None] = {}

    def add(name: str) -> None:
        if name not in ordered:
            feature = GLOSSARY.get(name)
            if feature and not feature.counted and name not in present:
                for need in feature.needs:
                    if need in GLOSSARY:
                        add(need)
            ordered[name] = None

    for name in wanted:
        add(name)
    return list(ordered)


def catalogue() -> pd.DataFrame:
    """List the whole glossary: feature, unit, meaning, needs."""
    return pd.DataFrame(
        [(f.name, f.unit, f.meaning, ", ".join(f.needs)) for f in GLOSSARY.values()],
        columns=["feature", "unit", "meaning", "needs"],
    )
