"""From the files of a data set to the scaled matrix that a clusterer sees."""

from __future__ import annotations

import logging
from dataclasses import dataclass

import pandas as pd

from seg import cleaning, features, progress
from seg.config.parts import Parts
from seg.config.settings import Settings
from seg.engine import Engine
from seg.features import FeatureTable
from seg.preparation import as_of, loaded_notes
from seg.sources import locate
from seg.sources.locate import Source
from seg.sources.schema import Loaded

log = logging.getLogger("seg")


def find(settings: Settings, notices: list) -> Source:
    """Find the files of the data set; take the sample, loudly, where there are none."""
    dataset = settings.dataset
    source = locate.find(dataset.name, settings.data_dir, dataset.files, dataset.path, dataset.sample)
    source = locate.with_tables(source, dataset.tables, dataset.source)
    if source.kind == "sample":
        text = (
            f"SAMPLE DATA: the real file of {dataset.name} was not found at {source.expected}. These are invented customers; "
            f"no conclusion holds. To get the real file: {dataset.source}"
        )
        log.warning(text)
        notices.append(("warning", text))
    notices += [("info", text) for text in dataset.limits]
    return source


@dataclass(frozen=True)
class Prepared:
    """Customers as numbers, and what it took to get there.

    Parameters
    ----------
    table : FeatureTable
    ledger, rejects : DataFrame
        What each cleaning step left; rows that could not be read.
    parted : Parted or None
        Customers before the cut of a temporal hold-out, and what they bought after it.
    """

    table: FeatureTable
    ledger: pd.DataFrame
    rejects: pd.DataFrame
    parted: as_of.Parted | None = None


def prepare(settings: Settings, parts: Parts, source: Source, notices: list) -> Prepared:
    """Read, clean and count features; part the orders too where a temporal hold-out is asked for."""
    dataset, recipe = settings.dataset, settings.recipe
    parted = None
    with parts.connect() as engine:
        loaded, clean, ledger = read(settings, parts, engine, source, notices)
        with progress.step("features") as found:
            table = features.build(
                engine,
                clean,
                features.parse(recipe.features),
                recipe.profile,
                dataset.common,
                recipe.as_of,
                dataset.levels,
                dataset.truth,
            )
            found(
                f"{len(table.frame):,} customers x {len(table.features)} features: {', '.join(table.features)}"
            )
        if settings.evaluation.holdout.cut:
            with progress.step("hold-out") as found:
                parted = _part(settings, engine, loaded, notices, found)
    return Prepared(table, ledger, loaded.rejects, parted)


def read(settings: Settings, parts: Parts, engine: Engine, source: Source, notices: list):
    """Read and clean.

    Returns
    -------
    loaded : Loaded
    clean : ir.Table
    ledger : DataFrame
    """
    with progress.step(f"read {settings.dataset.name}") as found:
        loaded = parts.load(engine, source)
        found(source.where)
    noticed = loaded_notes.check(engine, loaded, settings.cleaning.steps, settings.recipe.as_of)
    for level, text in noticed:
        log.log(logging.WARNING if level == "warning" else logging.INFO, text)
    notices += noticed
    with progress.step("clean") as found:
        steps = cleaning.parse(settings.cleaning.steps)
        full = settings.cleaning.ledger == "full"
        clean, ledger = cleaning.clean(engine, loaded.table, steps, full=full, lookup=loaded.lookup)
        found(
            f"{ledger.rows.iloc[0]:,} -> {ledger.rows.iloc[-1]:,} rows, {ledger.customers.iloc[-1]:,} customers"
        )
    _log_ledger(ledger)
    notices += [("info", text) for text in cleaning.remarks(engine, clean)]
    return loaded, clean, ledger


def _part(settings: Settings, engine: Engine, loaded: Loaded, notices: list, found):
    reason = as_of.impossible(settings)
    if reason:
        notices.append(("warning", f"evaluation.holdout.cut: {reason}"))
        found(reason)
        return None
    asked = settings.evaluation.holdout
    parted = as_of.part(settings, engine, loaded.table, asked.cut, asked.days)
    notices += [("info", text) for text in parted.notes]
    found(f"{len(parted.table.frame):,} customers before {asked.cut}")
    return parted


def _log_ledger(ledger: pd.DataFrame) -> None:
    width = max(len(step) for step in ledger["step"])
    for row in ledger.itertuples():
        money = "" if pd.isna(row.revenue) else f" {row.revenue:>16,.2f} revenue"
        people = "" if pd.isna(row.customers) else f" {row.customers:>10,} customers"
        log.info("  %-*s %12s rows%s%s", width, row.step, f"{row.rows:,}", people, money)
