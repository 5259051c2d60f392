"""Agreement between segmentations: the adjusted Rand index of every pair of runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class Agreement:
    """Adjusted Rand indices.

    Parameters
    ----------
    index : ndarray of shape (runs, runs)
        NaN where two runs share fewer than two customers.
    shared : ndarray of shape (runs, runs), int
        Customers whom both runs segmented: what the index was computed on.
    """

    index: np.ndarray
    shared: np.ndarray


def agreement(assignments: Sequence[pd.Series]) -> Agreement:
    """Compare every pair of runs on the customers whom both segmented.

    Parameters
    ----------
    assignments : sequence of Series
        Segments by customer (index), each customer once; noise (-1) counts as a segment.
    """
    everyone = pd.Index([])
    for labels in assignments:
        everyone = labels.index if everyone.empty else everyone.union(labels.index, sort=False)
    # -1 is "not in this run" from here on, and segments count from 0.
    codes = [_codes(labels, everyone) for labels in assignments]
    n = len(codes)
    index, shared = np.full((n, n), np.nan), np.zeros((n, n), dtype=int)
    for one in range(n):
        for other in range(one, n):
            value, both = _pair(codes[one], codes[other])
            index[one, other] = index[other, one] = value
            shared[one, other] = shared[other, one] = both
    return Agreement(index, shared)


def adjusted_rand(a: np.ndarray, b: np.ndarray) -> float:
    """Return the adjusted Rand index of two labelings from 0 (Hubert and Arabie 1985), 1 for the same partition.

    scikit-learn's gives the same; this one counts in one pass, which matters for the thousands of pairs of a sweep.

    Examples
    --------
    >>> round(adjusted_rand(np.array([0, 0, 1, 1]), np.array([0, 0, 1, 2])), 4)
    0.5714
    """
    columns = int(b.max()) + 1
    table = np.bincount(a * columns + b, minlength=(int(a.max()) + 1) * columns).reshape(-1, columns)
    together = _pairs(table).sum()
    rows, cols = _pairs(table.sum(axis=1)).sum(), _pairs(table.sum(axis=0)).sum()
    expected = rows * cols / _pairs(np.array(len(a)))
    most = (rows + cols) / 2
    # Both trivial (one segment, or every customer alone): the same partition.
    return 1.0 if most == expected else float((together - expected) / (most - expected))


def _pair(a: np.ndarray, b: np.ndarray) -> tuple[float, int]:
    both = (a >= 0) & (b >= 0)
    count = int(both.sum())
    return (adjusted_rand(a[both], b[both]) if count > 1 else float("nan")), count


def _codes(labels: pd.Series, everyone: pd.Index) -> np.ndarray:
    codes = pd.Series(pd.factorize(labels.to_numpy())[0], index=labels.index)
    return (codes if labels.index.equals(everyone) else codes.reindex(everyone, fill_value=-1)).to_numpy()


def _pairs(counts: np.ndarray) -> np.ndarray:
    counts = np.asarray(counts, dtype=float)
    return counts * (counts - 1) / 2
