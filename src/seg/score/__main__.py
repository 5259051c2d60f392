"""Score new customers with a trained model, from raw files or from a table of features.

    seg score model=models:/seg-flo@champion input=new.csv output=scored.parquet
    seg score model=runs/2026-11-22/19-04-02-flo input=features.parquet output=scored.csv
    seg score model=models:/seg-{name}@champion input=orders/{name}.csv output=out/{name}.parquet      every brand in one command

model    models:/seg-flo@champion, models:/seg-flo/3, runs:/<run id>/model, a run id or its first characters, or a run directory
input    raw rows of the model's data set (files, or an address with dataset.table=... or dataset.query=...), which are cleaned and
         turned into features as in training; or a table of features with one row a customer, columns by name (Parquet, or CSV with
         comma, point and UTF-8). kind=raw or kind=features says which
output   .parquet or .csv: customer_id, segment, name, distance, probability (of a mixture), outside, outside_features, reason
as_of    the day recency is counted from: rule (as in the recipe, days after the newest order of the input), frozen (the day of
         training), or a date such as 2026-11-30. For a partial extract, which may lack the newest orders, pass a date
id       column of a feature table that names the customers (customer_id)
names    matching.csv of seg migrate: gives the segments of a refit the names of the segments they match
each     brand_a,brand_b: the names that {name} stands for; without it, those of the files that match input=orders/{name}.csv
if_exists  fail, skip or replace an existing output: a command that runs every night is safe to repeat
fail_on  drift, rejected or both (drift,rejected): exit code 3 if shares or features have changed, or customers have no segment
json     true (or --json) prints the summary as JSON, which is also written beside the output as <output>.summary.json
log      json writes the lines of progress as JSON; the last one is the summary
track    false does not log the scoring; a scoring with a model from MLflow is a run there, and a point on curves over time
guard    false leaves text in CSV unchanged that begins with = + - @; otherwise an apostrophe keeps spreadsheets from running it
trust    true loads a model or a configuration that may run code, such as a pickle; only from where you would run a program from
sink     parquet, postgres, ... writes the customers to a sink too, see seg export --help

evaluation.outlook=true adds what each customer will do next (orders only): probability to buy in the next days, expected spend and
probability of being lost, from models trained on earlier days of the input; see seg outlook --help.

Options of seg run for the data can be added: dataset=transactions dataset.columns.customer_id=cust, tracking.uri=...,
engine=spark or engine=duckdb, whichever engine the model was trained with. A table of features is streamed from its files with either,
whatever its size; a million rows take about four seconds, five million 580 MB.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from seg.cli import for_each, options, own_end
from seg.errors import SegError
from seg.sinks import scratch
from seg.track import find_model

if TYPE_CHECKING:
    from seg.score.scorer import Scorer, Summary

OWN = {
    "model": None,
    "input": None,
    "output": None,
    "as_of": None,
    "kind": None,
    "id": None,
    "names": None,
    "force": "false",
    "if_exists": None,
    "fail_on": "none",
    "json": "false",
    "log": "text",
    "track": "true",
    "trust": "false",
    "guard": "true",
}
JSON = "json=true"
SWITCH = ("true", "false")
CHOICES = {
    "kind": ("features", "raw"),
    "force": SWITCH,
    "json": SWITCH,
    "track": SWITCH,
    "trust": SWITCH,
    "guard": SWITCH,
    "log": ("text", "json"),
    "if_exists": ("fail", "skip", "replace"),
}


def score(*arguments: str) -> int:
    """Score a file."""
    own, overrides = options.options([JSON if one == "--json" else one for one in arguments], OWN)
    _check(own)
    from seg import progress
    from seg.score import nightly
    from seg.sources import tables

    fail_on = nightly.parse_fail_on(own["fail_on"])
    quiet = own["json"] == "true"
    progress.listen(as_json=own["log"] == "json", stream=sys.stderr if quiet else sys.stdout)
    target = Path(own["output"]).expanduser()
    if nightly.check_exists(target, own["if_exists"] or ("replace" if own["force"] == "true" else "fail")):
        return _skipped(target, quiet)
    tables.check_target(target, True)
    _check_input(own["input"], target)
    with scratch.folder("seg-model") as fetched:
        files, scorer, config_yaml = _model(own, overrides, fetched)
        from seg.score import input_rows
        from seg.score import scorer as scoring

        rows_input = input_rows.Input(own["input"], own["kind"], own["id"], own["as_of"], overrides)
        cfg = input_rows.configured(rows_input, scorer, config_yaml, own["trust"] == "true")
        rows = input_rows.rows(rows_input, scorer, cfg)
        outlook, further = _outlook(scorer, cfg, overrides)
        notes = [*scorer.remarks, *rows.notes, *further]
        with progress.step("score") as detail:
            scored = scoring.write(scorer, rows.batches, target, own["guard"] == "true", outlook)
            detail(f"{scored.customers:,} customers")
    summary = nightly.summary(scorer, scored, notes, target, rows.day, rows.extract)
    summary["run_id"] = nightly.run_id(scorer, rows.day, rows_input.names)
    refused = [_exported(cfg, summary, target), _tracked(own, overrides, files, summary)]
    _write_summary(summary, target)
    if not options.print_summary(own, summary):
        _close(scorer, scored, summary, target)
    for error in filter(None, refused):
        print(progress.error_line(str(error)), file=sys.stderr)
    return 1 if any(refused) else nightly.exit_code(summary, fail_on)


def _check_input(path: str, target: Path) -> None:
    """Refuse an output that is the input; an address is looked at when it is read."""
    from seg.sources import locate
    from seg.sources.remote import request

    if request.is_remote(path):
        return
    if target.resolve() in {one.resolve() for one in locate.expand(path, "input") if isinstance(one, Path)}:
        raise SegError(f"output={target}: is the input; choose another name")


def _outlook(scorer: Scorer, cfg, overrides: Sequence[str]):
    """Return what each customer will do next and its notes; None and none where nobody asks."""
    if "evaluation.outlook=true" not in overrides:
        return None, []
    from seg.cli import score_outlook

    return score_outlook.outlook(scorer, cfg)


def _model(own: dict, overrides: Sequence[str], scratch: Path):
    """Find the model and load it; return its files, the scorer and the configuration of its run."""
    from seg import progress
    from seg.config import compose

    with progress.step("model") as detail:
        files = find_model.find_beside(own["model"], options.value(overrides, "tracking.uri"), scratch)
        from seg.score import scorer as scoring

        scorer = scoring.load(files, trust=own["trust"] == "true")
        if own["names"]:
            from seg.score import refit

            scorer = replace(scorer, names=refit.read_names(Path(own["names"]).expanduser()))
        detail(f"{scorer.label}: {scorer.contract.k} segments of {scorer.contract.dataset}")
    return files, scorer, compose.read_saved(files.config)


def _skipped(target: Path, quiet: bool) -> int:
    """Report that there is nothing to do; return the exit code."""
    from seg import progress
    from seg.score import nightly

    beside = nightly.summary_path(target)
    if quiet and beside.is_file():
        print(beside.read_text(encoding="utf-8"), end="")
    else:
        print(
            progress.info_line(f"output={target}: already exists, skipped (if_exists=skip)"),
            file=sys.stderr if quiet else sys.stdout,
        )
    return 0


def _write_summary(summary: dict, target: Path) -> None:
    from seg.score import nightly
    from seg.sinks import local_files as files

    files.write(nightly.summary_path(target), json.dumps(summary, indent=1, ensure_ascii=False) + "\n")


def _exported(cfg, summary: dict, target: Path) -> SegError | None:
    """Write the customers to the sink, if there is one; return why it did not take them."""
    from seg.config import compose

    sink = compose.instantiate_sink(cfg)
    if sink is None:
        return None
    from seg import progress
    from seg.sinks import run_tables

    try:
        with progress.step("export") as detail:
            export = run_tables.scored(target, summary)
            detail(f"{export.rows:,} rows: {sink.write(export)}")
    except SegError as error:
        return SegError(f"{error}. The scored customers are in {target}")
    return None


def _tracked(own: dict, overrides: Sequence[str], files, summary: dict) -> SegError | None:
    """Log the scoring in MLflow, where the model is from there; return why the store refused."""
    if (
        own["track"] == "false"
        or files.run_id is None
        or options.value(overrides, "tracking.enabled") == "false"
    ):
        return None
    from seg import progress
    from seg.track import scoring_run, store

    uri = options.value(overrides, "tracking.uri")
    metrics = {
        "customers": summary["customers"],
        "rejected": summary["rejected"],
        "outside_training": summary["outside_training"],
    }
    metrics |= {"share_psi": summary["share_psi"]}
    metrics |= {f"psi/{one['feature']}": one["psi"] for one in summary["features"]}
    metrics |= {f"share/{one['segment']}": one["share"] for one in summary["segments"]}
    tags = {
        "dataset": summary["dataset"],
        "model": summary["model"],
        "drift": summary["drift"],
        "scoring": summary["run_id"],
    }
    try:
        with progress.step("track") as detail:
            name = f"score {summary['dataset']} {summary['day']}"
            scoring = scoring_run.Scoring("score", name, summary["day"], tags, metrics)
            detail(scoring_run.log(uri, files.run_id, scoring))
    except Exception as error:
        return SegError(
            f"{store.reason(error, store.address(uri))}. The scored customers are in {summary['output']}"
        )
    return None


def _check(own: dict[str, str | None]) -> None:
    for key in ("model", "input", "output"):
        if not own[key]:
            raise SegError(f"{key}=... is required; see seg score --help")
    options.check_choices(own, CHOICES)
    if own["as_of"] not in (None, "rule", "frozen"):
        try:
            date.fromisoformat(own["as_of"])
        except ValueError:
            raise SegError(
                f"as_of={own['as_of']}: expected rule, frozen, or a day such as 2026-11-30"
            ) from None


# ---- what people see ---------------------------------------------------------------------------------------------


def _close(scorer: Scorer, scored: Summary, summary: dict, target: Path) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console()
    console = console if console.is_terminal else Console(width=140)
    table = Table(header_style="bold")
    for name in ("segment", "customers", "share", "in training"):
        table.add_column(name, justify="left" if name == "segment" else "right")
    for row in scorer.shares(scored.sizes).itertuples():
        table.add_row(row.name, f"{row.customers:,}", f"{row.share:.0%}", f"{row.training:.0%}")
    console.print(table)
    drift = scorer.share_drift(scored.sizes)
    if summary["drift"] == "extract":
        drift = f"not judged, this looks like an extract (see the notes); {drift.partition(':')[0]}"
    lines = [("drift", drift)]
    if scored.outside:
        far = "customers have a feature beyond its range in training: see outside_features"
        lines.append(("outside", f"{scored.outside:,} {far}"))
    if scored.unplaced:
        lines.append(("NO SEGMENT", f"{scored.unplaced:,} customers lack a feature: see reason"))
    lines += [("note", text) for text in summary["notes"]]
    lines.append(("output", str(target)))
    for name, text in lines:
        console.print(f"  {name:<11} {text}", markup=False, highlight=False, soft_wrap=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 0 when all is well, 1 for what the user can correct, 130 when interrupted."""
    return options.execute(__doc__, for_each.named(score), arguments)


if __name__ == "__main__":
    own_end.run_alone(main)
