"""One model for each group of customers, such as each country: read, cleaned and counted once, fitted group by group.

A group is large enough with ``groups.min_customers`` customers. Customers of smaller groups, and those without a group, get
the segments of a common model, which is fitted on the customers of all groups. Segments are numbered through: those of the
group with most revenue first, those of the common model last.
"""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pandas as pd
from joblib import Parallel, cpu_count, delayed
from sklearn.base import clone

from seg import progress
from seg.config.parts import Parts
from seg.config.settings import Settings
from seg.errors import SegError
from seg.pipeline import cache, flow, keys, naming_features
from seg.pipeline.cache import Cache
from seg.pipeline.cached import CachedSteps, Scanning
from seg.pipeline.grouped_result import COMMON, Grouped, GroupModel
from seg.pipeline.result import Result
from seg.preparation import customer_groups, prepare
from seg.preparation.as_of import Parted
from seg.preparation.prepare import Prepared
from seg.sources.locate import Source

log = logging.getLogger("seg")
SEVERAL = 20_000  # customers from which processes beside this one are worth their start


class Clusterers:
    """From k to a clusterer, made before any group is fitted, so that other processes can be given it."""

    def __init__(self, make: Callable[[int], object], ks: Sequence[int]):
        self._templates = {k: make(k) for k in ks}

    def __call__(self, k: int):
        """Return an unfitted clusterer."""
        return clone(self._templates[k], safe=False)


class Task(NamedTuple):
    """What fitting one group takes."""

    settings: Settings
    parts: Parts
    source: Source
    fingerprint: str
    features_key: dict


def segment(settings: Settings, parts: Parts) -> Grouped:
    """Segment the customers of each group that is large enough.

    Parameters
    ----------
    settings : Settings
        With ``by``.
    parts : Parts

    Returns
    -------
    Grouped

    Raises
    ------
    SegError
        The data have no such column, no group is large enough, or no group can be segmented.
    """
    source, notes = prepare.find(settings.dataset, settings.data_dir)
    run_cache = cache.of(settings.cache)
    fingerprint = keys.fingerprint(settings.dataset, source, run_cache.digest)
    preparation = naming_features.preparation(settings)
    key = keys.features_key(preparation, settings.engine.name, fingerprint, settings.plugins)
    prepared = CachedSteps(run_cache, parts, preparation, Scanning.of(settings), key).prepared(source)
    prepared = replace(prepared, purchases=None)
    large = large_groups(prepared.groups, settings.by, settings.groups.min_customers)
    task = Task(settings, _portable(settings, parts), source, fingerprint, key)
    with progress.step("models of the groups") as detail:
        results, failed = _fit_all(task, prepared, large)
        detail(f"{len(results):,} of {len(large):,} groups of {settings.by}")
    if not results:
        raise SegError(f"by={settings.by}: no group can be segmented; {next(iter(failed.values()))}")
    with progress.step("common model") as detail:
        steps = CachedSteps(run_cache, task.parts, preparation, Scanning.of(settings), key)
        with _quietly():
            common = flow.interpreted(
                settings, source, fingerprint, flow.in_memory(settings, task.parts, prepared, steps)
            )
        detail(f"{common.k} segments of {common.customers:,} customers")
    models = _numbered(results, GroupModel(COMMON, _light(common), 0))
    notes = [*notes, *prepared.notes, *_notes(settings, prepared.groups, models, failed)]
    return Grouped(settings.by, prepared, models, source, fingerprint, notes)


def large_groups(groups: pd.Series, by: str, least: int) -> list[str]:
    """Return the groups with at least `least` customers, the largest first.

    Raises
    ------
    SegError
        There is none.
    """
    sizes = (
        groups.value_counts()
        .sort_index()
        .sort_values(ascending=False, kind="stable")
        .drop(COMMON, errors="ignore")
    )
    if sizes.empty:
        raise SegError(
            f"by={by}: the column is empty for every customer; choose another column, or leave by out"
        )
    if sizes.iloc[0] < least:
        raise SegError(
            f"by={by}: no group has {least:,} customers; the largest is {sizes.index[0]!r} with {int(sizes.iloc[0]):,}: "
            "lower groups.min_customers, or leave by out"
        )
    return [str(name) for name in sizes.index[sizes >= least]]


def subset(prepared: Prepared, chosen: np.ndarray) -> Prepared:
    """Return the customers that `chosen` (bool, one a row of the feature table) marks, with their part of a hold-out."""
    ids = prepared.table.frame.index[chosen]
    return replace(
        prepared,
        table=prepared.table.rows(chosen),
        parted=None if prepared.parted is None else _before(prepared.parted, ids),
        earlier=tuple(_before(one, ids) for one in prepared.earlier),
        groups=None,
        purchases=None,
        notes=(),
    )


def _before(parted: Parted, ids: pd.Index) -> Parted:
    """Return the customers of a hold-out that are among `ids`."""
    chosen = parted.table.frame.index.isin(ids)
    return replace(parted, table=parted.table.rows(chosen), outcome=parted.outcome[chosen])


def _fit_all(
    task: Task, prepared: Prepared, large: Sequence[str]
) -> tuple[dict[str, Result], dict[str, str]]:
    """Fit every group; return results, and why a group could not be segmented, by the name of the group."""
    members = {name: np.asarray(prepared.groups == name) for name in large}
    jobs = ((task, name, subset(prepared, members[name])) for name in large)
    cores = cpu_count() if sum(one.sum() for one in members.values()) >= SEVERAL else 1
    results: Iterator = (fit_group(*job) for job in jobs)
    if cores > 1 and len(large) > 1:
        results = Parallel(n_jobs=cores, return_as="generator_unordered")(
            delayed(_fit_beside)(*job) for job in jobs
        )
    fitted, failed = {}, {}
    for count, (name, result) in enumerate(results, 1):
        (failed if isinstance(result, str) else fitted)[name] = result
        if count % max(len(large) // 10, 1) == 0:
            log.info("  %d of %d groups", count, len(large))
    return {name: fitted[name] for name in large if name in fitted}, failed


def _fit_beside(*job) -> tuple[str, Result | str]:
    """Do as `fit_group` in a process beside others, on one core."""
    os.environ["LOKY_MAX_CPU_COUNT"] = "1"  # what joblib.cpu_count answers
    return fit_group(*job)


def fit_group(task: Task, name: str, prepared: Prepared) -> tuple[str, Result | str]:
    """Segment one group.

    Parameters
    ----------
    task : Task
    name : str
        Of the group.
    prepared : Prepared
        Its customers.

    Returns
    -------
    name : str
    result : Result or str
        The reason, where the group cannot be segmented.
    """
    settings, parts = task.settings, task.parts
    fitted = replace(
        parts, scaler=clone(parts.scaler), embed=None if parts.embed is None else clone(parts.embed)
    )
    steps = CachedSteps(Cache(None), fitted, settings.preparation, Scanning.of(settings), task.features_key)
    try:
        with _quietly():
            outcome = flow.in_memory(settings, fitted, prepared, steps)
            result = flow.interpreted(settings, task.source, task.fingerprint, outcome)
    except SegError as error:
        return name, str(error)
    return name, _light(result)


def _light(result: Result) -> Result:
    """Drop the fits of every k that was not chosen."""
    scan = replace(result.scan, fitted={result.k: result.scan.fitted[result.k]}, silhouettes={})
    return replace(result, scan=scan)


def _portable(settings: Settings, parts: Parts) -> Parts:
    """Return the parts as other processes can be given them."""
    ks = {2, *settings.selection.k_range, *range(2, settings.selection.k_max + 1)}
    ks |= {settings.k} if settings.k != "auto" else set()
    return replace(
        parts, connect=None, load=None, make_clusterer=Clusterers(parts.make_clusterer, sorted(ks))
    )


def _numbered(results: dict[str, Result], common: GroupModel) -> tuple[GroupModel, ...]:
    """Order the models by revenue, else by customers, and number their segments through."""

    def worth(item: tuple[str, Result]) -> tuple[float, str]:
        frame, value = item[1].table.frame, item[1].segments.attrs.get("value")
        return -float(len(frame) if value is None else frame[value].sum()), item[0]

    models, first = [], 0
    for name, result in sorted(results.items(), key=worth):
        models.append(GroupModel(name, result, first))
        first += _width(result)
    return (*models, replace(common, first=first))


def _width(result: Result) -> int:
    return int(result.segments["segment"].max()) + 1


def _notes(
    settings: Settings, groups: pd.Series, models: Sequence[GroupModel], failed: dict[str, str]
) -> list:
    own = {one.name for one in models}
    few = groups.notna() & ~groups.isin(own)
    notes = [("warning", f"{name}: in the common model, {reason}") for name, reason in failed.items()]
    if few.any():
        text = (
            f"{int(few.sum()):,} customers of {groups[few].nunique():,} groups with fewer than {settings.groups.min_customers:,} "
            "customers have the segments of the common model"
        )
        notes.append(("info", text))
    notes += [
        ("warning", f"{' and '.join(same)} differ by case alone and are {len(same)} groups; write them alike")
        for same in customer_groups.alike(groups)
    ]
    if groups.isna().any():
        text = f"{int(groups.isna().sum()):,} customers have no {settings.by}; they have the segments of the common model"
        notes.append(("info", text))
    flagged = [one.name for one in models if one.result.evidence.flags]
    if flagged:
        shown = ", ".join(flagged[:5]) + (f" and {len(flagged) - 5} more" if len(flagged) > 5 else "")
        notes.append(("warning", f"models that are flagged: {len(flagged):,} ({shown}); see groups.csv"))
    return notes


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    """Keep the lines of the steps of one group out of the log: two hundred groups would write a thousand."""
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        yield
    finally:
        log.setLevel(level)
