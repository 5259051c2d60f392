"""Agreement between segmentations: the adjusted Rand index of every pair of runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from seg.metrics.rand_index import adjusted_rand


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


def _pair(a: np.ndarray, b: np.ndarray) -> tuple[float, int]:
    both = (a >= 0) & (b >= 0)
    count = int(both.sum())
    if count < 2:
        return float("nan"), count
    # Counted in one pass, which matters for the thousands of pairs of a sweep; scikit-learn's index sorts first.
    a, b = a[both], b[both]
    columns = int(b.max()) + 1
    table = np.bincount(a * columns + b, minlength=(int(a.max()) + 1) * columns).reshape(-1, columns)
    return adjusted_rand(table), count


def _codes(labels: pd.Series, everyone: pd.Index) -> np.ndarray:
    codes = pd.Series(pd.factorize(labels.to_numpy())[0], index=labels.index)
    return (codes if labels.index.equals(everyone) else codes.reindex(everyone, fill_value=-1)).to_numpy()
