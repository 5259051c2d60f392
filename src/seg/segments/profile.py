"""Describe each segment by its customers, in original units."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

NOISE = -1


def names(labels: np.ndarray) -> dict[int, str]:
    """Name the segments that are there; customers in no segment are noise."""
    return {int(label): "noise" if label == NOISE else f"segment {label}" for label in _in_order(labels)}


def profile(
    features: pd.DataFrame,
    labels: np.ndarray,
    named: Mapping[int, str],
    columns: Sequence[str],
    revenue: str | None = "revenue",
) -> pd.DataFrame:
    """Profile every segment.

    Parameters
    ----------
    features : DataFrame of shape (n_customers, n_columns)
        In original units.
    labels : ndarray of shape (n_customers,)
        Segment of each customer.
    named : mapping of int to str
        Name of each segment.
    columns : sequence of str
        Columns to describe.
    revenue : str, optional
        Column whose sum gives ``revenue_share``; NaN throughout where there is none.

    Returns
    -------
    DataFrame
        One row a segment, in order, noise last: segment, name, size, share, revenue_share, and for each column c mean_c,
        median_c and index_c (100 times the segment's mean over the mean of all customers; NaN where that mean is 0).
    """
    order = _in_order(labels)
    groups = features.groupby(labels)
    size = groups.size().reindex(order)
    table = pd.DataFrame({"segment": order, "name": [named[label] for label in order]})
    table["size"] = size.to_numpy()
    table["share"] = table["size"] / len(labels)
    table["revenue_share"] = _share(groups, features, revenue, order)
    means, medians = groups[list(columns)].mean().loc[order], groups[list(columns)].median().loc[order]
    overall = features[list(columns)].mean()
    index = 100 * means / overall.where(overall != 0)
    parts = {}
    for column in columns:
        parts[f"mean_{column}"] = means[column].to_numpy()
        parts[f"median_{column}"] = medians[column].to_numpy()
        parts[f"index_{column}"] = index[column].to_numpy()
    return pd.concat([table, pd.DataFrame(parts)], axis=1)


def _share(groups, features: pd.DataFrame, revenue: str | None, order: list[int]) -> np.ndarray:
    if revenue is None or revenue not in features.columns or features[revenue].sum() == 0:
        return np.full(len(order), np.nan)
    return (groups[revenue].sum() / features[revenue].sum()).loc[order].to_numpy()


def _in_order(labels: np.ndarray) -> list[int]:
    found = sorted(int(label) for label in np.unique(labels))
    return [label for label in found if label != NOISE] + [label for label in found if label == NOISE]
