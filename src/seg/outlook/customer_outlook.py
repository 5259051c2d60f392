"""What each customer will do next: train on earlier cuts, judge on the newest complete one, then score everybody today."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import pandas as pd

from seg.outlook import bgnbd, judging, learning
from seg.outlook.cuts import CutPlan, plan_cuts
from seg.outlook.judging import MODEL, Judgement
from seg.outlook.snapshots import OrderHistory, Snapshot, snapshot
from seg.outlook.yardsticks import YARDSTICKS
from seg.segments.worth import stake_days


@dataclass(frozen=True)
class HorizonOutlook:
    """What is known of one horizon.

    Parameters
    ----------
    plan : CutPlan
    judgement : Judgement or None
        None where the horizon is not possible.
    reason : str or None
        Why it is not possible.
    notes : tuple of str
        What is missing from the comparison.
    """

    plan: CutPlan
    judgement: Judgement | None = None
    reason: str | None = None
    notes: tuple[str, ...] = ()

    @property
    def horizon(self) -> int:
        """Length in days."""
        return self.plan.horizon

    @property
    def sentence(self) -> str:
        """What was measured, for people."""
        if self.judgement is None:
            return f"{self.horizon} days: {self.reason}"
        scores = self.judgement.scores.iloc[0]
        not_better = (
            "; ".join(self.judgement.not_better) or "better than every yardstick in all four measures"
        )
        return (
            f"{self.horizon} days from {self.plan.judged} on: {self.judgement.rate:.1%} bought, {scores['mean_probability']:.1%} expected; "
            f"AUC {scores['auc']:.3f} ({scores['auc_low']:.3f} to {scores['auc_high']:.3f}), Brier score {scores['brier']:.3f}; "
            f"{not_better}"
        )


@dataclass(frozen=True)
class CustomerOutlook:
    """Every customer's next days.

    Parameters
    ----------
    day : date
        First day that is forecast.
    horizons : tuple of HorizonOutlook
        By growing length.
    scores : DataFrame
        One row a customer: ``segment``; ``probability_90`` to buy within 90 days and ``spend_90`` to expect, for each possible
        horizon; ``probability_lost`` (no purchase within `lost_after` days); ``usual_spend`` in `value_days` days.
    lost_after, value_days : int or None
        The longest possible horizon, and the horizon that value at stake is counted over; None where none is possible.
    trained_until : date or None
        Last day of an outcome that the scores were learnt from.
    """

    day: date
    horizons: tuple[HorizonOutlook, ...]
    scores: pd.DataFrame
    lost_after: int | None
    value_days: int | None
    trained_until: date | None

    @property
    def possible(self) -> list[int]:
        """Horizons with a forecast."""
        return [one.horizon for one in self.horizons if one.judgement is not None]

    @property
    def notes(self) -> list[tuple[str, str]]:
        """What a reader has to know, as (level, text)."""
        texts = []
        for one in self.horizons:
            level = "warning" if one.judgement is None else "info"
            texts += [
                (level, f"outlook: {one.sentence}"),
                *(("info", f"outlook: {note}") for note in one.notes),
            ]
        return texts


def customer_outlook(
    history: OrderHistory,
    horizons: Sequence[int],
    cut: date | None = None,
    n_training: int = 3,
    seed: int = 0,
    classical: bool = True,
) -> CustomerOutlook:
    """Forecast what each customer does in the next days.

    Parameters
    ----------
    history : OrderHistory
    horizons : sequence of int
        In days.
    cut : date, optional
        Cut to judge on; the newest complete one of each horizon when left out.
    n_training : int
        Greatest number of training cuts of a horizon.
    seed : int
    classical : bool
        Compare with BG/NBD and gamma-gamma, where PyMC-Marketing is installed.

    Returns
    -------
    CustomerOutlook
    """
    horizons = sorted(set(horizons))
    first, last = history.ends()
    look = _remembered(history, horizons, last)
    today = look(last + timedelta(days=1))
    outlooks, forecasts = [], []
    for horizon in horizons:
        one, scored = _one_horizon(
            plan_cuts(first, last, horizon, cut, n_training), look, today, seed, classical
        )
        outlooks.append(one)
        if scored is not None:
            forecasts.append(scored)
    possible = [one for one in outlooks if one.judgement is not None]
    scores = pd.DataFrame({"segment": today.segments})
    for one, frame in zip(possible, learning.nested(forecasts), strict=True):
        scores[f"probability_{one.horizon}"] = frame["probability"]
        scores[f"spend_{one.horizon}"] = frame["spend"]
    lost_after = possible[-1].horizon if possible else None
    value_days = stake_days([one.horizon for one in possible])
    if possible:
        scores["probability_lost"] = 1 - scores[f"probability_{lost_after}"]
        scores["usual_spend"] = learning.usual_spend(today.features, value_days)
    ends = [one.plan.judged + timedelta(days=one.horizon - 1) for one in possible]
    return CustomerOutlook(
        today.cut, tuple(outlooks), scores, lost_after, value_days, max(ends, default=None)
    )


def _remembered(history: OrderHistory, horizons: Sequence[int], last: date) -> Callable[[date], Snapshot]:
    """Look at each cut once: horizons share cuts."""
    by_cut: dict[date, Snapshot] = {}

    def look(cut: date) -> Snapshot:
        if cut not in by_cut:
            by_cut[cut] = snapshot(history, cut, horizons, last)
        return by_cut[cut]

    return look


def _one_horizon(
    plan: CutPlan, look: Callable[[date], Snapshot], today: Snapshot, seed: int, classical: bool
) -> tuple[HorizonOutlook, pd.DataFrame | None]:
    """Judge one horizon, then train again with the judged cut and score today's customers."""
    horizon = plan.horizon
    if plan.reason:
        return HorizonOutlook(plan, reason=plan.reason), None
    training, judged = [look(cut) for cut in plan.training], look(plan.judged)
    reason = learning.impossible(training, horizon)
    if reason:
        return HorizonOutlook(plan, reason=reason), None
    forecasts = {MODEL: learning.fit(training, horizon, seed).predict(judged.inputs)}
    forecasts |= {name: make(training, judged, horizon) for name, make in YARDSTICKS.items()}
    notes = []
    if classical:
        yardstick = bgnbd.forecast(judged.features, horizon)
        if isinstance(yardstick, str):
            notes.append(yardstick)
        else:
            forecasts[bgnbd.NAME] = yardstick
    judgement = judging.judge(forecasts, judged.spend[horizon].to_numpy(), seed)
    if judgement.rate in (0.0, 1.0):
        everybody = "everybody" if judgement.rate else "nobody"
        notes.append(f"{everybody} bought in the judged {horizon} days: there is no AUC")
    model = learning.fit([judged, *training], horizon, seed)
    return HorizonOutlook(plan, judgement, notes=tuple(notes)), model.predict(today.inputs)
