"""One cloud that bends: each feature has a mean and a variance that follow the features before it."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

KNOTS = (0.0,)  # where a feature may turn, in normal scores
RIDGE = 1e-3
LEAST_VARIANCE = 1e-3
SPREAD = (-3.0, 2.0)  # log of the least and the largest variance, relative to the mean one
ORDERED = 3  # features up to which every order is tried
ORDERS = 12  # orders tried of more features
SIMULATED = 20_000
FAR = 4.0  # bound of a mean, in normal scores
END = 20  # knots at either end whose slope goes on beyond


@dataclass(frozen=True)
class Regression:
    """A mean and a variance that bend with earlier features.

    Attributes
    ----------
    mean, log_variance : ndarray of shape (terms,)
        Coefficients of `terms`.
    base, factor : float
        Mean variance, and what corrects the bias of the logarithm.
    likelihood : float
        Mean log-likelihood of the training data, up to a constant.
    """

    mean: np.ndarray
    log_variance: np.ndarray
    base: float
    factor: float
    likelihood: float

    @classmethod
    def fit(cls, before: np.ndarray, y: np.ndarray) -> Regression:
        """Fit a feature (n,) to the features before it (n, j)."""
        design = terms(before)
        mean = _solve(design, y, np.ones(len(y)))
        residual = y - design @ mean
        base = max(float(residual.var()), LEAST_VARIANCE)
        variance, bend, factor = np.full(len(y), base), np.zeros(design.shape[1]), 1.0
        bend[0] = np.log(base)
        for _ in range(2 if before.shape[1] else 0):
            bend = _solve(design, np.log(residual**2 + 0.05 * base), np.ones(len(y)))
            raw = _bounded(design @ bend, base)
            factor = float((residual**2 / raw).mean())
            variance = raw * factor
            mean = _solve(design, y, 1 / variance)
            residual = y - design @ mean
        likelihood = -0.5 * float(np.log(variance).mean() + (residual**2 / variance).mean())
        return cls(mean, bend, base, factor, likelihood)

    def draw(self, before: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Draw the feature (n,), given the features before it (n, j)."""
        design = terms(before)
        deviation = np.sqrt(_bounded(design @ self.log_variance, self.base) * self.factor)
        return np.clip(design @ self.mean, -FAR, FAR) + deviation * rng.standard_normal(len(before))


def terms(Z: np.ndarray) -> np.ndarray:
    """Return a constant and, of each column of Z (n, j), the value, its square and its positive part: (n, 1 + 3 j)."""
    hinges = [np.maximum(Z - knot, 0) for knot in KNOTS]
    return np.column_stack([np.ones(len(Z)), Z, Z**2, *hinges])


def _bounded(log_variance: np.ndarray, base: float) -> np.ndarray:
    return np.exp(np.clip(log_variance, np.log(base) + SPREAD[0], np.log(base) + SPREAD[1]))


def _solve(design: np.ndarray, y: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the coefficients of a weighted ridge regression, the constant left free."""
    weights = weights / weights.sum()
    ridge = RIDGE * np.eye(design.shape[1])
    ridge[0, 0] = 0
    weighted = design * weights[:, None]
    return np.linalg.solve(weighted.T @ design + ridge, weighted.T @ y)


class BentCloud:
    """A cloud whose features are drawn one after the other, in the order that explains the data best.

    Parameters
    ----------
    Z : ndarray of shape (n, d)
        Normal scores of the features, mean 0 and variance 1.
    seed : int
        Of the orders that are tried and of the simulation that gives each drawn feature a normal distribution again.
    """

    def __init__(self, Z: np.ndarray, seed: int = 0):
        rng = np.random.default_rng([seed, 34])
        d = Z.shape[1]
        if d <= ORDERED:
            orders = list(itertools.permutations(range(d)))
        else:
            orders = [tuple(rng.permutation(d)) for _ in range(ORDERS)]
        chains = [(order, self._chain(Z, order)) for order in orders]
        self.order, self.regressions = max(chains, key=lambda chain: sum(one.likelihood for one in chain[1]))
        shares = np.arange(1, 400) / 400
        self._from = np.quantile(self._drawn(SIMULATED, rng), shares, axis=0)
        self._to = ndtri(shares)

    def draw(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """Draw n customers (n, d), each feature standard normal."""
        drawn = self._drawn(n, rng)
        return np.column_stack(
            [_monotone(column, self._from[:, place], self._to) for place, column in enumerate(drawn.T)]
        )

    def _chain(self, Z: np.ndarray, order: tuple) -> list[Regression]:
        return [Regression.fit(Z[:, list(order[:place])], Z[:, column]) for place, column in enumerate(order)]

    def _drawn(self, n: int, rng: np.random.Generator) -> np.ndarray:
        Z = np.zeros((n, len(self.order)))
        for place, column in enumerate(self.order):
            Z[:, column] = self.regressions[place].draw(Z[:, list(self.order[:place])], rng)
        return Z


def _monotone(values: np.ndarray, knots: np.ndarray, heights: np.ndarray) -> np.ndarray:
    """Map values by a piecewise linear function that goes on beyond its ends with their slope."""
    low = (heights[END] - heights[0]) / max(knots[END] - knots[0], 1e-3)
    high = (heights[-1] - heights[-1 - END]) / max(knots[-1] - knots[-1 - END], 1e-3)
    inside = np.interp(values, knots, heights)
    below, above = np.minimum(values - knots[0], 0), np.maximum(values - knots[-1], 0)
    return inside + low * below + high * above
