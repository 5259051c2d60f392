"""Guards: signs that a segmentation is an artefact, whatever its scores say.

A run with a reason is flagged and never champion.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from seg.metrics.labeling import Labeling, encode, matrix

LARGEST_SHARE = 0.8  # of all customers in one segment
SMALLEST_SEGMENT = 50  # customers: their rate of buying is known to 14 points (95 % interval of one half)
SMALLEST_SHARE = 0.01  # of all customers
FEW_SHARE = 0.05  # of all customers: below 1,000 of them, 50 would be too much to ask
ONE_POINT_SHARE = 0.5  # of all customers at one point
SINGULAR = 1e-12  # variance in some direction, in units of the variance of all customers
FEW_VALUES = 10  # a column of so many values or fewer is a count or a flag, and may stand still


def guards(
    X: np.ndarray, labels: np.ndarray, features_frame: pd.DataFrame, gmm_floor_components: int = 0
) -> list[str]:
    """List the reasons not to trust a segmentation; empty when there is none.

    Parameters
    ----------
    X : array of shape (n, d)
        The space the model was fitted in.
    labels : array of shape (n,)
        Segments from 0, noise -1.
    features_frame : DataFrame of shape (n, m)
        Features that were clustered on, in original units.
    gmm_floor_components : int
        Components of a mixture whose covariance has fallen to what regularisation leaves; 0 for other models.

    Returns
    -------
    list of str
        Each with its number and its threshold.

    Notes
    -----
    1. A degenerate covariance is one with less than 1e-12 of the overall variance in some direction, where all
       customers together have more. Columns with at most ten values within the segment (orders, flags, a capped
       feature) are left out of it: customers of one order each are a segment, not a fault. So is a segment of no
       more customers than features, which the guard on size is for.
    2. Features that depend on each other for all customers (two shares that add up to one) are not the segment's
       fault and raise nothing.
    """
    X = matrix(X)
    labeling = encode(labels, len(X))
    if not len(labeling.ids):
        return ["no segment: every customer is noise (threshold: at least one segment)"]
    points = pd.DataFrame(X + 0.0).groupby(list(range(X.shape[1])), sort=False).ngroup().to_numpy()
    still = [
        name for name, column in features_frame.items() if stands_still(column.to_numpy(dtype="float64"))
    ]
    after = []
    if X.shape[1] == features_frame.shape[1]:
        after = [name for name, column in zip(features_frame, X.T, strict=True) if stands_still(column)]
    inside = [points[labeling.codes == code] for code in range(len(labeling.ids))]
    alike = [labeling.ids[code] for code, rows in enumerate(inside) if (rows == rows[0]).all()]
    return [
        *sizes(labeling.ids, labeling.counts, len(X)),
        *constant(still, after, len(X)),
        *covariance(X, labeling, gmm_floor_components),
        *repeated(labeling.ids, labeling.counts, alike, int(np.bincount(points).max()), len(points)),
    ]


def least_size(n: int) -> int:
    """Return the fewest customers that a segment of `n` customers needs.

    1 % of all, and at least 50, whose rate of buying is known to 14 points. Of fewer than 1,000 customers 5 % are enough: 50
    would be a quarter of 200 customers, and no shop of that size could have five segments.

    >>> [least_size(n) for n in (60, 200, 1_000, 4_000, 20_000)]
    [3, 10, 50, 50, 200]
    """
    return int(np.ceil(max(SMALLEST_SHARE * n, min(SMALLEST_SEGMENT, FEW_SHARE * n))))


def sizes(ids: Sequence[int], counts: np.ndarray, n: int) -> list[str]:
    """Look at the sizes of the segments; n counts all customers.

    Parameters
    ----------
    ids : sequence of int
        Labels of the segments.
    counts : ndarray of shape (k,)
        Customers of each.
    n : int
        All customers, noise included.

    Returns
    -------
    list of str
        A sentence for each reason not to trust the sizes.
    """
    reasons = []
    share, least = counts.max() / n, least_size(n)
    if share > LARGEST_SHARE:
        reasons.append(
            f"segment {ids[counts.argmax()]} holds {share:.1%} of the customers (threshold: at most {LARGEST_SHARE:.0%})"
        )
    small = np.flatnonzero(counts < least)
    if len(small):
        verb, each = ("has", "") if len(small) == 1 else ("have", "each ")
        listed = _listed([f"{count:,}" for count in counts[small]])
        reasons.append(
            f"{_named([ids[place] for place in small])} {verb} {listed} customers (threshold: {each}at least {least:,} of {n:,})"
        )
    return reasons


def constant(still: Sequence[str], after: Sequence[str], n: int) -> list[str]:
    """Return the features that have one value, as they are or only after transforms and scaling.

    Parameters
    ----------
    still : sequence of str
        Features with one value before transforms.
    after : sequence of str
        Features with one value after transforms and scaling.
    n : int
        All customers.

    Returns
    -------
    list of str
        A sentence each.
    """
    reasons = []
    if still:
        reasons.append(
            f"{_listed(still)}: zero variance, one value for all {n:,} customers (threshold: two values)"
        )
    gone = [name for name in after if name not in still]
    if gone:
        reasons.append(
            f"{_listed(gone)}: zero variance after transforms and scaling, one value for all {n:,} customers (threshold: two values)"
        )
    return reasons


def stands_still(values: np.ndarray) -> bool:
    """Return True if values, or their ends, are one value."""
    return bool(np.ptp(values) <= 1e-12 * np.abs(values).max())


def covariance(X: np.ndarray, labeling: Labeling, floor_components: int = 0) -> list[str]:
    """Look for segments, and components of a mixture, that are flat where all customers together are not.

    Parameters
    ----------
    X : ndarray of shape (n, d)
        The scaled features.
    labeling : Labeling
        Segments of its rows.
    floor_components : int
        Components of a mixture whose covariance was held up by the regularisation.

    Returns
    -------
    list of str
        A sentence for each flat segment.
    """
    reasons = []
    if floor_components:
        reasons.append(
            f"{floor_components} of the mixture's components have a covariance at the regularisation floor (threshold: 0)"
        )
    deviation = X.std(axis=0)
    moving = deviation > 0
    Z = (X[:, moving] - X[:, moving].mean(axis=0)) / deviation[moving]
    for segment, code in zip(labeling.ids, range(len(labeling.ids)), strict=True):
        members = Z[labeling.codes == code]
        columns = [place for place, column in enumerate(members.T) if len(np.unique(column)) > FEW_VALUES]
        if len(columns) < 2 or len(members) <= len(columns):
            continue
        own = _eigenvalues(members[:, columns])
        flat = int((own <= SINGULAR).sum())
        if flat > int((_eigenvalues(Z[:, columns]) <= SINGULAR).sum()):
            reasons.append(
                f"segment {segment}: degenerate covariance, its smallest variance is {max(own[0], 0):.1g} of the overall variance in "
                f"{flat} of {len(columns)} directions (threshold: more than {SINGULAR:.0e} in each)"
            )
    return reasons


def _eigenvalues(Z: np.ndarray) -> np.ndarray:
    centred = Z - Z.mean(axis=0)
    return np.linalg.eigvalsh(centred.T @ centred / len(Z))


def repeated(ids: Sequence[int], counts: np.ndarray, alike: Sequence[int], most: int, n: int) -> list[str]:
    """Look for equal customers: segments that are one point, and the `most` customers at one point.

    Parameters
    ----------
    ids : sequence of int
        Labels of the segments.
    counts : ndarray of shape (k,)
        Customers of each.
    alike : sequence of int
        Segments whose customers are all equal.
    most : int
        Customers at the commonest point.
    n : int
        All customers.

    Returns
    -------
    list of str
        A sentence each.
    """
    reasons = []
    for segment, count in zip(ids, counts, strict=True):
        if segment in alike and count > 1:
            reasons.append(
                f"segment {segment}: all its {count:,} customers are one and the same point (threshold: two points)"
            )
    if most > ONE_POINT_SHARE * n:
        reasons.append(
            f"{most:,} of {n:,} customers, {most / n:.1%}, are one and the same point (threshold: at most {ONE_POINT_SHARE:.0%})"
        )
    return reasons


def _named(ids: Sequence[int]) -> str:
    return f"segment{'s' if len(ids) > 1 else ''} {_listed(ids)}"


def _listed(items: Sequence, most: int = 6) -> str:
    shown = [str(item) for item in items[:most]]
    if len(items) > most:
        return f"{', '.join(shown)} and {len(items) - most} more"
    return " and ".join(filter(None, [", ".join(shown[:-1]), shown[-1]]))
