"""Rule-based RFM: scores from 1 to 5 for recency, frequency and money, and eleven rules that name a customer by them.

The rules are those of a published study of reviews (Amazon Electronics), the first that fits; every one of the 125
combinations of scores gets exactly one name.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from seg.metrics.prediction import tiles

ANY = (1, 5)
# Name, then the lowest and the highest score of recency, frequency, money.
RULES = (
    ("Champions", (4, 5), (4, 5), (4, 5)),
    ("Loyal Customers", (3, 5), (4, 5), (3, 5)),
    ("Potential Loyalists", (4, 5), (2, 5), (2, 5)),
    ("New Customers", (5, 5), (1, 2), (1, 2)),
    ("Promising", (4, 5), (1, 2), (1, 2)),
    ("About to Sleep", (1, 2), (1, 2), (3, 5)),
    ("Hibernating", (1, 2), (1, 2), (1, 2)),
    ("Can't Lose Them", (1, 2), (4, 5), (4, 5)),
    ("At Risk", (1, 2), (3, 5), (3, 5)),
    ("Needs Attention", (1, 3), (1, 3), (1, 3)),
    ("Lost", ANY, ANY, ANY),
)


def rfm(recency_days: pd.Series, orders: pd.Series, revenue: pd.Series) -> pd.DataFrame:
    """Score and name customers by rules.

    Parameters
    ----------
    recency_days, orders, revenue : Series of shape (n_customers,)
        In original units, one index.

    Returns
    -------
    DataFrame of shape (n_customers, 4)
        ``r``, ``f``, ``m`` from 1 to 5, and ``name``. 5 is good: ordered lately, often, for much.

    Notes
    -----
    Equal values get equal scores: a score is 1 plus five times the share of customers who are worse, rounded down
    (for recency: whose last order is longer ago). The study splits equal customers by ``ntile``, so that two customers
    of one order each get different frequency scores. Here they do not, and where most customers have one order, all
    of them have f = 1 and f = 2 may be nobody's.

    Examples
    --------
    >>> days, times, money = pd.Series([2, 9, 30, 80, 300]), pd.Series([9, 1, 4, 1, 1]), pd.Series([900, 15, 80, 200, 10])
    >>> rfm(days, times, money)
       r  f  m             name
    0  5  5  5        Champions
    1  4  1  2        Promising
    2  3  4  3  Loyal Customers
    3  2  1  4   About to Sleep
    4  1  1  1      Hibernating
    """
    scores = pd.DataFrame(
        {
            "r": tiles(-recency_days.to_numpy(dtype="float64"), 5),
            "f": tiles(orders.to_numpy(), 5),
            "m": tiles(revenue.to_numpy(), 5),
        },
        index=recency_days.index,
    )
    return scores.assign(name=name(scores["r"], scores["f"], scores["m"]))


def name(r, f, m) -> np.ndarray:
    """Name customers by their scores: the first of `RULES` that fits.

    Parameters
    ----------
    r, f, m : array of int of shape (n_customers,)
        From 1 to 5.
    """
    scores = [np.asarray(score) for score in (r, f, m)]
    for letter, score in zip("rfm", scores, strict=True):
        wrong = ~np.isin(score, (1, 2, 3, 4, 5))
        if wrong.any():
            raise ValueError(f"{letter} has the score {score[wrong][0]}, expected whole numbers from 1 to 5")
    fits = [
        np.logical_and.reduce(
            [(low <= score) & (score <= high) for score, (low, high) in zip(scores, bounds, strict=True)]
        )
        for _name, *bounds in RULES
    ]
    return np.select(fits, [rule[0] for rule in RULES], default="")
