"""An archive of the classes of Spark, which a JVM maps into memory instead of reading and checking each: half of its start.

    python -m seg.engine.java_classes       make it, once on a machine (half a minute, 160 MB in the cache folder of the user)

Java calls it application class-data sharing (JEP 350). The archive holds for one Java and one Spark; a JVM that it does not fit
ignores it.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from contextlib import suppress
from importlib import metadata
from pathlib import Path

SECONDS = 180  # that making it may take
# What a session does first: it takes rows by Arrow, keeps them, aggregates, joins, sorts, and hands rows over.
PROGRAM = """
import sys
import pandas as pd
from seg.engine.spark import SparkEngine
conf = {"spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:ArchiveClassesAtExit=" + sys.argv[1]}
with SparkEngine("local[1]", None, conf, "1g", 2) as engine:
    table = engine.checkpoint(engine.register(pd.DataFrame({"x": range(50), "y": 1.5, "z": "a"})))
    counted = table.group_by("y").aggregate(n=table.count(), z=table.z.max(), x=table.x.median())
    engine.collect(table.join(counted, "y").order_by("x"))
    jvm = engine._session.process
jvm.stdin.close()
jvm.wait(120)
"""


def option(java: str) -> str:
    """Return the options by which a JVM takes its classes from the archive.

    Parameters
    ----------
    java : str
        What ``java -version`` prints.

    Returns
    -------
    str
        Empty where there is no archive.
    """
    path = _place(java)
    # Without its own log a JVM that finds the archive unfit says nothing on the terminal.
    return f"-XX:SharedArchiveFile={path} -Xlog:disable -Xlog:all=error:stderr" if path.exists() else ""


def make(java: str) -> Path | None:
    """Make the archive, unless it is there.

    Parameters
    ----------
    java : str
        What ``java -version`` prints.

    Returns
    -------
    Path or None
        The archive; None where this Java makes none.

    Raises
    ------
    OSError
        The cache folder cannot be written to.
    """
    from filelock import FileLock

    path = _place(java)
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path.with_suffix(".lock")):
        if not path.exists():
            _make(path)
    return path if path.exists() else None


def _place(java: str) -> Path:
    import pooch

    key = hashlib.sha256(f"{java} {metadata.version('pyspark')}".encode()).hexdigest()[:12]
    return Path(pooch.os_cache("seg")) / "spark" / f"{key}.jsa"


def _make(path: Path) -> None:
    unfinished = path.with_suffix(f".{os.getpid()}")
    try:
        subprocess.run([sys.executable, "-c", PROGRAM, str(unfinished)], capture_output=True, timeout=SECONDS)
        unfinished.replace(path)
    except (subprocess.TimeoutExpired, FileNotFoundError):
        pass  # no Java that keeps one: Spark starts without
    finally:
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)


if __name__ == "__main__":
    from seg.engine import spark_session
    from seg.errors import SegError

    try:
        spark_session.check_installed()
        archive = make(spark_session.java_version())
        print(f"classes of Spark: {archive or 'this Java keeps no archive of them'}")
    except (OSError, SegError) as error:
        print(f"classes of Spark: not prepared ({error})")
