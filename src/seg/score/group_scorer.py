"""Segments for new customers from the model of their group."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass

import pandas as pd

from seg.models.placement import Placement
from seg.models.routed_placement import RoutedPlacement
from seg.pipeline.grouped_result import COMMON
from seg.score.model_card import Contract
from seg.score.scorer import CHUNK, Scorer


@dataclass(frozen=True)
class GroupScorer(Scorer):
    """The models of many groups; `pipeline` is a mapping from the name of each model to its pipeline."""

    @property
    def by(self) -> str:
        """Column that holds the group of a customer."""
        return self.contract.groups["by"]

    def lacking(self, columns: Iterable[str]) -> list[str]:
        """Return the features, and the column of the groups, that are not among the columns."""
        there = set(columns)
        return [name for name in [*self.features, self.by] if name not in there]

    def place(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Place each customer with the model of its group, see `Scorer.place`.

        Returns
        -------
        DataFrame
            Also with ``group``, as in `frame`, and ``model``: the group whose model placed the customer, or ``(common)``.
        """
        self.check(frame.columns, "the table")
        chosen = frame[self.features].astype("float64").assign(**{self.by: frame[self.by].astype("str")})
        starts = range(0, max(len(chosen), 1), CHUNK)
        placed = pd.concat([self.placement.place(chosen.iloc[start : start + CHUNK]) for start in starts])
        placed.insert(2, "group", chosen[self.by])
        return placed

    @functools.cached_property
    def placement(self) -> RoutedPlacement:
        """The router over the models of the groups."""
        routes = self.contract.groups
        models = {
            name: _placement(self.pipeline[name], Contract(**card)) for name, card in routes["cards"].items()
        }
        return RoutedPlacement(self.by, models, models.pop(COMMON), routes["first"], COMMON)


def _placement(pipeline, card: Contract) -> Placement:
    bounds = card.bounds()
    return Placement(
        pipeline, list(card.features), bounds["least"], bounds["greatest"], card.names, card.fills
    )
