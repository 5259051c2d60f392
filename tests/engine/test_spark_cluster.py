"""A whole experiment on a real cluster: a master, a worker and two executors on loopback, and through a Spark Connect server."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import pytest

import command_line
import small_spark
from in_process import segmented

pytestmark = pytest.mark.spark
ASKED = ["dataset=flo", "k=4", "selection.k_range=[4]"]


def executors() -> str:
    """Ask for executors of the smallest size that Spark takes, which compile nothing and start as the drivers of tests do."""
    quick = {
        f"spark.{part}.extraJavaOptions": os.environ["SPARK_EXECUTOR_OPTS"] for part in ("executor", "driver")
    }
    small = {
        "spark.executor.memory": "512m",
        "spark.executor.cores": 1,
        "spark.hadoop.fs.s3a.secret.key": "geheim",
    }
    conf = small_spark.CONF | small | quick
    return "engine.conf={" + ", ".join(f"{key}: '{value}'" for key, value in conf.items()) + "}"


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return listening.getsockname()[1]


def wait_for(ready, process: subprocess.Popen, log: Path, seconds: int = 120):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            if found := ready():
                return found
        except (OSError, ValueError):  # a page that is not there yet, or not yet complete
            pass
        assert process.poll() is None, log.read_text()
        time.sleep(0.2)
    raise AssertionError(f"not ready after {seconds} seconds:\n{log.read_text()}")


@contextmanager
def server(log: Path, *command: str, memory: str = "256m") -> Iterator[subprocess.Popen]:
    """Run a class of Spark's own; it is ended by its process id."""
    import pyspark

    home = Path(pyspark.__file__).parent
    environment = os.environ | {
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_DAEMON_MEMORY": memory,
        "SPARK_HOME": str(home),
    }
    with open(log, "wb") as out:
        process = subprocess.Popen(
            [home / "bin" / command[0], *command[1:]], stdout=out, stderr=out, env=environment
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@pytest.fixture(scope="module")
def master(tmp_path_factory) -> Iterator[str]:
    """A standalone master, and a worker with room for two executors; its address."""
    folder, port, page = tmp_path_factory.mktemp("cluster"), free_port(), free_port()
    address, classes = f"spark://127.0.0.1:{port}", "org.apache.spark.deploy"

    def workers() -> bool:
        with urllib.request.urlopen(f"http://127.0.0.1:{page}/json/", timeout=5) as answer:
            return json.load(answer)["aliveworkers"] == 1

    first = server(
        folder / "master.log", "spark-class", f"{classes}.master.Master", "--host", "127.0.0.1", "--port", str(port),
        "--webui-port", str(page),
    )  # fmt: skip
    worker = server(
        folder / "worker.log", "spark-class", f"{classes}.worker.Worker", "--host", "127.0.0.1", "--cores", "2",
        "--memory", "1200m", "--webui-port", str(free_port()), "--work-dir", str(folder / "worker"), address,
    )  # fmt: skip
    with first as process:
        # A worker asks again only after ten seconds: the master is there before it.
        wait_for(
            lambda: socket.create_connection(("127.0.0.1", port), 1).close() or True,
            process,
            folder / "master.log",
        )
        with worker:
            wait_for(workers, process, folder / "master.log")
            yield address


@pytest.fixture(scope="module")
def connect(tmp_path_factory) -> Iterator[str]:
    """A Spark Connect server; its address."""
    folder, port = tmp_path_factory.mktemp("connect"), free_port()
    log = folder / "server.log"
    starting = server(
        log, "spark-submit", "--class", "org.apache.spark.sql.connect.service.SparkConnectServer", "--master", "local[2]",
        "--driver-java-options", "-XX:TieredStopAtLevel=1",
        *[part for key, value in {
            "spark.connect.grpc.binding.address": "127.0.0.1", "spark.connect.grpc.binding.port": port, "spark.ui.enabled": "false",
            "spark.sql.codegen.wholeStage": "false", "spark.sql.shuffle.partitions": 2,
        }.items() for part in ("--conf", f"{key}={value}")],
        "spark-internal", memory="1g",
    )  # fmt: skip
    with starting as process:
        wait_for(lambda: socket.create_connection(("127.0.0.1", port), 1).close() or True, process, log)
        yield f"sc://127.0.0.1:{port}"


def experiment(folder: Path, *overrides: str) -> pd.DataFrame:
    """Run a whole experiment on Spark; its segments."""
    done = command_line.run(
        "seg.run", *ASKED, "cache=off", "engine=spark", "engine.timeout=120", *overrides, f"data_dir={folder}",
        f"hydra.run.dir={folder}/run",
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert (folder / "run" / "report.html").is_file()
    said = done.stdout + done.stderr
    assert not any(word in said for word in ("WARN", "incubator", "log4j", "FutureWarning", "Traceback"))
    return pd.read_csv(folder / "run" / "segments.csv")


@pytest.fixture(scope="module")
def on_duckdb(tmp_path_factory) -> pd.DataFrame:
    return segmented(*ASKED, f"data_dir={tmp_path_factory.mktemp('duckdb')}").segments


def test_an_experiment_on_a_cluster_finds_the_segments_that_duckdb_finds(master, on_duckdb, tmp_path):
    """Rows reach the executors through a folder that they share with the driver; by Arrow they reach them below."""
    staged, store = f"engine.staging_dir={tmp_path}/stage", f"tracking.uri=sqlite:///{tmp_path}/mlflow.db"
    segments = experiment(
        tmp_path, f"engine.master={master}", "engine.shuffle_partitions=2", executors(), staged, store
    )
    pd.testing.assert_frame_equal(segments, on_duckdb, rtol=1e-9)
    assert not list((tmp_path / "stage").iterdir()), "what was handed over is gone"
    telling = [path for path in tmp_path.rglob("*") if path.is_file() and b"geheim" in path.read_bytes()]
    assert not telling, "a secret stands in files of the run, or in its store"


def test_an_experiment_through_spark_connect_finds_the_segments_that_duckdb_finds(
    connect, on_duckdb, tmp_path
):
    """Rows of a text file go to the server by Arrow."""
    segments = experiment(tmp_path, f"engine.remote={connect}", "tracking=none")
    pd.testing.assert_frame_equal(segments, on_duckdb, rtol=1e-9)
