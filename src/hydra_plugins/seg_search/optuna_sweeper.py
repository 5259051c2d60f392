"""The sweeper ``optuna`` of Hydra: a search over options by Optuna. Hydra takes plugins from the package hydra_plugins only.

Hydra imports this module at every start: what computes is imported when a search begins (`seg.cli.sweeps.search`).
"""

from __future__ import annotations

from typing import Any

from hydra.core.config_store import ConfigStore
from hydra.plugins.sweeper import Sweeper

# What ``hydra/sweeper=optuna`` offers: ``direction`` is maximize or minimize, or a list with one for each objective; ``storage`` the address
# of a database that keeps the study, with ``study_name``; ``n_trials`` jobs are run, ``n_jobs`` at a time; ``params`` are overrides as on the
# command line.
OPTIONS = {
    "_target_": "hydra_plugins.seg_search.optuna_sweeper.OptunaSweeper",
    "defaults": [{"sampler": "tpe"}],
    "direction": "maximize",
    "storage": None,
    "study_name": None,
    "n_trials": 20,
    "n_jobs": 2,
    "max_failure_rate": 1.0,
    "params": None,
}


class OptunaSweeper(Sweeper):
    """A sweeper that asks Optuna which jobs to run next; parameters as in `OPTIONS`."""

    def __init__(self, **options: Any):
        self._options = options

    def setup(self, *, hydra_context, task_function, config) -> None:
        """Take the launcher of the jobs."""
        from hydra.core.plugins import Plugins

        self.config = config
        self._launcher = Plugins.instance().instantiate_launcher(
            config=config, hydra_context=hydra_context, task_function=task_function
        )

    def sweep(self, arguments: list[str]) -> None:
        """Run the search."""
        from seg.cli.sweeps import search

        search.run(
            search.SearchOptions(**self._options), self._launcher, arguments, self.config.hydra.sweep.dir
        )


SAMPLERS = {
    "tpe": {
        "_target_": "optuna.samplers.TPESampler",
        "seed": None,
        "n_startup_trials": 10,
        "n_ei_candidates": 24,
    },
    "random": {"_target_": "optuna.samplers.RandomSampler", "seed": None},
    "nsgaii": {"_target_": "optuna.samplers.NSGAIISampler", "seed": None, "population_size": 50},
}
ConfigStore.instance().store(group="hydra/sweeper", name="optuna", node=OPTIONS, provider="seg")
for name, sampler in SAMPLERS.items():
    ConfigStore.instance().store(group="hydra/sweeper/sampler", name=name, node=sampler, provider="seg")
