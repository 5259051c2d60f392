"""The evidence of a run: what is asked for is measured, shown, tracked; what is not possible is said."""

import os
import subprocess
from pathlib import Path

import mlflow
import pandas as pd
import pytest
from mlflow import MlflowClient

import command_line
from in_process import refusal, segmented
from seg.report import run_directory

CRITERIA = ["identifiable", "substantial", "stable", "better than noise", "predictive"]


def run(*overrides: str, folder: Path, uri: str | None = None) -> subprocess.CompletedProcess:
    where = f"tracking.uri={uri}" if uri else "tracking=none"
    return command_line.run(
        "seg.run", *overrides, where, f"hydra.run.dir={folder}", env=os.environ, timeout=500
    )


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    """The toy with all evidence, tracked."""
    scratch = tmp_path_factory.mktemp("evidence")
    uri = f"sqlite:///{scratch}/mlflow.db"
    done = run(
        "dataset=toy", "dataset.customers=400", "k=4", "selection.k_range=[4]", "evaluation.stability=true", "evaluation.repeats=6", "evaluation.null=20",
        "evaluation.holdout.cut=2024-09-01", folder=scratch / "run", uri=uri,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    client = MlflowClient(tracking_uri=uri)
    (tracked,) = client.search_runs([client.get_experiment_by_name("seg").experiment_id])
    return scratch / "run", tracked.data, done.stdout


def test_planted_segments_pass_every_criterion(toy):
    evidence = pd.read_csv(toy[0] / "evidence.csv")
    assert evidence["criterion"].tolist() == CRITERIA
    assert evidence["passed"].tolist() == [True] * 5
    assert evidence[["number", "threshold", "source"]].notna().all(axis=None)
    assert toy[1].tags["flagged"] == "no"


def test_the_evidence_is_on_the_page_and_in_the_terminal(toy):
    page = (toy[0] / "report.html").read_text()
    for criterion in CRITERIA:
        assert criterion in page and criterion in toy[2]
    for text in ("Hennig 2007", "rule RFM", "share explained"):
        assert text in page


def test_the_numbers_of_the_evidence_are_tracked(toy):
    values = toy[1].metrics
    assert values["stability/jaccard_min"] > 0.95
    assert values["stability/prediction_strength"] > 0.95
    assert values["stability/seed_agreement"] == pytest.approx(1)
    assert values["null/stretched_p"] == pytest.approx(1 / 21)
    assert values["null/stretched_mean"] < values["own/silhouette"]
    assert 0.4 < values["holdout/auc_random"] < 0.6 < values["holdout/auc"]
    assert {"own/silhouette_macro", "common/silhouette_macro"} <= set(values)


def test_each_segment_carries_its_silhouettes_and_its_stability(toy):
    segments = pd.read_csv(toy[0] / "segments.csv")
    assert (segments["jaccard"] > 0.95).all() and set(segments["stability"]) == {"highly stable"}
    mean = (segments["own_silhouette"] * segments["size"]).sum() / segments["size"].sum()
    assert mean == pytest.approx(toy[1].metrics["own/silhouette"])


def test_what_was_not_asked_for_says_how_to_ask():
    evidence = segmented("dataset=toy", "k=4", "selection.k_range=[4]").evidence.set_index("criterion")
    asked = evidence.loc[CRITERIA[2:]]
    assert asked["passed"].isna().all()
    text = asked.to_string(max_colwidth=None)
    assert "evaluation.stability=true" in text and "evaluation.null=20" in text


def test_the_verdict_of_several_cuts_states_the_spread():
    cuts = "evaluation.holdout.cut=[2024-06-01,2024-09-01]"
    result = segmented("dataset=toy", "dataset.customers=300", "k=4", "selection.k_range=[4]", cuts)
    predictive = result.evidence.set_index("criterion").loc["predictive", "number"]
    mean = result.metrics["holdout/over_rule_rfm_mean"]
    assert "The figures before are of the newest of 2 cuts (2024-06-01, 2024-09-01)" in predictive
    assert f"difference to rule RFM {mean:+.3f} on average (" in predictive
    assert f"standard deviation {result.metrics['holdout/over_rule_rfm_sd']:.3f})" in predictive
    assert result.metrics["holdout/cuts"] == 2


def test_customers_without_orders_have_no_hold_out(tmp_path):
    result = segmented(
        "dataset=flo",
        "k=3",
        "selection.k_range=[3]",
        "evaluation.holdout.cut=2020-06-01",
        f"data_dir={tmp_path}",
    )
    assert "not possible: one row per customer, no orders" in result.evidence.to_string(max_colwidth=None)


def test_one_giant_segment_is_flagged(tmp_path):
    rows = "".join(f"c{i},{i % 7},{i % 5}\n" for i in range(400)) + "big1,9000,9000\nbig2,9100,9050\n"
    (tmp_path / "c.csv").write_text("id,a,b\n" + rows)
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    done = run(
        "dataset=customers", f"dataset.path={tmp_path}/c.csv", "dataset.id=id", "dataset.features=[a,b]", "k=2",
        "selection.k_range=[2]",
        folder=tmp_path / "run", uri=uri,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "FLAGGED: segment 1 holds 99.5% of the customers" in done.stdout
    client = MlflowClient(tracking_uri=uri)
    (tracked,) = client.search_runs([client.get_experiment_by_name("seg").experiment_id])
    assert "99.5%" in tracked.data.tags["flagged"]


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("evaluation.holdout.cut=2030-01-01", "evaluation.holdout.cut=2030-01-01"),
        ("evaluation.holdout.cut=soon", "expected a day such as 2011-09-10"),
        ("evaluation.holdout.days=0", "from 1 to 3,650"),
        ("evaluation.null=-1", "from 0 to 10,000"),
        ("evaluation.repeats=1", "from 2 to 10,000"),
    ],
)
def test_a_wrong_request_is_an_error(override, expected):
    assert expected in refusal("dataset=toy", "k=4", override)


def test_the_tree_model_names_its_spaces_apart_and_its_model_places_new_customers(tmp_path):
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    done = run(
        "dataset=toy",
        "dataset.customers=400",
        "model=tree_svd_kmeans",
        "k=4",
        "selection.k_range=[4]",
        folder=tmp_path / "run",
        uri=uri,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "100.0% of the customers here" in done.stdout
    client = MlflowClient(tracking_uri=uri)
    (tracked,) = client.search_runs([client.get_experiment_by_name("seg").experiment_id])
    values = tracked.data.metrics
    assert values["embedding/silhouette"] != values["own/silhouette"]
    mlflow.set_tracking_uri(uri)
    model = mlflow.pyfunc.load_model(f"runs:/{tracked.info.run_id}/model")
    told = {"recency_days": [20.0, 300.0], "orders": [28.0, 2.0], "revenue": [18000.0, 150.0]}
    assert len(set(model.predict(pd.DataFrame(told))["segment"])) == 2


def test_a_target_that_is_not_in_the_recipe_lists_the_features():
    error = refusal("dataset=toy", "model=tree_svd_kmeans", "model.embed.target=revenu")
    assert "embed.target=revenu" in error and "expected one of revenue, " in error


def test_a_mixture_gives_membership_probabilities():
    result = segmented("dataset=toy", "model=gmm", "k=4", "selection.k_range=[4]")
    assignments = run_directory._assignments(result._finished.result)
    columns = [f"probability_{segment}" for segment in range(4)]
    assert list(assignments.columns) == ["customer_id", "segment", *columns]
    assert assignments[columns].sum(axis=1).to_numpy() == pytest.approx(1)
    assert (assignments[columns].to_numpy().argmax(axis=1) == assignments["segment"]).all()


@pytest.mark.real
@pytest.mark.umap
def test_the_embedding_of_insiders_is_as_published_and_its_feature_space_negative(real_data):
    metrics = segmented("experiment=insiders", "selection.k_range=[11]", f"data_dir={real_data}").metrics
    assert 0.40 < metrics["embedding/silhouette"] < 0.62
    assert metrics["own/silhouette"] < 0
