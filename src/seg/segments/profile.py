"""Describe each segment by its customers, in original units."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

NOISE = -1


def names(labels: np.ndarray) -> dict[int, str]:
    """Return a default name for each segment; customers in no segment are noise."""
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
    sums = None
    if revenue is not None and revenue in features.columns:
        sums = groups[revenue].sum().loc[order]
    of_all = groups[list(columns)]
    return described(
        named, groups.size().loc[order], sums, of_all.mean().loc[order], of_all.median().loc[order],
        features[list(columns)].mean(),
    )  # fmt: skip


def described(
    named: Mapping[int, str],
    sizes: pd.Series,
    revenue: pd.Series | None,
    means: pd.DataFrame,
    medians: pd.DataFrame,
    overall: pd.Series,
) -> pd.DataFrame:
    """Put together the profile of segments whose numbers are known already.

    Parameters
    ----------
    named : mapping of int to str
    sizes, revenue : Series, index segment
        Customers, and the sum of their revenue (None where there is none).
    means, medians : DataFrame, index segment
        One column a feature.
    overall : Series
        Mean of all customers, by feature.

    Returns
    -------
    DataFrame
        See `profile`.
    """
    index = 100 * means / overall.where(overall != 0)
    known = revenue is not None and revenue.sum() > 0
    table = pd.DataFrame({"segment": sizes.index, "name": [named[label] for label in sizes.index]})
    table["size"] = sizes.to_numpy()
    table["share"] = table["size"] / table["size"].sum()
    table["revenue_share"] = (revenue / revenue.sum()).to_numpy() if known else np.nan
    parts = {}
    for column in means:
        parts[f"mean_{column}"] = means[column].to_numpy()
        parts[f"median_{column}"] = medians[column].to_numpy()
        parts[f"index_{column}"] = index[column].to_numpy()
    return pd.concat([table, pd.DataFrame(parts)], axis=1)


def _in_order(labels: np.ndarray) -> list[int]:
    segments = sorted(int(label) for label in np.unique(labels))
    return [label for label in segments if label != NOISE] + [label for label in segments if label == NOISE]
