"""The clusters of one fit, measured over all customers in two passes of Spark."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from seg.models.mllib.estimators import CLUSTER
from seg.pipeline.distributed.aggregates import WORTH
from seg.pipeline.distributed.spark_space import CUSTOMER, Collect, X


@dataclass(frozen=True)
class Clusters:
    """The clusters of one fit, in the order of their worth.

    Parameters
    ----------
    order : ndarray of shape (k,)
        Number of each cluster in the labels of the fit.
    counts : ndarray of shape (k,)
    means, variances : ndarray of shape (k, d)
        In the scaled space; variances are divided by the count.
    distances : ndarray of shape (k,)
        Mean Euclidean distance of a customer to the mean.
    silhouette_squared : float
        Mean silhouette of squared distances, as Spark's own evaluator defines it; NaN with fewer than two clusters.
    """

    order: np.ndarray
    counts: np.ndarray
    means: np.ndarray
    variances: np.ndarray
    distances: np.ndarray
    silhouette_squared: float = np.nan

    @property
    def inertia(self) -> float:
        """Sum of squared distances to the mean of the own cluster."""
        return float(self.counts @ self.variances.sum(axis=1))

    @property
    def calinski_harabasz(self) -> float:
        """Variance between clusters over variance within; NaN with fewer than two."""
        k, n = len(self.counts), self.counts.sum()
        if not 2 <= k < n:
            return np.nan
        middle = self.counts @ self.means / n
        between = float(self.counts @ ((self.means - middle) ** 2).sum(axis=1))
        # As in scikit-learn: clusters without any spread have the index 1.
        return between * (n - k) / (self.inertia * (k - 1)) if self.inertia > 0 else 1.0

    @property
    def davies_bouldin(self) -> float:
        """Mean over clusters of the likeness to the nearest other; NaN with fewer than two."""
        k = len(self.counts)
        if not 2 <= k < self.counts.sum():
            return np.nan
        apart = np.linalg.norm(self.means[:, None] - self.means[None], axis=2)
        if np.allclose(self.distances, 0) or np.allclose(apart, 0):
            return 0.0
        apart[apart == 0] = np.inf
        return float(((self.distances[:, None] + self.distances) / apart).max(axis=1).mean())


def clusters_of(labelled, features: int, collect: Collect) -> Clusters:
    """Describe the clusters of a DataFrame with scaled features as the array `X` and with `WORTH`.

    Parameters
    ----------
    labelled : pyspark.sql.DataFrame
        With the columns `CLUSTER`, `X` and `WORTH`.
    features : int
        Length of `X`.
    collect : callable
        From a DataFrame of Spark to one of pandas.

    Returns
    -------
    Clusters
        By mean worth, highest first.
    """
    from pyspark.sql import functions as F

    columns = [F.col(X)[place] for place in range(features)]
    wanted = [F.count(F.lit(1)).alias("n"), F.avg(WORTH).alias("worth"), F.min(CUSTOMER).alias("first")]
    for place, column in enumerate(columns):
        wanted += [F.avg(column).alias(f"mean_{place}"), F.var_pop(column).alias(f"variance_{place}")]
    by_cluster = collect(labelled.groupBy(CLUSTER).agg(*wanted))
    # Equal worth falls back on the first customer, as in memory.
    by_cluster = by_cluster.sort_values(
        ["worth", "first"], ascending=[False, True], kind="stable", ignore_index=True
    )
    means, variances = (
        by_cluster[[f"{what}_{place}" for place in range(features)]].to_numpy(dtype="float64")
        for what in ("mean", "variance")
    )
    order = by_cluster[CLUSTER].to_numpy(dtype="int64")
    counts = by_cluster["n"].to_numpy(dtype="int64")
    nothing = np.full(len(order), np.nan)
    stats = Clusters(order, counts, means, variances, nothing)
    distances, silhouette = _reach(labelled, order, stats, collect)
    return replace(stats, distances=distances, silhouette_squared=silhouette)


def _reach(labelled, order: np.ndarray, stats: Clusters, collect: Collect) -> tuple:
    """Return the mean distance to the mean of the own cluster, and the mean silhouette of squared distances.

    The mean squared distance of a point to the members of a cluster is the squared distance to their mean, and their variance.
    """
    from pyspark.sql import functions as F

    place = F.array_position(F.array(*[F.lit(int(one)) for one in order]), F.col(CLUSTER)).cast("int")
    squares = F.array(*[_square(mean) for mean in stats.means.tolist()])
    rows = labelled.select(CLUSTER, place.alias("place"), squares.alias("squares"))
    spread = F.array(*[F.lit(float(one)) for one in stats.variances.sum(axis=1)])
    counts = F.array(*[F.lit(float(one)) for one in stats.counts])
    own, n = F.col("squares")[F.col("place") - 1], counts[F.col("place") - 1]
    inner = (own + spread[F.col("place") - 1]) * n / F.greatest(n - 1, F.lit(1.0))
    others = F.transform("squares", lambda square, at: F.when(at != F.col("place") - 1, square + spread[at]))
    rows = rows.select(
        CLUSTER,
        F.sqrt(own).alias("far"),
        n.alias("n"),
        inner.alias("inner"),
        F.array_min(others).alias("outer"),
    )
    outer, inner = F.col("outer"), F.col("inner")
    score = F.when(inner < outer, 1 - inner / outer).when(inner > outer, outer / inner - 1).otherwise(0.0)
    scored = rows.withColumn("score", F.when(F.col("n") > 1, score).otherwise(0.0)).groupBy(CLUSTER)
    wanted = F.avg("far").alias("mean"), F.sum("score").alias("score")
    reach = collect(scored.agg(*wanted)).set_index(CLUSTER).loc[order]
    silhouette = float(reach["score"].sum() / stats.counts.sum()) if len(order) > 1 else np.nan
    return reach["mean"].to_numpy(), silhouette


def _square(mean: Sequence[float]):
    """Return the squared distance to a point."""
    from pyspark.sql import functions as F

    away = [F.col(X)[place] - F.lit(value) for place, value in enumerate(mean)]
    return sum((one * one for one in away[1:]), away[0] * away[0])
