"""Time of many brands in one command each: trained, promoted, scored and exported.

python bench/brands.py                  100 shops of 300 customers
python bench/brands.py 10               ten of them
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pyarrow.csv as pa_csv

from groups import orders


def shops(folder: Path, count: int, customers: int) -> list[Path]:
    """Write a file of order lines for each shop, each of another seed."""
    folder.mkdir()
    paths = [folder / f"brand_{number:03d}.csv" for number in range(count)]
    for number, path in enumerate(paths):
        pa_csv.write_csv(orders(1, customers, seed=number, small=0).drop_columns(["country"]), path)
    return paths


def timed(what: str, *arguments: str) -> None:
    """Run a command of seg, and print its cost: its own processes only, all of them together."""
    start = time.perf_counter()
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen([sys.executable, "-m", *arguments], stdout=said, stderr=said)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.perf_counter() - start
        said.seek(0)
        text = said.read()
    if process.returncode != 0:
        print(text[-3000:])
    print(
        f"{what:<8} exit code {process.returncode}, {seconds:.0f} s, processor {used.ru_utime + used.ru_stime:.0f} s, "
        f"largest process {used.ru_maxrss / 1e6:.2f} GB; {text.strip().splitlines()[-1][:150]}",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("brands", type=int, nargs="?", default=100)
    parser.add_argument("--customers", type=int, default=300)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="seg-brands-") as scratch:
        paths = shops(Path(scratch) / "orders", asked.brands, asked.customers)
        print(
            f"{len(paths)} brands, {sum(path.stat().st_size for path in paths) / 1e6:.0f} MB; load {os.getloadavg()[0]:.1f}"
        )
        uri, sweep = f"tracking.uri=sqlite:///{scratch}/mlflow.db", f"{scratch}/trained"
        columns = "dataset.columns.order_id=order_id"
        timed(
            "train", "seg.run", "-m", "dataset=transactions", f"dataset.path={','.join(map(str, paths))}", columns, "cache=off",
            "hydra/launcher=joblib", "hydra.launcher.n_jobs=2", f"hydra.sweep.dir={sweep}", uri,
        )  # fmt: skip
        timed("promote", "seg.compare", "promote", f"run={sweep}", "why=first", "force=true", uri)
        timed(
            "score", "seg.score", "model=models:/seg-{name}@champion", f"input={scratch}/orders/{{name}}.csv",
            f"output={scratch}/scored/{{name}}.parquet", uri,
        )  # fmt: skip
        timed("export", "seg.export", f"run={sweep}", "sink=parquet", f"sink.folder={scratch}/exports")


if __name__ == "__main__":
    main()
