"""What ``seg outlook`` does: forecast the customers and segments of a trained model, and write a page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from seg import progress
from seg.cli import options, trained_model
from seg.config import compose, folders, load
from seg.outlook import page_tables
from seg.outlook.ahead import Outlook, compute, placed_by
from seg.outlook.outlook_files import PAGE, About, write
from seg.pipeline import check
from seg.score import replay
from seg.segments import formats
from seg.sinks import local_files as files


def outlook(own: dict[str, str | None], overrides: Sequence[str]) -> int:
    """Compute the outlook of a model's customers, and write it to a directory.

    Parameters
    ----------
    own : dict
        The options of the command, see `seg.outlook`.
    overrides : sequence of str
        Options of the data set, the engine, the store and the outlook.

    Returns
    -------
    int
        The exit code.
    """
    progress.listen()
    model = trained_model.load(own["model"], options.value(overrides, "tracking.uri"))
    scorer = model.scorer
    cfg = compose.recompose(model.config, [*overrides, *_overrides(own)])
    if own["input"]:
        cfg.dataset.path = own["input"]
    settings = replay.for_scoring(load.settings(cfg), scorer.contract, "rule")
    folder = folders.result("outlook", settings.dataset.name, own, PAGE)
    check.check_parts(settings)
    parts = compose.instantiate_parts(cfg)
    result = compute(
        settings,
        parts,
        scorer.features,
        placed_by(scorer),
        scorer.contract.days_after,
        scorer.contract.names | scorer.names,
    )
    remarks = [*scorer.remarks, *replay.remarks(settings.preparation)]
    data = settings.dataset
    about = About(data.name, f"Segments of {scorer.label}", settings.report.locale, data.currency)
    with files.filled(folder) as scratch:
        write(result, scratch, about)
    _close(result, remarks, folder, about)
    return 0


def _overrides(own: dict[str, str | None]) -> list[str]:
    overrides = []
    if own["horizons"]:
        overrides.append(f"outlook.horizons=[{own['horizons']}]")
    if own["cut"]:
        overrides.append(f"outlook.cut={own['cut']}")
    return overrides


def _close(result: Outlook, remarks: Sequence[str], folder: Path, about: About) -> None:
    """Print the value at stake and what was measured."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console()
    console = console if console.is_terminal else Console(width=160)
    if result.stakes is not None:
        stakes = page_tables.stakes(result, formats.locale(about.locale), about.currency)
        table = Table(header_style="bold")
        for name in stakes:
            table.add_column(name, justify="left" if name == "segment" else "right")
        for row in stakes.itertuples(index=False):
            table.add_row(*map(escape, row))
        console.print(table)
    lines = [(level, text.removeprefix("outlook: ")) for level, text in result.notes]
    lines += [("note", text) for text in remarks]
    lines.append(("page", str(folder / PAGE)))
    for name, text in lines:
        console.print(
            f"  {'note' if name == 'info' else name:<8} {text}", markup=False, highlight=False, soft_wrap=True
        )
