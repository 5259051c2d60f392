"""The chosen segmentation, measured and described by aggregates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from seg.errors import Note
from seg.evaluation import meanings, measure
from seg.evaluation.measure import Measured
from seg.metrics import common_space, guards, separation
from seg.metrics.labeling import encode
from seg.metrics.rand_index import adjusted_rand
from seg.pipeline.distributed import aggregates, spark_checks, spark_export
from seg.pipeline.distributed.spark_customers import Customers
from seg.pipeline.distributed.spark_export import SEGMENT
from seg.pipeline.distributed.spark_scan import Fits, euclidean
from seg.pipeline.distributed.spark_space import CUSTOMER
from seg.preparation.prepare import Prepared
from seg.segments import profile
from seg.selection.scan import Scan

COLLAPSED = 1e-6  # variance of a component in some direction, in units of that of all customers


@dataclass(frozen=True)
class Described:
    """What aggregates say of a segmentation.

    Parameters
    ----------
    measured : Measured
    segments : DataFrame
        The profile, as `seg.segments.profile.profile` gives it.
    flags : list of str
        Reasons not to trust it, as `seg.metrics.guards` gives them.
    model : pyspark.ml.PipelineModel
        From features, as they are, to segments.
    labelled : pyspark.sql.DataFrame
        All customers with `SEGMENT`.
    order : ndarray of shape (n_segments,)
        Number of the cluster that each segment is.
    """

    measured: Measured
    segments: pd.DataFrame
    flags: list[str]
    model: object
    labelled: object
    order: np.ndarray


def describe(
    customers: Customers, fits: Fits, k: int, prepared: Prepared, space_features: Sequence[str]
) -> Described:
    """Measure and profile the segmentation with k segments.

    Parameters
    ----------
    prepared : Prepared
        With the ledger, and with the sample as its table.
    space_features : sequence of str
        Features of the common space.
    """
    clusterer, order = fits.chosen(k)
    model = spark_export.pipeline(customers.space, clusterer, order)
    labelled = model.transform(customers.raw)
    summary = aggregates.summary(labelled, SEGMENT, customers.columns, customers.collect)
    measured = _measured(customers, fits.scan, k, summary, space_features)
    values = measured.values | _counts(prepared, customers, fits.scan.fitted[k].labels_, labelled)
    worth = summary.sums.get("revenue")
    named = profile.names(summary.sizes.index.to_numpy())
    segments = profile.described(named, summary.sizes, worth, summary.means, summary.medians, summary.overall)
    meant = meanings.of(values, measured.own, measured.common, space_features) | _meanings(customers)
    notes = tuple(_notes(customers, labelled))
    return Described(
        replace(measured, values=values, meanings=meant, notes=notes),
        segments,
        _flags(customers, fits, k),
        model,
        labelled,
        order,
    )


def _measured(
    customers: Customers, scan: Scan, k: int, summary: aggregates.Summary, space_features: Sequence[str]
) -> Measured:
    """Gather what aggregates and the sample tell about the segmentation with k segments."""
    segmenter, sample = scan.fitted[k], customers.table
    own, row = scan.silhouettes[k], scan.table.set_index("k").loc[k]
    space = common_space.rank_normal(sample.frame[list(space_features)])
    shared = euclidean(customers, space, {k: segmenter.labels_})[k]
    left_out = ("seconds", "smallest_segment", "largest_share")
    values = {f"own/{name}": float(row[name]) for name in row.index if name not in left_out}
    values |= {
        "own/silhouette_macro": measure.macro(own),
        "common/silhouette": shared.value,
        "common/silhouette_se": shared.se,
        "common/silhouette_macro": measure.macro(shared),
        "common/silhouette_sq": separation.silhouette_squared(space, segmenter.labels_),
        **{f"explained/{name}": share for name, share in summary.explained(sample.features).items()},
        "segments/count": k,
        "segments/smallest_segment": int(summary.sizes.min()),
        "segments/largest_share": float(summary.sizes.max() / customers.count),
        "segments/noise_share": 0.0,
    }
    return Measured(values, {}, own, shared)


def _counts(prepared: Prepared, customers: Customers, labels: np.ndarray, labelled) -> dict[str, float]:
    """Count rows and customers, and check the segments of the sample against those that Spark gives."""
    values = {
        "data/rows": prepared.ledger["rows"].iloc[0],
        "data/rows_kept": prepared.ledger["rows"].iloc[-1],
        "data/bad_rows": len(prepared.rejects),
        "data/customers": customers.count,
        "segments/predict_agreement": _agreement(customers, labels, labelled),
    }
    if customers.table.truth is not None:
        pairs = aggregates.contingency(labelled, SEGMENT, "_truth", customers.collect)
        values["truth/adjusted_rand"] = adjusted_rand(pairs)
    return values


def _notes(customers: Customers, labelled) -> list[Note]:
    notes: list[Note] = []
    if customers.sampled:
        text = (
            f"figures, Euclidean silhouettes, the rules for k, stability and null data are of {customers.sampled}, the same in "
            "every run on these data; all else is of all customers"
        )
        notes.append(("info", text))
    lost = spark_export.nowhere(labelled)
    if lost:
        text = (
            f"{lost:,} customers are so far from every component that MLlib gives them the same probability for each, and puts "
            "them into its first; choose scaler=standard with log1p, or model=mllib_kmeans"
        )
        notes.append(("warning", text))
    return notes


def _agreement(customers: Customers, labels: np.ndarray, labelled) -> float:
    """Ask Spark for the segments of the sample, which the model without a JVM has given already."""
    placed = spark_checks.sample(labelled.select(CUSTOMER, SEGMENT), len(labels), customers.collect)
    return float((placed[SEGMENT].to_numpy() == labels).mean())


def _meanings(customers: Customers) -> dict[str, str]:
    who = customers.sampled or "all customers"
    return {
        "common/silhouette_sq": f"mean silhouette of squared Euclidean distances, common space, on {who}",
        "segments/predict_agreement": f"share of {who} whom the model without a JVM gives the segment that Spark gives them",
    }


def _flags(customers: Customers, fits: Fits, k: int) -> list[str]:
    clusters, labels = fits.clusters[k], fits.scan.fitted[k].labels_
    ids = list(range(len(clusters.counts)))
    alike = [segment for segment in ids if not clusters.variances[segment].any()]
    still = [name for name in customers.table.features if customers.ends[name].nunique() == 1]
    where = f" (in {customers.sampled})" if customers.sampled else ""
    return [
        *guards.sizes(ids, clusters.counts, customers.count),
        *guards.constant(still, customers.still, customers.count),
        *[reason + where for reason in guards.covariance(customers.X, encode(labels, len(labels)))],
        *_collapsed(fits.scan.fitted[k].clusterer_, customers.X),
        *guards.repeated(ids, clusters.counts, alike, customers.commonest, customers.count),
    ]


def _collapsed(clusterer, X: np.ndarray) -> list[str]:
    """Look at the components of a mixture, which MLlib lets shrink onto equal customers."""
    spread = X.std(axis=0)
    moving = spread > 0
    if not hasattr(clusterer, "covariances"):
        return []
    inside = clusterer.covariances[:, moving][:, :, moving] / np.outer(spread[moving], spread[moving])
    flat = int((np.linalg.eigvalsh(inside).min(axis=1) < COLLAPSED).sum())
    if not flat:
        return []
    return [
        f"{flat} of the mixture's {len(inside)} components have collapsed onto equal customers: a variance below {COLLAPSED:g} of the "
        "overall one (threshold: 0)"
    ]
