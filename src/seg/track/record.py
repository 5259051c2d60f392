"""What a run has to tell MLflow, kept in its own directory first: a store that is down loses nothing.

In ``<run directory>/tracking/`` lie ``record.json`` (parameters, tags, metrics, curves, times; never changed),
``model/`` (the fitted pipeline as an MLflow model) and ``state.json`` (the id of the run, when it was uploaded, or
why it was not).
"""

from __future__ import annotations

import json
import os
import shutil
import time
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import get_args, get_origin, get_type_hints

from seg.errors import SegError
from seg.sinks.atomic import replacing
from seg.sinks.redaction import redact, redacted

FOLDER = "tracking"
LONGEST_TAG = 5000
PARENT = "mlflow.parentRunId"  # tag of a job of a sweep


@dataclass
class Record:
    """One run as MLflow is to know it.

    Parameters
    ----------
    experiment, run_name : str
    uri : str or None
        The store that was asked for, without a password; None for the one of the project.
    params, tags : dict of str to str
    start_time, end_time : int
        Milliseconds since the epoch.
    status : {"FINISHED", "FAILED", "KILLED"}
    metrics : dict of str to float
    curves : dict of str to list of [step, value]
    data : [name, fingerprint, source, schema, profile]
        Of the data set, for the list of runs; the last three as JSON, see `seg.track.data_input`.
    files : list of str
        What becomes an artifact, relative to the directory of the run.
    model : bool
        Whether a model lies beside the record.
    ids : bool
        Whether hashed customer ids are uploaded.
    min_cell : int
        Fewest customers of a segment in uploaded tables.
    key : str
        Marks the run in the store, so that it is never made twice.
    """

    experiment: str
    run_name: str
    uri: str | None
    params: dict[str, str]
    tags: dict[str, str]
    start_time: int = field(default_factory=lambda: int(time.time() * 1000))
    end_time: int = 0
    status: str = "RUNNING"
    metrics: dict[str, float] = field(default_factory=dict)
    curves: dict[str, list] = field(default_factory=dict)
    data: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    model: bool = False
    ids: bool = True
    min_cell: int = 5
    key: str = field(default_factory=lambda: uuid.uuid4().hex)

    def add(self, params: Mapping = (), tags: Mapping = (), metrics: Mapping = ()) -> None:
        """Add what became known later; NaN is left out, secrets are hidden.

        Parameters
        ----------
        params, tags : mapping
            Kept as text; tags are cut at `LONGEST_TAG` characters.
        metrics : mapping of str to float
        """
        import pandas as pd  # here: who only looks a model up should not wait for it

        self.params |= {name: redact(str(value)) for name, value in dict(params).items()}
        self.tags |= {name: redact(str(value))[:LONGEST_TAG] for name, value in dict(tags).items()}
        self.metrics |= {name: float(value) for name, value in dict(metrics).items() if pd.notna(value)}

    def end(self, status: str) -> None:
        """Record how the run ended, and when."""
        self.status, self.end_time = status, int(time.time() * 1000)


def write(record: Record, folder: Path, save_model=None) -> None:
    """Write a record and its model into the directory of a run, whole or not at all.

    Parameters
    ----------
    save_model : callable, optional
        Called with the folder to save the model to.
    """
    final, unfinished = folder / FOLDER, folder / f".{FOLDER}.{os.getpid()}"
    try:
        unfinished.mkdir(parents=True)
        record.model = save_model is not None
        if save_model is not None:
            save_model(unfinished / "model")
        (unfinished / "record.json").write_text(json.dumps(redacted(asdict(record)), indent=1))
        shutil.rmtree(final, ignore_errors=True)
        unfinished.replace(final)
    except OSError as error:
        raise SegError(
            f"{final}: cannot be written ({error.strerror}); free space or choose another hydra.run.dir"
        ) from None
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def read(folder: Path) -> Record:
    """Read the record of a run.

    Raises
    ------
    SegError
        There is none, it cannot be read, or a file that it names is gone.
    """
    path = folder / FOLDER / "record.json"
    try:
        record = Record(**json.loads(path.read_text()))
    except FileNotFoundError:
        raise SegError(
            f"{folder}: has no {FOLDER}/record.json; expected the directory of a run that was tracked"
        ) from None
    except (ValueError, TypeError, RecursionError) as error:
        raise SegError(
            f"{path}: cannot be read ({error}); run the command of its config.yaml again"
        ) from None
    _check_types(record, path)
    _check_paths(record, folder)
    needed = [*record.files, *([f"{FOLDER}/model/MLmodel"] if record.model else [])]
    gone = [name for name in needed if not (folder / name).exists()]
    if gone:
        raise SegError(
            f"{folder}: {', '.join(gone)} is gone, which the run in MLflow needs; put it back or do the run again"
        )
    return record


def _check_paths(record: Record, folder: Path) -> None:
    """Refuse a record that names files outside the directory of the run: it may come from anywhere.

    Raises
    ------
    SegError
        A path is absolute, leaves the directory, or is a link to a file outside.
    """
    inside = folder.resolve()
    named = [folder / name for name in record.files]
    model = folder / FOLDER / "model"
    for path in [*named, *([model] if record.model else [])]:
        for one in [path, *(path.rglob("*") if path.is_dir() else ())]:
            if not one.resolve().is_relative_to(inside):
                raise SegError(
                    f"{folder}: {FOLDER}/record.json names {one}, which lies outside the directory of the run; nothing was uploaded"
                )


def _check_types(record: Record, path: Path) -> None:
    """Refuse a record whose values are not of the types that seg writes: it may come from anywhere.

    Raises
    ------
    SegError
    """
    for name, kind in get_type_hints(Record).items():
        value, inner = getattr(record, name), get_args(kind)
        parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        of_parts = (float, int) if inner[-1:] == (float,) else inner[-1:]
        fits = isinstance(value, get_origin(kind) if inner and get_origin(kind) in (dict, list) else kind)
        if not fits or not all(isinstance(part, of_parts) for part in parts):
            raise SegError(f"{path}: {name} is not what seg writes; do the run again")


def state(folder: Path) -> dict:
    """Read what became of a record: `run_id`, `uri`, `pushed` (when) and `error`, as far as known."""
    try:
        known = json.loads((folder / FOLDER / "state.json").read_text())
    except (OSError, ValueError, RecursionError):
        return {}
    return known if isinstance(known, dict) else {}


def note(folder: Path, **known: str | None) -> None:
    """Write down what became of a record; what is not given stays."""
    path = folder / FOLDER / "state.json"
    try:
        with replacing(path) as temporary:
            temporary.write_text(json.dumps(redacted(state(folder) | known), indent=1))
    except OSError as error:
        raise SegError(f"{path}: cannot be written ({error.strerror}); free space") from None


def folders(*roots: Path) -> list[Path]:
    """Find the directories of runs that have a record, oldest first."""
    kept = {path.parents[1].resolve() for root in roots for path in root.rglob(f"{FOLDER}/record.json")}
    return sorted(kept)
