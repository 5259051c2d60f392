from __future__ import annotations

import gc
import os
import sys
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

import class_archive
import command_line
import local_servers
import read_once
import small_spark
from seg.engine import DuckDBEngine

LONGEST = [
    "test_mllib.py", "test_parity.py", "test_spark_cluster.py", "test_spark.py", "test_run.py", "test_team_server.py", "test_sweeps.py",
    "test_evidence.py", "test_docs.py", "test_outlook_command.py", "test_scoring.py", "test_ui.py", "test_published.py", "test_wheel.py",
    "test_secrets_left_behind.py", "test_retrain_model.py", "test_kills.py",
]  # fmt: skip
# Those that share the session of Spark, or servers: on one worker, or a second JVM or server is started.
TOGETHER = {
    "one JVM": {
        "test_mllib.py",
        "test_parity.py",
        "test_spark.py",
        "test_spark_cluster.py",
        "test_scoring_spark.py",
        "test_metrics_spark.py",
    },
    "servers": {"test_team_server.py", "test_remote.py", "test_sinks.py", "test_dashboard.py"},
}
LINE = ["customer_id", "order_id", "ordered_at", "product_id", "quantity", "unit_price"]

# A process imports a million objects that stay before its first test: none of them is garbage to search for.
gc.disable()
# Before scikit-learn asks: tests run side by side, and on small tables threads cost more than they save.
os.environ.setdefault("OMP_NUM_THREADS", "1")
read_once.install()


def pytest_collection_modifyitems(items):
    """Start with the files that take longest: at the end no worker waits for another one."""
    places = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path.name, len(places)))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Keep the files that share a JVM or servers together where files are what is distributed."""
    gc.enable()  # this process distributes tests, and collects none
    if config.getvalue("dist") != "loadfile":
        return None
    from xdist.scheduler import LoadFileScheduling

    class Scheduling(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            scope = super()._split_scope(nodeid)
            shared = (name for name, files in TOGETHER.items() if Path(scope).name in files)
            return next(shared, scope)

    return Scheduling(config, log)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node):
    """Have the processes that run tests side by side share the one that forks commands, and what they keep."""
    node.workerinput["forks"] = command_line.address()


def pytest_configure(config):
    """Use what is shared, in a process that runs tests beside others."""
    if hasattr(config, "workerinput"):
        command_line.share(config.workerinput["forks"])


def pytest_collection_finish(session):
    """Prepare the start of JVMs, and take what the test modules have imported out of every search for garbage."""
    if any(item.get_closest_marker("spark") for item in session.items):
        class_archive.use()
    gc.freeze()
    gc.set_threshold(50_000, 10, 10)  # as commands do
    gc.enable()


def pytest_unconfigure():
    """Let go of it again, or DuckDB takes it for a leak."""
    gc.unfreeze()


@pytest.fixture(scope="session", autouse=True)
def own_cache(request, tmp_path_factory):
    """Keep what tests compute, and the key that it is signed with, apart from the project's and from those of whoever runs them.

    Processes that run tests side by side share both: what one has prepared, none prepares again.
    """
    folder = tmp_path_factory.getbasetemp()
    folder = folder.parent if hasattr(request.config, "workerinput") else folder
    os.environ["SEG_CACHE_DIR"], os.environ["XDG_CONFIG_HOME"] = f"{folder}/cache", f"{folder}/config"


@pytest.fixture(scope="session", autouse=True)
def own_python():
    """Have what executors run in Python, which is MLflow's UDF alone, run in the Python of the tests."""
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)


@pytest.fixture(scope="module", autouse=True)
def prepared_pictures(request):
    """Have runs in this process draw figures in tests of the report alone."""
    with pytest.MonkeyPatch.context() as patch:
        if "report" not in request.path.parts:
            import prepared_picture
            from seg.report import drawing

            patch.setattr(drawing, "_png", lambda _locale, _make: prepared_picture.picture())
        yield


@pytest.fixture
def side_by_side(monkeypatch):
    """Have fits of few rows run in threads, too."""
    monkeypatch.setattr("seg.metrics.stability.FEW", 0)


@pytest.fixture(scope="session")
def engine():
    with DuckDBEngine(threads=2) as connected:
        yield connected


@pytest.fixture(scope="session")
def lines(engine):
    """Make a transactions table: one tuple (customer, order, time, product, quantity, unit price) a line.

    Further columns are lists by name; amount is quantity times unit price and is_return false unless given.
    """

    def make(*rows: tuple, **further: list):
        by_name = dict(zip(LINE, zip(*rows, strict=True), strict=True))
        times = [pd.Timestamp(time).to_pydatetime() for time in by_name["ordered_at"]]
        amounts = [quantity * price for *_, quantity, price in rows] if "amount" not in further else None
        columns = {
            "customer_id": pa.array(by_name["customer_id"], pa.string()),
            "order_id": pa.array(by_name["order_id"], pa.string()),
            "ordered_at": pa.array(times, pa.timestamp("us")),
            "amount": pa.array(further.get("amount", amounts), pa.float64()),
            "is_return": pa.array(further.get("is_return", [False] * len(rows)), pa.bool_()),
            "product_id": pa.array(by_name["product_id"], pa.string()),
            "quantity": pa.array(by_name["quantity"], pa.float64()),
            "unit_price": pa.array(by_name["unit_price"], pa.float64()),
        }
        columns |= {name: pa.array(values) for name, values in further.items() if name not in columns}
        return engine.register(pa.table(columns))

    return make


@pytest.fixture(scope="session")
def rows(engine):
    """Collect some columns of a table as sorted tuples, None for a missing value."""

    def collect(table, *columns: str) -> list[tuple]:
        found = table.select(*columns).to_pyarrow().to_pylist()
        return sorted(
            map(tuple, map(dict.values, found)), key=lambda row: [(v is not None, str(v)) for v in row]
        )

    return collect


@pytest.fixture(scope="session")
def real_data() -> Path:
    folder = os.environ.get("SEG_DATA_DIR")
    if not folder:
        pytest.skip("SEG_DATA_DIR is not set: the real files are not here")
    return Path(folder)


@pytest.fixture(scope="session")
def spark():
    """Spark on this machine, one JVM for all tests of a process."""
    from seg.engine.spark import SparkEngine

    with SparkEngine(
        small_spark.MASTER, None, small_spark.CONF, small_spark.MEMORY, small_spark.PARTITIONS
    ) as connected:
        yield connected


@pytest.fixture(scope="session")
def postgres():
    """Give the address of a database of PostgreSQL."""
    with local_servers.postgres_server() as address:
        yield address


@pytest.fixture(scope="session")
def mongo():
    """Give the address of a server of MongoDB's protocol."""
    with local_servers.mongo_server() as address:
        yield address


@pytest.fixture(scope="session")
def s3():
    """Give the endpoint of an S3 server; the credentials are in the environment."""
    with local_servers.s3_server() as endpoint, pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", local_servers.ACCESS)
        patch.setenv("AWS_SECRET_ACCESS_KEY", local_servers.SECRET)
        yield endpoint
