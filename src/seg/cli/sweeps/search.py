"""A search over options: Optuna proposes jobs, learns from what they came to, and proposes the next."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override, Transformer
from omegaconf import OmegaConf
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.trial import Trial, TrialState

from seg.errors import SegError

log = logging.getLogger("seg")
RESULTS = "optimization_results.yaml"


@dataclass(frozen=True)
class SearchOptions:
    """Options of a search, see `hydra_plugins.seg_search.optuna_sweeper`."""

    sampler: Any
    direction: str | Sequence[str]
    storage: str | None
    study_name: str | None
    n_trials: int
    n_jobs: int
    max_failure_rate: float
    params: Mapping[str, str] | None

    @property
    def directions(self) -> list[str]:
        """One direction for each objective."""
        return [self.direction] if isinstance(self.direction, str) else [str(one) for one in self.direction]


def run(options: SearchOptions, launcher, arguments: Sequence[str], folder: str) -> None:
    """Run a search, and write what is best into ``optimization_results.yaml``.

    Parameters
    ----------
    options : SearchOptions
    launcher : hydra.plugins.launcher.Launcher
    arguments : sequence of str
        Overrides of the command line; they win over `options.params`.
    folder : str
        Of the sweep.

    Raises
    ------
    SegError
        More jobs of a batch failed than `options.max_failure_rate` allows.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    distributions, fixed = space(
        [f"{name}={value}" for name, value in (options.params or {}).items()] + [*arguments]
    )
    study = optuna.create_study(
        study_name=options.study_name,
        storage=options.storage,
        sampler=options.sampler,
        directions=options.directions,
        load_if_exists=True,
    )
    done = 0
    while done < options.n_trials:
        trials = [study.ask(distributions) for _ in range(min(options.n_jobs, options.n_trials - done))]
        jobs = [overrides(trial, fixed) for trial in trials]
        returns = launcher.launch(jobs, initial_job_idx=done)
        failed = [not told(study, trial, one) for trial, one in zip(trials, returns, strict=True)]
        done += len(trials)
        if sum(failed) / len(failed) > options.max_failure_rate:
            raise SegError(
                f"hydra.sweeper.max_failure_rate={options.max_failure_rate}: {sum(failed)} of {len(failed)} jobs failed; the "
                "search was stopped"
            )
    OmegaConf.save(OmegaConf.create(best(study)), Path(folder) / RESULTS)


def space(arguments: Sequence[str]) -> tuple[dict[str, BaseDistribution], dict[str, str]]:
    """Separate what is searched, with its distribution, from what is the same in all jobs; the last of one name counts."""
    distributions: dict[str, BaseDistribution] = {}
    fixed: dict[str, str] = {}
    for override in OverridesParser.create().parse_overrides(list(arguments)):
        name = override.get_key_element()
        distributions.pop(name, None)
        fixed.pop(name, None)
        if override.is_sweep_override():
            distributions[name] = distribution(override)
        else:
            fixed[name] = override.get_value_element_as_str()
    return distributions, fixed


def distribution(override: Override) -> BaseDistribution:
    """Return the distribution of an override: of choices, of a range (its end is a value too), or of an interval.

    Raises
    ------
    SegError
        It is none of these.
    """
    value = override.value()
    if override.is_choice_sweep() or (override.is_range_sweep() and value.shuffle):
        return CategoricalDistribution(list(override.sweep_iterator(transformer=Transformer.encode)))
    if override.is_range_sweep():
        if all(isinstance(one, int) for one in (value.start, value.stop, value.step)):
            return IntDistribution(value.start, value.stop, step=value.step)
        return FloatDistribution(float(value.start), float(value.stop), step=float(value.step))
    if override.is_interval_sweep():
        logarithmic = "log" in value.tags
        if isinstance(value.start, int) and isinstance(value.end, int):
            return IntDistribution(value.start, value.end, log=logarithmic)
        return FloatDistribution(float(value.start), float(value.end), log=logarithmic)
    raise SegError(f"{override.input_line}: a search takes choice(...), range(...) and interval(...)")


def overrides(trial: Trial, fixed: Mapping[str, str]) -> tuple[str, ...]:
    """Return the overrides of a job."""
    return tuple(f"{name}={value}" for name, value in {**trial.params, **fixed}.items())


def told(study: optuna.Study, trial: Trial, returned) -> bool:
    """Report to a study what a job came to; return False where the job failed: it is a trial without a value."""
    try:
        value = returned.return_value
        values = [float(one) for one in (value if isinstance(value, list | tuple) else [value])]
        study.tell(trial, values)
        return True
    except Exception as error:  # whatever ended the job
        log.warning("a job of the search failed: %s", error)
        if study.get_trials(deepcopy=False)[trial.number].state == TrialState.RUNNING:
            study.tell(trial, state=TrialState.FAIL)
        return False


def best(study: optuna.Study) -> dict:
    """Return what is best as plain values: the best trial, of several objectives those that no other beats."""
    done = [one for one in study.get_trials(deepcopy=False) if one.state == TrialState.COMPLETE]
    if len(study.directions) > 1:
        return {
            "name": "optuna",
            "solutions": [{"params": one.params, "values": one.values} for one in study.best_trials],
        }
    if not done:
        return {"name": "optuna", "best_params": None, "best_value": None}
    return {"name": "optuna", "best_params": study.best_trial.params, "best_value": study.best_trial.value}
