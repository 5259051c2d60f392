"""The common space: one neutral space of recency, orders and revenue in which every run is scored."""

import numpy as np
import pandas as pd
from scipy.special import ndtri
from scipy.stats import rankdata


def rank_normal(frame: pd.DataFrame) -> np.ndarray:
    """Map every column to normal scores of its ranks, with unit variance.

    Ranks do not know units, logs or outliers, so no scaler or transform of a run is favoured by this space.

    Parameters
    ----------
    frame : DataFrame of shape (n, d)
        Numeric columns, one row a customer. Infinite values are allowed: only their rank counts.

    Returns
    -------
    ndarray of shape (n, d), float64
        ``ndtri((rank - 0.5) / n)`` divided by its standard deviation (ddof 0). Equal values share their
        average rank, so a column of many ties (orders: most customers have one) is not centred on 0;
        distances do not depend on that. A constant column is all zeros.

    Raises
    ------
    ValueError
        No rows, a column that is not numeric, or one with missing values; the message names the column.

    References
    ----------
    Beasley, Erickson and Allison (2009), "Rank-based inverse normal transformations are increasingly used,
    but are they merited?", Behavior Genetics 39. The offset 0.5 is Hazen's.

    Examples
    --------
    >>> rank_normal(pd.DataFrame({"orders": [1, 1, 5], "country": [7, 7, 7]})).round(3)
    array([[-0.654,  0.   ],
           [-0.654,  0.   ],
           [ 1.468,  0.   ]])
    """
    if not len(frame):
        raise ValueError("the frame has no rows, expected one row a customer")
    scores = np.empty(frame.shape)
    for position, (name, column) in enumerate(frame.items()):
        values = _complete(name, column)
        normal = ndtri((rankdata(values) - 0.5) / len(values))
        deviation = normal.std()
        scores[:, position] = normal / deviation if deviation > 0 else 0.0
    return scores


def numbers(name: object, column: pd.Series) -> np.ndarray:
    """Return a column as float64 with NaN where it is missing; ValueError naming one that is not numeric."""
    try:
        return column.to_numpy(dtype=float, na_value=np.nan)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"column {name!r} has dtype {column.dtype}, expected numbers: leave it out"
        ) from error


def _complete(name: object, column: pd.Series) -> np.ndarray:
    values = numbers(name, column)
    missing = int(np.isnan(values).sum())
    if missing:
        raise ValueError(
            f"column {name!r} has {missing} missing values of {len(values)}, expected none: "
            "fill them or leave the column out of the common space"
        )
    return values
