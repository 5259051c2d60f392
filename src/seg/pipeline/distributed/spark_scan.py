"""The scan over k on Spark."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import uuid4

import numpy as np
import pandas as pd

from seg import progress
from seg.config.parts import Parts
from seg.metrics import separation
from seg.metrics.labeling import NOISE
from seg.metrics.silhouette import SilhouetteResult
from seg.models.mllib import without_jvm
from seg.models.mllib.lloyd_passes import Centers, Stand
from seg.models.mllib.weighted_cells import weighted_cells
from seg.models.segmenter import Segmenter
from seg.pipeline.distributed.spark_clusters import Clusters, clusters_of
from seg.pipeline.distributed.spark_customers import Customers
from seg.pipeline.distributed.spark_space import X
from seg.selection.scan import K_SCAN_COLUMNS, Scan

# k fitted at once: jobs on few customers leave most of a machine idle while the driver plans.
SIDE_BY_SIDE = 4


@dataclass(frozen=True)
class Fits:
    """Every k that was tried.

    Parameters
    ----------
    scan : Scan
        As in memory. Its rows are of all customers, but for the Euclidean silhouette; its segmenters need no JVM and
        have the labels of the sample.
    models : dict of int to pyspark.ml.Model or Centers
    clusters : dict of int to Clusters
    """

    scan: Scan
    models: dict[int, object]
    clusters: dict[int, Clusters]

    def chosen(self, k: int) -> tuple[object, np.ndarray]:
        """Return the model of MLlib with k clusters, and the number in it of each segment."""
        model, order = self.models[k], self.clusters[k].order
        return (model.mllib, model.numbers[order]) if isinstance(model, Centers) else (model, order)


def scan(parts: Parts, customers: Customers, ks: Sequence[int], work: Path) -> Fits:
    """Fit every k on Spark, and measure it there.

    Parameters
    ----------
    work : Path
        A folder that executors write to and this process reads.
    """
    clusterers = {k: parts.make_clusterer(k) for k in ks}
    models, clusters, fitted, rows = {}, {}, {}, []
    with progress.step("scan over k") as detail, progress.bar(len(ks)) as tick:
        stand = _standing(clusterers.values(), customers)
        pool = ThreadPoolExecutor(SIDE_BY_SIDE)
        try:
            for k, one in zip(
                ks, pool.map(lambda k: _fit(clusterers[k], customers, stand, work), ks), strict=True
            ):
                tick(k)
                models[k], clusters[k], fitted[k] = one[:3]
                rows.append(one[3])
        finally:
            pool.shutdown(cancel_futures=True)
        detail(f"k = {', '.join(map(str, ks))}")
    labels = {k: segmenter.labels_ for k, segmenter in fitted.items()}
    silhouettes = euclidean(customers, customers.X, labels)
    for row in rows:
        silhouette = silhouettes[row["k"]]
        row |= {"silhouette": silhouette.value, "silhouette_se": silhouette.se, "silhouette_n": silhouette.n}
    return Fits(Scan(pd.DataFrame(rows, columns=K_SCAN_COLUMNS), fitted, silhouettes, ()), models, clusters)


def _standing(clusterers: Iterable, customers: Customers) -> Stand:
    """Return what stands for all customers in memory: their cells, or the sample where that is everyone."""
    if customers.sampled and all(clusterer.weighted for clusterer in clusterers):
        return weighted_cells(customers.points, X, customers.X, customers.collect)
    return Stand(customers.X, np.ones(len(customers.X)), complete=not customers.sampled)


def _fit(clusterer, customers: Customers, stand: Stand, work: Path) -> tuple:
    """Fit one k and measure it: its model, its clusters, the segmenter without a JVM, and its row of the scan."""
    start = time.perf_counter()
    model = clusterer.fit(customers.points, stand)
    seconds = time.perf_counter() - start
    clusters = clusters_of(model.transform(customers.points), customers.X.shape[1], customers.collect)
    small = clusterer.without_jvm(model, (work / uuid4().hex).as_uri())
    return model, clusters, _segmenter(small, clusters, customers.X), _row(clusterer.k, clusters, seconds)


def euclidean(customers: Customers, X: np.ndarray, labels: dict) -> dict[int, SilhouetteResult]:
    """Compute Euclidean silhouettes of the sample, with the standard error of an estimate for all customers.

    Parameters
    ----------
    customers : Customers
    X : ndarray of shape (n_sampled, n_features)
        The sample in the space to measure in.
    labels : dict of int to ndarray of shape (n_sampled,)
        Segments by k.
    """
    results = separation.silhouettes(X, labels, customers.sampling.size, customers.sampling.seed)
    return {k: _estimated(result, customers.count) for k, result in results.items()}


def _estimated(result: SilhouetteResult, count: int) -> SilhouetteResult:
    if not 2 <= result.n < count:
        return result
    error = result.samples.std(ddof=1) / np.sqrt(result.n) * np.sqrt(1 - result.n / count)
    return replace(result, se=float(error))


def _segmenter(small, clusters: Clusters, X: np.ndarray) -> Segmenter:
    number = {int(cluster): segment for segment, cluster in enumerate(clusters.order)}
    labels = np.array([number.get(int(cluster), NOISE) for cluster in small.predict(X)])
    return without_jvm.segmenter(small, clusters.order, labels, clusters.means)


def _row(k: int, clusters: Clusters, seconds: float) -> dict:
    return {
        "k": k,
        "inertia": clusters.inertia,
        "silhouette_sq": clusters.silhouette_squared,
        "calinski_harabasz": clusters.calinski_harabasz,
        "davies_bouldin": clusters.davies_bouldin,
        "bic": np.nan,
        "aic": np.nan,
        "icl": np.nan,
        "smallest_segment": int(clusters.counts.min()),
        "largest_share": clusters.counts.max() / clusters.counts.sum(),
        "seconds": seconds,
    }
