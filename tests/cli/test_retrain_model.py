"""A champion trained again on other data, from the store and back into it."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from mlflow import MlflowClient

import empty_store
from seg import retrain
from seg.cli import retrain_model, single_run
from seg.compare.challenge import Duel
from seg.config import folders
from seg.track import model_registry, promotion


def people(n: int, seed: int) -> pd.DataFrame:
    """Three clear groups of customers, so that every gate is passed."""
    rng = np.random.default_rng(seed)
    group = np.arange(n) % 3
    return pd.DataFrame(
        {
            "customer_id": [f"c{i}" for i in range(n)],
            "visits": np.array([2, 20, 60])[group] + rng.normal(0, 1, n),
            "spend": np.array([10, 200, 50])[group] + rng.normal(0, 3, n),
        }
    )


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """A champion of brand_a in a store of its own, and today's customers."""
    folder = tmp_path_factory.mktemp("retrain")
    uri = empty_store.at(folder)
    people(240, 1).to_csv(folder / "brand_a.csv", index=False)
    people(270, 2).to_csv(folder / "brand_a-today.csv", index=False)
    folders.prepare_environment()
    options = [
        "dataset=customers",
        f"dataset.path={folder}/brand_a.csv",
        "dataset.features=[visits,spend]",
        "k=3",
        "selection.k_range=[3]",
        "evaluation.repeats=5",
    ]
    done = single_run.tracked(single_run.compose([*options, f"tracking.uri={uri}"]), folder / "run")
    promotion.promote(uri, "brand_a", done.tracker.run_id, "first", {})
    return folder, uri


def again(store, name: str, *options: str) -> tuple[int, dict]:
    folder, uri = store
    given = [
        "model=models:/seg-brand_a@champion",
        f"dataset.path={folder}/brand_a-today.csv",
        f"tracking.uri={uri}",
    ]
    code = retrain.main([*given, f"output={folder / name}", *options])
    return code, json.loads((folder / name / "summary.json").read_text())


def test_a_challenger_that_is_not_worse_becomes_champion_and_names_stay(store, capsys):
    folder, uri = store
    client = MlflowClient(uri)
    code, told = again(store, "one", "promote=true", "fail_on=refused", "--json")
    assert code == 0 and told == json.loads(capsys.readouterr().out)
    assert told["verdict"] == "as good" and told["against"] == []
    assert told["kept"] == 1.0 and told["customers"] == 270
    tables = [pd.read_csv(folder / one / "segments.csv") for one in ("run", "one/run")]
    assert tables[0]["name"].tolist() == tables[1]["name"].tolist()
    assert told["promoted"] and told["previous_version"] == "1"
    version = model_registry.champion(client, "brand_a")
    assert str(version.version) == told["version"] == "2" and version.run_id == told["challenger"]
    assert "silhouette in the common space: challenger" in version.tags["champion.why"]
    assert version.tags["champion.by"]
    assert client.get_run(version.run_id).data.params["model"] == "kmeans", "known by the names of its parts"


@pytest.fixture(scope="module")
def by_region(store):
    """A champion with a model for each region, trained again with ``promote=true``."""
    folder, uri = store
    for name, n, seed in (("brand_g.csv", 300, 1), ("brand_g-today.csv", 330, 2)):
        place = np.arange(n)
        region = np.where(place % 10 == 0, "isle", np.where(place % 2, "north", "south"))
        people(n, seed).assign(region=region).to_csv(folder / name, index=False)
    options = [
        "dataset=customers", f"dataset.path={folder}/brand_g.csv", "dataset.features=[visits,spend]", "by=region",
        "groups.min_customers=60", "k=3", "selection.k_range=[3]",
    ]  # fmt: skip
    done = single_run.tracked(single_run.compose([*options, f"tracking.uri={uri}"]), folder / "run_g")
    promotion.promote(uri, "brand_g", done.tracker.run_id, "first", {})
    arguments = [
        "model=models:/seg-brand_g@champion", f"dataset.path={folder}/brand_g-today.csv", f"tracking.uri={uri}",
        f"output={folder}/again_g", "promote=true", "fail_on=refused",
    ]  # fmt: skip
    assert retrain.main(arguments) == 0
    return folder


def test_a_router_that_is_worse_nowhere_becomes_champion(store, by_region):
    summary = json.loads((by_region / "again_g/summary.json").read_text())
    assert summary["promoted"] and summary["verdict"] == "as good" and summary["against"] == []
    assert summary["groups_by_verdict"] == {"as good": 3} and summary["customers"] == 330
    version = model_registry.champion(MlflowClient(store[1]), "brand_g")
    assert str(version.version) == "2" and version.run_id == summary["challenger"]
    assert "mean of the groups: challenger" in version.tags["champion.why"]


def test_the_table_by_group_has_a_row_for_each_model_and_segments_keep_their_names(by_region):
    table = pd.read_csv(by_region / "again_g/by_group.csv").set_index("group")
    assert set(table.index) == {"north", "south", "(common)"} and table["customers"].sum() == 330
    assert (table.loc[["north", "south"], "model_champion"] == ["north", "south"]).all()
    assert (table["low"] <= table["difference"]).all() and (table["difference"] <= table["high"]).all()
    assert (table["kept"] == 1).all() and (table["k"] == 3).all() and (table["challenger"] > 0.3).all()
    before, after = (
        pd.read_csv(by_region / one / "segments.csv").set_index(["model", "segment_of_model"])["name"]
        for one in ("run_g", "again_g/run")
    )
    assert before.equals(after) and len(before) == 9
    matched = pd.read_csv(by_region / "again_g/matching.csv")
    assert len(matched) == 9 and (matched["matched"] == matched["model"] + ": " + matched["name"]).all()


def test_nothing_is_promoted_unasked_or_against_a_gate():
    done = SimpleNamespace(refused=None, tracker=SimpleNamespace(run_id="r"))
    good, bad = Duel("x", 0.3, 0.3, -0.1, 0.1), Duel("x", 0.1, 0.3, -0.3, -0.1)
    for asked, duel, reason in (
        ("false", good, "promote=true was not passed"),
        ("true", bad, "it is worse"),
        ("true", Duel("x", 0.3, 0.3, -0.1, 0.1, ["noise p 0.30"]), "does not pass the gates"),
    ):
        told = retrain_model.promoted({"promote": asked}, None, done, duel, {})
        assert not told["promoted"] and reason in told["why_not"]


def test_what_cannot_be_is_said_before_anything_is_trained(store, capsys):
    folder, uri = store
    assert retrain.main(["promote=true"]) == 1 and retrain.main(["model=x", "promote=yes"]) == 1
    model = "model=models:/seg-brand_a@champion"
    assert retrain.main([model, f"tracking.uri={uri}", "dataset.name=brand_b"]) == 1
    assert retrain.main([model, f"tracking.uri={uri}", "k=5"]) == 1
    assert retrain.main([model, f"tracking.uri={uri}", f"output={folder}"]) == 1
    said = capsys.readouterr().err
    for text in (
        "model=... is required",
        "promote=yes: expected one of",
        "was trained on brand_a",
        "k=5: is part of the model",
        "choose another",
    ):
        assert text in said
