"""Segments that know the outcome beside the eleven rules of RFM: purchases and spend of the 90 days after a cut.

    python bench/beat_rfm.py online_retail_ii 2010-12-01 2011-03-10 2011-06-10 2011-09-10
    python bench/beat_rfm.py online_retail 2011-06-10 2011-09-10 --models outcome_tiers,outcome_tree,kmeans

Needs the real files (SEG_DATA_DIR). About half a minute of processor time a cut; prints a Markdown table. AUC of buying and R squared of
log1p(spend) are cross-fitted by segment, as in every hold-out; standard errors are of a paired bootstrap of customers.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from datetime import date

import numpy as np

from paired_power import paired_power
from seg.config import compose, load
from seg.evaluation import holdout
from seg.preparation import as_of, lessons, prepare
from seg.segments import rfm

RESAMPLES = 400
HEAD = (
    "| orders | cut | customers | model | segments | AUC | minus rules | in SE | R squared | minus rules | in SE |\n"
    "| --- | --- | ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
)


@dataclass(frozen=True)
class Composed:
    """Settings and parts of one model."""

    settings: object
    parts: object


def main() -> None:
    """Print one row a cut and model, and one for the rules."""
    parser = argparse.ArgumentParser()
    parser.add_argument("dataset")
    parser.add_argument("cuts", nargs="+", type=date.fromisoformat)
    parser.add_argument("--models", default="outcome_tiers,outcome_tree")
    parser.add_argument(
        "--set", nargs="*", default=[], help="further overrides, such as model.cluster.n_tiers=5"
    )
    asked = parser.parse_args()
    load.prepare_environment()
    models = {name: _composed(asked.dataset, name, asked.set) for name in asked.models.split(",")}
    first = next(iter(models.values()))
    print(HEAD)
    with first.parts.connect() as engine:
        source, _notes = prepare.find(first.settings.dataset, first.settings.data_dir)
        table = engine.checkpoint(first.parts.load(engine, source).table)
        for cut in asked.cuts:
            for row in _rows(engine, table, cut, models):
                print(f"| {asked.dataset} | {cut} | {row}", flush=True)


def _composed(dataset: str, model: str, further: list[str]) -> Composed:
    cfg = compose.compose([f"dataset={dataset}", f"model={model}", "tracking=none", "k=8", *further])
    return Composed(load.settings(cfg), compose.instantiate_parts(cfg))


def _rows(engine, table, cut: date, models: dict[str, Composed]) -> list[str]:
    rows, rules = [], None
    for name, one in models.items():
        preparation = one.settings.preparation
        parted = as_of.part(preparation, engine, table, cut, 90)
        if preparation.lesson is not None:
            parted = as_of.with_lessons(parted, lessons.learn_from(preparation, engine, table, cut))
        judged = holdout.judge(one.parts, parted, 8, 20_000, one.settings.seed)
        labels = judged.labels
        known = parted.outcome["known"].to_numpy()
        frame, outcome = parted.table.frame[known], parted.outcome[known]
        rules = rfm.rfm(*(frame[column] for column in as_of.RFM))["name"].to_numpy()
        groups = {name: labels[known], "rule RFM": rules}
        powers = paired_power(groups, outcome["bought"], outcome["spend"], RESAMPLES)
        rows.append(_row(len(frame), name, labels[known], powers[name], powers["rule RFM"]))
    rows.append(_row(len(frame), "rule RFM", rules, powers["rule RFM"], None))
    return rows


def _row(customers: int, name: str, labels, power: np.ndarray, rules: np.ndarray | None) -> str:
    cells = [f"{customers:,}", name, str(len(np.unique(labels)))]
    for column in range(2):
        cells.append(f"{power[0, column]:.3f}")
        if rules is None:
            cells += ["", ""]
            continue
        gain = power[:, column] - rules[:, column]
        cells += [f"{gain[0]:+.3f}", f"{gain[0] / gain[1:].std(ddof=1):+.1f}"]
    return " | ".join(cells) + " |"


if __name__ == "__main__":
    main()
