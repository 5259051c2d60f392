"""The parts of a run, instantiated from its configuration."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from seg.engine import Engine
    from seg.sources.schema import Loaded


@dataclass(frozen=True)
class Parts:
    """What the composition root has made of the configuration.

    Parameters
    ----------
    connect : callable
        Makes the engine.
    load : callable
        The adapter: from engine and source to `Loaded`.
    scaler : transformer
    make_clusterer : callable
        From k to a clusterer.
    takes_k : bool
        Whether the clusterer takes k as a parameter; otherwise it finds k itself.
    embed : transformer, optional
        Between scaler and clusterer: then the clusterer works in the embedding, not in the scaled features.
    """

    connect: Callable[[], Engine]
    load: Callable[..., Loaded]
    scaler: object
    make_clusterer: Callable[[int], object]
    takes_k: bool
    embed: object | None = None
