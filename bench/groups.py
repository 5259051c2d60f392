"""Time of a run with one model a group: 200 countries of 5,000 customers, and what a larger part of them takes.

python bench/groups.py                  20 countries of 5,000 customers, a minute on two cores
python bench/groups.py 200              all of them: nine and a half minutes
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

KINDS = (
    (20, 14, 90.0),
    (90, 6, 45.0),
    (240, 2, 30.0),
    (30, 1, 25.0),
)  # days since the last order, orders, amount
NEWEST = np.datetime64("2026-06-30")


def orders(groups: int, customers: int, seed: int = 0, small: int = 10) -> pa.Table:
    """Return order lines of `groups` countries with `customers` customers each, of four kinds; `small` countries of 40 beside them."""
    rng = np.random.default_rng(seed)
    sizes = np.concatenate([np.full(groups, customers), np.full(small, 40)])
    country = np.repeat(np.array([f"C{one:03d}" for one in range(len(sizes))]), sizes)
    kind = rng.choice(4, len(country), p=[0.1, 0.3, 0.4, 0.2])
    last, count, amount = (np.array([one[place] for one in KINDS])[kind] for place in range(3))
    count = 1 + rng.poisson(count - 1)
    customer = np.repeat(np.arange(len(country)), count)
    place = np.arange(len(customer)) - np.repeat(np.cumsum(count) - count, count)
    days = np.repeat(rng.gamma(4, last / 4), count) + place * rng.gamma(2, 15, len(customer))
    return pa.table(
        {
            "customer_id": np.char.add("K", customer.astype(str)),
            "order_id": np.arange(len(customer)).astype(str),
            "ordered_at": NEWEST - np.minimum(days, 700).astype("timedelta64[D]"),
            "amount": np.round(rng.lognormal(np.log(np.repeat(amount, count)), 0.4), 2),
            "country": np.repeat(country, count),
        }
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("groups", type=int, nargs="?", default=20)
    parser.add_argument("--customers", type=int, default=5000)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="seg-groups-") as scratch:
        path = Path(scratch) / "brand.parquet"
        table = orders(asked.groups, asked.customers)
        pq.write_table(table, path)
        line = [
            sys.executable, "-m", "seg.run", "dataset=transactions", f"dataset.path={path}", "by=country", "cache=off",
            "dataset.columns.order_id=order_id", "dataset.columns.country=country", f"hydra.run.dir={scratch}/run", "tracking=none",
        ]  # fmt: skip
        start = time.perf_counter()
        done = subprocess.run(line, capture_output=True, text=True)
        seconds = time.perf_counter() - start
        print(done.stdout[-6000:], done.stderr[-3000:])
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        groups = pd.read_csv(f"{scratch}/run/groups.csv")
        own = int((groups["model"] != "(common)").sum())
        print(
            f"{own} models, {table.num_rows:,} order lines, {int(groups.customers.sum()):,} customers: {seconds:.0f} s"
        )
        print(
            f"processor {used.ru_utime + used.ru_stime:.0f} s, largest process {used.ru_maxrss / 1e6:.2f} GB"
        )


if __name__ == "__main__":
    main()
