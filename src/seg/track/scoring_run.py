"""A scoring or a migration in MLflow: a run of its own, and a point on the curves of the run that trained the model."""

from __future__ import annotations

import getpass
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from seg.sinks.process_names import process_name
from seg.sinks.redaction import redact
from seg.track import dead_runs, store
from seg.track.safe_names import safe_names

EPOCH = date(1970, 1, 1)


@dataclass(frozen=True)
class Scoring:
    """A scoring or a migration, as it is logged.

    Parameters
    ----------
    kind : {"score", "migrate"}
    name : str
        Of the run.
    day : str
        That the scoring is of, ISO: the step on the curves of the training run, as days since 1970-01-01.
    tags, metrics : mapping
    """

    kind: str
    name: str
    day: str
    tags: Mapping[str, object]
    metrics: Mapping[str, float | None]


def log(uri: str | None, training_run: str, scoring: Scoring) -> str:
    """Log a scoring as a new run; an earlier run of the same scoring stays.

    Parameters
    ----------
    uri : str or None
        Of the store, as in `store.address`.
    training_run : str
        Id of the run that trained the model.
    scoring : Scoring

    Returns
    -------
    str
        The id of the run.
    """
    from mlflow.entities import Metric, RunTag

    address = store.address(uri)
    client = store.client(address)
    trained = client.get_run(training_run)
    kind, metrics = scoring.kind, scoring.metrics
    tags = {
        "seg.kind": kind,
        "seg.model_run": training_run,
        "day": scoring.day,
        "process": process_name(),
        "mlflow.user": getpass.getuser(),
    }
    tags |= {
        "mlflow.runName": scoring.name,
        "mlflow.source.name": f"seg.{kind}",
        "mlflow.source.type": "LOCAL",
    }
    tags |= {key: redact(str(value))[:5000] for key, value in scoring.tags.items()}
    run = client.create_run(trained.info.experiment_id, run_name=scoring.name, tags=tags)
    now = int(time.time() * 1000)
    safe = safe_names(list(metrics))
    values = {safe[key]: float(value) for key, value in metrics.items() if value is not None}
    client.log_batch(run.info.run_id, metrics=[Metric(key, value, now, 0) for key, value in values.items()])
    client.set_terminated(run.info.run_id, "FINISHED")
    step = (date.fromisoformat(scoring.day) - EPOCH).days
    curves = [Metric(f"{kind}/{key}", value, now, step) for key, value in values.items()]
    client.log_batch(training_run, metrics=curves, tags=[RunTag(f"last_{kind}", scoring.day)])
    dead_runs.end_dead_runs(client, [trained.info.experiment_id])
    return run.info.run_id
