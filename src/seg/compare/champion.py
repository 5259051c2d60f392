"""Which run may become champion, and the history of those that did."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from seg.compare import order, runs_table
from seg.compare.attempts import Group
from seg.errors import SegError, listed

SHORTEST = 6  # characters of an id that are worth calling its beginning


def find(runs: pd.DataFrame, text: str) -> str:
    """Find the one run of this id, beginning of an id, or name, and return its id.

    Raises
    ------
    SegError
        None, several, one that did not finish, or one that has no segments.
    """
    ids = runs["run_id"].astype(str)
    begins = ids.str.startswith(text) & (len(text) >= SHORTEST)
    matches = runs[begins | (runs["name"] == text)]
    if matches.empty:
        names = listed(text, runs["name"].dropna().unique(), most=5)
        raise SegError(
            f"run={text}: no such run; expected the directory of a tracked run, an id, {SHORTEST} or more of its first characters, or a name: {names}"
        )
    if len(matches) > 1:
        which = "; ".join(
            f"{run.run_id[:12]} of {run.started:%Y-%m-%d %H:%M}" for run in matches.head(10).itertuples()
        )
        more = f" and {len(matches) - 10} more" if len(matches) > 10 else ""
        raise SegError(f"run={text}: {len(matches)} runs; take one by its id: {which}{more}")
    run = matches.iloc[0]
    if run["status"] != "FINISHED":
        raise SegError(f"run={text}: it is {run['status']}, expected a run that finished; run it again")
    if pd.isna(run.get("params.k")):
        raise SegError(f"run={text}: it holds no segmentation; expected a single run, not a sweep")
    if pd.isna(run["model"]):
        raise SegError(f"run={text}: it keeps no model; run it again with tracking.model=true")
    return str(run["run_id"])


def objections(run: dict) -> list[str]:
    """List what speaks against a run as champion; only force=true passes over it."""
    reasons = []
    if run["data"] == "sample":
        reasons.append("SAMPLE DATA: synthetic customers")
    if run["flags"]:
        reasons.append(f"flagged: {run['flags']}")
    return reasons


def best(lists: Sequence[tuple[Group, pd.DataFrame, order.Demand]], where: Sequence[str]) -> tuple[dict, str]:
    """Return the best run by the stated order, and why.

    Raises
    ------
    SegError
        No run is a candidate, or candidates are in several lists, whose ranks are not comparable.
    """
    candidates = []
    for group, ranked, demand in lists:
        one = order.best(ranked) if group.data != "sample" else None
        if one is not None and one["model_id"]:
            candidates.append((group, one, runs_table.reason(one, ranked, demand)))
    if not candidates:
        lines = [f"{g.dataset}, {g.known}: {line}" if i == 0 else line
                for g, ranked, demand in lists for i, line in enumerate(runs_table.verdict(g, ranked, demand, where))]  # fmt: skip
        raise SegError("best=true: nothing qualifies. " + "\n".join(lines))
    if len(candidates) > 1:
        each = "; ".join(f"{runs_table.described(run)} of {group.known}" for group, run, _ in candidates)
        raise SegError(
            f"best=true: {len(candidates)} lists with different customers, whose ranks are not comparable: {each}. Choose a list with "
            "cleaning= or data=, or the run with run="
        )
    _, run, why = candidates[0]
    return run.to_dict(), f"best by the stated order: {why}"


def print_promoted(
    console: Console, run: dict, version: str, previous: str | None, why: str, against: Sequence[str]
) -> None:
    """Print what became champion.

    Parameters
    ----------
    console : Console
    run : dict
        Its row in the table of runs.
    version : str
        Of the registered model.
    previous : str or None
        Version of the champion before.
    why : str
    against : sequence of str
        What spoke against the run, where it was promoted all the same.
    """
    before = f", after version {previous}" if previous else ""
    runs_table.print_line(
        console,
        f"champion of {run['dataset']}: version {version}{before}, run {runs_table.described(run)}",
        "bold",
    )
    runs_table.print_line(console, f"  why     {why}")
    if against:
        runs_table.print_line(console, f"  FORCED  {'; '.join(against)}", "bold red")
    runs_table.print_line(console, f"  model   models:/seg-{run['dataset']}@champion")


def print_history(console: Console, versions: pd.DataFrame) -> None:
    """Print every promotion, the newest first."""
    if versions.empty:
        runs_table.print_line(console, "no champion yet: seg compare promote run=<id> makes one")
        return
    table = Table(header_style="bold")
    for head in ("data set", "version", "", "since", "until", "by", "run", "after", "data", "why", "forced"):
        table.add_column(head, overflow="fold", no_wrap=head not in ("why", "forced"))
    for row in versions.to_dict("records"):
        forced = "" if row["forced"] == "no" else row["forced"]
        cells = (row["dataset"], row["version"], row["state"], row["since"], row["until"], row["by"], (row["run_id"] or "")[:8],
                 row["previous"], row["fingerprint"][:8], row["why"], forced)  # fmt: skip
        style = "bold" if row["state"] == "champion" else None
        table.add_row(*[escape(str(cell)) for cell in cells], style=style)
    console.print(table)
