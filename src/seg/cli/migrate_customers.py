"""What ``seg migrate`` does: place customers on two days or by two models, and write who moved."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import pandas as pd

from seg import progress
from seg.cli import options
from seg.config import compose, folders, load
from seg.config.settings import Settings
from seg.errors import SegError
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
    cfg = compose.recompose(config_yaml, overrides, trust)
    settings = replay.for_scoring(load.settings(cfg), scorer.contract, "rule")
    folder = folders.result("migrate", settings.dataset.name, own, "movement.html")
    check.check_parts(settings)
    parts = compose.instantiate_parts(cfg)
    notices = [*scorer.remarks, *replay.remarks(settings)]
    if other is not None:
        return _between_models(own, (scorer, settings), other, overrides, parts, end, folder, notices)
    return _between_days(own, scorer, settings, parts, start, end, folder, notices)


def _model(reference: str, uri: str | None, trust: bool) -> tuple[Scorer, str]:
    with progress.step("model") as found, tempfile.TemporaryDirectory(prefix="seg-model-") as scratch:
        files = find_model.find(reference, uri, Path(scratch))
        scorer = scoring.load(files, trust=trust)
        found(f"{scorer.label}: {scorer.contract.k} segments of {scorer.contract.dataset}")
        return scorer, files.config.read_text(encoding="utf-8")


# ---- between two days --------------------------------------------------------------------------------------------


def _between_days(
    own, scorer: Scorer, settings: Settings, parts, start: date, end: date, folder: Path, notices
) -> int:
    if settings.dataset.kind == "customers":
        raise SegError(
            f"from={start} to={end}: not possible: dataset={settings.dataset.name} has one row a customer, who cannot be seen as of an "
            "earlier day; orders are needed (transactions), or another model to compare with (to_model=...)"
        )
    source, notes = prepare.find(settings.dataset, settings.data_dir)
    on, nameless = {}, 0
    with parts.connect() as engine:
        with progress.step(f"read {settings.dataset.name}") as found:
            loaded = parts.load(engine, source)
            found(source.where)
        first, last = as_of.first_and_last(engine, loaded.table)
        movement.check_days(start, end, first, last)
        for day in movement.days(start, end, own["steps"]):
            with progress.step(f"on {day}") as found:
                table, nameless = as_of.table_on(
                    settings.preparation, engine, loaded.table, day, scorer.contract.days_after
                )
                frame = table.frame[scorer.features]
                on[day] = frame, scorer.place(frame)["segment"].astype("int64")
                found(f"{len(frame):,} customers")
    moved = movement.compare_days(on, scorer.contract.names)
    notices += [text for _, text in notes] + replay.movement_remarks(
        settings, scorer.contract, start, end, first, nameless
    )
    with files.filled(folder) as scratch:
        _leave_days(scratch, scorer, settings, moved, notices)
    _say_days(moved, notices, folder)
    return 0


def _leave_days(
    folder: Path, scorer: Scorer, settings: Settings, moved: Movement, notices: Sequence[str]
) -> None:
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
    page = report.tables_page(
        f"{settings.dataset.name}: from {start} to {end}", f"Segments of {scorer.label}", notices, sections
    )
    files.write(folder / "movement.html", page)


def _say_days(moved: Movement, notices: Sequence[str], folder: Path) -> None:
    counts = moved.customers["status"].value_counts()
    told = ", ".join(
        f"{counts.get(name, 0):,} {name}" for name in ("stayed", "moved", movement.NEW, movement.GONE)
    )
    lines = [("customers", told)]
    lines += [("shares", f"population stability index {moved.index:.3f}, {drift.verdict(moved.index)}")]
    lines += [
        (
            row.feature,
            f"{row.psi:.3f}, {row.verdict}; mean {row.mean_reference:,.4g} -> {row.mean_current:,.4g}",
        )
        for row in moved.features.itertuples()
    ]
    _say(
        moved.matrix,
        [*lines, *(("note", text) for text in notices), ("output", str(folder / "movement.html"))],
    )


# ---- between two models ------------------------------------------------------------------------------------------


def _between_models(
    own, old, other, overrides: list[str], parts, day: date | None, folder: Path, notices
) -> int:
    (scorer, settings), (newer, newer_yaml) = old, other
    cfg = compose.recompose(newer_yaml, overrides, own["trust"] == "true")
    newer_settings = replay.for_scoring(load.settings(cfg), newer.contract, "rule")
    if newer_settings.dataset.name != settings.dataset.name:
        raise SegError(
            f"to_model={own['to_model']}: is of dataset={newer_settings.dataset.name}, model={own['model']} of "
            f"dataset={settings.dataset.name}; compare models of one data set"
        )
    notices += [*newer.remarks, *replay.remarks(newer_settings)]
    sides = [(scorer, settings, parts), (newer, newer_settings, compose.instantiate_parts(cfg))]
    placed = [_placed(*side, day, notices) for side in sides]
    matched = refit.compare_models(*placed, scorer.contract.names, newer.contract.names)
    with files.filled(folder) as scratch:
        picture = plots.png(plots.movement(matched.matrix, scorer.label, newer.label))
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
        title = f"{settings.dataset.name}: {scorer.label} and {newer.label}"
        files.write(
            scratch / "movement.html",
            report.tables_page(title, "The same customers, two models", notices, sections),
        )
    lines = [("agreement", matched.sentence), *(("note", text) for text in notices)]
    _say(matched.matrix, [*lines, ("output", str(folder / "movement.html"))])
    return 0


def _placed(scorer: Scorer, settings: Settings, parts, day: date | None, notices: list[str]) -> pd.Series:
    source, notes = prepare.find(settings.dataset, settings.data_dir)
    if day is None:
        prepared = prepare.prepare(settings.preparation, parts, source)
        table, notes = prepared.table, [*notes, *prepared.notes]
    else:
        with parts.connect() as engine:
            loaded = parts.load(engine, source)
            first, last = as_of.first_and_last(engine, loaded.table)
            movement.check_day("to", day, first, last)
            table, _ = as_of.table_on(
                settings.preparation, engine, loaded.table, day, scorer.contract.days_after
            )
    scorer.check(table.frame.columns, f"what {settings.dataset.name} gives")
    notices += [text for level, text in notes if level == "warning" and text not in notices]
    return scorer.place(table.frame)["segment"].astype("int64")


# ---- where it goes, what people see ------------------------------------------------------------------------------


def _say(matrix: pd.DataFrame, lines: Sequence[tuple[str, str]]) -> None:
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
