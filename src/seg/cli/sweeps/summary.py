"""What a sweep found: one row a job, in the terminal and as files for its parent run."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pandas as pd

from seg.cli.sweeps import notes

METRICS = (
    "common/silhouette",
    "own/silhouette",
    "embedding/silhouette",
    "stability/jaccard_min",
    "holdout/auc",
)
COUNT = "segments/count"  # shown as the column segments
WAYS = {"maximize": "up", "minimize": "down"}
WIDE = 240  # characters of a line that goes to a file or another program


def table(
    jobs: Sequence[Mapping], varied: Mapping[str, Sequence[str]], goals: Iterable[str] = ()
) -> pd.DataFrame:
    """Build a table of the notes of all jobs.

    Parameters
    ----------
    jobs : sequence of mapping
    varied : mapping of str to sequence of str
        What differs between jobs.
    goals : iterable of str
        Further metrics: those that a search improves.

    Returns
    -------
    DataFrame
        Columns ``job``, one for each key that was varied, ``segments``, ``METRICS``, ``goals``, ``flagged``, ``status``,
        ``seconds``, ``run_id``, ``reason``, ``label`` (what was varied but data set and k, in one text).
    """
    rows, shown = [], list(dict.fromkeys([*METRICS, *goals]))
    for note in jobs:
        overrides = dict(text.lstrip("+~").partition("=")[::2] for text in note["overrides"])
        values = {name: overrides.get(name, "") for name in varied}
        metrics = note.get("metrics") or {}
        parts = [value if name.isidentifier() else f"{name}={value}" for name, value in values.items()
                if name not in ("dataset", "k", "experiment")]  # fmt: skip
        rows.append(
            {"job": note["num"], **values, "segments": metrics.get("segments/count")}
            | {name: metrics.get(name) for name in shown}
            | {
                name: note.get(name)
                for name in ("flagged", "status", "seconds", "run_id", "reason", "dataset")
            }
            | {"label": " ".join(parts) or str(note.get("model", ""))}
        )
    columns = [
        "job",
        *varied,
        "segments",
        *shown,
        "flagged",
        "status",
        "seconds",
        "run_id",
        "reason",
        "label",
    ]
    return pd.DataFrame(rows, columns=list(dict.fromkeys([*columns, "dataset"])))


def show(
    jobs_table: pd.DataFrame, jobs: Sequence[Mapping], title: str, folder: Path, goals: Mapping[str, str]
) -> None:
    """Print the table, the best of each data set or of a search, and what failed.

    Parameters
    ----------
    jobs_table : DataFrame
        One row a job, see `table`.
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
    from rich.table import Table

    console = Console()
    if not console.is_terminal:
        console = Console(width=WIDE)
    aside = {"run_id", "reason", "label", COUNT} | (
        {"dataset"} if jobs_table["dataset"].nunique() < 2 else set()
    )
    shown = [name for name in jobs_table if name not in aside and jobs_table[name].notna().any()]
    drawn = Table(title=escape(title), title_justify="left", header_style="bold")
    for name in shown:
        numeric = pd.api.types.is_numeric_dtype(jobs_table[name])
        drawn.add_column(name, justify="right" if numeric else "left")
    for row in jobs_table[shown].to_dict("records"):
        drawn.add_row(*(escape(_cell(name, value)) for name, value in row.items()))
    console.print()
    console.print(drawn)
    for line in [*(unbeaten(jobs_table, goals) if goals else best(jobs_table)), *_troubles(jobs)]:
        console.print(f"  {line}", markup=False, highlight=False, soft_wrap=True)
    counts = ", ".join(f"{count} {status}" for status, count in jobs_table["status"].value_counts().items())
    console.print(
        f"  {len(jobs_table)} {'job' if len(jobs_table) == 1 else 'jobs'}: {counts or 'none'}",
        markup=False,
        highlight=False,
    )
    console.print(f"  directories under {folder}", markup=False, highlight=False, soft_wrap=True)


def best(jobs: pd.DataFrame) -> list[str]:
    """Return the job of each data set with the largest silhouette in the common space; flagged ones never."""
    fair = jobs[jobs["common/silhouette"].notna() & (jobs["flagged"] == "no")]
    lines = []
    for name, rows in fair.groupby("dataset", sort=False):
        row = rows.loc[rows["common/silhouette"].astype(float).idxmax()]
        lines.append(
            f"{name}: largest common/silhouette {row['common/silhouette']:.3f}, job {row['job']}: {row['label']} k={row['segments']:.0f}"
        )
    return lines


def unbeaten(jobs: pd.DataFrame, goals: Mapping[str, str]) -> list[str]:
    """Return the jobs of a search that no other beats in all that it improves; flagged ones never, equal ones once."""
    best = front(jobs, goals)
    if best.empty:
        return ["no job has all that the search improves and no flag"]
    wanted = ", ".join(f"{name} ({WAYS[way]})" for name, way in goals.items())
    lines = [f"unflagged jobs that no other unflagged job beats in {wanted}:"]
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
        One row a job, see `table`.
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
        marked = done["common/silhouette"].map("{:.3f}".format) + (done["flagged"] != "no").map(
            {True: " (flagged)", False: ""}
        )
        wide = done.assign(cell=marked, segments=done["segments"].astype(int))
        shown = wide.pivot(index="segments", columns=others[0], values="cell").fillna("-").reset_index()
    else:
        shown = done[[*others, "segments", "common/silhouette", "flagged"]].astype({"segments": int})
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
    if pd.isna(value):
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

    with tempfile.TemporaryDirectory(prefix="seg-sweep-") as scratch:
        target = Path(scratch)
        jobs.drop(columns="label").to_csv(target / "sweep.csv", index=False)
        drawn = jobs[jobs["common/silhouette"].notna()]
        if len(drawn):
            (target / "figures").mkdir()
            (target / "figures" / "sweep.png").write_bytes(plots.png(plots.sweep(drawn)))
        searched = folder / "optimization_results.yaml"
        if searched.exists():
            (target / searched.name).write_bytes(searched.read_bytes())
        yield target
