"""Temporal hold-out: segments from the orders before a day, judged by what their customers buy from that day on.

With the cut on 2011-09-10 and 90 days, segments come from orders up to and including 2011-09-09, the outcome from
orders of 2011-09-10 up to and including 2011-12-08. The lines are parted before anything is computed from them, so
no cap, no repaired price and no scale can know the outcome. Only k comes from outside: it is the run's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.base import clone

from seg.config.parts import Parts
from seg.errors import SegError
from seg.evaluation.taught import taught
from seg.metrics import prediction as scoring
from seg.metrics import separation
from seg.metrics.prediction import HoldoutScores
from seg.metrics.silhouette import Sampling
from seg.models import space
from seg.preparation.as_of import KEY, RFM, Parted
from seg.segments import rfm, worth
from seg.selection import scan as selection

SPREAD = ("auc", "r_squared", "deviance_explained", "over_rule_rfm")  # what is shown over several cuts
OVER = {"": "difference", "_low": "low", "_high": "high"}


@dataclass(frozen=True)
class Holdout:
    """A judged segmentation of the customers before the cut.

    Parameters
    ----------
    parted : Parted
    X : ndarray of shape (n_customers, n_features)
        Own space of the customers before the cut.
    labels : ndarray of shape (n_customers,)
        Segments of all of them, in the order of the table.
    silhouette : float
        Of these segments in their own space.
    scores : HoldoutScores
        Of the customers who are known.
    """

    parted: Parted
    X: np.ndarray
    labels: np.ndarray
    silhouette: float
    scores: HoldoutScores

    @property
    def metrics(self) -> dict[str, float]:
        """The numbers of a run, by name; the silhouette is of the customers before the cut, in the own space."""
        scores = self.scores
        others = scores.baselines.set_index("name")
        single = others[others.index.str.startswith("deciles")]
        rules = scores.added.against.set_index("name").loc["rule RFM"]
        return {
            "holdout/customers": scores.customers,
            "holdout/bought": scores.rate,
            "holdout/eta_squared": scores.eta_squared,
            "holdout/auc": scores.auc,
            "holdout/auc_random": float(others.at["random", "auc"]),
            "holdout/auc_rule_rfm": float(others.at["rule RFM", "auc"]),
            "holdout/auc_best_feature": float(single["auc"].max()),
            "holdout/r_squared": scores.r_squared,
            "holdout/r_squared_random": float(others.at["random", "r_squared"]),
            "holdout/r_squared_rule_rfm": float(others.at["rule RFM", "r_squared"]),
            "holdout/r_squared_best_feature": float(single["r_squared"].max()),
            "holdout/own_silhouette": self.silhouette,
            "holdout/deviance_explained": scores.added.explained,
            "holdout/deviance_explained_se": scores.added.se,
            **{f"holdout/over_rule_rfm{end}": float(rules[column]) for end, column in OVER.items()},
        }

    @property
    def sentence(self) -> str:
        """Return the result as a sentence, for people to read."""
        scores, parted = self.scores, self.parted
        others = scores.baselines.set_index("name")["auc"]
        single = others[others.index.str.startswith("deciles")]
        beside = ["random", "rule RFM", *([single.idxmax()] if single.notna().any() else [])]
        return (
            f"{scores.customers:,} customers known before {parted.cut}, {scores.rate:.1%} of whom bought in the {parted.days} days "
            f"from then on: AUC {scores.auc:.3f} ({', '.join(f'{name} {others[name]:.3f}' for name in beside)})"
        )


def spread(every: Sequence[Holdout]) -> dict[str, float]:
    """Return mean and standard deviation of metrics over the cuts of a hold-out, by name; empty with one cut."""
    if len(every) < 2:
        return {}
    table = pd.DataFrame([one.metrics for one in every])
    values = {"holdout/cuts": float(len(every))}
    for name in SPREAD:
        values |= {f"holdout/{name}_mean": float(table[f"holdout/{name}"].mean())}
        values |= {f"holdout/{name}_sd": float(table[f"holdout/{name}"].std(ddof=1))}
    return values


def over_cuts(every: Sequence[Holdout]) -> str:
    """Return the spread over the cuts of a hold-out as the end of a sentence; empty with one cut."""
    if len(every) < 2:
        return ""
    differences, areas = (
        [one.metrics[f"holdout/{name}"] for one in every] for name in ("over_rule_rfm", "auc")
    )
    days = ", ".join(str(one.parted.cut) for one in sorted(every, key=lambda one: one.parted.cut))
    return (
        f". The figures before are of the newest of {len(every)} cuts ({days}). Over all of them: difference to rule RFM "
        f"{np.mean(differences):+.3f} on average ({min(differences):+.3f} to {max(differences):+.3f}, standard deviation "
        f"{np.std(differences, ddof=1):.3f}), AUC {np.mean(areas):.2f} ({min(areas):.2f} to {max(areas):.2f})"
    )


def judge(parts: Parts, parted: Parted, k: int, sample: int, seed: int) -> Holdout:
    """Segment the customers before the cut with the run's scaler and model, and score the segments.

    Parameters
    ----------
    parts : Parts
        Scaler and model are used, unfitted.
    parted : Parted
        Customers before the cut, and their outcome.
    k : int
        Number of segments; not used by a model that finds it.
    sample : int
        Up to this many customers the silhouette is exact; above, it is estimated on so many.
    seed : int

    Raises
    ------
    SegError
        The customers before the cut are too few or too alike for k segments.
    """
    table = parted.table
    try:
        # A clone: the run's own scaler is fitted on all orders, and must stay so.
        scaling, X, _notes = space.scale(table, clone(parts.scaler))
    except SegError as error:
        raise SegError(f"{KEY}.cut={parted.cut}: before it: {error}") from None
    parts = taught(parts, scaling, parted.lessons)
    distinct = len(np.unique(X, axis=0))
    if parts.takes_k and not k <= distinct:
        raise SegError(
            f"{KEY}.cut={parted.cut}: k={k}, and the {len(X):,} customers before it have only {distinct} distinct rows of features; "
            "choose a later cut or a lower k"
        )
    scan = selection.scan(
        space.embed(clone(parts.embed) if parts.embed is not None else None, table.features, X),
        parts,
        [k if parts.takes_k else 2],
        table.frame[worth.column(table.frame, table.features)].to_numpy(),
        Sampling(sample, seed),
    )
    (n_segments,) = scan.fitted
    labels, has_outcome = scan.fitted[n_segments].labels_, parted.outcome["known"].to_numpy()
    frame = table.frame[has_outcome]
    scores = scoring.evaluate(
        labels[has_outcome],
        parted.outcome["bought"][has_outcome].to_numpy(),
        parted.outcome["spend"][has_outcome].to_numpy(),
        frame[list(dict.fromkeys([*table.features, *RFM]))],
        {"rule RFM": rfm.rfm(*(frame[name] for name in RFM))["name"].to_numpy()},
        scoring.Draws(seed),
    )
    own = scan.silhouettes[n_segments]
    if parts.embed is not None:  # the scan saw the embedding
        own = separation.silhouettes(X, {n_segments: labels}, sample, seed)[n_segments]
    return Holdout(parted, X, labels, float(own.value), scores)
