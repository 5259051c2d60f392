"""Half of what a JVM of Spark costs to start is reading classes: the tests start fifteen, and share an archive of them.

It is made once, and kept beside the packages of the environment, where a new environment has none. See "Application Class-Data Sharing"
in the documentation of Java.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import subprocess
import sys
import time
from importlib import metadata
from pathlib import Path

# What a session does first: it reads Parquet, aggregates, sorts, joins, and hands rows over by Arrow.
PROGRAM = """
import sys
import pandas as pd
from seg.engine.spark import SparkEngine
conf = {"spark.driver.extraJavaOptions": "-XX:ArchiveClassesAtExit=" + sys.argv[1]}
with SparkEngine("local[1]", None, conf, "1g", 2) as engine:
    table = engine.checkpoint(engine.register(pd.DataFrame({"x": range(50), "y": 1.5, "z": "a"})))
    counted = table.group_by("y").aggregate(n=table.count(), z=table.z.max(), x=table.x.median())
    engine.collect(table.join(counted, "y").order_by("x"))
    jvm = engine._session.process
jvm.stdin.close()
jvm.wait(120)
"""
# Short programs gain nothing from the second compiler and from threads that collect garbage.
ALWAYS = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"


def use() -> None:
    """Have every JVM of Spark that is started from here take its classes from the archive."""
    options = f"{ALWAYS} {_archived()}".strip()
    for name in ("SPARK_SUBMIT_OPTS", "SPARK_DAEMON_JAVA_OPTS", "SPARK_EXECUTOR_OPTS", "SPARK_LAUNCHER_OPTS"):
        os.environ[name] = options


def _archived() -> str:
    try:
        version = subprocess.run(["java", "-version"], capture_output=True, text=True).stderr
        path = Path(sys.prefix, f"spark-{_key(version)}.jsa")
        with open(path.with_suffix(".lock"), "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # of several processes one makes it
            if not path.exists():
                _make(path)
    except OSError:  # no Java, or an environment that is read-only
        return ""
    return f"-XX:SharedArchiveFile={path} -Xlog:disable -Xlog:all=error:stderr" if path.stat().st_size else ""


def _key(version: str) -> str:
    return hashlib.sha256(f"{version} {metadata.version('pyspark')}".encode()).hexdigest()[:12]


def _make(path: Path) -> None:
    """Write the archive; an empty file where this Java cannot."""
    made = path.with_suffix(".part")
    made.unlink(missing_ok=True)
    subprocess.run([sys.executable, "-c", PROGRAM, str(made)], capture_output=True)
    made.touch()
    made.rename(path)


if __name__ == "__main__":
    since = time.monotonic()
    use()
    print(f"{time.monotonic() - since:.1f} s", os.environ["SPARK_SUBMIT_OPTS"])
