"""A comparison as one HTML page: rankings, pictures side by side, agreement, spread over seeds; opens without a network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from seg.compare import columns, order, pictures, runs_table
from seg.compare.agreement import agreement
from seg.compare.attempts import SCORE, Group
from seg.report import page, plots

ASSIGNMENTS, K_SCAN = "assignments.parquet", "k_scan.csv"
MATRIX = 40  # runs beyond which nobody reads a matrix
CURVES = ("inertia", "silhouette")
FILTERS = ("dataset", "model", "recipe", "scaler", "cleaning", "k")


@dataclass(frozen=True)
class Listed:
    """One ranking with what its runs left.

    Parameters
    ----------
    group : Group
    ranked : DataFrame
        Unflagged attempts, judged and ordered.
    demand : Demand
    files : mapping of (run id, name) to Path or None
        Artifacts that were found; None where a run has none of that name.
    """

    group: Group
    ranked: pd.DataFrame
    demand: order.Demand
    files: Mapping[tuple[str, str], Path | None] = field(default_factory=dict)

    @property
    def runs(self) -> list[dict]:
        """All runs of the list: ranked ones in order, then flagged ones."""
        flagged = self.group.flagged.to_dict("records")
        return self.ranked.to_dict("records") + [run | {"rank": None} for run in flagged]


def pictured(lists: Sequence[Listed], most: int) -> list[str]:
    """Choose the runs whose pictures go into the page: the first of each list in turn, flagged runs last."""
    queue = [
        (run["rank"] is None, place, run["run_id"]) for one in lists for place, run in enumerate(one.runs)
    ]
    return [run_id for *_, run_id in sorted(queue, key=lambda item: item[:2])][:most]


def render(
    lists: Sequence[Listed], shown: Sequence[str], facts: Mapping[str, str], where: Sequence[str], sort: str
) -> str:
    """Return the page.

    Parameters
    ----------
    lists : sequence of Listed
    shown : sequence of str
        Ids of the runs with pictures.
    facts : mapping of str to str
        Where the runs come from, for the head of the page.
    where : sequence of str
        Options that name the store, for the commands on the page.
    sort : str
        What the runs are ordered by.
    """
    views = [_view(place, one, where, sort) for place, one in enumerate(lists)]
    runs = [run for view in views for run in view["runs"]]
    choices = {name: sorted({run[name] for run in runs}) for name in FILTERS}
    data = {
        "lists": [{key: view[key] for key in ("id", "criteria", "runs", "spaces")} for view in views],
        "pictures": pictures.embedded(_found(lists, set(shown))),
        "kinds": pictures.KINDS,
        "axes": {name: _axis(name) for name in (*order.RANGES, "k")},
        "colours": _colours([run["model"] for run in runs]),
    }
    return page.template("compare/page.html.jinja").render(
        title="Segmentations of " + ", ".join(dict.fromkeys(one.group.dataset for one in lists)),
        facts=dict(facts),
        views=views,
        choices=choices,
        kinds=pictures.KINDS,
        data=data,
        rule=order.RULE if sort == "rule" else f"Order: {sort}.",
        meanings=[(column.head, column.meaning) for column in columns.COLUMNS],
    )


def _axis(name: str) -> str:
    names = {"stability/jaccard_min": "stability: lowest bootstrap Jaccard", "holdout/auc": "hold-out AUC"}
    return names.get(name, {SCORE: "separation: common silhouette"}.get(name, "number of segments k"))


def _colours(models: Sequence[str]) -> dict[str, str]:
    return {model: plots.segment_colour(place) for place, model in enumerate(sorted(set(models)))}


def _view(place: int, one: Listed, where: Sequence[str], sort: str) -> dict:
    """Gather what the page shows of one list."""
    group, ranked = one.group, one.ranked
    shown = columns.shown(ranked, sort)
    rows = [
        {"run": run, "cells": [(column, column.text(run), _key(run.get(column.key))) for column in shown]}
        for run in ranked.to_dict("records")
    ]
    return {
        "id": f"list{place}",
        "group": group,
        "columns": shown,
        "rows": rows,
        "flagged": group.flagged.to_dict("records"),
        "counted": runs_table.counted(group, ranked, one.demand),
        "verdict": runs_table.verdict(group, ranked, one.demand, where),
        "criteria": one.demand.criteria,
        "runs": [_run(run, place) for run in one.runs],
        "seeds": _seeds(group, ranked),
        "matrix": _matrix(one),
        "spaces": _spaces(one),
    }


def _run(run: dict, place: int) -> dict:
    """Return what the script has to know of a run."""
    names = (
        "run_id",
        "name",
        "dataset",
        "model",
        "recipe",
        "scaler",
        "cleaning",
        "k",
        "options",
        "flags",
        "segment_names",
    )
    numbers = (*order.RANGES, "segments/largest_share", "segments/smallest_segment")
    return {
        **{name: run[name] for name in names},
        "list": place,
        "rank": run["rank"],
        "label": label(run),
        "front": bool(run.get("front", False)),
        "standing": run.get("standing", "flagged"),
        "evidence": columns.evidence(run) if "standing" in run else "flagged",
        "values": {name: _key(run.get(name)) for name in numbers} | {"k": run["k"]},
    }


def label(run: Mapping) -> str:
    """Return a short label of a run, for a picture or a matrix."""
    number = "flagged" if run["rank"] is None else f"{run['rank']}."
    return f"{number} {run['model']} k={run['k']} {run['recipe']} {run['scaler']}"


def _key(value: object) -> object:
    """Make a value that JSON and the sorting of a table take; None where there is none."""
    if isinstance(value, (float, np.floating)):
        return None if np.isnan(value) else float(value)
    return value.item() if isinstance(value, np.generic) else value if isinstance(value, (int, str)) else None


def _seeds(group: Group, ranked: pd.DataFrame) -> dict:
    """Return each configuration that was run with several seeds, with the place of each seed on one scale."""
    repeated = ranked[ranked["seeds"] > 1]
    every = group.every.set_index(["configuration", "k"])
    rows = []
    for run in repeated.to_dict("records"):
        values = every.loc[[(run["configuration"], run["k"])], SCORE].dropna()
        rows.append({"run": run, "label": label(run), "values": sorted(values)})
    everything = [value for row in rows for value in row["values"]]
    low, high = (min(everything), max(everything)) if everything else (0.0, 1.0)
    # A scale of its own would blow up differences that do not matter.
    pad = max((high - low) * 0.04, (0.02 - (high - low)) / 2)
    low, high = low - pad, high + pad
    for row in rows:
        row["places"] = [100 * (value - low) / (high - low) for value in row["values"]]
    return {"rows": rows, "low": low, "high": high}


def _matrix(one: Listed) -> dict | None:
    """Compare the assignments of all runs of a list, pair by pair."""
    runs = one.runs[:MATRIX]
    assigned = [(run, one.files.get((run["run_id"], ASSIGNMENTS))) for run in runs]
    available = [(run, path) for run, path in assigned if path is not None]
    if len(available) < 2:
        return None
    rand = agreement([_segments(path) for _, path in available])
    labels = [label(run) for run, _ in available]
    rows = []
    for i, (run, _) in enumerate(available):
        cells = [
            {
                "run": available[j][0]["run_id"],
                "value": rand.index[i, j],
                "shared": int(rand.shared[i, j]),
                "with": labels[j],
            }
            for j in range(len(available))
        ]
        rows.append({"run": run, "label": labels[i], "cells": cells})
    apart = rand.shared[np.triu_indices(len(available), 1)]
    return {
        "rows": rows,
        "missing": len(assigned) - len(available),
        "left_out": len(one.runs) - len(runs),
        "least": int(apart.min()),
        "most": int(apart.max()),
    }


def _segments(path: Path) -> pd.Series:
    return pd.read_parquet(path, columns=["customer_id", "segment"]).set_index("customer_id")["segment"]


def _spaces(one: Listed) -> list[dict]:
    """Gather the curves over k, one chart for each own space: inertias of different spaces have no common scale."""
    spaces: dict[str, dict] = {}
    for run in one.runs:
        path = one.files.get((run["run_id"], K_SCAN))
        # What a run with an embedding scanned is its embedding, a space of its own.
        space = run["space"] if np.isnan(run.get("embedding/silhouette", np.nan)) else run["configuration"]
        view = spaces.setdefault(space, {"label": _space(run), "curves": {}})
        if path is None or run["configuration"] in view["curves"]:
            continue
        scan = pd.read_csv(path)
        points = {
            name: [[int(k), float(v)] for k, v in scan[["k", name]].dropna().to_numpy()]
            for name in CURVES
            if name in scan
        }
        if any(len(values) > 1 for values in points.values()):
            view["curves"][run["configuration"]] = {"run": run["run_id"], "label": _curve(run), **points}
    return [
        {"label": space["label"], "curves": list(space["curves"].values())}
        for space in spaces.values()
        if space["curves"]
    ]


def _space(run: Mapping) -> str:
    embedded = "" if np.isnan(run.get("embedding/silhouette", np.nan)) else f", embedded by {run['model']}"
    options = f", {run['options']}" if run["options"] else ""
    return f"recipe {run['recipe']}, scaler {run['scaler']}{options}{embedded}"


def _curve(run: Mapping) -> str:
    return f"{run['model']}{', seed ' + run['seed'] if run['seed'] not in ('', '0') else ''}"


def _found(lists: Sequence[Listed], shown: set[str]) -> dict[tuple[str, str], Path | None]:
    """Return the files of the pictures of the chosen runs, None where one is missing."""
    return {
        (run["run_id"], kind): one.files.get((run["run_id"], pictures.file(kind)))
        for one in lists
        for run in one.runs
        if run["run_id"] in shown
        for kind in pictures.KINDS
    }
