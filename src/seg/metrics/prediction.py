"""What a segmentation says about the time after it: who buys again, and for how much.

One row a customer everywhere: a segment and features from before a day, the outcome from that day on. A score that
is *cross-fitted* predicts a customer from the other folds' customers only, so that more and smaller segments do not
score better by themselves.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from seg.metrics.added_value import AddedValue, added_value
from seg.metrics.separation import variance_explained

Z95 = 1.959963984540054  # 97.5 % quantile of the standard normal distribution
POWER = ["eta_squared", "auc", "r_squared"]


@dataclass(frozen=True)
class HoldoutScores:
    """What is known of the outcome once the segment is known.

    Parameters
    ----------
    segments : DataFrame
        One row a segment, noise (-1) last: ``segment``, ``customers``, ``bought`` (customers), ``rate`` with its 95 %
        Wilson interval ``rate_low``, ``rate_high``; ``spend``, the mean over all of them, in the currency of the
        data, with its 95 % bootstrap interval ``spend_low``, ``spend_high``.
    baselines : DataFrame
        ``name``, ``groups``, ``eta_squared``, ``auc``, ``r_squared``; the first row is the segmentation itself
        (``segments``), then ``random`` (segments of the same sizes, mean of all draws), the rules, the deciles.
    random : DataFrame
        ``eta_squared``, ``auc``, ``r_squared`` of each random draw.
    customers : int
    rate : float
        Share of all customers who bought.
    eta_squared : float
        Share of the variance of log1p(spend) that lies between segments, in the sample.
    auc : float
        Cross-fitted: how often a customer who bought has a higher purchase rate in their segment than one who did not
        (ties count half). 0.5 is chance. NaN where all bought, or none.
    r_squared : float
        Cross-fitted, of log1p(spend): 0 is what the mean of all customers gives, below 0 is worse. NaN where all
        spent the same.
    added : AddedValue
        Deviance explained, beside the rules, the deciles and a regression on the same features.
    """

    segments: pd.DataFrame
    baselines: pd.DataFrame
    random: pd.DataFrame
    customers: int
    rate: float
    eta_squared: float
    auc: float
    r_squared: float
    added: AddedValue


@dataclass(frozen=True)
class Draws:
    """How often the random parts of the hold-out are drawn.

    Parameters
    ----------
    seed : int
        Of folds, random segments and bootstrap.
    folds : int
        Customers are split into so many, buyers and others evenly.
    random : int
        How many random segmentations.
    resamples : int
        Of the bootstrap; fewer (200 at least) for segments above 20,000 customers, whose mean is steady.
    """

    seed: int = 0
    folds: int = 5
    random: int = 20
    resamples: int = 1000


def evaluate(
    labels: np.ndarray,
    bought: np.ndarray,
    spend: np.ndarray,
    features: pd.DataFrame,
    rules: Mapping[str, np.ndarray] | None = None,
    draws: Draws = Draws(),
) -> HoldoutScores:
    """Score segments by the outcome of their customers, beside what simpler groups of the same customers score.

    Parameters
    ----------
    labels : array of shape (n,)
        Segment of each customer, from before the cut; noise (-1) is a group like any other here.
    bought : array of shape (n,)
        1 who bought after the cut, 0 who did not.
    spend : array of shape (n,)
        What they spent after the cut, 0 or more.
    features : DataFrame of shape (n, d)
        From before the cut; the deciles of each column are a baseline.
    rules : mapping of str to array of shape (n,), optional
        Further groups from before the cut to compare with, by name.
    draws : Draws

    Returns
    -------
    HoldoutScores

    Raises
    ------
    ValueError
        Arrays of different lengths, fewer than two customers, or an outcome that is none.
    """
    labels, bought, spend = _checked(labels, bought, spend, features)
    seed, folds = draws.seed, min(draws.folds, len(bought))
    outcome = _Outcome(bought, np.log1p(spend), _folds(bought, folds, seed))
    ids, codes = np.unique(labels, return_inverse=True)
    own = _power(codes, outcome)
    rng = np.random.default_rng([seed, 1])
    random = pd.DataFrame(
        [_power(rng.permutation(codes), outcome) for _ in range(draws.random)], columns=POWER
    )
    rows = [
        ("segments", len(ids), *own.values()),
        ("random", len(ids), *random.mean()),
    ]
    deciles = {f"deciles of {name}": tiles(column.to_numpy(), 10) for name, column in features.items()}
    coded = {"segments": codes}
    for name, groups in {**(rules or {}), **deciles}.items():
        group_ids, group_codes = np.unique(np.asarray(groups), return_inverse=True)
        coded[name] = group_codes
        rows.append((name, len(group_ids), *_power(group_codes, outcome).values()))
    return HoldoutScores(
        _segments(ids, codes, bought, spend, seed, draws.resamples),
        pd.DataFrame(rows, columns=["name", "groups", *POWER]),
        random,
        len(labels),
        float(bought.mean()),
        **own,
        added=added_value(coded, features, outcome.bought, outcome.log_spend, outcome.fold, seed),
    )


def wilson(successes: int, n: int, z: float = Z95) -> tuple[float, float]:
    """Return Wilson's score interval of a rate (Wilson 1927, doi 10.1080/01621459.1927.10502953); NaN for n = 0.

    Parameters
    ----------
    successes, n : int
    z : float
        Quantile of the standard normal distribution; 1.96 for 95 %.

    Returns
    -------
    low, high : float

    Examples
    --------
    >>> [round(bound, 4) for bound in wilson(8, 10)]
    [0.4902, 0.9433]
    """
    if n == 0:
        return np.nan, np.nan
    rate, square = successes / n, z * z
    centre = (rate + square / (2 * n)) / (1 + square / n)
    reach = z / (1 + square / n) * np.sqrt(rate * (1 - rate) / n + square / (4 * n * n))
    # At 0 and n the bound is 0 and 1, but for rounding.
    low = 0.0 if successes == 0 else centre - reach
    return float(low), 1.0 if successes == n else float(centre + reach)


def auc(scores: np.ndarray, bought: np.ndarray) -> float:
    """Return the probability that a buyer has a higher score than another customer, ties half; NaN without both."""
    bought = np.asarray(bought, dtype=bool)
    buyers, others = int(bought.sum()), int((~bought).sum())
    if not buyers or not others:
        return np.nan
    above = rankdata(scores)[bought].sum() - buyers * (buyers + 1) / 2
    return float(above / (buyers * others))


def tiles(values: np.ndarray, bins: int) -> np.ndarray:
    """Score values from 1 to `bins` by their rank; equal values always get equal scores.

    The score of x is ``1 + floor(bins * (share of the values that are below x))``: 4 of 5 means that at least 60 %
    are lower. Without equal values it is SQL's ``ntile`` where `bins` divides n; a value that many share gets the
    score of the first of them, and the scores in between are then nobody's.

    >>> tiles([10, 20, 30, 40, 50], 5)
    array([1, 2, 3, 4, 5])
    >>> tiles([1, 1, 1, 2, 9], 5)
    array([1, 1, 1, 4, 5])
    """
    values = np.asarray(values, dtype="float64")
    if np.isnan(values).any():
        raise ValueError(f"{np.isnan(values).sum()} values are missing, expected numbers: fill or drop them")
    below = rankdata(values, method="min").astype("int64") - 1
    return 1 + bins * below // max(len(values), 1)


# ---- inside ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Outcome:
    bought: np.ndarray
    log_spend: np.ndarray
    fold: np.ndarray


def _power(codes: np.ndarray, outcome: _Outcome) -> dict[str, float]:
    rate, _ = _cross_fitted(codes, outcome.bought, outcome.fold)
    # Within a fold, and not over all: scores of two folds are of different customers, each lacking the own outcome,
    # which would pull the AUC of useless groups below one half.
    areas = [
        auc(rate[outcome.fold == fold], outcome.bought[outcome.fold == fold])
        for fold in range(outcome.fold.max() + 1)
    ]
    mean, overall = _cross_fitted(codes, outcome.log_spend, outcome.fold)
    unexplained = ((outcome.log_spend - mean) ** 2).sum()
    total = ((outcome.log_spend - overall) ** 2).sum()
    varies = np.ptp(outcome.log_spend) > 0
    explained = variance_explained(pd.DataFrame({"log_spend": outcome.log_spend}), codes)["log_spend"]
    return {
        "eta_squared": explained,
        "auc": float(np.nanmean(areas)) if not np.isnan(areas).all() else np.nan,
        "r_squared": float(1 - unexplained / total) if varies else np.nan,
    }


def _cross_fitted(codes: np.ndarray, values: np.ndarray, fold: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return for each customer the mean of the own group, and of all, among the other folds' customers."""
    groups, folds = codes.max() + 1, fold.max() + 1
    cell = codes * folds + fold
    count = np.bincount(cell, minlength=groups * folds).reshape(groups, folds)
    total = np.bincount(cell, weights=values, minlength=groups * folds).reshape(groups, folds)
    others = count.sum(axis=1, keepdims=True) - count
    others_total = total.sum(axis=1, keepdims=True) - total
    overall = others_total.sum(axis=0) / others.sum(axis=0)
    # A group that lives in one fold only is unknown to the others: its customers get what all have.
    mean = np.where(others > 0, others_total / np.maximum(others, 1), overall)
    return mean[codes, fold], overall[fold]


def _folds(bought: np.ndarray, folds: int, seed: int) -> np.ndarray:
    """Deal customers into folds at random, first those who bought not, then the buyers."""
    rng = np.random.default_rng([seed, 0])
    dealt = np.concatenate([rng.permutation(np.flatnonzero(bought == value)) for value in (0, 1)])
    fold = np.empty(len(bought), dtype="int64")
    fold[dealt] = np.arange(len(bought)) % folds
    return fold


def _segments(ids, codes, bought, spend, seed: int, resamples: int) -> pd.DataFrame:
    rows = []
    for code in sorted(range(len(ids)), key=lambda code: (ids[code] < 0, ids[code])):
        inside = codes == code
        customers, buyers = int(inside.sum()), int(bought[inside].sum())
        low, high = mean_interval(spend[inside], np.random.default_rng([seed, 2, code]), resamples)
        rate = (buyers / customers, *wilson(buyers, customers))
        rows.append((ids[code], customers, buyers, *rate, spend[inside].mean(), low, high))
    columns = ["segment", "customers", "bought", "rate", "rate_low", "rate_high"]
    return pd.DataFrame(rows, columns=[*columns, "spend", "spend_low", "spend_high"])


def mean_interval(values: np.ndarray, rng: np.random.Generator, resamples: int) -> tuple[float, float]:
    """Return the 95 % interval of the mean by the studentised bootstrap of its logarithm (Efron 1979; Hall 1992, ch. 3).

    Spend is skewed with many zeros: quantiles of resampled means cover the mean of 60 customers 86 times in 100, these 93 to 95 times
    (`bench/intervals.py`).

    Parameters
    ----------
    values : array of shape (n,)
    rng : Generator
    resamples : int
        Fewer, 200 at least, for segments above 20,000 customers.

    Returns
    -------
    low, high : float
        Both the mean where all values are equal.
    """
    n, mean = len(values), values.mean()
    spread = values.std(ddof=1) / np.sqrt(n) if n > 1 else 0.0
    if not mean > 0 or not spread > 0:
        return float(mean), float(mean)
    times = min(resamples, max(200, 20_000_000 // n))
    drawn = np.array([_mean_and_error(values[rng.integers(n, size=n)]) for _ in range(times)])
    drawn = drawn[(drawn > 0).all(axis=1)]
    # Of one buyer no sample shows less than they spent: its interval would end at the mean.
    if len(drawn) < times / 2 or np.count_nonzero(values) == 1:
        return 0.0, float(mean + 3 * spread)
    scores = (np.log(drawn[:, 0]) - np.log(mean)) / (drawn[:, 1] / drawn[:, 0])
    low, high = np.quantile(scores, [0.025, 0.975])
    return float(mean * np.exp(-high * spread / mean)), float(mean * np.exp(-low * spread / mean))


def _mean_and_error(values: np.ndarray) -> tuple[float, float]:
    return values.mean(), values.std(ddof=1) / np.sqrt(len(values))


def _checked(labels, bought, spend, features: pd.DataFrame):
    labels, bought, spend = np.asarray(labels), np.asarray(bought), np.asarray(spend, dtype="float64")
    lengths = {len(labels), len(bought), len(spend), len(features)}
    if len(lengths) != 1 or len(labels) < 2:
        raise ValueError(
            f"labels, bought, spend and features have {len(labels)}, {len(bought)}, {len(spend)} and {len(features)} rows, "
            "expected the same customers in each, at least 2"
        )
    if not np.isin(bought, (0, 1)).all():
        raise ValueError("bought has other values than 0 and 1, expected 1 for who bought")
    if not (np.isfinite(spend).all() and (spend >= 0).all()):
        raise ValueError(
            "spend has values below 0 or not finite, expected amounts of purchases, returns left out"
        )
    return labels, bought.astype("int64"), spend
