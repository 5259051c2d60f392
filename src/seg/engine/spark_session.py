"""How a Spark session comes to be: taken where there is one, else connected to or started, within a time.

A session that was started here serves every job of a sweep, and goes with the process.
"""

from __future__ import annotations

import atexit
import logging
import os
import re
import shutil
import socket
import subprocess
import threading
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from weakref import WeakSet

from seg.engine import java_classes, jvm_options
from seg.errors import SegError
from seg.sinks import scratch

JAVA = 17  # the oldest that Spark 4 runs on
MASTER = re.compile(r"local(-cluster)?(\[[^\]]+\])?$|spark://.+:\d+$|yarn$|k8s://.")
# What every expression of seg is written for.
MEANING = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",
    "spark.sql.timestampType": "TIMESTAMP_NTZ",
    "spark.sql.variable.substitute": "false",
    # Pandas' own nanoseconds are no type of Spark: they come as whole numbers, and are converted.
    "spark.sql.legacy.parquet.nanosAsLong": "true",
    # A listing of hundreds of files is no job for hundreds of tasks.
    "spark.sql.sources.parallelPartitionDiscovery.threshold": "10000",
}
QUIET = {"spark.ui.enabled": "false", "spark.ui.showConsoleProgress": "false", "spark.log.level": "ERROR"}
# What is kept on this machine is asked a few times and dropped: to compress it takes as long as to compute it.
KEPT = {"spark.sql.inMemoryColumnarStorage.compressed": "false"}
JVM = "spark.driver.extraJavaOptions"
LOOPBACK = {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}


@dataclass(frozen=True)
class Request:
    """What session is wanted.

    Parameters
    ----------
    master : str, optional
        Such as ``local[4]`` or ``spark://host:7077``; when left out, what spark-submit or the configuration of
        a Spark installation says, else all cores of this machine.
    remote : str, optional
        A Spark Connect server, ``sc://host:15002``.
    conf : mapping of str to str
        Properties of Spark; they win over those set here.
    driver_memory : str, optional
        Of a JVM that is started here.
    timeout : int
        Seconds that a master, its first executor or a server has to answer, and that work waits when no executor is left.
    """

    master: str | None = None
    remote: str | None = None
    conf: Mapping[str, str] = field(default_factory=dict)
    driver_memory: str | None = None
    timeout: int = 60


@dataclass(frozen=True)
class Session:
    """A session of Spark (`spark`), whether it was there already (`taken`), and where it computes (`where`)."""

    spark: Any
    taken: bool
    where: str
    process: subprocess.Popen | None = None
    deserted: threading.Event = field(default_factory=threading.Event)  # ended because no executor was left
    users: WeakSet = field(default_factory=WeakSet)  # the engines that compute in it, until they are closed

    def alive(self, patience: float = 0) -> bool:
        """Return True if it can compute: its JVM runs, nobody stopped it.

        `patience` is how many seconds a JVM that is ending has for it: its connections break before it is gone.
        """
        with suppress(subprocess.TimeoutExpired):
            if self.process is not None and self.process.wait(patience) is not None:
                return False
        if self.where.startswith("sc://") and not _listening(self.where):
            return False
        context = getattr(self.spark, "_sc", None)
        return not self.spark.is_stopped if context is None else context._jsc is not None


def _listening(address: str) -> bool:
    try:
        _knock("", address, Request(timeout=5))
    except SegError:
        return False
    return True


_started: dict[str, Any] = {}  # the session of this process, and the request it was made for


def check_installed() -> None:
    """Raise a `SegError` that names the extra where PySpark is not installed."""
    if find_spec("pyspark") is None:
        raise SegError(
            "engine=spark: the package pyspark is not installed; install it with pip install 'seg[spark]', beside a JDK 17 or newer"
        )


def session(request: Request) -> Session:
    """Take, connect to, or start a session.

    Raises
    ------
    SegError
        There is no JDK that Spark runs on; a master or a server does not answer; or a session is there, or in use,
        and another one was asked for.
    """
    if request.master and request.remote:
        raise SegError(
            f"engine.master={request.master} and engine.remote={request.remote}: set one of the two, not both"
        )
    if request.master and not MASTER.match(request.master):
        raise SegError(
            f"engine.master={request.master}: no master of Spark; expected one such as local[*], spark://host:7077, yarn or "
            "k8s://https://host:443"
        )
    check_installed()
    _hush()
    from pyspark.sql import SparkSession

    if _started:
        started = _started["session"]
        if started.alive():
            if _started["request"] == request:
                return started
            if started.users:
                raise SegError(
                    f"engine=spark: a session ({started.where}) with other settings is in use in this process; close the engine that "
                    "uses it first, or ask for the same master, remote, conf and driver_memory"
                )
        _forget()
    active = SparkSession.getActiveSession()
    if active is not None:
        return _taken(active, request)
    remote = request.remote or os.environ.get("SPARK_REMOTE")
    started = _connect(remote, request) if remote else _start(request)
    _started.update(request=request, session=started)
    return started


def _hush() -> None:
    """Leave the terminal to seg: what goes wrong comes as an exception, once."""
    for name in ("py4j", "pyspark", "SQLQueryContextLogger"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    warnings.filterwarnings("ignore", message="PySpark does not yet fully support pandas")
    warnings.filterwarnings("ignore", message=r"\[RETRIES_EXCEEDED\]")
    # py4j tells the root logger, stack and all, of every call that a dead JVM did not answer.
    if _not_of_py4j not in logging.getLogger().filters:
        logging.getLogger().addFilter(_not_of_py4j)


def _not_of_py4j(record: logging.LogRecord) -> bool:
    return "py4j" not in Path(record.pathname).parts


def _forget() -> None:
    """End the session of this process, or what is left of it, so that another can be started."""
    started = _started["session"]
    _started.clear()
    with suppress(Exception), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        started.spark.stop()
    if started.process is not None:
        started.process.stdin.close()  # the sign for a JVM to end
        _disconnect()
    else:
        os.environ.pop("SPARK_CONNECT_MODE_ENABLED", None)


def _disconnect() -> None:
    """Have PySpark start a JVM of its own next time, instead of asking the one that is gone."""
    from pyspark import SparkContext
    from pyspark.sql import SparkSession

    SparkContext._gateway = SparkContext._jvm = SparkContext._active_spark_context = None
    SparkSession._instantiatedSession = SparkSession._activeSession = None


def _taken(active, request: Request) -> Session:
    if request.master or request.remote:
        raise SegError(
            f"engine.{'master' if request.master else 'remote'}={request.master or request.remote}: there is a Spark session "
            "already; stop it, or leave master and remote out to use it"
        )
    for key, value in request.conf.items():
        if not active.conf.isModifiable(key) and active.conf.get(key, None) != value:
            raise SegError(
                f"engine.conf: {key} is read when a session starts, and there is one already; set it there"
            )
    return Session(active, True, active.conf.get("spark.master", "the session that was there"))


# ---- Spark Connect -------------------------------------------------------------------------------------------


def _connect(remote: str, request: Request) -> Session:
    where = remote.partition(";")[0]  # a token stands behind it, and is for no eyes
    option = f"engine.remote={where}"
    if not remote.startswith("sc://"):
        raise SegError(f"{option}: expected the address of a server, such as sc://host:15002")
    _knock(option, remote, request)
    import grpc
    from pyspark.errors import PySparkException
    from pyspark.sql import SparkSession
    from pyspark.sql.connect.client import DefaultChannelBuilder
    from pyspark.sql.connect.client.retries import DefaultPolicy

    try:
        channel = DefaultChannelBuilder(remote).toChannel()
        grpc.channel_ready_future(channel).result(timeout=request.timeout)
        channel.close()
        spark = SparkSession.builder.remote(remote).getOrCreate()
        # Its own policy goes on for ten minutes after a server that has died.
        spark.client.set_retry_policies([DefaultPolicy(max_retries=6, max_backoff=request.timeout * 250)])
        for key, value in {**MEANING, **request.conf}.items():
            spark.conf.set(key, value)
    except grpc.FutureTimeoutError:
        raise SegError(_silent(option, request)) from None
    except (PySparkException, grpc.RpcError) as error:
        raise SegError(
            f"{option}: {first_line(error)}; is it the address of a Spark Connect server?"
        ) from None
    return Session(spark, False, where)


def _silent(option: str, request: Request) -> str:
    return (
        f"{option}: no answer within {request.timeout} seconds; is it running, and is the address right? "
        "(raise engine.timeout to wait longer)"
    )


# ---- a JVM of this process -----------------------------------------------------------------------------------


def _start(request: Request) -> Session:
    from pyspark import SparkConf, SparkContext
    from pyspark.java_gateway import launch_gateway
    from pyspark.sql import SparkSession

    submitted = "PYSPARK_GATEWAY_PORT" in os.environ  # by spark-submit, whose JVM this process talks to
    properties = _properties(request, submitted)
    master = properties.get("spark.master", "")
    _knock(f"engine.master={master}", master, request)
    process = None
    if not submitted:
        version = java_version()
        if not _installed():  # whose own defaults would be lost
            options = properties.get(JVM, jvm_options.options(master))  # the user's stand instead of these
            properties[JVM] = f"{options} {java_classes.option(version)}".strip()
        folder = scratch.make("seg-spark")
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        # All that Spark says goes there, not to the terminal.
        with open(folder / "jvm.log", "wb") as log, _as_error(folder / "jvm.log"):
            conf = SparkConf(loadDefaults=False).setAll(list(properties.items()))
            gateway = launch_gateway(conf, {"stdout": log, "stderr": log})
        SparkContext._ensure_initialized(gateway=gateway)
        process = gateway.proc
    with _limited(process, _silent(f"engine.master={master}", request), request, "//" in master):
        builder = SparkSession.builder
        for key, value in properties.items():
            builder = builder.config(key, value)
        spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    short = f"engine.master={master}: no executor within {request.timeout} seconds; check that its workers have free cores and memory"
    with _limited(process, short, request, "//" in master):
        if "//" in master:
            spark.range(1).count()
    if "spark.sql.shuffle.partitions" not in properties:
        spark.conf.set("spark.sql.shuffle.partitions", str(3 * spark.sparkContext.defaultParallelism))
    started = Session(spark, False, spark.sparkContext.master, process)
    if "//" in master and process is not None:
        threading.Thread(target=_watch, args=(started, request.timeout), daemon=True).start()
    return started


def _watch(started: Session, seconds: float) -> None:
    """End a JVM whose work has had no executor for so long: Spark itself waits for a dead cluster for ever."""
    context, since = started.spark.sparkContext, time.monotonic()
    while started.process.poll() is None:
        try:
            # The driver is one of those that keep blocks.
            working = context.statusTracker().getActiveJobsIds()
            waiting = working and context._jsc.sc().getExecutorMemoryStatus().size() < 2
        except Exception:  # the session has ended
            return
        since = since if waiting else time.monotonic()
        if time.monotonic() - since > seconds:
            started.deserted.set()
            started.process.kill()
        time.sleep(min(seconds / 4, 5))


def _properties(request: Request, submitted: bool) -> dict[str, str]:
    master = request.master or (None if submitted or _installed() else "local[*]")
    is_local = master is not None and re.match(r"local\b|spark://(127\.|localhost)", master)
    properties = {"spark.app.name": "seg"} | QUIET | MEANING | (LOOPBACK | KEPT if is_local else {})
    if master:
        properties["spark.master"] = master
    if request.driver_memory:
        properties["spark.driver.memory"] = request.driver_memory
    return properties | dict(request.conf)


def _installed() -> bool:
    """Return True if Spark is that of an installation with a configuration of its own."""
    return "SPARK_HOME" in os.environ or "SPARK_CONF_DIR" in os.environ


def java_version() -> str:
    """Return what Java says of its version; describe in a sentence what Spark says in a page of shell output."""
    home = os.environ.get("JAVA_HOME")
    java = str(Path(home) / "bin" / "java") if home else "java"
    try:
        version_text = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=60).stderr
    except (OSError, subprocess.TimeoutExpired):
        where = f"JAVA_HOME={home} has none" if home else "there is no java on the PATH"
        raise SegError(
            f"engine=spark needs a JDK of version {JAVA} or newer, and {where}: install one, or run with engine=duckdb"
        ) from None
    version = re.search(r'version "(?:1\.)?(\d+)', version_text)
    if version and int(version[1]) < JAVA:
        raise SegError(
            f"engine=spark needs a JDK of version {JAVA} or newer, and {java} is version {version[1]}: set JAVA_HOME to a newer "
            "one, or run with engine=duckdb"
        )
    return version_text


def _knock(option: str, address: str, request: Request) -> None:
    """Ask whether anything listens at an address, before anything is started that would ask for minutes."""
    reason = ""
    for host, port in re.findall(r"([^/,:@]+):(\d+)", address.partition("//")[2]):
        try:
            socket.create_connection((host, int(port)), request.timeout).close()
            return
        except TimeoutError:
            reason = f"no answer within {request.timeout} seconds"
        except OSError as error:
            reason = str(error.strerror or error)
    if reason:
        raise SegError(f"{option}: cannot be reached ({reason}); is it running, and is the address right?")


@contextmanager
def _limited(process: subprocess.Popen | None, message: str, request: Request, timed: bool) -> Iterator[None]:
    """Set how long the JVM may take to answer: py4j itself has no limit."""
    late = threading.Event()

    def stop() -> None:
        late.set()
        process.kill()

    timer = threading.Timer(request.timeout, stop)
    if timed and process is not None:
        timer.start()
    try:
        yield
    except Exception as error:
        if process is not None:
            process.kill()
            _disconnect()
        if late.is_set():
            raise SegError(message) from None
        raise SegError(f"engine=spark: {first_line(error)}") from error
    finally:
        timer.cancel()


@contextmanager
def _as_error(log: Path) -> Iterator[None]:
    from pyspark.errors import PySparkRuntimeError

    try:
        yield
    except PySparkRuntimeError:
        lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
        line_of_error = next(
            (line for line in lines if re.search("error|exception|invalid", line, re.IGNORECASE)), ""
        )
        raise SegError(
            f"engine=spark: the JVM did not start: {line_of_error or ' '.join(lines[-1:])}; see engine.driver_memory and engine.conf"
        ) from None


def spelled(conf: Mapping[str, object], above: str = "") -> dict[str, str]:
    """Spell properties as Spark does, those under a common beginning with it: a switch of YAML is true or false there."""
    properties: dict[str, str] = {}
    for key, value in conf.items():
        if isinstance(value, Mapping):
            properties |= spelled(value, f"{above}{key}.")
        else:
            properties[f"{above}{key}"] = str(value).lower() if isinstance(value, bool) else str(value)
    return properties


def first_line(error: BaseException) -> str:
    """Return what Spark says of an error, without the plan and the stack that follow."""
    lines = [line.strip().removeprefix(": ") for line in str(error).splitlines() if line.strip()]
    # What py4j and gRPC put before it says nothing.
    details = [match[1] for match in map(re.compile(r'details = "(.*)"$').match, lines) if match]
    lines = details or [line for line in lines if not line.startswith("An error occurred while calling")]
    lines = lines or [type(error).__name__]
    causes = [line.removeprefix("Caused by: ") for line in lines if line.startswith("Caused by: ")]
    # Spark's own words, which name the file or the column, stand behind [THE_CLASS_OF_THE_ERROR].
    own = [match[0] for match in map(re.compile(r"\[[A-Z][A-Z0-9_.]+\] .*").search, lines) if match]
    message = (own or causes[-1:] or lines)[0]
    return re.sub(r"^([\w$]+\.)+[\w$]+: |\s*SQLSTATE: \w+.*", "", message)
