"""Which jobs a sweep has: every combination composed and checked before the first one starts."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, field

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import IntervalSweep, Override
from omegaconf import DictConfig, OmegaConf, open_dict, read_write

from seg.cli.sweeps import composing, job_key
from seg.config import load
from seg.config.settings import CacheSettings, DatasetSettings, Settings
from seg.errors import Impossible, SegError, listed

DIRECTIONS = ("maximize", "minimize")
Settled = tuple[Settings, Callable[[str], str]] | tuple[Impossible, None]
MANY = 100_000  # a grid that nobody waits for: a slip


@dataclass(frozen=True)
class Planned:
    """One job: its number, its overrides, its key, and why it is impossible, if it is."""

    num: int
    overrides: list[str]
    key: str | None
    reason: str | None = None


@dataclass(frozen=True)
class Plan:
    """A sweep before its first job.

    Parameters
    ----------
    jobs : list of Planned
        All of a grid; of a search one job for each value of each choice, to check them.
    open : bool
        Whether the sweeper decides on the way which jobs there are.
    varied : dict of str to list of str
        What differs between jobs: key and values.
    command : list of str
        What was asked for.
    settings : Settings
        Of the first job: where it is tracked, whether it is resumed.
    count : int
        Of the jobs there will be.
    side_by_side : int or None
        How many run at a time; None: one, in this process.
    goals : dict of str to str
        Of a search: metrics of ``sweep.objective`` and which way each is better, ``"maximize"`` or ``"minimize"``.
    finished : mapping of str to dict
        Notes of jobs that finished before, by key, as far as they are known without MLflow.
    """

    jobs: list[Planned]
    open: bool
    varied: dict[str, list[str]]
    command: list[str]
    settings: Settings
    count: int
    side_by_side: int | None
    goals: dict[str, str] = field(default_factory=dict)
    finished: Mapping[str, dict] = field(default_factory=dict)

    @property
    def keys(self) -> set[str]:
        """Keys of all jobs that are possible."""
        return {one.key for one in self.jobs if one.key}

    @property
    def key(self) -> str:
        """Hash the sweep: equal for the same jobs, however they are spelled."""
        from seg.pipeline import keys

        return keys.digest({"jobs": sorted(self.keys), "open": self.command if self.open else None})[:20]


def improve(cfg: DictConfig) -> None:
    """Set what the launcher's own defaults get wrong here; what the user has set stays.

    Joblib must not put a job that takes long into one parcel with others because those before were short.
    """
    launcher = cfg.hydra.launcher
    with read_write(cfg), open_dict(cfg):
        if launcher.get("batch_size") == "auto":
            launcher.batch_size = 1


def _goals(objectives: str | list[str], directions: object) -> dict[str, str]:
    """Pair what a search improves with the way that is better."""
    several = isinstance(objectives, list)
    if several != OmegaConf.is_list(directions) or (several and len(objectives) != len(directions)):
        raise SegError(
            f"hydra.sweeper.direction={directions} does not go with sweep.objective={objectives}: expected maximize or minimize, "
            "for several objectives a list with one for each"
        )
    ways = [str(one) for one in (directions if several else [directions])]
    for one in ways:
        if one not in DIRECTIONS:
            raise SegError(f"hydra.sweeper.direction={one}: expected one of {listed(one, DIRECTIONS)}")
    return dict(zip(objectives if several else [objectives], ways, strict=True))


def plan(cfg: DictConfig, finished: Callable[[Settings], Mapping[str, dict]]) -> Plan:
    """Compose and check every job of a sweep: names and values first, which takes no library for tables.

    Parameters
    ----------
    cfg : DictConfig
        The configuration of the sweep, with Hydra's own section.
    finished : callable
        From the settings of a job to the notes of jobs that finished before, by key: they are possible.

    Raises
    ------
    SegError
        A value is wrong, or no combination is possible.
    HydraException
        A choice or a key is unknown.
    """
    loader = GlobalHydra.instance().config_loader()
    composing.read_once(loader)
    sweeper = cfg.hydra.sweeper
    preset = [f"{name}={value}" for name, value in (sweeper.get("params") or {}).items()]
    command = [*preset, *OmegaConf.to_container(cfg.hydra.overrides.task, resolve=False)]
    parser = OverridesParser.create(config_loader=loader)
    overrides = {one.get_key_element(): one for one in parser.parse_overrides(command)}
    values = {name: _values(one) for name, one in overrides.items()}
    search = "BasicSweeper" not in sweeper["_target_"]
    jobs = _one_at_a_time(values) if search else _grid(list(overrides.values()))
    settled = [_settled(one) for one in composing.compose_jobs(cfg, loader, jobs)]
    valid = [settings for settings, _ in settled if isinstance(settings, Settings)]
    done = finished(valid[0]) if valid else {}
    settings, planned = _checked(jobs, settled, done)
    goals = _goals(settings.sweep.objective, sweeper.direction) if "direction" in sweeper else {}
    from joblib import cpu_count

    launcher = cfg.hydra.launcher
    count = int(sweeper.get("n_trials", len(jobs))) if search else len(jobs)
    workers = None
    if "n_jobs" in launcher:
        workers = min(count, cpu_count() if launcher.n_jobs < 0 else launcher.n_jobs)
    return Plan(
        jobs=planned,
        open=search,
        varied={name: few for name, few in values.items() if len(few) > 1},
        command=command,
        settings=settings,
        count=count,
        side_by_side=workers,
        goals=goals,
        finished=done,
    )


def _grid(overrides: Sequence[Override]) -> list[list[str]]:
    (jobs,) = BasicSweeper.split_arguments(list(overrides), None)
    if len(jobs) > MANY:
        raise SegError(f"the sweep has {len(jobs):,} jobs, expected at most {MANY:,}; name fewer values")
    return jobs


def _one_at_a_time(values: dict[str, list[str]]) -> list[list[str]]:
    """Return each value once, beside the first of all others: enough to find one that is misspelt."""
    first = {name: few[0] for name, few in values.items()}
    changed = [{name: value} for name, few in values.items() for value in few[1:]]
    return [[f"{name}={value}" for name, value in (first | one).items()] for one in [{}, *changed]]


def _values(override: Override) -> list[str]:
    if not override.is_sweep_override():
        return [override.get_value_element_as_str()]
    if not override.is_discrete_sweep():
        value = override.value()
        return [str(value.start), str(value.end)] if isinstance(value, IntervalSweep) else []
    return list(override.sweep_string_iterator())


def _checked(
    jobs: list[list[str]], settled: list[Settled], done: Container[str]
) -> tuple[Settings, list[Planned]]:
    """Check whether the parts of each job go together, unless it has finished before; build its key."""
    data: dict[str, str | None] = {}
    planned, first = [], None
    for num, (overrides, (settings, key)) in enumerate(zip(jobs, settled, strict=True)):
        if isinstance(settings, Impossible):
            planned.append(Planned(num, overrides, None, str(settings)))
            continue
        place = repr((settings.data_dir, settings.dataset))
        if place not in data:
            data[place] = _data(settings.dataset, settings.data_dir, settings.cache)
        same = key(data[place]) if data[place] else None
        reason = None if same in done else _why_impossible(settings)
        first = first or (None if reason else settings)
        planned.append(Planned(num, overrides, None if reason else same, reason))
    if first is None:
        raise SegError(f"none of the {len(planned)} combinations is possible; the first: {planned[0].reason}")
    return first, planned


def _settled(one: DictConfig) -> Settled:
    """Return the settings of a job with what builds its key, or why it is impossible."""
    try:
        return load.settings(one), job_key.keyed(one)
    except Impossible as error:
        return error, None


def _why_impossible(settings: Settings) -> str | None:
    # Late: it imports every library, and jobs that have finished are not checked again.
    from seg.pipeline import check

    try:
        check.check_parts(settings)
    except Impossible as error:
        return str(error)
    return None


def _data(dataset: DatasetSettings, data_dir: str, cache: CacheSettings) -> str | None:
    try:
        return job_key.fingerprint(dataset, data_dir, cache)
    except SegError:
        return None  # its jobs will say so, one by one, and the others go on
