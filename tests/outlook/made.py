"""Snapshots for tests: customers whose next purchase follows from what is known of them."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd

from seg.outlook.snapshots import Snapshot


def snapshot_of(n: int = 400, seed: int = 0, cut: date = date(2011, 1, 1), horizon: int = 30) -> Snapshot:
    """Make customers who buy again with probability 0.9 if they bought lately, and 0.1 if not; large ones spend ten times."""
    rng = np.random.default_rng(seed)
    late, large = rng.random(n) < 0.5, rng.random(n) < 0.2
    tenure = rng.integers(200, 400, n).astype("float64")
    revenue = np.where(large, 1000.0, 100.0)
    features = pd.DataFrame(
        {
            "recency_days": np.where(late, rng.integers(100, 200, n), rng.integers(1, 30, n)).astype(
                "float64"
            ),
            "tenure_days": tenure,
            "orders": 1.0 + rng.integers(0, 5, n),
            "revenue": revenue,
            f"previous_{horizon}": np.where(late, 0.0, revenue / 4),
        },
        index=[f"c{seed}-{place}" for place in range(n)],
    )
    bought = rng.random(n) < np.where(late, 0.1, 0.9)
    spend = pd.DataFrame(
        {horizon: np.where(bought, revenue / 4 * rng.uniform(0.8, 1.2, n), 0.0)}, index=features.index
    )
    return Snapshot(cut, features, pd.Series(late.astype(int), index=features.index), spend)
