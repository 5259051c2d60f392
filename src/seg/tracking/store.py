"""The tracking store: where it is, how it is opened, and the experiment in it."""

from __future__ import annotations

import logging
import os
import re
from pathlib import Path

from seg.errors import SegError

ROOT = Path(__file__).resolve().parents[3]


def address(uri: str | None = None) -> str:
    """Name the store: `uri`, or ``MLFLOW_TRACKING_URI``, or a SQLite file in the project."""
    return uri or os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{ROOT / 'mlflow.db'}"


def client(uri: str):
    """Open a store; MLflow takes seconds to import, so nobody imports it before this."""
    _quiet()
    import mlflow
    import mlflow.sklearn

    mlflow.set_tracking_uri(uri)
    return mlflow.MlflowClient(tracking_uri=uri)


def experiment_id(client, uri: str, name: str) -> str:
    """Find or make an experiment.

    Raises
    ------
    SegError
        It is deleted.
    """
    from mlflow.exceptions import MlflowException

    found = client.get_experiment_by_name(name)
    if found is None:
        # A local store keeps artifacts beside itself; without this they would land in the current directory.
        beside = str(_beside(uri)) if uri.startswith("sqlite:") else None
        try:
            return client.create_experiment(
                name, artifact_location=beside, tags={"mlflow.experimentKind": "custom_model_development"}
            )
        except MlflowException:
            found = client.get_experiment_by_name(name)  # another job was first
    if found is None or found.lifecycle_stage == "deleted":
        raise SegError(
            f"tracking.experiment={name}: it is deleted in {hidden(uri)}; restore it there or choose another name"
        )
    return found.experiment_id


def _beside(uri: str) -> Path:
    return Path(uri.removeprefix("sqlite:///")).resolve().parent / "mlartifacts"


def hidden(uri: str) -> str:
    """Leave out the password of an address."""
    return re.sub(r"//[^/@]*@", "//...@", uri)


def _quiet() -> None:
    """Silence what is not about the run: schema migrations, dependency hints."""
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    # A server that is down is said so after seconds, not after minutes of retries.
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "20")
    logging.getLogger("urllib3.connectionpool").setLevel(logging.ERROR)
    for name in (
        "alembic",
        "mlflow.store.db.utils",
        "mlflow.tracking",
        "mlflow.models.model",
        "mlflow.sklearn",
    ):
        logging.getLogger(name).setLevel(logging.ERROR)
