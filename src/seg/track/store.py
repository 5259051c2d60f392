"""The tracking store: where it is, how it is opened, and the experiment in it."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import sqlite3
from pathlib import Path
from urllib.parse import quote

from seg.config.folders import home
from seg.errors import SegError
from seg.sinks import redaction
from seg.track import sqlite_store, view
from seg.track.sqlite_store import SQLITE

SCHEMES = ("sqlite", "http", "https", "postgresql", "mysql", "mssql", "databricks", "file")
# What stores say when they refuse, and what it means for whoever reads it.
REFUSALS = {
    r"CERTIFICATE_VERIFY|certificate verify failed": (
        "its certificate is not trusted",
        "set MLFLOW_TRACKING_SERVER_CERT_PATH to the certificate of its authority (a file)",
    ),
    r"readonly database|read-only": (
        "the store is read-only",
        "give yourself the right to write, or choose another tracking.uri",
    ),
    r"unable to open database file": (
        "the file cannot be opened",
        "check the folder and your rights, or choose another tracking.uri",
    ),
    r"database or disk is full|No space left|File too large|Disk quota": (
        "the disk of the store is full",
        "free space",
    ),
    r"database is locked": ("another program holds the file", "end it"),
    r"Can't locate revision|out-of-date database schema": (
        "it was made by another version of MLflow",
        "back it up and run mlflow db upgrade with the newer of the two, or choose another tracking.uri",
    ),
    r"password authentication failed|error code 40[13]|status code 40[13]|no password supplied": (
        "it refuses the name or the password",
        "give both in MLFLOW_TRACKING_URI (a database) or in MLFLOW_TRACKING_USERNAME and _PASSWORD (a server)",
    ),
    r"No module named 'psycopg": (
        "the driver of PostgreSQL is missing",
        "pip install 'seg[postgres]'",
    ),
    r"Connection refused|Max retries exceeded|could not connect|Connection to .* timed out|"
    r"Name or service not known|could not translate host|Connection aborted|Connection reset": (
        "no server answers there",
        "start it or check the address",
    ),
}


def address(uri: str | None = None) -> str:
    """Return the address of the store: `uri`, or ``MLFLOW_TRACKING_URI``, or ``mlflow.db`` in `folders.home`; its path absolute."""
    uri = uri or os.environ.get("MLFLOW_TRACKING_URI") or f"{SQLITE}{home() / 'mlflow.db'}"
    redaction.remember(uri)
    path = file(uri)
    return redaction.encoded(uri) if path is None else f"{SQLITE}{path.absolute()}"


def client(uri: str, write: bool = True):
    """Open a store; MLflow takes seconds to import, so nobody imports it before this.

    Raises
    ------
    SegError
        It is a SQLite file that cannot be written (where it has to be), or that belongs to another program.
    """
    check(uri, write)
    _quiet()
    _answers(uri)
    path = file(uri)
    if path is not None:
        sqlite_store.make_store(path)
    import mlflow

    mlflow.set_tracking_uri(uri)
    # Where nothing is set, MLflow would ask the session of Spark for its registry, and fail where that has died.
    registry = os.environ.get("MLFLOW_REGISTRY_URI") or (None if uri.startswith("databricks") else uri)
    return mlflow.MlflowClient(tracking_uri=uri, registry_uri=registry)


def experiment_id(client, uri: str, name: str) -> str:
    """Find or make an experiment.

    Parameters
    ----------
    client : MlflowClient
    uri : str
        Of the store: one without a server keeps artifacts beside its file.
    name : str

    Returns
    -------
    str

    Raises
    ------
    SegError
        It is deleted.
    """
    from mlflow.exceptions import MlflowException

    experiment = client.get_experiment_by_name(name)
    if experiment is None:
        # Without a server nobody else says where artifacts go: they would land in the current directory.
        path = file(uri)
        beside = None if uri.startswith("http") else str((path.parent if path else home()) / "mlartifacts")
        try:
            tags = {"mlflow.experimentKind": "custom_model_development", view.TAG: view.saved()}
            return client.create_experiment(name, artifact_location=beside, tags=tags)
        except MlflowException:
            experiment = client.get_experiment_by_name(name)
            if experiment is None:
                raise
            # another job was first
    if experiment.lifecycle_stage == "deleted":
        raise SegError(
            f"tracking.experiment={name}: it is deleted in {hidden(uri)}; restore it there or choose another name"
        )
    if view.TAG not in experiment.tags:  # made by hand, or by a seg without views
        client.set_experiment_tag(experiment.experiment_id, view.TAG, view.saved())
    return experiment.experiment_id


def hidden(text: str) -> str:
    """Return an address, or any text, without its secrets.

    >>> hidden("postgresql://ana:secret@db/mlflow and http://db:5000")
    'postgresql://...@db/mlflow and http://db:5000'
    """
    return redaction.redact(text)


def metric_name(text: str) -> str:
    """Leave only the characters that MLflow takes in the name of a metric."""
    return re.sub(r"[^\w\-. :/]", "_", text)[:250]


def reason(error: Exception, uri: str) -> str:
    """Describe in one sentence why a store did not take a run, and what to do."""
    if isinstance(error, SegError):
        return str(error)
    text = hidden(f"{error} {error.__cause__ or ''}")
    start = f"tracking.uri={hidden(uri)}"
    for sign, (what, mend) in REFUSALS.items():
        if re.search(sign, text, re.IGNORECASE | re.DOTALL):
            return f"{start}: {what}; {mend}"
    if isinstance(error, OSError) and error.filename:
        what = f"its artifacts cannot be written to {error.filename} ({error.strerror})"
        return f"{start}: {what}; correct that, or choose another tracking.experiment with artifacts in another place"
    first = next((line.strip() for line in text.splitlines() if line.strip()), type(error).__name__)
    return f"{start}: MLflow refused ({first}); correct that, choose another tracking.uri, or run with tracking=none"


def file(uri: str) -> Path | None:
    """Return the file of a SQLite store; None of any other."""
    path = uri.removeprefix(SQLITE)
    plain = uri.startswith(SQLITE) and path and not path.startswith(("file:", ":memory:")) and "?" not in path
    return Path(path) if plain else None


def check_possible(uri: str) -> None:
    """Refuse an address that no store can ever have, before the work of a run.

    Raises
    ------
    SegError
        It is a folder in the place of a SQLite file, an address of SQLite with ``file:``, in memory, or of a kind that MLflow does
        not know.
    """
    scheme, colon, _ = uri.partition("://")
    if colon and scheme.partition("+")[0] not in SCHEMES:
        raise SegError(
            f"tracking.uri={uri}: unknown kind of store {scheme!r}; expected one of {', '.join(f'{one}://' for one in SCHEMES)}"
        )
    place = uri.removeprefix(SQLITE)
    if uri.startswith(SQLITE) and place.startswith(("file:", ":memory:")):
        # MLflow would make a folder of the name "file:" in the current one; what is in memory is gone with the command.
        raise SegError(
            f"tracking.uri={uri}: expected the path of a SQLite file, such as {SQLITE}mlflow.db or {SQLITE}/data/mlflow.db; to keep nothing, "
            "run with tracking=none"
        )
    path = file(uri)
    if path is not None and path.is_dir():
        raise SegError(
            f"tracking.uri={uri}: {path} is a folder; expected a file in it, such as {SQLITE}{path}/mlflow.db"
        )


def check(uri: str, write: bool = True) -> None:
    """Refuse a SQLite file that MLflow would fail on with a traceback, or quietly add its tables to.

    Raises
    ------
    SegError
    """
    check_possible(uri)
    path = file(uri)
    if path is None:
        return
    start = f"tracking.uri={uri}"
    if not path.parent.is_dir():
        raise SegError(f"{start}: there is no folder {path.parent}; make it or choose another tracking.uri")
    for place in (path, path.parent):  # SQLite writes its journal beside the file
        if write and place.exists() and not os.access(place, os.W_OK):
            raise SegError(
                f"{start}: {place} cannot be written; give yourself the right to, or choose another tracking.uri"
            )
    if not path.exists() or path.stat().st_size == 0:
        return
    try:
        with contextlib.closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True)) as opened:
            tables = {
                name for (name,) in opened.execute("select name from sqlite_master where type = 'table'")
            }
    except sqlite3.DatabaseError as error:
        if "not a database" not in str(error):
            return  # locked, or being made: MLflow waits
        raise SegError(f"{start}: {path} is not a SQLite file; choose another tracking.uri") from None
    if tables and sqlite_store.is_half_made(path):
        raise SegError(
            f"{start}: the tables of {path} were never finished, because the process that made them was killed; no run is in it: "
            "delete the file, and seg creates a new store"
        )
    if tables and not tables & {"experiments", "alembic_version"}:
        few = ", ".join(sorted(tables)[:3])
        raise SegError(
            f"{start}: {path} belongs to another program (it has the tables {few}); choose another tracking.uri"
        )


def _answers(uri: str) -> None:
    """Connect to a database server once: MLflow itself would try for a hundred seconds before it says that there is none."""
    if not uri.startswith(("postgresql", "mysql")):
        return
    import sqlalchemy

    engine = sqlalchemy.create_engine(uri, connect_args={"connect_timeout": 10})
    try:
        engine.connect().close()
    finally:
        engine.dispose()


def _quiet() -> None:
    """Silence what is not about the run: schema migrations, dependency hints."""
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    # A server that is down is said so after seconds, not after minutes of retries.
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "20")
    logging.getLogger("urllib3.connectionpool").setLevel(logging.ERROR)
    for name in (
        "alembic",
        "mlflow.tracking",
        "mlflow.models.model",
        "mlflow.sklearn",
        "mlflow.store.model_registry",
    ):
        logging.getLogger(name).setLevel(logging.ERROR)
    # It logs whole tracebacks of what it then raises, and we say in a sentence.
    logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)
