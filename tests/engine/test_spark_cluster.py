"""A whole experiment on a real cluster: a master, a worker and two executors on loopback, and through a Spark Connect server."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

import command_line
import local_servers
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


@pytest.fixture(scope="module")
def master(spark) -> Iterator[str]:
    """A standalone master, and a worker with room for two executors; its address.

    The two are Spark's own, started in the JVM of the tests; the driver that asks for them and the executors have each a JVM of its own.
    """
    deploy, util = spark.session._jvm.org.apache.spark.deploy, spark.session._jvm.org.apache.spark.util
    util.Utils.setCustomHostname("127.0.0.1")
    cluster = deploy.LocalSparkCluster(1, 2, 1200, spark.session._jvm.org.apache.spark.SparkConf(False))
    (address,) = cluster.start()
    yield address
    cluster.stop()


@pytest.fixture(scope="module")
def connect(spark) -> Iterator[str]:
    """A Spark Connect server in the JVM of the tests; its address."""
    service = spark.session._jvm.org.apache.spark.sql.connect.service.SparkConnectService
    context = spark.session._jsc.sc()
    port, nothing = local_servers.free_port(), spark.session._jvm.scala.Option.empty()
    for key, value in {"address": "127.0.0.1", "port": port}.items():
        context.conf().set(f"spark.connect.grpc.binding.{key}", str(value))
    service.start(context)
    yield f"sc://127.0.0.1:{port}"
    service.stop(nothing, nothing)


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
