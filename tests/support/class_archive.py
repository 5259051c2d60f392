"""Have all JVMs of Spark that tests start take their classes from seg's archive, not only those that seg starts."""

from __future__ import annotations

import os

from seg.engine import java_classes, spark_session
from seg.errors import SegError

# Short programs gain nothing from the second compiler and from threads that collect garbage.
ALWAYS = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"


def use() -> None:
    """Set the options of drivers, masters, workers, executors and launchers in the environment."""
    try:
        options = f"{ALWAYS} {java_classes.option(spark_session.java_version())}".strip()
    except SegError:  # tests that need Java say so themselves
        return
    for name in ("SPARK_SUBMIT_OPTS", "SPARK_DAEMON_JAVA_OPTS", "SPARK_EXECUTOR_OPTS", "SPARK_LAUNCHER_OPTS"):
        os.environ[name] = options
