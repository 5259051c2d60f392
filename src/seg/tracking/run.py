"""One MLflow run: its parameters, metrics, curves, files and model.

MLflow takes seconds to import and to open its store, so both happen in a thread beside reading and clustering.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

import pandas as pd

from seg.errors import SegError
from seg.tracking import store

log = logging.getLogger("seg")
REQUIREMENTS = ("cloudpickle", "numpy", "pandas", "scikit-learn", "scipy")


class NoTracker:
    """Track nothing (``tracking=none``)."""

    where = "not tracked (tracking=none)"

    def record(self, *_, **__) -> None:
        """Take what a finished run leaves, and drop it."""

    def end(self, status: str, error: BaseException | None = None) -> None:
        """End the run."""


class MLflowTracker:
    """One MLflow run.

    Parameters
    ----------
    uri : str or None
        Of the tracking store; ``MLFLOW_TRACKING_URI`` when None, and without it a SQLite file in the project.
    experiment : str
        Name of the experiment; comparing runs needs them in one.
    run_name : str
    params, tags : mapping of str to str
        Logged at once, so that a run that fails can be found too.
    model : bool
        Whether to keep the fitted pipeline.
    """

    def __init__(
        self,
        uri: str | None,
        experiment: str,
        run_name: str,
        params: Mapping,
        tags: Mapping,
        model: bool = True,
    ):
        self._uri = store.address(uri)
        self._experiment, self._run_name = experiment, run_name
        self._params, self._tags, self._model = dict(params), dict(tags), model
        self._started = int(time.time() * 1000)
        self._failure: Exception | None = None
        self._run = self._client = None
        self._thread = threading.Thread(target=self._start, name="mlflow-start", daemon=True)
        self._thread.start()

    # ---- beside the work ---------------------------------------------------------------------------------------

    def _start(self) -> None:
        try:
            self._client = store.client(self._uri)
            experiment_id = store.experiment_id(self._client, self._uri, self._experiment)
            tags = {key: str(value)[:5000] for key, value in self._tags.items()} | {
                "mlflow.runName": self._run_name
            }
            self._run = self._client.create_run(
                experiment_id, start_time=self._started, run_name=self._run_name, tags=tags
            )
            self._log_params(self._params)
        except Exception as error:  # handed to the caller's thread by _ready
            self._failure = error

    def _log_params(self, params: Mapping) -> None:
        from mlflow.entities import Param

        self._client.log_batch(self._run.info.run_id, params=[Param(k, str(v)) for k, v in params.items()])

    def _ready(self, folder: Path) -> None:
        self._thread.join()
        if self._failure is not None:
            failure, self._failure = self._failure, None
            if isinstance(failure, SegError):
                raise failure
            raise SegError(
                f"tracking.uri={store.hidden(self._uri)}: MLflow cannot open it ({str(failure).splitlines()[0]}); start the server, "
                f"choose another tracking.uri, or run with tracking=none. What this run found is in {folder}"
            ) from failure

    # ---- at the end --------------------------------------------------------------------------------------------

    @property
    def where(self) -> str:
        """Say where the run can be looked at."""
        return f"{store.hidden(self._uri)}, experiment {self._experiment}, run {self._run_name}"

    def record(
        self,
        folder: Path,
        shared: Path,
        params: Mapping[str, object],
        tags: Mapping[str, object],
        metrics: Mapping[str, float],
        k_scan: pd.DataFrame,
        data: tuple[str, str],
        pipeline,
        example: pd.DataFrame,
    ) -> None:
        """Log what a run found.

        Parameters
        ----------
        folder : Path
            Directory of the run, where its results are whatever happens here.
        shared : Path
            Its content becomes the artifacts, in one call.
        params, tags : mapping
            Known only now, such as k when it was chosen.
        metrics : mapping of str to float
            With their space in the name; NaN is left out.
        k_scan : DataFrame
            Curves, logged with ``step=k`` under ``scan/``, so that MLflow overlays the elbows of several runs.
        data : tuple of str
            Name and fingerprint of the data, which the list of runs shows.
        pipeline : Pipeline
            The model to keep.
        example : DataFrame
            Feature rows for its signature: shown to whoever opens the model, so made up, not customers.
        """
        from mlflow.entities import Dataset, DatasetInput, Metric, RunTag

        self._ready(folder)
        run_id, now = self._run.info.run_id, int(time.time() * 1000)
        self._log_params(params)
        values = [Metric(name, float(value), now, 0) for name, value in metrics.items() if pd.notna(value)]
        curves = [
            Metric(f"scan/{name}", float(row[name]), now, int(row["k"]))
            for row in k_scan.to_dict("records")
            for name in k_scan.columns
            if name not in ("k", "silhouette_n") and pd.notna(row[name])
        ]
        told = [RunTag(name, str(value)[:5000]) for name, value in tags.items()]
        everything = values + curves
        for start in range(0, max(len(everything), 1), 1000):  # the limit of one batch
            self._client.log_batch(
                run_id, metrics=everything[start : start + 1000], tags=told if start == 0 else []
            )
        name, fingerprint = data
        digest = Dataset(name, fingerprint[:8] or "generated", source_type="local", source="{}")
        self._client.log_inputs(run_id, datasets=[DatasetInput(digest)])
        self._client.log_artifacts(run_id, str(shared))
        if self._model:
            self._log_model(run_id, pipeline, example)

    def _log_model(self, run_id: str, pipeline, example: pd.DataFrame) -> None:
        import cloudpickle
        import mlflow
        from mlflow.models import infer_signature

        import seg.errors
        import seg.models

        # By value: the saved model then loads where seg is not installed.
        for module in (seg.models, seg.errors):
            cloudpickle.register_pickle_by_value(module)
        try:
            with mlflow.start_run(run_id=run_id, log_system_metrics=False):
                mlflow.sklearn.log_model(
                    pipeline,
                    name="model",
                    # skops, the default, refuses classes that it does not know, such as ours.
                    serialization_format="cloudpickle",
                    signature=infer_signature(example, pipeline.predict(example)),
                    input_example=example,
                    pip_requirements=[f"{name}=={version(name)}" for name in REQUIREMENTS],
                )
        finally:
            for module in (seg.models, seg.errors):
                cloudpickle.unregister_pickle_by_value(module)

    def end(self, status: str, error: BaseException | None = None) -> None:
        """End the run as FINISHED, FAILED or KILLED, with the error as a tag."""
        self._thread.join()
        if self._run is None:
            return
        run_id = self._run.info.run_id
        if error is not None:
            self._client.set_tag(run_id, "error", f"{type(error).__name__}: {error}"[:5000])
        self._client.set_terminated(run_id, status)
