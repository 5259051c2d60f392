"""Score 1,000,000 feature rows with a k-means champion, as a person does: one command, its start included.

    python bench/score.py       half a minute on two cores, of which scoring is a few seconds (a part of make bench)
    python bench/score.py --rows 10000000

Prints seconds of wall and processor of `python -m seg.score`, and the memory of all its processes above that of an interpreter that
has numpy, pandas and scikit-learn imported. Expected on two idle cores: under 5 s and under 1 GiB.
"""

import argparse
import os
import platform
import resource
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import pandas as pd

ROOT = Path(__file__).resolve().parents[1]
LIMIT_SECONDS, LIMIT_BYTES = 5.0, 1 << 30


def rows(n: int) -> pd.DataFrame:
    """Draw feature rows about as FLO has them."""
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "customer_id": [f"c{number:08d}" for number in range(n)],
            "recency_days": rng.integers(1, 366, n).astype("float64"),
            "orders": rng.geometric(0.2, n) + 1.0,
            "revenue": rng.lognormal(6.3, 0.8, n).round(2),
        }
    )


def champion(folder: Path) -> str:
    """Train and register a champion in a store of its own; return the address of the store."""
    from seg.track import store

    uri = f"sqlite:///{folder}/mlflow.db"
    line = [sys.executable, "-m", "seg.run", "dataset=flo", "model=kmeans", "k=4", f"tracking.uri={uri}"]
    subprocess.run([*line, f"hydra.run.dir={folder}/run"], check=True, capture_output=True, cwd=ROOT)
    client = store.client(uri)
    (run,) = client.search_runs([client.get_experiment_by_name("seg").experiment_id])
    client.create_registered_model("seg-flo")
    source = f"models:/{run.outputs.model_outputs[0].model_id}"
    version = client.create_model_version("seg-flo", source, run.info.run_id).version
    client.set_registered_model_alias("seg-flo", "champion", version)
    return uri


def memory(process: subprocess.Popen) -> int:
    """Add up the resident memory of a process and its children; what they share counts twice."""
    pids, total = [str(process.pid)], 0
    for pid in pids:
        try:
            pids += Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
            total += int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        except (OSError, IndexError):  # it has ended meanwhile
            continue
    return total


def watched(command: list[str]) -> tuple[float, float, int]:
    """Run a command; return its wall and processor seconds and its peak memory in bytes, children included."""
    before, start, peak = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter(), 0
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=ROOT) as process:
        said = []
        reader = threading.Thread(target=lambda: said.append(process.stdout.read()))
        reader.start()
        while process.poll() is None:
            peak = max(peak, memory(process))
            time.sleep(0.02)
        reader.join()
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    if process.returncode:
        sys.exit(said[0].decode())
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, peak


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--times", type=int, default=3)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        uri = champion(folder)
        rows(asked.rows).to_parquet(folder / "rows.parquet", index=False)
        bare = [sys.executable, "-c", "import numpy, pandas, sklearn.cluster, time; time.sleep(0.3)"]
        line = [
            sys.executable,
            "-m",
            "seg.score",
            "model=models:/seg-flo@champion",
            f"input={folder}/rows.parquet",
        ]
        line += [f"output={folder}/scored.parquet", "force=true", f"tracking.uri={uri}"]
        interpreter = watched(bare)[2]
        print(
            f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, {asked.rows:,} rows"
        )
        timed = []
        for _ in range(asked.times):
            wall, processor, peak = watched(line)
            timed.append((wall, peak - interpreter))
            print(
                f"wall {wall:5.1f} s   processor {processor:5.1f} s   memory {peak / 2**20:5.0f} MiB, "
                f"{(peak - interpreter) / 2**20:.0f} above the interpreter",
                flush=True,
            )
    best, most = min(wall for wall, _ in timed), max(above for _, above in timed)
    print(f"best {best:.1f} s (limit {LIMIT_SECONDS:.0f}), most {most / 2**20:.0f} MiB above (limit 1024)")
    sys.exit(best > LIMIT_SECONDS or most > LIMIT_BYTES)


if __name__ == "__main__":
    main()
