"""The distribution with one peak that is nearest to a sample, and how far the sample is from it.

References
----------
Hartigan and Hartigan (1985), "The dip test of unimodality", Annals of Statistics 13, doi 10.1214/aos/1176346577.
"""

from __future__ import annotations

import numpy as np

KNOTS = 400  # quantiles of a column that its distribution is fitted to


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
