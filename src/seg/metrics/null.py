"""Whether a score is better than what the same pipeline gets on data without segments."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from seg.metrics.labeling import matrix
from seg.metrics.stability import in_threads

LEVEL = 0.05


def permuted(X: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Shuffle each column by itself: every feature stays as it is distributed, what joins them is gone."""
    return rng.permuted(X, axis=0)


def uniform(X: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw each column uniformly between its minimum and its maximum: neither lumps nor tails are left.

    The box is along the columns, not the principal axes (as in the gap statistic), because the pipeline often
    starts from raw features: a rotated box holds negative revenues and half a million orders, which a
    logarithm cannot take and no shop has seen.
    """
    return rng.uniform(X.min(axis=0), X.max(axis=0), size=X.shape)


KINDS: dict[str, Callable[[np.ndarray, np.random.Generator], np.ndarray]] = {
    "permuted": permuted,
    "uniform": uniform,
}


@dataclass(frozen=True)
class NullTest:
    """A score beside its values on one kind of null data.

    Attributes
    ----------
    observed : float
    scores : ndarray of shape (draws,)
        On null data. Draws on which the pipeline had no score (NaN) are left out.
    """

    observed: float
    scores: np.ndarray

    @property
    def mean(self) -> float:
        """Mean of the null scores."""
        return float(self.scores.mean())

    @property
    def sd(self) -> float:
        """Standard deviation of the null scores; NaN for a single one."""
        return float(self.scores.std(ddof=1)) if len(self.scores) > 1 else np.nan

    @property
    def z(self) -> float:
        """Observed minus mean in standard deviations; NaN where these are 0, or unknown."""
        return (self.observed - self.mean) / self.sd if self.sd > 0 else np.nan

    @property
    def p(self) -> float:
        """Share of null scores at least as high, the observed one counted among them: never 0."""
        return float((1 + (self.scores >= self.observed).sum()) / (1 + len(self.scores)))

    @property
    def draws(self) -> int:
        """Number of null scores."""
        return len(self.scores)


def null_test(
    X: np.ndarray,
    score: Callable[[np.ndarray, int], float],
    draws: int = 20,
    seed: int = 0,
    kinds: Sequence[str] = ("permuted", "uniform"),
    workers: int = 1,
) -> dict[str, NullTest]:
    """Run a pipeline on the data and on null data like it.

    Parameters
    ----------
    X : array of shape (n, d)
        What the pipeline starts from. Hand in the features *before* transforms and scaling, so that whatever
        the pipeline does to make its score look good, it does to the null data as well.
    score : callable
        From a matrix like `X` and a seed to a number, larger is better (a silhouette, say). It runs the whole
        pipeline: scaling, embedding, clustering, scoring.
    draws : int
        Null data sets of each kind. The smallest possible p is 1 / (1 + draws): 19 at least to reach 0.05.
    seed : int
        The score on `X` gets this very seed, each null data set its own.
    kinds : sequence of str
        Of `KINDS`.
    workers : int
        Threads. 1 unless `score` may run several times at once: a k-means may, numba (UMAP) may not.

    Returns
    -------
    dict of str to NullTest
        By kind. "permuted" is left out where fewer than two columns vary: the data would be the same.

    Raises
    ------
    ValueError
        `X` is not a table of finite numbers or all its rows are equal, a kind that is unknown, or a score
        that is not a number on `X` or on every null data set of a kind.

    Notes
    -----
    1. The two kinds ask different things. Permuted columns keep lumps and tails of single features (half of the
       customers have one order): what beats them lies in how features go together, correlation included, which
       is not yet clusters. Uniform data have nothing at all.
    2. This is a Monte Carlo test: p is valid for any distribution of the score, z is only a measure of distance.
    3. Significant is not large. Of thousands of customers null scores hardly vary, and a silhouette of 0.602
       against 0.597 is 19 standard deviations: show ``mean`` beside the verdict.

    References
    ----------
    Davison and Hinkley (1997), *Bootstrap Methods and their Application*, 4.2 (the p value); Gordon (1999),
    *Classification*, 7.2 (null models of clustering); Gionis et al. (2007), "Assessing data mining results via
    swap randomization", ACM TKDD 1.
    """
    X = matrix(X)
    kinds = _checked(X, kinds, draws)
    observed = float(score(X, seed))
    if not np.isfinite(observed):
        raise ValueError(f"the score of the data is {observed}, expected a number to compare with")

    def draw(job: tuple[str, int]) -> float:
        kind, number = job
        rng = np.random.default_rng([seed, list(KINDS).index(kind), number])
        return float(score(KINDS[kind](X, rng), int(rng.integers(2**31))))

    jobs = [(kind, number) for kind in kinds for number in range(draws)]
    scores = np.array(in_threads(draw, jobs, len(X), workers)).reshape(len(kinds), draws)
    for kind, values in zip(kinds, scores, strict=True):
        if not np.isfinite(values).any():
            raise ValueError(
                f"no score on any of the {draws} {kind} data sets: there is nothing to compare with"
            )
    return {
        kind: NullTest(observed, values[np.isfinite(values)])
        for kind, values in zip(kinds, scores, strict=True)
    }


def sentence(tests: Mapping[str, NullTest]) -> str:
    """Say in words whether the score is better than noise: than every kind of it.

    Examples
    --------
    >>> blob = NullTest(0.35, np.linspace(0.3, 0.4, 20))
    >>> sentence({"uniform": blob})
    'indistinguishable from noise (p = 0.52, 20 draws of uniform data)'
    """
    kind, test = max(tests.items(), key=lambda item: item[1].p)
    if test.p <= LEVEL:
        each = " each" if len(tests) > 1 else ""
        return f"better than noise (p = {test.p:.2g}, {test.draws} draws{each} of {' and '.join(tests)} data)"
    facts = f"(p = {test.p:.2g}, {test.draws} draws of {kind} data)"
    if (test.scores < test.observed).all():
        return f"too few draws to tell from noise {facts}"
    return f"indistinguishable from noise {facts}"


def _checked(X: np.ndarray, kinds: Sequence[str], draws: int) -> list[str]:
    """Return the kinds that make sense for `X`, or say what is wrong."""
    if draws < 1:
        raise ValueError(f"draws is {draws}, expected at least 1")
    unknown = [kind for kind in kinds if kind not in KINDS]
    if unknown or not kinds:
        raise ValueError(f"unknown kinds of null data {unknown}, expected some of {', '.join(KINDS)}")
    varying = int((np.ptp(X, axis=0) > 0).sum())
    if not varying:
        raise ValueError(
            f"all {len(X):,} rows of X are equal, expected features that differ between customers"
        )
    possible = [kind for kind in dict.fromkeys(kinds) if kind != "permuted" or varying > 1]
    if not possible:
        raise ValueError("only one column of X varies and permuting it changes nothing: use kind uniform")
    return possible
