"""What to do with an outlook: the value at stake in each segment, and the tests of actions that its size allows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from scipy.optimize import brentq
from scipy.stats import norm

SIGNIFICANCE, POWER = 0.05, 0.8
LIFTS = (0.01, 0.02, 0.05)  # differences of the rate that a test may have to show
ANYWAY = 0.7  # from here on a customer is likely to return without being asked


def value_at_stake(scores: pd.DataFrame, names: Mapping[int, str], days: int) -> pd.DataFrame:
    """Sum what each segment is expected to spend, and what is at stake.

    The value at stake of a customer is what the customer spends in `days` days at the rate so far, times the probability
    of no purchase in these days.

    Parameters
    ----------
    scores : DataFrame
        ``segment``, ``usual_spend``, ``probability_<days>``, ``spend_<days>``, ``probability_lost``, one row a customer.
    names : mapping of int to str
        Of the segments.
    days : int
        Length of the period; one of the horizons.

    Returns
    -------
    DataFrame
        One row a segment: ``segment``, ``name``, ``customers``, ``purchase_rate`` (expected), ``lost_rate`` (expected),
        ``expected_spend``, ``usual_spend``, ``value_at_stake`` (sums, in the currency), ``likely_anyway`` (customers who buy
        with a probability of at least `ANYWAY`: a voucher is wasted on most of them).
    """
    probability = scores[f"probability_{days}"]
    table = pd.DataFrame(
        {
            "segment": scores["segment"],
            "customers": 1,
            "purchase_rate": probability,
            "lost_rate": scores["probability_lost"],
            "expected_spend": scores[f"spend_{days}"],
            "usual_spend": scores["usual_spend"],
            "value_at_stake": scores["usual_spend"] * (1 - probability),
            "likely_anyway": (probability >= ANYWAY).astype("int64"),
        }
    )
    rules = dict.fromkeys(table.columns[1:], "sum") | dict.fromkeys(["purchase_rate", "lost_rate"], "mean")
    stakes = table.groupby("segment", as_index=False).agg(rules)
    stakes.insert(1, "name", [names.get(int(one), f"segment {one}") for one in stakes["segment"]])
    return stakes.sort_values("segment", key=lambda one: one.where(one >= 0, np.inf), ignore_index=True)


def ab_test_sizes(stakes: pd.DataFrame, lifts: Sequence[float] = LIFTS) -> pd.DataFrame:
    """Work out what an A/B test in each segment can show: half of the customers get the action, half do not.

    Parameters
    ----------
    stakes : DataFrame
        ``name``, ``customers``, ``purchase_rate`` of each segment, see `value_at_stake`.
    lifts : sequence of float
        Differences of the purchase rate, as shares of 1.

    Returns
    -------
    DataFrame
        One row a segment: ``name``, ``customers``, ``purchase_rate``, ``smallest_lift`` (difference of the rate that is found with
        80 % power at 5 % significance, two-sided; missing where no difference can be), and for each lift ``needed_for_1_points``:
        customers in both halves together.
    """
    rows = []
    for row in stakes.itertuples():
        sizes = {
            f"needed_for_{lift * 100:g}_points": customers_needed(row.purchase_rate, lift) for lift in lifts
        }
        smallest = smallest_lift(row.purchase_rate, int(row.customers) // 2)
        rows.append(
            {
                "name": row.name,
                "customers": row.customers,
                "purchase_rate": row.purchase_rate,
                "smallest_lift": smallest,
            }
            | sizes
        )
    return pd.DataFrame(rows)


def by_action(
    tests: pd.DataFrame, stakes: pd.DataFrame, actions: Mapping[int, Sequence[str]]
) -> pd.DataFrame:
    """Put the actions of each segment beside what a test of them can show: one row an action.

    Parameters
    ----------
    tests : DataFrame
        One row a segment, see `ab_test_sizes`.
    stakes : DataFrame
        ``segment``, in the order of `tests`.
    actions : mapping of int to sequence of str
        What to do, by segment; a segment without actions keeps its one row.
    """
    listed = [list(actions.get(int(segment), ())) or [""] for segment in stakes["segment"]]
    table = tests.copy()
    table.insert(1, "action", listed)
    return table.explode("action", ignore_index=True)


def customers_needed(
    rate: float, lift: float, significance: float = SIGNIFICANCE, power: float = POWER
) -> float:
    """Return how many customers, both halves together, show that a rate has grown by `lift`.

    Normal approximation for two proportions (Fleiss, Levin & Paik 2003, section 4.2, without continuity correction).

    Parameters
    ----------
    rate, lift : float
        Shares of 1: from `rate` without the action to ``rate + lift`` with it.
    significance : float
        Two-sided.
    power : float

    Returns
    -------
    float
        A whole number; NaN where ``rate + lift`` is above 1.

    Examples
    --------
    >>> customers_needed(0.10, 0.05)
    1372.0
    """
    if not 0 < lift <= 1 - rate:
        return float("nan")
    return 2.0 * np.ceil(_each_half(rate, lift, significance, power))


def smallest_lift(
    rate: float, each_half: int, significance: float = SIGNIFICANCE, power: float = POWER
) -> float:
    """Return the smallest growth of a rate that so many customers in each half show; NaN where none can be shown.

    Parameters
    ----------
    rate : float
        Without the action, share of 1.
    each_half : int
        Customers with the action, and as many without.
    significance, power : float
    """
    most = 1 - rate
    if each_half < 1 or most <= 1e-9 or _each_half(rate, most, significance, power) > each_half:
        return float("nan")
    return float(brentq(lambda lift: _each_half(rate, lift, significance, power) - each_half, 1e-7, most))


def _each_half(rate: float, lift: float, significance: float, power: float) -> float:
    after, mean = rate + lift, rate + lift / 2
    reach = norm.ppf(1 - significance / 2) * np.sqrt(2 * mean * (1 - mean))
    reach += norm.ppf(power) * np.sqrt(rate * (1 - rate) + max(after * (1 - after), 0.0))
    return float((reach / lift) ** 2)
