"""How far the features of scored customers have moved from training, counted batch by batch."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from seg.metrics import drift


def cells(frame: pd.DataFrame) -> dict[str, dict[str, list]]:
    """Count the customers of training between the deciles of each feature; equal deciles are one.

    >>> cells(pd.DataFrame({"orders": [1, 1, 1, 5]}))["orders"]
    {'edges': [1.0, 1.4, 2.6, 3.8], 'counts': [3, 0, 0, 0, 1]}
    """
    by_feature = {}
    for name in frame:
        values = frame[name].to_numpy(dtype="float64")
        edges = np.unique(np.round(np.quantile(values, np.arange(1, drift.BINS) / drift.BINS), 12))
        by_feature[name] = {"edges": edges.tolist(), "counts": _counts(values, edges).astype(int).tolist()}
    return by_feature


class FeatureShift:
    """Counts of each feature in the cells of training.

    Parameters
    ----------
    trained : mapping
        As `cells` returns it.
    """

    def __init__(self, trained: Mapping[str, Mapping[str, list]]):
        self._edges = {name: np.asarray(one["edges"], dtype="float64") for name, one in trained.items()}
        self._then = {name: np.asarray(one["counts"], dtype="float64") for name, one in trained.items()}
        self._now = {name: np.zeros(len(counts)) for name, counts in self._then.items()}

    def add(self, frame: pd.DataFrame) -> None:
        """Count a batch of customers; missing values are left out."""
        for name, edges in self._edges.items():
            values = frame[name].to_numpy(dtype="float64")
            self._now[name] += _counts(values[np.isfinite(values)], edges)

    def table(self) -> pd.DataFrame:
        """Return one row a feature: ``feature``, population stability index ``psi``, ``by_chance`` and ``verdict``."""
        rows = []
        for name, now in self._now.items():
            then = self._then[name]
            used = (then > 0) | (now > 0)
            index = drift.psi(then[used], now[used])
            chance = drift.by_chance(int(then.sum()), int(now.sum()), int(used.sum()))
            rows.append((name, index, chance, drift.verdict(index, chance)))
        return pd.DataFrame(rows, columns=["feature", "psi", "by_chance", "verdict"])


def _counts(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    return np.bincount(np.searchsorted(edges, values), minlength=len(edges) + 1)
