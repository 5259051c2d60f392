"""All customers on Spark as some ten thousand weighted points: the mean of each cell of a grid, and how many customers it has."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from seg.models.mllib.lloyd_passes import Stand

SHARED = 0.4  # cells for each point of a sample, at most: all customers then occupy only a few times as many
HALVINGS = 24  # of the width of a cell, in steps of the square root of 2
COARSE = 0.05  # share of the variance that may lie within cells; with more, a sample says more than cells do
N, MEAN, CELL = "n", "mean", "cell"


def weighted_cells(
    frame, column: str, sample: np.ndarray, collect: Callable[[object], pd.DataFrame]
) -> Stand:
    """Count all customers by cell.

    Parameters
    ----------
    frame : pyspark.sql.DataFrame
        One row a customer.
    column : str
        Its column of scaled features, an array.
    sample : ndarray of shape (n_sampled, n_features)
        Scaled features of some customers, by which the grid is chosen.
    collect : callable
        From a DataFrame of Spark to one of pandas.

    Returns
    -------
    Stand
        Means of the cells in the order of the grid, and their customers; the sample where so many features are no matter for a grid.
    """
    width = cell_width(sample)
    if width is None:
        return Stand(sample, np.ones(len(sample)))
    from pyspark.sql import functions as F

    features = range(sample.shape[1])
    values = [F.col(column)[place] for place in features]
    cells = [F.floor(value / F.lit(width)).alias(f"{CELL}_{place}") for place, value in enumerate(values)]
    means = [F.avg(value).alias(f"{MEAN}_{place}") for place, value in enumerate(values)]
    counted = collect(frame.groupBy(*cells).agg(F.count(F.lit(1)).alias(N), *means))
    counted = counted.sort_values([f"{CELL}_{place}" for place in features], ignore_index=True)
    points = counted[[f"{MEAN}_{place}" for place in features]].to_numpy(dtype="float64")
    return Stand(points, counted[N].to_numpy(dtype="float64"))


def cell_width(sample: np.ndarray) -> float | None:
    """Return the width of the finest cells that the points of a sample share; None where these are too coarse."""
    reach = float(np.ptp(sample, axis=0).max())
    variance = float(sample.var(axis=0).sum())
    if not reach > 0:
        return None
    widths = reach / np.sqrt(2.0) ** np.arange(HALVINGS)
    fine = None
    for width in widths:
        _, cell, counts = _occupied(sample, width)
        if len(counts) > SHARED * len(sample):
            break
        fine = float(width), _within(sample, cell, counts)
    return fine[0] if fine is not None and fine[1] <= COARSE * variance else None


def _occupied(sample: np.ndarray, width: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    cells, cell, counts = np.unique(np.floor(sample / width), axis=0, return_inverse=True, return_counts=True)
    return cells, cell.ravel(), counts


def _within(sample: np.ndarray, cell: np.ndarray, counts: np.ndarray) -> float:
    """Return the variance within cells, summed over features."""
    means = np.column_stack([np.bincount(cell, weights=column) / counts for column in sample.T])
    return float(((sample - means[cell]) ** 2).sum() / len(sample))
