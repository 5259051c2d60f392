"""From the name of a model to its files: an alias, a version, a run, or the directory of a run.

models:/seg-flo@champion    models:/seg-flo/3    runs:/<run id>/model    <run id>    runs/2026-11-22/...
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from seg.errors import SegError, listed
from seg.sinks import redaction
from seg.track import model_registry, store

FORMS = (
    "models:/seg-flo@champion, models:/seg-flo/3, runs:/<run id>/model, a run id or its first characters, or the directory "
    "of a run"
)
# The beginning of an id is what tables of runs show.
RUN_ID = re.compile(r"(?:runs:/)?([0-9a-f]{6,32})(?:/model)?")
REGISTERED = re.compile(r"models:/(?P<name>[^@/]+)(?:@(?P<alias>[^@/]+)|/(?P<version>\d+))")
LOGGED = re.compile(r"models:/(m-[0-9a-f]{32})")
# What a run keeps of its model: the pipeline, what scoring needs to know, how the features came about.
# The first that is there; a pickle is written where skops cannot write a part.
MODELS, BESIDE = ("model.skops", "model.pkl"), ("scoring.json", "config.yaml")


@dataclass(frozen=True)
class Found:
    """Where the files of a model are, on this machine.

    Parameters
    ----------
    label : str
        What it is, for people: ``seg-flo version 3 (champion)``.
    run_id : str or None
        Of the run that trained it; None for a directory.
    model, contract, config : Path
        The fitted pipeline, ``scoring.json`` and ``config.yaml``.
    """

    label: str
    run_id: str | None
    model: Path
    contract: Path
    config: Path


def find(reference: str, uri: str | None, into: Path) -> Found:
    """Find a model, and bring its files to this machine.

    Parameters
    ----------
    reference : str
        See the head of this module.
    uri : str or None
        Of the tracking store, as in `store.address`.
    into : Path
        Folder for what has to be fetched.

    Raises
    ------
    SegError
        There is no such model, one of its files is gone, or the store cannot be reached.
    """
    folder = Path(reference).expanduser()
    if folder.is_dir():
        return _in_folder(folder)
    if not any(form.fullmatch(reference) for form in (RUN_ID, REGISTERED, LOGGED)):
        raise SegError(f"model={reference}: no such directory, and no name of a model; expected {FORMS}")
    return _in_store(reference, store.address(uri), into)


def find_beside(reference: str, uri: str | None, into: Path) -> Found:
    """Do as `find`, in a process beside this one, which meanwhile imports what models are made of.

    MLflow takes two seconds to import: more than it takes to score a million customers.

    Parameters
    ----------
    reference : str
        See `find`.
    uri : str or None
        Of the tracking store.
    into : Path
        Folder for downloads.

    Returns
    -------
    Found

    Raises
    ------
    SegError
        There is no such model, or the store cannot be reached.
    """
    # Of many brands in one command, the first has imported MLflow for all.
    if Path(reference).expanduser().is_dir() or "mlflow.tracking" in sys.modules:
        return find(reference, uri, into)
    # By a pipe: every user of the machine can read the arguments of a process, and the address may hold a password.
    line = [sys.executable, "-m", __name__]
    with subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        process.stdin.write(json.dumps([reference, store.address(uri), str(into)]))
        process.stdin.close()
        import sklearn.cluster
        import sklearn.compose  # noqa: F401

        output = process.stdout.read().strip()
    answer = json.loads(output.splitlines()[-1]) if output else {}
    if "label" not in answer:
        raise SegError(answer.get("error", f"model={reference}: MLflow stopped without an answer"))
    paths = {name: Path(answer.pop(name)) for name in ("model", "contract", "config")}
    return Found(**answer, **paths)


def _in_folder(folder: Path) -> Found:
    # A tracked run keeps its model in the form of the store, any other beside its tables.
    models = [place / name for name in MODELS for place in (folder, folder / "tracking" / "model")]
    model = next((path for path in models if path.is_file()), None)
    gone = [name for name in BESIDE if not (folder / name).is_file()] + ([] if model else [MODELS[0]])
    if gone:
        raise SegError(
            f"model={folder}: {', '.join(gone)} is missing; expected the directory of a run that kept its model "
            "(tracking.model=true), or the run's id, whose model is in MLflow"
        )
    return Found(str(folder), None, model, *(folder / name for name in BESIDE))


def _in_store(reference: str, uri: str, into: Path) -> Found:
    from mlflow.exceptions import MlflowException

    try:
        client = store.client(uri)
        label, run_id, model_id = _resolve(client, reference, uri)
        run = client.get_run(run_id)
        if model_id is None:
            model_id = _model_of(run, reference)
        logged = client.get_logged_model(model_id)
    except SegError:
        raise
    except MlflowException as error:
        if error.error_code == "RESOURCE_DOES_NOT_EXIST":
            raise SegError(
                f"model={reference}: not in {store.hidden(uri)} ({_first_line(error)}); expected {FORMS}, and the "
                "store that has it (tracking.uri=..., or MLFLOW_TRACKING_URI)"
            ) from None
        raise _unreachable(uri, error) from error
    except Exception as error:
        raise _unreachable(uri, error) from error
    fetch = _fetcher(reference, into)
    model = fetch(logged.artifact_location, _kept(logged.artifact_location))
    return Found(label, run_id, model, *(fetch(run.info.artifact_uri, name) for name in BESIDE))


def _kept(location: str) -> str:
    """Return which file of a model the store has: the one that loads without running code, where there is one."""
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

    try:
        present = {one.path for one in get_artifact_repository(location).list_artifacts()}
    except Exception:  # the store says what is wrong with it when the file is fetched
        present = set()
    return next((name for name in MODELS if name in present), MODELS[0])


def _resolve(client, reference: str, uri: str) -> tuple[str, str, str | None]:
    """Return what a reference names: a label, the run, and the model where the reference tells it."""
    run_id = RUN_ID.fullmatch(reference)
    if run_id:
        run = _complete_id(client, run_id[1], uri)
        return f"run {run}", run, None
    model_id = LOGGED.fullmatch(reference)
    if model_id:
        return f"model {model_id[1]}", client.get_logged_model(model_id[1]).source_run_id, model_id[1]
    version = _version(client, uri, **REGISTERED.fullmatch(reference).groupdict())
    known_as = f" ({', '.join(sorted(version.aliases))})" if version.aliases else ""
    source = LOGGED.fullmatch(version.source or "")
    label = f"{version.name} version {version.version}{known_as}"
    return label, version.run_id, source[1] if source else None


def _complete_id(client, begins: str, uri: str) -> str:
    """Complete the id of a run from its first characters."""
    if len(begins) == 32:
        return begins
    everywhere = [one.experiment_id for one in client.search_experiments()]
    runs = client.search_runs(everywhere, f"attributes.run_id LIKE '{begins}%'", max_results=2)
    if len(runs) != 1:
        problem = f"{len(runs)} or more run ids begin with it" if runs else "no run id begins with it"
        raise SegError(f"model={begins}: {problem} in {store.hidden(uri)}; expected {FORMS}")
    return runs[0].info.run_id


def _version(client, uri: str, name: str, alias: str | None, version: str | None):
    """Find a version of a registered model, or say which there are."""
    from mlflow.exceptions import MlflowException

    try:
        if alias is None:
            return client.get_model_version(name, version)
        return client.get_model_version_by_alias(name, alias)
    except MlflowException as error:
        if error.error_code not in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
            raise
    names = [model.name for model in client.search_registered_models()]
    if name not in names:
        raise SegError(
            f"model=models:/{name}: not registered in {store.hidden(uri)}, which has {listed(name, names)}; "
            f"register a run with seg compare promote run=<run id>{model_registry.old_names(names)}"
        )
    if alias is not None:
        aliases = client.get_registered_model(name).aliases
        raise SegError(
            f"model=models:/{name}@{alias}: no version has that alias; {name} has {listed(alias, aliases)}"
        )
    versions = [one.version for one in client.search_model_versions(f"name = '{name}'")]
    raise SegError(f"model=models:/{name}/{version}: no such version; {name} has {listed(version, versions)}")


def _model_of(run, reference: str) -> str:
    models = run.outputs.model_outputs if run.outputs else []
    if not models:
        raise SegError(
            f"model={reference}: the run ({run.info.status}) has no model; choose one that was run to its end with tracking.model=true"
        )
    return models[-1].model_id


def _fetcher(reference: str, into: Path) -> Callable[[str, str], Path]:
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

    def fetch(location: str, name: str) -> Path:
        try:
            return Path(get_artifact_repository(location).download_artifacts(name, str(into)))
        except Exception as error:  # each kind of artifact store raises its own
            raise SegError(
                f"model={reference}: its {name} cannot be read from {store.hidden(location)} ({_first_line(error)}); "
                "it was deleted: choose another version, or train it again"
            ) from error

    return fetch


def _unreachable(uri: str, error: Exception) -> SegError:
    return SegError(
        f"{store.reason(error, uri)}; tracking.uri=... or MLFLOW_TRACKING_URI name the store that has the model"
    )


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:300]


if __name__ == "__main__":  # the other end of find_beside
    try:
        redaction.install()
        reference, uri, into = json.load(sys.stdin)
        answer = asdict(find(reference, uri, Path(into)))
    except SegError as error:
        answer = {"error": str(error)}
    print(json.dumps(answer, default=str))
