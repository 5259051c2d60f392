"""How a Spark session comes to be: taken where there is one, else connected to or started."""

from __future__ import annotations

import atexit
import logging
import os
import re
import shutil
import subprocess
import tempfile
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from seg.errors import SegError

JAVA = 17  # the oldest that Spark 4 runs on
LOOPBACK = {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}
# What every expression of seg is written for; a session that is taken gets its own values back.
MEANING = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",
    "spark.sql.timestampType": "TIMESTAMP_NTZ",
    "spark.sql.legacy.timeParserPolicy": "CORRECTED",
    "spark.sql.variable.substitute": "false",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
    "spark.sql.sources.parallelPartitionDiscovery.threshold": "10000",
}


@dataclass(frozen=True)
class Request:
    """What session is wanted.

    Parameters
    ----------
    master : str, optional
        Such as ``local[4]`` or ``spark://host:7077``; all cores of this machine when left out and nothing
        outside (spark-submit) says otherwise.
    remote : str, optional
        A Spark Connect server, ``sc://host:15002``.
    conf : mapping of str to str
        Properties of Spark.
    driver_memory : str, optional
        Of a JVM that is started here.
    timeout : int
        Seconds that a master or a server has to answer.
    """

    master: str | None = None
    remote: str | None = None
    conf: Mapping[str, str] = field(default_factory=dict)
    driver_memory: str | None = None
    timeout: int = 30


_started: dict[str, Any] = {}  # the session of this process, and what it was started for


def session(request: Request):
    """Take, connect to, or start a session.

    Returns
    -------
    session : pyspark.sql.SparkSession
    own : bool
        Whether it was started here.

    Raises
    ------
    SegError
        There is no JDK that Spark runs on, or the master or the server does not answer.
    """
    _hush()
    from pyspark.sql import SparkSession

    if _started and _started["request"] == request:
        return _started["session"], True
    active = SparkSession.getActiveSession()
    if active is not None:
        return active, False
    _check_java()
    started = _start(request)
    _started.update(request=request, session=started)
    return started, True


def _hush() -> None:
    """Leave the terminal to seg: what goes wrong comes as an exception, once."""
    logging.getLogger("py4j").setLevel(logging.CRITICAL)
    logging.getLogger("pyspark").setLevel(logging.CRITICAL)
    warnings.filterwarnings("ignore", message="PySpark does not yet fully support pandas", append=True)


def _start(request: Request):
    from pyspark import SparkConf, SparkContext
    from pyspark.java_gateway import launch_gateway
    from pyspark.sql import SparkSession

    conf = SparkConf(loadDefaults=False).setAll(list(_properties(request).items()))
    folder = Path(tempfile.mkdtemp(prefix="seg-spark-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    with open(folder / "jvm.log", "wb") as log:
        gateway = launch_gateway(conf, {"stdout": log, "stderr": log})
    SparkContext._ensure_initialized(gateway=gateway, conf=conf)
    started = SparkSession.builder.config(conf=conf).getOrCreate()
    started.sparkContext.setLogLevel("ERROR")
    return started


def _properties(request: Request) -> dict[str, str]:
    master = request.master or "local[*]"
    properties = {
        "spark.master": master,
        "spark.app.name": "seg",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        **(LOOPBACK if master.startswith("local") or "//127.0.0.1" in master else {}),
        **MEANING,
    }
    if request.driver_memory:
        properties["spark.driver.memory"] = request.driver_memory
    return properties | dict(request.conf)


def _check_java() -> None:
    """Spark's own words for this are a page of shell output."""
    home = os.environ.get("JAVA_HOME")
    java = str(Path(home) / "bin" / "java") if home else "java"
    try:
        said = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=60).stderr
    except (OSError, subprocess.TimeoutExpired):
        where = f"JAVA_HOME={home} has none" if home else "none is on the PATH"
        raise SegError(
            f"engine=spark needs a JDK of version {JAVA} or newer, and {where}: install one, or run with engine=duckdb"
        ) from None
    version = re.search(r'version "(?:1\.)?(\d+)', said)
    if version and int(version[1]) < JAVA:
        raise SegError(
            f"engine=spark needs a JDK of version {JAVA} or newer, and {java} is version {version[1]}: set "
            "JAVA_HOME to a newer one, or run with engine=duckdb"
        )
