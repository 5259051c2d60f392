"""Figures of the outlook on the real files: judged horizons at several cuts, forecasts by month, and the time.

    python bench/outlook.py online_retail_ii 2010-12-01 2011-03-10 2011-06-10 2011-09-10
    python bench/outlook.py online_retail
    python bench/outlook.py online_retail_ii week

Needs the real files (SEG_DATA_DIR). About three minutes of processor time a data set; prints CSV.
"""

from __future__ import annotations

import sys
import time
from datetime import date

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


def main(dataset: str, *cuts: str) -> None:
    """Print the figures of one data set."""
    load.prepare_environment()
    cfg = compose.compose([f"dataset={dataset}", "tracking=none"])
    settings, parts = load.settings(cfg), compose.instantiate_parts(cfg)
    with parts.connect() as engine:
        source, _notes = prepare.find(settings.dataset, settings.data_dir)
        table = engine.checkpoint(parts.load(engine, source).table)
        steps = cleaning.parse(settings.cleaning.steps)
        history = OrderHistory(engine, table, steps, ["recency_days", "orders"], quarters)
        wall, processor = time.perf_counter(), time.process_time()
        made = customer_outlook(history, [30, 90, 180], classical=False)
        weeks = 13 if "week" in cuts else None
        segments = segment_outlook(history, {place: f"segment {place}" for place in range(4)}, 6, weeks)
        wall, processor = time.perf_counter() - wall, time.process_time() - processor
        print(
            f"# {len(made.scores):,} customers, without BG/NBD: {wall:.0f} s, of the processors {processor:.0f} s"
        )
        for one in made.horizons:
            print("#", one.sentence)
        print("#", segments.reasons, segments.shares.sentence if segments.shares else "")
        if segments.forecasts:
            print(segments.errors().round(3).to_csv(index=False))
        for cut in [one for one in cuts if one != "week"] or (None,):
            day = date.fromisoformat(cut) if cut else None
            (judged,) = customer_outlook(history, [90], day).horizons
            print("#", judged.sentence, *judged.notes)
            if judged.judgement is not None:
                print(judged.judgement.scores.round(3).to_csv(index=False), flush=True)
                print(f"# calibration error {judged.judgement.calibration_error:.3f}")


if __name__ == "__main__":
    main(*sys.argv[1:])
