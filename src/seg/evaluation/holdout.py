"""Temporal hold-out: segments from the orders before a day, judged by what their customers buy from that day on.

With the cut on 2011-09-10 and 90 days, segments come from orders up to and including 2011-09-09, the outcome from
orders of 2011-09-10 up to and including 2011-12-08. The lines are parted before anything is computed from them, so
no cap, no repaired price and no scale can know the outcome. Only k comes from outside: it is the run's.
"""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import date, timedelta

import ibis
import numpy as np
import pandas as pd
from ibis.expr import types as ir
from sklearn.base import clone

from seg import cleaning
from seg import features as features_table
from seg.config.settings import Settings
from seg.engine import Engine
from seg.errors import SegError
from seg.features.feature_table import FeatureTable
from seg.metrics import prediction as scoring
from seg.metrics import separation
from seg.metrics.prediction import HoldoutScores
from seg.models import space
from seg.segments import rfm
from seg.selection import scan as selection

KEY = "evaluation.holdout"
RFM = ["recency_days", "orders", "revenue"]


@dataclass(frozen=True)
class Parted:
    """Customers before the cut, and what they did after it.

    Parameters
    ----------
    cut : date
        First day of the outcome.
    days : int
        Length of the outcome, in days.
    table : FeatureTable
        Of the orders with a date before `cut`; recency is counted from `cut`.
    outcome : DataFrame, index as that of the table
        ``bought``: 1 with a purchase (amount above zero, not a return) from `cut` on, in `days` days; ``spend``: the
        sum of those amounts, returns not subtracted; ``known``: False for pseudo-customers, who are one order each
        and cannot come back. They are segmented as in the run, and left out of every score.
    notes : tuple of str
        What a reader has to know.
    """

    cut: date
    days: int
    table: FeatureTable
    outcome: pd.DataFrame
    notes: tuple[str, ...]


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


def impossible(settings: Settings) -> str | None:
    """Say why a data set cannot have a hold-out; None where it can."""
    return "not possible: one row a customer" if settings.dataset.kind == "customers" else None


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


def part(settings: Settings, engine: Engine, table: ir.Table, cut: object, days: int) -> Parted:
    """Part the order lines at the cut, and make features of those before it and the outcome of those after it.

    Both are cleaned by the steps of the run, each by itself. Lines without a customer are no part of the outcome.
    """
    cut, until = _window(cut, days)
    first, last = first_and_last(engine, table)
    if not first < cut <= last:
        allowed = (
            f"choose a day from {first + timedelta(days=1)} to {last}"
            if first < last
            else "it has one day only"
        )
        raise SegError(f"{KEY}.cut={cut}: outside the data, whose orders are of {first} to {last}; {allowed}")
    # Computed here and now: whatever is made of it cannot reach the lines that were left out.
    before = engine.checkpoint(table.filter(table.ordered_at.date() < ibis.literal(cut)))
    features = _features(settings, engine, before, cut)
    named = with_id(engine, before)
    outcome = _outcome(settings, engine, table, cut, until, days).reindex(features.frame.index)
    outcome = outcome.assign(
        bought=outcome["spend"].notna().astype("int64"),
        spend=outcome["spend"].fillna(0.0),
        known=outcome.index.isin(named),
    )
    known = outcome[outcome["known"]]
    if len(known) < 2:
        raise SegError(
            f"{KEY}.cut={cut}: before it: only {len(known)} with an id among the customers; at least 2 are needed, choose a later cut"
        )
    if not known["bought"].any():
        raise SegError(
            f"{KEY}.cut={cut}: none of the {len(known):,} customers known before it bought from {cut} to {until - timedelta(days=1)}; "
            "choose another cut or more days"
        )
    return Parted(cut, days, features, outcome, tuple(_notes(outcome, cut, until, last, days)))


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


def _window(cut: object, days: object) -> tuple[date, date]:
    """Read the first day of the outcome, and the first day after it."""
    try:
        day = date.fromisoformat(str(cut))
    except ValueError:
        raise SegError(f"{KEY}.cut={cut}: expected a day such as 2011-09-10") from None
    if isinstance(days, bool) or not isinstance(days, int) or days < 1:
        raise SegError(f"{KEY}.days={days}: expected a whole number of at least 1")
    try:
        return day, day + timedelta(days=days)
    except OverflowError:
        raise SegError(f"{KEY}.days={days}: too many; the calendar ends in the year 9999") from None


def first_and_last(engine: Engine, table: ir.Table) -> tuple[date, date]:
    """Find the days of the first and of the last order line."""
    ends = engine.collect(table.aggregate(first=table.ordered_at.min(), last=table.ordered_at.max())).iloc[0]
    return ends["first"].date(), ends["last"].date()


def _features(settings: Settings, engine: Engine, before: ir.Table, cut: date) -> FeatureTable:
    recipe, steps = settings.recipe, cleaning.parse(settings.cleaning.steps)
    try:
        lines, _ledger = cleaning.clean(engine, before, steps)
        return features_table.build(
            engine,
            lines,
            features_table.parse(recipe.features),
            recipe.profile,
            [*settings.dataset.common, *RFM],
            moved(cut, steps),
            settings.dataset.levels,
        )
    except SegError as error:
        raise SegError(f"{KEY}.cut={cut}: before it: {error}") from None


def moved(cut: date, steps: list) -> date:
    """Move the cut as the cleaning moves the orders."""
    year = cut.year + sum(arguments["years"] for step, arguments in steps if step.name == "shift_years")
    return cut.replace(year=year, day=min(cut.day, calendar.monthrange(year, cut.month)[1]))


def with_id(engine: Engine, lines: ir.Table) -> pd.Series:
    """List the customers who have an id in the files, the others being orders that nobody can be asked about."""
    ids = lines.filter(_has_customer(lines)).select("customer_id").distinct()
    return engine.collect(ids)["customer_id"]


def _has_customer(lines: ir.Table) -> ir.BooleanValue:
    return lines.customer_id.fill_null("").strip() != ""


def _outcome(
    settings: Settings, engine: Engine, table: ir.Table, cut: date, until: date, days: int
) -> pd.DataFrame:
    day = table.ordered_at.date()
    within = (day >= ibis.literal(cut)) & (day < ibis.literal(until))
    # Pseudo-customers are numbered anew in each part: the same id would be two different orders.
    window = engine.checkpoint(table.filter(within, _has_customer(table)))
    try:
        lines, _ledger = cleaning.clean(engine, window, cleaning.parse(settings.cleaning.steps))
    except SegError as error:
        raise SegError(f"{KEY}.cut={cut}: in the {days} days from it on: {error}") from None
    bought = lines.filter(~lines.is_return & (lines.amount > 0))
    spend = engine.collect(bought.group_by("customer_id").aggregate(spend=bought.amount.sum()))
    if not len(spend):
        raise SegError(
            f"{KEY}.cut={cut}: nobody bought in the {days} days from it on, after cleaning; choose another cut or more days"
        )
    return spend.set_index("customer_id").astype("float64").round(6)


def _notes(outcome: pd.DataFrame, cut: date, until: date, last: date, days: int) -> list[str]:
    notes = []
    there = (last - cut).days + 1
    if until > last + timedelta(days=1):
        notes.append(f"the data end on {last}: only {there} of the {days} days of the outcome are there")
    pseudo = int((~outcome["known"]).sum())
    if pseudo:
        notes.append(
            f"{pseudo:,} pseudo-customers of one order each cannot come back: segmented, and left out of the scores"
        )
    return notes
