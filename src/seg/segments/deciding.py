"""Why a customer is in a segment: how far from it and from the next one, and the two features that decided."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

CHUNK = 200_000  # customers at a time: distances to every segment take memory


def nearest(points: np.ndarray, labels: np.ndarray, centers: np.ndarray) -> pd.DataFrame:
    """Measure the distance of every customer to the own segment and to the nearest other one.

    Parameters
    ----------
    points : ndarray of shape (n_customers, n_dimensions)
        In the space that the model clusters in.
    labels : ndarray of shape (n_customers,)
        Segment of each customer, -1 for none.
    centers : ndarray of shape (n_segments, n_dimensions)
        Means of the segments.

    Returns
    -------
    DataFrame of shape (n_customers, 3)
        ``distance`` (NaN for noise), ``next_segment`` (-1 where there is no other) and ``next_distance`` (NaN there), Euclidean.
    """
    parts = [
        _nearest(points[start : start + CHUNK], labels[start : start + CHUNK], centers)
        for start in _starts(points)
    ]
    return pd.concat(parts, ignore_index=True)


def most_probable(probabilities: np.ndarray, labels: np.ndarray) -> pd.DataFrame:
    """Return the probability of the own segment and of the most probable other one.

    Parameters
    ----------
    probabilities : ndarray of shape (n_customers, n_segments)
    labels : ndarray of shape (n_customers,)

    Returns
    -------
    DataFrame of shape (n_customers, 3)
        ``probability``, ``next_segment`` (-1 where there is no other) and ``next_probability`` (NaN there).
    """
    rows = np.arange(len(labels))
    own = probabilities[rows, labels]
    if probabilities.shape[1] < 2:
        return pd.DataFrame({"probability": own, "next_segment": -1, "next_probability": np.nan})
    others = probabilities.copy()
    others[rows, labels] = -1.0
    following = others.argmax(axis=1)
    return pd.DataFrame(
        {"probability": own, "next_segment": following, "next_probability": others[rows, following]}
    )


def decided(X: np.ndarray, labels: np.ndarray, following: np.ndarray, features: Sequence[str]) -> pd.Series:
    """Return the two features that speak most for the own segment against the next one.

    A feature speaks for a segment by as much as it brings the customer nearer to the segment's mean than to that of the
    next one, in squared scaled units.

    Parameters
    ----------
    X : ndarray of shape (n_customers, n_features)
        Scaled features.
    labels, following : ndarray of shape (n_customers,)
        Own and next segment; -1 for none.
    features : sequence of str
        Columns of `X`.

    Returns
    -------
    Series of str
        Such as ``recency_days, orders``; empty where there is no segment or no next one.
    """
    segments = np.unique(labels[labels >= 0])
    means = np.full((segments.max(initial=0) + 1, X.shape[1]), np.nan)
    for segment in segments:
        means[segment] = X[labels == segment].mean(axis=0)
    has_both = (labels >= 0) & (following >= 0)
    pairs = _pairs(list(features))
    texts = np.full(len(labels), "", dtype=object)
    for start in _starts(X):
        rows = np.flatnonzero(has_both[start : start + CHUNK]) + start
        # Of two squared distances the difference is linear in the customer.
        own, other = means[labels[rows]], means[following[rows]]
        gain = 2 * X[rows] * (own - other) + other**2 - own**2
        best = gain.argmax(axis=1)
        at = np.arange(len(rows))
        gain[at, best] = -np.inf
        second = gain.argmax(axis=1)
        texts[rows] = pairs[best, second if X.shape[1] > 1 else best]
    return pd.Series(texts, name="decided_by", dtype="str")


def _pairs(features: list[str]) -> np.ndarray:
    pairs = np.empty((len(features), len(features)), dtype=object)
    for first, one in enumerate(features):
        for second, other in enumerate(features):
            pairs[first, second] = one if first == second else f"{one}, {other}"
    return pairs


def _nearest(points: np.ndarray, labels: np.ndarray, centers: np.ndarray) -> pd.DataFrame:
    squared = (
        (points**2).sum(axis=1)[:, None] - 2 * points @ centers.T + (centers**2).sum(axis=1)[None]
    ).clip(min=0)
    rows = np.arange(len(points))
    own = np.where(labels >= 0, labels, 0)
    distance = np.where(labels >= 0, np.sqrt(squared[rows, own]), np.nan)
    squared[rows[labels >= 0], labels[labels >= 0]] = np.inf
    following = squared.argmin(axis=1)
    away = np.sqrt(squared[rows, following])
    none = ~np.isfinite(away)
    return pd.DataFrame(
        {
            "distance": distance,
            "next_segment": np.where(none, -1, following),
            "next_distance": np.where(none, np.nan, away),
        }
    )


def _starts(points: np.ndarray) -> range:
    return range(0, max(len(points), 1), CHUNK)
