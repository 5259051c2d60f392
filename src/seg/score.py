"""Give customers the segment that a chosen model puts them in: from new raw files, or from a table of features.

    python -m seg.score model=models:/seg-flo@champion input=new.csv output=scored.parquet
    python -m seg.score model=runs/2026-11-22/19-04-02-flo input=features.parquet output=scored.csv

model    models:/seg-flo@champion, models:/seg-flo/3, runs:/<run id>/model, a run id or its first characters, or the
         directory of a run
input    rows as the model's data set has them, which are read, cleaned and counted as in training; or a table of features,
         one row a customer, columns by name (Parquet or CSV with comma, point and UTF-8). kind=raw or kind=features says which
output   .parquet or .csv: customer_id, segment, name, distance, probability (of a mixture), outside, outside_features, reason
as_of    the day that recency is counted from: rule (as the recipe says, so many days after the newest order of the input),
         frozen (the day of training), or a day such as 2026-11-30. Of an extract without the newest order, say the day
id       column of a feature table that names the customers (customer_id)
names    matching.csv of seg.migrate: call the segments of a refit as those that they are matched to
force    true replaces an output that is there

Further options are those of seg.run for the data: dataset=transactions dataset.columns.customer_id=cust, tracking.uri=...,
engine=spark or engine=duckdb, whichever the model was trained with. A million rows of features take about four seconds.
"""

from __future__ import annotations

import contextlib
import sys
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from seg.cli import options
from seg.errors import SegError, listed
from seg.tracking import find_model

if TYPE_CHECKING:
    from seg.config.settings import Settings
    from seg.scoring.scorer import Scorer, Summary

OWN = {
    "model": None,
    "input": None,
    "output": None,
    "as_of": None,
    "kind": None,
    "id": None,
    "names": None,
    "force": "false",
}
CHOICES = {"kind": ("features", "raw"), "force": ("true", "false")}


def score(*arguments: str) -> int:
    """Score a file."""
    own, overrides = options.options(arguments, OWN)
    _check(own)
    from seg import progress
    from seg.sources import locate, tables

    progress.listen()
    target = Path(own["output"]).expanduser()
    tables.check_target(target, own["force"] == "true")
    paths = locate.expand(own["input"], "input")
    if target.resolve() in {path.resolve() for path in paths}:
        raise SegError(f"output={target}: is the input; choose another name")
    with tempfile.TemporaryDirectory(prefix="seg-model-") as scratch:
        with progress.step("model") as found:
            files = find_model.find_beside(
                own["model"], options.value(overrides, "tracking.uri"), Path(scratch)
            )
            from seg.scoring import scorer as scoring

            scorer = scoring.load(files)
            if own["names"]:
                from seg.scoring import refit

                scorer = replace(scorer, names=refit.read_names(Path(own["names"]).expanduser()))
            found(f"{scorer.label}: {scorer.contract.k} segments of {scorer.contract.dataset}")
        config_yaml = files.config.read_text(encoding="utf-8")
    notices = list(scorer.remarks)
    rows = _rows(own, overrides, paths, scorer, config_yaml, notices)
    with progress.step("score") as found:
        summary = scoring.write(scorer, rows, target)
        found(f"{summary.customers:,} customers")
    _close(scorer, summary, notices, target)
    return 0


def _check(own: dict[str, str | None]) -> None:
    for key in ("model", "input", "output"):
        if not own[key]:
            raise SegError(f"{key}=... is needed and was not given; python -m seg.score --help shows how")
    for key, valid in CHOICES.items():
        if own[key] not in (None, *valid):
            raise SegError(f"{key}={own[key]}: expected one of {listed(own[key], valid)}")
    if own["as_of"] not in (None, "rule", "frozen"):
        try:
            date.fromisoformat(own["as_of"])
        except ValueError:
            raise SegError(
                f"as_of={own['as_of']}: expected rule, frozen, or a day such as 2026-11-30"
            ) from None


# ---- from a file to features -------------------------------------------------------------------------------------


def _rows(
    own, overrides: list[str], paths: Sequence[Path], scorer: Scorer, config_yaml: str, notices: list
) -> Iterable:
    """Give ids and features, batch by batch, of whichever kind the file is."""
    from seg.sources import tables

    header = None
    if tables.readable(paths):
        with contextlib.suppress(
            SegError
        ):  # raw rows may be in another dialect: their own reader judges them
            header = tables.columns(paths[0])
    if own["kind"] == "features" or (own["kind"] is None and header and not scorer.lacking(header)):
        return _features(own, overrides, paths, scorer, header)
    return _counted(own, overrides, paths, scorer, config_yaml, header, notices)


def _features(
    own, overrides: list[str], paths: Sequence[Path], scorer: Scorer, header: list[str] | None
) -> Iterable:
    from seg.sources import tables

    if own["as_of"]:
        raise SegError(
            f"as_of={own['as_of']}: {paths[0]} is a table of features, counted already; leave as_of out"
        )
    further = [text for text in overrides if not text.startswith("tracking.")]
    if further:
        raise SegError(
            f"{further[0]}: {paths[0]} is a table of features, which no data set reads; leave it out"
        )
    if not tables.readable(paths):
        raise SegError(f"input={paths[0]}: a table of features ends in {', '.join(tables.READABLE)}")
    header = tables.columns(paths[0]) if header is None else header
    scorer.check(header, str(paths[0]))
    names = [own["id"]] if own["id"] else list(dict.fromkeys(["customer_id", scorer.contract.id]))
    id = next((name for name in names if name in header), None)
    if id is None:
        raise SegError(
            f"{paths[0]} has no column {' or '.join(names)} that names the customers; it has {listed(names[0], header, most=20)}: "
            "say which one with id=..."
        )
    return tables.batches(paths, id, scorer.features)


def _counted(
    own,
    overrides: list[str],
    paths: Sequence[Path],
    scorer: Scorer,
    config_yaml: str,
    header: list[str] | None,
    notices: list,
) -> Iterable:
    """Read raw rows as the model's training did, and count its features."""
    from seg.config import compose, load
    from seg.pipeline import check
    from seg.preparation import prepare
    from seg.scoring import replay
    from seg.scoring import scorer as scoring

    if own["id"]:
        raise SegError(
            f"id={own['id']}: is for a table of features; of raw rows the data set knows it (dataset.columns)"
        )
    cfg = compose.recompose(config_yaml, overrides)
    cfg.dataset.path = own["input"]
    as_of = own["as_of"] or "rule"
    settings = replay.for_scoring(load.settings(cfg), scorer.contract, as_of)
    needed = _needed(settings, scorer, paths)
    raw = header is None or not needed - set(header)
    if own["kind"] is None and not raw and len(scorer.lacking(header)) < len(scorer.features):
        scorer.check(header, str(paths[0]))
    check.check_parts(settings)
    parts = compose.instantiate_parts(cfg)
    said: list[tuple[str, str]] = []
    try:
        prepared = prepare.prepare(settings, parts, prepare.find(settings, said), said)
    except SegError as error:
        if raw or own["kind"]:
            raise
        lacking = ", ".join(scorer.lacking(header))
        raise SegError(
            f"{error}\n  and it is no table of features for {scorer.label} either: it has no {lacking}"
        ) from None
    table = prepared.table
    scorer.check(table.frame.columns, f"what {settings.dataset.name} gives")
    notices += [text for level, text in said if level == "warning"]
    notices += replay.extract(table, scorer.contract, as_of) + replay.remarks(settings)
    if table.as_of:
        notices.insert(
            0, f"recency is counted from {table.as_of} (as_of={as_of}; the newest order is of {table.newest})"
        )
    return scoring.pieces(table.frame[scorer.features])


def _needed(settings: Settings, scorer: Scorer, paths: Sequence[Path]) -> set[str]:
    """Name the columns that the data set reads from its files."""
    from seg.preparation import inspection

    dataset = settings.dataset
    if not dataset.files:
        raise SegError(
            f"input={paths[0]}: dataset={dataset.name} makes its rows itself and reads no file; give a table of its features "
            f"({', '.join(scorer.features)}), or name the data set that the file is of: dataset=transactions"
        )
    return set(inspection.names_in_files(dataset).values())


# ---- what people see ---------------------------------------------------------------------------------------------


def _close(scorer: Scorer, summary: Summary, notices: list[str], target: Path) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console()
    console = console if console.is_terminal else Console(width=140)
    table = Table(header_style="bold")
    for name in ("segment", "customers", "share", "in training"):
        table.add_column(name, justify="left" if name == "segment" else "right")
    for row in scorer.shares(summary.sizes).itertuples():
        table.add_row(row.name, f"{row.customers:,}", f"{row.share:.0%}", f"{row.training:.0%}")
    console.print(table)
    lines = [("drift", scorer.share_drift(summary.sizes))]
    if summary.outside:
        far = "customers have a feature beyond its range in training: see outside_features"
        lines.append(("outside", f"{summary.outside:,} {far}"))
    if summary.unplaced:
        lines.append(("NO SEGMENT", f"{summary.unplaced:,} customers lack a feature: see reason"))
    lines += [("note", text) for text in notices]
    lines.append(("output", str(target)))
    for name, text in lines:
        console.print(f"  {name:<11} {text}", markup=False, highlight=False, soft_wrap=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 0 when all is well, 1 for what the user can mend, 130 when interrupted."""
    return options.execute(__doc__, score, arguments)


if __name__ == "__main__":
    sys.exit(main())
