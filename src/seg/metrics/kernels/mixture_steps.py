"""Expectation and maximisation of a Gaussian mixture in one pass over blocks of points."""

from __future__ import annotations

import math

import numpy as np

from seg.metrics.kernels.compilation import kernel, part
from seg.metrics.kernels.constraints import constrained
from seg.metrics.kernels.lloyd_blocks import Blocks

LANES = 64  # points of a block, see `seg.metrics.kernels.lloyd_blocks`
FAINT = -20.0  # log-likelihoods so far below the largest count as this far: exp(-20) of a customer


def expectation_maximisation(
    blocks: Blocks, start: tuple, kind: str, floor: float, tol: float, max_iter: int
) -> tuple[tuple, float]:
    """Run EM until the mean log-likelihood grows by less than `tol`.

    Parameters
    ----------
    blocks : Blocks of float32
    start : tuple of weights (k,), means (k, d) and covariances (k, d, d)
    kind : {"full", "tied", "diag", "spherical"}
    floor : float
        Added to variances.
    tol : float
    max_iter : int

    Returns
    -------
    parameters : tuple
        As `start`.
    score : float
        Mean log-likelihood of the parameters before the last step.

    Notes
    -----
    Probabilities are float32 within a block, so parameters are near a fixed point of EM rather than at it: let
    scikit-learn take the last steps.
    """
    weights, means, covariances = start
    k, d = means.shape
    lower = np.tril_indices(d)
    before = score = -np.inf
    for _ in range(max_iter):
        factors = precision_factors(covariances)
        logs = np.log(weights) + np.log(np.abs(np.diagonal(factors, axis1=1, axis2=2))).sum(axis=1)
        logs -= d / 2 * math.log(2 * math.pi)
        shares, first, second = np.zeros(k), np.zeros((k, d)), np.zeros((k, len(lower[0])))
        single = tuple(values.astype(np.float32) for values in (means, factors, logs))
        score = em_pass(blocks.values, blocks.weights, single, shares, first, second) / blocks.weight
        shares = np.maximum(shares, 1e-12)
        weights = shares / shares.sum()
        shift = first / shares[:, None]
        means = single[0].astype(np.float64) + shift
        covariances = np.zeros((k, d, d))
        covariances[:, lower[0], lower[1]] = second / shares[:, None]
        covariances[:, lower[1], lower[0]] = covariances[:, lower[0], lower[1]]
        covariances = constrained(covariances - shift[:, :, None] * shift[:, None, :], weights, kind, floor)
        if abs(score - before) < tol:
            break
        before = score
    return (weights, means, covariances), score


def precision_factors(covariances: np.ndarray) -> np.ndarray:
    """Return the upper triangular factors (k, d, d) of the inverse covariances."""
    factors = np.linalg.solve(np.linalg.cholesky(covariances), np.eye(covariances.shape[1]))
    return np.ascontiguousarray(factors.transpose(0, 2, 1))


@part
def _log_densities(values, mean, factor, log, centred, along, densities):
    """Fill the log of a component's weight times its density, for each point of a block."""
    d = mean.shape[0]
    half = np.float32(0.5)
    for j in range(LANES):
        densities[j] = np.float32(0.0)
    for f in range(d):
        m = mean[f]
        for j in range(LANES):
            centred[f, j] = values[f, j] - m
    for e in range(d):
        p = factor[0, e]
        for j in range(LANES):
            along[j] = centred[0, j] * p
        for f in range(1, e + 1):
            p = factor[f, e]
            for j in range(LANES):
                along[j] += centred[f, j] * p
        for j in range(LANES):
            densities[j] += along[j] * along[j]
    for j in range(LANES):
        densities[j] = log - half * densities[j]


@part
def _exponentials(densities, largest):
    """Replace log densities by their exponentials, relative to the largest: a polynomial, to the 64th power."""
    faint, share, one, half = np.float32(FAINT), np.float32(1 / 64), np.float32(1.0), np.float32(0.5)
    a, b, c, e6 = np.float32(1 / 6), np.float32(1 / 24), np.float32(1 / 120), np.float32(1 / 720)
    for j in range(LANES):
        t = max(densities[j] - largest[j], faint) * share
        e = one + t * (one + t * (half + t * (a + t * (b + t * (c + t * e6)))))
        e *= e
        e *= e
        e *= e
        e *= e
        e *= e
        e *= e
        densities[j] = e


@part
def _add_moments(values, mean, shares, centred, first, second):
    """Add the moments of a block, about the component's mean, to those of the component."""
    d = mean.shape[0]
    place = 0
    for f in range(d):
        m = mean[f]
        total = np.float32(0.0)
        for j in range(LANES):
            t = values[f, j] - m
            centred[f, j] = t
            total += shares[j] * t
        first[f] += total
        for e in range(f + 1):
            total = np.float32(0.0)
            for j in range(LANES):
                total += shares[j] * centred[f, j] * centred[e, j]
            second[place] += total
            place += 1


@kernel
def em_pass(blocks, block_weights, parameters, totals, first, second):
    """Add to each component's weight and moments; return the sum of log-likelihoods under the parameters.

    Parameters
    ----------
    blocks : ndarray of shape (b, d, LANES)
    block_weights : ndarray of shape (b, LANES)
        0 for a lane without a point.
    parameters : tuple of ndarray
        Means (k, d), triangular factors (k, d, d) of the inverse covariances, logarithms (k,) of the weights and norms.
    totals : ndarray of shape (k,)
        Sum of the responsibilities of each component; is added to.
    first : ndarray of shape (k, d)
        First moments about the means; is added to.
    second : ndarray of shape (k, d * (d + 1) / 2)
        Second moments about the means, lower triangles; is added to.

    Returns
    -------
    float
    """
    means, factors, logs = parameters
    k, d = means.shape
    densities = np.empty((k, LANES), np.float32)
    largest = np.empty(LANES, np.float32)
    sums = np.empty(LANES, np.float32)
    along = np.empty(LANES, np.float32)
    centred = np.empty((d, LANES), np.float32)
    likelihood = 0.0
    for b in range(blocks.shape[0]):
        values = blocks[b]
        weights = block_weights[b]
        for c in range(k):
            _log_densities(values, means[c], factors[c], logs[c], centred, along, densities[c])
            for j in range(LANES):
                largest[j] = densities[c, j] if c == 0 else max(largest[j], densities[c, j])
        for j in range(LANES):
            sums[j] = np.float32(0.0)
        for c in range(k):
            _exponentials(densities[c], largest)
            for j in range(LANES):
                sums[j] += densities[c, j]
        for j in range(LANES):
            if weights[j] > 0:
                likelihood += weights[j] * (largest[j] + math.log(sums[j]))
            sums[j] = weights[j] / sums[j]
        for c in range(k):
            total = np.float32(0.0)
            for j in range(LANES):
                along[j] = densities[c, j] * sums[j]
                total += along[j]
            if total > np.float32(1e-9):
                totals[c] += total
                _add_moments(values, means[c], along, centred, first[c], second[c])
    return likelihood


CACHED = em_pass


def warm() -> None:
    """Call every kernel of this module once."""
    points = np.random.default_rng(0).normal(size=(64, 2)).astype(np.float32)
    start = np.full(2, 0.5), points[:2].astype(np.float64), np.array([np.eye(2)] * 2)
    expectation_maximisation(Blocks(points, np.ones(64, np.float32)), start, "full", 1e-3, 1e-3, 2)
