"""The parent run of a sweep: what has finished before, who died, and what all jobs found together."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from seg.errors import SegError
from seg.sinks.redaction import redact
from seg.track import dead_runs, store
from seg.track.record import PARENT

LIMIT = 1000  # entities in one call


class SweepStore:
    """A tracking store, seen from the process that starts a sweep; made, with its experiment, before any job.

    Parameters
    ----------
    uri : str or None
    experiment : str

    Raises
    ------
    SegError
        The store cannot be opened.
    """

    def __init__(self, uri: str | None, experiment: str):
        self._uri, self._experiment = store.address(uri), experiment
        self.run_id: str | None = None
        self._name = ""
        self.as_it_is = False  # whether the parent run was complete before
        try:
            self._client = store.client(self._uri)
            self._in = [store.experiment_id(self._client, self._uri, experiment)]
        except Exception as error:
            raise SegError(store.reason(error, self._uri)) from error

    @property
    def where(self) -> str:
        """Return where the sweep can be looked at."""
        return f"{self._name} in experiment {self._experiment} of {store.hidden(self._uri)}"

    def end_dead_runs(self) -> None:
        """End as KILLED the runs whose process has ended."""
        dead_runs.end_dead_runs(self._client, self._in)

    def finished(self, code: str) -> dict[str, dict]:
        """Find the runs that finished with this version of the code, by the key of their job."""
        notes = {}
        for run in self._search(f"attributes.status = 'FINISHED' and tags.`job.key` LIKE '{code}-%'"):
            tags, params = run.data.tags, run.data.params
            notes[tags["job.key"]] = {
                "run_id": run.info.run_id,
                "metrics": run.data.metrics,
                "flagged": tags.get("flagged"),
                "dataset": params.get("dataset"),
                "model": params.get("model"),
            }
        return notes

    def open(
        self,
        name: str,
        key: str,
        varied: Mapping[str, Sequence[str]],
        tags: Mapping,
        resume: bool,
        complete: bool,
    ) -> None:
        """Start the parent run, or go on with the one that the same sweep left before.

        Parameters
        ----------
        name, key : str
            The second is the same for the same jobs.
        varied : mapping
            What differs between jobs: become the parameters.
        resume, complete : bool
            Whether to go on with an earlier one; whether nothing is left to do: a finished one then stays as it is.
        """
        tags = {**tags, "seg.kind": "sweep", "sweep.key": key, "mlflow.source.name": "seg.run -m"}
        left = self._search(f"tags.`seg.kind` = 'sweep' and tags.`sweep.key` = '{key}'") if resume else []
        if left and left[0].info.status == "RUNNING":
            raise SegError(
                f"the same sweep is running already (process {left[0].data.tags.get('process')}): wait for it, or start another "
                "with sweep.resume=false"
            )
        if left:
            self.run_id, self._name = left[0].info.run_id, left[0].info.run_name
            self.as_it_is = complete and left[0].info.status == "FINISHED"
            if self.as_it_is:
                return
            self._client.update_run(self.run_id, status="RUNNING")
            for tag, value in tags.items():
                self._client.set_tag(self.run_id, tag, value)
            return
        self._name = name if len(name) <= 120 else name[:119] + "…"
        run = self._client.create_run(self._in[0], run_name=self._name, tags=tags)
        self.run_id = run.info.run_id
        for param, values in varied.items():
            self._client.log_param(self.run_id, param, ", ".join(values)[:500])

    def close(
        self,
        status: str,
        table: pd.DataFrame,
        folder: Path,
        metrics: Mapping[str, float],
        error: object = None,
    ) -> None:
        """Log what the jobs found together, and end the parent run.

        Parameters
        ----------
        table : DataFrame
            One row a job, see `seg.cli.sweeps.summary`.
        folder : Path
            Its content becomes the artifacts.
        """
        from mlflow.entities import Metric, RunTag

        for run in self._search(f"attributes.status = 'RUNNING' and tags.{PARENT} = '{self.run_id}'"):
            dead_runs.end_as_killed(self._client, run.info.run_id, "the sweep was interrupted")
        now = int(time.time() * 1000)
        counts = table["status"].value_counts()
        values = {
            "sweep/jobs": len(table),
            **{f"sweep/{name}": count for name, count in counts.items()},
            **metrics,
        }
        logged = [Metric(name, float(value), now, 0) for name, value in values.items()]
        logged += [Metric(name, value, now, k) for name, k, value in curves(table)]
        tags = [
            RunTag("mlflow.note.content", note(table)),
            RunTag("sweep.runs", ",".join(table["run_id"].dropna())[:5000]),
        ]
        if error is not None:
            tags.append(RunTag("error", redact(str(error))[:5000]))
        for start in range(0, len(logged), LIMIT):
            self._client.log_batch(
                self.run_id, metrics=logged[start : start + LIMIT], tags=tags if start == 0 else []
            )
        self._client.log_artifacts(self.run_id, str(folder))
        self._client.set_terminated(self.run_id, status)

    def _search(self, condition: str) -> list:
        runs, token = [], None
        while True:
            page = self._client.search_runs(self._in, condition, max_results=LIMIT, page_token=token)
            runs += page
            token = page.token
            if not token:
                return runs


def curves(table: pd.DataFrame) -> list[tuple[str, int, float]]:
    """Return the silhouette in the common space over k, a curve for each data set and model, for the collapsed parent."""
    measured = table[table["common/silhouette"].notna() & table["segments"].notna()]
    best = measured.groupby(["dataset", "label", "segments"], sort=False)["common/silhouette"].max()
    return [
        (store.metric_name(f"over_k/{dataset} {label}/common silhouette"), int(k), float(value))
        for (dataset, label, k), value in best.items()
    ]


def note(table: pd.DataFrame) -> str:
    """Write the table as Markdown, the best first, for the page of the parent run."""
    shown = [
        name
        for name in table
        if name not in ("run_id", "reason", "label", "job") and table[name].notna().any()
    ]
    rows = table.sort_values("common/silhouette", ascending=False, na_position="last")[shown].head(30)
    cells = [
        [f"{value:.3f}" if isinstance(value, float) else str(value) for value in row]
        for row in rows.to_numpy()
    ]
    lines = [shown, ["---"] * len(shown), *cells]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)[:5000]
