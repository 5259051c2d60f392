"""AUC and R squared of several groupings of the same customers, with a paired bootstrap of their differences."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from seg.metrics import prediction


def paired_power(
    groups: Mapping[str, np.ndarray],
    bought: np.ndarray,
    spend: np.ndarray,
    resamples: int = 400,
    seed: int = 0,
) -> dict[str, np.ndarray]:
    """Return AUC and R squared of several groupings of the same customers, on all and on the same bootstrap samples.

    Parameters
    ----------
    groups : mapping of str to array of shape (n,)
    bought : array of shape (n,)
        1 who bought after the cut, 0 who did not.
    spend : array of shape (n,)
        What they spent after it.
    resamples : int
    seed : int
        Of folds and bootstrap.

    Returns
    -------
    dict of str to ndarray of shape (1 + resamples, 2)
        AUC of buying and R squared of log1p(spend), cross-fitted; the first row is of all customers once. Differences between
        groupings are paired: row by row they are of the same customers.
    """
    bought, spend = np.asarray(bought).astype("int64"), np.asarray(spend, dtype="float64")
    outcome = prediction._Outcome(
        bought, np.log1p(spend), prediction._folds(bought, min(5, len(bought)), seed)
    )
    rng, n = np.random.default_rng([seed, 6]), len(bought)
    weights = [np.ones(n), *(np.bincount(rng.integers(n, size=n), minlength=n) for _ in range(resamples))]
    powers = {}
    for name, labels in groups.items():
        codes = np.unique(np.asarray(labels), return_inverse=True)[1]
        rate, _ = prediction._cross_fitted(codes, outcome.bought, outcome.fold)
        mean, overall = prediction._cross_fitted(codes, outcome.log_spend, outcome.fold)
        powers[name] = np.array([_weighted_power(rate, mean, overall, outcome, one) for one in weights])
    return powers


def _weighted_power(
    rate: np.ndarray, mean: np.ndarray, overall: np.ndarray, outcome: prediction._Outcome, weight: np.ndarray
) -> tuple[float, float]:
    areas = [
        _weighted_auc(rate[here], outcome.bought[here], weight[here])
        for here in (outcome.fold == one for one in range(outcome.fold.max() + 1))
    ]
    left = weight @ (outcome.log_spend - mean) ** 2
    return float(np.nanmean(areas)), float(1 - left / (weight @ (outcome.log_spend - overall) ** 2))


def _weighted_auc(scores: np.ndarray, bought: np.ndarray, weight: np.ndarray) -> float:
    places = np.unique(scores, return_inverse=True)[1]
    buyers, others = np.bincount(places, weight * bought), np.bincount(places, weight * (1 - bought))
    pairs = buyers.sum() * others.sum()
    return float((buyers * (np.cumsum(others) - others / 2)).sum() / pairs) if pairs else np.nan
