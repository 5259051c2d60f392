"""What a sweep asks of a SQLite store before its first job, read from the file: MLflow takes seconds to import.

Only tables and columns are read that MLflow has had since its first stores. Where a file has another shape, or runs may be going
on, there is no answer, and MLflow is asked (`seg.track.sweep_run`).
"""

from __future__ import annotations

import contextlib
import math
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import quote

from seg.track import store

Answer = TypeVar("Answer")
RUNS = """
    from runs join experiments using (experiment_id) join tags using (run_uuid)
    where experiments.name = ? and experiments.lifecycle_stage = 'active' and runs.lifecycle_stage = 'active' and runs.status = ?
"""
JOBS = f"select run_uuid, tags.value {RUNS} and tags.key = 'job.key' and tags.value like ? order by start_time desc"
SWEEP = f"select run_uuid, runs.name {RUNS} and tags.key = 'sweep.key' and tags.value = ?"


@dataclass(frozen=True)
class FinishedSweep:
    """The parent run of a sweep in which nothing is left to do; it stays as it is."""

    run_id: str
    where: str
    as_it_is: bool = True

    def open(self, *_) -> None:
        """Go on with it, as `seg.track.sweep_run.SweepStore.open` does."""


class LocalRuns:
    """The runs of an experiment, for reading.

    Parameters
    ----------
    uri : str or None
        Of the store; of one without a file nothing is known here.
    experiment : str
    """

    def __init__(self, uri: str | None, experiment: str):
        self._uri, self._experiment = store.address(uri), experiment

    def finished(self, code: str) -> dict[str, dict]:
        """Return what `seg.track.sweep_run.SweepStore.finished` returns; nothing where a run may be going on."""

        def ask(opened: sqlite3.Connection) -> dict[str, dict]:
            if opened.execute(f"select 1 {RUNS}", [self._experiment, "RUNNING"]).fetchone():
                return {}
            found = opened.execute(JOBS, [self._experiment, "FINISHED", f"{code}-%"]).fetchall()
            return {key: _note(opened, run_id) for run_id, key in found}

        return self._asked(ask) or {}

    def sweep(self, key: str) -> FinishedSweep | None:
        """Return the finished parent run of a sweep, by its key."""
        row = self._asked(
            lambda opened: opened.execute(SWEEP, [self._experiment, "FINISHED", key]).fetchone()
        )
        where = f"in experiment {self._experiment} of {store.hidden(self._uri)}"
        return row and FinishedSweep(row[0], f"{row[1]} {where}")

    def _asked(self, ask: Callable[[sqlite3.Connection], Answer]) -> Answer | None:
        path = quote(str(store.file(self._uri) or ""))
        try:
            with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as opened:
                return ask(opened)
        except sqlite3.Error:  # MLflow will say
            return None


def _note(opened: sqlite3.Connection, run_id: str) -> dict:
    """Return the note of a job that finished, see `seg.track.sweep_run.SweepStore.finished`."""
    params, tags = (
        dict(opened.execute(f"select key, value from {table} where run_uuid = ?", [run_id]))
        for table in ("params", "tags")
    )
    metrics = opened.execute("select key, value, is_nan from latest_metrics where run_uuid = ?", [run_id])
    return {
        "run_id": run_id,
        "metrics": {name: math.nan if is_nan else value for name, value, is_nan in metrics},
        "flagged": tags.get("flagged"),
        "dataset": params.get("dataset"),
        "model": params.get("model"),
    }
