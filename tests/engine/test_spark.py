"""Spark as an engine: where its session comes from, what it says when there is none, and when it dies."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from mlflow import MlflowClient

import command_line
import small_spark
from seg import features
from seg.config import compose
from seg.engine import Reading, Uri, spark_session
from seg.engine.spark import SparkEngine
from seg.errors import SegError
from seg.sources import schema
from seg.sources.locate import Source, find, fingerprint
from seg.sources.schema import Field

# ---- without a JVM -------------------------------------------------------------------------------------------


@pytest.fixture
def no_session(monkeypatch):
    """As in a process that has no session yet."""
    monkeypatch.setattr(spark_session, "_started", {})
    monkeypatch.setattr("pyspark.sql.SparkSession.getActiveSession", lambda: None)


def java(folder: Path, version: str) -> str:
    (folder / "bin").mkdir()
    (folder / "bin" / "java").write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\"' >&2\n")
    (folder / "bin" / "java").chmod(0o755)
    return str(folder)


def test_without_a_jdk_one_sentence_says_so(no_session, monkeypatch, tmp_path):
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(
        SegError, match=r"needs a JDK of version 17 or newer, and JAVA_HOME=.* has none: install one, or run"
    ):
        SparkEngine()
    monkeypatch.delenv("JAVA_HOME")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SegError, match=r"there is no java on the PATH"):
        SparkEngine()


@pytest.mark.parametrize("version, number", [("11.0.2", 11), ("1.8.0_292", 8)])
def test_an_old_jdk_is_named_with_its_version(no_session, monkeypatch, tmp_path, version, number):
    monkeypatch.setenv("JAVA_HOME", java(tmp_path, version))
    with pytest.raises(
        SegError, match=rf"needs a JDK of version 17 or newer, and .*java is version {number}: set JAVA_HOME"
    ):
        SparkEngine()


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return listening.getsockname()[1]


@pytest.mark.parametrize("key, scheme", [("master", "spark"), ("remote", "sc")])
def test_an_address_where_nothing_listens_is_named(no_session, key, scheme):
    address = f"{scheme}://127.0.0.1:{free_port()}"
    with pytest.raises(SegError, match=rf"engine.{key}={address}: cannot be reached \(Connection refused\)"):
        SparkEngine(**{key: address})


def test_a_server_that_accepts_and_never_answers_is_named_after_the_time_it_was_given(no_session):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        address = f"sc://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(
            SegError,
            match=rf"engine.remote={address}: no answer within 1 seconds.*raise engine.timeout to wait longer",
        ):
            SparkEngine(remote=address, timeout=1)


def test_a_wrong_address_or_two_are_refused(no_session):
    with pytest.raises(
        SegError, match=r"engine.remote=spark://a:1: expected the address of a server, such as sc://"
    ):
        SparkEngine(remote="spark://a:1")
    with pytest.raises(SegError, match=r"set one of the two, not both"):
        SparkEngine(master="local", remote="sc://a:1")
    with pytest.raises(
        SegError, match=r"engine.master=spark://host: no master of Spark; expected one such as"
    ):
        SparkEngine(master="spark://host")


def test_what_a_jvm_or_a_server_says_of_an_error_is_found_in_all_that_stands_around_it():
    said = "An error occurred while calling None.JavaSparkContext.\n: org.apache.spark.SparkException: Asked for 0\n\tat a.b"
    assert spark_session.first_line(Exception(said)) == "Asked for 0"
    said = '<_InactiveRpcError of RPC that terminated with:\n\tstatus = StatusCode.UNIMPLEMENTED\n\tdetails = "404"\n>'
    assert spark_session.first_line(Exception(said)) == "404"


def test_a_server_that_has_died_is_not_alive():
    class Client:
        is_stopped = False

    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        made = spark_session.Session(Client(), False, f"sc://127.0.0.1:{listening.getsockname()[1]}")
        assert made.alive()
    assert not made.alive()


class Cluster:
    """A JVM, and what it says of its jobs and executors."""

    def __init__(self, jobs: list[int], executors: int):
        self.jobs, self.executors, self.asked, self.killed = jobs, executors, 0, False
        self.sparkContext = self._jsc = self

    def statusTracker(self):
        return self

    def getActiveJobsIds(self):
        self.asked += 1
        return self.jobs

    def sc(self):
        return self

    def getExecutorMemoryStatus(self):
        return self

    def size(self):
        return 1 + self.executors

    def poll(self):
        return 9 if self.killed or self.asked > 20 else None

    def kill(self):
        self.killed = True


@pytest.mark.parametrize("jobs, executors, killed", [([1], 0, True), ([1], 1, False), ([], 0, False)])
def test_a_jvm_with_work_and_no_executor_is_ended_and_no_other(jobs, executors, killed):
    cluster = Cluster(jobs, executors)
    made = spark_session.Session(cluster, False, "spark://a:1", cluster)
    spark_session._watch(made, 0.01)
    assert cluster.killed == made.deserted.is_set() == killed


def test_a_value_with_brackets_is_read_by_every_command():
    assert compose.compose(["engine=spark", "engine.master=local[2]"]).engine.master == "local[2]"


def test_a_place_that_spark_alone_reaches_is_a_path_for_it_and_an_error_for_duckdb(engine):
    source = find("t", "data", path="hdfs://namenode:9000/reviews/2023.parquet")
    assert (
        source.paths == (Uri("hdfs://namenode:9000/reviews/2023.parquet"),) and source.where == "2023.parquet"
    )
    assert fingerprint(source.paths) != fingerprint(source.paths), "nothing is known of its content"
    with pytest.raises(
        SegError, match=r"hdfs://.*: DuckDB reads files of this machine; run with engine=spark"
    ):
        engine.read(source.paths, ["x"])
    with pytest.raises(SegError, match=r"s3a://b/x.csv: only Parquet is read from there"):
        engine.read([Uri("s3a://b/x.csv")], ["x"])


def test_a_file_of_another_schema_in_the_middle_of_a_folder_is_named_with_column_and_types(engine, tmp_path):
    for name, values in (("a", [1.5]), ("b", ["1.5"]), ("c", [2.5])):
        pq.write_table(pa.table({"x": values}), tmp_path / f"{name}.parquet")
    paths = find("t", "data", path=str(tmp_path)).paths
    with pytest.raises(
        SegError, match=r"b.parquet: column 'x' holds string, but double in .*a.parquet; write it as one type"
    ):
        engine.read(paths, ["x"])
    pq.write_table(pa.table({"y": [1.5]}), tmp_path / "b.parquet")
    with pytest.raises(SegError, match=r"b.parquet: missing column 'x'"):
        engine.read(paths, ["x"])


# ---- with one ------------------------------------------------------------------------------------------------


@pytest.mark.spark
def test_a_sweep_has_one_session_and_what_a_job_made_goes_with_its_engine(spark):
    with SparkEngine(*spark_arguments(spark)) as second:
        assert second.session is spark.session
        kept = second.checkpoint(second.register(pa.table({"x": [1, 2]})))
        assert second.collect(kept.aggregate(n=kept.count())).n[0] == 2
        views = [name for name in second._views if spark.session.catalog.tableExists(name)]
        assert len(views) == 2
    assert not any(spark.session.catalog.tableExists(name) for name in views)
    assert spark._session.alive()


@pytest.mark.spark
def test_a_session_in_use_is_not_ended_for_another_one(spark):
    with pytest.raises(
        SegError, match=r"a session \(local\[2\]\) with other settings is in use in this process; close the"
    ):
        SparkEngine(master="local[1]")
    assert spark.session.range(3).count() == 3


SESSIONS = """
import sys
from seg.engine.spark import SparkEngine
from seg.errors import SegError
conf = {"spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"}
try: SparkEngine(master=sys.argv[1], timeout=3, conf=conf)
except SegError as error: print(error)
with SparkEngine(master="local[1]", conf=conf) as first: assert first.describe()["master"] == "local[1]"
with SparkEngine(master="local[2]", conf=conf) as second: print(second.session.range(3).count(), second.describe()["master"])
"""


@pytest.mark.spark
def test_a_silent_master_is_named_and_a_session_that_nobody_uses_gives_way_to_another_one():
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        address = f"spark://127.0.0.1:{silent.getsockname()[1]}"
        done = subprocess.run(
            [sys.executable, "-c", SESSIONS, address],
            capture_output=True,
            text=True,
            timeout=240,
            env=command_line.clean_environment(),
        )
    first, *others = done.stdout.splitlines()
    assert f"engine.master={address}: no answer within 3 seconds; is it running" in first
    assert (others, done.stderr) == (["3 local[2]"], "")


def spark_arguments(spark: SparkEngine) -> list:
    """Ask for the session that is there."""
    request = spark_session._started["request"]
    return [request.master, request.remote, dict(request.conf), request.driver_memory]


@pytest.mark.spark
def test_a_session_that_was_there_is_taken_and_gets_its_own_values_back(spark, monkeypatch):
    monkeypatch.setattr(spark_session, "_started", {})
    conf = spark.session.conf
    with monkeypatch.context() as changed:
        conf.set("spark.sql.session.timeZone", "Asia/Tokyo")
        with SparkEngine(conf={"spark.sql.shuffle.partitions": 7}) as taken:
            assert taken.session is spark.session
            assert (
                conf.get("spark.sql.session.timeZone") == "UTC"
                and taken.describe()["shuffle_partitions"] == "7"
            )
        assert (
            conf.get("spark.sql.session.timeZone") == "Asia/Tokyo"
            and conf.get("spark.sql.shuffle.partitions") == "2"
        )
        conf.set("spark.sql.session.timeZone", "UTC")
        changed.undo()
    with pytest.raises(
        SegError, match=r"engine.master=spark://a:1: there is a Spark session already; stop it, or leave"
    ):
        SparkEngine(master="spark://a:1")
    with pytest.raises(
        SegError, match=r"spark.executor.memory is read when a session starts, and there is one already"
    ):
        SparkEngine(conf={"spark.executor.memory": "8g"})


@pytest.mark.spark
def test_more_customers_than_may_be_collected_are_counted_and_not_collected(spark):
    lines = pa.table(
        {"customer_id": ["1", "2", "3"], "order_id": ["a", "b", "c"], "ordered_at": pa.array([0, 0, 0], pa.timestamp("us")),
         "amount": [1.0, 2.0, 3.0], "is_return": [False] * 3}
    )  # fmt: skip
    with SparkEngine(*spark_arguments(spark), collect_limit=2) as limited:
        table = limited.register(lines)
        with pytest.raises(
            SegError,
            match=r"engine.collect_limit=2: .*there are 3; raise engine.collect_limit, or .*mllib_kmeans",
        ):
            features.build(limited, table, features.FeatureRequest({"revenue": ()}))
    with SparkEngine(*spark_arguments(spark), collect_limit=3) as enough:
        assert (
            len(
                features.build(enough, enough.register(lines), features.FeatureRequest({"revenue": ()})).frame
            )
            == 3
        )


@pytest.mark.spark
def test_a_damaged_file_is_named(spark, tmp_path, monkeypatch):
    monkeypatch.setattr("seg.engine.spark.SMALL", -1)  # by Spark's own reader
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"x": [float(number) for number in range(50_000)]}), path)
    whole = path.read_bytes()
    path.write_bytes(whole[:1000] + bytes(1000) + whole[2000:])
    with pytest.raises(SegError, match=r"engine: Spark \(local\[2\]\) stopped: .*t.parquet"):
        schema.load_fields(spark, Source("t", "file", (path,), ""), [Field("x", "x", "number")], Reading())
    path.write_bytes(whole[:1000])
    with pytest.raises(SegError, match=r"t.parquet: not a readable Parquet file"):
        spark.read([path], ["x"])


@pytest.mark.spark
def test_a_folder_behind_an_address_is_read_by_its_columns(spark, tmp_path):
    for name, values in (("a", [1.5]), ("b", [2.5])):
        pq.write_table(
            pa.table({"x": values, "t": pa.array([0], pa.timestamp("us"))}), tmp_path / f"{name}.parquet"
        )
    place = (Uri(tmp_path.as_uri()),)
    fields = [Field("x", "x", "number"), Field("t", "t", "time")]
    loaded = schema.load_fields(spark, Source("t", "file", place, ""), fields, Reading())
    assert sorted(spark.collect(loaded.table).x) == [1.5, 2.5]
    with pytest.raises(SegError, match=r"missing column 'y' \(nearest: "):
        spark.read(place, ["y"])
    pq.write_table(pa.table({"x": ["1.5"]}), tmp_path / "b.parquet")
    with pytest.raises(SegError, match=r"(?i)merge"):
        spark.read(place, ["x"])


def jvm_of(process: int) -> int | None:
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            name, _, rest = stat.read_text().rpartition(")")
        except OSError:
            continue
        if "(java" in name and int(rest.split()[1]) == process:
            return int(stat.parent.name)
    return None


@pytest.mark.spark
def test_a_jvm_that_is_killed_in_the_middle_of_a_run_fails_it_and_nothing_is_left(tmp_path):
    folder, uri = tmp_path / "run", f"sqlite:///{tmp_path}/mlflow.db"
    asked = [
        "dataset=toy", "dataset.customers=60", *small_spark.OVERRIDES, "engine.master=local[1]", "cache=off", "k=4",
        f"tracking.uri={uri}", "tracking.experiment=killed", f"hydra.run.dir={folder}",
    ]  # fmt: skip
    with command_line.started("seg.run", *asked) as (process, said):
        while "read toy" not in said():
            assert process.is_alive(), said() + said("err")
            time.sleep(0.02)
        os.kill(jvm_of(process.pid), signal.SIGKILL)
        process.join(60)
        assert process.exitcode == 1
        text = said() + said("err")
    assert re.search(
        r"error: engine: Spark \(local\[1\]\) stopped while it was working: it was killed, or ran out",
        text,
    )
    assert "Traceback" not in text and "WARN" not in text and "incubator" not in text
    results = {".csv", ".parquet", ".html", ".png"}
    assert not [path for path in folder.rglob("*") if path.suffix in results]
    client = MlflowClient(tracking_uri=uri)
    (run,) = client.search_runs([client.get_experiment_by_name("killed").experiment_id])
    assert run.info.status == "FAILED" and "stopped while it was working" in run.data.tags["error"]


@pytest.mark.spark
def test_spark_submit_runs_the_command_in_the_session_that_it_made(tmp_path):
    import pyspark

    home = Path(pyspark.__file__).parent
    root = Path(__file__).resolve().parents[2]
    rows = "".join(f"c{number},{number % 7},{number % 5}\n" for number in range(30))
    (tmp_path / "c.csv").write_text("id,visits,calls\n" + rows)
    command = [
        home / "bin" / "spark-submit", "--master", "local[1]", "--conf", "spark.ui.enabled=false",
        *[part for key, value in small_spark.CONF.items() for part in ("--conf", f"{key}={value}")], root / "src/seg/run.py",
        "dataset=customers", f"dataset.path={tmp_path}/c.csv", "dataset.id=id", "dataset.features=[visits,calls]", "engine=spark",
        "engine.shuffle_partitions=2", "k=3", "selection.k_range=[3]", "tracking=none", "cache=off", f"hydra.run.dir={tmp_path}/run",
    ]  # fmt: skip
    environment = command_line.clean_environment() | {
        "PYSPARK_PYTHON": sys.executable,
        "PYSPARK_DRIVER_PYTHON": sys.executable,
    }
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "run" / "report.html").is_file()
