"""How data flows: from the files of a data set to measured, described segments.

Takes instantiated parts and checked settings, so that a notebook or a test can call it without Hydra.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.pipeline import Pipeline

from seg import progress
from seg.config.parts import Parts
from seg.config.settings import Settings
from seg.errors import SegError
from seg.evaluation import evidence, measure, published
from seg.evaluation.evidence import Evidence
from seg.evaluation.measure import Measured
from seg.features import FeatureTable
from seg.models import space
from seg.models.coreset_kmeans import distinct
from seg.models.mllib import is_mllib
from seg.pipeline import cache, distributed, interpret, keys
from seg.pipeline.cache import Cache
from seg.pipeline.cached import Reuse
from seg.pipeline.result import Result
from seg.preparation import prepare
from seg.preparation.prepare import Prepared
from seg.segments import profile as segments_profile
from seg.selection import choose
from seg.selection import scan as selection
from seg.sources.locate import Source


def segment(settings: Settings, parts: Parts, folder: Path | None = None) -> Result:
    """Segment the customers of one data set with one model.

    Parameters
    ----------
    folder : Path, optional
        Directory of the run, into which Spark's executors write the segments of an MLlib model.

    Raises
    ------
    SegError
        The data or the settings do not allow it; nothing was written.
    """
    notices: list[tuple[str, str]] = []
    source = prepare.find(settings, notices)
    kept = cache.of(settings.cache)
    fingerprint = keys.fingerprint(settings.dataset, source, kept.digest)
    if is_mllib(settings.model):
        return _on_spark(settings, parts, source, fingerprint, folder, notices)
    reuse = Reuse(kept, settings, parts, fingerprint)
    prepared = reuse.prepared(source, notices)
    table = prepared.table
    pipeline, X = space.scale(table, parts.scaler, notices, named=parts.embed is not None)
    embed, seen = reuse.embedded(table, X)
    scan = _scan(settings, parts, reuse, table, seen, notices)
    choice, votes, scan = _choose(settings, parts, reuse, scan, seen, notices)
    k = choice.k
    segmenter = scan.fitted[k]
    embedding = [] if embed is None else [("embed", embed)]
    pipeline = Pipeline([*pipeline.steps, *embedding, ("cluster", segmenter)])
    with progress.step("profile and measure"):
        shared = reuse.shared(table, scan, k)
        measured = measure.measure(settings, prepared, X, scan, k, pipeline, shared, notices)
        named = segments_profile.names(segmenter.labels_)
        columns = [*table.features, *table.profile]
        revenue = "revenue" if "revenue" in table.frame else None
        segments = segments_profile.profile(table.frame, segmenter.labels_, named, columns, revenue)
    gathered = evidence.gather(settings, parts, prepared, X, scan, k, measured, notices)
    made = Made(prepared, pipeline, X, seen, scan, choice, votes, segments, measured)
    return _result(settings, made, gathered, source, fingerprint, notices)


def _on_spark(
    settings: Settings, parts: Parts, source: Source, fingerprint: str, folder: Path | None, notices: list
) -> Result:
    """Do the same without bringing the customers here, see `seg.pipeline.distributed`."""
    with distributed.workplace(settings, parts, folder) as (engine, work):
        loaded, clean, ledger = prepare.read(settings, parts, engine, source, notices)
        with progress.step("features") as found:
            customers = distributed.prepare(settings, parts, engine, clean, notices)
            found(
                f"{customers.count:,} customers x {customers.X.shape[1]} features: {', '.join(customers.table.features)}"
            )
        prepared = Prepared(customers.table, ledger, loaded.rejects)
        ks = _ks(settings, parts, customers.count, customers.distinct, notices)
        fits = distributed.scan(settings, parts, customers, ks, work)
        here = distributed.in_memory(parts)
        reuse = Reuse(Cache(None), settings, here, fingerprint)
        choice, votes, scan = _choose(settings, here, reuse, fits.scan, customers.X, notices, customers.count)
        with progress.step("profile and measure"):
            fits = replace(fits, scan=scan)
            described = distributed.describe(settings, customers, fits, choice.k, prepared, notices)
        with progress.step("write the segments") as found:
            spread = distributed.leave(customers, described, work, folder)
            found(str(spread.assignments or "not asked for"))
    pipeline = Pipeline([*customers.space.pipeline.steps, ("cluster", scan.fitted[choice.k])])
    gathered = evidence.gather(
        settings, here, prepared, customers.X, scan, choice.k, described.measured, notices, described.flags
    )  # fmt: skip
    made = Made(
        prepared, pipeline, customers.X, customers.X, scan, choice, votes, described.segments, described.measured
    )  # fmt: skip
    return replace(_result(settings, made, gathered, source, fingerprint, notices), spread=spread)


@dataclass(frozen=True)
class Made:
    """What was found, in memory or on Spark, before it becomes a `Result`."""

    prepared: Prepared
    pipeline: Pipeline
    X: np.ndarray
    seen: np.ndarray
    scan: selection.Scan
    choice: choose.Choice
    votes: pd.DataFrame | None
    segments: pd.DataFrame
    measured: Measured


def _result(
    settings: Settings, made: Made, gathered: Evidence, source: Source, fingerprint: str, notices: list
) -> Result:
    prepared, measured = made.prepared, made.measured
    segments = made.segments.merge(gathered.by_segment(measured), on="segment", how="left")
    segmenter = made.scan.fitted[made.choice.k]
    with progress.step("names and rules") as found:
        meant = interpret.interpret(settings, prepared.table, segmenter, segments)
        segments["name"] = segments["segment"].map(meant.naming.names)
        found(", ".join(segments["name"]))
    ours = published.values(prepared.ledger, segments, made.scan.table, measured.values | gathered.metrics)
    return Result(
        table=prepared.table,
        ledger=prepared.ledger,
        rejects=prepared.rejects,
        source=source,
        pipeline=made.pipeline,
        X=made.X,
        seen=made.seen,
        scan=made.scan,
        k=made.choice.k,
        k_reason=made.choice.reason,
        votes=made.votes,
        segments=segments,
        metrics=measured.values | gathered.metrics,
        meanings=measured.meanings | gathered.meanings,
        fingerprint=fingerprint,
        evidence=gathered,
        notices=notices,
        published=published.compare(settings.published, ours, source.kind == "file"),
        interpretation=meant,
    )


def _scan(
    settings: Settings, parts: Parts, reuse: Reuse, table: FeatureTable, seen: np.ndarray, notices: list
):
    worth = table.frame["revenue"].to_numpy() if "revenue" in table.frame else None
    ks = _ks(settings, parts, len(seen), len(distinct(seen, np.ones(len(seen)))[0]), notices)
    scan = reuse.scanned(seen, ks, worth)
    notices += [("info", text) for text in scan.warnings]
    return scan


def _ks(settings: Settings, parts: Parts, customers: int, distinct: int, notices: list) -> list[int]:
    if not parts.takes_k:
        if settings.k != "auto":
            notices.append(
                ("info", f"k={settings.k} was not used: this model finds the number of segments itself")
            )
        return [2]
    wanted = [] if settings.k == "auto" else [settings.k]
    for k in wanted:
        if k > customers:
            raise SegError(
                f"k={k}: there are only {customers:,} customers; choose k of at most {customers}, or other data"
            )
        if k > distinct:
            raise SegError(
                f"k={k}: the {customers:,} customers have only {distinct} distinct rows of features; choose k of at most {distinct}"
            )
    possible = [k for k in settings.selection.k_range if k <= distinct and k < customers]
    dropped = sorted(set(settings.selection.k_range) - set(possible))
    if dropped:
        notices.append(
            (
                "info",
                f"k = {', '.join(map(str, dropped))} not tried: only {distinct:,} distinct rows of features",
            )
        )
    if not possible and not wanted:
        raise SegError(
            f"selection.k_range={settings.selection.k_range}: none of them fits {customers:,} customers with {distinct:,} distinct "
            "rows of features; at least 3 customers are needed"
        )
    return sorted({*possible, *wanted})


def _choose(
    settings: Settings,
    parts: Parts,
    reuse: Reuse,
    scan: selection.Scan,
    seen: np.ndarray,
    notices: list,
    customers: int | None = None,
):
    """Ask the panel of rules; obey the k that was given, take the panel's for auto.

    `customers` counts all of them, where the table of the scan is of all and `seen` of a sample.
    """
    if not parts.takes_k:
        k = int(scan.table["k"].iloc[0])
        if k == 0:
            raise SegError(
                "model: it found no segment, every customer is noise; lower model.min_cluster_size"
            )
        return choose.Choice(k, "found by the model", True), None, scan
    whole = settings.k == "auto" or settings.selection.panel
    with progress.step("choose k") as found:
        table = reuse.panel(seen, scan, whole, notices)
        table.loc[table["k"] == 1, "smallest_segment"] = customers or len(seen)
        votes = choose.votes(table)
        if settings.k == "auto":
            choice = choose.choose(votes, table)
        else:
            choice = choose.Choice(settings.k, "as asked for", True)
        found(f"{choice.k} ({choice.reason})")
    if not choice.clear:
        notices.append(("warning", choice.reason))
    empty = choice.k - scan.fitted[choice.k].n_segments_
    if empty > 0:
        notices.append(("warning", f"k={choice.k}: the model left {empty} of its clusters empty"))
    return choice, votes, replace(scan, table=table[table["k"] > 1].reset_index(drop=True))
