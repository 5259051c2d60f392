"""The groups that customers form in the density of their features, whatever shape a clusterer would give them."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from sklearn.cluster import KMeans
from sklearn.mixture import GaussianMixture

from seg.metrics.labeling import NOISE, matrix
from seg.metrics.stability import in_threads
from seg.models.mixture import fitted_from, least_variances
from seg.selection.borders import measured, spread
from seg.selection.peaks import peaks

LARGE = 2_500  # customers; of more, a random sample of so many
SMALL = 0.01  # of the customers; a smaller group is none
STARTS = 10, 1  # runs of k-means from whose best a mixture starts
FLOOR = 1e-3  # least variance of a component in any direction, where that of all customers is 1
COLLINEAR = 1e-6  # a direction with so little of the features' variance is none


@dataclass(frozen=True)
class Groups:
    """The groups that a Gaussian mixture of k components has.

    Attributes
    ----------
    bic : float
        Of the mixture; NaN where a component collapsed onto equal customers.
    labels : ndarray of shape (n,)
        From 0; -1 for customers of a peak too small to be a group.
    border : float
        By how many standard errors customers thin out at the typical border between two groups, see
        `seg.selection.borders`; NaN for a single group.
    """

    bic: float
    labels: np.ndarray
    border: float

    @property
    def count(self) -> int:
        """Number of groups."""
        return int(self.labels.max()) + 1


def groups(X: np.ndarray, ks: Iterable[int], seed: int = 0, workers: int | None = None) -> dict[int, Groups]:
    """Find the groups of customers by the peaks of Gaussian mixtures.

    Parameters
    ----------
    X : array of shape (n, d)
    ks : iterable of int
        Numbers of components.
    seed : int
    workers : int, optional
        Threads; one a core unless given. The result is the same with any number.

    Returns
    -------
    dict of int to Groups
        By number of components, without those that `X` has too few distinct rows for.

    Notes
    -----
    1. A value that occurs more than once is spread towards its neighbours first: integers are no spikes.
    2. A skewed or heavy-tailed kind of customer takes several components, so components are no groups: a group is a peak of the
       density, see `seg.selection.peaks`.
    3. The mixture is the likelier of two, one from the best of ten k-means, one from a single one. More starts find broad
       components that are likelier still and span two groups.
    4. The border is measured where within groups all directions have variance 1: there the line between two centres is
       the direction that best tells them apart (Fisher's discriminant), and columns without groups do not blur it.
    5. Above `LARGE` customers a random sample is fitted, and all are placed. Row order changes nothing.

    References
    ----------
    Hennig (2010), "Methods for merging Gaussian mixture components", ADAC 4, doi 10.1007/s11634-010-0058-3.
    """
    X = spread(matrix(X))
    X = (X - X.mean(axis=0)) / np.where(X.std(axis=0) > 0, X.std(axis=0), 1.0)
    order = np.lexsort(X.T[::-1])[some(len(X), seed)]
    balls = X @ _unit_axes(np.cov(X.T, bias=True))
    distinct = len(np.unique(X[order], axis=0)) if balls.size else 0

    def of(k: int) -> Groups:
        starts = [KMeans(k, n_init=n, random_state=seed + n).fit_predict(X[order]) for n in STARTS]
        mixture = _likelier(balls[order], starts, k)
        collapsed = (least_variances(mixture) < 2 * FLOOR).any()
        labels = _without_small(peaks(mixture)[mixture.predict(balls)])
        return Groups(np.nan if collapsed else mixture.bic(balls[order]), labels, _border(balls, labels))

    possible = sorted((k for k in set(ks) if k < distinct), reverse=True)  # the slowest first
    return dict(reversed(list(zip(possible, in_threads(of, possible, len(order), workers), strict=True))))


def some(n: int, seed: int) -> np.ndarray:
    """Return the rows to fit, ascending: all n, or a random `LARGE` of them."""
    if n <= LARGE:
        return np.arange(n)
    return np.sort(np.random.default_rng(seed).choice(n, LARGE, replace=False))


def _likelier(X: np.ndarray, starts: list[np.ndarray], k: int) -> GaussianMixture:
    """Fit from each start; take one with collapsed components only where there is no other."""
    model = GaussianMixture(k, reg_covar=FLOOR, max_iter=300)
    fitted = [fitted_from(X, labels, model) for labels in starts]
    return min(fitted, key=lambda one: ((least_variances(one) < 2 * FLOOR).any(), one.bic(X)))


def _border(X: np.ndarray, labels: np.ndarray) -> float:
    members = [X[labels == label] for label in range(labels.max() + 1)]
    if len(members) < 2:
        return np.nan
    within = sum(len(rows) * np.cov(rows.T, bias=True) for rows in members) / sum(map(len, members))
    return measured(X @ _unit_axes(within, FLOOR), labels)[1]


def _unit_axes(covariance: np.ndarray, least: float | None = None) -> np.ndarray:
    """Return axes (d, e) along which the variance is 1; directions of none are dropped, or given a least one."""
    values, vectors = np.linalg.eigh(np.atleast_2d(covariance))
    if least is None:
        vectors, values = vectors[:, values > COLLINEAR], values[values > COLLINEAR]
    return vectors / np.sqrt(np.maximum(values, least or 0))


def _without_small(labels: np.ndarray) -> np.ndarray:
    _, codes, counts = np.unique(labels, return_inverse=True, return_counts=True)
    large = counts >= SMALL * len(labels)
    return np.where(large, np.cumsum(large) - 1, NOISE)[codes]
