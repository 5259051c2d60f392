"""Score new customers with a trained model, from raw files or from a table of features.

    seg score model=models:/seg-flo@champion input=new.csv output=scored.parquet
    seg score model=runs/2026-11-22/19-04-02-flo input=features.parquet output=scored.csv

model    models:/seg-flo@champion, models:/seg-flo/3, runs:/<run id>/model, a run id or its first characters, or a run directory
input    raw rows of the model's data set, which are cleaned and turned into features as in training; or a table of features with
         one row a customer, columns by name (Parquet, or CSV with comma, point and UTF-8). kind=raw or kind=features says which
output   .parquet or .csv: customer_id, segment, name, distance, probability (of a mixture), outside, outside_features, reason
as_of    the day recency is counted from: rule (as in the recipe, days after the newest order of the input), frozen (the day of
         training), or a date such as 2026-11-30. For a partial extract, which may lack the newest orders, pass a date
id       column of a feature table that names the customers (customer_id)
names    matching.csv of seg migrate: gives the segments of a refit the names of the segments they match
force    true replaces an existing output

Options of seg run for the data can be added: dataset=transactions dataset.columns.customer_id=cust, tracking.uri=...,
engine=spark or engine=duckdb, whichever engine the model was trained with. A million rows of features take about four seconds.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from seg.cli import options
from seg.errors import SegError, listed
from seg.tracking import find_model

if TYPE_CHECKING:
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
    if target.resolve() in {path.resolve() for path in locate.expand(own["input"], "input")}:
        raise SegError(f"output={target}: is the input; choose another name")
    with tempfile.TemporaryDirectory(prefix="seg-model-") as scratch:
        with progress.step("model") as found:
            files = find_model.find_beside(
                own["model"], options.value(overrides, "tracking.uri"), Path(scratch)
            )
            from seg.scoring import input_rows
            from seg.scoring import scorer as scoring

            scorer = scoring.load(files)
            if own["names"]:
                from seg.scoring import refit

                scorer = replace(scorer, names=refit.read_names(Path(own["names"]).expanduser()))
            found(f"{scorer.label}: {scorer.contract.k} segments of {scorer.contract.dataset}")
        config_yaml = files.config.read_text(encoding="utf-8")
    asked = input_rows.Input(own["input"], own["kind"], own["id"], own["as_of"], overrides)
    rows, notes = input_rows.rows(asked, scorer, config_yaml)
    with progress.step("score") as found:
        summary = scoring.write(scorer, rows, target)
        found(f"{summary.customers:,} customers")
    _close(scorer, summary, [*scorer.remarks, *notes], target)
    return 0


def _check(own: dict[str, str | None]) -> None:
    for key in ("model", "input", "output"):
        if not own[key]:
            raise SegError(f"{key}=... is required; see seg score --help")
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


# ---- what people see ---------------------------------------------------------------------------------------------


def _close(scorer: Scorer, summary: Summary, notes: list[str], target: Path) -> None:
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
    lines += [("note", text) for text in notes]
    lines.append(("output", str(target)))
    for name, text in lines:
        console.print(f"  {name:<11} {text}", markup=False, highlight=False, soft_wrap=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 0 when all is well, 1 for what the user can mend, 130 when interrupted."""
    return options.execute(__doc__, score, arguments)


if __name__ == "__main__":
    sys.exit(main())
