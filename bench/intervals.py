"""How often the 95 % interval of mean spend covers the true mean, by size of the segment and kind of spend.

    python bench/intervals.py                 1,000 generated segments of each size and kind; five minutes of processor time
    python bench/intervals.py --sets 200

Spend is 0 for those who do not buy and log-normal or gamma for those who do; the true mean is known. Prints the share of intervals that
cover it, with its standard error.
"""

from __future__ import annotations

import argparse

import numpy as np
import pandas as pd

from headway import reported
from seg.metrics.prediction import mean_interval

FIRST_SEED = 9_000
SIZES = (30, 60, 120)
RESAMPLES = 1000
# Share of buyers, how a buyer's spend is drawn, and its mean.
KINDS = {
    "log-normal 0.8, 40 % buy": (0.4, lambda rng, n: rng.lognormal(5, 0.8, n), np.exp(5 + 0.8**2 / 2)),
    "log-normal 1.0, 60 % buy": (0.6, lambda rng, n: rng.lognormal(5, 1.0, n), np.exp(5 + 0.5)),
    "gamma 1, 30 % buy": (0.3, lambda rng, n: rng.gamma(1.0, 200.0, n), 200.0),
}


def covered(kind: str, n: int, sets: int) -> float:
    """Return the share of intervals that cover the true mean."""
    share, draw, mean = KINDS[kind]
    hits = 0
    for seed in range(FIRST_SEED, FIRST_SEED + sets):
        rng = np.random.default_rng([seed, n])
        spend = np.where(rng.random(n) < share, draw(rng, n), 0.0)
        low, high = mean_interval(spend, rng, RESAMPLES)
        hits += low <= share * mean <= high
    return hits / sets


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--sets", type=int, default=1000)
    sets = parser.parse_args().sets
    asked = [(kind, n) for kind in KINDS for n in SIZES]
    hits = reported((covered(kind, n, sets) for kind, n in asked), len(asked), "intervals")
    rows = [
        (kind, n, f"{hit:.3f}", f"{np.sqrt(hit * (1 - hit) / sets):.3f}")
        for (kind, n), hit in zip(asked, hits, strict=True)
    ]
    print(pd.DataFrame(rows, columns=["spend", "customers", "covered", "se"]).to_string(index=False))


if __name__ == "__main__":
    main()
