"""Read runs back from a store: as a table, and the files that they left."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import unquote, urlparse

import pandas as pd

from seg.errors import SegError, listed
from seg.sinks import scratch
from seg.track import store
from seg.track.record import PARENT

log = logging.getLogger("seg")
PAGE = 1000  # runs asked for at a time
BASE = ["run_id", "name", "status", "parent", "artifacts", "model", "started", "ended"]
# Values of the tag seg.kind of runs that trained nothing: the parent of a sweep, a scoring, a migration.
ASIDE = ("sweep", "score", "migrate")


def existing(uri: str | None = None, write: bool = False):
    """Open a store that is there; where there is none, say so instead of making an empty one.

    Parameters
    ----------
    uri : str or None
        As in `store.address`.
    write : bool
        Whether something will be written to it; reading takes no right to.

    Raises
    ------
    SegError
        No file, not a store, or no server.
    """
    address = store.address(uri)
    path = store.file(address)
    if path is not None and not path.is_file():
        raise SegError(
            f"tracking.uri={address}: there is no file {path}; track a run first (seg run ...), or name the store "
            "with tracking.uri=... or MLFLOW_TRACKING_URI"
        )
    try:
        client = store.client(address, write)
        client.search_experiments(max_results=1)
    except Exception as error:
        raise SegError(store.reason(error, address)) from error
    return client


def runs(client, experiment: str, datasets: Sequence[str] = (), finished: bool = True) -> pd.DataFrame:
    """Read the runs of an experiment.

    Parameters
    ----------
    client : MlflowClient
    experiment : str
        Its name.
    datasets : sequence of str
        Of these data sets only; empty for all.
    finished : bool
        Leave out runs that failed or still run.

    Returns
    -------
    DataFrame
        One row a run, the newest first: `run_id`, `name`, `status`, `started` and `ended` (UTC), `parent`, `artifacts`
        (their address), `model` (id of the logged model, or None), and ``params.<name>``, ``tags.<name>``,
        ``metrics.<name>`` as MLflow calls them. A run that only holds the jobs of a sweep is no row.

    Raises
    ------
    SegError
        There is no such experiment.
    """
    stored = client.get_experiment_by_name(experiment)
    if stored is None or stored.lifecycle_stage == "deleted":
        names = [one.name for one in client.search_experiments()]
        raise SegError(
            f"tracking.experiment={experiment}: not in this store; there are {listed(experiment, names, most=10)}"
        )
    status = ["attributes.status = 'FINISHED'"] if finished else []
    conditions_of_each = [[*status, f"params.dataset = '{name}'"] for name in datasets if "'" not in name]
    rows = []
    for conditions in conditions_of_each if datasets else [status]:
        rows += [
            _row(run)
            for run in _paged(client, stored.experiment_id, " and ".join(conditions))
            if _single(run)
        ]
    table = pd.DataFrame(rows, columns=None if rows else BASE)
    return table.sort_values("started", ascending=False, kind="stable", ignore_index=True)


def _paged(client, experiment_id: str, condition: str) -> Iterable:
    token = None
    while True:
        page = client.search_runs([experiment_id], condition, max_results=PAGE, page_token=token)
        yield from page
        token = page.token
        if not token:
            return


def _single(run) -> bool:
    return run.data.tags.get("seg.kind") not in ASIDE


def _row(run) -> dict:
    info, models = run.info, run.outputs.model_outputs if run.outputs else []
    times = {"started": info.start_time, "ended": info.end_time}
    return {
        "run_id": info.run_id,
        "name": info.run_name,
        "status": info.status,
        "parent": run.data.tags.get(PARENT),
        "artifacts": info.artifact_uri,
        "model": models[-1].model_id if models else None,
        **{name: pd.Timestamp(time, unit="ms", tz="UTC") if time else pd.NaT for name, time in times.items()},
        **{f"params.{name}": value for name, value in run.data.params.items()},
        **{f"tags.{name}": value for name, value in run.data.tags.items() if not name.startswith("mlflow.")},
        **{f"metrics.{name}": value for name, value in run.data.metrics.items()},
    }


class Artifacts:
    """Files of runs: read where they lie when that is this machine, otherwise downloaded once.

    Parameters
    ----------
    client : MlflowClient
    cache : Path
        Keeps what was downloaded, a folder a run; the artifacts of a finished run do not change.
    """

    def __init__(self, client, cache: Path):
        self._client, self._cache = client, cache

    def find(self, runs: pd.DataFrame, names: Sequence[str]) -> dict[tuple[str, str], Path | None]:
        """Find files of runs by (run id, name); None where a run has no such file."""
        pairs = [(row.run_id, row.artifacts, name) for row in runs.itertuples() for name in names]
        with ThreadPoolExecutor(8) as pool:
            paths = pool.map(lambda pair: self._one(*pair), pairs)
            return {(run_id, name): path for (run_id, _, name), path in zip(pairs, paths, strict=True)}

    def _one(self, run_id: str, address: str, name: str) -> Path | None:
        parts = urlparse(address)
        if parts.scheme in ("", "file"):
            path = Path(unquote(parts.path)) / name
            return path if path.is_file() else None
        kept = self._cache / run_id / name
        return kept if kept.is_file() else self._downloaded(run_id, name, kept)

    def _downloaded(self, run_id: str, name: str, kept: Path) -> Path | None:
        kept.parent.mkdir(parents=True, exist_ok=True)
        try:
            with scratch.folder(".seg-fetch", self._cache) as work:
                os.replace(self._client.download_artifacts(run_id, name, str(work)), kept)
        except Exception as error:  # whatever the store raises: a file less is said, and no reason to stop
            log.warning("%s of run %s: %s", name, run_id[:8], (str(error).splitlines() or [""])[0][:200])
            return None
        return kept
