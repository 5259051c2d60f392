"""From the record in a run's directory to a run in MLflow: the same way at the end of a run and days later."""

from __future__ import annotations

import json
import time
from pathlib import Path

from filelock import FileLock

from seg.errors import SegError
from seg.sinks import scratch
from seg.track import dead_runs, store, view
from seg.track import record as records
from seg.track.record import Record
from seg.track.safe_names import safe_names

KEY = "seg.record"
BATCH = 1000  # the most entries that MLflow takes at once


def push(folder: Path, shared: Path, uri: str, client=None, run_id: str | None = None) -> str:
    """Bring a run into the store; one that is there already is finished or left as it is, never made twice.

    Parameters
    ----------
    folder : Path
        Directory of the run, with its record.
    shared : Path
        Its content becomes the artifacts.
    uri : str
        Of the store, password and all.
    client : MlflowClient, optional
        Of the store, where it is open.
    run_id : str, optional
        Of the run in the store, where it was made at the start.

    Returns
    -------
    str
        The id of the run.

    Raises
    ------
    SegError
        The store cannot be reached or refuses; the record stays, with the reason noted.
    """
    record = records.read(folder)
    with FileLock(folder / records.FOLDER / ".lock"):
        state = records.state(folder)
        if state.get("pushed") and state["uri"] == store.hidden(uri):
            return state["run_id"]
        try:
            client = client or store.client(uri)
            experiment_id = store.experiment_id(client, uri, record.experiment)
            run = _find(client, record, experiment_id, run_id or state.get("run_id"))
            run = run or make(client, experiment_id, record)
            if run_id is None:  # uploaded later, not by the run itself, which has looked already
                dead_runs.end_dead_runs(client, [experiment_id])
            records.note(folder, run_id=run.info.run_id, uri=store.hidden(uri))
            if run.info.status != record.status:  # the status is set last: where it is, all is
                _fill(client, run, record, folder, shared)
        except Exception as error:
            reason = store.reason(error, uri)
            records.note(folder, error=reason)
            raise SegError(
                f"the run was not tracked: {reason}. Nothing is lost: {folder} keeps it whole; upload it later with: seg track push {folder}"
            ) from error
        now = time.strftime("%Y-%m-%d %H:%M:%S")
        records.note(folder, run_id=run.info.run_id, uri=store.hidden(uri), pushed=now, error=None)
        return run.info.run_id


def make(client, experiment_id: str, record: Record):
    """Make the run of a record in the store, marked with the record's key.

    Parameters
    ----------
    client : MlflowClient
    experiment_id : str
    record : Record
        Name, start, tags and parameters are taken from it.

    Returns
    -------
    mlflow.entities.Run
    """
    from mlflow.entities import Param

    tags = record.tags | {"mlflow.runName": record.run_name, KEY: record.key}
    run = client.create_run(experiment_id, start_time=record.start_time, run_name=record.run_name, tags=tags)
    client.log_batch(run.info.run_id, params=[Param(*item) for item in record.params.items()])
    return run


def _find(client, record: Record, experiment_id: str, run_id: str | None):
    """Find the run of a record: by the id it got, else by the key; None where the store has none."""
    from mlflow.exceptions import MlflowException

    if run_id is not None:
        try:
            run = client.get_run(run_id)
            if run.info.lifecycle_stage == "active":
                return run
        except MlflowException as error:  # another store, or a run that is gone for good
            if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
    runs = client.search_runs([experiment_id], f"tags.`{KEY}` = '{record.key}'", max_results=1)
    return runs[0] if runs else None


def _fill(client, run, record: Record, folder: Path, shared: Path) -> None:
    """Log everything; whatever is there already is overwritten with the same."""
    from mlflow.entities import Dataset, DatasetInput, Metric, Param, RunTag

    run_id, when = run.info.run_id, record.end_time
    model_id = _log_model(client, run, record, folder) if record.model else None
    safe = safe_names([*record.metrics, *record.curves])
    values = [Metric(safe[name], value, when, 0, model_id=model_id) for name, value in record.metrics.items()]
    values += [
        Metric(safe[name], value, when, step)
        for name, curve in record.curves.items()
        for step, value in curve
    ]
    tags = record.tags | {"mlflow.runName": record.run_name}
    renamed = {unique: name for name, unique in safe.items() if unique != name}
    if renamed:
        tags["seg.metric_names"] = json.dumps(renamed, ensure_ascii=False)[: records.LONGEST_TAG]
    if record.files and view.pictures(sorted(shared.glob("figures/*.png")), shared, when):
        tags["mlflow.loggedImages"] = "true"
    params = [Param(*item) for item in record.params.items()]
    # Every call is a transaction that waits for the disk: what fits goes into one.
    room = BATCH - len(params) - len(tags)
    client.log_batch(run_id, values[:room], params, [RunTag(*item) for item in tags.items()])
    for start in range(room, len(values), BATCH):
        client.log_batch(run_id, metrics=values[start : start + BATCH])
    if record.data:
        name, fingerprint, *described = record.data  # records of before know no more than these two
        source, schema, profile = described or ("{}", None, None)
        digest = fingerprint[:8] or "generated"
        dataset = Dataset(name, digest, source_type="local", source=source, schema=schema, profile=profile)
        client.log_inputs(run_id, datasets=[DatasetInput(dataset)])
    if record.files:
        client.log_artifacts(run_id, str(shared))
    client.set_terminated(run_id, record.status, end_time=record.end_time)


def _log_model(client, run, record: Record, folder: Path) -> str:
    """Upload the model and tie it to the run; takes up again what an earlier attempt began."""
    from mlflow.entities import LoggedModelOutput
    from mlflow.models import Model

    run_id, experiment_id = run.info.run_id, run.info.experiment_id
    models = client.search_logged_models([experiment_id], f"source_run_id = '{run_id}'")
    model = models[0] if models else client.create_logged_model(
        experiment_id, name="model", source_run_id=run_id, params=record.params
    )  # fmt: skip
    if str(model.status) == "READY":
        return model.model_id
    if not (run.outputs and run.outputs.model_outputs):
        client.log_outputs(run_id, [LoggedModelOutput(model.model_id, step=0)])
    saved = folder / records.FOLDER / "model"
    client.log_model_artifacts(model.model_id, str(saved))
    # What was saved without a store now learns where it belongs.
    described = Model.load(str(saved))
    described.run_id, described.model_id, described.model_uuid = run_id, model.model_id, model.model_id
    described.artifact_path = model.artifact_location
    with scratch.folder("seg-model") as saved_again:
        described.save(f"{saved_again}/MLmodel")
        client.log_model_artifact(model.model_id, f"{saved_again}/MLmodel")
    client.finalize_logged_model(model.model_id, "READY")
    return model.model_id
