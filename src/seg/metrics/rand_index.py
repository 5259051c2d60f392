"""The adjusted Rand index of two labelings, from the counts of their pairs of labels."""

from __future__ import annotations

import numpy as np


def adjusted_rand(table: np.ndarray) -> float:
    """Return the adjusted Rand index (Hubert & Arabie 1985, doi 10.1007/BF01908075).

    Parameters
    ----------
    table : array of shape (n_labels, n_other_labels)
        Customers with each pair of labels.

    Returns
    -------
    float
        1 for the same partition, about 0 for independent ones.

    Examples
    --------
    >>> round(adjusted_rand(np.array([[2, 0, 0], [0, 1, 1]])), 4)
    0.5714
    """
    table = np.asarray(table, dtype="float64")
    together = _pairs(table)
    rows, columns = _pairs(table.sum(axis=1)), _pairs(table.sum(axis=0))
    expected, most = rows * columns / _pairs(table.sum()), (rows + columns) / 2
    # Both trivial (one segment, or every customer alone): the same partition.
    return 1.0 if most == expected else float((together - expected) / (most - expected))


def _pairs(counts: np.ndarray) -> float:
    return float((counts * (counts - 1) / 2).sum())
