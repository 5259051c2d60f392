"""Passes of k-means over all customers on Spark, and centres that label them there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

FEATURES, CLUSTER = "features", "cluster"
VALUES = "values of features"
MOST_TERMS = 200  # centres times features, up to which distances are one expression
CORRECTIONS = 8  # passes after which centres may jump ahead; later ones move them to their means
STEPS = 300  # of a jump, in memory
ROWS = 16_384  # placed at a time, so that distances stay small


@dataclass(frozen=True)
class Stand:
    """Weighted points in memory that stand for all customers.

    Parameters
    ----------
    points : ndarray of shape (n, n_features)
    weights : ndarray of shape (n,)
    complete : bool, default=False
        Whether the points are all customers, one each.
    """

    points: np.ndarray
    weights: np.ndarray
    complete: bool = False

    def means(self, centers: np.ndarray) -> np.ndarray:
        """Return the mean of the points that are nearest to each centre; a centre without points stays."""
        labels = np.concatenate(
            [_labels(self.points[at : at + ROWS], centers) for at in range(0, len(self.points), ROWS)]
        )
        sizes = np.bincount(labels, weights=self.weights, minlength=len(centers))
        sums = [
            np.bincount(labels, weights=self.weights * column, minlength=len(centers))
            for column in self.points.T
        ]
        return np.where(
            sizes[:, None] > 0, np.column_stack(sums) / np.maximum(sizes, 1e-300)[:, None], centers
        )


class Centers:
    """Centres of k-means that label customers on Spark; MLlib's model of them is made when something asks for it.

    Parameters
    ----------
    centers : ndarray of shape (k, n_features)
    make : callable
        Returns MLlib's model of the same centres.
    """

    def __init__(self, centers: np.ndarray, make: Callable[[], object]):
        self.centers, self._make = centers, make

    @cached_property
    def mllib(self):
        """MLlib's model."""
        return self._make()

    def clusterCenters(self) -> list[np.ndarray]:
        """Return the centres, as MLlib's model does."""
        return list(self.centers)

    @cached_property
    def numbers(self) -> np.ndarray:
        """Number of each centre in MLlib's model, which has an order of its own."""
        theirs = np.array(self.mllib.clusterCenters())
        return ((self.centers[:, None] - theirs[None]) ** 2).sum(axis=2).argmin(axis=1)

    def transform(self, points):
        """Label each row with its nearest centre: by an expression of SQL, or by MLlib's model where that would be long."""
        if self.centers.size <= MOST_TERMS:
            return _nearest(points, self.centers).drop(VALUES)
        from pyspark.sql import functions as F

        own = F.array(*[F.lit(int(place)) for place in np.argsort(self.numbers)])
        return self.mllib.transform(points).withColumn(CLUSTER, own[F.col(CLUSTER)])


def optimum(
    passed: Callable[[np.ndarray], np.ndarray], start: np.ndarray, stand: Stand, tol: float, max_iter: int
) -> np.ndarray:
    """Move centres until no pass over all customers moves one farther than `tol`.

    Parameters
    ----------
    passed : callable
        One pass: from centres to the means of the customers who are nearest to them.
    start : ndarray of shape (k, n_features)
    stand : Stand
        Points that stand for all customers.
    tol : float
        In the units of the points.
    max_iter : int
        Most passes.

    Returns
    -------
    ndarray of shape (k, n_features)

    Notes
    -----
    Lloyd's passes close in slowly: each leaves some nine tenths of the way. So the difference between the means of all customers
    and those of the points in memory, at the same centres, is taken for constant, and the points are followed to where centres and
    corrected means agree; the next pass tells how far off that was. Where a jump has not halved the way that is left, plain
    passes go on, each of which lessens the inertia. (The defect correction of multigrid methods, Brandt 1977.)
    """
    centers, before = start, np.inf
    for number in range(max_iter):
        means = passed(centers)
        moved = _farthest(means, centers)
        if moved <= tol:
            return means
        jumps = number < CORRECTIONS and moved <= before / 2
        before = moved if jumps else 0.0
        centers = _ahead(stand, centers, means, tol) if jumps else means
    return centers


def _ahead(stand: Stand, centers: np.ndarray, means: np.ndarray, tol: float) -> np.ndarray:
    """Follow the points in memory, whose means are corrected by the difference to those of all customers."""
    correction = means - stand.means(centers)
    now = means
    for _ in range(STEPS):
        following = stand.means(now) + correction
        moved = _farthest(following, now)
        now = following
        if moved <= tol / 10:
            break
    return now


def means_of(points, centers: np.ndarray, model: Callable[[np.ndarray], Centers]) -> np.ndarray:
    """Return the means of the customers who are nearest to each centre; an empty cluster keeps its centre.

    Parameters
    ----------
    points : pyspark.sql.DataFrame
        With a column of vectors, `FEATURES`.
    centers : ndarray of shape (k, n_features)
    model : callable
        From centres to what labels customers with them.
    """
    from pyspark.ml.stat import Summarizer
    from pyspark.sql import functions as F

    means = centers.copy()
    labelled = model(centers).transform(points)
    for row in labelled.groupBy(CLUSTER).agg(Summarizer.mean(F.col(FEATURES)).alias("mean")).collect():
        means[row[CLUSTER]] = row["mean"].toArray()
    return means


def _nearest(points, centers: np.ndarray):
    """Add the column of the nearest centre, of equal ones the first."""
    from pyspark.ml.functions import vector_to_array
    from pyspark.sql import functions as F

    rows = points.select("*", vector_to_array(F.col(FEATURES)).alias(VALUES))
    distances = []
    for center in centers.tolist():
        away = [F.col(VALUES)[place] - F.lit(value) for place, value in enumerate(center)]
        distances.append(sum((one * one for one in away[1:]), away[0] * away[0]))
    every = F.array(*distances)
    return rows.withColumn(CLUSTER, (F.array_position(every, F.array_min(every)) - 1).cast("int"))


def _labels(points: np.ndarray, centers: np.ndarray) -> np.ndarray:
    return ((centers**2).sum(axis=1) - 2 * points @ centers.T).argmin(axis=1)


def _farthest(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.linalg.norm(one - other, axis=1).max())
