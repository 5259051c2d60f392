"""The peaks of a Gaussian mixture, and which component belongs to which."""

import numpy as np
from sklearn.mixture import GaussianMixture

SADDLE = 0.95  # of the lower peak's density; a way between two peaks that stays above it joins them
POINTS = 41  # of a way
SAME = 1e-2  # two peaks no farther apart in any feature are one
STEPS, STILL = 300, 1e-5


def peaks(mixture: GaussianMixture) -> np.ndarray:
    """Return, for each component, the number (k,) of the peak that it belongs to.

    Parameters
    ----------
    mixture : GaussianMixture
        Fitted with full covariances, to data whose features have a variance of about 1.

    Notes
    -----
    1. From the mean of each component the way uphill leads to a peak of the mixture's density (modal EM, Li, Ray & Lindsay
       2007).
    2. Two peaks are joined where the density stays above `SADDLE` of the lower one on a way between them: the straight one, or
       the ridge between their components (Ray & Lindsay 2005). The lower peak joins, so that a broad component under two
       high peaks links neither to the other.
    3. The threshold is lenient. The mixture of a uniform square has such peaks too: whether customers really thin out
       between groups is for `seg.selection.borders` to tell.

    References
    ----------
    Li, Ray and Lindsay (2007), "A nonparametric statistical approach to clustering via mode identification", JMLR 8; Ray and
    Lindsay (2005), "The topography of multivariate normal mixtures", Annals of Statistics 33, doi 10.1214/009053605000000417.
    """
    tops, reached = _uphill(mixture)
    heights, owners = mixture.score_samples(tops), mixture.predict(tops)
    highest = np.argsort(-heights)
    joined = {}
    for rank, low in enumerate(highest):
        saddles = [
            (_saddle(mixture, tops[[low, high]], owners[[low, high]]), high) for high in highest[:rank]
        ]
        saddle, high = max(saddles, default=(-np.inf, low))
        joined[low] = joined[high] if saddle > heights[low] + np.log(SADDLE) else low
    return np.array([joined[top] for top in reached])


def _uphill(mixture: GaussianMixture) -> tuple[np.ndarray, np.ndarray]:
    """Climb from the mean of each component; return peaks (p, d), and the one that each reaches (k,)."""
    points = mixture.means_
    for _ in range(STEPS):
        shares = mixture.predict_proba(points)
        precisions = np.einsum("pk,kij->pij", shares, mixture.precisions_)
        pull = np.einsum("pk,kij,kj->pi", shares, mixture.precisions_, mixture.means_)
        before, points = points, np.linalg.solve(precisions, pull[..., None])[..., 0]
        if np.abs(points - before).max() < STILL:
            break
    tops: list[np.ndarray] = []
    reached = []
    for point in points:
        near = [number for number, top in enumerate(tops) if np.abs(point - top).max() < SAME]
        reached.append(near[0] if near else len(tops))
        if not near:
            tops.append(point)
    return np.array(tops), np.array(reached)


def _saddle(mixture: GaussianMixture, tops: np.ndarray, owners: np.ndarray) -> float:
    """Return the log-density at the lowest point of the better way between two peaks."""
    along = np.linspace(0, 1, POINTS)[:, None]
    ways = [tops[0] + along * (tops[1] - tops[0])]
    if owners[0] != owners[1]:
        (P, Q), (p, q) = mixture.precisions_[owners], mixture.means_[owners]
        pull = (1 - along) * (P @ p) + along * (Q @ q)
        precisions = (1 - along[..., None]) * P + along[..., None] * Q
        ways.append(np.linalg.solve(precisions, pull[..., None])[..., 0])
    return max(mixture.score_samples(way).min() for way in ways)
