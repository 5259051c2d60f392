"""How long customers have waited since their last order, against the gap that is usual between two of their orders.

A customer of a café who has not come for a month is lost; one of a furniture shop is not. The usual gap of a customer is the mean
gap between the customer's own orders, drawn towards that of all customers as if by one more gap (with one order it is theirs). The gap of
all customers is the time that they have been known, divided by the orders after the first: unlike the mean of gaps that are over, it
counts those that still last.
"""

from __future__ import annotations

import pandas as pd

RECENCY = ("recency_days", "elapsed_days")
KNOWN = ("tenure_days", "span_days")  # one of them


def is_known(columns: set[str]) -> bool:
    """Return True if a table with these columns has what `waited` needs."""
    return (
        {"orders"} <= columns
        and any(one in columns for one in RECENCY)
        and any(one in columns for one in KNOWN)
    )


def gap_of_all(frame: pd.DataFrame) -> float:
    """Return the usual gap of all customers in days; infinite where nobody has ordered twice.

    Parameters
    ----------
    frame : DataFrame of shape (n_customers, n_features)
        ``orders``, and those of `RECENCY` and `KNOWN`.
    """
    recency, span = _recency_and_span(frame)
    repeated = (frame["orders"] - 1).clip(lower=0).sum()
    return float((recency + span).sum() / repeated) if repeated > 0 else float("inf")


def waited(frame: pd.DataFrame) -> pd.Series:
    """Return the days since the last order, in usual gaps.

    Parameters
    ----------
    frame : DataFrame of shape (n_customers, n_features)
        ``orders``, and those of `RECENCY` and `KNOWN`.

    Returns
    -------
    Series of shape (n_customers,)
        0 where nobody has ordered twice, so that no gap is known.

    >>> known = pd.DataFrame({"orders": [5, 1, 1], "recency_days": [20, 20, 200], "tenure_days": [60, 20, 200]})
    >>> gap_of_all(known), waited(known).tolist()
    (70.0, [0.9090909090909091, 0.2857142857142857, 2.857142857142857])
    """
    gaps = usual(frame)
    return _recency_and_span(frame)[0] / gaps.where(gaps > 0, 1.0)


def usual(frame: pd.DataFrame) -> pd.Series:
    """Return the usual gap of every customer in days; infinite where nobody has ordered twice.

    Parameters
    ----------
    frame : DataFrame of shape (n_customers, n_features)
        ``orders``, and those of `RECENCY` and `KNOWN`.
    """
    _recency, span = _recency_and_span(frame)
    return (span + gap_of_all(frame)) / ((frame["orders"] - 1).clip(lower=0) + 1)


def _recency_and_span(frame: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    recency = frame[next(one for one in RECENCY if one in frame)].astype("float64")
    if "span_days" in frame:
        return recency, frame["span_days"].astype("float64")
    return recency, (frame["tenure_days"].astype("float64") - recency).clip(lower=0.0)
