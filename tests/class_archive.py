"""Have all JVMs of Spark that tests start take their classes from seg's archive, not only those that seg starts."""

from __future__ import annotations

import os
import subprocess

from seg.engine import java_classes

# Short programs gain nothing from the second compiler and from threads that collect garbage.
ALWAYS = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"


def use() -> None:
    """Set the options of drivers, masters, workers, executors and launchers in the environment."""
    try:
        version = subprocess.run(["java", "-version"], capture_output=True, text=True).stderr
    except OSError:  # tests that need it say so themselves
        return
    options = f"{ALWAYS} {java_classes.option(version)}".strip()
    for name in ("SPARK_SUBMIT_OPTS", "SPARK_DAEMON_JAVA_OPTS", "SPARK_EXECUTOR_OPTS", "SPARK_LAUNCHER_OPTS"):
        os.environ[name] = options
