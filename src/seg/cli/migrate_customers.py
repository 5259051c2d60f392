"""What ``seg migrate`` does: place customers on two days or by two models, and write who moved."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from seg import progress
from seg.cli import migrate_summary, options, trained_model
from seg.cli.trained_model import TrainedModel
from seg.config import compose, folders, load
from seg.config.settings import Settings
from seg.errors import Note, SegError
from seg.metrics import drift
from seg.pipeline import check
from seg.preparation import as_of, prepare
from seg.report import page as report
from seg.report import plots
from seg.score import refit, replay
from seg.score.scorer import Scorer
from seg.segments import movement
from seg.segments.movement import Movement
from seg.sinks import local_files as files

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from seg.config.parts import Parts
    from seg.engine import Engine
    from seg.features import FeatureTable
    from seg.sinks.target import Sink
    from seg.sources.locate import Source


def migrate(
    own: dict[str, str | None], overrides: Sequence[str], start: date | None, end: date | None
) -> int:
    """Compare two days or two models, and write the answer to a directory.

    Parameters
    ----------
    own : dict
        The options of the command, see `seg.migrate`.
    overrides : sequence of str
        Options of the data set, the engine and the store.
    start, end : date or None
        The two days; None where two models are compared.

    Returns
    -------
    int
        The exit code.
    """
    quiet, trust = own["json"] == "true", own["trust"] == "true"
    progress.listen(as_json=own["log"] == "json", stream=sys.stderr if quiet else sys.stdout)
    if migrate_summary.skipped(own):
        return 0
    uri = options.value(overrides, "tracking.uri")
    side = _side(trained_model.load(own["model"], uri, trust), overrides, trust)
    newer = (
        _side(trained_model.load(own["to_model"], uri, trust), overrides, trust) if own["to_model"] else None
    )
    if newer is not None and newer.dataset != side.dataset:
        raise SegError(
            f"to_model={own['to_model']}: is of dataset={newer.dataset}, model={own['model']} of "
            f"dataset={side.dataset}; compare models of one data set"
        )
    quiet = quiet or own["log"] == "json"  # the summary is the last line
    force = "true" if own["if_exists"] == "replace" else own["force"]
    folder = folders.result("migrate", side.dataset, {**own, "force": force}, "movement.html")
    if newer is None:
        summary = _between_days(side, (start, end), own["steps"], folder, quiet)
    else:
        summary = _between_models(side, newer, end, folder, quiet)
    refused = [migrate_summary.export(side.sink, side.settings.sink.get("tables"), folder)]
    if own["track"] == "true":
        refused.append(migrate_summary.track(uri, side.run_id, summary))
    return migrate_summary.finish(own, summary, refused)


@dataclass(frozen=True)
class _Side:
    """A model, and what reads and counts the customers for it."""

    scorer: Scorer
    settings: Settings
    parts: Parts
    sink: Sink | None
    run_id: str | None

    @property
    def dataset(self) -> str:
        return self.settings.dataset.name

    @property
    def remarks(self) -> list[str]:
        """Return what a reader has to know of the model and of its cleaning on other rows."""
        return [*self.scorer.remarks, *replay.remarks(self.settings.preparation)]

    def source(self) -> tuple[Source, list[Note]]:
        return prepare.find(self.settings.dataset, self.settings.data_dir)

    def table_on(self, engine: Engine, orders: ir.Table, day: date) -> tuple[FeatureTable, int]:
        """Return the features as of the end of a day, and how many orders without a customer were left out."""
        days_after = self.scorer.contract.days_after
        return as_of.table_on(self.settings.preparation, engine, orders, day, days_after)


def _side(model: TrainedModel, overrides: Sequence[str], trust: bool) -> _Side:
    cfg = compose.recompose(model.config, overrides, trust)
    settings = replay.for_scoring(load.settings(cfg), model.scorer.contract, "rule")
    check.check_parts(settings)
    parts, sink = compose.instantiate_parts(cfg), compose.instantiate_sink(cfg)
    return _Side(model.scorer, settings, parts, sink, model.run_id)


# ---- between two days --------------------------------------------------------------------------------------------


def _between_days(side: _Side, ends: tuple[date, date], steps: str, folder: Path, quiet: bool) -> dict:
    """Write who moved between two days; return the summary."""
    scorer, (start, end) = side.scorer, ends
    if side.settings.dataset.kind == "customers":
        raise SegError(
            f"from={start} to={end}: not possible: dataset={side.dataset} has one row a customer, who cannot be seen as of an "
            "earlier day; orders are needed (transactions), or another model to compare with (to_model=...)"
        )
    source, notes = side.source()
    on, nameless = {}, 0
    with side.parts.connect() as engine:
        with progress.step(f"read {side.dataset}") as detail:
            loaded = side.parts.load(engine, source)
            detail(source.where)
        first, last = as_of.first_and_last(engine, loaded.table)
        movement.check_days(start, end, first, last)
        for day in movement.days(start, end, steps):
            with progress.step(f"on {day}") as detail:
                table, nameless = side.table_on(engine, loaded.table, day)
                placed = scorer.place(table.frame)["segment"].astype("int64")
                on[day] = table.frame[scorer.features], placed
                detail(f"{len(placed):,} customers")
    moved = movement.compare_days(on, scorer.contract.names)
    about = replay.movement_remarks(side.settings.cleaning, scorer.contract, (start, end), first, nameless)
    remarks = [*side.remarks, *(text for _, text in notes), *about]
    about_run = migrate_summary.About(
        side.dataset, scorer.label, None, scorer.contract.k, remarks, str(folder)
    )
    summary = migrate_summary.between_days(about_run, moved)
    with files.filled(folder) as scratch:
        _write_days(scratch, side.dataset, scorer.label, moved, remarks)
        migrate_summary.write(scratch, summary)
    if not quiet:
        _print_days(moved, remarks, folder)
    return summary


def _write_days(folder: Path, dataset: str, model: str, moved: Movement, notes: Sequence[str]) -> None:
    start, end = moved.days[0], moved.days[-1]
    picture = plots.png(plots.movement(moved.matrix, f"on {start}", f"on {end}"))
    files.write(folder / "movement.png", picture)
    files.write_csv(folder / "transitions.csv", moved.transitions)
    files.write_csv(folder / "drift.csv", moved.features)
    files.write_csv(folder / "shares.csv", moved.shares)
    files.write_parquet(folder / "customers.parquet", moved.customers)
    sections = [
        ("Who moved", f"Looked at on {', '.join(map(str, moved.days))}.", picture),
        (
            "Segments",
            f"Population stability index of the shares {moved.index:.3f}: {drift.verdict(moved.index)}.",
            moved.shares,
        ),
        ("Features", drift.MEANING, moved.features),
        (
            "Transitions",
            "Customers from each segment to each; share is of those who were in the first.",
            moved.transitions,
        ),
    ]
    page = report.tables_page(f"{dataset}: from {start} to {end}", f"Segments of {model}", notes, sections)
    files.write(folder / "movement.html", page)


def _print_days(moved: Movement, notes: Sequence[str], folder: Path) -> None:
    counts = moved.customers["status"].value_counts()
    moves = ", ".join(
        f"{counts.get(name, 0):,} {name}" for name in ("stayed", "moved", movement.NEW, movement.GONE)
    )
    lines = [("customers", moves)]
    lines += [("shares", f"population stability index {moved.index:.3f}, {drift.verdict(moved.index)}")]
    lines += [
        (
            row.feature,
            f"{row.psi:.3f}, {row.verdict}; mean {row.mean_reference:,.4g} -> {row.mean_current:,.4g}",
        )
        for row in moved.features.itertuples()
    ]
    _print(
        moved.matrix,
        [*lines, *(("note", text) for text in notes), ("output", str(folder / "movement.html"))],
    )


# ---- between two models ------------------------------------------------------------------------------------------


def _between_models(older: _Side, newer: _Side, day: date | None, folder: Path, quiet: bool) -> dict:
    """Write which segment of one model is which of the other; return the summary."""
    scorer = older.scorer
    placed, notes = zip(*(_placed(side, day) for side in (older, newer)), strict=True)
    remarks = [*older.remarks, *newer.remarks]
    all_notes = [*remarks, *(text for text in dict.fromkeys(itertools.chain(*notes)) if text not in remarks)]
    matched = refit.compare_models(*placed, scorer.contract.names, newer.scorer.contract.names)
    about_run = migrate_summary.About(
        older.dataset, scorer.label, newer.scorer.label, scorer.contract.k, all_notes, str(folder)
    )
    summary = migrate_summary.between_models(about_run, matched, str(day or date.today()))
    with files.filled(folder) as scratch:
        migrate_summary.write(scratch, summary)
        _write_models(scratch, (older, newer), matched, all_notes)
    if not quiet:
        lines = [("agreement", matched.sentence), *(("note", text) for text in all_notes)]
        _print(matched.matrix, [*lines, ("output", str(folder / "movement.html"))])
    return summary


def _write_models(
    folder: Path, sides: tuple[_Side, _Side], matched: refit.Matched, notes: Sequence[str]
) -> None:
    older, newer = (side.scorer.label for side in sides)
    picture = plots.png(plots.movement(matched.matrix, older, newer))
    files.write(folder / "movement.png", picture)
    files.write_csv(folder / "matching.csv", matched.table)
    files.write_csv(folder / "transitions.csv", matched.transitions)
    files.write_parquet(folder / "customers.parquet", matched.customers)
    sections = [
        ("Which is which", matched.sentence, matched.table),
        ("Who moved", "Columns carry the name of the old segment that they are matched to.", picture),
        (
            "Transitions",
            "Customers in both; share is of those who were in the old segment.",
            matched.transitions,
        ),
    ]
    title = f"{sides[0].dataset}: {older} and {newer}"
    page = report.tables_page(title, "The same customers, two models", notes, sections)
    files.write(folder / "movement.html", page)


def _placed(side: _Side, day: date | None) -> tuple[pd.Series, list[str]]:
    """Return the segment of each customer by one model, and the warnings of reading them."""
    source, notes = side.source()
    if day is None:
        prepared = prepare.prepare(side.settings.preparation, side.parts, source)
        frame, notes = prepared.table.frame, [*notes, *prepared.notes]
        if prepared.groups is not None:
            frame = frame.assign(**{side.settings.by: prepared.groups})
    else:
        with side.parts.connect() as engine:
            loaded = side.parts.load(engine, source)
            first, last = as_of.first_and_last(engine, loaded.table)
            movement.check_day("to", day, first, last)
            frame = side.table_on(engine, loaded.table, day)[0].frame
    side.scorer.check(frame.columns, f"what {side.dataset} gives")
    warnings = [text for level, text in notes if level == "warning"]
    return side.scorer.place(frame)["segment"].astype("int64"), warnings


# ---- where it goes, what people see ------------------------------------------------------------------------------


def _print(matrix: pd.DataFrame, lines: Sequence[tuple[str, str]]) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console()
    console = console if console.is_terminal else Console(width=160)
    table = Table(
        header_style="bold", caption="rows: from, columns: to, share of the row", caption_justify="left"
    )
    table.add_column("")
    for name in [*matrix.columns, "customers"]:
        table.add_column(escape(name), justify="right")
    for name, row in matrix.iterrows():
        total = row.sum()
        table.add_row(escape(name), *(f"{count / total:.0%}" if total else "" for count in row), f"{total:,}")
    console.print(table)
    width = max(len(name) for name, _ in lines)
    for name, text in lines:
        console.print(f"  {name:<{width}}  {text}", markup=False, highlight=False, soft_wrap=True)
