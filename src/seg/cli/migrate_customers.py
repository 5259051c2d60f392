"""What ``seg migrate`` does: place customers on two days or by two models, and write who moved."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from seg import progress
from seg.cli import options
from seg.config import compose, folders, load
from seg.config.settings import Settings
from seg.errors import Note, SegError
from seg.metrics import drift
from seg.pipeline import check
from seg.preparation import as_of, prepare
from seg.report import page as report
from seg.report import plots
from seg.scoring import refit, replay
from seg.scoring import scorer as scoring
from seg.scoring.scorer import Scorer
from seg.segments import movement
from seg.segments.movement import Movement
from seg.sinks import local_files as files
from seg.tracking import find_model

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from seg.config.parts import Parts
    from seg.engine import Engine
    from seg.features import FeatureTable
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
    progress.listen()
    uri, trust = options.value(overrides, "tracking.uri"), own["trust"] == "true"
    scorer, config_yaml = _model(own["model"], uri, trust)
    other = _model(own["to_model"], uri, trust) if own["to_model"] else None
    side = _side(scorer, config_yaml, overrides, trust)
    folder = folders.result("migrate", side.dataset, own, "movement.html")
    if other is None:
        return _between_days(side, start, end, own["steps"], folder)
    newer = _side(*other, overrides, trust)
    if newer.dataset != side.dataset:
        raise SegError(
            f"to_model={own['to_model']}: is of dataset={newer.dataset}, model={own['model']} of "
            f"dataset={side.dataset}; compare models of one data set"
        )
    return _between_models(side, newer, end, folder)


@dataclass(frozen=True)
class _Side:
    """A model, and what reads and counts the customers for it."""

    scorer: Scorer
    settings: Settings
    parts: Parts

    @property
    def dataset(self) -> str:
        return self.settings.dataset.name

    @property
    def remarks(self) -> list[str]:
        """Return what a reader has to know of the model and of its cleaning on other rows."""
        return [*self.scorer.remarks, *replay.remarks(self.settings)]

    def source(self) -> tuple[Source, list[Note]]:
        return prepare.find(self.settings.dataset, self.settings.data_dir)

    def table_on(self, engine: Engine, orders: ir.Table, day: date) -> tuple[FeatureTable, int]:
        """Return the features as of the end of a day, and how many orders without a customer were left out."""
        days_after = self.scorer.contract.days_after
        return as_of.table_on(self.settings.preparation, engine, orders, day, days_after)


def _side(scorer: Scorer, config_yaml: str, overrides: Sequence[str], trust: bool) -> _Side:
    cfg = compose.recompose(config_yaml, overrides, trust)
    settings = replay.for_scoring(load.settings(cfg), scorer.contract, "rule")
    check.check_parts(settings)
    return _Side(scorer, settings, compose.instantiate_parts(cfg))


def _model(reference: str, uri: str | None, trust: bool) -> tuple[Scorer, str]:
    with progress.step("model") as detail, tempfile.TemporaryDirectory(prefix="seg-model-") as scratch:
        files = find_model.find(reference, uri, Path(scratch))
        scorer = scoring.load(files, trust=trust)
        detail(f"{scorer.label}: {scorer.contract.k} segments of {scorer.contract.dataset}")
        return scorer, files.config.read_text(encoding="utf-8")


# ---- between two days --------------------------------------------------------------------------------------------


def _between_days(side: _Side, start: date, end: date, steps: str, folder: Path) -> int:
    scorer = side.scorer
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
                frame = table.frame[scorer.features]
                on[day] = frame, scorer.place(frame)["segment"].astype("int64")
                detail(f"{len(frame):,} customers")
    moved = movement.compare_days(on, scorer.contract.names)
    about = replay.movement_remarks(side.settings.cleaning, scorer.contract, (start, end), first, nameless)
    notices = [*side.remarks, *(text for _, text in notes), *about]
    with files.filled(folder) as scratch:
        _leave_days(scratch, side.dataset, scorer.label, moved, notices)
    _print_days(moved, notices, folder)
    return 0


def _leave_days(folder: Path, dataset: str, model: str, moved: Movement, notices: Sequence[str]) -> None:
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
    page = report.tables_page(f"{dataset}: from {start} to {end}", f"Segments of {model}", notices, sections)
    files.write(folder / "movement.html", page)


def _print_days(moved: Movement, notices: Sequence[str], folder: Path) -> None:
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
        [*lines, *(("note", text) for text in notices), ("output", str(folder / "movement.html"))],
    )


# ---- between two models ------------------------------------------------------------------------------------------


def _between_models(older: _Side, newer: _Side, day: date | None, folder: Path) -> int:
    scorer = older.scorer
    placed, notes = zip(*(_placed(side, day) for side in (older, newer)), strict=True)
    remarks = [*older.remarks, *newer.remarks]
    notices = [*remarks, *(text for text in dict.fromkeys(itertools.chain(*notes)) if text not in remarks)]
    matched = refit.compare_models(*placed, scorer.contract.names, newer.scorer.contract.names)
    with files.filled(folder) as scratch:
        picture = plots.png(plots.movement(matched.matrix, scorer.label, newer.scorer.label))
        files.write(scratch / "movement.png", picture)
        files.write_csv(scratch / "matching.csv", matched.table)
        files.write_csv(scratch / "transitions.csv", matched.transitions)
        files.write_parquet(scratch / "customers.parquet", matched.customers)
        sections = [
            ("Which is which", matched.sentence, matched.table),
            ("Who moved", "Columns carry the name of the old segment that they are matched to.", picture),
            (
                "Transitions",
                "Customers in both; share is of those who were in the old segment.",
                matched.transitions,
            ),
        ]
        title = f"{older.dataset}: {scorer.label} and {newer.scorer.label}"
        files.write(
            scratch / "movement.html",
            report.tables_page(title, "The same customers, two models", notices, sections),
        )
    lines = [("agreement", matched.sentence), *(("note", text) for text in notices)]
    _print(matched.matrix, [*lines, ("output", str(folder / "movement.html"))])
    return 0


def _placed(side: _Side, day: date | None) -> tuple[pd.Series, list[str]]:
    """Return the segment of each customer by one model, and the warnings of reading them."""
    source, notes = side.source()
    if day is None:
        prepared = prepare.prepare(side.settings.preparation, side.parts, source)
        table, notes = prepared.table, [*notes, *prepared.notes]
    else:
        with side.parts.connect() as engine:
            loaded = side.parts.load(engine, source)
            first, last = as_of.first_and_last(engine, loaded.table)
            movement.check_day("to", day, first, last)
            table, _ = side.table_on(engine, loaded.table, day)
    side.scorer.check(table.frame.columns, f"what {side.dataset} gives")
    warnings = [text for level, text in notes if level == "warning"]
    return side.scorer.place(table.frame)["segment"].astype("int64"), warnings


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
