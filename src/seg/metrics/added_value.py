"""What segments add to simpler groups of the same customers: deviance explained, and paired differences with intervals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import rankdata
from sklearn.linear_model import LogisticRegression, Ridge

RESAMPLES = 500
REGRESSION = "regression"
COLUMNS = ["name", "explained", "difference", "low", "high"]


@dataclass(frozen=True)
class AddedValue:
    """Deviance explained by segments, beside what other predictions of the same customers explain.

    Attributes
    ----------
    explained, se : float
        Mean of two shares, cross-fitted: of the binomial deviance of buying, and of the variance of log1p(spend). The standard
        error is of a bootstrap of customers.
    against : DataFrame
        One row a baseline: ``name``, what it explains, the segments' share minus that, and its 95 % interval ``low``, ``high`` by a
        paired bootstrap of customers.
    """

    explained: float
    se: float
    against: pd.DataFrame

    @property
    def ceiling(self) -> float:
        """What a regression on the same features explains."""
        return float(self.against.set_index("name").loc[REGRESSION, "explained"])

    def verdict(self, name: str) -> str:
        """Return "adds to", "as good as" or "worse than", by whether the interval of the difference excludes 0."""
        row = self.against.set_index("name").loc[name]
        return "adds to" if row["low"] > 0 else "worse than" if row["high"] < 0 else "as good as"


def added_value(
    groups: Mapping[str, np.ndarray],
    features: pd.DataFrame,
    bought: np.ndarray,
    log_spend: np.ndarray,
    fold: np.ndarray,
    seed: int = 0,
) -> AddedValue:
    """Compare the first grouping with the others, and with a regression on the features.

    Parameters
    ----------
    groups : mapping of str to array of shape (n,)
        Groups of each customer, coded from 0; the first are the segments in question.
    features : DataFrame of shape (n, d)
    bought : array of shape (n,)
        1 who bought after the cut, 0 who did not.
    log_spend : array of shape (n,)
        log1p of the spend after the cut.
    fold : array of shape (n,)
        Folds from 0; a customer is predicted from the other folds' customers.
    seed : int
        Of the bootstrap.

    Notes
    -----
    The regression, logistic for buying and linear for log spend, on ranks of the features and their squares, has as many
    predictions as customers. Segments seldom explain as much, but can: where the outcome bends in ways that ranks and their squares do not.
    """
    losses = {
        name: _losses(_rates(codes, bought, fold), _means(codes, log_spend, fold), bought, log_spend)
        for name, codes in groups.items()
    }
    losses[REGRESSION] = _losses(*_regression(features, bought, log_spend, fold), bought, log_spend)
    none = np.zeros(len(bought), dtype=int)
    base = _losses(_rates(none, bought, fold), _means(none, log_spend, fold), bought, log_spend)
    rng = np.random.default_rng([seed, 5])
    drawn = np.array(
        [
            _sums(
                losses, base, np.bincount(rng.integers(len(bought), size=len(bought)), minlength=len(bought))
            )
            for _ in range(RESAMPLES)
        ]
    )
    explained = _sums(losses, base, np.ones(len(bought)))
    low, high = np.nanquantile(drawn[:, :1] - drawn, [0.025, 0.975], axis=0)
    rows = [
        (name, explained[place], explained[0] - explained[place], low[place], high[place])
        for place, name in enumerate(losses)
        if place
    ]
    return AddedValue(
        float(explained[0]), float(np.nanstd(drawn[:, 0], ddof=1)), pd.DataFrame(rows, columns=COLUMNS)
    )


def _sums(losses: Mapping[str, np.ndarray], base: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the deviance explained (m,) by each prediction, with weights (n,) of the customers."""
    total = weights @ base
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.array([np.nanmean(1 - (weights @ one) / total) for one in losses.values()])


def _losses(rate: np.ndarray, mean: np.ndarray, bought: np.ndarray, log_spend: np.ndarray) -> np.ndarray:
    """Return the deviance (n, 2) of each customer: of buying, and of log spend."""
    rate = np.clip(rate, 1e-6, 1 - 1e-6)
    return np.column_stack([-np.where(bought == 1, np.log(rate), np.log(1 - rate)), (log_spend - mean) ** 2])


def _means(codes: np.ndarray, values: np.ndarray, fold: np.ndarray) -> np.ndarray:
    """Return for each customer the mean of the group among other folds, drawn to the mean of all by one customer."""
    groups, folds = codes.max() + 1, fold.max() + 1
    cell = codes * folds + fold
    count = np.bincount(cell, minlength=groups * folds).reshape(groups, folds)
    total = np.bincount(cell, weights=values, minlength=groups * folds).reshape(groups, folds)
    count, total = count.sum(axis=1, keepdims=True) - count, total.sum(axis=1, keepdims=True) - total
    overall = total.sum(axis=0) / count.sum(axis=0)
    return ((total + overall) / (count + 1))[codes, fold]


def _rates(codes: np.ndarray, bought: np.ndarray, fold: np.ndarray) -> np.ndarray:
    return _means(codes, bought.astype(float), fold)


def _regression(
    features: pd.DataFrame, bought: np.ndarray, log_spend: np.ndarray, fold: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return cross-fitted chances of buying and expected log spends (n,) of regressions on ranks and their squares."""
    if not features.shape[1]:
        none = np.zeros(len(bought), dtype=int)
        return _rates(none, bought, fold), _means(none, log_spend, fold)
    ranks = np.column_stack([rankdata(column) / len(column) - 0.5 for _, column in features.items()])
    design = np.column_stack([ranks, ranks**2 - 1 / 12])
    rate, mean = np.empty(len(bought)), np.empty(len(bought))
    for one in range(fold.max() + 1):
        in_fold, rest = fold == one, fold != one
        rate[in_fold] = bought[rest].mean()
        if 0 < bought[rest].mean() < 1:
            rate[in_fold] = (
                LogisticRegression(C=10.0, max_iter=500)
                .fit(design[rest], bought[rest])
                .predict_proba(design[in_fold])[:, 1]
            )
        mean[in_fold] = Ridge(1.0).fit(design[rest], log_spend[rest]).predict(design[in_fold])
    return rate, mean
