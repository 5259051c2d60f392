"""A comparison as text: the ranking, the flagged runs, the best run or what is missing to call one so."""

from __future__ import annotations

import datetime
import shlex
from collections.abc import Sequence

import pandas as pd
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from seg.compare import order
from seg.compare.attempts import PARTS, SCORE, Group
from seg.compare.columns import NOT_MEASURED, Column, shown

HOLDOUT_DAYS = 90
WRAPPED = 24  # characters of a column of words


def print_line(console: Console, text: str = "", style: str | None = None) -> None:
    """Print a line as it is."""
    console.print(text, style=style, markup=False, highlight=False, soft_wrap=True)


def print_group(
    console: Console, group: Group, table: pd.DataFrame, demand: order.Demand, sort: str, where: Sequence[str]
) -> None:
    """Print what was found about the runs on one set of customers.

    Parameters
    ----------
    table : DataFrame
        The unflagged attempts, judged and ordered.
    where : sequence of str
        Options that name the store, for the commands that are printed.
    """
    print_line(console, f"\n{group.dataset}: {group.known}", "bold red" if group.data == "sample" else "bold")
    print_line(console, counted(group, table, demand))
    if len(table):
        _print(console, shown(table, sort), table)
        _print_equal_k(console, table)
        _print_seeds(console, table)
    _print_flagged(console, group.flagged)
    print_line(console)
    for line in verdict(group, table, demand, where):
        print_line(console, line)


def counted(group: Group, table: pd.DataFrame, demand: order.Demand) -> str:
    """Describe how many runs there are, and which were left out.

    Parameters
    ----------
    group : Group
        Runs of one data set, with those that were set aside.
    table : DataFrame
        The runs that are ranked.
    demand : Demand
        What a run has to show.

    Returns
    -------
    str
    """
    parts = [f"{len(table)} configuration{'' if len(table) == 1 else 's'} ranked"]
    if len(group.flagged):
        parts.append(f"{len(group.flagged)} flagged, listed apart")
    if group.repeated:
        parts.append(f"{group.repeated} more with the same configuration and seed, not counted again")
    others = table.loc[table["holdout"].ne(demand.cut) & table["holdout"].ne("")]
    if demand.cut and len(others):
        parts.append(f"hold-outs other than {demand.cut} not compared ({len(others)})")
    return "; ".join(parts)


def verdict(
    group: Group, table: pd.DataFrame, demand: order.Demand, where: Sequence[str], most: int = 3
) -> list[str]:
    """Describe the best run with its evidence; or what is missing, with the commands that would measure it.

    Parameters
    ----------
    group : Group
    table : DataFrame
        The runs that are ranked.
    demand : Demand
        What a run has to show.
    where : sequence of str
        Overrides that name store and experiment, for the commands.
    most : int
        How many commands are listed at most.

    Returns
    -------
    list of str
        Lines to print.
    """
    if group.data == "sample":
        return ["best: none. SAMPLE DATA: synthetic customers, do not draw conclusions"]
    lacking = table[table["standing"] == "lacks"].head(most)
    best, lines = order.best(table), []
    if best is not None:
        lines.append(f"best: {described(best)}, {reason(best, table, demand)}")
        lines.append(
            "  it is the champion" if best["champion"] else f"  promote it: {promotion(best, where)}"
        )
        if len(lacking):
            lines.append(
                f"{(table['standing'] == 'lacks').sum()} runs lack evidence and are not compared with it; to measure it:"
            )
    elif len(table) == 0:
        return ["best: none, every run is flagged"]
    elif len(lacking):
        lines.append("best: not known, no run has all of the evidence that it takes; to measure it:")
    else:
        return ["best: none, every run fails a test (column evidence)"]
    return lines + [f"  {measurement(run, demand, where)}" for run in lacking.to_dict("records")]


def described(run: dict | pd.Series) -> str:
    """Return the label of a run: its id and its parts."""
    options = f", {run['options']}" if run["options"] else ""
    return f"{run['run_id'][:8]} ({run['model']} k={run['k']}, {run['recipe']}, {run['scaler']}{options})"


def reason(run: pd.Series, table: pd.DataFrame, demand: order.Demand) -> str:
    """Explain why a run is the best one.

    Parameters
    ----------
    run : Series
        The best run.
    table : DataFrame
        All that are ranked.
    demand : Demand
        What a run has to show.

    Returns
    -------
    str
    """
    candidates = int((table["standing"] == "candidate").sum())
    values = {"stability/jaccard_min": "lowest Jaccard", "holdout/auc": "hold-out AUC", SCORE: SCORE}
    numbers = ", ".join(f"{values[name]} {run[name]:.3f}" for name in demand.criteria)
    of = f"of {candidates} candidates" if candidates > 1 else "the only candidate"
    if not demand.holdout:
        return f"{of}, the largest stability x separation ({run['worth']:.3f}): {numbers}; this data set allows no hold-out"
    explained = f"{run['worth']:.3f} of the deviance of later buying and spending explained"
    largest = table["worth"].max()
    if run["worth"] < largest:
        explained += f", the fewest segments within one standard error of the largest ({largest:.3f})"
    return f"{of}: {explained}; {numbers}"


def promotion(run: dict | pd.Series, where: Sequence[str]) -> str:
    """Write the command that makes a run the champion."""
    return f"seg compare promote run={run['run_id'][:8]} {shlex.join(where)}".rstrip()


def measurement(run: dict, demand: order.Demand, where: Sequence[str]) -> str:
    """Write the command that measures everything that a candidate must show: evidence of two runs is not put together.

    Parameters
    ----------
    run : dict
        Its row in the table of runs.
    demand : Demand
        What a run has to show.
    where : sequence of str
        Overrides that name store and experiment.

    Returns
    -------
    str
        A line for a shell.
    """
    words = run["overrides"]
    if words is None:
        words = [f"{part}={run[part]}" for part in (*PARTS, "seed") if run[part]]
    if run["of_sweep"] and any(word.startswith("experiment=") for word in words):
        words = [*words, "hydra.mode=RUN"]  # a study with a sweep of its own would do all of it again
    words = [*words, f"k={run['k']}", "evaluation.stability=true", "evaluation.null=20"]
    if demand.holdout:
        day, _, days = demand.cut.partition(" and ")
        days = days.removesuffix(" days")
        words.append(f"evaluation.holdout.cut={day or _some_day(run['as_of'])}")
        words += [f"evaluation.holdout.days={days}"] if days and days != str(HOLDOUT_DAYS) else []
    return f"seg run {shlex.join([*words, *where])}"


def _some_day(as_of: str) -> str:
    """Take the day that leaves as many days as the hold-out is long."""
    try:
        return str(datetime.date.fromisoformat(as_of[:10]) - datetime.timedelta(days=HOLDOUT_DAYS))
    except ValueError:
        return "YYYY-MM-DD"


def _print(console: Console, columns: Sequence[Column], table: pd.DataFrame) -> None:
    """Print a table, in as many parts as it takes on a narrow terminal; each names the runs anew."""
    rows = table.to_dict("records")
    named = [column for column in columns if column.key in ("rank", "run_id")]
    room = console.width - sum(_width(column, rows) for column in named) - 1
    parts, left = [[]], room
    for column in columns:
        width = _width(column, rows)
        if width > left and parts[-1] and column not in named:
            parts.append([])
            left = room
        if column not in named:
            left -= width
        parts[-1].append(column)
    for number, part in enumerate(parts):
        console.print(_table(part if number == 0 else [*named, *part], rows))


def _width(column: Column, rows: Sequence[dict]) -> int:
    """Count the characters that a column takes with its border; a heading has a line for each of its words."""
    cells = [len(column.text(row)) for row in rows]
    widest = (
        min(max(cells, default=0), WRAPPED)
        if column.key in ("standing", "options")
        else max(cells, default=0)
    )
    return max(widest, *map(len, column.head.split())) + 3


def _table(columns: Sequence[Column], rows: Sequence[dict]) -> Table:
    table = Table(header_style="bold")
    for column in columns:
        wraps = column.key in ("standing", "options")
        table.add_column(
            column.head.replace(" ", "\n"),
            justify="right" if column.numeric else "left",
            no_wrap=not wraps,
            overflow="fold",
            min_width=_width(column, rows) - 3,
        )
    for row in rows:
        table.add_row(*[escape(column.text(row)) for column in columns])
    return table


def _print_equal_k(console: Console, table: pd.DataFrame) -> None:
    """Print the best two of each k: more segments mostly score lower, so this is the fairer comparison."""
    rows = []
    for k, runs in table.groupby("k"):
        runs = runs.sort_values(SCORE, ascending=False, kind="stable").to_dict("records")
        if len(runs) > 1:
            first, second = runs[:2]
            rows.append([str(k), str(len(runs)), *_named(first), *_named(second), _difference(first, second)])
    if not rows:
        return
    printed = Table(title=f"At equal k, by {SCORE}", title_justify="left", header_style="bold")
    for head in ("k", "runs", "first", "silhouette", "second", "silhouette", "difference"):
        printed.add_column(head, justify="left" if head in ("first", "second", "difference") else "right")
    for row in rows:
        printed.add_row(*map(escape, row))
    console.print(printed)


def _named(run: dict) -> tuple[str, str]:
    score = run[SCORE]
    return described(run), NOT_MEASURED if pd.isna(score) else f"{score:.3f}"


def _difference(first: dict, second: dict) -> str:
    difference = first[SCORE] - second[SCORE]
    if pd.isna(difference):
        return NOT_MEASURED
    error = sum((run.get("common/silhouette_se") or 0.0) ** 2 for run in (first, second)) ** 0.5
    spread = max(run["seeds_max"] - run["seeds_min"] for run in (first, second))
    if difference < 2 * error:
        return f"{difference:.3f}, within two standard errors"
    return f"{difference:.3f}, less than seeds differ" if difference < spread else f"{difference:.3f}"


def _print_seeds(console: Console, table: pd.DataFrame) -> None:
    repeated = table[table["seeds"] > 1]
    if repeated.empty:
        return
    printed = Table(title=f"Over seeds, {SCORE}", title_justify="left", header_style="bold")
    for head in ("run", "seeds", "mean", "min", "max"):
        printed.add_column(head, justify="left" if head == "run" else "right")
    for run in repeated.to_dict("records"):
        printed.add_row(
            escape(described(run)),
            str(run["seeds"]),
            *[f"{run[f'seeds_{what}']:.3f}" for what in ("mean", "min", "max")],
        )
    console.print(printed)


def _print_flagged(console: Console, flagged: pd.DataFrame) -> None:
    if flagged.empty:
        return
    print_line(console, "Flagged, so in no ranking:", "bold")
    for run in flagged.to_dict("records"):
        score = NOT_MEASURED if pd.isna(run[SCORE]) else f"{run[SCORE]:.3f}"
        champion = ", champion" if run["champion"] else ""
        print_line(console, f"  {described(run)}{champion}, {SCORE} {score}: {run['flags']}")
