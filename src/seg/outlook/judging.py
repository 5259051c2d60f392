"""How good forecasts of customers are: discrimination, calibration and spend, with bootstrap intervals.

Arrays and frames in, tables out. Intervals are 95 % percentile intervals over customers drawn with replacement; every
forecast is judged on the same draws, so that differences are paired.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from seg.metrics.prediction import wilson

MODEL = "model"
HIGHER_IS_BETTER = {"auc": True, "brier": False, "spend_r2": True, "spend_mae": False}
WORDS = {
    "auc": "AUC",
    "brier": "Brier score",
    "spend_r2": "R squared of spend",
    "spend_mae": "mean absolute error of spend",
}
DRAWS, LEVEL = 200, 0.95


@dataclass(frozen=True)
class Judgement:
    """Forecasts of one horizon beside what came.

    Parameters
    ----------
    scores : DataFrame
        One row a forecast, the model first: ``name``, and each of ``auc`` (0.5 is chance), ``brier`` (mean squared error of
        the probability), ``spend_r2``, ``spend_mae`` (currency) with ``_low`` and ``_high``; ``mean_probability`` and
        ``spend_ratio`` (expected spend of all, divided by what they spent).
    differences : DataFrame
        One row a yardstick and metric: ``yardstick``, ``metric``, ``gain`` (above 0: the model is better) with ``low``, ``high``
        and ``better`` (the interval lies above 0).
    calibration : DataFrame
        Tenths of the model's probability: ``customers``, ``predicted``, ``observed`` with ``low``, ``high`` (Wilson).
    rate : float
        Share of the customers who bought.
    """

    scores: pd.DataFrame
    differences: pd.DataFrame
    calibration: pd.DataFrame
    rate: float

    @property
    def calibration_error(self) -> float:
        """Mean distance of predicted and observed rate over the tenths (expected calibration error)."""
        table = self.calibration
        gap = (table["predicted"] - table["observed"]).abs()
        return float((gap * table["customers"]).sum() / table["customers"].sum())

    @property
    def not_better(self) -> list[str]:
        """Sentences on where the model is no better than a yardstick."""
        rows = self.differences[~self.differences["better"]]
        return [
            f"{WORDS[metric]}: no better than {', '.join(group['yardstick'])}"
            for metric, group in rows.groupby("metric", sort=False)
        ]


def judge(
    forecasts: Mapping[str, pd.DataFrame], spend: np.ndarray, seed: int = 0, draws: int = DRAWS
) -> Judgement:
    """Judge forecasts by what the customers spent.

    Parameters
    ----------
    forecasts : mapping of str to DataFrame
        ``probability`` and ``spend`` of each customer; `MODEL` is among them.
    spend : array of shape (n_customers,)
        What came, in the currency; above 0 for who bought.
    seed : int
    draws : int
        Bootstrap samples.

    Returns
    -------
    Judgement
        ``auc`` and its intervals are NaN where all customers bought, or none; ``spend_r2`` where all spent the same.
    """
    spend = np.asarray(spend, dtype="float64")
    names = [MODEL, *(name for name in forecasts if name != MODEL)]
    rng = np.random.default_rng(seed)
    weights = [np.ones(len(spend)), *(_draw(rng, len(spend)) for _ in range(draws))]
    values = np.array([_metrics(forecasts[name], spend, weights) for name in names])  # forecast, draw, metric
    tail = (1 - LEVEL) / 2 * 100
    rows, differences = [], []
    for place, name in enumerate(names):
        row = {"name": name}
        for column, metric in enumerate(HIGHER_IS_BETTER):
            low, high = np.percentile(values[place, 1:, column], [tail, 100 - tail])
            row |= {metric: values[place, 0, column], f"{metric}_low": low, f"{metric}_high": high}
            if place:
                sign = 1 if HIGHER_IS_BETTER[metric] else -1
                gains = sign * (values[0, :, column] - values[place, :, column])
                low, high = np.percentile(gains[1:], [tail, 100 - tail])
                differences.append((name, metric, gains[0], low, high, bool(low > 0)))
        total = spend.sum()
        row["mean_probability"] = float(forecasts[name]["probability"].mean())
        row["spend_ratio"] = float(forecasts[name]["spend"].sum() / total) if total else np.nan
        rows.append(row)
    return Judgement(
        pd.DataFrame(rows),
        pd.DataFrame(differences, columns=["yardstick", "metric", "gain", "low", "high", "better"]),
        calibration_table(forecasts[MODEL]["probability"].to_numpy(), spend > 0),
        float((spend > 0).mean()),
    )


def calibration_table(probability: np.ndarray, bought: np.ndarray, bins: int = 10) -> pd.DataFrame:
    """Compare predicted and observed rates in groups of equally many customers.

    Parameters
    ----------
    probability : array of shape (n_customers,)
    bought : array of shape (n_customers,)
    bins : int
        Number of groups; customers of equal probability are never parted, so there may be fewer.
    """
    borders = np.unique(np.quantile(probability, np.arange(1, bins) / bins))
    group = np.searchsorted(borders, probability, side="left")
    rows = []
    for one in np.unique(group):
        inside = group == one
        low, high = wilson(int(bought[inside].sum()), int(inside.sum()))
        rows.append((int(inside.sum()), probability[inside].mean(), bought[inside].mean(), low, high))
    return pd.DataFrame(rows, columns=["customers", "predicted", "observed", "low", "high"])


def _draw(rng: np.random.Generator, n: int) -> np.ndarray:
    return np.bincount(rng.integers(n, size=n), minlength=n).astype("float64")


def _metrics(forecast: pd.DataFrame, spend: np.ndarray, weights: list[np.ndarray]) -> list[list[float]]:
    """Return each metric under each weighting of the customers."""
    probability, expected = forecast["probability"].to_numpy(), forecast["spend"].to_numpy()
    bought = spend > 0
    # One sort serves all draws: ties of the probability share a place.
    _values, place = np.unique(probability, return_inverse=True)
    square, miss, error = (probability - bought) ** 2, np.abs(expected - spend), (expected - spend) ** 2
    return [
        [
            _auc(place, bought, weight),
            float(np.average(square, weights=weight)),
            _r2(error, spend, weight),
            float(np.average(miss, weights=weight)),
        ]
        for weight in weights
    ]


def _auc(place: np.ndarray, bought: np.ndarray, weight: np.ndarray) -> float:
    buyers = np.bincount(place, weights=weight * bought)
    others = np.bincount(place, weights=weight * ~bought)
    pairs = buyers.sum() * others.sum()
    return float((buyers * (np.cumsum(others) - others / 2)).sum() / pairs) if pairs else np.nan


def _r2(error: np.ndarray, spend: np.ndarray, weight: np.ndarray) -> float:
    mean = np.average(spend, weights=weight)
    total = np.average((spend - mean) ** 2, weights=weight)
    return float(1 - np.average(error, weights=weight) / total) if total > 0 else np.nan
