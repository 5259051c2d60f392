"""From a start to an optimum of k-means that neither passes nor moves of single points improve."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from seg.metrics.kernels.compilation import kernel
from seg.metrics.kernels.lloyd_blocks import Blocks

MOST_PASSES = 20  # of moves; each costs as much as a pass that computes all distances
GAIN = 1e-12  # of a move, relative: below, rounding decides


@dataclass(frozen=True)
class Optimum:
    """Centres (k, d), their inertia, and the passes over all points that led there."""

    centres: np.ndarray
    inertia: float
    passes: int


@dataclass(frozen=True)
class Landscape:
    """Weighted points on which k-means is minimised, in the order and the units of `seg.metrics.kernels.ordering`.

    Attributes
    ----------
    values : ndarray of shape (m, d), float64
    weights : ndarray of shape (m,), float64
    """

    values: np.ndarray
    weights: np.ndarray

    @cached_property
    def single(self) -> Blocks:
        """The points in blocks of float32."""
        return Blocks(self.values.astype(np.float32), self.weights.astype(np.float32))

    @cached_property
    def double(self) -> Blocks:
        """The points in blocks of float64."""
        return Blocks(self.values, self.weights)

    def start(self, k: int, random: np.random.Generator, tol: float, max_iter: int) -> Optimum:
        """Return where Lloyd's algorithm leads from a k-means++ seeding.

        Parameters
        ----------
        k : int
        random : Generator
            Draws the seeding.
        tol : float
            Squared shift of the centres, in mean variances of the features, at which Lloyd's algorithm stops.
        max_iter : int

        Returns
        -------
        Optimum
        """
        return Optimum(*self.single.lloyd(self.single.seed(k, random), tol, max_iter))

    def settle(self, centres: np.ndarray, tol: float, max_iter: int) -> Optimum:
        """Return the optimum near some centres: Lloyd's algorithm, then moves of single points.

        Parameters
        ----------
        centres : ndarray of shape (k, d)
        tol : float
            See `start`.
        max_iter : int

        Returns
        -------
        Optimum

        Notes
        -----
        A point moves to another cluster if that lowers the inertia *with the centres that the move leads to*, so the result
        is a fixed point of Lloyd's algorithm too, and often a better one.

        References
        ----------
        Hartigan (1975), *Clustering Algorithms*, chapter 4; Telgarsky and Vattani (2010), "Hartigan's method: k-means
        clustering without Voronoi", AISTATS.
        """
        centres, _, passes = self.single.lloyd(centres, tol, max_iter)
        labels = self.single.labels(centres).copy()
        weights = np.bincount(labels, self.weights, len(centres))
        sums = [np.bincount(labels, self.weights * column, len(centres)) for column in self.values.T]
        filled = weights > 0
        centres[filled] = np.stack(sums, axis=1)[filled] / weights[filled, None]
        move_points(self.values, self.weights, labels, centres, weights, min(MOST_PASSES, max_iter))
        return Optimum(centres, self.inertia(labels, centres), passes)

    def hop(
        self, best: Optimum, random: np.random.Generator, size: float, tol: float, max_iter: int
    ) -> Optimum:
        """Return the better of an optimum and the one that its centres lead to when they are moved at random.

        Parameters
        ----------
        best : Optimum
        random : Generator
        size : float
            Of the moves, in standard deviations of a cluster's points from its centre.
        tol : float
            See `start`.
        max_iter : int

        Returns
        -------
        Optimum
        """
        labels = self.single.labels(best.centres)
        weights = np.maximum(np.bincount(labels, self.weights, len(best.centres)), np.finfo(float).tiny)
        squares = np.bincount(labels, self.weights * self._squares(labels, best.centres), len(best.centres))
        radius = np.sqrt(squares / weights / self.values.shape[1])
        moved = best.centres + random.normal(size=best.centres.shape) * (size * radius)[:, None]
        return min(best, self.settle(moved, tol, max_iter), key=lambda optimum: optimum.inertia)

    def inertia(self, labels: np.ndarray, centres: np.ndarray) -> float:
        """Return the weighted sum of squared distances to the own centre."""
        return float(self.weights @ self._squares(labels, centres))

    def _squares(self, labels: np.ndarray, centres: np.ndarray) -> np.ndarray:
        return sum((column - centres[labels, f]) ** 2 for f, column in enumerate(self.values.T))


@kernel
def move_points(points, weights, labels, centres, totals, most_passes):
    """Move points between clusters as long as a move lowers the inertia; change labels, centres and totals in place.

    Parameters
    ----------
    points : ndarray of shape (n, d)
    weights : ndarray of shape (n,)
    labels : ndarray of shape (n,)
        Cluster of each point; changed in place.
    centres : ndarray of shape (k, d)
        Changed in place.
    totals : ndarray of shape (k,)
        Sum of the weights of each cluster; changed in place.
    most_passes : int
        Passes over all points.
    """
    n, d = points.shape
    k = centres.shape[0]
    for _ in range(most_passes):
        moved = 0
        for i in range(n):
            own = labels[i]
            w = weights[i]
            if totals[own] <= w:
                continue  # alone in its cluster
            s = 0.0
            for f in range(d):
                t = points[i, f] - centres[own, f]
                s += t * t
            least = s * totals[own] / (totals[own] - w) * (1 - GAIN)
            to = own
            for c in range(k):
                if c != own:
                    s = 0.0
                    for f in range(d):
                        t = points[i, f] - centres[c, f]
                        s += t * t
                    s *= totals[c] / (totals[c] + w)
                    if s < least:
                        least = s
                        to = c
            if to != own:
                for f in range(d):
                    centres[own, f] -= w * (points[i, f] - centres[own, f]) / (totals[own] - w)
                    centres[to, f] += w * (points[i, f] - centres[to, f]) / (totals[to] + w)
                totals[own] -= w
                totals[to] += w
                labels[i] = to
                moved += 1
        if moved == 0:
            break


CACHED = move_points


def warm() -> None:
    """Call every kernel of this module once."""
    points = np.array([[0.0, 0.0], [0.1, 0.0], [0.5, 0.5]])
    Landscape(points, np.ones(3)).settle(points[:2].copy(), 0.0, 2)
