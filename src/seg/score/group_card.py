"""What a run with one model a group leaves for scoring: a card of all groups, and the router that places customers."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

from seg.models.routed_placement import RoutedPlacement
from seg.pipeline.grouped_result import COMMON, Grouped
from seg.score import feature_shift, model_card
from seg.score.model_card import Contract

if TYPE_CHECKING:
    from seg.config.settings import Preparation, TrackingSettings


def of(result: Grouped, settings: Preparation, min_cell: int) -> Contract:
    """Return the card: features and ranges of all customers, all segments numbered through, and the card of each model.

    Parameters
    ----------
    result : Grouped
    settings : Preparation
        Data set and recipe.
    min_cell : int
        Customers that the bounds of features which may be uploaded must reach.

    Returns
    -------
    Contract
    """
    cards = {one.name: model_card.of(one.result, settings, min_cell) for one in result.models}
    sizes = result.segments.set_index("segment")[["size", "share"]].to_dict("index")
    segments = [
        {
            "segment": one.first + row["segment"],
            "name": f"{one.name}: {row['name']}",
            "model": one.name,
            **sizes.get(one.first + row["segment"], {"size": 0, "share": 0.0}),
        }
        for one in result.models
        for row in cards[one.name].segments
        if row["segment"] >= 0
    ]
    if -1 in sizes:
        segments.append({"segment": -1, "name": "noise", "model": "", **sizes[-1]})
    first = {one.name: one.first for one in result.models}
    routes = {
        "by": result.by,
        "first": first,
        "cards": {name: _routing(card) for name, card in cards.items()},
    }
    chosen = result.table.frame[result.table.features]
    return replace(
        cards[COMMON],
        segments=segments,
        k=result.k,
        customers=result.customers,
        cells=feature_shift.cells(chosen),
        groups=routes,
    )


def _routing(card: Contract) -> dict:
    """Return what placing a customer takes of a card: sizes and cells are those of all groups together."""
    segments = [{**row, "size": 0, "share": 0.0} for row in card.segments]
    return asdict(replace(card, segments=segments, cells={}))


def placement(result: Grouped, min_cell: int) -> RoutedPlacement:
    """Return the models as they are uploaded, behind one router; ranges are those that `min_cell` customers reach."""
    placements = {one.name: model_card.placement(one.result, min_cell) for one in result.models}
    first = {one.name: one.first for one in result.models}
    return RoutedPlacement(result.by, placements, placements.pop(COMMON), first, COMMON)


def write(result: Grouped, settings: Preparation, tracking: TrackingSettings, folder: Path) -> list[Path]:
    """Write `scoring.json` into the directory of a run; the models too, where no tracking store keeps them.

    Parameters
    ----------
    result : Grouped
    settings : Preparation
        Data set and recipe.
    tracking : TrackingSettings
        Whether a store keeps the models, and the fewest customers of a cell.
    folder : Path
        Directory of the run.

    Returns
    -------
    list of Path
        What was written.
    """
    text = json.dumps(asdict(of(result, settings, tracking.min_cell)), ensure_ascii=False)
    return model_card.write_card(text, lambda: placement(result, 1).pipeline, tracking, folder)
