"""What a segmentation is worth by itself: the metrics of the chosen k, each named by its space."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.metrics import adjusted_rand_score

from seg.errors import Note
from seg.evaluation import meanings
from seg.evaluation.fitted import FittedSegmentation
from seg.metrics import common_space as common
from seg.metrics import separation
from seg.metrics.silhouette import SilhouetteResult


@dataclass(frozen=True)
class Measured:
    """Metrics and what they mean.

    Parameters
    ----------
    values, meanings : dict
        Both by the name of the metric.
    own, common : SilhouetteResult
        Euclidean silhouettes of the chosen segmentation in the scaled features and in the common space.
    notes : tuple of (level, text)
    """

    values: dict[str, float]
    meanings: dict[str, str]
    own: SilhouetteResult
    common: SilhouetteResult
    notes: tuple[Note, ...] = ()


def measure(
    fitted: FittedSegmentation,
    shared: SilhouetteResult,
    space_features: Sequence[str],
    sample: int,
    seed: int,
) -> Measured:
    """Measure a segmentation in its own space, in its embedding where it has one, and in the common space.

    Parameters
    ----------
    fitted : FittedSegmentation
    shared : SilhouetteResult
        Of the segmentation in the common space.
    space_features : sequence of str
        Features of the common space.
    sample : int
        Up to this many customers a silhouette is exact; above, it is estimated on so many.
    seed : int

    Returns
    -------
    Measured
        Its notes name the rule that places new customers, where it is not the clusterer's own.
    """
    table, scan, k, X = fitted.prepared.table, fitted.scan, fitted.k, fitted.X
    labels, row, prepared = fitted.labels, scan.table.set_index("k").loc[k], fitted.prepared
    scanned = {
        name: float(row[name])
        for name in row.index
        if name not in ("seconds", "smallest_segment", "largest_share")
    }
    own, values = scan.silhouettes[k], {}
    if "embed" in fitted.pipeline.named_steps:
        own = separation.silhouettes(X, {k: labels}, sample=sample, seed=seed)[k]
        values |= {f"embedding/{name}": value for name, value in scanned.items()}
        values |= {f"own/{name}": value for name, value in _separation(X, labels, own).items()}
    else:
        values |= {f"own/{name}": value for name, value in scanned.items()}
    space = common.rank_normal(table.frame[list(space_features)])
    explained = separation.variance_explained(table.frame[table.features], labels)
    values |= {
        "own/silhouette_macro": macro(own),
        "common/silhouette": shared.value,
        "common/silhouette_se": shared.se,
        "common/silhouette_macro": macro(shared),
        "common/silhouette_sq": separation.silhouette_squared(space, labels),
        **{f"explained/{name}": value for name, value in explained.items()},
        "segments/count": fitted.segmenter.n_segments_,
        **{f"segments/{name}": value for name, value in separation.sizes(labels).items()},
        "data/rows": prepared.ledger["rows"].iloc[0],
        "data/rows_kept": prepared.ledger["rows"].iloc[-1],
        "data/bad_rows": len(prepared.rejects),
        "data/customers": len(table.frame),
    }
    if table.truth is not None:
        known = table.truth.notna().to_numpy()
        values["truth/adjusted_rand"] = adjusted_rand_score(table.truth[known], labels[known])
    agreement, notes = _agreement(fitted)
    if agreement is not None:
        values["segments/predict_agreement"] = agreement
    return Measured(values, meanings.of(values, own, shared, space_features), own, shared, tuple(notes))


def _separation(X: np.ndarray, labels: np.ndarray, own: SilhouetteResult) -> dict[str, float]:
    return {
        "inertia": separation.inertia(X, labels),
        "silhouette": own.value,
        "silhouette_se": own.se,
        "silhouette_n": own.n,
        "silhouette_sq": separation.silhouette_squared(X, labels),
        "calinski_harabasz": separation.calinski_harabasz(X, labels),
        "davies_bouldin": separation.davies_bouldin(X, labels),
    }


def macro(result: SilhouetteResult) -> float:
    """Mean over segments, each counting once: a large segment cannot hide small ones."""
    return float(np.mean(list(result.per_cluster.values()))) if result.per_cluster else float("nan")


def _agreement(fitted: FittedSegmentation) -> tuple[float | None, list[Note]]:
    """Check the rule for new customers on the known ones, where the rule is not the clusterer's own."""
    segmenter, table = fitted.pipeline.named_steps["cluster"], fitted.prepared.table
    if segmenter.predicts and "embed" not in fitted.pipeline.named_steps:
        return None, []
    agreement = float((fitted.pipeline.predict(table.frame[table.features]) == fitted.labels).mean())
    if segmenter.predicts:
        rule = "New customers are placed in the embedding beside the customers most alike"
    else:
        rule = f"{type(segmenter.clusterer).__name__} has no rule for new customers: they go to the segment of the nearest customer of the training"
    text = f"{rule}, which gives {agreement:.1%} of the customers here the segment that they have"
    return agreement, [("info", text)]
