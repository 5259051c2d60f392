"""From the files of a data set to a feature table: read, clean, compute features."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import pandas as pd
from ibis.expr import types as ir

from seg import cleaning, features, progress
from seg.config.parts import Parts
from seg.config.settings import DatasetSettings, Preparation
from seg.engine import Engine
from seg.errors import Note
from seg.features import FeatureRequest, FeatureTable
from seg.preparation import as_of, customer_groups, lessons, loaded_notes, purchases
from seg.preparation.lessons import Lessons
from seg.preparation.purchases import Purchases
from seg.sources import locate
from seg.sources.locate import Source
from seg.sources.schema import Loaded

log = logging.getLogger("seg")


@dataclass(frozen=True)
class Prepared:
    """Customers as numbers, and how the data set was reduced to them.

    Parameters
    ----------
    table : FeatureTable
    ledger, rejects : DataFrame
        Rows, customers and revenue after each cleaning step; rows that could not be read.
    parted : Parted or None
        Customers before the cut of a temporal hold-out, and what they bought after it.
    no_holdout : str or None
        Why this data set cannot have a temporal hold-out; None where it can.
    notes : tuple of (level, text)
        What a reader of the result has to know; level is ``"warning"`` or ``"info"``.
    purchases : Purchases or None
        What the customers bought by month and product, to describe segments with.
    lessons : Lessons or None
        Customers on earlier days, for a model that learns from outcomes.
    earlier : tuple of Parted
        Customers before earlier cuts of the hold-out, which show the spread.
    groups : Series or None
        Group of each customer where ``by`` asks for one, see `seg.preparation.customer_groups`.
    """

    table: FeatureTable
    ledger: pd.DataFrame
    rejects: pd.DataFrame
    parted: as_of.Parted | None = None
    no_holdout: str | None = None
    notes: tuple[Note, ...] = ()
    purchases: Purchases | None = None
    lessons: Lessons | None = None
    earlier: tuple[as_of.Parted, ...] = ()
    groups: pd.Series | None = None


@dataclass(frozen=True)
class Cleaned:
    """Rows that were read and cleaned.

    Parameters
    ----------
    loaded : Loaded
        As read, not cleaned.
    table : ir.Table
        After the cleaning steps.
    ledger : DataFrame
        Rows, customers and revenue after each step.
    notes : tuple of (level, text)
    """

    loaded: Loaded
    table: ir.Table
    ledger: pd.DataFrame
    notes: tuple[Note, ...]


def find(dataset: DatasetSettings, data_dir: str) -> tuple[Source, list[Note]]:
    """Locate the files of a data set; without them, its synthetic sample, with a warning.

    Returns
    -------
    source : Source
    notes : list of (level, text)

    Raises
    ------
    SegError
        There are neither files nor a sample.
    """
    source = locate.of(dataset, data_dir)
    notes: list[Note] = []
    if source.kind == "sample":
        text = (
            f"SAMPLE DATA: the real file of {dataset.name} is missing (expected at {source.expected}). These are synthetic customers: "
            f"do not draw conclusions. To get the real file: {dataset.source}"
        )
        log.warning(text)
        notes.append(("warning", text))
    return source, notes + [("info", text) for text in dataset.limits]


def prepare(settings: Preparation, parts: Parts, source: Source) -> Prepared:
    """Read, clean and compute features; split the orders at the cut too where a temporal hold-out is asked for.

    Parameters
    ----------
    settings : Preparation
        Data set, cleaning, recipe and hold-out.
    parts : Parts
        Engine and adapter are used.
    source : Source
        The files, from `find`.

    Raises
    ------
    SegError
        A file cannot be read, nothing is left after cleaning, or a feature is not a number for a customer.
    """
    parted, earlier, groups, notes = None, [], None, []
    reason = as_of.impossible(settings.dataset.kind)
    with parts.connect() as engine:
        cleaned = read(settings, parts, engine, source)
        with progress.step("features") as detail:
            table = features.build(engine, cleaned.table, requested(settings))
            detail(
                f"{len(table.frame):,} customers x {len(table.features)} features: {', '.join(table.features)}"
            )
            if settings.by:
                groups = customer_groups.collect(engine, cleaned.table, settings.by).reindex(
                    table.frame.index
                )
            bought = purchases.collect(engine, cleaned.table, int(cleaned.ledger["rows"].iloc[-1]))
        learned = _lessons(settings, engine, cleaned.loaded.table, table)
        if settings.holdout.cut and reason:
            notes = [("warning", f"evaluation.holdout.cut: {reason}")]
        elif settings.holdout.cut:
            with progress.step("hold-out") as detail:
                *earlier, parted = (
                    _parted(settings, engine, cleaned.loaded.table, cut)
                    for cut in (*settings.holdout.earlier, settings.holdout.cut)
                )
                detail(f"{len(parted.table.frame):,} customers before {parted.cut}")
            notes = [("info", text) for text in parted.notes]
    every = (*cleaned.notes, *notes, *_informed([learned.sentence] if learned else []))
    rejects = cleaned.loaded.rejects
    return Prepared(
        table, cleaned.ledger, rejects, parted, reason, every, bought, learned, tuple(earlier), groups
    )


def _parted(settings: Preparation, engine: Engine, lines: ir.Table, cut: date) -> as_of.Parted:
    """Part the order lines at one cut, with what a model of outcomes learns from before it."""
    parted = as_of.part(settings, engine, lines, cut, settings.holdout.days)
    if settings.lesson is None:
        return parted
    return as_of.with_lessons(parted, lessons.learn_from(settings, engine, lines, cut))


def _lessons(
    settings: Preparation, engine: Engine, lines: ir.Table, table: features.FeatureTable
) -> Lessons | None:
    """Return what a model of outcomes learns from, up to the newest order; None for another model."""
    if settings.lesson is None:
        return None
    with progress.step("learn from earlier days") as detail:
        _first, last = as_of.first_and_last(engine, lines)
        # A step may have left out the last days; one that moves the years has moved them behind the lines' own.
        learned = lessons.learn_from(settings, engine, lines, min(last, table.newest) + timedelta(days=1))
        detail(learned.sentence)
    return learned


def requested(settings: Preparation) -> FeatureRequest:
    """Return the feature table that a run asks for."""
    recipe, dataset = settings.recipe, settings.dataset
    return FeatureRequest(
        features.parse(recipe.features),
        recipe.profile,
        [*dataset.common, *([dataset.value] if dataset.value else [])],
        recipe.as_of,
        dataset.levels,
        dataset.truth,
        getattr(dataset, "missing", "fail"),
        settings.beside,
    )


def read(settings: Preparation, parts: Parts, engine: Engine, source: Source) -> Cleaned:
    """Read the files and apply the cleaning steps.

    Parameters
    ----------
    settings : Preparation
        Data set and cleaning.
    parts : Parts
        Its `load` reads.
    engine : Engine
    source : Source
        The files.

    Returns
    -------
    Cleaned

    Raises
    ------
    SegError
        A file cannot be read, or no row is left.
    """
    with progress.step(f"read {settings.dataset.name}") as detail:
        loaded = parts.load(engine, source)
        detail(source.where)
    notes: list[Note] = list(
        loaded_notes.check(engine, loaded, settings.cleaning.steps, settings.recipe.as_of)
    )
    for level, text in notes:
        log.log(logging.WARNING if level == "warning" else logging.INFO, text)
    with progress.step("clean") as detail:
        steps = cleaning.parse(settings.cleaning.steps)
        full = settings.cleaning.ledger == "full"
        table, ledger = cleaning.clean(engine, loaded.table, steps, full=full, lookup=loaded.lookup)
        detail(
            f"{ledger.rows.iloc[0]:,} -> {ledger.rows.iloc[-1]:,} rows, {ledger.customers.iloc[-1]:,} customers"
        )
    _log_ledger(ledger)
    notes += _informed(cleaning.remarks(engine, table))
    return Cleaned(loaded, table, ledger, tuple(notes))


def _informed(texts: Sequence[str]) -> list[Note]:
    return [("info", text) for text in texts]


def _log_ledger(ledger: pd.DataFrame) -> None:
    width = max(len(step) for step in ledger["step"])
    for row in ledger.itertuples():
        money = "" if pd.isna(row.revenue) else f" {row.revenue:>16,.2f} revenue"
        people = "" if pd.isna(row.customers) else f" {row.customers:>10,} customers"
        log.info("  %-*s %12s rows%s%s", width, row.step, f"{row.rows:,}", people, money)
