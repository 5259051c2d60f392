"""Features that only the names of the segments need: conditions of the playbook hold whatever the recipe computes."""

from __future__ import annotations

from dataclasses import replace

from seg import features
from seg.config.settings import Preparation, Settings
from seg.features.glossary import GLOSSARY
from seg.pipeline.check import provides
from seg.segments import places, playbook


def preparation(settings: Settings) -> Preparation:
    """Return what decides the feature table of a run, with the features that its playbook needs beside those of the recipe."""
    return replace(settings.preparation, beside=beside(settings))


def beside(settings: Settings) -> tuple[str, ...]:
    """Return the features that conditions of the playbook need, the data set can serve and the recipe does not compute."""
    dataset, recipe, provided = settings.dataset, settings.recipe, provides(settings.dataset)
    value = [dataset.value] if dataset.value else []
    own = [*features.parse(recipe.features), *recipe.profile, *dataset.common, *value]
    book = playbook.parse(settings.playbook.model_dump(), {*GLOSSARY, *provided, *own})
    counted, chosen = dataset.kind == "transactions", {}
    for ways in places.lacking(book.measures, own).values():
        served = (way for way in ways if all(features.serves(one, provided, counted) for one in way))
        chosen |= dict.fromkeys(next(served, ()))
    return tuple(name for name in chosen if name not in own)
