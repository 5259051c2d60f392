"""A sweep does each job once, whatever fails, stops it, or runs beside it, and says what became of every one."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter

import pandas as pd
import pytest
from mlflow import MlflowClient

import command_line
from seg.cli import sweeps
from seg.cli.sweeps import jobs, summary
from seg.cli.sweeps.jobs import objective
from seg.config import compose, load
from seg.errors import SegError
from seg.sinks.process_names import has_ended, process_name
from seg.track import view

TOY = ["dataset=toy", "dataset.customers=200", "selection.k_range=[3]"]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Give sweeps of this module one store, one cache and directories of their own."""
    return tmp_path_factory.mktemp("sweeps")


def command(place, name: str, *overrides: str) -> tuple[list[str], dict[str, str]]:
    store = [f"tracking.uri=sqlite:///{place}/mlflow.db", f"hydra.sweep.dir={place}/{name}"]
    return ["-m", *store, *overrides], command_line.clean_environment(SEG_CACHE_DIR=str(place / "cache"))


def sweep(place, name: str, *overrides: str):
    arguments, env = command(place, name, *overrides)
    return command_line.run("seg.run", *arguments, env=env)


def statuses(place, name: str) -> list[str]:
    found = [json.loads(path.read_text()) for path in (place / name).glob("*/job.json")]
    return [note["status"] for note in sorted(found, key=lambda note: note["num"])]


def runs(place, experiment: str) -> list:
    client = MlflowClient(tracking_uri=f"sqlite:///{place}/mlflow.db")
    found = client.get_experiment_by_name(experiment)
    return client.search_runs([found.experiment_id]) if found else []


@pytest.fixture(scope="module")
def swept(place):
    """Two jobs that finish, one that fails, three that are impossible."""
    done = sweep(place, "first", *TOY, "tracking.experiment=a", "recipe=rfm,columns", "k=3,500,4")
    return done, place


def test_jobs_that_fail_or_are_impossible_do_not_stop_the_others(swept):
    done, place = swept
    assert done.returncode == 1, done.stdout + done.stderr
    assert statuses(place, "first") == ["finished", "failed", "finished", "skipped", "skipped", "skipped"]
    assert (
        "job 1 failed: dataset=toy dataset.customers=200 selection.k_range=[3] recipe=rfm k=500: k=500: there are only 200 customers"
        in done.stdout
    )
    assert f"({place}/first/1)" in done.stdout
    assert "job 3 and any like it skipped: " in done.stdout
    assert "6 jobs: 3 skipped, 2 finished, 1 failed" in done.stdout
    assert done.stdout.count("read toy") == 1, "the jobs share their features"
    assert "Traceback" not in done.stdout + done.stderr


def test_the_jobs_are_children_of_one_run_that_shows_what_they_found(swept):
    _, place = swept
    (parent,) = [run for run in runs(place, "a") if run.data.tags.get("seg.kind") == "sweep"]
    children = [
        run for run in runs(place, "a") if run.data.tags.get("mlflow.parentRunId") == parent.info.run_id
    ]
    assert sorted(run.info.status for run in children) == ["FAILED", "FINISHED", "FINISHED"]
    client = MlflowClient(tracking_uri=f"sqlite:///{place}/mlflow.db")
    first, *rest = client.search_runs([parent.info.experiment_id], order_by=[f"{view.ORDER} ASC"])
    assert first.info.run_id == parent.info.run_id and len(rest) == len(runs(place, "a")) - 1
    started = [run.info.start_time for run in rest]
    assert started == sorted(started, reverse=True), (
        "MLflow's page: the sweep above its jobs, the newest first"
    )
    assert parent.info.run_name.endswith("recipe=rfm,columns k=3,500,4")
    assert parent.info.status == "FAILED" and "k=500" in parent.data.tags["error"]
    assert parent.data.params == {"recipe": "rfm, columns", "k": "3, 500, 4"}
    assert {"sweep/finished": 2, "sweep/failed": 1, "sweep/skipped": 3}.items() <= parent.data.metrics.items()
    (name,) = [name for name in parent.data.metrics if name.startswith("over_k/toy")]
    assert [point.step for point in client.get_metric_history(parent.info.run_id, name)] == [3, 4]
    table = pd.read_csv(client.download_artifacts(parent.info.run_id, "sweep.csv", str(place)))
    assert table["status"].tolist() == statuses(place, "first")
    assert "figures" in {item.path for item in client.list_artifacts(parent.info.run_id)}


def test_a_job_that_has_finished_is_not_done_again(swept):
    _, place = swept
    before, asked = len(runs(place, "a")), [*TOY, "tracking.experiment=a", "k=3,4,5"]
    done = sweep(place, "second", *asked)
    assert done.returncode == 0, done.stdout + done.stderr
    assert statuses(place, "second") == ["done before", "done before", "finished"]
    assert "3 jobs: " in done.stdout and len(runs(place, "a")) == before + 2
    # With nothing left to do the command loads no heavy library, which only an interpreter of its own shows.
    arguments, env = command(place, "third", *asked)
    line = [sys.executable, "-X", "importtime", "-m", "seg.run", *arguments]
    done = subprocess.run(line, capture_output=True, text=True, env=env)
    assert done.returncode == 0, done.stdout + done.stderr
    assert statuses(place, "third") == ["done before"] * 3
    imported = {text.rpartition("|")[2].strip() for text in done.stderr.splitlines()}
    assert {"hydra", "seg.cli.sweeps.planning"} <= imported
    assert not {"sklearn", "pandas", "mlflow"} & imported
    assert "3 jobs: " in done.stdout and len(runs(place, "a")) == before + 2
    finished = [run.data.tags["job.key"] for run in runs(place, "a") if "job.key" in run.data.tags]
    assert len(finished) == 3 and len(set(finished)) == 3


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        (["model=kmeans,kmean"], ["model=kmean", "expected one of kmeans, "]),
        (["k=3,x"], ["k=x", "at least 2, or auto"]),
        (["recipe=columns,omnichannel"], ["none of the 2 combinations is possible"]),
        (["hydra/sweeper=optuna", "model=choice(kmeans, kmean)"], ["model=kmean", "expected one of"]),
        (["hydra/sweeper=optuna", "k=choice(3, 4)", "sweep.objective=[data/rows, segments/count]"], ["direction"]),
        (["hydra/sweeper=optuna", "k=choice(3, 4)", "hydra.sweeper.direction=maximise"], ["direction=maximise", "of maximize, minimize"]),
    ],
    ids=["choice", "value", "impossible", "choice of a search", "directions", "direction"],
)  # fmt: skip
def test_a_slip_is_found_before_the_first_job(overrides, expected, place):
    done = sweep(place, "slip", *TOY, "tracking=none", *overrides)
    assert done.returncode == 1
    for text in expected:
        assert text in done.stderr
    assert "Traceback" not in done.stderr
    assert "read toy" not in done.stdout and not list((place / "slip").glob("*/job.json"))


def test_a_sweep_that_is_killed_is_resumed_and_counts_every_job_once(place):
    """Jobs in processes of their own, on one SQLite file; the process that started them ends without a word."""
    jobs = [
        *TOY,
        "tracking.experiment=b",
        "k=range(2,6)",
        "hydra/launcher=joblib",
        "hydra.launcher.n_jobs=2",
    ]
    arguments, env = command(place, "killed", *jobs)
    with command_line.started("seg.run", *arguments, env=env) as (process, said):
        while not list((place / "killed").glob("*/job.json")):
            assert process.is_alive(), said("err")
            time.sleep(0.05)
        family = [process_name(number) for number in command_line.children(process.pid)]
        assert family, "jobs run in processes of their own"
        process.kill()
        process.join(60)
        deadline = time.monotonic() + 60
        while not all(map(has_ended, family)):
            assert time.monotonic() < deadline, "a job went on without the sweep"
            time.sleep(0.05)
        assert "locked" not in said("err")
    assert Counter(run.info.status for run in runs(place, "b"))["RUNNING"] >= 1
    done = sweep(place, "resumed", *jobs[:-2])
    assert done.returncode == 0, done.stdout + done.stderr
    found = runs(place, "b")
    assert Counter(run.info.status for run in found)["RUNNING"] == 0
    finished = Counter(
        run.data.tags["job.key"]
        for run in found
        if run.info.status == "FINISHED" and "job.key" in run.data.tags
    )
    assert len(finished) == 4 and set(finished.values()) == {1}
    assert 1 <= statuses(place, "resumed").count("done before") <= 3
    (parent,) = [run for run in found if run.data.tags.get("seg.kind") == "sweep"]
    assert parent.info.status == "FINISHED"
    assert {run.data.tags.get("mlflow.parentRunId") for run in found} == {None, parent.info.run_id}


def test_a_search_learns_from_what_it_is_told_and_goes_on_after_a_job_that_fails(place):
    done = sweep(
        place, "search", *TOY, "tracking.experiment=c", "hydra/sweeper=optuna", "hydra.sweeper.n_trials=5",
        "hydra.sweeper.sampler.seed=1", "hydra.sweeper.direction=[maximize,minimize]",
        "sweep.objective=[common/silhouette,segments/count]", "model=choice(kmeans,gmm)", "k=choice(3,4,5,500)",
    )  # fmt: skip
    found = statuses(place, "search")
    assert len(found) == 5 and "failed" in found and "finished" in found
    assert done.returncode == 1 and "5 jobs: " in done.stdout
    assert "no other unflagged job beats in common/silhouette (up), segments/count (down)" in done.stdout
    assert (place / "search" / "optimization_results.yaml").exists()


def test_a_search_names_each_solution_once_and_none_that_is_flagged():
    goals = {"holdout/auc": "maximize", "segments/count": "minimize"}
    jobs = [
        {"num": num, "overrides": [f"k={k}"], "run_id": run_id, "flagged": flagged, "status": "finished",
         "metrics": {"holdout/auc": auc, "segments/count": k}}
        for num, (run_id, auc, k, flagged) in enumerate(
            [("a", 0.7, 4, "no"), ("b", 0.6, 2, "no"), ("c", 0.6, 3, "no"), ("a", 0.7, 4, "no"), ("d", 0.9, 2, "one giant")]
        )
    ]  # fmt: skip
    told = summary.unbeaten(summary.table(summary.gather(jobs, ["k"], goals)), goals)
    assert [line.split(":")[0].strip() for line in told[1:]] == ["job 0", "job 1"]
    page = summary.markdown(summary.table(summary.gather(jobs, ["k"], goals)), ["k"], goals)
    assert page.splitlines()[2:] == ["| 4 | 0.700 |", "| 2 | 0.600 |"]


def test_the_page_of_a_grid_lays_k_against_what_else_differs():
    jobs = [
        {"num": num, "overrides": [f"model={model}", f"k={k}"], "run_id": str(num), "flagged": flagged, "status": "finished",
         "metrics": {"common/silhouette": value, "segments/count": k}}
        for num, (model, k, value, flagged) in enumerate([("gmm", 10, 0.1, "no"), ("gmm", 2, 0.3, "tiny"), ("kmeans", 2, 0.4, "no")])
    ]  # fmt: skip
    page = summary.markdown(
        summary.table(summary.gather(jobs, ["model", "k"])), ["model", "k"], {}
    ).splitlines()
    assert page[0] == "| segments | gmm | kmeans |"
    assert page[2:] == ["| 2 | 0.300 (flagged) | 0.400 |", "| 10 | 0.100 | - |"]


def test_the_objective_is_a_metric_or_several():
    metrics = {"own/silhouette": 0.4, "segments/count": 3, "common/silhouette": float("nan")}
    assert objective("own/silhouette", metrics) == 0.4
    assert objective(["segments/count", "own/silhouette"], metrics) == [3, 0.4]
    for name in ("own/silhouete", "common/silhouette"):
        with pytest.raises(SegError, match=f"sweep.objective={name}: the run has no such metric; it has "):
            objective(name, metrics)


def test_a_job_is_told_by_what_its_result_follows_from():
    def one(*overrides: str, data: str = "x") -> str:
        load.prepare_environment()
        return sweeps.key(compose.compose([*TOY, "k=3", *overrides]), data)

    first = one()
    for same in (
        "tracking.experiment=other",
        "cache=off",
        "engine.threads=1",
        "data_dir=/elsewhere",
        "sweep.resume=false",
    ):
        assert one(same) == first, same
    for other in (
        "k=4",
        "seed=1",
        "model.n_init=2",
        "scaler=robust",
        "evaluation.null=2",
        "tracking.model=false",
    ):
        assert one(other) != first, other
    assert one(data="y") != first
    assert one("model=hdbscan") == one("model=hdbscan", "k=7"), "it finds k itself"


def test_a_process_is_not_mistaken_for_a_later_one_with_its_number():
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    name = process_name(child.pid)
    assert name and not has_ended(name) and not has_ended(process_name())
    host, number, start = name.split()
    assert has_ended(f"{host} {number} {start}1"), "the same number, another start"
    assert not has_ended(f"elsewhere {number} {start}"), "nothing is known of another host"
    child.send_signal(signal.SIGKILL)
    os.waitpid(child.pid, 0)
    assert has_ended(name)


@pytest.mark.parametrize(
    ("left", "free"), [([".lock"], True), ([], False), ([".lock", "tracking/state.json"], False)]
)
def test_a_job_that_was_killed_before_it_was_tracked_is_done_again_in_its_directory(tmp_path, left, free):
    for name in ("report.html", *left):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text('{"pushed": "2026-01-01"}' if name.endswith("json") else "")
    jobs._make_free(tmp_path)
    assert (tmp_path / "report.html").exists() is not free
