"""What segments are ordered by: the column that says what a customer is worth."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from seg.errors import SegError

WORDS = {"revenue": "revenue", "net_revenue": "net revenue"}


def column(frame: pd.DataFrame, features: Sequence[str], value: str | None = None) -> str | None:
    """Return the column that says what a customer is worth; None where there is none.

    Parameters
    ----------
    frame : DataFrame of shape (n_customers, n_columns)
    features : sequence of str
        Columns that are clustered on: with ``net_revenue`` and without ``revenue`` among them, net revenue is the value.
    value : str, optional
        ``dataset.value``.

    Raises
    ------
    SegError
        No customer has a value above 0.
    """
    if value is None:
        if "net_revenue" in features and "revenue" not in features:
            return "net_revenue"
        return "revenue" if "revenue" in frame else None
    if not (frame[value] > 0).any():
        raise SegError(
            f"dataset.value={value}: no customer has a value above 0 (the largest is {frame[value].max():g}), so segments cannot be ordered "
            "by it; choose another column, or null"
        )
    return value


def words(segments: pd.DataFrame) -> str:
    """Return what ``revenue_share`` is a share of, for people."""
    value = segments.attrs.get("value") or "revenue"
    return WORDS.get(value, value)


def stake_days(horizons: Sequence[int]) -> int | None:
    """Return the horizon that value at stake is counted over: the one nearest to a quarter of a year; None without one.

    >>> stake_days([30, 90, 180])
    90
    """
    return min(horizons, key=lambda days: abs(days - 90)) if horizons else None
