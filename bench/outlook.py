"""Figures of the outlook on the real files: judged horizons at several cuts, forecasts by month, and the time.

    python bench/outlook.py online_retail_ii 2010-12-01 2011-03-10 2011-06-10 2011-09-10
    python bench/outlook.py online_retail
    python bench/outlook.py online_retail_ii week
    python bench/outlook.py generated 200000                  the time alone, on invented orders of two years

Needs the real files (SEG_DATA_DIR), except for invented orders. About two minutes of processor time; prints CSV.
"""

from __future__ import annotations

import sys
import tempfile
import time
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

from seg import cleaning
from seg.config import compose, load
from seg.outlook.customer_outlook import customer_outlook
from seg.outlook.segment_outlook import segment_outlook
from seg.outlook.snapshots import OrderHistory
from seg.preparation import prepare


def quarters(frame: pd.DataFrame):
    """Place customers in four segments by recency and orders, which needs no fitted model."""
    recent, often = frame["recency_days"] <= 90, frame["orders"] >= 4
    return (3 - 2 * often.astype(int) - recent.astype(int)).to_numpy()


def invented(customers: int, seed: int = 0) -> pd.DataFrame:
    """Draw orders of two years: customers come at any time, buy at rates that differ (a gamma), and stop (exponential)."""
    rng = np.random.default_rng(seed)
    first = rng.uniform(0, 700, customers)
    until = np.minimum(first + rng.exponential(400, customers), 730)
    later = rng.poisson(rng.gamma(0.8, 1 / 70, customers) * (until - first))
    who = np.repeat(np.arange(customers), later + 1)
    day = rng.uniform(first[who], until[who])
    day[np.r_[0, np.cumsum(later + 1)[:-1]]] = first
    amount = rng.gamma(4, rng.gamma(5, 2, customers)[who] / 4).round(2) + 0.01
    ordered_at = pd.Timestamp("2024-01-01") + pd.to_timedelta((day * 86400).astype("int64"), unit="s")
    return pd.DataFrame({"customer_id": [f"c{one:07d}" for one in who], "order_id": np.arange(len(who)), "ordered_at": ordered_at, "amount": amount})  # fmt: skip


def main(dataset: str, *cuts: str) -> None:
    """Print the figures of one data set."""
    load.prepare_environment()
    if dataset != "generated":
        return figures([f"dataset={dataset}"], cuts)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "orders.parquet"
        invented(int(cuts[0])).to_parquet(path, index=False)
        return figures(["dataset=transactions", f"dataset.path={path}"], None)


def figures(asked: list[str], cuts: tuple[str, ...] | None) -> None:
    """Print the time and what was judged, and the judgement at each of the cuts; None: none of them."""
    cfg = compose.compose([*asked, "tracking=none"])
    settings, parts = load.settings(cfg), compose.instantiate_parts(cfg)
    with parts.connect() as engine:
        source, _notes = prepare.find(settings.dataset, settings.data_dir)
        table = engine.checkpoint(parts.load(engine, source).table)
        steps = cleaning.parse(settings.cleaning.steps)
        history = OrderHistory(engine, table, steps, ["recency_days", "orders"], quarters)
        wall, processor = time.perf_counter(), time.process_time()
        made = customer_outlook(history, [30, 90, 180])
        customers = time.process_time() - processor
        weeks = 13 if cuts and "week" in cuts else None
        segments = segment_outlook(history, {place: f"segment {place}" for place in range(4)}, 6, weeks)
        wall, processor = time.perf_counter() - wall, time.process_time() - processor
        print(f"# {len(made.scores):,} customers: {wall:.0f} s, of the processors {processor:.0f} s ({customers:.0f} s for customers)")  # fmt: skip
        for one in made.horizons:
            print("#", one.sentence)
        print("#", segments.reasons, segments.shares.sentence if segments.shares else "")
        if segments.forecasts:
            print(segments.errors().round(3).to_csv(index=False))
        for cut in () if cuts is None else [one for one in cuts if one != "week"] or (None,):
            day = date.fromisoformat(cut) if cut else None
            (judged,) = customer_outlook(history, [90], day).horizons
            print("#", judged.sentence, *judged.notes)
            if judged.judgement is not None:
                print(judged.judgement.scores.round(3).to_csv(index=False), flush=True)
                print(f"# calibration error {judged.judgement.calibration_error:.3f}")


if __name__ == "__main__":
    main(*sys.argv[1:])
