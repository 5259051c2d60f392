"""The command, as a person runs it: what it leaves, what it says, what it costs to be wrong."""

import json
import re
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pytest
from mlflow import MlflowClient

import command_line
from in_process import notes, refusal, segmented
from seg.compare import __main__ as compare

ROOT = Path(__file__).resolve().parents[1]
LEFT = [
    "assignments.parquet", "config.yaml", "k_scan.csv", "ledger.csv", "report.html", "segments.csv",
    "figures/elbow.png", "figures/silhouette.png", "figures/silhouette_blades.png", "figures/profile.png",
    "figures/sizes.png", "figures/map.png", "figures/votes.png", "votes.csv", "evidence.csv", "scoring.json",
    "names.csv", "rules.txt", "rules.sql", "customers.parquet", "customers.csv", "segments.xlsx", "rule_segments.csv", "cross_tab.csv",
    "months.csv", "bought.csv", "revenue_tree.csv", "customer_status.csv",
]  # fmt: skip


@dataclass(frozen=True)
class Store:
    """An MLflow store; each test has an experiment of its own in it, for a new store costs seconds."""

    uri: str
    experiment: str

    @property
    def overrides(self) -> list[str]:
        return [f"tracking.uri={self.uri}", f"tracking.experiment={self.experiment}"]

    def runs(self) -> tuple:
        client = MlflowClient(tracking_uri=self.uri)
        experiment = client.get_experiment_by_name(self.experiment)
        return client, client.search_runs([experiment.experiment_id])

    def only_run(self) -> tuple:
        client, runs = self.runs()
        assert len(runs) == 1
        return client, runs[0]


@pytest.fixture(scope="module")
def store_uri(tmp_path_factory):
    return f"sqlite:///{tmp_path_factory.mktemp('store')}/mlflow.db"


@pytest.fixture
def store(store_uri, request):
    return Store(store_uri, re.sub(r"\W+", "-", request.node.name))


def command(*overrides: str, folder: Path, store: Store | None = None) -> list[str]:
    where = store.overrides if store else ["tracking=none"]
    # Without the cache: a test of a run must not be served what an earlier one made.
    return ["seg.run", "cache=off", *overrides, *where, f"hydra.run.dir={folder}"]


def run(
    *overrides: str, folder: Path, store: Store | None = None, figures: bool = False
) -> subprocess.CompletedProcess:
    return command_line.run(*command(*overrides, folder=folder, store=store), figures=figures)


TOY = ["dataset=toy", "model=kmeans", "k=4", "seed=3"]


@pytest.fixture(scope="module")
def toy(tmp_path_factory, store_uri):
    """One tracked run of the toy data set: its folder, its store, what it printed."""
    folder, store = tmp_path_factory.mktemp("toy") / "run", Store(store_uri, "toy")
    done = run(*TOY, folder=folder, store=store, figures=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder, store, done.stdout


def test_a_run_leaves_every_file(toy):
    folder, _, _ = toy
    assert [name for name in LEFT if not (folder / name).is_file()] == []
    assert not list(folder.rglob(".*.[0-9]*")), "a temporary file was left behind"


def test_segments_table_describes_every_segment_in_order_of_worth(toy):
    segments = pd.read_csv(toy[0] / "segments.csv")
    assert segments["segment"].tolist() == [0, 1, 2, 3]
    assert segments["name"].tolist() == [
        "Champions",
        "Valuable but slipping away",
        "Lost customers",
        "New customers",
    ]
    assert segments["size"].sum() == 1000
    assert segments["share"].sum() == pytest.approx(1)
    assert segments["revenue_share"].sum() == pytest.approx(1)
    assert segments["mean_revenue"].is_monotonic_decreasing
    assert (segments["size"] * segments["index_orders"]).sum() / 1000 == pytest.approx(100)
    assert {
        f"{kind}_{name}"
        for kind in ("mean", "median", "index")
        for name in ("recency_days", "orders", "revenue")
    } <= set(segments)


def test_assignments_hold_each_customer_once(toy):
    assignments = pd.read_parquet(toy[0] / "assignments.parquet")
    assert list(assignments.columns) == ["customer_id", "segment"]
    assert assignments["customer_id"].is_unique and len(assignments) == 1000
    sizes = pd.read_csv(toy[0] / "segments.csv").set_index("segment")["size"]
    pd.testing.assert_series_equal(
        assignments["segment"].value_counts().sort_index(), sizes, check_names=False
    )


def test_scan_covers_the_range_and_inertia_falls(toy):
    scan = pd.read_csv(toy[0] / "k_scan.csv")
    assert scan["k"].tolist() == list(range(2, 11))
    assert scan["inertia"].is_monotonic_decreasing
    assert scan.set_index("k")["silhouette"].idxmax() == 4


def test_ledger_has_its_columns_and_starts_with_what_was_loaded(toy):
    ledger = pd.read_csv(toy[0] / "ledger.csv")
    assert list(ledger.columns) == ["step", "rows", "customers", "revenue"]
    assert ledger["step"].tolist() == [
        "loaded",
        "drop_missing",
        "cancellations",
        "drop_customers_without_purchases",
    ]


def test_output_shows_steps_with_times_and_where_to_look(toy):
    folder, _, said = toy
    for text in (
        "read toy",
        "clean",
        "features",
        "scan over k",
        "figures and report",
        "track",
        str(folder / "report.html"),
        "adjusted_rand",
    ):
        assert text in said
    assert "scan over k" in (folder / "run.log").read_text()


def test_report_opens_without_a_network_and_holds_all_of_it(toy):
    page = (toy[0] / "report.html").read_text()
    assert page.count("data:image/png;base64,") == 2
    assert 'src="http' not in page and 'href="http' not in page
    for text in ("drop_missing", "New customers", "What to do", "own/silhouette", "n_clusters: ${k}"):
        assert text in page


def test_mlflow_holds_parameters_metrics_curves_and_files(toy):
    folder, store, _ = toy
    client, found = store.only_run()
    assert found.info.status == "FINISHED"
    assert found.data.params == {
        "dataset": "toy", "cleaning": "orders", "recipe": "rfm", "scaler": "standard", "model": "kmeans", "engine": "duckdb",
        "seed": "3", "k": "4",
    }  # fmt: skip
    expected = {
        "own/silhouette",
        "own/silhouette_sq",
        "own/calinski_harabasz",
        "own/davies_bouldin",
        "own/inertia",
        "common/silhouette",
    }
    assert expected <= set(found.data.metrics)
    assert "own/bic" not in found.data.metrics
    assert found.data.metrics["truth/adjusted_rand"] == 1
    curve = client.get_metric_history(found.info.run_id, "scan/inertia")
    scan = pd.read_csv(folder / "k_scan.csv").set_index("k")["inertia"]
    assert {point.step: point.value for point in curve} == pytest.approx(scan.to_dict())
    assert found.data.tags["data"] == "generated"
    assert {"data.fingerprint", "git.commit", "seg.version"} <= set(found.data.tags)
    logged = {item.path for item in client.list_artifacts(found.info.run_id)}
    assert {
        "report.html",
        "segments.csv",
        "ledger.csv",
        "config.yaml",
        "figures",
        "names.csv",
        "rules.sql",
    } <= logged
    assert not {"customers.csv", "customers.parquet", "segments.xlsx"} & logged
    assert (
        found.data.tags["segments"] == "Champions; Valuable but slipping away; Lost customers; New customers"
    )


def test_names_are_the_same_in_every_file_of_a_run(toy):
    folder = toy[0]
    names = pd.read_csv(folder / "segments.csv").set_index("segment")["name"]
    customers = pd.read_parquet(folder / "customers.parquet")
    assert customers.groupby("segment")["name"].unique().str[0].to_dict() == names.to_dict()
    assert pd.read_csv(folder / "names.csv").set_index("segment")["name"].to_dict() == names.to_dict()
    card = json.loads((folder / "scoring.json").read_text())
    assert {row["segment"]: row["name"] for row in card["segments"]} == names.to_dict()
    workbook = openpyxl.load_workbook(folder / "segments.xlsx", read_only=True)
    assert workbook.sheetnames == ["read me", "segments", "customers", "rules", "cross-tab"]
    for name in names:
        assert name in (folder / "rules.txt").read_text()
        assert name in (folder / "report.html").read_text()


def test_customer_ids_do_not_leave_the_directory_of_the_run(toy, tmp_path):
    folder, store, _ = toy
    client, found = store.only_run()
    logged = pd.read_parquet(
        client.download_artifacts(found.info.run_id, "assignments.parquet", str(tmp_path))
    )
    here = pd.read_parquet(folder / "assignments.parquet")
    assert logged["segment"].tolist() == here["segment"].tolist()
    assert logged["customer_id"].is_unique and not set(logged["customer_id"]) & set(here["customer_id"])


def test_config_is_logged_unresolved(toy):
    text = (toy[0] / "config.yaml").read_text()
    assert "${oc.env:SEG_DATA_DIR" in text and "n_clusters: ${k}" in text


def test_a_fresh_process_loads_the_model_and_gives_the_same_segments(toy):
    """Without seg on the path, from the store alone; one row gets what the batch gives."""
    folder, store, _ = toy
    _, found = store.only_run()
    table = folder.parent / "features.parquet"
    toy_features().to_parquet(table)
    done = command_line.run("predict_without_seg", store.uri, found.info.run_id, str(table))
    assert done.returncode == 0, done.stderr
    batch, singly, names, has_example = json.loads(done.stdout.splitlines()[-1])
    assert batch == pd.read_parquet(folder / "assignments.parquet")["segment"].tolist()
    assert singly == batch[::97]
    assert names == ["recency_days", "orders", "revenue"] and has_example


def toy_features() -> pd.DataFrame:
    """Compute the toy's features by hand, in pandas."""
    from seg.datasets import synthetic

    lines = synthetic.toy(customers=1000, seed=0)
    lines = lines[lines["quantity"] >= 0].assign(amount=lambda rows: rows["quantity"] * rows["unit_price"])
    last = lines["ordered_at"].max().normalize()
    groups = lines.groupby("customer_id")
    return pd.DataFrame(
        {
            "recency_days": ((last - groups["ordered_at"].max().dt.normalize()).dt.days + 1).astype(float),
            "orders": groups["order_id"].nunique().astype(float),
            "revenue": groups["amount"].sum(),
        }
    ).sort_index()


def test_gmm_recovers_the_planted_segments_and_reports_bic():
    metrics = segmented("dataset=toy", "model=gmm", "k=4", "selection.k_range=[4]").metrics
    assert metrics["truth/adjusted_rand"] == 1
    assert {"own/bic", "own/aic"} <= set(metrics.index)


def test_a_mixture_that_leaves_a_cluster_empty_says_two_segments_everywhere(tmp_path, store, capsys):
    counts = np.random.default_rng(7).poisson(0.4, size=(60, 2))
    table = pd.DataFrame(counts, columns=["visits", "calls"]).assign(id=[f"c{row}" for row in range(60)])
    table.to_csv(tmp_path / "panel.csv", index=False)
    options = [
        "dataset.id=id",
        "dataset.features=[visits,calls]",
        "model=gmm",
        "k=3",
        "selection.k_range=[3]",
    ]
    done = run(
        "dataset=customers",
        f"dataset.path={tmp_path}/panel.csv",
        *options,
        folder=tmp_path / "run",
        store=store,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "panel: 2 segments" in done.stdout and "the model left 1 of its clusters empty" in done.stdout
    page = (tmp_path / "run" / "report.html").read_text()
    assert "<title>panel: 2 segments" in page and "<h1>60 customers in 2 segments" in page
    assert len(pd.read_csv(tmp_path / "run" / "segments.csv")) == 2
    assert compare.main([*store.overrides, "dataset=panel"]) == 0
    assert "3 (2 segments)" in capsys.readouterr().out


@pytest.fixture(scope="module")
def inside(tmp_path_factory):
    """One run on sample data into a directory that holds the store: the directory, the store, what was printed."""
    folder = tmp_path_factory.mktemp("inside")
    store = Store(f"sqlite:///{folder}/mlflow.db", "inside")
    done = run("dataset=customers", "k=3", "selection.k_range=[3]", folder=folder, store=store)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder, store, done.stdout


def test_a_data_set_without_its_file_runs_on_its_sample_and_says_so(inside):
    folder, store, said = inside
    assert "SAMPLE DATA" in said
    assert "SAMPLE DATA" in (folder / "report.html").read_text()
    assert store.only_run()[1].data.tags["data"] == "sample"


def test_a_run_directory_that_holds_the_store_is_not_copied_into_itself(inside):
    folder, store, _ = inside
    assert store.only_run()[1].info.status == "FINISHED"
    assert list(folder.rglob("segments.csv")) and not list(folder.glob("mlartifacts/**/mlflow.db"))


@pytest.mark.parametrize("dataset", ["flo", "online_retail", "online_retail_ii", "transactions"])
def test_every_sample_can_be_segmented(dataset, tmp_path):
    result = segmented(f"dataset={dataset}", "k=3", "selection.k_range=[3]", f"data_dir={tmp_path}")
    assert "SAMPLE DATA" in notes(result)
    assert len(result.segments) == 3


def test_automatic_k_is_explained():
    result = segmented("dataset=toy", "dataset.customers=400")
    finished = result._finished.result
    assert "rules vote for 4 segments" in finished.k_reason
    votes = finished.votes.set_index("rule")["k"]
    assert votes["Calinski-Harabasz"] == votes["silhouette"] == votes["borders"] == 4
    assert result.k == 4


def test_a_clusterer_without_predict_says_how_new_customers_are_placed():
    result = segmented("dataset=toy", "model=agglomerative", "k=4", "selection.k_range=[4]")
    assert "nearest customer of the training" in notes(result) and "100.0%" in notes(result)


def test_noise_of_hdbscan_is_a_segment_called_noise(tmp_path):
    result = segmented(
        "dataset=flo", "model=hdbscan", "k=5", "model.min_cluster_size=20", f"data_dir={tmp_path}"
    )
    assert result.segments.iloc[-1][["segment", "name"]].tolist() == [-1, "noise"]
    assert "k=5 was not used" in notes(result)


WRONG = {
    "k=1": ["k=1", "at least 2, or auto"],
    "k=abc": ["k=abc", "at least 2, or auto"],
    "k=2.5": ["k=2.5", "at least 2, or auto"],
    "seed=-1": ["seed=-1", "from 0 to"],
    "dataset=flow": ["dataset=flow", "expected one of flo, "],
    "model=kmean": ["model=kmean", "expected one of kmeans, "],
    "scaler=stand": ["scaler=stand", "standard"],
    "kk=4": ["kk", "unknown key", "k, "],
    "+foo=1": ["foo=1", "unknown key"],
    "dataset.pth=x": ["dataset.pth", "dataset.path, "],
    "recipe.features=[recency_day]": ["'recency_day'", "expected one of recency_days, "],
    "recipe.features=[{orders: log}]": ["'log'", "log1p"],
    "cleaning.steps=[drop_duplicate]": ["'drop_duplicate'", "drop_duplicates, "],
    "selection.k_range=[1,2]": ["selection.k_range", "at least 2"],
    "recipe.as_of=monday": ["recipe.as_of=monday", "a date"],
    "engine.threads=0": ["engine.threads=0", "at least 1"],
    "model.n_init=0": ["model.n_init=0: expected", "in the range [1, inf)"],
    "+model.foo=1": ["model", "'foo'"],
}


@pytest.mark.parametrize("override", WRONG)
def test_a_wrong_value_is_an_error_that_names_key_value_and_valid_ones(override, monkeypatch):
    monkeypatch.setattr("seg.pipeline.flow.segment", None)  # refused before any data is read
    error = refusal(override)
    assert [text for text in WRONG[override] if text not in error] == []


def test_a_wrong_value_ends_the_command_with_its_error_alone(tmp_path):
    done = run("k=1", folder=tmp_path / "run")
    assert done.returncode == 1
    assert "at least 2, or auto" in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr and "read toy" not in done.stdout


def test_a_recipe_that_the_data_set_cannot_serve_is_refused_before_reading(monkeypatch):
    monkeypatch.setattr("seg.pipeline.flow.segment", None)
    assert "dataset=flo cannot serve the feature 'products'" in refusal("dataset=flo", "recipe=behaviour")


BAD_FILES = {
    "missing column": ("cust,ordered_at,amount\na,2024-01-02,3\n", [], ["missing column 'customer_id' (nearest: cust"]),
    "wrong type": ("customer_id,ordered_at,amount\na,2024-01-02,3x\n", [], ["row 1", "'3x'"]),
    "header only": ("customer_id,ordered_at,amount\n", [], ["a header but no rows"]),
    "empty file": ("", [], ["empty"]),
    "one customer": ("customer_id,ordered_at,amount\na,2024-01-02,3\n", [], ["customers"]),
    "fewer customers than k": (
        "customer_id,ordered_at,amount\na,2024-01-02,3\nb,2024-02-02,5\nc,2024-03-02,9\n", ["k=4"], ["k=4", "only 3 customers"]
    ),
    "all alike": (
        "customer_id,ordered_at,amount\na,2024-01-02,3\nb,2024-01-02,3\nc,2024-01-02,3\n", [], ["nothing tells them apart"]
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_bad_file_is_an_error_that_names_what_is_wrong(name, tmp_path):
    content, overrides, expected = BAD_FILES[name]
    (tmp_path / "orders.csv").write_text(content)
    error = refusal("dataset=transactions", f"dataset.path={tmp_path}/orders.csv", *overrides)
    assert [text for text in expected if text not in error] == []


def test_a_run_on_a_bad_file_is_failed_with_its_error(tmp_path, store):
    content, _, (expected,) = BAD_FILES["missing column"]
    (tmp_path / "orders.csv").write_text(content)
    done = run(
        "dataset=transactions", f"dataset.path={tmp_path}/orders.csv", folder=tmp_path / "run", store=store
    )
    assert done.returncode == 1
    assert expected in done.stdout + done.stderr and "Traceback" not in done.stdout + done.stderr
    assert not (tmp_path / "run" / "segments.csv").exists()
    _, found = store.only_run()
    assert found.info.status == "FAILED"
    assert expected in found.data.tags["error"]


def test_bad_rows_that_are_skipped_are_counted_and_kept(tmp_path):
    good = "".join(
        f"c{i % 40},2024-{1 + i % 12:02d}-{1 + i % 28:02d},{1 + (i * 37) % 91}\n" for i in range(300)
    )
    (tmp_path / "orders.csv").write_text(
        "customer_id,ordered_at,amount\n" + good + "c1,oops,3\nc2,2024-01-02\n"
    )
    done = run(
        "dataset=transactions",
        f"dataset.path={tmp_path}/orders.csv",
        "dataset.bad_rows=skip",
        "k=3",
        folder=tmp_path / "run",
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 rows could not be read and were left out" in done.stdout
    assert len(pd.read_csv(tmp_path / "run" / "bad_rows.csv")) == 2
    assert pd.read_csv(tmp_path / "run" / "ledger.csv")["rows"].iloc[0] == 300


def test_an_output_directory_that_cannot_be_written_is_said(tmp_path):
    (tmp_path / "file").write_text("")
    done = run("dataset=toy", "k=4", folder=tmp_path / "file" / "run")
    assert done.returncode == 1
    assert "hydra.run.dir" in done.stderr and "Traceback" not in done.stderr


def test_a_constant_feature_is_said_and_does_not_matter(tmp_path):
    rows = "".join(f"c{i},{i % 7},1,{i % 5}\n" for i in range(60))
    (tmp_path / "c.csv").write_text("id,a,b,c\n" + rows)
    own = [f"dataset.path={tmp_path}/c.csv", "dataset.id=id", "dataset.features=[a,b,c]"]
    assert "b: the same for every customer" in notes(segmented("dataset=customers", *own, "k=3"))


def test_own_orders_need_only_customer_date_and_amount(tmp_path):
    rows = "".join(
        f"c{i % 50};{1 + i % 28:02d}.{1 + i % 12:02d}.2024;{(i * 13) % 97},50\n" for i in range(400)
    )
    (tmp_path / "orders.csv").write_text("kunde;datum;betrag\n" + rows)
    result = segmented(
        "dataset=transactions", f"dataset.path={tmp_path}/orders.csv", "dataset.columns.customer_id=kunde",
        "dataset.columns.ordered_at=datum", "dataset.columns.amount=betrag", "dataset.date_format='%d.%m.%Y'",
        "dataset.delimiter=;", "dataset.decimal=','", "k=3",
    )  # fmt: skip
    assert result.segments["size"].sum() == 50


def test_an_interrupted_run_ends_killed(tmp_path, store):
    options = ["dataset=toy", "dataset.customers=20000", "selection.k_range=2..40"]
    with command_line.started(*command(*options, folder=tmp_path / "run", store=store)) as (
        process,
        said,
    ):
        while "features" not in said():
            assert process.is_alive(), said()
            time.sleep(0.05)
        time.sleep(0.5)
        process.terminate()
        process.join(120)
        assert process.exitcode == 130, said() + said("err")
    _, found = store.only_run()
    assert found.info.status == "KILLED"
    assert not (tmp_path / "run" / "segments.csv").exists()


def test_the_same_seed_gives_the_same_bytes(toy, tmp_path):
    done = run(*TOY, folder=tmp_path / "again", figures=True)
    assert done.returncode == 0, done.stdout + done.stderr
    for name in ("segments.csv", "assignments.parquet", "ledger.csv", "figures/map.png"):
        assert (tmp_path / "again" / name).read_bytes() == (toy[0] / name).read_bytes(), name
