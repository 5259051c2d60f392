"""Statistics of the features of customers, for a look at them before clustering; frames in, frames out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

BINS = 30
SHARES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)  # quantiles that are listed


def describe(frame: pd.DataFrame) -> pd.DataFrame:
    """Describe the features of customers: one row a feature, columns as in `seg.preparation.explore.Looked.described`."""
    quantiles = frame.quantile(list(SHARES)).T
    quantiles.columns = [quantile_name(share) for share in SHARES]
    mean, std = frame.mean(), frame.std(ddof=0)
    table = pd.DataFrame(
        {
            "count": frame.count(),
            "min": frame.min(),
            "max": frame.max(),
            "range": frame.max() - frame.min(),
            "mean": mean,
            "median": frame.median(),
            "std": std,
            "variance": std**2,
            "variation": std / mean.where(mean != 0),
            "skewness": ((frame - mean) ** 3).mean() / std.where(std > 0) ** 3,
        }
    )
    return table.join(quantiles)


def alike(
    frame: pd.DataFrame, kept: Sequence[str], threshold: float = 0.8
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Find features that order customers nearly the same way.

    Parameters
    ----------
    frame : DataFrame of shape (n_customers, n_features)
    kept : sequence of str
        Features that are not proposed for dropping while the other of a pair can be.
    threshold : float
        Absolute Spearman correlation from which on a pair is listed.

    Returns
    -------
    correlations : DataFrame of shape (n_features, n_features)
    pairs : DataFrame
        ``first``, ``second``, ``spearman``, ``drop``: strongest pair first.
    """
    varied = frame.loc[:, frame.nunique() > 1]
    # The order of the customers, which differs between engines, moves the last digits, and with them what a tie drops.
    correlations = varied.rank().corr().round(9)
    rows, dropped = [], set()
    names = list(varied.columns)
    listed = [
        (abs(correlations.iat[i, j]), names[i], names[j], correlations.iat[i, j])
        for i in range(len(names))
        for j in range(i + 1, len(names))
        if abs(correlations.iat[i, j]) >= threshold
    ]
    others = correlations.abs().mean()
    for _, first, second, value in sorted(listed, reverse=True):
        if first in dropped or second in dropped:
            drop = first if first in dropped else second
        else:
            # The one that repeats more of the other features goes, but for those that are to be kept.
            drop = max((first, second), key=lambda name: (name not in kept, others[name], name))
            dropped.add(drop)
        rows.append((first, second, value, drop))
    return correlations, pd.DataFrame(rows, columns=["first", "second", "spearman", "drop"])


def lorenz(revenue: pd.Series, points: int = 100) -> tuple[pd.DataFrame, float]:
    """Compute the Lorenz curve of revenue, and its Gini coefficient.

    Returns
    -------
    curve : DataFrame
        ``share_of_customers`` (the smallest spenders first) and ``share_of_revenue``.
    gini : float
        0: everybody spends the same; 1: one customer spends everything.
    """
    values = np.sort(revenue.clip(lower=0).to_numpy(dtype="float64"))
    total = values.sum()
    if not total:
        return pd.DataFrame({"share_of_customers": [0.0, 1.0], "share_of_revenue": [0.0, 1.0]}), 0.0
    sums = np.concatenate([[0.0], np.cumsum(values)]) / total
    shares = np.arange(len(sums)) / len(values)
    at = np.linspace(0, 1, points + 1)
    gini = 1 - 2 * np.trapezoid(sums, shares)
    return pd.DataFrame({"share_of_customers": at, "share_of_revenue": np.interp(at, shares, sums)}), float(
        gini
    )


def histogram(values: pd.Series) -> pd.DataFrame:
    """Count customers by the value of a feature, between its 1st and 99th percentile: ``from``, ``to``, ``rows``."""
    low, high = values.quantile([0.01, 0.99])
    if low >= high:
        low, high = values.min(), max(values.max(), values.min() + 1)
    counts, edges = np.histogram(values, bins=BINS, range=(low, high))
    return pd.DataFrame({"from": edges[:-1], "to": edges[1:], "rows": counts})


def quantile_name(share: float) -> str:
    """Return the name of the column of a quantile, such as ``p25``."""
    return f"p{round(100 * share)}"
