"""Time `python -m seg.run dataset=flo model=kmeans k=4` against bench/bare_script.py, in turn, on the real FLO file.

    make bench                  five pairs, about ten minutes on two cores
    make bench ARGS="--pairs 2"

Prints seconds of wall and processor of each, and the ratio pair by pair: machines are noisy, ratios within a pair are not.
Expected: seg at 0.5 of the bare script or less, although it does more (nine kinds of figure and table, the report, a
squared and a common-space silhouette).
"""

import argparse
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def seconds(command: list[str], environment: dict) -> tuple[float, float]:
    """Run a command; return its wall and processor seconds, children included."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(command, env=environment, capture_output=True, text=True, cwd=ROOT)
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.perf_counter() - start, processor


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=5)
    pairs = parser.parse_args().pairs
    file = Path(os.environ.get("SEG_DATA_DIR", ROOT / "datasets")) / "flo" / "flo_data_20k.csv"
    if not file.is_file():
        sys.exit(f"no {file}: set SEG_DATA_DIR to a folder with flo/flo_data_20k.csv")
    file.read_bytes()  # both find it in the cache
    with tempfile.TemporaryDirectory() as scratch:
        environment = os.environ | {"SEG_DATA_DIR": str(file.parents[1])}
        environment.pop("MLFLOW_TRACKING_URI", None)
        (Path(scratch) / "bare").mkdir()
        commands = {
            "seg": [sys.executable, "-m", "seg.run", "dataset=flo", "model=kmeans", "k=4",
                    f"tracking.uri=sqlite:///{scratch}/seg.db", f"hydra.run.dir={scratch}/run"],
            "bare": [sys.executable, "bench/bare_script.py", str(file), f"{scratch}/bare"],
        }  # fmt: skip
        for command in commands.values():
            seconds(command, environment)  # warm: stores exist, files are cached
        timed = {name: [] for name in commands}
        for pair in range(pairs):
            for name, command in commands.items():
                timed[name].append(seconds(command, environment))
            print(
                f"pair {pair + 1}: " + ", ".join(f"{name} {timed[name][-1][0]:.1f} s" for name in commands),
                flush=True,
            )
    print(
        f"\n{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, {pairs} pairs, one warm-up each"
    )
    for place, kind in enumerate(("wall", "processor")):
        ratios = [a[place] / b[place] for a, b in zip(timed["seg"], timed["bare"], strict=True)]
        medians = {name: statistics.median(run[place] for run in runs) for name, runs in timed.items()}
        print(
            f"{kind:<9}  seg {medians['seg']:6.1f} s   bare {medians['bare']:6.1f} s   ratio median {statistics.median(ratios):.2f} "
            f"({min(ratios):.2f} to {max(ratios):.2f})"
        )


if __name__ == "__main__":
    main()
