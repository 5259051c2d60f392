"""The command: what it says of a store, the page it leaves, and who becomes champion."""

import re
import shutil
from pathlib import Path

import pandas as pd
import pytest
from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunTag

import browser
import command_line
import empty_store
from seg.compare import __main__ as compare
from seg.track import read

PARTS = {
    "dataset": "flo",
    "cleaning": "flo",
    "recipe": "rfm",
    "scaler": "standard",
    "model": "kmeans",
    "engine": "duckdb",
    "k": 4,
    "seed": 0,
}
TAGS = {
    "data": "real",
    "data.fingerprint": "f00d" * 16,
    "flagged": "no",
    "as_of": "2021-06-01",
    "seg.points": "p",
}


@pytest.fixture(scope="module")
def uri(tmp_path_factory):
    """Keep one store for all tests here; each has an experiment of its own in it."""
    return empty_store.at(tmp_path_factory.mktemp("compare"))


@pytest.fixture
def log(uri, request, tmp_path):
    """Log small runs into an experiment of this test."""
    client = MlflowClient(tracking_uri=uri)
    experiment = client.create_experiment(
        request.node.name[:200], artifact_location=str(tmp_path / "artifacts")
    )

    def make(silhouette: float = 0.3, status: str = "FINISHED", tags: dict | None = None, **parts) -> str:
        made = PARTS | parts
        run = client.create_run(
            experiment, run_name=f"{made['dataset']} {made['model']} k={made['k']}"
        ).info.run_id
        client.log_batch(
            run,
            params=[Param(key, str(value)) for key, value in made.items()],
            tags=[RunTag(key, value) for key, value in (TAGS | (tags or {})).items()],
            metrics=[Metric("common/silhouette", silhouette, 0, 0), Metric("data/customers", 1000, 0, 0)],
        )
        client.set_terminated(run, status)
        return run

    make.client, make.store = (
        client,
        [f"tracking.uri={uri}", f"tracking.experiment={request.node.name[:200]}"],
    )
    return make


@pytest.fixture
def say(capsys):
    """Run the command and give its exit code and what it printed."""

    def call(*arguments: str) -> tuple[int, str]:
        code = compare.main(arguments)
        captured = capsys.readouterr()
        return code, captured.out + captured.err

    return call


# ---- reading -----------------------------------------------------------------------------------------------


def test_every_run_is_read_once_however_many_pages_there_are(log, monkeypatch):
    made = {log(k=k) for k in range(2, 9)}
    log(status="FAILED")
    log(tags={"seg.kind": "sweep"})
    monkeypatch.setattr(read, "PAGE", 3)
    found = read.runs(log.client, log.store[1].partition("=")[2], ["flo"])
    assert (set(found["run_id"]), len(found)) == (made, 7)


def test_a_file_of_a_remote_run_is_downloaded_once_and_one_that_is_gone_is_none(tmp_path):
    asked = []

    class Server:
        def download_artifacts(self, run_id, name, folder):
            asked.append(name)
            if name == "gone.png":
                raise OSError("404")
            path = Path(folder, Path(name).name)
            path.write_text(run_id)
            return str(path)

    runs = pd.DataFrame({"run_id": ["r1"], "artifacts": ["mlflow-artifacts:/1/r1"]})
    for _ in range(2):
        found = read.Artifacts(Server(), tmp_path).find(runs, ["figures/map.png", "gone.png"])
    assert found[("r1", "figures/map.png")].read_text() == "r1"
    assert found[("r1", "gone.png")] is None
    assert asked.count("figures/map.png") == 1


# ---- ranking -----------------------------------------------------------------------------------------------


def test_the_ranking_is_by_the_common_space_with_flagged_runs_apart(log, say):
    first, second = log(0.4), log(0.3, model="gmm")
    flagged = log(0.9, k=2, tags={"flagged": "segment 1 holds 99%"})
    code, text = say("dataset=flo", *log.store)
    assert code == 0 and "1,000 customers" in text and "2 configurations ranked; 1 flagged" in text
    ranking, _, apart = text.partition("Flagged, so in no ranking")
    assert ranking.index(first[:8]) < ranking.index(second[:8])
    assert flagged[:8] not in ranking and "segment 1 holds 99%" in apart
    assert "best: not known" in text and "evaluation.stability=true evaluation.null=20" in text
    assert "holdout.cut" not in text  # one row a customer: no future to keep apart


def test_filters_choose_runs_and_say_what_there_is(log, say):
    log(0.4), log(0.3, model="gmm", k=5)
    assert "1 configuration ranked" in say("dataset=flo", "model=gmm", *log.store)[1]
    code, text = say("dataset=flo", "model=gmn", *log.store)
    assert code == 1 and "model=gmn: no such run; expected one of gmm, kmeans" in text


def test_lists_of_different_customers_are_said_to_be_apart(log, say):
    (
        log(0.4),
        log(0.9, tags={"seg.points": "q"}),
        log(0.8, tags={"data": "sample", "data.fingerprint": "beef"}),
    )
    _, text = say("dataset=flo", *log.store)
    assert "3 lists" in text and "SAMPLE DATA" in text


def test_errors_say_what_there_is(log, say, tmp_path):
    assert "there are no finished runs" in say("dataset=flo", *log.store)[1]
    log(), log(dataset="toy")
    for arguments, expected in {
        ("dataset=fol",): "dataset=fol: no finished run .* there are .*flo \\(1 runs\\)",
        ("k=4",): "which data set",
        ("dataset=flo", "sort=own/silhouette"): "refused",
        ("dataset=flo", "srot=x"): "srot=x: unknown option; do you mean sort=x[?]",
        ("dataset=flo", "html=x.html", "pictures=all"): "pictures=all: expected",
        ("champion",): "champion: unknown; expected one of champions",
        ("promote", "dataset=flo"): "either run=<directory, id or name>, or best=true",
        ("promote", "run=nothing"): "run=nothing: no such run",
        ("promote", "run=flo kmeans k=4"): "keeps no model",
        ("promote", "best=maybe"): "expected true or false",
    }.items():
        code, text = say(*arguments, *log.store)
        assert code == 1 and re.search(expected, text), text
    assert "there is no file" in say("dataset=flo", f"tracking.uri=sqlite:///{tmp_path}/none.db")[1]
    assert not (tmp_path / "none.db").exists()
    (tmp_path / "text.db").write_text("this is no database " * 99)
    assert "is not a SQLite file" in say("dataset=flo", f"tracking.uri=sqlite:///{tmp_path}/text.db")[1]
    assert "not in this store" in say("dataset=flo", log.store[0], "tracking.experiment=nope")[1]


def test_a_name_that_several_runs_have_is_ambiguous_and_a_failed_run_is_refused(log, say):
    log(seed=1), log(seed=2), log(status="FAILED", k=9)
    code, text = say("promote", "run=flo kmeans k=4", *log.store)
    assert code == 1 and "2 runs; take one by its id" in text
    assert "it is FAILED" in say("promote", "run=flo kmeans k=9", *log.store)[1]


# ---- with real runs ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    """Two runs on toy data with all of the evidence, and another seed of one of them that left no files."""
    folder = tmp_path_factory.mktemp("toy")
    uri = f"sqlite:///{folder}/mlflow.db"
    store = [f"tracking.uri={uri}", "tracking.experiment=toy"]
    small = [
        "dataset.customers=400",
        "selection.k_range=[3,4]",
        "evaluation.stability=true",
        "evaluation.repeats=3",
    ]
    evidence = ["evaluation.null=19", "evaluation.holdout.cut=2024-10-03", f"hydra.sweep.dir={folder}/sweep"]
    done = command_line.run("seg.run", "-m", "dataset=toy", "k=3,4", *small, *evidence, *store)
    assert done.returncode == 0, done.stdout + done.stderr
    client = MlflowClient(tracking_uri=uri)
    experiment = client.get_experiment_by_name("toy").experiment_id
    (run,) = client.search_runs([experiment], "params.k = '3' and tags.data = 'generated'")
    again = client.create_run(experiment, run_name="again").info.run_id
    client.log_batch(
        again,
        params=[Param(key, value) for key, value in (run.data.params | {"seed": "1"}).items()],
        tags=[RunTag(key, value) for key, value in run.data.tags.items() if not key.startswith("mlflow.")],
        metrics=[
            Metric(key, value, 0, 0) for key, value in run.data.metrics.items() if key.startswith("common/")
        ],
    )
    client.set_terminated(again)
    return store, folder


@pytest.fixture(scope="module")
def page(toy):
    store, folder = toy
    assert compare.main(["dataset=toy", f"html={folder}/page.html", *store]) == 0
    return folder / "page.html"


@pytest.mark.skipif(browser.CHROMIUM is None, reason="no Chromium on this machine")
def test_the_page_works_in_a_browser_without_a_network(page, tmp_path):
    rows = "[...document.querySelectorAll('table.ranking tbody tr')].filter(row => !row.hidden).map(row => row.cells[8].textContent)"
    with browser.page(tmp_path) as shown:
        shown.open(page.as_uri())
        assert shown.value(rows) == ["3", "4"]
        head = "document.querySelector('table.ranking th[title^=\"number of segments\"] button')"
        for _ in range(2):  # once up, once down
            shown.value(f"{head}.click()")
        assert shown.value(rows) == ["4", "3"]
        assert shown.value(f"{head}.parentElement.getAttribute('aria-sort')") == "descending"

        choose = "document.querySelector('select[name=k]').value = '{}'; document.getElementById('filters').dispatchEvent(new Event('change'))"
        shown.value(choose.format(3))
        assert shown.value(rows) == ["3"]
        assert shown.value("document.getElementById('count').textContent") == "1 of 2 runs"
        shown.value(choose.format(""))

        pictures = (
            "[...document.querySelectorAll('#side article')].map(one => one.querySelectorAll('img').length)"
        )
        assert shown.value(pictures) == [2, 2]  # profile and map of the first two
        assert shown.value(
            "[...document.querySelectorAll('#side img')].every(one => one.complete && one.naturalWidth > 300)"
        )
        shown.value("document.querySelector('#kinds input[value=elbow]').click()")
        assert shown.value(pictures) == [3, 3]
        shown.value("document.querySelector('#side figure button').click()")
        assert shown.value("document.querySelector('dialog[open] img').naturalWidth > 300")
        shown.value("document.querySelector('dialog form button').click()")
        shown.value("document.querySelector('.pick input').click()")
        assert shown.value(pictures) == [3]

        counts = {"svg circle.point": 2, ".elbows polyline": 1, "table.matrix td": 4, ".strip i": 2}
        for selector, count in counts.items():
            assert shown.value(f"document.querySelectorAll('{selector}').length") == count, selector
        assert shown.value("document.documentElement.scrollWidth <= window.innerWidth")
        assert shown.console == []
        assert [url for url in shown.requests if not url.startswith("data:")] == [page.as_uri()]


def test_a_picture_that_was_deleted_is_said_to_be_missing(toy, tmp_path, say):
    store, folder = toy
    copied = tmp_path / "map.png"
    picture = next(folder.glob("mlartifacts/*/artifacts/figures/map.png"))
    shutil.move(picture, copied)
    try:
        code, text = say("dataset=toy", f"html={tmp_path}/page.html", *store)
    finally:
        shutil.move(copied, picture)
    assert code == 0 and "1 file of a run is missing" in text
    assert '"map": null' in (tmp_path / "page.html").read_text()


def test_the_best_run_becomes_champion_and_the_history_is_kept(toy, say):
    store, _ = toy
    code, text = say("promote", "best=true", "dataset=toy", *store)
    assert code == 0 and "version 1" in text and "best by the stated order: of 2 candidates" in text
    assert "nothing changed" in say("promote", "best=true", "dataset=toy", *store)[1]

    client = MlflowClient(tracking_uri=store[0].partition("=")[2])
    runs = read.runs(client, "toy", ["toy"])
    other = runs.loc[runs["params.k"] == "4", "run_id"].iloc[0]
    client.set_tag(other, "flagged", "segment 2 is tiny")
    code, text = say("promote", f"run={other[:8]}", *store)
    assert code == 1 and "flagged: segment 2 is tiny. pass force=true" in text
    assert say("promote", f"run={other[:8]}", "force=true", "why=to see it", *store)[0] == 0

    now = client.get_model_version_by_alias("seg-toy", "champion")
    before = client.get_model_version_by_alias("seg-toy", "previous")
    assert (now.version, now.run_id, before.version) in [("2", other, "1"), (2, other, 1)]
    assert now.tags["champion.why"] == "to see it" and now.tags["champion.previous"] == "1"
    assert now.tags["champion.forced"] == "flagged: segment 2 is tiny" and now.tags["champion.by"]
    assert now.tags["data.fingerprint"] == runs["tags.data.fingerprint"].iloc[0]
    assert before.tags["champion.until"] == now.tags["champion.since"] and now.tags[
        "champion.since"
    ].endswith("UTC")

    code, text = say("champions", "dataset=toy", *store)
    assert code == 0 and re.search(r"2 +│ champion.*\n.*1 +│ previous", text) and "to see it" in text
    assert "champion, common/silhouette" in say("dataset=toy", *store)[1]

    import mlflow

    mlflow.set_tracking_uri(store[0].partition("=")[2])
    model = mlflow.pyfunc.load_model("models:/seg-toy@champion")
    assert set(model.predict(model.input_example)["segment"]) <= {0, 1, 2, 3}


def test_a_sample_is_promoted_by_force_only_and_a_model_that_is_gone_not_at_all(toy, say):
    store, folder = toy
    client = MlflowClient(tracking_uri=store[0].partition("=")[2])
    run = read.runs(client, "toy", ["toy"]).query("`params.k` == '3' and `params.seed` == '0'").iloc[0]
    client.set_tag(run["run_id"], "data", "sample")
    assert "SAMPLE DATA" in say("promote", f"run={run['run_id']}", *store)[1]
    shutil.rmtree(folder / "mlartifacts" / "models" / run["model"])
    code, text = say("promote", f"run={run['run_id']}", "force=true", *store)
    assert code == 1 and "its model" in text and "cannot be read" in text


def test_of_several_data_sets_or_runs_each_is_promoted_by_itself_and_what_fails_is_named(log, say):
    ids = [log(0.4, dataset=name) for name in ("flo", "flo_b")]
    code, text = say("promote", "best=true", "dataset=flo,flo_b", *log.store)
    assert code == 1 and "error: flo: best=true: nothing qualifies" in text
    assert "error: flo_b: best=true" in text and "2 in all, 0 done; failed: flo, flo_b" in text
    code, text = say("promote", f"run={','.join(ids)}", *log.store)
    assert code == 1 and all(f"error: {one}: run={one}: it keeps no model" in text for one in ids)


def test_a_sweep_with_two_runs_of_one_data_set_is_promoted_by_the_best_only(toy, say):
    store, folder = toy
    code, text = say("promote", f"run={folder}/sweep", *store)
    assert (
        code == 1
        and "2 runs of toy, which has one champion; expected one of them, or best=true dataset=toy" in text
    )


def test_nothing_qualifies_says_what_is_missing(log, say):
    log(0.4)
    code, text = say("promote", "best=true", "dataset=flo", *log.store)
    assert code == 1 and "nothing qualifies" in text and "seg run" in text
