"""Whether customers thin out between segments: the border test."""

from collections.abc import Iterator, Mapping

import numpy as np
from scipy.spatial.distance import cdist

from seg.metrics.labeling import encode, matrix
from seg.models.mixture import dequantised

TUBE = 0.5  # of each segment's customers, those nearest to the line between the two centres
STEP, BINS = 0.05, 4  # a window is BINS steps long; the distance of the two centres is 1
BETWEEN = (0.15, 0.85)  # where a border may lie
LARGE = 5_000  # customers; of more, counts are scaled down to so many
DEPTH = 0.9  # a border has at most so much of the lower of the two peaks


def borders(X: np.ndarray, labelings: Mapping[int, np.ndarray]) -> dict[int, tuple[float, float]]:
    """Measure, for each segmentation, by how much customers thin out at its borders.

    Parameters
    ----------
    X : array of shape (n, d)
    labelings : mapping of int to array of shape (n,)
        Labels for each k; noise (-1) is left out.

    Returns
    -------
    dict of int to (float, float)
        The weakest border and the median one, in standard errors: 0 where customers do not thin out at all, NaN
        with fewer than two segments.

    Notes
    -----
    1. A border is between two segments if no third centre is nearer to the middle between their centres. Of each
       segment the half nearest to the line through both centres counts, so that the shape of the rest (two
       hexagons touch with a narrow side) makes no valley.
    2. Along that line customers are counted in windows of a fifth of the distance. A window between the centres
       is held against the fullest one to its left and the fullest to its right, the lower of the two:
       ``sqrt(2) * (sqrt(lower + 3/8) - sqrt(window + 3/8))``, the difference of two Poisson counts in standard
       errors (Anscombe 1948). The border's value is its largest. Data of one peak, however skewed, heavy-tailed
       or elongated, have no window lower than both sides; as the largest of many windows is taken, 3 is a
       cautious bound, not a p value of 0.001.
    3. Above `LARGE` customers the counts are scaled down to that many. Of a million customers a ripple of one in a
       hundred is many standard errors and still no border.
    4. A value that occurs more than once is spread towards its neighbours first, as for a mixture: that nobody
       has 1.5 orders is no border. So a column of two values never makes one.
    5. Row order changes nothing.

    References
    ----------
    The idea is that of Hartigan and Hartigan (1985), "The dip test of unimodality", Annals of Statistics 13,
    between the clusters of Kalogeratos and Likas (2012), "Dip-means", NeurIPS 25; Anscombe (1948), "The
    transformation of Poisson, binomial and negative-binomial data", Biometrika 35.
    """
    X = spread(matrix(X))
    return {k: measured(X, labels) for k, labels in labelings.items()}


def spread(X: np.ndarray) -> np.ndarray:
    """Spread values (n, d) that occur more than once towards their neighbours, in the same way for any row order."""
    order = np.lexsort(X.T[::-1])
    draw = np.random.default_rng(0).uniform(size=X.shape)
    result = np.empty_like(X)
    result[order] = np.column_stack([dequantised(*column) for column in zip(X[order].T, draw.T, strict=True)])
    return result


def measured(X: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
    """Return the weakest border of one segmentation and the median one, as `borders` does, without note 4."""
    labeling = encode(labels, len(X))
    members = [X[labeling.codes == code] for code in range(len(labeling.ids))]
    if len(members) < 2:
        return np.nan, np.nan
    centres = np.array([rows.mean(axis=0) for rows in members])
    scale = min(1.0, LARGE / len(X))
    values = [_border(members[a], members[b], centres[a], centres[b], scale) for a, b in _neighbours(centres)]
    return min(values), float(np.median(values))


def _neighbours(centres: np.ndarray) -> Iterator[tuple[int, int]]:
    """Yield pairs of centres with no third one nearer to their middle (a Gabriel graph)."""
    for a, b in zip(*np.triu_indices(len(centres), 1), strict=True):
        distances = cdist((centres[a] + centres[b])[None] / 2, centres)[0]
        if distances.min() >= distances[[a, b]].min() * (1 - 1e-9):
            yield a, b


def _border(A: np.ndarray, B: np.ndarray, a: np.ndarray, b: np.ndarray, scale: float) -> float:
    """Return how far customers thin out between two segments with means a and b, in standard errors."""
    length = ((b - a) ** 2).sum()
    if not length:
        return 0.0
    along = [(rows - a) @ (b - a) / length for rows in (A, B)]
    pairs = zip((A, B), along, strict=True)
    off = [np.linalg.norm(rows - a - t[:, None] * (b - a), axis=1) for rows, t in pairs]
    radius = min(np.quantile(distances, TUBE) for distances in off)
    inside = np.concatenate([t[d <= radius + 1e-9] for t, d in zip(along, off, strict=True)])
    edges = np.arange(-0.5, 1.5 + STEP / 2, STEP)
    counts = np.convolve(np.histogram(inside, edges)[0], np.full(BINS, scale), "valid")
    middles = edges[: len(counts)] + STEP * BINS / 2
    left, right = np.maximum.accumulate(counts), np.maximum.accumulate(counts[::-1])[::-1]
    lower = np.minimum(left, right)
    depths = np.sqrt(2) * (np.sqrt(lower + 0.375) - np.sqrt(counts + 0.375))
    between = (middles > BETWEEN[0] - 1e-9) & (middles < BETWEEN[1] + 1e-9) & (counts <= DEPTH * lower)
    return float(depths[between].max(initial=0.0))
