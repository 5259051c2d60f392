"""What MLflow's UI shows first: a saved view with the columns and charts worth comparing, and pictures side by side.

MLflow has no interface for either; both are what its UI itself writes (3.17): an experiment tag for the view, files
with telling names under ``images/`` for the pictures. Where a later UI reads neither, nothing else is lost.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterable
from pathlib import Path

NAME = "seg"
TAG = f"mlflow.sharedViewState.{NAME}"
PARAMETERS = ("model", "k", "recipe", "scaler")
METRICS = (
    "common/silhouette", "own/silhouette", "segments/largest_share", "stability/prediction_strength",
    "null/permuted_z", "holdout/auc", "seconds/total",
)  # fmt: skip
CURVES = ("silhouette", "inertia", "calinski_harabasz", "davies_bouldin", "bic", "stability")
ORDER = (
    "tags.`sweep.key`"  # parents of sweeps alone have it: they come first, then all others, the newest first
)
WIDTHS = {"attributes.`Run Name`": 280, "attributes.`Dataset`": 190, "params.`k`": 60}
PICTURES = ("map", "profile", "sizes")
# Every option of a line chart: where one is missing the UI smooths the curve, which moves elbows and peaks.
LINE = {
    "lineSmoothness": 0, "useGlobalLineSmoothing": False, "xAxisKey": "step", "useGlobalXaxisKey": False, "selectedXAxisMetricKey": "",
    "xAxisScaleType": "linear", "scaleType": "linear", "yAxisKey": "metric", "yAxisExpressions": [], "ignoreOutliers": False,
    "displayPoints": True, "range": {},
}  # fmt: skip
GROUPS = ("common", "own", "embedding", "stability", "null", "holdout", "explained", "segments", "data", "scan", "truth",
          "seconds", "Model metrics", "System metrics")  # fmt: skip


def link(address: str, experiment_id: str, charts: bool = False) -> str:
    """Return the address of the runs with the saved view; without the first option MLflow opens its GenAI pages.

    Parameters
    ----------
    address : str
        Of the server.
    experiment_id : str
    charts : bool
        Whether the charts are opened rather than the table.

    Returns
    -------
    str
    """
    mode = "&compareRunsMode=CHART" if charts else ""
    return f"{address}/#/experiments/{experiment_id}/runs?workflowType=machine_learning&viewStateShareKey={NAME}{mode}"


def saved() -> str:
    """Write the saved view as the UI does when a person saves one."""
    now = int(time.time() * 1000)
    columns = [f"params.`{name}`" for name in PARAMETERS] + [f"metrics.`{name}`" for name in METRICS]
    columns.append("tags.`flagged`")
    state = {
        # By time, MLflow hides the jobs of a sweep behind its parent, and draws nothing of them.
        "orderByKey": ORDER,
        "orderByAsc": True,
        "selectedColumns": [*columns, "attributes.`Dataset`"],
        "columnOrder": [
            "0",
            "attributes.`Run Name`",
            "attributes.`Dataset`",
            *columns,
            "runDateAndNestInfo",
            "duration",
        ],
        "columnWidths": WIDTHS | {f"metrics.`{name}`": 150 for name in METRICS},
        "runsHiddenMode": "FIRST_20_RUNS",
        "compareRunCharts": list(_charts()),
        "compareRunSections": [
            _section("Curves over k"),
            _section("Compare"),
            _section("Pictures") | {"columns": 2, "cardHeight": 560},
            *(_section(name, shown=False) for name in GROUPS),
        ],
        "isAccordionReordered": True,
    }
    return json.dumps(
        {"name": "Compare segmentations", "createdAt": now, "updatedAt": now, "state": json.dumps(state)}
    )


def pictures(figures: Iterable[Path], target: Path, when: int) -> bool:
    """Copy figures into a folder under the names by which the UI shows those of several runs beside each other.

    Parameters
    ----------
    figures : iterable of Path
        PNG files; those worth comparing are taken.
    target : Path
        What becomes the artifacts of the run.
    when : int
        Milliseconds since the epoch.

    Returns
    -------
    bool
        Whether there were any.
    """
    from PIL import Image

    pictures = [path for path in figures if path.stem in PICTURES]
    for path in pictures:
        name = f"figures~{path.stem}+step+0+timestamp+{when}+{uuid.uuid5(uuid.NAMESPACE_URL, f'{when} {path.stem}')}"
        (target / "images").mkdir(exist_ok=True)
        (target / "images" / f"{name}.png").write_bytes(path.read_bytes())
        with Image.open(path) as picture:
            small = picture.convert("RGB")
            small.thumbnail((800, 800), Image.Resampling.HAMMING)
            small.save(target / "images" / f"{name}+compressed.webp", quality=80, method=0)
    return bool(pictures)


def _charts():
    for name in CURVES:
        yield _chart("LINE", "Curves over k", metricKey=f"scan/{name}", **LINE)
    for name in METRICS:
        yield _chart("BAR", "Compare", metricKey=name)
    yield _chart("SCATTER", "Compare", runsCountToCompare=100,
                 xaxis={"key": "segments/largest_share", "type": "METRIC"}, yaxis={"key": "common/silhouette", "type": "METRIC"})  # fmt: skip
    for name in PICTURES:
        yield _chart("IMAGE", "Pictures", imageKeys=[f"figures/{name}"], step=0, showRunParams=True)


def _chart(kind: str, section: str, **more) -> dict:
    key = json.dumps([kind, more])
    entry = {"uuid": uuid.uuid5(uuid.NAMESPACE_URL, key).hex, "type": kind, "metricSectionId": _id(section)}
    return entry | {"runsCountToCompare": 20, "deleted": False, "isGenerated": False} | more


def _section(name: str, shown: bool = True) -> dict:
    generated = name in GROUPS
    return {
        "uuid": _id(name), "name": name, "display": shown, "isReordered": True, "deleted": False, "isGenerated": generated,
    }  # fmt: skip


def _id(section: str) -> str:
    return uuid.uuid5(uuid.NAMESPACE_URL, section).hex
