"""Cost and memory against rows and customers, on DuckDB and on Spark, with slopes: the numbers of docs/scale.md.

    python bench/scale.py                                     all sizes; forty minutes on two idle cores, 8 GB of disk
    python bench/scale.py --reviews 1000000 --customers 20000 --cluster 200000        small, to see that it works
    python bench/scale.py --spark-reviews 1000000 --spark-customers 20000             smaller sizes for Spark alone

Three tables. *Reviews*: raw Parquet files, invented at the size of Amazon Reviews, to a frame of features (`bench/amazon.py`; start-up
apart). *Customers*: the whole command on a table of customers of three features, k = 2 to 6, exact settings of a user: read, segments,
evidence, lists, report; on Spark with `model=mllib_kmeans`, without collecting. *Cluster*: reviews to segments on Spark with two
separate executors (`local-cluster`), with the bytes, shuffles and stages of its event log. Seconds are of the processor (all
processes) and of the clock; memory is the largest resident set, the sum over processes for Spark.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

import processes

ROOT = Path(__file__).resolve().parents[1]
SPARK = ("engine=spark", "engine.driver_memory=6g")


def main() -> None:
    asked = _arguments()
    print(f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, Python {platform.python_version()}\n")  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="seg-scale-") as scratch:
        reviews(asked, asked.folder or ROOT / "generated")
        customers(asked, Path(scratch))
        for rows in asked.cluster:
            cluster(rows, asked.folder or ROOT / "generated", Path(scratch))


def reviews(asked: argparse.Namespace, folder: Path) -> None:
    """Print the table of reviews: raw files to a frame of features."""
    rows = []
    for way, sizes in (("seg", asked.reviews), ("Spark local[2]", asked.spark_reviews)):
        for size in sizes:
            words = [sys.executable, "bench/amazon.py", "--one", way, "--folder", str(_reviews(folder, size))]
            done = subprocess.run(words, capture_output=True, text=True, cwd=ROOT)
            if done.returncode:
                rows.append((_engine(way), size, None))
                print(f"{way}, {size:,} reviews: failed\n{done.stderr[-1500:]}", file=sys.stderr)
                continue
            out = json.loads(done.stdout.splitlines()[-1])
            rows.append((_engine(way), size, (out["processor"], out["wall"], out["peak"])))
    _table("reviews", rows)


def customers(asked: argparse.Namespace, scratch: Path) -> None:
    """Print the table of customers: the whole command."""
    rows = []
    for engine, sizes, options in (
        ("DuckDB", asked.customers, ("model=kmeans",)),
        ("Spark", asked.spark_customers, ("model=mllib_kmeans", *SPARK)),
    ):
        for size in sizes:
            path = _customers(scratch, size)
            words = ["dataset=customers", f"dataset.path={path}", "dataset.features=[recency,orders,revenue]"]
            measured = _run([*words, *options, "k=4", "selection.k_range=[2,3,4,5,6]"], scratch)
            rows.append((engine, size, measured))
    _table("customers", rows)


def cluster(size: int, folder: Path, scratch: Path) -> None:
    """Print what a run on two separate executors moves, from Spark's event log."""
    events = scratch / f"events-{size}"
    events.mkdir()
    conf = f"engine.conf={{spark.eventLog.enabled: 'true', spark.eventLog.compress: 'false', spark.eventLog.dir: 'file://{events}'}}"
    # Parquet is read by the executors, and the features are left to them: nothing is collected.
    words = ["experiment=amazon_electronics", f"dataset.path={_reviews(folder, size) / 'reviews.parquet'}"]
    words += ["model=mllib_kmeans", "k=4", "selection.k_range=[3,4,5]", *SPARK, conf]
    words += ["engine.master='local-cluster[2,1,2048]'", "evaluation.holdout.cut=null"]
    measured = _run(words, scratch)
    if measured is None:
        return
    facts = {
        "jobs": 0,
        "stages": 0,
        "tasks": 0,
        "read": 0,
        "shuffled": 0,
        "spilled": 0,
        "executor seconds": 0.0,
    }
    for path in events.rglob("*"):
        if path.is_file() and not path.name.startswith((".", "appstatus")):
            for line in path.open():
                _count(json.loads(line), facts)
    print(f"\n| {size:,} reviews on two executors | |\n| --- | ---: |")
    print(f"| wall, processor (all processes) | {measured[1]:.0f} s, {measured[0]:.0f} s |")
    print(f"| time of tasks | {facts['executor seconds']:.0f} s |")
    print(f"| jobs, stages, tasks | {facts['jobs']}, {facts['stages']}, {facts['tasks']} |")
    for name in ("read", "shuffled", "spilled"):
        print(f"| bytes {name} | {facts[name] / 1e6:,.1f} MB, {facts[name] / size:,.0f} a review |")


def _count(event: dict, facts: dict) -> None:
    facts["jobs"] += event["Event"] == "SparkListenerJobStart"
    facts["stages"] += event["Event"] == "SparkListenerStageCompleted"
    if event["Event"] == "SparkListenerTaskEnd" and event.get("Task Metrics"):
        spent = event["Task Metrics"]
        facts["tasks"] += 1
        facts["executor seconds"] += spent["Executor Run Time"] / 1000
        facts["read"] += spent["Input Metrics"]["Bytes Read"]
        facts["shuffled"] += spent["Shuffle Write Metrics"]["Shuffle Bytes Written"]
        facts["spilled"] += spent["Disk Bytes Spilled"]


def _run(words: list[str], scratch: Path) -> tuple[float, float, float] | None:
    """Run a command; return seconds of the processor and of the clock, and peak memory in GiB; None where it fails."""
    out = scratch / "out"
    line = [sys.executable, "-m", "seg.run", *words, "tracking=none", "cache=off", f"hydra.run.dir={out}"]
    start = time.perf_counter()
    with tempfile.TemporaryFile("w+") as said:
        child = subprocess.Popen(line, stdout=said, stderr=subprocess.STDOUT, cwd=ROOT)
        watch = _Watch(child.pid)
        watch.start()
        code = child.wait()
        wall = time.perf_counter() - start
        watch.stop()
        said.seek(0)
        text = said.read()
    shutil.rmtree(out, ignore_errors=True)
    if code:
        print(f"{' '.join(words)}: exit code {code}\n{text[-1500:]}", file=sys.stderr)
        return None
    print(f"{' '.join(words)}\n" + "\n".join(one for one in text.splitlines() if " s:" in one or one.endswith(" s")), file=sys.stderr)  # fmt: skip
    return watch.processor, wall, watch.peak


class _Watch(threading.Thread):
    """Follow a process and its descendants: their processor seconds and the peak of their memory (GiB)."""

    def __init__(self, pid: int):
        super().__init__(daemon=True)
        self._pid, self._ended, self._seconds, self.peak = pid, threading.Event(), {}, 0.0

    @property
    def processor(self) -> float:
        return sum(self._seconds.values())

    def run(self) -> None:
        while not self._ended.wait(0.1):
            family = processes.family(self._pid)
            taken = {pid: processes.processor(pid) for pid in family}
            self._seconds |= {pid: seconds for pid, seconds in taken.items() if seconds is not None}
            memory = sum(map(processes.resident, family))
            self.peak = max(self.peak, memory)

    def stop(self) -> None:
        self._ended.set()
        self.join()


def _engine(way: str) -> str:
    return "Spark" if "Spark" in way else "DuckDB"


def _reviews(folder: Path, rows: int) -> Path:
    """Return the folder of invented reviews; they are written where they are missing."""
    folder = folder / f"amazon_{rows}"
    if not (folder / "reviews.parquet").is_file():
        from seg.datasets.synthetic import reviews_like_amazon

        reviews_like_amazon.write(folder, rows)
    return folder


def _customers(folder: Path, n: int) -> Path:
    """Write a table of n customers with recency, orders and revenue."""
    path = folder / f"customers_{n}.parquet"
    if path.is_file():
        return path
    rng = np.random.default_rng(0)
    rate = np.exp(rng.normal(-0.8, 1.1, n))
    orders = 1 + rng.poisson(rate)
    recency = np.ceil(rng.exponential(120 / (0.3 + rate), n)).clip(1, 365).astype(int)
    revenue = np.round(np.exp(rng.normal(3, 0.9, n)) * orders, 2)
    columns = {"customer_id": np.arange(n), "recency": recency, "orders": orders, "revenue": revenue}
    pq.write_table(pa.table(columns), path)
    return path


def _table(what: str, rows: list[tuple[str, int, tuple | None]]) -> None:
    print(
        f"| engine | {what} | processor s | wall s | peak GiB | microseconds of the processor each | slope since the row above |"
    )
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    before: dict[str, tuple[int, float]] = {}
    for engine, size, measured in rows:
        if measured is None:
            print(f"| {engine} | {size:,} | failed | | | | |")
            continue
        processor, wall, peak = measured
        slope = ""
        if engine in before:
            smaller, seconds = before[engine]
            slope = f"{math.log(processor / seconds) / math.log(size / smaller):.2f}"
        before[engine] = size, processor
        each = processor / size * 1e6
        print(f"| {engine} | {size:,} | {processor:.1f} | {wall:.1f} | {peak:.1f} | {each:.1f} | {slope} |")
    print(flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    sizes = {"type": int, "nargs": "*"}
    parser.add_argument("--reviews", **sizes, default=[1_000_000, 5_000_000, 43_886_944])
    parser.add_argument("--spark-reviews", **sizes)
    parser.add_argument("--customers", **sizes, default=[20_000, 200_000, 2_000_000, 10_000_000])
    parser.add_argument("--spark-customers", **sizes)
    parser.add_argument("--cluster", **sizes, default=[1_000_000])
    parser.add_argument("--folder", type=Path, help="where invented reviews lie, and are written")
    asked = parser.parse_args()
    asked.spark_reviews = asked.reviews if asked.spark_reviews is None else asked.spark_reviews
    asked.spark_customers = asked.customers if asked.spark_customers is None else asked.spark_customers
    return asked


if __name__ == "__main__":
    main()
