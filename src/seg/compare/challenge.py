"""Compare a challenger with the champion of its data set on the same customers, to decide whether it may be promoted.

The rule is that of "best" (`seg.compare.order`): the gates first (flags, stability, noise, hold-out), then the deviance of later buying
and spending that the segments explain. Here both models are judged on the same customers before the same cut, so the difference has
an interval by a paired bootstrap. Without a hold-out, separation in the common space decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from seg.compare import order
from seg.compare.attempts import EXPLAINED, NULL, SCORE
from seg.evaluation.holdout import Holdout
from seg.metrics import prediction, separation

HOLDOUT, SEPARATION = "deviance of later buying and spending explained", "silhouette in the common space"
MEASURED = ("stability/jaccard_min", "null/draws", "holdout/auc", "holdout/auc_random", SCORE, *EXPLAINED)


@dataclass(frozen=True)
class Duel:
    """How a challenger compares with the champion.

    Parameters
    ----------
    basis : str
        What was compared.
    challenger, champion : float
        Value of both; larger is better.
    low, high : float
        95 % interval of the difference, challenger minus champion.
    against : list of str
        Gates that the challenger does not pass: flags, evidence that it lacks or fails.
    """

    basis: str
    challenger: float
    champion: float
    low: float
    high: float
    against: Sequence[str] = field(default=())

    @property
    def difference(self) -> float:
        """Challenger minus champion."""
        return self.challenger - self.champion

    @property
    def verdict(self) -> str:
        """Return "better", "as good" or "worse", by whether the interval of the difference excludes 0."""
        if np.isnan([self.low, self.high]).any():
            return "unknown"
        return "better" if self.low > 0 else "worse" if self.high < 0 else "as good"

    @property
    def may_win(self) -> bool:
        """Whether the challenger passes every gate and is not worse."""
        return not self.against and self.verdict in ("better", "as good")

    @property
    def sentence(self) -> str:
        """Return the result for people."""
        gates = f"; does not pass: {', '.join(self.against)}" if self.against else "; passes every gate"
        return (
            f"{self.basis}: challenger {self.challenger:.3f}, champion {self.champion:.3f}, difference {self.difference:+.3f} "
            f"({self.low:+.3f} to {self.high:+.3f}): {self.verdict}{gates}"
        )


def gates(metrics: dict[str, float], flags: Sequence[str], holdout: bool) -> list[str]:
    """List what speaks against a challenger by itself: flags, evidence that is missing, tests that it fails.

    Parameters
    ----------
    metrics : dict of str to float
        Of its run.
    flags : sequence of str
        Reasons not to trust the run.
    holdout : bool
        Whether the data allow a temporal hold-out.
    """
    run = {name: float(metrics.get(name, np.nan)) for name in MEASURED}
    tests = [float(metrics.get(name, np.nan)) for name in NULL]
    run["null/p"] = np.nan if np.isnan(tests).all() else float(np.nanmax(tests))
    lacks, fails = order.shortcomings(run, order.Demand(holdout))
    return [*(f"flagged: {one}" for one in flags), *fails, *(f"lacks {one}" for one in lacks)]


def by_holdout(judged: Holdout, champion: np.ndarray, seed: int) -> tuple[float, float, float, float]:
    """Compare two segmentations of the customers before a cut by what these bought afterwards.

    Parameters
    ----------
    judged : Holdout
        Of the challenger, which was fitted to these customers.
    champion : ndarray of shape (n_customers,)
        Segments that the champion gives the same customers; -1 where it gives none.
    seed : int
        Of folds and bootstrap.

    Returns
    -------
    challenger, champion, low, high : float
        Deviance explained by both, and the 95 % interval of the difference.
    """
    outcome = judged.parted.outcome
    has_outcome = outcome["known"].to_numpy()
    scores = prediction.evaluate(
        judged.labels[has_outcome],
        outcome["bought"][has_outcome].to_numpy(),
        outcome["spend"][has_outcome].to_numpy(),
        judged.parted.table.frame[has_outcome][judged.parted.table.features],
        {"champion": champion[has_outcome]},
        prediction.Draws(seed),
    )
    row = scores.added.against.set_index("name").loc["champion"]
    return float(scores.added.explained), float(row["explained"]), float(row["low"]), float(row["high"])


def by_separation(
    points: np.ndarray, challenger: np.ndarray, champion: np.ndarray, sample: int, seed: int
) -> tuple[float, float, float, float]:
    """Compare two segmentations of the same customers by their silhouette in the common space.

    Parameters
    ----------
    points : ndarray of shape (n_customers, n_features)
    challenger, champion : ndarray of shape (n_customers,)
        Segments, -1 for noise.
    sample : int
        Up to this many customers the silhouettes are exact.
    seed : int

    Returns
    -------
    challenger, champion, low, high : float
        Silhouettes, and the 95 % interval of the difference, by customers measured for both.
    """
    silhouettes = separation.silhouettes(
        points, {"challenger": challenger, "champion": champion}, sample, seed
    )
    one, other = silhouettes["challenger"], silhouettes["champion"]
    both, first, second = np.intersect1d(one.index, other.index, return_indices=True)
    error = np.hypot(one.se, other.se)
    if (
        not error and len(both) > 1
    ):  # every customer was measured: the error is that of the customers themselves
        error = (one.samples[first] - other.samples[second]).std(ddof=1) / np.sqrt(len(both))
    difference = one.value - other.value
    return one.value, other.value, difference - 1.96 * error, difference + 1.96 * error
