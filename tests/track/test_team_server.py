"""A team's store: PostgreSQL behind an MLflow server, both started for real on loopback, and what happens when it dies."""

import contextlib
import os
import signal
import sys
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import mlflow
import pandas as pd
import pytest
from mlflow import MlflowClient

import command_line
import local_servers
from seg.track import __main__ as track
from seg.track import ui


@pytest.fixture(scope="module")
def database(postgres):
    """Return the address of an empty database, password and all."""
    return local_servers.new_database(postgres, "mlflow")


@contextlib.contextmanager
def server(backend: str, artifacts: Path, port: int):
    """Run an MLflow server as the README says; the password in the environment, not on the command line."""
    line = [
        sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1",
        "--artifacts-destination", str(artifacts),
    ]  # fmt: skip

    def ready() -> bool:
        with (
            contextlib.suppress(OSError),
            urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5),
        ):
            return True
        return False

    with local_servers.started(
        line, ready, env=ui.LEAN | os.environ | {"MLFLOW_BACKEND_STORE_URI": backend}
    ) as process:
        yield process


def test_a_run_goes_to_a_server_on_postgresql_and_one_that_it_dies_on_is_finished_later(database, tmp_path):
    port, artifacts = local_servers.free_port(), tmp_path / "artifacts"
    uri = f"http://127.0.0.1:{port}"
    options = [
        "dataset=toy",
        "dataset.customers=300",
        "k=4",
        "selection.k_range=[3,4,5]",
        f"tracking.uri={uri}",
    ]
    with server(database, artifacts, port) as process:
        done = command_line.run("seg.run", *options, f"hydra.run.dir={tmp_path}/first")
        assert done.returncode == 0, done.stdout + done.stderr
        client = MlflowClient(tracking_uri=uri)
        (run,) = client.search_runs([client.get_experiment_by_name("seg").experiment_id])
        assert run.info.status == "FINISHED" and run.data.metrics["truth/adjusted_rand"] > 0.9
        assert len(client.get_metric_history(run.info.run_id, "scan/inertia")) == 3
        page = Path(client.download_artifacts(run.info.run_id, "report.html", str(tmp_path))).read_text()
        assert "toy: 4 segments" in page
        mlflow.set_tracking_uri(uri)
        model = mlflow.pyfunc.load_model(f"runs:/{run.info.run_id}/model")
        row = pd.DataFrame({"recency_days": [10.0], "orders": [20.0], "revenue": [9000.0]})
        assert model.predict(row)["segment"].tolist() == [0]
        assert list(artifacts.rglob("report.html")), "the server keeps the artifacts"
        with ThreadPoolExecutor(1) as pool:
            longer = [*options, "dataset.customers=2000", "seed=5", f"hydra.run.dir={tmp_path}/second"]
            second = pool.submit(command_line.run, "seg.run", *longer)
            while len(client.search_runs([run.info.experiment_id])) == 1:
                assert not second.done(), second.result().stdout
                time.sleep(0.3)  # each question costs the server more than the run does in that time
            os.killpg(process.pid, signal.SIGKILL)
    said = second.result().stdout + second.result().stderr
    assert second.result().returncode == 1 and "Traceback" not in said
    assert "no server answers there" in said and f"seg track push {tmp_path}/second" in said
    with server(database, artifacts, port):
        assert status_by_seed(client, run) == {"0": "FINISHED", "5": "RUNNING"}
        assert track.main(["push", f"{tmp_path}/second"]) == 0
        assert status_by_seed(client, run) == {"0": "FINISHED", "5": "FINISHED"}


def status_by_seed(client, run) -> dict[str, str]:
    runs = client.search_runs([run.info.experiment_id])
    assert len(runs) == 2
    # The server may have died before it knew the seed of the second.
    return {one.data.params.get("seed", "5"): one.info.status for one in runs}


def test_a_database_given_directly_keeps_its_password_out_of_everything(database, tmp_path):
    options = [
        "dataset=toy",
        "dataset.customers=200",
        "k=3",
        "selection.k_range=[3]",
        f"tracking.experiment={tmp_path.name}",
    ]
    done = command_line.run("seg.run", *options, f"hydra.run.dir={tmp_path}/run", f"tracking.uri={database}")
    assert done.returncode == 0, done.stdout + done.stderr
    wrong = database.replace(local_servers.PASSWORD, "falsch-0815")
    refused = command_line.run(
        "seg.run", *options, f"hydra.run.dir={tmp_path}/refused", f"tracking.uri={wrong}"
    )
    assert refused.returncode == 1
    assert "refuses the name or the password" in refused.stdout + refused.stderr
    said = done.stdout + done.stderr + refused.stdout + refused.stderr
    held = [path for path in tmp_path.rglob("*") if path.is_file()]
    for secret in (local_servers.PASSWORD, "falsch-0815"):
        assert secret not in said
        assert [path for path in held if secret.encode() in path.read_bytes()] == []
