"""One MLflow run: its parameters, metrics, curves, files and model.

MLflow takes seconds to import and to open its store, so both happen in a thread beside reading and clustering. What a
run leaves goes to its own directory first and to the store second: a store that is down loses nothing.
"""

from __future__ import annotations

import copy
import functools
import getpass
import importlib
import logging
import os
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from seg.errors import SegError
from seg.sinks.redaction import redact
from seg.track import dead_runs, push, record, store
from seg.track.record import LONGEST_TAG, PARENT, Record

if TYPE_CHECKING:
    import pandas as pd

    from seg.models.placement import Placement
    from seg.sinks.shared_files import Privacy

log = logging.getLogger("seg")
REQUIREMENTS = ("cloudpickle", "numpy", "pandas", "scikit-learn", "scipy")


@dataclass(frozen=True)
class Outcome:
    """What the store is to know of a finished run.

    Parameters
    ----------
    params, tags : mapping
        Known only at the end, such as k when it was chosen.
    metrics : mapping of str to float
        With their space in the name; NaN is left out.
    k_scan : DataFrame
        Curves, logged with ``step=k`` under ``scan/``, so that MLflow overlays the elbows of several runs.
    data : tuple of str
        Name, fingerprint, source, schema and profile of the data, which the list of runs shows.
    placement : Placement
        The model to keep, with the names of its segments.
    example : DataFrame
        Feature rows for its signature: shown to whoever opens the model, so made up, not customers.
    """

    params: Mapping[str, object]
    tags: Mapping[str, object]
    metrics: Mapping[str, float]
    k_scan: pd.DataFrame
    data: tuple[str, ...]
    placement: Placement | None
    example: pd.DataFrame | None


class NoTracker:
    """Track nothing (``tracking=none``)."""

    where = "not tracked (tracking=none)"
    run_id = key = None

    def keep(self, *_, **__) -> None:
        """Take what a finished run leaves, and drop it."""

    def push(self, shared: Path) -> None:
        """Upload nothing."""

    def fail(self, folder: Path, status: str, error: BaseException) -> None:
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
        named = uri or os.environ.get("MLFLOW_TRACKING_URI")
        self._record = Record(experiment, run_name, named and store.hidden(self._uri), {}, {})
        self._record.add(params, {"mlflow.user": _user(), **tags})
        self._model, self._folder = model, None
        self._refused = False
        self._run = self._client = None
        record = copy.deepcopy(self._record)
        _import_polars()
        self._thread = threading.Thread(target=self._start, args=(record,), name="mlflow-start", daemon=True)
        self._thread.start()

    # ---- beside the work ---------------------------------------------------------------------------------------

    def _start(self, record: Record) -> None:
        try:
            if self._model:
                from seg.models import skops_file

                skops_file.skops_io()  # before MLflow has loaded two thousand modules
            self._client = store.client(self._uri)
            experiment_id = store.experiment_id(self._client, self._uri, record.experiment)
            self._run = push.make(self._client, experiment_id, record)
            if PARENT not in record.tags:  # a sweep has looked before its first job
                dead_runs.end_dead_runs(self._client, [experiment_id])
            import mlflow.pyfunc  # noqa: F401 - half a second that saving the model would take otherwise
        except Exception as error:  # tried once more at the end; nothing here may stop the work
            self._client = None
            log.warning("%s; the run goes on, its results stay on disk", store.reason(error, self._uri))

    # ---- at the end --------------------------------------------------------------------------------------------

    @property
    def run_id(self) -> str | None:
        """Id of the run, once it has begun."""
        return self._run and self._run.info.run_id

    @property
    def key(self) -> str:
        """Id that the run has on this machine, whatever the store calls it."""
        return self._record.key

    @property
    def where(self) -> str:
        """Return where the run can be looked at."""
        if self._refused:
            return f"NOT YET; upload it with: seg track push {self._folder}"
        name = f"experiment {self._record.experiment}, run {self._record.run_name}"
        return f"{store.hidden(self._uri)}, {name}"

    def keep(self, folder: Path, files: Iterable[Path], outcome: Outcome, privacy: Privacy) -> None:
        """Write the record of a run into its directory, as the store will know it.

        Parameters
        ----------
        folder : Path
            Directory of the run.
        files : iterable of Path
            Files of the directory that become artifacts.
        outcome : Outcome
        privacy : Privacy
            Whether hashed customer ids may be uploaded, also later, and the fewest customers of a segment in uploaded tables.
        """
        self._record.add(outcome.params, outcome.tags, outcome.metrics)
        # The run was named before k was chosen.
        self._record.run_name = self._record.run_name.replace("k=auto", f"k={outcome.params['k']} (auto)")
        k_scan = outcome.k_scan
        for name in k_scan.columns.drop(["k", "silhouette_n"], errors="ignore"):
            curve = k_scan[["k", name]].dropna()
            steps = zip(curve["k"].tolist(), curve[name].astype(float).tolist(), strict=True)
            self._record.curves[f"scan/{name}"] = [list(step) for step in steps]
        self._record.data = list(outcome.data)
        self._record.ids, self._record.min_cell = privacy.keeps_ids, privacy.min_cell
        self._record.files = sorted(str(path.relative_to(folder)) for path in files)
        self._record.end("FINISHED")
        save = (lambda target: _save(outcome.placement, outcome.example, target)) if self._model else None
        record.write(self._record, folder, save)
        self._folder = folder

    def push(self, shared: Path) -> None:
        """Upload what was kept, with the content of `shared` as artifacts.

        Raises
        ------
        SegError
            The store cannot be reached or refuses; says how to upload later.
        """
        self._thread.join()
        run_id = self._run and self._run.info.run_id
        try:
            push.push(self._folder, shared, self._uri, self._client, run_id)
        except SegError:
            self._refused = True
            raise

    def fail(self, folder: Path, status: str, error: BaseException) -> None:
        """End the run as FAILED or KILLED with the error as a tag; an error of the store is only logged.

        Parameters
        ----------
        folder : Path
            Directory of the run.
        status : {"FAILED", "KILLED"}
        error : BaseException
        """
        try:
            if self._folder is None:  # what is whole stays whole: only its upload was cut short
                self._record.tags["error"] = redact(f"{type(error).__name__}: {error}")[:LONGEST_TAG]
                self._record.end(status)
                record.write(self._record, folder)
                self._folder = folder
                self.push(folder)
            elif self._run is not None:
                self._client.set_terminated(self._run.info.run_id, status)
        except Exception as refused:
            log.warning("%s", refused if isinstance(refused, SegError) else store.reason(refused, self._uri))


def _import_polars() -> None:
    """Import polars, where it is installed, before the thread does with MLflow: scikit-learn fails on a half-imported one."""
    if find_spec("polars"):
        importlib.import_module("polars")


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        return str(os.getuid())


@functools.cache
def _requirements() -> tuple[str, ...]:
    return tuple(f"{name}=={version(name)}" for name in REQUIREMENTS)


@contextmanager
def _pins_unchecked() -> Iterator[None]:
    """Save a model without MLflow's check that the pinned versions are the installed ones.

    They are: `_requirements` reads them. For the check MLflow maps every module of every installed package, a tenth of the
    processor time of a small run, and has no switch for it.
    """
    from mlflow.utils import environment

    name = "warn_dependency_requirement_mismatches"
    check = getattr(environment, name, None)
    if check is None:  # another version of MLflow
        yield
        return
    setattr(environment, name, lambda requirements: None)
    try:
        yield
    finally:
        setattr(environment, name, check)


def _save(placement, example: pd.DataFrame, target: Path) -> None:
    """Save a model for MLflow to serve, and beside it the file that seg loads without running code."""
    import mlflow.pyfunc

    from seg.models import saved, skops_file
    from seg.track import served_model

    # MLflow warns of pickles: the file that seg writes beside this one is what loads without running code.
    logging.getLogger("mlflow.pyfunc").setLevel(logging.ERROR)
    served = placement.portable(skops_file.portable)
    with saved.by_value(served_model), _pins_unchecked():
        mlflow.pyfunc.save_model(
            str(target),
            python_model=served_model.ServedModel(served),
            signature=served_model.signature(placement.features, getattr(placement, "by", None)),
            input_example=example,
            pip_requirements=list(_requirements()),
        )
    name, content = skops_file.save(placement.pipeline)
    (target / name).write_bytes(content)
