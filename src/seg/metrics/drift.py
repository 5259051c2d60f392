"""How far a population has moved from the one that a model was made on: population stability index and means."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.special import chdtri

MODERATE, LARGE = 0.1, 0.25  # Siddiqi 2006, Credit Risk Scorecards, Wiley: rules of thumb, not tests
BINS = 10
MEANING = (
    "Population stability index (PSI) over deciles of the first day: below 0.1 stable, above 0.25 changed (Siddiqi 2006); an empty cell "
    "counts as half a customer; by_chance is what 95 of 100 samples of an unchanged population stay below. Shift: difference of the "
    "means in standard deviations of the first day."
)
EMPTY = 0.5  # customers that an empty cell counts as: the index of a cell with none would be infinite


def psi(reference: Sequence[float], current: Sequence[float]) -> float:
    """Compute the population stability index of two lists of counts over the same cells.

    The sum over cells of (q - p) ln(q / p), p and q the shares of the two; an empty cell counts as half a customer. It is the
    Jeffreys divergence of the two distributions: 0 when they are equal, the same in both directions.

    >>> round(psi([50, 50], [25, 75]), 4)  # -0.25 ln 0.5 + 0.25 ln 1.5
    0.2747
    """
    p, q = (np.asarray(counts, dtype="float64") for counts in (reference, current))
    if not p.sum() or not q.sum():
        return float("nan")
    p, q = (np.where(counts == 0, EMPTY, counts) / counts.sum() for counts in (p, q))
    return float(((q - p) * np.log(q / p)).sum())


def by_chance(reference: int, current: int, cells: int) -> float:
    """Return the index that 95 of 100 pairs of samples of one population stay below.

    Without any change it is about (1/n + 1/m) times a chi-square of one less than there are cells (Yurdakul 2018, Statistical
    properties of population stability index): of a hundred customers, 0.1 says nothing.

    Parameters
    ----------
    reference, current : int
        Customers of the two samples.
    cells : int
        Bins that the index is summed over.

    Returns
    -------
    float
        NaN for an empty sample, or a single cell.
    """
    if not reference or not current or cells < 2:
        return float("nan")
    return float((1 / reference + 1 / current) * chdtri(cells - 1, 0.05))


def verdict(index: float, chance: float = 0.0) -> str:
    """Put an index into a word: stable below 0.1, moved up to 0.25, changed beyond; unknown where `chance` alone reaches it."""
    if np.isnan(index) or MODERATE <= index <= chance:
        return "unknown"
    return "stable" if index < MODERATE else "moved" if index <= LARGE else "changed"


def drift(reference: pd.DataFrame, current: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """Measure for each feature how far it has moved.

    Parameters
    ----------
    reference, current : DataFrame
        Customers then and now, in original units.
    columns : sequence of str

    Returns
    -------
    DataFrame
        One row a feature: ``feature``, ``psi`` over deciles of `reference` (equal deciles are one cell, ``cells`` of them),
        ``verdict``, ``by_chance``, ``mean_reference``, ``mean_current`` and ``shift``: the difference of the means in standard
        deviations of `reference` (NaN where that is 0).
    """
    rows = []
    for name in columns:
        then, now = reference[name].to_numpy(), current[name].to_numpy()
        edges = np.unique(np.quantile(then, np.arange(1, BINS) / BINS))
        counts = [
            np.bincount(np.searchsorted(edges, values), minlength=len(edges) + 1) for values in (then, now)
        ]
        # The greatest values may all be the last edge: a cell that nobody can be in is none.
        counts = np.array(counts)[:, np.any(counts, axis=0)]
        index, deviation = psi(*counts), then.std()
        rows.append(
            {
                "feature": name,
                "psi": index,
                "verdict": verdict(index),
                "by_chance": by_chance(len(then), len(now), counts.shape[1]),
                "cells": counts.shape[1],
                "mean_reference": then.mean(),
                "mean_current": now.mean(),
                "shift": (now.mean() - then.mean()) / deviation if deviation > 0 else np.nan,
            }
        )
    return pd.DataFrame(rows)
