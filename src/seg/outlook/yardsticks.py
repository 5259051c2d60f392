"""What a model is held against: simple forecasts that need no learning machine.

Each gives a probability to buy and a spend. Rates and means come from the training cuts, as the model's do.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from seg.outlook.snapshots import PREVIOUS, Snapshot

CELLS = 5  # scores of recency, orders and revenue each
PRIOR = 10  # customers of average behaviour that are added to each group: small groups stay near the average


def same_as_last_period(training: Sequence[Snapshot], judged: Snapshot, horizon: int) -> pd.DataFrame:
    """Forecast the spend of the last period again; the probability is that of customers who did, or did not, buy in it.

    Parameters
    ----------
    training : sequence of Snapshot
        Earlier cuts with their outcomes.
    judged : Snapshot
        Customers to forecast.
    horizon : int
        Length of the period in days.

    Returns
    -------
    DataFrame
        ``probability`` and ``spend``, one row a customer of `judged`.
    """
    means = group_means(
        training, judged, horizon, lambda one: (one.features[PREVIOUS.format(horizon)] > 0).to_numpy()
    )
    return means.assign(spend=judged.features[PREVIOUS.format(horizon)])


def rfm_cells(training: Sequence[Snapshot], judged: Snapshot, horizon: int) -> pd.DataFrame:
    """Forecast the mean of the customer's RFM cell: fifths of recency, orders and revenue, 125 cells at most.

    Parameters
    ----------
    training : sequence of Snapshot
        Past days whose outcome is known.
    judged : Snapshot
        The day whose customers are forecast.
    horizon : int
        Days ahead.

    Returns
    -------
    DataFrame
        As of `same_as_last_period`.
    """
    names = ["recency_days", "orders", "revenue"]
    pooled = pd.concat([one.features[names] for one in training])
    borders = {name: np.unique(pooled[name].quantile(np.arange(1, CELLS) / CELLS)) for name in names}

    def cells(one: Snapshot) -> np.ndarray:
        scores = [np.searchsorted(borders[name], one.features[name], side="left") for name in names]
        return scores[0] * CELLS**2 + scores[1] * CELLS + scores[2]

    return group_means(training, judged, horizon, cells)


def segments_alone(training: Sequence[Snapshot], judged: Snapshot, horizon: int) -> pd.DataFrame:
    """Forecast the mean of the customer's segment.

    Parameters
    ----------
    training : sequence of Snapshot
        Past days whose outcome is known.
    judged : Snapshot
        The day whose customers are forecast.
    horizon : int
        Days ahead.

    Returns
    -------
    DataFrame
        As of `same_as_last_period`.
    """
    return group_means(training, judged, horizon, lambda one: one.segments.to_numpy())


def group_means(
    training: Sequence[Snapshot], judged: Snapshot, horizon: int, groups: Callable[[Snapshot], np.ndarray]
) -> pd.DataFrame:
    """Forecast the mean of a group of customers on the training cuts, drawn to the mean of all by `PRIOR` customers.

    Parameters
    ----------
    training : sequence of Snapshot
    judged : Snapshot
    horizon : int
    groups : callable
        From a snapshot to the group of each customer.
    """
    spend = np.concatenate([one.spend[horizon].to_numpy() for one in training])
    known = pd.DataFrame(
        {
            "group": np.concatenate([groups(one) for one in training]),
            "probability": (spend > 0).astype("float64"),
            "spend": spend,
        }
    )
    overall = known[["probability", "spend"]].mean()
    grouped = known.groupby("group")[["probability", "spend"]]
    means = (grouped.sum() + PRIOR * overall).div(grouped.size() + PRIOR, axis=0)
    forecast = means.reindex(groups(judged)).fillna(overall)
    return forecast.set_axis(judged.features.index)


YARDSTICKS: dict[str, Callable[[Sequence[Snapshot], Snapshot, int], pd.DataFrame]] = {
    "same as last period": same_as_last_period,
    "RFM cells": rfm_cells,
    "segments alone": segments_alone,
}
