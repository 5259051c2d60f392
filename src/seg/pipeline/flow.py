"""How data flows in one run: from the files of a data set to a measured, described segmentation.

Takes instantiated parts and checked settings, so that a notebook or a test can call it without Hydra.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.pipeline import Pipeline

from seg import progress
from seg.config.parts import Parts
from seg.config.settings import SelectionSettings, Settings
from seg.errors import Note, SegError
from seg.evaluation import evidence, measure, published
from seg.evaluation.evidence import Evidence
from seg.evaluation.fitted import FittedSegmentation
from seg.evaluation.measure import Measured
from seg.evaluation.taught import taught
from seg.metrics.silhouette import Sampling
from seg.models import space
from seg.models.coreset_kmeans import distinct
from seg.models.mllib import is_mllib
from seg.pipeline import cache, distributed, interpret, keys, naming_features
from seg.pipeline.cache import Cache
from seg.pipeline.cached import CachedSteps, Scanning
from seg.pipeline.population import InMemory, Population
from seg.pipeline.result import Result
from seg.preparation import prepare
from seg.preparation.prepare import Prepared
from seg.segments import profile as segments_profile
from seg.segments import worth
from seg.selection import choose
from seg.selection.choose import Choice
from seg.selection.density import POSSIBLE
from seg.selection.scan import Scan
from seg.sources.locate import Source

FURTHER = 5  # k that are tried in addition while the chosen one is the last that was tried


@dataclass(frozen=True)
class Outcome:
    """What a segmentation gave, in memory or on Spark, before it becomes a `Result`."""

    fitted: FittedSegmentation
    choice: Choice
    votes: pd.DataFrame | None
    segments: pd.DataFrame
    measured: Measured
    evidence: Evidence
    population: Population
    notes: list[Note]


@dataclass(frozen=True)
class Chosen:
    """The decision on k, the votes behind it, and the scan with what the rules computed."""

    choice: Choice
    votes: pd.DataFrame | None
    scan: Scan
    notes: list[Note]


def segment(settings: Settings, parts: Parts, folder: Path | None = None) -> Result:
    """Segment the customers of one data set with one model.

    Parameters
    ----------
    settings : Settings
        Checked settings of the run.
    parts : Parts
        Engine, adapter, scaler and model.
    folder : Path, optional
        Directory of the run, into which Spark's executors write the segments of an MLlib model.

    Raises
    ------
    SegError
        The data or the settings do not allow it; nothing was written.
    """
    source, notes = prepare.find(settings.dataset, settings.data_dir)
    run_cache = cache.of(settings.cache)
    fingerprint = keys.fingerprint(settings.dataset, source, run_cache.digest)
    preparation = naming_features.preparation(settings)
    key = keys.features_key(preparation, settings.engine.name, fingerprint, settings.plugins)
    if is_mllib(settings.model):
        outcome = _on_spark(settings, parts, source, key, folder)
    else:
        steps = CachedSteps(run_cache, parts, preparation, Scanning.of(settings), key)
        outcome = in_memory(settings, parts, steps.prepared(source), steps)
    return interpreted(settings, source, fingerprint, outcome, notes)


def interpreted(
    settings: Settings, source: Source, fingerprint: str, outcome: Outcome, notes: Sequence[Note] = ()
) -> Result:
    """Add names, rules and explanations to an outcome; return the finished result.

    Parameters
    ----------
    settings : Settings
    source : Source
    fingerprint : str
        Of the data.
    outcome : Outcome
    notes : sequence of (level, text)
        Of finding the data.
    """
    fitted, metrics = outcome.fitted, outcome.measured.values | outcome.evidence.metrics
    segments = outcome.segments.merge(outcome.evidence.by_segment(outcome.measured), on="segment", how="left")
    segments.attrs = dict(outcome.segments.attrs)
    with progress.step("names and rules") as detail:
        meant = interpret.interpret(settings.meaning, fitted.prepared, fitted.segmenter, segments)
        segments["name"] = segments["segment"].map(meant.naming.names)
        detail(", ".join(segments["name"]))
    figures = published.values(fitted.prepared.ledger, segments, fitted.scan.table, metrics)
    return Result(
        table=fitted.prepared.table,
        ledger=fitted.prepared.ledger,
        rejects=fitted.prepared.rejects,
        source=source,
        fingerprint=fingerprint,
        pipeline=fitted.pipeline,
        X=fitted.X,
        embedded=fitted.embedded,
        scan=fitted.scan,
        k=fitted.k,
        k_reason=outcome.choice.reason,
        votes=outcome.votes,
        segments=segments,
        metrics=metrics,
        meanings=outcome.measured.meanings | outcome.evidence.meanings,
        evidence=outcome.evidence,
        interpretation=meant,
        population=outcome.population,
        notes=[*notes, *outcome.notes, *meant.notes],
        published=published.compare(settings.published, figures, source.kind == "file"),
    )


def in_memory(settings: Settings, parts: Parts, prepared: Prepared, steps: CachedSteps) -> Outcome:
    """Fit, choose k and measure, for customers that are in memory.

    Parameters
    ----------
    settings : Settings
    parts : Parts
    prepared : Prepared
        All customers of the data set, or those of one group.
    steps : CachedSteps
        Of the same customers.
    """
    table = prepared.table
    pipeline, X, unvaried = space.scale(table, parts.scaler, named=parts.embed is not None)
    steps.parts = parts = taught(parts, pipeline, prepared.lessons)
    embedding, embedded = steps.embedded(table, X)
    value = worth.column(table.frame, table.features, settings.dataset.value)
    order_by = None if value is None else table.frame[value].to_numpy()
    points = len(distinct(embedded, np.ones(len(embedded)))[0])
    ks, not_tried = _ks(settings.k, parts.takes_k, settings.selection, len(embedded), points)
    most = min(settings.selection.k_max, points, len(embedded) - 1)
    if settings.k == "auto" and parts.takes_k:
        ks = [*ks, *range(max(ks) + 1, min(most, steps.density(embedded).counts[POSSIBLE] + 1) + 1)]
    scan = steps.scanned(embedded, ks, order_by)
    chosen = _choose(settings.k, settings.selection.panel, steps, scan, embedded)
    while settings.k == "auto" and parts.takes_k and chosen.choice.k == max(ks) < most:
        ks = [*ks, *range(max(ks) + 1, min(most, max(ks) + FURTHER) + 1)]
        scan = steps.scanned(embedded, ks, order_by)
        chosen = _choose(settings.k, settings.selection.panel, steps, scan, embedded)
    k, scan = chosen.choice.k, chosen.scan
    embed_step = [] if embedding is None else [("embed", embedding)]
    pipeline = Pipeline([*pipeline.steps, *embed_step, ("cluster", scan.fitted[k])])
    fitted = FittedSegmentation(prepared, pipeline, X, embedded, scan, k)
    measuring = settings.evaluation
    with progress.step("profile and measure"):
        shared = steps.common_silhouette(table, scan, k)
        measured = measure.measure(
            fitted, shared, settings.dataset.common, measuring.silhouette_sample, settings.seed
        )
        segments = _profile(fitted, value)
    gathered = evidence.gather(fitted, measured, parts, measuring, settings.seed)
    notes = [*prepared.notes, *unvaried, *not_tried, *_informed(scan.warnings)]
    notes += [*chosen.notes, *measured.notes, *gathered.notes]
    population = InMemory(table.frame[[*table.features, *table.profile]])
    return Outcome(fitted, chosen.choice, chosen.votes, segments, measured, gathered, population, notes)


def _on_spark(
    settings: Settings, parts: Parts, source: Source, features_key: dict, folder: Path | None
) -> Outcome:
    """Segment without collecting the customers, see `seg.pipeline.distributed`."""
    sampling = Sampling(settings.evaluation.silhouette_sample, settings.seed)
    sample_parts = distributed.in_memory(parts)
    with distributed.workplace(parts, folder, settings.engine.staging_dir) as (engine, work):
        cleaned = prepare.read(settings.preparation, parts, engine, source)
        with progress.step("features") as detail:
            customers = distributed.prepare(settings.preparation, parts, engine, cleaned.table, sampling)
            detail(
                f"{customers.count:,} customers x {customers.X.shape[1]} features: {', '.join(customers.table.features)}"
            )
        prepared = Prepared(customers.table, cleaned.ledger, cleaned.loaded.rejects)
        ks, not_tried = _ks(
            settings.k, parts.takes_k, settings.selection, customers.count, customers.distinct
        )
        fits = distributed.scan(parts, customers, ks, work)
        steps = CachedSteps(
            Cache(None), sample_parts, settings.preparation, Scanning.of(settings), features_key
        )
        chosen = _choose(settings.k, settings.selection.panel, steps, fits.scan, customers.X, customers.count)
        k = chosen.choice.k
        with progress.step("profile and measure"):
            described = distributed.describe(
                customers, replace(fits, scan=chosen.scan), k, prepared, settings.dataset.common
            )
        with progress.step("write the segments") as detail:
            population = distributed.write_segments(customers, described, work, folder)
            detail(str(population.written or "no directory to write to"))
    pipeline = Pipeline([*customers.space.pipeline.steps, ("cluster", chosen.scan.fitted[k])])
    fitted = FittedSegmentation(prepared, pipeline, customers.X, customers.X, chosen.scan, k)
    measured = described.measured
    gathered = evidence.gather(
        fitted, measured, sample_parts, settings.evaluation, settings.seed, described.flags
    )
    notes = [*cleaned.notes, *customers.notes, *not_tried, *chosen.notes, *measured.notes, *gathered.notes]
    return Outcome(
        fitted, chosen.choice, chosen.votes, described.segments, measured, gathered, population, notes
    )


def _profile(fitted: FittedSegmentation, value: str | None) -> pd.DataFrame:
    table, labels = fitted.prepared.table, fitted.labels
    columns = [*table.features, *table.profile]
    profiled = segments_profile.profile(table.frame, labels, segments_profile.names(labels), columns, value)
    profiled.attrs["value"] = value
    return profiled


def _ks(
    k: int | str, takes_k: bool, selection: SelectionSettings, customers: int, points: int
) -> tuple[list[int], list[Note]]:
    """Return the numbers of segments to try: those of the settings that the customers allow, and the one asked for.

    Parameters
    ----------
    k : int or "auto"
    takes_k : bool
        Whether the model takes k as a parameter; one that does not is fitted once.
    selection : SelectionSettings
    customers, points : int
        Customers, and distinct rows of features among them.
    """
    if not takes_k:
        text = f"k={k} was not used: this model finds the number of segments itself"
        return [2], [] if k == "auto" else [("info", text)]
    requested = [] if k == "auto" else [k]
    for one in requested:
        _check_k(one, customers, points)
    possible = [one for one in selection.k_range if one <= points and one < customers]
    dropped = sorted(set(selection.k_range) - set(possible))
    if not possible and not requested:
        raise SegError(
            f"selection.k_range={selection.k_range}: none of them fits {customers:,} customers with {points:,} distinct "
            "rows of features; at least 3 customers are needed"
        )
    text = f"k = {', '.join(map(str, dropped))} not tried: only {points:,} distinct rows of features"
    return sorted({*possible, *requested}), [("info", text)] if dropped else []


def _check_k(k: int, customers: int, points: int) -> None:
    if k > customers:
        raise SegError(
            f"k={k}: there are only {customers:,} customers; choose k of at most {customers}, or other data"
        )
    if k > points:
        raise SegError(
            f"k={k}: the {customers:,} customers have only {points} distinct rows of features; choose k of at most {points}"
        )


def _choose(
    k: int | str,
    complete: bool,
    steps: CachedSteps,
    scan: Scan,
    embedded: np.ndarray,
    customers: int | None = None,
) -> Chosen:
    """Collect the votes on k; return the k that was set or, for auto, the one that the votes give.

    `complete` adds what decides nothing; `customers` is the number of all of them, where the table of the scan is of all and `embedded`
    of a sample.
    """
    if not steps.takes_k:
        k = int(scan.table["k"].iloc[0])
        if k == 0:
            raise SegError("model: no segment, every customer is noise; lower model.min_cluster_size")
        return Chosen(Choice(k, "found by the model", True), None, scan, [])
    with progress.step("choose k") as detail:
        table, notes = steps.panel(embedded, scan, complete, complete or k == "auto")
        table.loc[table["k"] == 1, "smallest_segment"] = customers or len(embedded)
        votes = choose.votes(table)
        choice = choose.choose(votes, table) if k == "auto" else Choice(k, "set by you", True)
        detail(f"{choice.k} ({choice.reason})")
    if not choice.clear:
        notes = [*notes, ("warning", choice.reason)]
    empty = choice.k - scan.fitted[choice.k].n_segments_
    if empty > 0:
        notes = [*notes, ("warning", f"k={choice.k}: the model left {empty} of its clusters empty")]
    return Chosen(choice, votes, replace(scan, table=table[table["k"] > 1].reset_index(drop=True)), notes)


def _informed(texts: Sequence[str]) -> list[Note]:
    return [("info", text) for text in texts]
