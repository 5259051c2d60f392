"""Days at which customers are looked at: the cut that a model is judged on, and the earlier cuts that it is trained on.

A cut is the first day of an outcome: features come from orders before it, the outcome from the days from it on. The
outcomes of all training cuts are over on the day of the judged cut, as they would have been for a model trained then.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

LEAST_HISTORY = 60  # days of orders before a training cut
STEP = 30  # days between two training cuts


@dataclass(frozen=True)
class CutPlan:
    """The cuts of one horizon.

    Parameters
    ----------
    horizon : int
        Length of the outcome in days.
    judged : date or None
        Cut that the model is judged on; None where the horizon is not possible.
    training : tuple of date
        Earlier cuts, the newest first; their outcomes end before `judged`.
    reason : str or None
        Why the horizon is not possible.
    """

    horizon: int
    judged: date | None
    training: tuple[date, ...] = ()
    reason: str | None = None


def plan_cuts(first: date, last: date, horizon: int, cut: date | None = None, n_training: int = 3) -> CutPlan:
    """Plan the cuts of one horizon.

    Parameters
    ----------
    first, last : date
        Days of the first and the last order.
    horizon : int
        Length of the outcome in days.
    cut : date, optional
        Cut to judge on; the newest one with a complete outcome when left out.
    n_training : int
        Greatest number of training cuts, `STEP` days apart.

    Returns
    -------
    CutPlan
        With a `reason` and no cuts where the history is too short or the cut too late.

    Examples
    --------
    >>> plan = plan_cuts(date(2010, 1, 1), date(2010, 12, 31), 30, n_training=2)
    >>> plan.judged, [str(day) for day in plan.training]
    (datetime.date(2010, 12, 2), ['2010-11-02', '2010-10-03'])
    """
    newest = last + timedelta(days=1 - horizon)
    judged = newest if cut is None else cut
    if judged > newest:
        end = judged + timedelta(days=horizon - 1)
        return CutPlan(
            horizon,
            None,
            reason=f"not possible: the {horizon} days from the cut {judged} on end on {end}, and the orders end on {last}; "
            f"choose a cut on {newest} or earlier",
        )
    history = max(horizon, LEAST_HISTORY)
    oldest = first + timedelta(days=history)
    newest_training = judged - timedelta(days=horizon)
    candidates = [newest_training - timedelta(days=STEP * place) for place in range(n_training)]
    training = tuple(day for day in candidates if day >= oldest)
    if training:
        return CutPlan(horizon, judged, training)
    return CutPlan(
        horizon,
        None,
        reason=f"not possible: the history is too short; a model of {horizon} days that is judged from {judged} on learns from a cut on "
        f"{newest_training} or earlier with {history} days of orders before it, and the orders begin on {first}; "
        f"{history + 2 * horizon} days of orders are needed",
    )
