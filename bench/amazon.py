"""Time the whole of Amazon Reviews, invented at its real size: raw files to features, against SQL and Spark; then the experiment.

    python bench/amazon.py                               43,886,944 reviews; seven minutes on two idle cores
    python bench/amazon.py --rows 1000000 --no-spark     small, to see that it works

Files are generated where they are missing (1.8 GB). Each way is a process of its own, in turn, `--rounds` times. What is timed is
the same for all: from the raw Parquet files to a frame of recency, orders, revenue and average basket by customer, sorted, in memory; imports, which
are not about the data, are left out (JVM start-up too) and printed beside. `seg` is the path of every run, ledger included; `seg full`
also counts customers and revenue of all 43.9 million rows (cleaning.ledger=full); `SQL` is one statement by hand for the same frame;
`SQL and counts` adds what the full ledger says, in one statement more. Then one run of the experiment with k = 2 to 20 and all metrics.
"""

import argparse
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import processes

ROOT = Path(__file__).resolve().parents[1]
CLEAN = ROOT / "configs" / "cleaning" / "amazon_electronics.yaml"
FRAME = """
WITH newest AS (SELECT make_timestamp(max(timestamp) * 1000)::date AS day FROM '{reviews}' WHERE verified_purchase),
kept AS (
    SELECT DISTINCT user_id, asin, parent_asin, timestamp, greatest(rating, 1) AS rating, greatest(helpful_vote, 0) AS votes
    FROM '{reviews}', newest WHERE verified_purchase AND timestamp >= epoch_ms(day - 365)
),
priced AS (
    SELECT user_id, timestamp, try_cast(price AS double) AS price FROM kept JOIN '{items}' USING (parent_asin)
    WHERE try_cast(price AS double) > 0.25 AND coalesce(main_category, '') NOT IN ({categories})
)
SELECT user_id, (SELECT max(make_timestamp(timestamp * 1000)::date) FROM priced) + 1 - make_timestamp(max(timestamp) * 1000)::date
    AS recency_days, count(*) AS orders, sum(price) AS revenue, sum(price) / count(*) AS average_basket
FROM priced GROUP BY user_id ORDER BY user_id
"""
COUNTS = """
WITH rows AS (
    SELECT user_id, try_cast(price AS double) AS price, CASE WHEN NOT verified_purchase THEN 0 WHEN timestamp < {first} THEN 1 ELSE 2 END
    AS depth FROM '{reviews}' LEFT JOIN '{items}' USING (parent_asin)
),
people AS (SELECT depth, count(*) AS customers FROM (SELECT user_id, max(depth) AS depth FROM rows GROUP BY user_id) GROUP BY depth)
SELECT depth, n, revenue, customers FROM (SELECT depth, count(*) AS n, sum(price) AS revenue FROM rows GROUP BY depth) JOIN people
USING (depth)
"""


def by_sql(folder: Path, counts: bool):
    """Make the frame by hand; return the function that is timed."""
    import duckdb
    import yaml

    steps = yaml.safe_load(CLEAN.read_text())["steps"]
    names = next(step["drop_categories"]["categories"] for step in steps if "drop_categories" in step)
    given = {"reviews": folder / "reviews.parquet", "items": folder / "items.parquet"}
    categories = ", ".join("'" + name.replace("'", "''") + "'" for name in names)

    def work():
        con = duckdb.connect()
        con.execute("SET enable_progress_bar = false")
        if counts:
            con.execute(COUNTS.format(**given, first=1663027200000)).fetchall()
        return con.execute(FRAME.format(**given, categories=categories)).to_arrow_table().to_pandas()

    return work


def by_seg(folder: Path, *options: str):
    """Make the frame as a run does; return the function that is timed."""
    from seg.config import compose
    from seg.config import load as config
    from seg.pipeline import check
    from seg.preparation import prepare

    config.prepare_environment()
    cfg = compose.compose(
        [
            "experiment=amazon_electronics",
            "tracking=none",
            f"dataset.path={folder / 'reviews.parquet'}",
            *options,
        ]
    )
    settings = config.settings(cfg)
    check.check_parts(settings)
    parts = compose.instantiate_parts(cfg)
    parts.connect().close()  # what it imports and, of Spark, the JVM and the session stay
    return lambda: (
        prepare.prepare(
            settings.preparation, parts, prepare.find(settings.dataset, settings.data_dir)[0]
        ).table.frame
    )


WAYS = {
    "seg": lambda folder: by_seg(folder),
    "SQL": lambda folder: by_sql(folder, counts=False),
    "seg full": lambda folder: by_seg(folder, "cleaning.ledger=full"),
    "SQL and counts": lambda folder: by_sql(folder, counts=True),
    "Spark local[2]": lambda folder: by_seg(
        folder, "engine=spark", "engine.master='local[2]'", "engine.driver_memory=6g"
    ),
}


def one(way: str, folder: Path) -> None:
    """Time one way in this process and print it as JSON."""
    work = WAYS[way](folder)
    imports, before, start = time.process_time(), _processor(), time.perf_counter()
    frame = work()
    wall = time.perf_counter() - start
    print(
        json.dumps(
            {
                "wall": wall,
                "processor": _processor() - before,
                "imports": imports,
                "peak": _peak(),
                "customers": len(frame),
                "revenue": float(frame["revenue"].sum()),
                "recency": float(frame["recency_days"].mean()),
            }
        )
    )


def _processor() -> float:
    """Processor seconds of this process and of the JVM that it started, which has not ended yet."""
    return sum(processes.processor(pid) or 0.0 for pid in processes.family(os.getpid()))


def _peak() -> float:
    """Peak resident memory, GiB, the sum over this process and its children."""
    peaks = [
        line
        for pid in processes.family(os.getpid())
        for line in Path(f"/proc/{pid}/status").read_text().splitlines()
    ]
    return sum(int(line.split()[1]) for line in peaks if line.startswith("VmHWM")) / 2**20


def timed(way: str, folder: Path) -> dict:
    """Run one way in a process of its own."""
    done = subprocess.run(
        [sys.executable, __file__, "--one", way, "--folder", str(folder)],
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    if done.returncode:
        sys.exit(f"{way} failed:\n{done.stderr[-3000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def experiment(folder: Path) -> None:
    """Run the experiment with k = 2 to 20 and print what it says of its time."""
    with tempfile.TemporaryDirectory() as scratch:
        before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-m", "seg.run", "experiment=amazon_electronics", "selection.k_range=2..20", "cache=off",
             f"dataset.path={folder / 'reviews.parquet'}", f"tracking.uri=sqlite:///{scratch}/seg.db", f"hydra.run.dir={scratch}/run"],
            capture_output=True, text=True, cwd=ROOT,
        )  # fmt: skip
        wall = time.perf_counter() - start
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        if done.returncode:
            sys.exit(f"the experiment failed:\n{done.stderr[-3000:]}\n{done.stdout[-3000:]}")
        report = next(Path(scratch).rglob("report.html")).stat().st_size
    print(done.stdout)
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(
        f"whole experiment  wall {wall:.0f} s   processor {processor:.0f} s   peak {after.ru_maxrss / 2**20:.1f} GiB   report {report / 2**20:.1f} MiB"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=43_886_944)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--no-spark", action="store_true")
    parser.add_argument("--no-experiment", action="store_true")
    parser.add_argument("--one", choices=WAYS, help=argparse.SUPPRESS)
    given = parser.parse_args()
    folder = given.folder or ROOT / "generated" / f"amazon_{given.rows}"
    if given.one:
        return one(given.one, folder)
    if not (folder / "reviews.parquet").is_file():
        from seg.datasets.synthetic import reviews_like_amazon

        start = time.perf_counter()
        reviews_like_amazon.write(folder, given.rows)
        print(
            f"generated {given.rows:,} reviews in {time.perf_counter() - start:.0f} s: {folder}", flush=True
        )
    for path in folder.glob("*.parquet"):
        path.read_bytes()  # all find them in the cache
    load = os.getloadavg()[0]
    ways = [way for way in WAYS if not (given.no_spark and "Spark" in way)]
    found = {way: [] for way in ways}
    for number in range(given.rounds):
        for way in ways:
            if "Spark" in way and number:
                continue  # minutes: once is enough
            found[way].append(timed(way, folder))
            print(f"round {number + 1}: {way:<15} {found[way][-1]['wall']:6.1f} s", flush=True)
    print(
        f"\n{platform.machine()}, {os.cpu_count()} cores, load {load:.1f} before and {os.getloadavg()[0]:.1f} after, Python {platform.python_version()}"
    )
    first = found["SQL"][0]
    for way, runs in found.items():
        wall, processor = (statistics.median(run[what] for run in runs) for what in ("wall", "processor"))
        base = {
            what: statistics.median(run[what] for run in found["SQL and counts" if "full" in way else "SQL"])
            for what in ("wall", "processor")
        }
        same = (
            runs[0]["customers"] == first["customers"]
            and abs(runs[0]["revenue"] / first["revenue"] - 1) < 1e-9
        )
        print(
            f"{way:<15} wall {wall:6.1f} s   processor {processor:6.1f} s   of SQL {wall / base['wall']:.2f} and {processor / base['processor']:.2f}"
            f"   peak {max(run['peak'] for run in runs):.1f} GiB   {runs[0]['customers']:,} customers, {'the same' if same else 'NOT THE SAME'}"
        )
    if not given.no_experiment:
        experiment(folder)


if __name__ == "__main__":
    main()
