"""What a job of a sweep costs beside fitting: one sweep over k on real files, each job timed from its start to its end.

    python bench/overhead.py                                  FLO, k-means, k = 3..8: half a minute (a part of make bench)
    python bench/overhead.py dataset=online_retail model=gmm  another sweep
    python bench/overhead.py hydra/launcher=joblib            two jobs at a time: wall seconds only, and they share the cores

Prints for each job its seconds of wall and processor, how many of them were fitting (what the cache had to make), and what is left.
The first job also imports and makes what all share. Expected of each further job on an idle core: at most 1 s beside fitting.
"""

import os
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SWEEP = {"dataset": "flo", "model": "kmeans", "k": "3,4,5,6,7,8"}
LIMIT = 1.0


class Clock:
    """Seconds of wall and processor spent within functions, by the name of what they do."""

    def __init__(self):
        self.spent: list[dict[str, tuple[float, float]]] = []

    def around(self, name: str, action):
        """Time `action` in the current job; what runs within another of the same name counts once."""

        def timed(*arguments, **options):
            if name == "job":
                self.spent.append({})
            start = time.perf_counter(), time.process_time()
            try:
                return action(*arguments, **options)
            finally:
                took = time.perf_counter() - start[0], time.process_time() - start[1]
                before = self.spent[-1].get(name, (0.0, 0.0)) if self.spent else None
                if before is not None:
                    self.spent[-1][name] = (before[0] + took[0], before[1] + took[1])

        return timed


def sweep(overrides: list[str], folder: str) -> Clock:
    """Run a sweep in this process, so that its jobs can be timed from within."""
    os.chdir(ROOT)
    import seg.run
    from seg.cli import sweeps
    from seg.pipeline.cache import Cache

    clock, get = Clock(), Cache.get
    sweeps.job = clock.around("job", sweeps.job)
    Cache.get = lambda self, kind, key, make: get(self, kind, key, clock.around("fitting", make))
    sys.argv = [seg.run.__file__, "-m", *overrides, f"tracking.uri=sqlite:///{folder}/mlflow.db",
                f"cache.folder={folder}/cache", f"hydra.sweep.dir={folder}/sweep"]  # fmt: skip
    if code := seg.run.main():
        sys.exit(code)
    return clock


def main() -> None:
    if {"-h", "--help"} & set(sys.argv):
        sys.exit(__doc__)
    given = dict(argument.split("=", 1) for argument in sys.argv[1:])
    overrides = [f"{name}={value}" for name, value in (SWEEP | given).items()]
    with tempfile.TemporaryDirectory() as folder:
        clock = sweep(overrides, folder)
    if not clock.spent:
        return print("\nThe jobs ran in other processes: see their seconds in the table above.")
    print(
        f"\n{'job':>4} {'wall':>12} {'processor':>10} {'of it fitting':>14} {'beside: wall':>13} {'processor':>10}"
    )
    worst = 0.0
    for number, spent in enumerate(clock.spent):
        (wall, processor), fitting = spent["job"], spent.get("fitting", (0.0, 0.0))
        beside = wall - fitting[0], processor - fitting[1]
        print(
            f"{number:>4} {wall:>10.2f} s {processor:>8.2f} s {fitting[0]:>12.2f} s {beside[0]:>11.2f} s {beside[1]:>8.2f} s"
        )
        worst = max(worst, beside[0] if number else 0.0)
    print(
        f"slowest after the first: {worst:.2f} s beside fitting; expected at most {LIMIT:.0f} s on an idle core"
    )


if __name__ == "__main__":
    main()
