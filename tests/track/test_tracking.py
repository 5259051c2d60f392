"""Results go to the run's directory first and to MLflow second: what a store refuses is uploaded later, once."""

import json
import os
import shutil
import sqlite3

import mlflow
import numpy as np
import pandas as pd
import pytest
from mlflow import MlflowClient
from omegaconf import OmegaConf
from sklearn.cluster import KMeans
from sklearn.pipeline import Pipeline

import command_line
import empty_store
from seg.config import compose, load
from seg.config.overrides import private
from seg.errors import SegError
from seg.sinks.shared_files import Privacy
from seg.track import MLflowTracker, Outcome, push, record, store
from seg.track import __main__ as track

CURVE = pd.DataFrame({"k": [2, 3, 4], "inertia": [9.0, 4.0, 1.0], "bic": [np.nan, 7.0, 5.0]})


@pytest.fixture(scope="module")
def uri(tmp_path_factory):
    """An MLflow store, in which tests have experiments of their own."""
    return empty_store.at(tmp_path_factory.mktemp("store"))


@pytest.fixture
def experiment(request):
    return request.node.name


@pytest.fixture
def folder(tmp_path, experiment):
    """The directory of a run that MLflow did not get."""
    return left(tmp_path / "run", experiment)


def left(folder, experiment, uri=None):
    folder.mkdir(parents=True)
    (folder / "segments.csv").write_text("segment\n0\n1\n")
    pd.DataFrame({"customer_id": ["a", "b"], "segment": [0, 1]}).to_parquet(folder / "assignments.parquet")
    kept = record.Record(experiment, "toy kmeans k=2", uri, {"k": "2"}, {"flagged": "no"}, start_time=1000)
    kept.add(metrics={"own/silhouette": 0.5, "own/bic": float("nan")})
    kept.curves = {"scan/inertia": [[2, 9.0], [3, 4.0]]}
    kept.data, kept.files = ["toy", "0123456789"], ["assignments.parquet", "segments.csv"]
    kept.status, kept.end_time = "FINISHED", 5000
    record.write(kept, folder, save_model)
    return folder


def save_model(target):
    table = pd.DataFrame({"orders": [1.0, 2.0, 9.0, 10.0]})
    pipeline = Pipeline([("cluster", KMeans(2, random_state=0, n_init=1))]).fit(table)
    mlflow.sklearn.save_model(
        pipeline, str(target), serialization_format="cloudpickle", pip_requirements=["scikit-learn"]
    )


def runs(uri, experiment):
    client = MlflowClient(tracking_uri=uri)
    return client, client.search_runs([client.get_experiment_by_name(experiment).experiment_id])


def test_a_push_brings_times_status_numbers_files_and_the_model(folder, uri, experiment, tmp_path):
    assert track.main(["push", str(folder), f"tracking.uri={uri}"]) == 0
    client, (run,) = runs(uri, experiment)
    assert (run.info.start_time, run.info.end_time, run.info.status) == (1000, 5000, "FINISHED")
    assert run.info.run_name == "toy kmeans k=2" and run.data.params == {"k": "2"}
    assert run.data.metrics == {"own/silhouette": 0.5, "scan/inertia": 4.0}
    curve = client.get_metric_history(run.info.run_id, "scan/inertia")
    assert sorted((point.step, point.value) for point in curve) == [(2, 9.0), (3, 4.0)]
    assert {item.path for item in client.list_artifacts(run.info.run_id)} >= {
        "assignments.parquet",
        "segments.csv",
    }
    logged = pd.read_parquet(client.download_artifacts(run.info.run_id, "assignments.parquet", str(tmp_path)))
    assert logged["segment"].tolist() == [0, 1] and not {"a", "b"} & set(logged["customer_id"])
    mlflow.set_tracking_uri(uri)
    model = mlflow.pyfunc.load_model(f"runs:/{run.info.run_id}/model")
    assert len(set(model.predict(pd.DataFrame({"orders": [1.0, 9.0]})))) == 2
    assert model.metadata.run_id == run.info.run_id


def test_a_run_is_pushed_once_even_when_nobody_remembers_that_it_was(folder, uri, experiment, capsys):
    for _ in range(2):
        assert track.main(["push", str(folder), f"tracking.uri={uri}"]) == 0
    (folder / "tracking" / "state.json").unlink()
    assert track.main(["push", str(folder), f"tracking.uri={uri}"]) == 0
    assert len(runs(uri, experiment)[1]) == 1
    assert track.main(["push", str(folder)]) == 0
    assert "already" in capsys.readouterr().out


def test_a_run_that_was_begun_is_finished_and_no_second_one_made(folder, uri, experiment):
    """As a server leaves it that dies in the middle: RUNNING, a part of the numbers there."""
    kept, client = record.read(folder), store.client(uri)
    begun = push.make(client, store.experiment_id(client, uri, experiment), kept)
    client.log_metric(begun.info.run_id, "own/silhouette", 0.5, timestamp=5000, step=0)
    assert begun.info.status == "RUNNING"
    assert track.main(["push", str(folder), f"tracking.uri={uri}"]) == 0
    client, (run,) = runs(uri, experiment)
    assert (run.info.run_id, run.info.status) == (begun.info.run_id, "FINISHED")
    assert len(client.get_metric_history(run.info.run_id, "own/silhouette")) == 1


def test_what_waits_is_listed_with_its_reason_and_pushed_by_default(
    tmp_path, uri, experiment, capsys, monkeypatch
):
    monkeypatch.setenv("SEG_HOME", str(tmp_path))
    closed = "http://127.0.0.1:9"
    first = left(tmp_path / "runs" / "day" / "first", experiment, closed)
    left(tmp_path / "multirun" / "day" / "sweep" / "0", experiment, closed)
    assert track.main(["push"]) == 1
    said = capsys.readouterr()
    assert "0 uploaded, 2 not" in said.out and said.err.count("no server answers there") == 2
    assert track.main(["list"]) == 0
    listed = capsys.readouterr().out
    assert str(first) in listed and "2 to upload" in listed and "no server answers" in listed
    assert track.main(["push", f"tracking.uri={uri}"]) == 0
    assert len(runs(uri, experiment)[1]) == 2
    assert track.main(["list"]) == 0
    assert "0 to upload" in capsys.readouterr().out


def sqlite(path, *statements):
    with sqlite3.connect(path) as opened:
        for statement in statements:
            opened.execute(statement)
    opened.close()
    return f"sqlite:///{path}"


def newer(path, uri):
    shutil.copyfile(uri.removeprefix("sqlite:///"), path)
    return sqlite(path, "update alembic_version set version_num = 'ffffffffffff'")


def read_only(path, uri):
    # Root may write anywhere: a store that says what a read-only one says.
    shutil.copyfile(uri.removeprefix("sqlite:///"), path)
    return sqlite(
        path,
        "create trigger no before insert on runs begin select raise(abort, 'attempt to write a readonly database'); end",
    )


def text(path):
    path.write_text("no database" * 100)
    return f"sqlite:///{path}"


REFUSED = {
    "an address with file:": (
        lambda path, uri: f"sqlite:///file:{path}?mode=ro&uri=true", "expected the path of a SQLite file, such as sqlite:///mlflow.db or sqlite:////data",
    ),
    "port closed": (lambda path, uri: "http://ana:geheim@127.0.0.1:9", "no server answers there; start it"),
    "PostgreSQL is down": (lambda path, uri: "postgresql://ana:geheim@127.0.0.1:9/mlflow", "no server answers there"),
    "no folder": (lambda path, uri: f"sqlite:///{path}/mlflow.db", "there is no folder .*mlflow.db; make it"),
    "read-only": (read_only, "the store is read-only; give yourself the right"),
    "not a database": (lambda path, uri: text(path), "is not a SQLite file; choose another"),
    "another program's": (
        lambda path, uri: sqlite(path, "create table invoices (id)"), r"belongs to another program \(it has the tables invoices\)",
    ),
    "another version's": (newer, "made by another version of MLflow; back it up"),
    "file store": (lambda path, uri: f"file://{path.parent}/mlruns", "MLflow refused"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_a_store_that_refuses_is_said_in_one_sentence_and_nothing_is_lost(case, folder, uri, tmp_path):
    store.client(uri).search_experiments()
    make, expected = REFUSED[case]
    bad = make(tmp_path / "mlflow.db", uri)
    with pytest.raises(SegError, match=expected) as said:
        push.push(folder, folder, bad)
    assert f"seg track push {folder}" in str(said.value)
    assert "geheim" not in str(said.value) and "\n" not in str(said.value)
    state = (folder / "tracking" / "state.json").read_text()
    assert "pushed" not in json.loads(state) and "geheim" not in state
    assert record.read(folder).status == "FINISHED"
    assert push.push(folder, folder, uri)


def test_a_certificate_that_is_not_trusted_is_not_called_a_server_that_is_down():
    error = OSError(
        "Max retries exceeded (Caused by SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED] ...')))"
    )
    assert "its certificate is not trusted; set MLFLOW_TRACKING_SERVER_CERT_PATH" in store.reason(
        error, "https://db"
    )


def test_a_file_that_may_not_be_written_is_refused_before_mlflow_tries(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda place, mode: False)  # root may write anywhere
    with pytest.raises(SegError, match="cannot be written; give yourself the right"):
        store.client(f"sqlite:///{tmp_path}/mlflow.db")


def test_a_deleted_experiment_is_named(folder, uri, experiment):
    client = store.client(uri)
    client.delete_experiment(store.experiment_id(client, uri, experiment))
    with pytest.raises(
        SegError, match=f"tracking.experiment={experiment}: it is deleted .*choose another name"
    ):
        push.push(folder, folder, uri)


def test_artifacts_that_cannot_be_written_are_said_with_their_place(folder, uri, experiment, tmp_path):
    (tmp_path / "file").write_text("")
    client = store.client(uri)
    client.create_experiment(experiment, artifact_location=str(tmp_path / "file" / "artifacts"))
    with pytest.raises(SegError, match=r"artifacts cannot be written to .*/file.* \(Not a directory\)"):
        push.push(folder, folder, uri)
    (tmp_path / "file").unlink()
    push.push(folder, folder, uri)
    (run,) = runs(uri, experiment)[1]
    assert run.info.status == "FINISHED"


def test_a_file_that_is_gone_and_a_folder_without_a_record_are_named(folder, uri, tmp_path, capsys):
    (folder / "segments.csv").unlink()
    assert track.main(["push", str(folder), str(tmp_path / "nothing"), f"tracking.uri={uri}"]) == 1
    said = capsys.readouterr().err
    assert "segments.csv is gone" in said and "has no tracking/record.json" in said


def test_a_run_that_fails_while_the_store_is_down_is_recorded_as_failed(uri, experiment, tmp_path):
    tracker = MLflowTracker("http://127.0.0.1:9", experiment, "toy kmeans k=99", {"k": 99}, {})
    tracker.fail(tmp_path, "FAILED", SegError("k=99: there are only 9 customers"))
    assert track.main(["push", str(tmp_path), f"tracking.uri={uri}"]) == 0
    (run,) = runs(uri, experiment)[1]
    assert run.info.status == "FAILED" and "only 9 customers" in run.data.tags["error"]


@pytest.mark.parametrize(
    "address",
    ["postgresql://ana:geheim@db/mlflow", "http://ana:ge@heim@db:5000", "postgresql://db/mlflow?user=ana&password=geheim"],
)  # fmt: skip
def test_a_password_is_kept_out_of_overrides_and_texts(address, monkeypatch):
    monkeypatch.delenv("SEG_TRACKING_URI", raising=False)
    assert private(f"tracking.uri={address}") == "tracking.uri=${oc.env:SEG_TRACKING_URI}"
    assert os.environ["SEG_TRACKING_URI"] == address
    shown = store.hidden(f"cannot open {address}, sorry")
    assert "heim" not in shown and shown.endswith("sorry") and "db" in shown


def test_a_secret_of_spark_is_kept_out_of_overrides_and_one_that_a_file_writes_out_is_refused(monkeypatch):
    monkeypatch.delenv("SEG_A_SECRET_KEY", raising=False)
    moved = private("engine.conf={a.secret.key: 'g h', spark.x: 2}")
    assert moved == "engine.conf={a.secret.key: ${oc.env:SEG_A_SECRET_KEY}, spark.x: 2}"
    assert os.environ["SEG_A_SECRET_KEY"] == "g h"
    assert private(moved) == moved
    two = private("engine.conf={a: {secret.key: pa$$}, b: {secret.key: word}}")
    assert (
        two
        == "engine.conf={a: {secret.key: ${oc.env:SEG_SECRET_KEY}}, b: {secret.key: ${oc.env:SEG_SECRET_KEY_}}}"
    )
    assert (os.environ.pop("SEG_SECRET_KEY"), os.environ.pop("SEG_SECRET_KEY_")) == ("pa$$", "word")
    load.prepare_environment()
    cfg = compose.compose(["dataset=toy", "engine=spark", "engine.conf={a.secret.key: geheim}"])
    assert "geheim" not in OmegaConf.to_yaml(cfg) and "geheim" in str(load.settings(cfg).engine.conf)
    for written in ({"a.secret.key": "geheim"}, {"a": {"Password": "geheim"}}):
        cfg.engine.conf = written
        with pytest.raises(
            SegError, match=r"engine.conf: a.(secret.key|Password): a secret in plain text would be saved"
        ):
            load.settings(cfg)


def test_a_run_goes_to_the_server_that_its_environment_named_and_to_no_other(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "postgresql://ana:geheim@127.0.0.1:9/db")
    tracker = MLflowTracker(None, "e", "toy", {}, {}, model=False)
    outcome = Outcome({"k": 2}, {}, {}, pd.DataFrame({"k": [2]}), ("toy", "0"), None, None)
    tracker.keep(tmp_path, [], outcome, Privacy())
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    assert track.main(["push", str(tmp_path)]) == 1
    said = capsys.readouterr().err
    assert "is meant for postgresql://...@127.0.0.1:9/db" in said and "geheim" not in said


def test_a_run_without_its_server_ends_with_the_command_that_uploads_it(uri, experiment, tmp_path, capsys):
    """As a person meets it, password in the address and all."""
    folder, address = tmp_path / "run", "http://ana:geheim@127.0.0.1:9"
    options = [
        "dataset=toy",
        "dataset.customers=200",
        "k=3",
        "selection.k_range=[3]",
        f"tracking.experiment={experiment}",
    ]
    done = command_line.run("seg.run", *options, f"tracking.uri={address}", f"hydra.run.dir={folder}")
    said = done.stdout + done.stderr
    assert done.returncode == 1 and "Traceback" not in said and "geheim" not in said
    assert "no server answers there" in said and f"seg track push {folder}" in said
    assert (folder / "report.html").is_file()
    held = [path for path in folder.rglob("*") if path.is_file() and b"geheim" in path.read_bytes()]
    assert held == []
    assert track.main(["push", str(folder)]) == 1
    assert "password is not stored; pass the address again" in capsys.readouterr().err
    assert track.main(["push", str(folder), f"tracking.uri={uri}"]) == 0
    (run,) = runs(uri, experiment)[1]
    assert run.info.status == "FINISHED" and run.data.params["dataset"] == "toy"
