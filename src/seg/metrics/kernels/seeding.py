"""Greedy k-means++ over weighted points in blocks."""

from __future__ import annotations

import numpy as np

from seg.metrics.kernels.compilation import kernel, part

LANES = 64  # points of a block, see `seg.metrics.kernels.lloyd_blocks`


@part
def _squared(values, point, distance):
    """Fill the squared distance from each point of a block to one point."""
    v = point[0]
    for j in range(LANES):
        t = values[0, j] - v
        distance[j] = t * t
    for f in range(1, point.shape[0]):
        v = point[f]
        for j in range(LANES):
            t = values[f, j] - v
            distance[j] += t * t


@part
def _pick(weights, nearest, potential, target, first):
    """Return block and lane of the point at which the running sum of its potential reaches the target."""
    b = 0
    reached = 0.0
    while b < potential.shape[0] - 1 and reached + potential[b] < target:
        reached += potential[b]
        b += 1
    lane = 0
    while lane < LANES - 1:
        reached += weights[b, lane] if first else weights[b, lane] * nearest[b, lane]
        if reached >= target:
            break
        lane += 1
    return b, lane


@kernel
def plus_plus(values, weights, chances, centres):
    """Fill k centres by greedy k-means++ (Arthur and Vassilvitskii 2007): the best of some candidates each time.

    Parameters
    ----------
    values : ndarray of shape (b, d, LANES)
    weights : ndarray of shape (b, LANES)
        0 for a lane without a point.
    chances : ndarray of shape (k, trials)
        Uniform random numbers, one a candidate.
    centres : ndarray of shape (k, d)
        Is filled.
    """
    count, d, _ = values.shape
    k, trials = chances.shape
    nearest = np.empty((count, LANES), values.dtype)
    tried = np.empty((count, LANES), values.dtype)
    chosen = np.empty((count, LANES), values.dtype)
    potential = np.empty(count)
    tried_potential = np.empty(count)
    chosen_potential = np.empty(count)
    distance = np.empty(LANES, values.dtype)
    point = np.empty(d, values.dtype)
    for b in range(count):
        potential[b] = weights[b].sum()
    for i in range(k):
        total = potential.sum()
        least = 1e300
        for t in range(1 if i == 0 else trials):
            block, lane = _pick(weights, nearest, potential, chances[i, t] * total, i == 0)
            for f in range(d):
                point[f] = values[block, f, lane]
            cost = 0.0
            for b in range(count):
                _squared(values[b], point, distance)
                p = weights.dtype.type(0)
                if i == 0:
                    for j in range(LANES):
                        tried[b, j] = distance[j]
                        p += distance[j] * weights[b, j]
                else:
                    for j in range(LANES):
                        near = min(distance[j], nearest[b, j])
                        tried[b, j] = near
                        p += near * weights[b, j]
                tried_potential[b] = p
                cost += p
            if cost < least:
                least = cost
                tried, chosen = chosen, tried
                tried_potential, chosen_potential = chosen_potential, tried_potential
                centres[i] = point
        nearest, chosen = chosen, nearest
        potential, chosen_potential = chosen_potential, potential


CACHED = plus_plus


def warm() -> None:
    """Call every kernel of this module once."""
    values, centres = np.zeros((1, 2, LANES), np.float32), np.empty((2, 2), np.float32)
    values[0, 0] = np.arange(LANES)
    plus_plus(values, np.ones((1, LANES), np.float32), np.full((2, 2), 0.5), centres)
