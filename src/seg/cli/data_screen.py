"""What the commands of ``seg data`` print: lines, facts and tables as wide as the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.table import Table

if TYPE_CHECKING:
    from seg.preparation.inspection import Report


def console() -> Console:
    """Return a console as wide as the terminal; for a file or a pipe, as wide as any table."""
    terminal = Console()
    return terminal if terminal.is_terminal else Console(width=400)


def table(*columns: str, lines: bool = False) -> Table:
    """Build a table whose last column takes the remaining width."""
    made = Table(header_style="bold", show_lines=lines)
    for name in columns:
        justify = "right" if name == "missing" else "left"
        made.add_column(name, overflow="fold", justify=justify, no_wrap=lines and name != columns[-1])
    return made


def add_row(table: Table, *cells: str) -> None:
    """Add a row, with brackets in its cells shown as they are."""
    table.add_row(*[escape(str(cell)) for cell in cells])


def show(console: Console, text: str, style: str | None = None) -> None:
    """Print a line as it is, however long."""
    console.print(text, style=style, markup=False, highlight=False, soft_wrap=True)


def show_facts(console: Console, lines: Sequence[tuple[str, str]]) -> None:
    """Print names and values, one pair a line."""
    for name, text in lines:
        show(console, f"{name:<12} {text}")


def show_report(console: Console, report: Report, currency: str | None) -> None:
    """Print what is in a data set, and a row for each of its columns."""
    from seg.preparation.inspection import facts  # late: see `seg.data`

    show_facts(console, facts(report, currency))
    columns = table("in the files", "in seg", "type", "missing", "verdict")
    for column in report.columns:
        share = f" ({column.missing / report.rows:.1%})" if column.missing else ""
        add_row(
            columns, column.source, column.name, column.kind, f"{column.missing:,}{share}", column.verdict
        )
    console.print(columns)
