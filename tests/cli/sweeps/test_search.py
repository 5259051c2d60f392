"""A search: what a space of overrides becomes, and what a study learns from jobs that succeed and fail."""

import pytest
from omegaconf import OmegaConf
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.samplers import RandomSampler, TPESampler

from seg.cli.sweeps import search
from seg.errors import SegError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("model=choice(kmeans, gmm)", CategoricalDistribution(["kmeans", "gmm"])),
        ("k=range(2, 10)", IntDistribution(2, 10)),
        ("k=range(2, 10, 2)", IntDistribution(2, 10, step=2)),
        ("x=range(0.5, 2.5, 0.5)", FloatDistribution(0.5, 2.5, step=0.5)),
        ("x=interval(1, 8)", FloatDistribution(1.0, 8.0)),
        ("x=int(interval(1, 8))", IntDistribution(1, 8)),
        ("x=tag(log, interval(0.01, 1))", FloatDistribution(0.01, 1.0, log=True)),
    ],
)
def test_an_override_becomes_a_distribution(text, expected):
    assert search.space([text]) == ({text.partition("=")[0]: expected}, {})


def test_the_command_line_wins_over_the_parameters_of_a_preset():
    distributions, fixed = search.space(["k=range(2, 10)", "model=choice(kmeans, gmm)", "k=4"])
    assert list(distributions) == ["model"] and fixed == {"k": "4"}


class Launcher:
    """Runs a job by a function of its overrides; an error is what a job raised."""

    def __init__(self, job):
        self.job, self.jobs = job, []

    def launch(self, jobs, initial_job_idx):
        assert initial_job_idx == len(self.jobs)
        self.jobs += jobs
        return [Returned(self.job, dict(one.split("=") for one in overrides)) for overrides in jobs]


class Returned:
    def __init__(self, job, overrides):
        self._job, self._overrides = job, overrides

    @property
    def return_value(self):
        return self._job(self._overrides)


def asked(**changes):
    usual = {"sampler": TPESampler(seed=0), "direction": "maximize", "storage": None, "study_name": None, "n_trials": 30,
             "n_jobs": 3, "max_failure_rate": 1.0, "params": {"x": "range(0, 20)"}}  # fmt: skip
    return search.SearchOptions(**usual | changes)


def test_a_search_comes_near_the_best_value_and_goes_on_after_jobs_that_fail(tmp_path):
    def job(overrides):
        x = int(overrides["x"])
        if x > 17:
            raise SegError("no model")
        return -((x - 13) ** 2)

    launcher = Launcher(job)
    search.run(asked(), launcher, ["seed=1"], str(tmp_path))
    found = OmegaConf.load(tmp_path / search.RESULTS)
    assert len(launcher.jobs) == 30 and all("seed=1" in one for one in launcher.jobs)
    assert abs(found.best_params.x - 13) <= 1 and found.best_value >= -1


def test_the_same_seed_proposes_the_same_jobs(tmp_path):
    made = [Launcher(lambda one: float(one["x"])) for _ in range(2)]
    for launcher in made:
        search.run(asked(n_trials=12), launcher, [], str(tmp_path))
    assert made[0].jobs == made[1].jobs


def test_several_objectives_give_the_solutions_that_no_other_beats(tmp_path):
    launcher = Launcher(lambda one: [float(one["x"]), float(one["x"])])
    search.run(
        asked(direction=["maximize", "minimize"], sampler=RandomSampler(seed=0)), launcher, [], str(tmp_path)
    )
    solutions = OmegaConf.load(tmp_path / search.RESULTS).solutions
    assert {one.params.x for one in solutions} == {
        int(dict(o.split("=") for o in job)["x"]) for job in launcher.jobs
    }


def test_more_failures_than_are_allowed_end_the_search(tmp_path):
    with pytest.raises(SegError, match=r"max_failure_rate=0.5: 3 of 3 jobs failed"):
        search.run(asked(max_failure_rate=0.5), Launcher(lambda one: None), [], str(tmp_path))
