"""What makes two runs the same attempt, or comparable: short hashes that a run carries as tags.

A run is compared by them, not by the names of its parts: ``recipe=rfm`` with one feature overridden is another recipe.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pandas as pd

from seg.metrics.common_space import rank_normal
from seg.sources import locate
from seg.sources.locate import Source

SPACE = ("dataset", "cleaning", "recipe", "scaler")
CONFIGURATION = (*SPACE, "model", "engine")
# Where the files lie is no part of a configuration: their content is in the fingerprint of the data.
PLACES = ("path", "files", "sample", "source", "fetch")
REPEATED = (*CONFIGURATION, "experiment", "selection", "seed")


def fingerprint(dataset, source: Source, content: Callable[[Path], bytes] | None = None) -> str:
    """Hash the data of a run: the content of its files, or the settings that generated data is made of.

    Parameters
    ----------
    dataset : DatasetSettings
    source : Source
    content : callable, optional
        Hashes one file, see `sources.fingerprint`.
    """
    made_of = repr(sorted(dataset.model_dump().items())).encode()
    return locate.fingerprint(source.all_paths, b"" if source.paths else made_of, content)


def tags(config: Mapping, points: pd.DataFrame, overrides: Sequence[str]) -> dict[str, str]:
    """Make the tags by which ``seg.compare`` tells runs apart.

    Parameters
    ----------
    config : mapping
        The composed configuration, unresolved, so that ``${seed}`` and ``${k}`` are no part of it.
    points : DataFrame
        Customers (index) with their values in the features of the common space.
    overrides : sequence of str
        What was asked for on the command line.

    Returns
    -------
    dict
        ``seg.configuration``: data set, cleaning, recipe, scaler, model and engine, whatever the seed and k.
        ``seg.models.space``: the same without model and engine; only runs that share it share an own space.
        ``seg.points``: customers and their place in the common space; only runs that share it can be ranked by
        ``common/...``. ``seg.config.overrides``: what to type to get the run again, without paths and secrets of
        tracking, sinks and directories.
    """
    return {
        "seg.configuration": _hash({group: config.get(group) for group in CONFIGURATION}),
        "seg.models.space": _hash({group: config.get(group) for group in SPACE}),
        "seg.points": customers(points),
        "seg.config.overrides": json.dumps([text for text in overrides if _repeated(text)]),
    }


def customers(points: pd.DataFrame) -> str:
    """Hash customers and where they stand in the common space: a day that moves every recency alike changes nothing."""
    digest = hashlib.sha256(pd.util.hash_pandas_object(points.index, index=False).to_numpy().tobytes())
    digest.update(rank_normal(points).tobytes())
    return digest.hexdigest()[:16]


def _repeated(override: str) -> bool:
    key = override.lstrip("+~").partition("=")[0]
    return key.partition(".")[0].partition("@")[0].lstrip("/") in REPEATED


def _hash(sections: Mapping) -> str:
    sections = dict(sections)
    dataset = sections.get("dataset") or {}
    sections["dataset"] = {key: value for key, value in dataset.items() if key not in PLACES}
    text = json.dumps(sections, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
