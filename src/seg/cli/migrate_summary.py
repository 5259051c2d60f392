"""What a migration leaves for programs: summary.json, the tables of a sink, a run in MLflow, an exit code."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from seg import progress
from seg.cli import options
from seg.errors import SegError
from seg.metrics import drift
from seg.score import nightly
from seg.score.refit import Matched
from seg.segments import movement
from seg.segments.movement import Movement
from seg.sinks import local_files as files
from seg.sinks import run_tables
from seg.sinks.redaction import redact

FILE = "summary.json"
TABLES = ("runs", "movement")


@dataclass(frozen=True)
class About:
    """What was compared.

    Parameters
    ----------
    dataset, model : str
    to_model : str or None
        The second model, where two are compared.
    k : int
        Segments of the (first) model.
    notes : sequence of str
    output : str
        The directory of the result.
    """

    dataset: str
    model: str
    to_model: str | None
    k: int
    notes: Sequence[str]
    output: str


def between_days(about: About, moved: Movement) -> dict:
    """Return what a migration between two days came to, as plain values."""
    start, end = str(moved.days[0]), str(moved.days[-1])
    counts = moved.customers["status"].value_counts()
    verdicts = [*moved.features["verdict"], drift.verdict(moved.index)]
    word = next((one for one in ("changed", "moved", "unknown") if one in verdicts), "stable")
    return _common(about, end, start) | {
        "customers": len(moved.customers),
        **{name: int(counts.get(name, 0)) for name in ("stayed", "moved", movement.NEW, movement.GONE)},
        "drift": word,
        "share_psi": nightly.number(moved.index),
        "features": [
            {"feature": row.feature, "psi": nightly.number(row.psi), "drift": row.verdict}
            for row in moved.features.itertuples()
        ],
    }


def between_models(about: About, matched: Matched, day: str) -> dict:
    """Return what a comparison of two models came to, as plain values."""
    counts = matched.customers["status"].value_counts()
    return _common(about, day, None) | {
        "customers": len(matched.customers),
        **{name: int(counts.get(name, 0)) for name in ("stayed", "moved")},
        "drift": "not compared",
        "adjusted_rand": nightly.number(matched.adjusted_rand),
        "kept": nightly.number(matched.kept),
    }


def _common(about: About, day: str, start: str | None) -> dict:
    identity = json.dumps([about.dataset, about.model, about.to_model, start, day])
    return {
        "run_id": f"migrate-{about.dataset}-{day}-{hashlib.sha256(identity.encode()).hexdigest()[:8]}",
        "dataset": about.dataset,
        "model": about.model,
        "to_model": about.to_model,
        "from": start,
        "day": day,
        "k": about.k,
        "output": about.output,
        "notes": [redact(text) for text in about.notes],
    }


def write(folder: Path, summary: Mapping) -> None:
    """Write the summary, and the facts that the tables of a sink need, into the directory of the result."""
    files.write(folder / FILE, json.dumps(summary, indent=1, ensure_ascii=False) + "\n")
    facts = {"dataset": summary["dataset"], "as_of": summary["day"] or None, "k": summary["k"]}
    facts |= {"customers": summary["customers"], "model": summary["model"], "flagged": summary["drift"]}
    files.write(folder / run_tables.FACTS, run_tables.facts(summary["run_id"], kind="migrate", **facts))


def export(sink, names: Sequence[str] | None, folder: Path) -> SegError | None:
    """Write the tables of a migration to a sink, if there is one; return why it did not take them."""
    if sink is None:
        return None
    try:
        with progress.step("export") as detail:
            tables = run_tables.gather(folder, tuple(dict.fromkeys(["runs", *(names or TABLES)])), {})
            detail(f"{tables.rows:,} rows: {sink.write(tables)}")
    except SegError as error:
        return SegError(f"{error}. The result is in {folder}")
    return None


def track(uri: str | None, run_id: str | None, summary: Mapping) -> SegError | None:
    """Log a migration in MLflow, where the model is from there; return why the store refused."""
    if run_id is None:
        return None
    from seg.track import scoring_run, store

    metrics = {
        name: summary.get(name)
        for name in ("customers", "stayed", "moved", "new", "gone", "share_psi", "kept")
    }
    metrics |= {f"psi/{one['feature']}": one["psi"] for one in summary.get("features", ())}
    tags = {name: summary[name] for name in ("dataset", "model", "drift", "run_id")}
    try:
        with progress.step("track") as detail:
            name = f"migrate {summary['dataset']} {summary['day']}"
            scoring = scoring_run.Scoring("migrate", name, summary["day"], tags, metrics)
            detail(scoring_run.log(uri, run_id, scoring))
    except Exception as error:
        return SegError(f"{store.reason(error, store.address(uri))}. The result is in {summary['output']}")
    return None


def finish(own: Mapping[str, str | None], summary: Mapping, refused: Sequence[SegError | None]) -> int:
    """Print the summary where it was asked for, and what was refused; return the exit code."""
    options.print_summary(own, summary)
    for error in filter(None, refused):
        print(progress.error_line(str(error)), file=sys.stderr)
    if any(refused):
        return 1
    return nightly.ALERT if own["fail_on"] == "drift" and summary["drift"] == "changed" else 0


def skipped(own: Mapping[str, str | None]) -> bool:
    """Return True for a result that exists and is to stay; the summary is printed once more.

    Parameters
    ----------
    own : mapping of str to str or None
        The options of the command.
    """
    if own["if_exists"] != "skip" or own["output"] is None:
        return False
    path = Path(own["output"]).expanduser() / FILE
    if not path.is_file():
        return False
    if own["json"] == "true":
        print(path.read_text(encoding="utf-8"), end="")
    else:
        print(progress.info_line(f"output={own['output']}: already exists, skipped (if_exists=skip)"))
    return True
