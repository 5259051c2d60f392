"""Temporal hold-out: segments from the orders before a day, judged by what their customers buy from that day on.

With the cut on 2011-09-10 and 90 days, segments come from orders up to and including 2011-09-09, the outcome from
orders of 2011-09-10 up to and including 2011-12-08. The lines are parted before anything is computed from them, so
no cap, no repaired price and no scale can know the outcome. Only k comes from outside: it is the run's.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from ibis.expr import types as ir
from sklearn.base import clone

from seg.config.settings import Settings
from seg.engine import Engine
from seg.errors import SegError
from seg.metrics import prediction as scoring
from seg.metrics import separation
from seg.metrics.prediction import HoldoutScores
from seg.models import space
from seg.preparation.as_of import KEY, RFM, Parted, impossible, part
from seg.segments import rfm
from seg.selection import scan as selection


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
        }

    @property
    def sentence(self) -> str:
        """What was found, for people to read."""
        scores, parted = self.scores, self.parted
        others = scores.baselines.set_index("name")["auc"]
        single = others[others.index.str.startswith("deciles")]
        beside = ["random", "rule RFM", *([single.idxmax()] if single.notna().any() else [])]
        return (
            f"{scores.customers:,} customers known before {parted.cut}, {scores.rate:.1%} of whom bought in the {parted.days} days "
            f"from then on: AUC {scores.auc:.3f} ({', '.join(f'{name} {others[name]:.3f}' for name in beside)})"
        )


def holdout(
    settings: Settings,
    parts: space.Parts,
    engine: Engine,
    table: ir.Table,
    cut: object,
    days: int,
    k: int,
) -> tuple[Holdout | None, str]:
    """Segment the customers before the cut as the run does, and judge the segments by the time after it.

    Parameters
    ----------
    table : ir.Table
        Transactions as they were loaded, not cleaned.
    cut : date or str
        First day of the outcome, by the dates of the files.
    days : int
        Length of the outcome.
    k : int
        Number of segments, the run's; not used by a model that finds it.

    Returns
    -------
    holdout : Holdout or None
        None where the data set does not allow it.
    answer : str
        What was found, or why there is none.

    Raises
    ------
    SegError
        The cut is no day or outside the data, `days` is below 1, or nobody is left before or after the cut.
    """
    reason = impossible(settings)
    if reason:
        return None, reason
    judged = judge(settings, parts, part(settings, engine, table, cut, days), k)
    return judged, judged.sentence


def judge(settings: Settings, parts: space.Parts, parted: Parted, k: int) -> Holdout:
    """Segment the customers before the cut with the run's scaler and model, and score the segments."""
    table = parted.table
    try:
        # A clone: the run's own scaler is fitted on all orders, and must stay so.
        _pipeline, X = space.scale(table, clone(parts.scaler), [])
    except SegError as error:
        raise SegError(f"{KEY}.cut={parted.cut}: before it: {error}") from None
    distinct = len(np.unique(X, axis=0))
    if parts.takes_k and not k <= distinct:
        raise SegError(
            f"{KEY}.cut={parted.cut}: k={k}, and the {len(X):,} customers before it have only {distinct} distinct rows of features; "
            "choose a later cut or a lower k"
        )
    scan = selection.scan(
        space.embed(clone(parts.embed) if parts.embed is not None else None, table.features, X),
        parts.make_clusterer,
        [k if parts.takes_k else 2],
        not parts.takes_k,
        table.frame["revenue"].to_numpy(),
        settings.evaluation.silhouette_sample,
        settings.seed,
    )
    (found,) = scan.fitted
    labels, known = scan.fitted[found].labels_, parted.outcome["known"].to_numpy()
    frame = table.frame[known]
    scores = scoring.evaluate(
        labels[known],
        parted.outcome["bought"][known].to_numpy(),
        parted.outcome["spend"][known].to_numpy(),
        frame[list(dict.fromkeys([*table.features, *RFM]))],
        {"rule RFM": rfm.rfm(*(frame[name] for name in RFM))["name"].to_numpy()},
        settings.seed,
    )
    own = scan.silhouettes[found]
    if parts.embed is not None:  # the scan saw the embedding
        own = separation.silhouettes(
            X, {found: labels}, settings.evaluation.silhouette_sample, settings.seed
        )[found]
    return Holdout(parted, X, labels, float(own.value), scores)


# ---- parting -----------------------------------------------------------------------------------------------------
