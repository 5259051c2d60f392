"""The distribution with one peak that is nearest to a sample, and how far the sample is from it.

References
----------
Hartigan and Hartigan (1985), "The dip test of unimodality", Annals of Statistics 13, doi 10.1214/aos/1176346577.
Silverman (1981), "Using kernel density estimates to investigate multimodality", JRSS B 43 (peaks of a smoothed density).
"""

from __future__ import annotations

from functools import cache

import numpy as np
from scipy.optimize import isotonic_regression

KNOTS = 400  # quantiles of a column that its distribution is fitted to
CELLS = 128  # of the histogram that is smoothed
FAR = 4.0  # standard deviations on either side that the histogram reaches
# Standard deviation of the smoothing of 300 customers, in those of the column; it falls with the fifth root of their number. Half of it or
# twice as much makes little difference.
SMOOTHING = 0.25
NORMAL_RANGE = 1.349  # interquartile range of a standard normal distribution
PLACES = 9  # where the one peak is tried, between the first and the last tenth of the customers


def one_peak(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """Fit the distribution with one peak that is nearest to a sample.

    Parameters
    ----------
    values : ndarray of shape (n,)

    Returns
    -------
    knots, heights : ndarray of shape (m,)
        The distribution function: convex below the peak, concave above.
    distance : float
        Its largest difference from that of the sample.

    Notes
    -----
    As the peak moves up, the fit below it can only get worse and the fit above it only better. So the best place is where the two
    meet, and bisection reaches it.
    """
    values = np.sort(values)
    places = np.unique(np.linspace(0, len(values) - 1, KNOTS).astype(int))
    x, first = np.unique(values[places], return_index=True)
    if len(x) < 3:
        return np.r_[x[0], x[-1] + (x[-1] == x[0])], np.array([0.0, 1.0]), 0.0
    shares = (places[first] + 0.5) / len(values)
    x = np.r_[x[0] - (x[1] - x[0]) / 2, x, x[-1] + (x[-1] - x[-2]) / 2]
    shares = np.r_[0.0, shares, 1.0]
    low, high = 1, len(x) - 2
    while high - low > 1:
        middle = (low + high) // 2
        below, above = _sides(x, shares, middle)
        low, high = (middle, high) if below[0] < above[0] else (low, middle)
    fits = [_sides(x, shares, place) for place in (low, high)]
    below, above = min(fits, key=lambda sides: max(side[0] for side in sides))
    corners = np.r_[below[1], above[1][1:]]
    return x[corners], shares[corners], max(below[0], above[0])


def _sides(x: np.ndarray, shares: np.ndarray, peak: int) -> tuple[tuple, tuple]:
    """Return distance and corners of the fit below a peak at a place, and of the fit above it."""
    left = _upper_hull(x[: peak + 1], -shares[: peak + 1])
    right = peak + _upper_hull(x[peak:], shares[peak:])
    return (_distance(x, shares, left), left), (_distance(x, shares, right), right)


def _distance(x: np.ndarray, shares: np.ndarray, corners: np.ndarray) -> float:
    part = slice(corners[0], corners[-1] + 1)
    return float(np.abs(np.interp(x[part], x[corners], shares[corners]) - shares[part]).max())


def _upper_hull(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the places of the corners of the least concave function above points of ascending x."""
    hull: list[int] = []
    points = list(zip(x.tolist(), y.tolist(), strict=True))
    for place, (a, b) in enumerate(points):
        while len(hull) > 1:
            (x0, y0), (x1, y1) = points[hull[-2]], points[hull[-1]]
            if (y1 - y0) * (a - x1) > (b - y1) * (x1 - x0):
                break
            hull.pop()
        hull.append(place)
    return np.array(hull)


def valley_depth(values: np.ndarray) -> float:
    """Return how much a smoothed sample differs from the nearest density with one peak (Kullback-Leibler divergence, in nats).

    Parameters
    ----------
    values : ndarray of shape (n,)

    Returns
    -------
    float
        At least 0; 0 where the smoothed density has one peak, and of a column without spread.

    Notes
    -----
    1. The distance of `one_peak` is that of distribution functions, which a single wiggle can make. The valley between two groups is
       broad: smoothed, it is seen in more samples at the same error rate.
    2. The unit is the smaller of standard deviation and interquartile range / 1.349, so that a long tail does not smooth a valley away.
       What lies more than `FAR` units from the median is left out.
    """
    middle = np.median(values)
    quarter = np.subtract(*np.quantile(values, [0.75, 0.25])) / NORMAL_RANGE
    unit = min(values.std(), quarter) if quarter > 0 else values.std()
    if not unit > 0:
        return 0.0
    counts, _ = np.histogram((values - middle) / unit, CELLS, (-FAR, FAR))
    shares = _kernel(round(SMOOTHING * (300 / len(values)) ** 0.2, 2)) @ (counts / counts.sum())
    below = np.cumsum(shares) / shares.sum()
    first, last = np.searchsorted(below, [0.1, 0.9])
    return min(_divergence(shares, peak) for peak in np.unique(np.linspace(first, last, PLACES).astype(int)))


@cache
def _kernel(deviation: float) -> np.ndarray:
    """Return the weights (CELLS, CELLS) of a normal smoothing whose columns sum to 1."""
    centres = (np.arange(CELLS) + 0.5) * 2 * FAR / CELLS
    weights = np.exp(-0.5 * ((centres[:, None] - centres) / deviation) ** 2)
    return weights / weights.sum(axis=0)


def _divergence(shares: np.ndarray, peak: int) -> float:
    """Return the divergence of a density from the one nearest to it that rises up to a place and falls from there."""
    nearest = np.r_[
        isotonic_regression(shares[:peak]).x if peak else [],
        isotonic_regression(shares[peak:], increasing=False).x,
    ]
    positive = shares > 0
    return float(np.maximum((shares[positive] * np.log(shares[positive] / nearest[positive])).sum(), 0.0))
