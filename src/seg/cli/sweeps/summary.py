"""What a sweep found: one row a job, in the terminal and as files for its parent run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from seg.cli.sweeps import notes
from seg.sinks import scratch

if TYPE_CHECKING:
    import pandas as pd

RANKED = "common/silhouette"
METRICS = (
    RANKED,
    "own/silhouette",
    "embedding/silhouette",
    "stability/jaccard_min",
    "holdout/auc",
)
COUNT = "segments/count"  # shown as the column segments
WAYS = {"maximize": "up", "minimize": "down"}
WIDE = 240  # characters of a line that goes to a file or another program


def gather(
    jobs: Sequence[Mapping], varied: Iterable[str], goals: Iterable[str] = ()
) -> list[dict[str, object]]:
    """Gather the notes of all jobs.

    Parameters
    ----------
    jobs : sequence of mapping
    varied : iterable of str
        Keys that differ between jobs.
    goals : iterable of str
        Further metrics: those that a search improves.

    Returns
    -------
    list of dict
        One a job: ``job``, one for each key that was varied, ``segments``, ``METRICS``, ``goals``, ``flagged``, ``status``,
        ``seconds``, ``run_id``, ``reason``, ``label`` (what was varied but data set and k, in one text), ``dataset``.
    """
    rows, shown = [], list(dict.fromkeys([*METRICS, *goals]))
    for note in jobs:
        overrides = dict(text.lstrip("+~").partition("=")[::2] for text in note["overrides"])
        values = {name: overrides.get(name, "") for name in varied}
        metrics = note.get("metrics") or {}
        parts = [value if name.isidentifier() else f"{name}={value}" for name, value in values.items()
                if name not in ("dataset", "k", "experiment")]  # fmt: skip
        rows.append(
            {"job": note["num"], **values, "segments": metrics.get(COUNT)}
            | {name: metrics.get(name) for name in shown}
            | {name: note.get(name) for name in ("flagged", "status", "seconds", "run_id", "reason")}
            | {"label": " ".join(parts) or str(note.get("model", "")), "dataset": note.get("dataset")}
        )
    return rows


def table(rows: Sequence[Mapping[str, object]]) -> pd.DataFrame:
    """Return rows of `gather` as a table."""
    import pandas as pd  # late: a sweep with nothing to do prints its rows without

    (blank,) = gather([{"num": None, "overrides": ()}], ())
    return pd.DataFrame(rows, columns=list(rows[0] if rows else blank))


def show(
    rows: Sequence[Mapping[str, object]],
    jobs: Sequence[Mapping],
    title: str,
    folder: Path,
    goals: Mapping[str, str],
) -> None:
    """Print the rows, the best of each data set or of a search, and what failed.

    Parameters
    ----------
    rows : sequence of mapping
        One a job, see `gather`.
    jobs : sequence of mapping
        Notes of the jobs, for those that failed.
    title : str
    folder : Path
        Directory of the sweep.
    goals : mapping of str to str
        What a search improves, and in which direction; empty for a grid.
    """
    from rich.console import Console
    from rich.markup import escape

    console = Console()
    if not console.is_terminal:
        console = Console(width=WIDE)
    console.print()
    console.print(_drawn(rows, escape(title)))
    for line in [*(unbeaten(table(rows), goals) if goals and rows else best(rows)), *_troubles(jobs)]:
        console.print(f"  {line}", markup=False, highlight=False, soft_wrap=True)
    counts = ", ".join(
        f"{count} {status}" for status, count in Counter(row["status"] for row in rows).most_common()
    )
    console.print(
        f"  {len(rows)} {'job' if len(rows) == 1 else 'jobs'}: {counts or 'none'}",
        markup=False,
        highlight=False,
    )
    console.print(f"  directories under {folder}", markup=False, highlight=False, soft_wrap=True)


def _drawn(rows: Sequence[Mapping[str, object]], title: str):
    from rich.markup import escape
    from rich.table import Table

    aside = {"run_id", "reason", "label", COUNT}
    if len({row["dataset"] for row in rows} - {None}) < 2:
        aside.add("dataset")
    shown = [
        name
        for name in (rows[0] if rows else ())
        if name not in aside and any(_known(row[name]) for row in rows)
    ]
    drawn = Table(title=title, title_justify="left", header_style="bold")
    for name in shown:
        numeric = all(isinstance(row[name], int | float) for row in rows if _known(row[name]))
        drawn.add_column(name, justify="right" if numeric else "left")
    for row in rows:
        drawn.add_row(*(escape(_cell(name, row[name])) for name in shown))
    return drawn


def _known(value: object) -> bool:
    return value is not None and value == value  # not NaN


def best(rows: Sequence[Mapping[str, object]]) -> list[str]:
    """Return the job of each data set with the largest silhouette in the common space; flagged ones never."""
    largest: dict[object, Mapping[str, object]] = {}
    for row in rows:
        before = largest.get(row["dataset"])
        if (
            _known(row[RANKED])
            and row["flagged"] == "no"
            and (before is None or row[RANKED] > before[RANKED])
        ):
            largest[row["dataset"]] = row
    return [
        f"{name}: largest {RANKED} {row[RANKED]:.3f}, job {row['job']}: {row['label']} k={row['segments']:.0f}"
        for name, row in largest.items()
    ]


def unbeaten(jobs: pd.DataFrame, goals: Mapping[str, str]) -> list[str]:
    """Return the jobs of a search that no other beats in all that it improves; flagged ones never, equal ones once."""
    best = front(jobs, goals)
    if best.empty:
        return ["no job has all that the search improves and no flag"]
    goals_text = ", ".join(f"{name} ({WAYS[way]})" for name, way in goals.items())
    lines = [f"unflagged jobs that no other unflagged job beats in {goals_text}:"]
    for row in best.to_dict("records"):
        values = ", ".join(f"{row[name]:.4g}" for name in goals)
        lines.append(f"  job {row['job']}: {row['label']} k={row['segments']:.0f}: {values}")
    return lines


def front(jobs: pd.DataFrame, goals: Mapping[str, str]) -> pd.DataFrame:
    """Choose the rows that `unbeaten` names, the best in the first goal first."""
    from seg.compare import order  # brings scikit-learn, which a sweep that is done already needs not

    complete = jobs[jobs[list(goals)].notna().all(axis=1) & (jobs["flagged"] == "no")]
    complete = complete.drop_duplicates("run_id")
    signs = [1.0 if way == "maximize" else -1.0 for way in goals.values()]
    best = complete[order.pareto(complete[list(goals)].to_numpy(dtype=float) * signs)]
    return best.sort_values(next(iter(goals)), ascending=signs[0] < 0)


def markdown(jobs: pd.DataFrame, varied: Iterable[str], goals: Mapping[str, str]) -> str:
    """Write what a sweep found as Markdown, for the page of its study.

    A search gives its unbeaten jobs with all that it improves; a grid of k and one thing more gives the silhouette in the
    common space of each pair; any other sweep one row a job.

    Parameters
    ----------
    jobs : DataFrame
        One row a job, see `gather`.
    varied : iterable of str
        Keys that differ between jobs.
    goals : mapping of str to str
        What a search improves, and in which direction; empty for a grid.

    Returns
    -------
    str
        A table in Markdown.
    """
    done, others = (
        jobs[jobs["run_id"].notna()].drop_duplicates("run_id"),
        [one for one in varied if one != "k"],
    )
    if goals:
        values = [name for name in goals if name != COUNT]
        shown = front(jobs, goals)[[*others, "segments", *values]].astype({"segments": int})
    elif len(others) == 1:
        marked = done[RANKED].map("{:.3f}".format) + (done["flagged"] != "no").map(
            {True: " (flagged)", False: ""}
        )
        wide = done.assign(cell=marked, segments=done["segments"].astype(int))
        shown = wide.pivot(index="segments", columns=others[0], values="cell").fillna("-").reset_index()
    else:
        shown = done[[*others, "segments", RANKED, "flagged"]].astype({"segments": int})
    cells = [
        [f"{one:.3f}" if isinstance(one, float) else str(one) for one in row]
        for row in shown.astype(object).to_numpy()
    ]
    lines = [list(shown.columns), ["---"] * shown.shape[1], *cells]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _troubles(jobs: Sequence[Mapping]) -> list[str]:
    lines, reasons = [], set()
    for note in jobs:
        if note["status"] == "failed":
            lines.append(
                f"job {note['num']} failed: {notes.shown(note['overrides'])}: {note['reason']} ({note['folder']})"
            )
        elif note["status"] == "skipped" and note["reason"] not in reasons:
            reasons.add(note["reason"])
            lines.append(f"job {note['num']} and any like it skipped: {note['reason']}")
    return lines


def _cell(name: str, value: object) -> str:
    if not _known(value):
        return ""
    if "/" in name and isinstance(value, float):
        return f"{value:.3f}"
    if name == "flagged":  # why stands in sweep.csv and in the run's report
        return "no" if value == "no" else "yes"
    return f"{value:.1f}" if name == "seconds" else f"{value:.0f}" if name == "segments" else str(value)[:40]


@contextmanager
def shared(jobs: pd.DataFrame, folder: Path) -> Iterator[Path]:
    """Gather in a temporary folder what the parent run is to keep: the table, curves over k, a search's solutions."""
    from seg.report import plots

    with scratch.folder("seg-sweep") as target:
        jobs.drop(columns="label").to_csv(target / "sweep.csv", index=False)
        drawn = jobs[jobs[RANKED].notna()]
        if len(drawn):
            (target / "figures").mkdir()
            (target / "figures" / "sweep.png").write_bytes(plots.png(plots.sweep(drawn)))
        searched = folder / "optimization_results.yaml"
        if searched.exists():
            (target / searched.name).write_bytes(searched.read_bytes())
        yield target
