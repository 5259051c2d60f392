"""Tables on the terminal: the segments of a run, and published figures beside its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from seg.cli.single_run import Done
    from seg.pipeline.result import Result

SCORES = (
    "own/silhouette",
    "embedding/silhouette",
    "common/silhouette",
    "own/silhouette_sq",
    "truth/adjusted_rand",
)
SHOWN = 15  # groups on the terminal
ANSWERS = {True: "yes", False: "NO", None: "?"}


def close_run(done: Done) -> None:
    """Print what a run has come to: segments, notes, verdicts, main metrics, and where the report is."""
    result = done.result
    if done.finished.settings.by is not None:
        close_groups(done)
        return
    if result.published is not None:
        comparison(result.published)
    lines = [("warning" if level == "warning" else "note", text) for level, text in result.notes]
    lines += [
        (verdict.criterion, f"{ANSWERS[verdict.passed]:<4} {verdict.number}")
        for verdict in result.evidence.verdicts
    ]
    lines.append(("explains", _explained(result)))
    lines += [
        (name, f"{result.metrics[name]:.3f}  {result.meanings[name]}")
        for name in SCORES
        if name in result.metrics
    ]
    lines += [
        ("k", f"{result.k}  {result.k_reason}"),
        ("report", str(done.folder / "report.html")),
        ("tracked", done.tracker.where),
        ("seconds", f"{done.seconds:.1f}"),
    ]
    closing(result.segments, result.table.features, lines, done.title)


def close_groups(done: Done) -> None:
    """Print what a run with one model a group has come to: the groups with most revenue, notes, and where the report is."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from seg.report.plots import percent

    result, console = done.result, Console()
    console = console if console.is_terminal else Console(width=140)
    table = Table(title=escape(done.title), title_justify="left", header_style="bold")
    for name in (
        "group",
        "customers",
        "share",
        "revenue share",
        "model",
        "segments",
        "silhouette",
        "flagged",
    ):
        table.add_column(name, justify="left" if name in ("group", "model", "flagged") else "right")
    for row in result.groups.head(SHOWN).itertuples():
        numbers = (f"{row.customers:,}", percent(row.share), percent(row.revenue_share))
        scores = (f"{row.segments}", f"{row.common_silhouette:.3f}", escape(row.flagged))
        table.add_row(escape(row.group or "(none)"), *numbers, escape(row.model), *scores)
    console.print()
    console.print(table)
    lines = [("warning" if level == "warning" else "note", text) for level, text in result.notes]
    if len(result.groups) > SHOWN:
        lines.insert(0, ("more", f"{len(result.groups) - SHOWN:,} further groups: see groups.csv"))
    lines += [
        ("report", str(done.folder / "report.html")),
        ("tracked", done.tracker.where),
        ("seconds", f"{done.seconds:.1f}"),
    ]
    for name, text in lines:
        console.print(f"  {name:<9}  {text}", markup=False, highlight=False, soft_wrap=True)


def _explained(result: Result) -> str:
    """Return the features whose variance lies most between the segments; one that is constant has no share."""
    shares = {
        name.split("/", 1)[1]: value
        for name, value in result.metrics.items()
        if name.startswith("explained/") and value == value
    }
    most = sorted(shares.items(), key=lambda item: -item[1])[:6]
    text = ", ".join(f"{name} {share:.0%}" for name, share in most)
    return f"{text} (share of the variance of a feature between segments)"


def closing(segments: pd.DataFrame, features: list[str], lines: list[tuple[str, str]], title: str) -> None:
    """Print the segments as a table, and below it the key numbers and where to look.

    Parameters
    ----------
    segments : DataFrame
        One row a segment: ``name``, ``size``, ``share``, ``revenue_share`` and ``mean_<feature>``.
    features : list of str
        Those whose means are shown, the first six.
    lines : list of (str, str)
        Name and text of each line below the table.
    title : str
    """
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from seg.report.plots import compact, percent
    from seg.segments import worth

    console = Console()
    if not console.is_terminal:
        console = Console(width=140)  # a log has no width of its own, and 80 breaks every heading
    table = Table(title=escape(title), title_justify="left", header_style="bold")
    shown = [feature for feature in features if f"mean_{feature}" in segments][:6]
    valued = segments["revenue_share"].notna().any()
    for name in ("segment", "customers", "share", *([f"{worth.words(segments)} share"] if valued else [])):
        table.add_column(name, justify="left" if name == "segment" else "right", no_wrap=name == "segment")
    for feature in shown:
        table.add_column(f"mean {feature}", justify="right")
    for row in segments.to_dict("records"):
        means = [compact(row[f"mean_{feature}"]) for feature in shown]
        table.add_row(
            escape(row["name"]),
            f"{row['size']:,}",
            percent(row["share"]),
            *([percent(row["revenue_share"])] if valued else []),
            *means,
        )
    console.print()
    console.print(table)
    width = max(len(name) for name, _ in lines)
    for name, text in lines:
        console.print(f"  {name:<{width}}  {text}", markup=False, highlight=False, soft_wrap=True)


def comparison(table: pd.DataFrame, title: str = "published and ours") -> None:
    """Print published figures beside those of the run."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console()
    if not console.is_terminal:
        console = Console(width=140)
    shown = Table(title=title, title_justify="left", header_style="bold")
    for name in table.columns:
        shown.add_column(name, justify="left" if name in ("figure", "verdict") else "right")
    for row in table.itertuples(index=False):
        shown.add_row(*map(escape, row))
    console.print()
    console.print(shown)
