"""What the generators share: drawing from ranges, and shares of a whole."""

import numpy as np
import pandas as pd

from seg.errors import SegError


def check_customers(customers: int, least: int) -> None:
    """Refuse to draw fewer customers than the groups of a generator need."""
    if customers < least:
        raise SegError(f"got customers={customers}, expected at least {least}: ask for more customers")


def draw(rng: np.random.Generator, groups: tuple, field: str, members: np.ndarray) -> np.ndarray:
    """Draw one integer per member from the range that its group has in `field`, both ends included.

    Parameters
    ----------
    rng : Generator
    groups : tuple
        Records that hold a pair (low, high) in `field`.
    field : str
    members : ndarray of shape (n,)
        Number of the group of each member.

    Returns
    -------
    ndarray of shape (n,)
    """
    low, high = np.array([getattr(group, field) for group in groups])[members].T
    return rng.integers(low, high + 1)


def members(groups: tuple, size: int) -> np.ndarray:
    """Return the group number of `size` customers, in exact proportion to the groups' shares."""
    edges = np.cumsum([group.share for group in groups])
    return np.searchsorted(edges, (np.arange(size) + 0.5) / size)


def days(amounts: np.ndarray) -> pd.TimedeltaIndex:
    """Turn numbers of days, rounded down, into time spans."""
    return pd.to_timedelta(np.asarray(amounts).astype(int), unit="D")
