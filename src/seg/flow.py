"""How data flows: from the files of a data set to measured, described segments.

Takes instantiated parts and checked settings, so that a notebook or a test can call it without Hydra.
"""

from __future__ import annotations

import logging
import time
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from sklearn.pipeline import Pipeline

from seg import cleaning, features, progress, selection, sources
from seg.config import Settings
from seg.engine import DuckDBEngine
from seg.errors import SegError
from seg.features import FeatureTable
from seg.measure import measure
from seg.models.transforms import preparation
from seg.schema import Loaded
from seg.segments import profile as segments_profile
from seg.sources import Source

log = logging.getLogger("seg")


@dataclass(frozen=True)
class Parts:
    """What the composition root has made of the configuration.

    Parameters
    ----------
    connect : callable
        Makes the engine.
    load : callable
        The adapter: from engine and source to `Loaded`.
    scaler : transformer
    make_clusterer : callable
        From k to a clusterer.
    takes_k : bool
        Whether the clusterer is told k, or finds it.
    """

    connect: Callable[[], DuckDBEngine]
    load: Callable[..., Loaded]
    scaler: object
    make_clusterer: Callable[[int], object]
    takes_k: bool


@dataclass
class Result:
    """A finished segmentation."""

    table: FeatureTable
    ledger: pd.DataFrame
    rejects: pd.DataFrame
    source: Source
    pipeline: Pipeline
    X: np.ndarray
    scan: selection.Scan
    k: int
    k_reason: str
    segments: pd.DataFrame
    metrics: dict[str, float]
    meanings: dict[str, str]
    fingerprint: str
    notices: list[tuple[str, str]] = field(default_factory=list)

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
    source = _find(settings, notices)
    with ThreadPoolExecutor(1) as pool:
        # Generated data is what its settings make it: they are its fingerprint.
        made_of = repr(sorted(settings.dataset.model_dump().items())).encode()
        fingerprint = pool.submit(sources.fingerprint, source.paths, b"" if source.paths else made_of)
        table, ledger, rejects = _prepare(settings, parts, source, notices)
    pipeline, X = _scale(table, parts.scaler, notices)
    worth = table.frame["revenue"].to_numpy() if "revenue" in table.frame else None
    ks = _ks(settings, parts, X, notices)
    with progress.step("scan over k") as found, progress.bar(len(ks)) as tick:
        scan = selection.scan(
            X,
            parts.make_clusterer,
            ks,
            not parts.takes_k,
            worth,
            settings.evaluation.silhouette_sample,
            settings.seed,
            tick,
        )
        k, reason = _choose(settings, parts, scan, len(X))
        found(f"k = {', '.join(str(k) for k in scan.table['k'])}; chosen {k} ({reason})")
    notices += [("info", text) for text in scan.warnings]
    segmenter = scan.fitted[k]
    if segmenter.n_segments_ < k:
        notices.append(
            ("warning", f"k={k}: the model left {k - segmenter.n_segments_} of its clusters empty")
        )
    pipeline = Pipeline([*pipeline.steps, ("cluster", segmenter)])
    with progress.step("profile and measure"):
        values, meanings = measure(settings, table, scan, k, pipeline, ledger, rejects, notices)
        revenue = "revenue" if "revenue" in table.frame else None
        named = segments_profile.names(segmenter.labels_)
        columns = [*table.features, *table.profile]
        segments = segments_profile.profile(table.frame, segmenter.labels_, named, columns, revenue)
    return Result(
        table,
        ledger,
        rejects,
        source,
        pipeline,
        X,
        scan,
        k,
        reason,
        segments,
        values,
        meanings,
        fingerprint.result(),
        notices,
    )


# ---- from files to numbers ---------------------------------------------------------------------------------------


def _find(settings: Settings, notices: list) -> Source:
    dataset = settings.dataset
    source = sources.find(dataset.name, settings.data_dir, dataset.files, dataset.path, dataset.sample)
    if source.kind == "sample":
        text = (
            f"SAMPLE DATA: the real file of {dataset.name} was not found at {source.expected}. These are invented customers; "
            f"no conclusion holds. To get the real file: {dataset.source}"
        )
        log.warning(text)
        notices.append(("warning", text))
    return source


def _prepare(settings: Settings, parts: Parts, source: Source, notices: list):
    dataset, recipe = settings.dataset, settings.recipe
    with parts.connect() as engine:
        with progress.step(f"read {dataset.name}") as found:
            loaded = parts.load(engine, source)
            found(source.where)
        if len(loaded.rejects):
            text = f"{len(loaded.rejects):,} rows could not be read and were left out (dataset.bad_rows=skip): see bad_rows.csv"
            log.warning(text)
            notices.append(("warning", text))
        with progress.step("clean") as found:
            steps = cleaning.parse(settings.cleaning.steps)
            clean, ledger = cleaning.clean(engine, loaded.table, steps)
            found(
                f"{ledger.rows.iloc[0]:,} -> {ledger.rows.iloc[-1]:,} rows, {ledger.customers.iloc[-1]:,} customers"
            )
        _log_ledger(ledger)
        notices += [("info", text) for text in cleaning.remarks(engine, clean)]
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
    return table, ledger, loaded.rejects


def _log_ledger(ledger: pd.DataFrame) -> None:
    width = max(len(step) for step in ledger["step"])
    for row in ledger.itertuples():
        money = "" if pd.isna(row.revenue) else f" {row.revenue:>16,.2f} revenue"
        log.info(
            "  %-*s %12s rows %10s customers%s", width, row.step, f"{row.rows:,}", f"{row.customers:,}", money
        )


def _scale(table: FeatureTable, scaler, notices: list) -> tuple[Pipeline, np.ndarray]:
    """Fit transforms and scaler once, for every k."""
    chosen = table.frame[table.features]
    if len(chosen) < 3:
        raise SegError(
            f"features: only {len(chosen)} customers are left after cleaning; at least 3 customers are needed for segments"
        )
    constant = [name for name in table.features if chosen[name].nunique() == 1]
    if len(constant) == len(table.features):
        raise SegError(
            f"features: every customer has the same {', '.join(constant)}; nothing tells them apart, so there are no segments"
        )
    if constant:
        notices.append(
            (
                "warning",
                f"{', '.join(constant)}: the same for every customer, so of no influence on the segments",
            )
        )
    pipeline = Pipeline([("transform", preparation(table.transforms)), ("scale", scaler)])
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        X = np.asarray(pipeline.fit_transform(chosen), dtype="float64")
    if not np.isfinite(X).all():
        wrong = [name for name, bad in zip(table.features, ~np.isfinite(X).all(axis=0), strict=True) if bad]
        raise SegError(
            f"scaler: {', '.join(wrong)} is not finite after scaling; choose scaler=robust or scaler=quantile"
        )
    return pipeline, X


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


def _choose(settings: Settings, parts: Parts, scan: selection.Scan, customers: int) -> tuple[int, str]:
    if not parts.takes_k:
        k = int(scan.table["k"].iloc[0])
        if k == 0:
            raise SegError(
                "model: it found no segment, every customer is noise; lower model.min_cluster_size"
            )
        return k, "found by the model"
    if settings.k == "auto":
        return selection.choose(scan.table, customers)
    return settings.k, "as asked for"


def timed() -> Callable[[], float]:
    """Start a clock; call it for the seconds since."""
    start = time.perf_counter()
    return lambda: time.perf_counter() - start
