"""The whole outlook of one model on one data set: customers, segments, and what follows from them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from seg import cleaning, progress
from seg.config.parts import Parts
from seg.config.settings import DatasetSettings, OutlookSettings, Settings
from seg.errors import SegError
from seg.features.glossary import GLOSSARY
from seg.outlook import actions
from seg.outlook.customer_outlook import CustomerOutlook, customer_outlook
from seg.outlook.review_texts import ReviewOutlook, load_texts, read_reviews
from seg.outlook.segment_outlook import SegmentOutlook, segment_outlook
from seg.outlook.snapshots import OrderHistory
from seg.preparation import prepare
from seg.score import model_card
from seg.score.scorer import Scorer
from seg.segments import outlook_rules
from seg.segments.naming import Naming

if TYPE_CHECKING:
    from seg.pipeline.result import Result


REVIEWED = "amazon_reviews"  # the data set whose orders are reviews


@dataclass(frozen=True)
class Outlook:
    """What a run or a command has to say about the time to come.

    Parameters
    ----------
    customers : CustomerOutlook
    segments : SegmentOutlook
    stakes : DataFrame or None
        Value at stake, see `actions.value_at_stake`; None where no horizon is possible.
    tests : DataFrame or None
        Sample sizes of A/B tests, see `actions.ab_test_sizes`.
    reviews : ReviewOutlook or None
        What reviews say, if ``outlook.text`` asks for it.
    """

    customers: CustomerOutlook
    segments: SegmentOutlook
    stakes: pd.DataFrame | None
    tests: pd.DataFrame | None
    reviews: ReviewOutlook | None = None

    @property
    def notes(self) -> list[tuple[str, str]]:
        """What a reader has to know, as (level, text)."""
        texts = self.customers.notes
        texts += [("warning", f"outlook: {reason}") for reason in self.segments.reasons]
        texts += [("info", f"outlook: {note}") for note in self.segments.notes]
        if self.reviews is not None:
            texts.append(("info", f"outlook: {self.reviews.sentence}"))
        return list(dict.fromkeys(texts))

    @property
    def meaning(self) -> str:
        """What the columns of `stakes` mean, for people."""
        days, lost = self.customers.value_days, self.customers.lost_after
        return (
            f"the next {days} days. Value at stake is what customers spend in {days} days at their rate so far, times the probability "
            f"that they do not buy. Lost: no purchase within {lost} days. Likely anyway: customers who buy with a probability of "
            f"{actions.ANYWAY:.0%} or more; a voucher is wasted on most of them"
        )

    @property
    def sheets(self) -> dict[str, pd.DataFrame]:
        """Tables for a workbook, by the name of their sheet."""
        if self.stakes is None:
            return {}
        return {"value at stake": self.stakes.drop(columns="segment"), "A-B tests": self.tests}

    @property
    def card(self) -> dict[str, object]:
        """What the model card says about the scores."""
        customers = self.customers
        return {
            "day": str(customers.day),
            "horizons": customers.possible,
            "lost_after": customers.lost_after,
            "trained_until": None if customers.trained_until is None else str(customers.trained_until),
        }

    def joined(self, table: pd.DataFrame) -> pd.DataFrame:
        """Add the scores to a table with a column ``customer_id``; missing for customers without an id in the files."""
        scores = self.customers.scores.drop(columns="segment").reset_index().astype({"customer_id": "str"})
        return table.merge(scores, on="customer_id", how="left")

    @property
    def meanings(self) -> dict[str, str]:
        """What each of `metrics` means."""
        words = {"auc": "AUC of buying", "brier": "Brier score of buying", "spend_r2": "R squared of spend"}
        words |= {
            "spend_mae": "mean absolute error of spend",
            "mase": "mean absolute scaled error of the forecast of all",
        }
        meanings = {}
        for name in self.metrics:
            kind, _, suffix = name.removeprefix("outlook/").rpartition("_")
            ahead = f"in the next {suffix} days, on customers of a cut that the models have not seen"
            rhythm = self.segments.rhythm
            rolled = f"{suffix} by {rhythm.name}, rolling origin, 1 to {rhythm.steps} {rhythm.name}s ahead"
            meanings[name] = f"{words[kind]}, {ahead if suffix.isdigit() else rolled}"
        return meanings

    @property
    def metrics(self) -> dict[str, float]:
        """The numbers of the judged horizons and of the forecast of the total, by name."""
        values = {}
        for one in self.customers.horizons:
            if one.judgement is not None:
                row = one.judgement.scores.iloc[0]
                for name in ("auc", "brier", "spend_r2", "spend_mae"):
                    values[f"outlook/{name}_{one.horizon}"] = float(row[name])
        for measure, forecast in self.segments.forecasts.items():
            total = forecast.errors.iloc[-1]
            values[f"outlook/mase_{measure}"] = float(total["mase"])
        return {name: value for name, value in values.items() if np.isfinite(value)}


def impossible(dataset: DatasetSettings) -> str | None:
    """Return why a data set has no outlook; None where it can have one."""
    if dataset.kind != "customers":
        return None
    return (
        f"not possible: dataset={dataset.name} has one row a customer, which does not show when each order was placed; orders "
        "are needed (dataset=transactions)"
    )


def impossible_for(dataset: DatasetSettings, result: Result) -> str | None:
    """Return why a run has no outlook; None where it can have one."""
    if result.population.models or result.population.sampled:
        return "not possible: the customers stay on Spark (an MLlib model); use a model of scikit-learn"
    return impossible(dataset)


def of_run(settings: Settings, parts: Parts, result: Result) -> Result:
    """Return a run with its outlook, or with a note why it has none; see `compute`.

    Parameters
    ----------
    settings : Settings
    parts : Parts
        Engine and adapter, to read the orders of past days.
    result : Result
        The run, whose model places customers on past days.

    Returns
    -------
    Result
    """
    reason = impossible_for(settings.dataset, result)
    if reason:
        return replace(result, notes=[*result.notes, ("warning", f"evaluation.outlook: {reason}")])
    card = model_card.of(result, settings.preparation, settings.tracking.min_cell)
    scorer = Scorer(result.pipeline, card, "this run")
    outlook = compute(settings, parts, scorer.features, placed_by(scorer), card.days_after, card.names)
    meant = result.interpretation
    if outlook.stakes is not None:
        rules = outlook_rules.parse(settings.playbook.model_dump(), {*GLOSSARY, *result.table.frame})
        naming = outlook_rules.adjusted(meant.naming, rules, outlook_rules.measures(outlook.stakes))
        meant = replace(meant, naming=naming)
        outlook = replace(outlook, tests=actions.by_action(outlook.tests, outlook.stakes, _actions(naming)))
    return replace(
        result,
        outlook=outlook,
        interpretation=meant,
        notes=[*result.notes, *outlook.notes],
        metrics=result.metrics | outlook.metrics,
        meanings=result.meanings | outlook.meanings,
    )


def _actions(naming: Naming) -> dict[int, list[str]]:
    """Return what to do for each segment."""
    return {segment: [action.do for action in rule.actions] for segment, rule in naming.rules.items()}


def placed_by(scorer: Scorer) -> Callable[[pd.DataFrame], np.ndarray]:
    """Return the function that places customers by their features; noise is -1."""
    return lambda frame: scorer.place(frame)["segment"].fillna(-1).astype("int64").to_numpy()


def compute(
    settings: Settings,
    parts: Parts,
    recipe: Sequence[str],
    place: Callable[[pd.DataFrame], Sequence[int]],
    days_after: int,
    names: Mapping[int, str],
) -> Outlook:
    """Read the orders of a data set, and compute the outlook of its customers and segments.

    Parameters
    ----------
    settings : Settings
    parts : Parts
        Of the run: how to connect and to load.
    recipe : sequence of str
        Glossary features that the segmentation model needs.
    place : callable
        From these features to segments.
    days_after : int
        Days from the newest order to the day that the segmentation counts recency from.
    names : mapping of int to str
        Of the segments.

    Raises
    ------
    SegError
        The data set has one row a customer.
    """
    outlook = settings.outlook
    with _history(settings, parts, recipe, place, days_after, outlook.text) as (history, texts):
        customers = _customers(history, outlook, settings.seed)
        with progress.step("outlook of the segments") as answer:
            by_week = outlook.period == "week"
            segments = segment_outlook(history, names, outlook.months, outlook.weeks if by_week else None)
            counted = segments.history.months if segments.weeks is None else segments.weeks.weeks
            answer(f"{len(counted)} complete {segments.rhythm.name}s")
        reviews = None
        if texts is not None:
            with progress.step("reviews") as answer:
                reviews = read_reviews(texts, customers.scores["segment"], names, settings.seed)
                answer(reviews.sentence)
    return replace(with_actions(customers, segments, names), reviews=reviews)


def of_customers(
    settings: Settings,
    parts: Parts,
    recipe: Sequence[str],
    place: Callable[[pd.DataFrame], Sequence[int]],
    days_after: int,
) -> CustomerOutlook:
    """Compute the outlook of the customers alone: scoring needs no forecast of segments; see `compute`."""
    with _history(settings, parts, recipe, place, days_after) as (history, _):
        return _customers(history, settings.outlook, settings.seed)


@contextmanager
def _history(
    settings: Settings,
    parts: Parts,
    recipe: Sequence[str],
    place: Callable[[pd.DataFrame], Sequence[int]],
    days_after: int,
    text: str | None = None,
) -> Iterator[tuple[OrderHistory, pd.DataFrame | None]]:
    """Read the orders, and the column of texts where there is one, for as long as the context lasts."""
    reason = impossible(settings.dataset)
    if reason:
        raise SegError(f"outlook: {reason}")
    if text and settings.dataset.name != REVIEWED:
        raise SegError(
            f"outlook.text={text}: dataset={settings.dataset.name} has no reviews; use dataset={REVIEWED}"
        )
    with parts.connect() as engine:
        with progress.step(f"read {settings.dataset.name} for the outlook") as answer:
            source, _notes = prepare.find(settings.dataset, settings.data_dir)
            table = engine.checkpoint(parts.load(engine, source).table)
            answer(source.where)
        # Before the work of minutes: the column may be missing.
        texts = load_texts(engine, source, text) if text else None
        steps = cleaning.parse(settings.cleaning.steps)
        yield (
            OrderHistory(engine, table, steps, list(recipe), place, days_after, settings.dataset.levels),
            texts,
        )


def _customers(history: OrderHistory, outlook: OutlookSettings, seed: int) -> CustomerOutlook:
    with progress.step("outlook of the customers") as answer:
        customers = customer_outlook(
            history, outlook.horizons, outlook.cut, outlook.training_cuts, seed, outlook.classical
        )
        answer(f"{len(customers.scores):,} customers, {', '.join(map(str, customers.possible)) or 'no'} days")
    return replace(customers, scores=customers.scores.rename_axis("customer_id"))


def with_actions(customers: CustomerOutlook, segments: SegmentOutlook, names: Mapping[int, str]) -> Outlook:
    """Add what follows for actions, where a horizon is possible.

    Parameters
    ----------
    customers : CustomerOutlook
    segments : SegmentOutlook
    names : mapping of int to str
        Of the segments.

    Returns
    -------
    Outlook
        With value at stake and sizes of tests, both None without a horizon.
    """
    if customers.value_days is None:
        return Outlook(customers, segments, None, None)
    stakes = actions.value_at_stake(customers.scores, names, customers.value_days)
    return Outlook(customers, segments, stakes, actions.ab_test_sizes(stakes))
