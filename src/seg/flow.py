"""How data flows: from the files of a data set to measured, described segments.

Takes instantiated parts and checked settings, so that a notebook or a test can call it without Hydra.
"""

from __future__ import annotations

import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from sklearn.pipeline import Pipeline

from seg import choosing, evidence, measure, preparing, progress, published, selection, sources, space
from seg.config import Settings
from seg.errors import SegError
from seg.evidence import Evidence
from seg.features import FeatureTable
from seg.segments import profile as segments_profile
from seg.sources import Source
from seg.space import Parts


@dataclass
class Result:
    """A finished segmentation.

    `X` holds the scaled features (own space), `seen` what the clusterer saw: the same, or an embedding of it.
    """

    table: FeatureTable
    ledger: pd.DataFrame
    rejects: pd.DataFrame
    source: Source
    pipeline: Pipeline
    X: np.ndarray
    seen: np.ndarray
    scan: selection.Scan
    k: int
    k_reason: str
    votes: pd.DataFrame | None
    segments: pd.DataFrame
    metrics: dict[str, float]
    meanings: dict[str, str]
    fingerprint: str
    evidence: Evidence
    notices: list[tuple[str, str]] = field(default_factory=list)
    published: pd.DataFrame | None = None

    @property
    def labels(self) -> np.ndarray:
        """Segment of each customer, in the order of the feature table."""
        return self.scan.fitted[self.k].labels_


def segment(settings: Settings, parts: Parts) -> Result:
    """Segment the customers of one data set with one model.

    Raises
    ------
    SegError
        The data or the settings do not allow it; nothing was written.
    """
    notices: list[tuple[str, str]] = []
    source = preparing.find(settings, notices)
    with ThreadPoolExecutor(1) as pool:
        # Generated data is what its settings make it: they are its fingerprint.
        made_of = repr(sorted(settings.dataset.model_dump().items())).encode()
        fingerprint = pool.submit(sources.fingerprint, source.paths, b"" if source.paths else made_of)
        prepared = preparing.prepare(settings, parts, source, notices)
    table = prepared.table
    pipeline, X = space.scale(table, parts.scaler, notices, named=parts.embed is not None)
    seen = _embed(parts, table, X)
    scan = _scan(settings, parts, table, seen, notices)
    choice, votes, scan = _choose(settings, parts, scan, seen, notices)
    k, reason = choice.k, choice.reason
    segmenter = scan.fitted[k]
    embedding = [] if parts.embed is None else [("embed", parts.embed)]
    pipeline = Pipeline([*pipeline.steps, *embedding, ("cluster", segmenter)])
    with progress.step("profile and measure"):
        measured = measure.measure(settings, prepared, X, scan, k, pipeline, notices)
        named = segments_profile.names(segmenter.labels_)
        columns = [*table.features, *table.profile]
        revenue = "revenue" if "revenue" in table.frame else None
        segments = segments_profile.profile(table.frame, segmenter.labels_, named, columns, revenue)
    gathered = evidence.gather(settings, parts, prepared, X, scan, k, measured, notices)
    segments = segments.merge(gathered.by_segment(measured), on="segment", how="left")
    ours = published.values(prepared.ledger, segments, scan.table, measured.values | gathered.metrics)
    return Result(
        table=table,
        ledger=prepared.ledger,
        rejects=prepared.rejects,
        source=source,
        pipeline=pipeline,
        X=X,
        seen=seen,
        scan=scan,
        k=k,
        k_reason=reason,
        votes=votes,
        segments=segments,
        metrics=measured.values | gathered.metrics,
        meanings=measured.meanings | gathered.meanings,
        fingerprint=fingerprint.result(),
        evidence=gathered,
        notices=notices,
        published=published.compare(settings.published, ours, source.kind == "file"),
    )


def _embed(parts: Parts, table: FeatureTable, X: np.ndarray) -> np.ndarray:
    if parts.embed is None:
        return X
    with progress.step("embed") as found:
        seen = space.embed(parts.embed, table.features, X)
        found(f"{X.shape[1]} scaled features -> {seen.shape[1]} dimensions")
    return seen


def _scan(settings: Settings, parts: Parts, table: FeatureTable, seen: np.ndarray, notices: list):
    worth = table.frame["revenue"].to_numpy() if "revenue" in table.frame else None
    ks = _ks(settings, parts, seen, notices)
    sample, seed = settings.evaluation.silhouette_sample, settings.seed
    with progress.step("scan over k") as found, progress.bar(len(ks)) as tick:
        scan = selection.scan(seen, parts.make_clusterer, ks, not parts.takes_k, worth, sample, seed, tick)
        found(f"k = {', '.join(str(k) for k in scan.table['k'])}")
    notices += [("info", text) for text in scan.warnings]
    return scan


def _ks(settings: Settings, parts: Parts, X: np.ndarray, notices: list) -> list[int]:
    customers, distinct = len(X), len(np.unique(X, axis=0))
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


def _choose(settings: Settings, parts: Parts, scan: selection.Scan, seen: np.ndarray, notices: list):
    """Ask the panel of rules; obey the k that was given, take the panel's for auto."""
    if not parts.takes_k:
        k = int(scan.table["k"].iloc[0])
        if k == 0:
            raise SegError(
                "model: it found no segment, every customer is noise; lower model.min_cluster_size"
            )
        return choosing.Choice(k, "found by the model", True), None, scan
    whole = settings.k == "auto" or settings.selection.panel
    labelings = {k: segmenter.labels_ for k, segmenter in scan.fitted.items()}
    # The panel looks where the clusterer looks; an embedding is not fitted anew for each of its samples.
    fit = evidence.fitter(replace(parts, embed=None), [])
    with progress.step("choose k") as found, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        table = choosing.panel(seen, scan.table, labelings, fit, seed=settings.seed, whole=whole)
        votes = choosing.votes(table)
        if settings.k == "auto":
            choice = choosing.choose(votes, table)
        else:
            choice = choosing.Choice(settings.k, "as asked for", True)
        found(f"{choice.k} ({choice.reason})")
    notices += [("info", str(w.message)) for w in caught if str(w.message).startswith("choosing k")]
    if not choice.clear:
        notices.append(("warning", choice.reason))
    empty = choice.k - scan.fitted[choice.k].n_segments_
    if empty > 0:
        notices.append(("warning", f"k={choice.k}: the model left {empty} of its clusters empty"))
    return choice, votes, replace(scan, table=table[table["k"] > 1].reset_index(drop=True))
