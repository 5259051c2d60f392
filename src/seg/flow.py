"""How data flows: from the files of a data set to everything that a run leaves.

Takes instantiated parts and checked settings, so that a notebook or a test can call it without Hydra.
"""

from __future__ import annotations

import logging
import time
import warnings
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.decomposition import PCA
from sklearn.metrics import adjusted_rand_score
from sklearn.pipeline import Pipeline

from seg import cleaning, outputs, plots, progress, report, selection, sources
from seg.config import Settings
from seg.engine import DuckDBEngine
from seg.errors import SegError
from seg.evaluation import common, metrics
from seg.features import table as features_table
from seg.features.table import FeatureTable
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
        fingerprint = pool.submit(sources.fingerprint, source.paths)
        table, ledger, rejects = _prepare(settings, parts, source, notices)
    pipeline, X = _scale(table, parts.scaler, notices)
    worth = table.frame["revenue"].to_numpy() if "revenue" in table.frame else None
    ks = _ks(settings, parts, X, notices)
    with progress.step("scan over k") as found, progress.bar(len(ks)) as tick:
        scan = selection.scan(
            X, parts.make_clusterer, ks, worth, settings.evaluation.silhouette_sample, settings.seed, tick
        )
        k, reason = _choose(settings, parts, scan, len(X))
        found(f"k = {', '.join(str(k) for k in scan.table['k'])}; chosen {k} ({reason})")
    notices += [("info", text) for text in scan.warnings]
    segmenter = scan.fitted[k]
    pipeline = Pipeline([*pipeline.steps, ("cluster", segmenter)])
    with progress.step("profile and measure"):
        values, meanings = _measure(settings, table, X, scan, k, pipeline, ledger, rejects, notices)
        revenue = "revenue" if "revenue" in table.frame else None
        named = segments_profile.names(segmenter.labels_)
        columns = [*table.features, *table.profile]
        segments = segments_profile.profile(table.frame, segmenter.labels_, named, columns, revenue)
    return Result(
        table, ledger, rejects, source, pipeline, X, scan, k, reason, segments, values, meanings, fingerprint.result(), notices
    )


def leave(result: Result, settings: Settings, folder: Path, config_yaml: str, facts: Mapping[str, str], title: str) -> None:
    """Write everything a run leaves into its directory."""
    with progress.step("figures and report"):
        figures = _figures(result)
        outputs.write(folder / "config.yaml", config_yaml)
        outputs.write_csv(folder / "segments.csv", result.segments)
        outputs.write_csv(folder / "k_scan.csv", result.scan.table)
        outputs.write_csv(folder / "ledger.csv", result.ledger)
        assignments = pd.DataFrame({"customer_id": result.table.frame.index.astype(str), "segment": result.labels})
        outputs.write_parquet(folder / "assignments.parquet", assignments)
        if len(result.rejects):
            outputs.write_csv(folder / "bad_rows.csv", result.rejects)
        for name, (_caption, png) in figures.items():
            outputs.write(folder / "figures" / f"{name}.png", png)
        page = report.render(
            title=title,
            subtitle=report.headline(result.segments),
            notices=result.notices,
            facts=dict(facts),
            metrics=[(name, value, result.meanings.get(name, "")) for name, value in result.metrics.items()],
            segments=result.segments,
            features=[*result.table.features, *result.table.profile],
            k_scan=result.scan.table,
            k=result.k,
            k_reason=result.k_reason,
            ledger=result.ledger,
            figures=figures,
            config_yaml=config_yaml,
        )
        outputs.write(folder / "report.html", page)


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
            found(f"{len(source.paths)} files" if len(source.paths) != 1 else source.paths[0].name)
        if len(loaded.rejects):
            text = f"{len(loaded.rejects):,} rows could not be read and were left out (dataset.bad_rows=skip): see bad_rows.csv"
            log.warning(text)
            notices.append(("warning", text))
        with progress.step("clean") as found:
            steps = cleaning.parse(settings.cleaning.steps)
            clean, ledger = cleaning.clean(engine, loaded.table, steps)
            found(f"{ledger.rows.iloc[0]:,} -> {ledger.rows.iloc[-1]:,} rows, {ledger.customers.iloc[-1]:,} customers")
        _log_ledger(ledger)
        notices += [("info", text) for text in cleaning.remarks(engine, clean)]
        with progress.step("features") as found:
            table = features_table.build(
                engine,
                clean,
                features_table.parse(recipe.features),
                recipe.profile,
                dataset.common,
                recipe.as_of,
                dataset.levels,
                dataset.truth,
            )
            found(f"{len(table.frame):,} customers x {len(table.features)} features: {', '.join(table.features)}")
    return table, ledger, loaded.rejects


def _log_ledger(ledger: pd.DataFrame) -> None:
    width = max(len(step) for step in ledger["step"])
    for row in ledger.itertuples():
        money = "" if pd.isna(row.revenue) else f" {row.revenue:>16,.2f} revenue"
        log.info("  %-*s %12s rows %10s customers%s", width, row.step, f"{row.rows:,}", f"{row.customers:,}", money)


def _scale(table: FeatureTable, scaler, notices: list) -> tuple[Pipeline, np.ndarray]:
    """Fit transforms and scaler once, for every k."""
    chosen = table.frame[table.features]
    constant = [name for name in table.features if chosen[name].nunique() == 1]
    if len(constant) == len(table.features):
        raise SegError(
            f"features: every customer has the same {', '.join(constant)}; nothing tells them apart, so there are no segments"
        )
    if constant:
        notices.append(("warning", f"{', '.join(constant)}: the same for every customer, so of no influence on the segments"))
    pipeline = Pipeline([("transform", preparation(table.transforms)), ("scale", scaler)])
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        X = np.asarray(pipeline.fit_transform(chosen), dtype="float64")
    if not np.isfinite(X).all():
        wrong = [name for name, bad in zip(table.features, ~np.isfinite(X).all(axis=0), strict=True) if bad]
        raise SegError(f"scaler: {', '.join(wrong)} is not finite after scaling; choose scaler=robust or scaler=quantile")
    return pipeline, X


def _ks(settings: Settings, parts: Parts, X: np.ndarray, notices: list) -> list[int]:
    customers, distinct = len(X), len(np.unique(X, axis=0))
    if not parts.takes_k:
        if settings.k != "auto":
            notices.append(("info", f"k={settings.k} was not used: this model finds the number of segments itself"))
        return [2]
    wanted = [] if settings.k == "auto" else [settings.k]
    for k in wanted:
        if k > customers:
            raise SegError(f"k={k}: there are only {customers:,} customers; choose k of at most {customers}, or other data")
        if k > distinct:
            raise SegError(f"k={k}: the {customers:,} customers have only {distinct} distinct rows of features; choose k of at most {distinct}")
    possible = [k for k in settings.selection.k_range if k <= distinct and k < customers]
    dropped = sorted(set(settings.selection.k_range) - set(possible))
    if dropped:
        notices.append(("info", f"k = {', '.join(map(str, dropped))} not tried: only {distinct:,} distinct rows of features"))
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
            raise SegError("model: it found no segment, every customer is noise; lower model.min_cluster_size")
        return k, "found by the model"
    if settings.k == "auto":
        return selection.choose(scan.table, customers)
    return settings.k, "as asked for"


# ---- what it is worth --------------------------------------------------------------------------------------------


def _measure(settings: Settings, table: FeatureTable, X, scan, k: int, pipeline: Pipeline, ledger, rejects, notices):
    """Collect the metrics of the chosen k, each named by its space, and say what each of them is."""
    labels, row = scan.fitted[k].labels_, scan.table.set_index("k").loc[k]
    values = {f"own/{name}": float(row[name]) for name in row.index if name not in ("seconds", "smallest_segment", "largest_share")}
    space = common.rank_normal(table.frame[settings.dataset.common])
    shared = metrics.silhouettes(space, {k: labels}, sample=settings.evaluation.silhouette_sample, seed=settings.seed)[k]
    values |= {
        "common/silhouette": shared.value,
        "common/silhouette_se": shared.se,
        "common/silhouette_sq": metrics.silhouette_squared(space, labels),
        **{f"explained/{name}": value for name, value in metrics.variance_explained(table.frame[table.features], labels).items()},
        "segments/count": k,
        **{f"segments/{name}": value for name, value in metrics.sizes(labels).items()},
        "data/rows": ledger["rows"].iloc[0],
        "data/rows_kept": ledger["rows"].iloc[-1],
        "data/bad_rows": len(rejects),
        "data/customers": len(table.frame),
    }
    if table.truth is not None:
        values["truth/adjusted_rand"] = adjusted_rand_score(table.truth, labels)
    if not scan.fitted[k].predicts:
        agreement = float((pipeline.predict(table.frame[table.features]) == labels).mean())
        values["segments/predict_agreement"] = agreement
        notices.append(
            ("info", f"{type(scan.fitted[k].clusterer).__name__} has no rule for new customers: they go to the segment with the "
             f"nearest centre, which gives {agreement:.1%} of the customers here the segment that they have")
        )  # fmt: skip
    return values, _meanings(values, row, settings, shared)


def _meanings(values: Mapping[str, float], row: pd.Series, settings: Settings, shared) -> dict[str, str]:
    def measured(se: float, n: float) -> str:
        return f"exact on {int(n):,} customers" if not se > 0 else f"estimated on {int(n):,} customers, standard error {se:.4f}"

    own, neutral = "own space: the scaled features", f"common space: rank-normal {', '.join(settings.dataset.common)}"
    meanings = {
        "own/inertia": f"sum of squared distances to the segment's mean, {own}",
        "own/silhouette": f"mean silhouette, Euclidean, {own}; {measured(row['silhouette_se'], row['silhouette_n'])}",
        "own/silhouette_se": "standard error of own/silhouette; 0 when exact",
        "own/silhouette_n": "customers whose silhouette was measured",
        "own/silhouette_sq": f"mean silhouette of squared Euclidean distances (Spark's), exact, {own}; not comparable with the Euclidean",
        "own/calinski_harabasz": f"variance between segments over variance within, {own}; higher is better",
        "own/davies_bouldin": f"likeness of each segment to its nearest other, {own}; lower is better",
        "own/bic": "Bayesian information criterion of a mixture; lower is better",
        "own/aic": "Akaike information criterion of a mixture; lower is better",
        "common/silhouette": f"mean silhouette, Euclidean, {neutral}: the same for every run on this data; {measured(shared.se, shared.n)}",
        "common/silhouette_se": "standard error of common/silhouette; 0 when exact",
        "common/silhouette_sq": f"mean silhouette of squared distances, exact, {neutral}",
        "segments/count": "number of segments, noise not counted",
        "segments/smallest_segment": "customers in the smallest segment",
        "segments/largest_share": "share of all customers in the largest segment",
        "segments/noise_share": "share of all customers in no segment",
        "segments/predict_agreement": "share of the customers whom the rule for new customers gives the segment they have",
        "data/rows": "rows read",
        "data/rows_kept": "rows left after cleaning",
        "data/bad_rows": "rows that could not be read and were left out",
        "data/customers": "customers segmented",
        "truth/adjusted_rand": "adjusted Rand index with the planted segments; 1 is perfect, 0 is chance",
    }
    explained = {name: f"share of the variance of {name.split('/', 1)[1]} between segments (eta squared)" for name in values if name.startswith("explained/")}
    return meanings | explained


def _figures(result: Result) -> dict[str, tuple[str, bytes]]:
    labels, segments = result.labels, result.segments
    named = dict(zip(segments["segment"], segments["name"], strict=True))
    silhouette, k_scan = result.scan.silhouettes[result.k], result.scan.table
    points, explained = _map(result.X, result.X.shape[1])
    shown = [*result.table.features, *result.table.profile][:40]
    drawn = {
        "sizes": ("Share of customers and of revenue", plots.sizes(segments)),
        "map": ("Customers in the two main directions of the scaled features", plots.map_2d(points, labels, named, explained)),
        "profile": ("Segment means, coloured by index to the average customer", plots.profile_heatmap(segments, shown)),
        "elbow": ("Inertia over k", plots.elbow(k_scan, result.k)),
        "silhouette": ("Mean silhouette over k", plots.silhouette_over_k(k_scan, result.k)),
    }
    if silhouette.n:
        kept = labels[silhouette.index]
        blades = plots.silhouette_blades(silhouette.samples, kept, named, silhouette.value)
        drawn["silhouette_blades"] = ("Silhouette of each customer, segment by segment", blades)
    return {name: (caption, plots.png(figure)) for name, (caption, figure) in drawn.items()}


def _map(X: np.ndarray, features: int) -> tuple[np.ndarray, np.ndarray]:
    if features == 1:
        return np.column_stack([X, np.zeros(len(X))]), np.array([1.0, 0.0])
    pca = PCA(2, random_state=0).fit(X)
    return pca.transform(X), pca.explained_variance_ratio_


def timed() -> Callable[[], float]:
    """Start a clock; call it for the seconds since."""
    start = time.perf_counter()
    return lambda: time.perf_counter() - start
