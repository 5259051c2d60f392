"""What a null test found, and what that means; no library of statistics is needed to read it."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

LEVEL = 0.05
NEEDED = round(1 / LEVEL) - 1  # draws of each kind, with fewer no p can reach the level
HALF = 0.5  # largest p on one cloud with which features of two peaks are enough
PEAKS_LEVEL = (
    0.05  # of clouds with one peak, the largest share with valleys as deep; the data count among them
)
KINDS = {
    "permuted": "the same features without a link between them",
    "uniform": "evenly spread customers",
    "stretched": "one stretched cloud",
    "bent": "one bent cloud",
    "shuffled": "purchases dealt out at random",  # of a model that learns from purchases, whose segments need not lie apart
}


@dataclass(frozen=True)
class NullTest:
    """A score beside its values on one kind of null data.

    Attributes
    ----------
    observed : float
    scores : ndarray of shape (draws,)
        On null data; -1, the lowest silhouette, for a draw in which the pipeline found no segments.
    two_peaked : bool
        Whether this kind of null data has one peak in each feature, and features of the data have more (`OneCloud.two_peaked`).
    """

    observed: float
    scores: np.ndarray
    two_peaked: bool = False

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
    def better(self) -> bool:
        """Whether the data are not of this kind: the score says so, or features do and the score is above the median."""
        return self.p <= LEVEL or (self.two_peaked and self.p <= HALF)

    @property
    def draws(self) -> int:
        """Number of null scores."""
        return len(self.scores)


def passed(tests: Mapping[str, NullTest]) -> bool | None:
    """Return whether the score is better than every kind of null data; None if there are too few draws to tell."""
    if min(test.draws for test in tests.values()) < NEEDED:
        return None
    return all(test.better for test in tests.values())


def sentence(tests: Mapping[str, NullTest]) -> str:
    """Return in words whether the score is better than noise, and which explanations the test excludes.

    Examples
    --------
    >>> blob = NullTest(0.35, np.linspace(0.3, 0.4, 20))
    >>> sentence({"stretched": blob})
    'no better than one stretched cloud (p = 0.52, 20 draws)'
    >>> sentence({"stretched": NullTest(0.45, np.linspace(0.3, 0.4, 20))})
    'better than one stretched cloud (p = 0.048, 20 draws)'
    >>> sentence({"stretched": NullTest(0.45, np.linspace(0.3, 0.4, 10))})
    'open: 10 draws of each kind cannot reach p = 0.05; pass evaluation.null=19 or more'
    """
    kind, test = max(tests.items(), key=lambda item: (not item[1].better, item[1].p))
    answer = passed(tests)
    if answer is None:
        return (
            f"open: {test.draws} draws of each kind cannot reach p = {LEVEL:g}; "
            f"pass evaluation.null={NEEDED} or more"
        )
    if not answer:
        return f"no better than {KINDS[kind]} (p = {test.p:.2g}, {test.draws} draws)"
    *others, last = [KINDS[name] for name in tests]
    listed = f"{', '.join(others)} and {last}" if others else last
    peaks = ", features have two peaks by themselves" if test.p > LEVEL else ""
    return f"better than {listed} (p = {test.p:.2g}, {test.draws} draws{' each' if others else ''}{peaks})"
