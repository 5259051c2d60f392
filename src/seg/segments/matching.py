"""Segments of two models of the same customers: which is which, so that names outlive a refit."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment

NOISE = -1


def overlap(old: np.ndarray, new: np.ndarray) -> pd.DataFrame:
    """Count customers by the segment that each of two models gives them: rows the old one's, columns the new one's."""
    table = pd.crosstab(pd.Series(old, name="old"), pd.Series(new, name="new"))
    return table.sort_index().sort_index(axis=1)


def match(counts: pd.DataFrame) -> dict[int, int]:
    """Match new segments to old ones so that most customers keep theirs (Hungarian method, Kuhn 1955).

    Parameters
    ----------
    counts : DataFrame
        As `overlap` gives it. Noise (-1) is no segment: it is matched with noise alone.

    Returns
    -------
    dict of int to int
        Old segment of each new one that has one. Where there are more new segments than old ones, those that would add
        least are left over; a pair without a customer in common is none.
    """
    rows = [segment for segment in counts.index if segment != NOISE]
    columns = [segment for segment in counts.columns if segment != NOISE]
    shared = counts.loc[rows, columns].to_numpy()
    matched = {
        int(columns[column]): int(rows[row])
        for row, column in zip(*linear_sum_assignment(shared, maximize=True), strict=True)
        if shared[row, column] > 0
    }
    return matched | ({NOISE: NOISE} if NOISE in counts.columns else {})


def named_after(matched: Mapping[int, int], new: list[int], names: Mapping[int, str]) -> dict[int, str]:
    """Return the names of new segments after the old ones they are matched to; one without is new, by its own number.

    Parameters
    ----------
    matched : mapping of int to int
        From new segments to old ones.
    new : list of int
        All new segments.
    names : mapping of int to str
        Of the old segments.

    Returns
    -------
    dict of int to str
    """
    kept = {names[old] for old in matched.values() if old in names}
    fresh = {}
    for segment in new:
        if segment in matched:
            fresh[segment] = names.get(
                matched[segment], "noise" if segment == NOISE else f"segment {matched[segment]}"
            )
            continue
        name = f"new segment {segment}"
        while name in kept:
            name += "'"
        fresh[segment] = name
        kept.add(name)
    return fresh
