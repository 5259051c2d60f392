"""Tables on the terminal: the segments of a run, published figures beside its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


def closing(segments: pd.DataFrame, features: list[str], lines: list[tuple[str, str]], title: str) -> None:
    """Print the segments as a table, and below it the key numbers and where to look."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from seg.report.plots import compact, percent

    console = Console()
    if not console.is_terminal:
        console = Console(width=140)  # a log has no width of its own, and 80 breaks every heading
    table = Table(title=escape(title), title_justify="left", header_style="bold")
    shown = [feature for feature in features if f"mean_{feature}" in segments][:6]
    for name in ("segment", "customers", "share", "revenue share"):
        table.add_column(name, justify="left" if name == "segment" else "right", no_wrap=name == "segment")
    for feature in shown:
        table.add_column(f"mean {feature}", justify="right")
    for row in segments.to_dict("records"):
        means = [compact(row[f"mean_{feature}"]) for feature in shown]
        table.add_row(
            escape(row["name"]),
            f"{row['size']:,}",
            percent(row["share"]),
            percent(row["revenue_share"]),
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
