"""What ``seg compare`` does: read runs from the store, rank them, write the page, promote one."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import pandas as pd
from omegaconf import DictConfig
from rich.console import Console

from seg import __version__
from seg.cli import for_each, options
from seg.compare import attempts, champion, columns, order, runs_table
from seg.config import compose, folders
from seg.errors import SegError, listed

FILTERS = ("model", "recipe", "scaler", "cleaning", "engine", "k", "seed")
WIDE = 400


@dataclass(frozen=True)
class _Store:
    """Where runs are tracked: the options that say it, and the configuration with them."""

    options: list[str]

    @functools.cached_property
    def composed(self) -> DictConfig:
        return compose.compose(self.options)


def compare(arguments: Sequence[str]) -> int:
    """Print the rankings; with ``html=`` also write them as a page."""
    arguments = ["html=compare.html" if text == "--html" else text for text in arguments]
    defaults = {"dataset": None, "data": None, "sort": "rule", "html": None, "pictures": "12"}
    own, store = _options(arguments, defaults)
    if not own["pictures"].isdigit():
        raise SegError(
            f"pictures={own['pictures']}: expected how many runs the page shows pictures of, such as 12"
        )
    if own["html"] is not None and (not own["html"] or Path(own["html"]).is_dir()):
        raise SegError(f"html={own['html']}: expected the name of a file, such as compare.html")
    client, runs = _read(own, store)
    chosen = _chosen(runs, own)
    columns.sortable(own["sort"], chosen)
    console = _console()
    lists = _lists(chosen, own["sort"])
    for group, ranked, demand in lists:
        runs_table.print_group(console, group, ranked, demand, own["sort"], store.options)
    _print_apart(console, lists)
    runs_table.print_line(console, order.RULE if own["sort"] == "rule" else f"Order: {own['sort']}.")
    if own["html"]:
        _write_page(console, own, store, client, lists)
    return 0


def promote(arguments: Sequence[str]) -> int:
    """Make runs the champions of their data sets: those that are named, or the best of each by the stated order."""
    defaults = {"dataset": None, "data": None, "run": None, "best": "false", "why": "", "force": "false"}
    own, store = _options(arguments, defaults)
    for name in ("best", "force"):
        if own[name] not in ("true", "false"):
            raise SegError(f"{name}={own[name]}: expected true or false")
    best = own["best"] == "true"
    if best == bool(own["run"]):
        raise SegError("promote: expected either run=<directory, id or name>, or best=true dataset=<name>")
    client, candidates = (_best_of_each if best else _each_named)(own, store)

    def promoted(name: str) -> int:
        run, why = candidates[name]()
        _make_champion(client, run, own["why"] or why, own["force"] == "true")
        return 0

    return for_each.several({name: (promoted, [name]) for name in candidates})


def _best_of_each(own: dict, store: _Store) -> tuple:
    """Return the client, and for each data set what finds its best run."""
    client, runs = _read(own, store, write=True)
    lists = _lists(_chosen(runs, own), "rule")
    names = dict.fromkeys(group.dataset for group, _, _ in lists)
    return client, {
        name: functools.partial(
            champion.best, [one for one in lists if one[0].dataset == name], store.options
        )
        for name in names
    }


def _each_named(own: dict, store: _Store) -> tuple:
    """Return the client, and for each run that is named what finds it: several with commas, or those of a sweep."""
    from seg.track import read, record

    tracking = store.composed.tracking
    client = read.existing(tracking.uri, write=True)
    datasets = own["dataset"].split(",") if own["dataset"] else []
    runs = read.runs(client, tracking.experiment, datasets, finished=False)
    jobs = for_each.jobs_of(own["run"])
    ids = [
        (record.state(Path(job).expanduser()).get("run_id") or job) if isinstance(job, str) else job["run_id"]
        for job in jobs
    ]
    named = [job.get("dataset") for job in jobs if not isinstance(job, str)]
    twice = next((name for name in named if named.count(name) > 1), None)
    if twice is not None:
        raise SegError(
            f"run={own['run']}: {named.count(twice)} runs of {twice}, which has one champion; expected one of them, or best=true dataset={twice}"
        )

    def one(run_id: str) -> tuple[dict, str]:
        found_id = champion.find(runs, run_id)
        one_run = attempts.without_common_options(attempts.tidy(runs[runs["run_id"] == found_id]))
        return one_run.iloc[0].to_dict(), "chosen by hand"

    return client, {run_id: functools.partial(one, run_id) for run_id in ids}


def _make_champion(client, run: dict, why: str, force: bool) -> None:
    """Promote one run, unless something speaks against it, and print it."""
    from seg.track import model_registry

    against = champion.objections(run)
    if against and not force:
        raise SegError(
            f"run {run['run_id'][:8]} is not promoted: {'; '.join(against)}. pass force=true to promote it anyway; the reasons are kept with it"
        )
    current = model_registry.champion(client, run["dataset"])
    if current is not None and current.run_id == run["run_id"]:
        already = f"{runs_table.described(run)} is the champion of {run['dataset']} already, version {current.version}: nothing changed"
        runs_table.print_line(_console(), already)
        return
    facts = {
        "champion.forced": "; ".join(against) or "no",
        "data.fingerprint": run["fingerprint"],
        "data": run["data"],
        "flagged": run["flags"] or "no",
    }
    version, previous = model_registry.promote(
        client, run["dataset"], run["run_id"], run["model_id"], why, facts
    )
    champion.print_promoted(_console(), run, version, previous, why, against)


def champions(arguments: Sequence[str]) -> int:
    """List the champions, with who promoted them, when and why."""
    from seg.track import model_registry, read

    own, store = _options(arguments, {"dataset": None}, filters=False)
    client = read.existing(store.composed.tracking.uri)
    names = tuple(name for name in (own["dataset"] or "").split(",") if name)
    champion.print_history(_console(), model_registry.history(client, names))
    return 0


# ---- from options to runs ----------------------------------------------------------------------------------


def _options(arguments: Sequence[str], defaults: dict, filters: bool = True) -> tuple[dict, _Store]:
    """Separate the options of this command from those of the store."""
    defaults = defaults | dict.fromkeys(FILTERS if filters else ())
    known = defaults | {"tracking.uri": None, "tracking.experiment": None}
    own, unknown = options.options(arguments, known)[0:2]
    if unknown:
        key = unknown[0].partition("=")[0]
        raise SegError(f"{unknown[0]}: unknown option; expected one of {listed(key, [*own])}")
    store = {name: own.pop(name) for name in ("tracking.uri", "tracking.experiment")}
    return own, _Store([f"{name}={value}" for name, value in store.items() if value])


def _read(own: dict, store: _Store, write: bool = False):
    """Read the runs of the chosen data sets."""
    from seg.track import model_registry, read

    tracking = store.composed.tracking
    client = read.existing(tracking.uri, write)
    names = [] if own["dataset"] == "all" else (own["dataset"] or "").split(",")
    if names == [""]:
        there = attempts.tidy(read.runs(client, tracking.experiment))
        raise SegError(f"compare: which data set? Expected dataset=<name> or dataset=all; {_counted(there)}")
    runs = attempts.tidy(read.runs(client, tracking.experiment, names))
    missing = [name for name in names if name not in set(runs["dataset"])]
    if missing or runs.empty:
        there = attempts.tidy(read.runs(client, tracking.experiment))
        raise SegError(
            f"dataset={missing[0] if missing else 'all'}: no finished run in experiment {tracking.experiment}; {_counted(there)}"
        )
    current = [model_registry.champion(client, name) for name in runs["dataset"].unique()]
    runs["champion"] = runs["run_id"].isin([version.run_id for version in current if version is not None])
    return client, runs


def _counted(runs: pd.DataFrame) -> str:
    counts = runs["dataset"].value_counts()
    if counts.empty:
        return "there are no finished runs: start one with seg run"
    return "there are " + ", ".join(f"{name} ({count} runs)" for name, count in counts.items())


def _chosen(runs: pd.DataFrame, own: dict) -> pd.DataFrame:
    """Keep the runs that pass the filters."""
    for name in FILTERS:
        if own[name] is None:
            continue
        values, there = own[name].split(","), runs[name].astype(str)
        unknown = [value for value in values if value not in set(there)]
        if unknown:
            raise SegError(
                f"{name}={unknown[0]}: no such run; expected one of {listed(unknown[0], there.unique())}"
            )
        runs = runs[there.isin(values)]
    if own["data"]:
        chosen = runs[runs["fingerprint"].str.startswith(own["data"])]
        if chosen.empty:
            there = [text[:8] for text in runs["fingerprint"].unique()]
            raise SegError(f"data={own['data']}: no such run; expected one of {listed(own['data'], there)}")
        runs = chosen
    return runs


def _lists(runs: pd.DataFrame, sort: str) -> list:
    """Rank the runs on each set of customers."""
    lists = []
    for group in attempts.groups(runs):
        demand = order.demand_of(group.attempts, _allows_holdout(group.dataset, bool(group.as_of)))
        judged = order.judged(group.attempts, demand)
        lists.append((group, order.ordered(judged, sort, columns.descending(sort)), demand))
    return lists


@functools.cache
def _allows_holdout(dataset: str, dated: bool) -> bool:
    """Return whether a hold-out is possible: a table with one row a customer has no later orders."""
    if dataset not in folders.choices("dataset"):
        return dated
    return compose.compose([f"dataset={dataset}"]).dataset.kind == "transactions"


# ---- what people see ---------------------------------------------------------------------------------------


def _console() -> Console:
    console = Console()
    return console if console.is_terminal else Console(width=WIDE)


def _print_apart(console: Console, lists: list) -> None:
    """Print that ranks of different lists are not comparable."""
    runs_table.print_line(console)
    if len(lists) > 1:
        runs_table.print_line(
            console,
            f"{len(lists)} lists: their customers or features differ, and so does the common space; compare ranks within "
            "one list only.",
            "bold",
        )


def _write_page(console: Console, own: dict, store: _Store, client, lists: list) -> None:
    from seg.compare import compare_page
    from seg.sinks import local_files as files
    from seg.track import read
    from seg.track.store import address, hidden

    artifacts = read.Artifacts(client, Path(store.composed.cache.folder) / "artifacts")
    listed = [compare_page.Listed(*one) for one in lists]
    shown = compare_page.pictured(listed, int(own["pictures"]))
    listed = [replace(one, files=_files(artifacts, one, shown)) for one in listed]
    tracking = store.composed.tracking
    facts = {
        "runs": f"{sum(len(one.group.every) for one in listed):,}",
        "lists": f"{len(listed)}, each of the same customers",
        "store": f"{hidden(address(tracking.uri))}, experiment {tracking.experiment}",
        "made": f"{datetime.now():%Y-%m-%d %H:%M} by seg {__version__}",
    }
    target = Path(own["html"]).expanduser()
    files.write(target, compare_page.render(listed, shown, facts, store.options, own["sort"]))
    missing = sum(path is None for one in listed for path in one.files.values())
    gone = {0: "", 1: "; 1 file of a run is missing"}.get(missing, f"; {missing} files of runs are missing")
    runs_table.print_line(console, f"page: {target.resolve()}, {target.stat().st_size / 1e6:.1f} MB{gone}")


def _files(artifacts, one, shown: Sequence[str]) -> dict:
    """Find the files of the page: assignments and scans of all runs, figures of the runs that are shown."""
    from seg.compare import compare_page, pictures

    runs = pd.concat([one.ranked, one.group.flagged])[["run_id", "artifacts"]]
    files = artifacts.find(runs, [compare_page.ASSIGNMENTS, compare_page.K_SCAN])
    return files | artifacts.find(
        runs[runs["run_id"].isin(shown)], [pictures.file(kind) for kind in pictures.KINDS]
    )
