"""Compare seg's kernels and commands with scikit-learn and a bare script, in pairs run in turn; print a Markdown table.

    make bench                          everything, about fifteen minutes on two idle cores
    python bench/speed.py --small       three comparisons on 5,000 generated customers, about half a minute
    python bench/speed.py --small --check bench/ratios.json       fail where seg has become twice as slow against its peer

Seconds are of the processor (user and system, all threads); the ratio is seg over peer, the median over pairs with its range.
Machines are noisy and differ, ratios within a pair hardly do, so only ratios are stored.
"""

from __future__ import annotations

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
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.cluster import KMeans
from sklearn.metrics import silhouette_score
from sklearn.mixture import GaussianMixture

from seg.metrics import kernels
from seg.metrics.silhouette import silhouettes
from seg.models.block_kmeans import BlockKMeans
from seg.models.mixture import SafeGaussianMixture

ROOT = Path(__file__).resolve().parents[1]
KS = range(2, 11)
TO_THE_END = {"tol": 0, "max_iter": 1000, "random_state": 0}
SLACK = 2.0  # times a stored ratio, from which a check fails


@dataclass(frozen=True)
class Work:
    """One row of the table: the same work done by a peer and by seg; `times` extrapolates the peer, and the table says so."""

    name: str
    peer: Callable[[], object] | None
    seg: Callable[[], object]
    pairs: int = 3
    times: float = 1.0


def customers(n: int, features: int, seed: int = 0) -> np.ndarray:
    """Draw z-scores (n, features) of customers: recency, log orders, log revenue, and mixtures of them with noise."""
    rng = np.random.default_rng(seed)
    rate = np.exp(rng.normal(-0.8, 1.1, n))
    orders = 1 + rng.poisson(rate)
    recency = np.ceil(rng.exponential(120 / (0.3 + rate), n)).clip(1, 365)
    price = np.round(np.exp(rng.normal(3, 0.9, n))).clip(1) - 0.01
    columns = [recency, np.log1p(orders), np.log1p(price * orders)]
    while len(columns) < features:
        columns.append(np.round(rng.gamma(2, 3, n) + columns[len(columns) % 3] * rng.random(), 1))
    X = np.column_stack(columns[:features])
    return (X - X.mean(axis=0)) / X.std(axis=0)


def flo() -> tuple[str, np.ndarray]:
    """Return FLO's recency, log orders and log value as z-scores, or generated customers where the file is missing."""
    path = Path(os.environ.get("SEG_DATA_DIR", ROOT / "datasets")) / "flo" / "flo_data_20k.csv"
    if not path.is_file():
        return "20,000 generated customers", customers(20_000, 3)
    table = pd.read_csv(path)
    last = pd.to_datetime(table["last_order_date"])
    orders = table["order_num_total_ever_online"] + table["order_num_total_ever_offline"]
    value = table["customer_value_total_ever_offline"] + table["customer_value_total_ever_online"]
    X = np.column_stack([(last.max() - last).dt.days + 2, np.log1p(orders), np.log1p(value)])
    return "FLO", (X - X.mean(axis=0)) / X.std(axis=0)


def on_table(name: str, X: np.ndarray, pairs: int) -> list[Work]:
    """Return k-means, exact silhouettes and mixtures of nine k."""
    labelings = {k: BlockKMeans(k, n_init=2, random_state=0).fit(X).labels_ for k in KS}

    def fits(make: Callable[[int], object]) -> Callable[[], object]:
        return lambda: [make(k).fit(X) for k in KS]

    return [
        Work(f"k-means, k = 2..10, {name}", fits(lambda k: KMeans(k, n_init=10, **TO_THE_END)),
             fits(lambda k: BlockKMeans(k, **TO_THE_END)), pairs),
        Work(f"exact silhouettes, nine k, {name}", lambda: [silhouette_score(X, labels) for labels in labelings.values()],
             lambda: silhouettes(X, labelings, sample=len(X)), pairs),
        Work(f"Gaussian mixture, k = 2..10, {name}",
             fits(lambda k: GaussianMixture(k, n_init=3, max_iter=300, reg_covar=1e-3, random_state=0)),
             fits(lambda k: SafeGaussianMixture(k, random_state=0)), pairs),
    ]  # fmt: skip


def on_large_tables() -> list[Work]:
    """Return k-means of large tables and sampled silhouettes; scikit-learn runs one start, times ten."""
    X, long = customers(200_000, 8), customers(1_830_000, 3)
    labelings = {k: BlockKMeans(k, n_init=2, random_state=0).fit(X).labels_ for k in KS}
    return [
        Work("k-means, 200,000 x 8, k = 2..10", lambda: [KMeans(k, n_init=1, **TO_THE_END).fit(X) for k in KS],
             lambda: [BlockKMeans(k, **TO_THE_END).fit(X) for k in KS], 1, 10),
        Work("silhouettes of it, nine k, standard error 0.0005",
             lambda: silhouette_score(X, labelings[6], sample_size=20_000, random_state=0),
             lambda: silhouettes(X, labelings), 2, 9),
        Work("k-means, 1,830,000 x 3, k = 2..10", lambda: [KMeans(k, n_init=1, tol=1e-4, random_state=0).fit(long) for k in KS],
             lambda: [BlockKMeans(k, **TO_THE_END).fit(long) for k in KS], 1, 10),
    ]  # fmt: skip


def on_commands(scratch: Path) -> list[Work]:
    """Return whole commands, each a process of its own."""
    path = Path(os.environ.get("SEG_DATA_DIR", ROOT / "datasets")) / "flo" / "flo_data_20k.csv"
    if not path.is_file():
        return []
    environment = os.environ | {"SEG_CACHE_DIR": str(scratch / "cache")}
    environment.pop("MLFLOW_TRACKING_URI", None)
    count = iter(range(1000))

    def command(*words: str) -> Callable[[], object]:
        def run() -> None:
            done = subprocess.run(
                [sys.executable, *words], env=environment, capture_output=True, text=True, cwd=ROOT
            )
            if done.returncode:
                sys.exit(f"{' '.join(words)} failed:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")

        return run

    def segment(*overrides: str) -> Callable[[], object]:
        uri = f"tracking.uri=sqlite:///{scratch}/seg.db"
        options = ["dataset=flo", "model=kmeans", uri, *overrides]
        return lambda: command("-m", "seg.run", *options, f"hydra.run.dir={scratch}/run{next(count)}")()

    (scratch / "bare").mkdir()
    bare = command("bench/bare_script.py", str(path), str(scratch / "bare"))
    segment("k=4")()  # the store exists and the cache is filled
    return [
        Work(
            "main command, FLO, k = 4, everything computed and logged", bare, segment("k=4", "cache=off"), 3
        ),
        Work("the same, everything cached", None, segment("k=4")),
        Work("the same with evaluation.null=20", None, segment("k=4", "evaluation.null=20"), 1),
        Work("the same with evaluation.stability=true", None, segment("k=4", "evaluation.stability=true"), 1),
        Work("the same with k=auto", None, segment("k=auto"), 1),
        Work("python -m seg.run --help", None, command("-m", "seg.run", "--help")),
    ]


def measured(work: Work) -> dict:
    """Run the pairs of one row, in turn."""
    seconds: dict[str, list] = {"peer": [], "seg": [], "wall": []}
    for _ in range(work.pairs):
        if work.peer is not None:
            seconds["peer"].append(clocked(work.peer)[0] * work.times)
        processor, wall = clocked(work.seg)
        seconds["seg"].append(processor)
        seconds["wall"].append(wall)
    ratios = [a / b for a, b in zip(seconds["seg"], seconds["peer"], strict=False)]
    return {
        "work": work,
        "ratios": ratios,
        **{name: statistics.median(values or [np.nan]) for name, values in seconds.items()},
    }


def clocked(call: Callable[[], object]) -> tuple[float, float]:
    """Return processor seconds, children included, and wall seconds of a call."""

    def spent() -> float:
        usage = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        return sum(one.ru_utime + one.ru_stime for one in usage)

    before, start = spent(), time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # mixtures that do not converge
        call()
    return spent() - before, time.perf_counter() - start


def row(found: dict) -> str:
    """Return one line of the table."""
    work, ratios = found["work"], found["ratios"]
    mark = " (x)" if work.times != 1 else ""
    peer = f"{found['peer']:.2f}{mark}" if ratios else ""
    ratio = f"{statistics.median(ratios):.3f}" if ratios else ""
    spread = f"{min(ratios):.3f} to {max(ratios):.3f}" if len(ratios) > 1 else ""
    return f"| {work.name} | {peer} | {found['seg']:.2f} | {ratio} | {spread} | {found['wall']:.2f} | {work.pairs} |"


def check(found: list[dict], stored: dict[str, float]) -> list[str]:
    """Return what has become slower than twice its stored ratio."""
    slow = []
    for one in found:
        ratio, limit = min(one["ratios"]), SLACK * stored[one["work"].name]
        if ratio > limit:
            slow.append(
                f"{one['work'].name}: ratio {ratio:.3f}, stored {limit / SLACK:.3f}: more than twice as slow"
            )
    return slow


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--small", action="store_true", help="5,000 generated customers only")
    parser.add_argument(
        "--check", type=Path, help="stored ratios (JSON); exit with 1 where seg is twice as slow"
    )
    parser.add_argument("--store", type=Path, help="write the ratios to this file")
    options = parser.parse_args()
    ready = kernels.ready()
    load = f"{os.getloadavg()[0]:.1f}"
    print(
        f"{platform.machine()}, {os.cpu_count()} cores, load {load}, Python {platform.python_version()}, kernels {'on' if ready else 'off'}\n"
    )
    print(
        "| work | peer, CPU s | seg, CPU s | ratio | range | seg, wall s | pairs |\n| --- | ---: | ---: | ---: | --- | ---: | ---: |"
    )
    found = []
    with tempfile.TemporaryDirectory() as scratch:
        works = on_table("5,000 customers", customers(5_000, 3), 3) if options.small else on_table(*flo(), 3)
        for make in () if options.small else (lambda: on_commands(Path(scratch)), on_large_tables):
            works += make()
        for work in works:
            work.seg()  # compiled code is loaded, files are in the page cache
            found.append(measured(work))
            print(row(found[-1]), flush=True)
    if any(one["work"].times != 1 for one in found):
        print("\n(x) extrapolated: scikit-learn with one start, times ten; silhouettes of one k, times nine.")
    ratios = {one["work"].name: round(statistics.median(one["ratios"]), 4) for one in found if one["ratios"]}
    if options.store:
        options.store.write_text(json.dumps(ratios, indent=2) + "\n")
    if options.check and (slow := check(found, json.loads(options.check.read_text()))):
        sys.exit("\n".join(slow))


if __name__ == "__main__":
    main()
