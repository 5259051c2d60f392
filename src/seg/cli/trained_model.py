"""A trained model as commands take it: by a name in the registry, a run, or the directory of a run."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from seg import progress
from seg.config import compose
from seg.score import scorer as scoring
from seg.score.scorer import Scorer
from seg.sinks import scratch
from seg.track import find_model


@dataclass(frozen=True)
class TrainedModel:
    """A model that places customers.

    Parameters
    ----------
    scorer : Scorer
    config : str
        The configuration of its run, as YAML.
    run_id : str or None
        Of the run that trained it, where it is from a store.
    """

    scorer: Scorer
    config: str
    run_id: str | None

    def place(self, frame: pd.DataFrame) -> pd.Series:
        """Return the segment of each customer, -1 where there is none."""
        return self.routed(frame)["segment"]

    def routed(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return `place` of each customer as ``segment``; of one model a group also the ``model`` that placed it."""
        placed = self.scorer.place(frame)
        return placed.assign(segment=placed["segment"].fillna(-1).astype("int64"))


@dataclass(frozen=True)
class Placed:
    """Customers whom a model has placed once, for all who ask for their segments later.

    Parameters
    ----------
    model : TrainedModel
    known : DataFrame
        What `TrainedModel.routed` returned, one row a customer, by id.
    """

    model: TrainedModel
    known: pd.DataFrame

    @classmethod
    def once(cls, model: TrainedModel, frame: pd.DataFrame) -> Placed:
        """Place customers with a model."""
        return cls(model, model.routed(frame).set_axis(frame.index.astype(str)))

    def of(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return what `TrainedModel.routed` returns; only customers who came to the data since are placed anew."""
        ids = frame.index.astype(str)
        new = ~ids.isin(self.known.index)
        placed = self.known
        if new.any():
            placed = pd.concat([placed, self.model.routed(frame[new]).set_axis(ids[new])])
        return placed.loc[ids].set_axis(frame.index)


def load(reference: str, uri: str | None, trust: bool = False) -> TrainedModel:
    """Find and load a model, and log what it is.

    Parameters
    ----------
    reference : str
        ``models:/<name>@<alias>``, ``models:/<name>/<version>``, ``runs:/<id>/model``, a run id, or the directory of a run.
    uri : str, optional
        Of the tracking store.
    trust : bool
        Whether the model may run code when it is loaded.

    Raises
    ------
    SegError
        There is no such model, or it cannot be loaded.
    """
    with progress.step("model") as detail, scratch.folder("seg-model") as fetched:
        files = find_model.find(reference, uri, fetched)
        scorer = scoring.load(files, trust=trust)
        detail(f"{scorer.label}: {scorer.contract.k} segments of {scorer.contract.dataset}")
        return TrainedModel(scorer, compose.read_saved(files.config), files.run_id)
