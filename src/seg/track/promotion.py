"""A run in the store becomes champion; how the run of a champion was made."""

from __future__ import annotations

import json
from collections.abc import Mapping

from seg.errors import SegError
from seg.track import model_registry, store


def trained_with(uri: str | None, run_id: str) -> tuple[dict[str, str], list[str]]:
    """Return the parameters of a run, and the overrides that it was made with."""
    run = store.client(store.address(uri)).get_run(run_id)
    overrides = run.data.tags.get("seg.overrides")
    return dict(run.data.params), json.loads(overrides) if overrides else []


def promote(
    uri: str | None, dataset: str, run_id: str, why: str, facts: Mapping[str, str]
) -> tuple[str, str | None]:
    """Make the model of a run the champion of its data set, see `seg.track.model_registry.promote`.

    Parameters
    ----------
    uri : str or None
        Of the store.
    dataset, run_id : str
    why : str
    facts : mapping of str to str
        Further tags of the version.

    Returns
    -------
    version, previous : str, str or None

    Raises
    ------
    SegError
        The run keeps no model, or the registry does not take it.
    """
    client = store.client(store.address(uri))
    run = client.get_run(run_id)
    models = run.outputs.model_outputs if run.outputs else []
    if not models:
        raise SegError(f"run {run_id[:8]}: it keeps no model; retrain with tracking.model=true")
    return model_registry.promote(client, dataset, run_id, models[-1].model_id, why, facts)
