"""A run directory or a model from elsewhere is not trusted: nothing outside the directory is read, no code is run."""

import json
import os
import pickle
import zipfile

import importlib_metadata
import numpy as np
import pandas as pd
import pytest
from mlflow.utils import environment
from sklearn.cluster import Birch, KMeans
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from seg.config import compose
from seg.errors import SegError
from seg.models import skops_file
from seg.models.segmenter import Segmenter
from seg.score import model_card
from seg.sinks import run_tables
from seg.track import record, tracker


def left(folder, files):
    (folder / "tracking").mkdir(parents=True)
    kept = record.Record("seg", "toy", None, {}, {})
    kept.files = files
    (folder / "tracking" / "record.json").write_text(json.dumps(vars(kept)))
    return folder


@pytest.mark.parametrize(
    "name", ["../secret.txt", "figures/../../secret.txt", "/etc/hostname", "link.txt", "folder"]
)
def test_a_record_may_not_name_a_file_outside_its_run(tmp_path, name):
    (tmp_path / "secret.txt").write_text("secret")
    folder = left(tmp_path / "run", [name])
    (folder / "link.txt").symlink_to(tmp_path / "secret.txt")
    (folder / "folder").mkdir()
    (folder / "folder" / "link").symlink_to(tmp_path / "secret.txt")
    with pytest.raises(SegError, match="lies outside the directory of the run; nothing was uploaded"):
        record.read(folder)


@pytest.mark.parametrize("name", list(record.Record.__dataclass_fields__))
def test_a_record_of_other_types_is_refused(tmp_path, name):
    path = left(tmp_path / "run", []) / "tracking" / "record.json"
    record.read(path.parent.parent)
    wrong = (
        [["a"]]
        if name in ("files", "data")
        else {"a": [[]]}
        if name in ("params", "tags", "metrics")
        else 7.5
    )
    path.write_text(json.dumps(json.loads(path.read_text()) | {name: wrong}))
    with pytest.raises(SegError, match=f"{name} is not what seg writes"):
        record.read(path.parent.parent)


BILLIONS = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 20))


@pytest.mark.parametrize(
    "content", ["a: [1", "5", "[]", "a: ${", "dataset: 5", "dataset: {name: x}", BILLIONS]
)
def test_a_damaged_configuration_is_said_in_a_sentence(content):
    with pytest.raises(SegError, match=r"config\.yaml: not what a run saves"):
        compose.recompose(content, [])


@pytest.mark.parametrize("name", ["segments.csv", "k_scan.csv", "ledger.csv", "assignments.parquet"])
@pytest.mark.parametrize("content", [b"", b"\0\xffgarbage{"])
def test_a_damaged_file_of_a_run_is_named(tmp_path, name, content):
    (tmp_path / "run.json").write_text('{"run_id": "a"}')
    (tmp_path / name).write_bytes(content)
    table = {"assignments.parquet": "customers"}.get(name, name.partition(".")[0])
    with pytest.raises(SegError, match=f"{name}: cannot be read as seg writes it"):
        run_tables.gather(tmp_path, [table], {})


# ---- models --------------------------------------------------------------------------------------------------------


def fitted(clusterer, *steps):
    X = np.random.default_rng(0).normal(size=(60, 2)) + np.repeat([[0, 0], [8, 8], [0, 9]], 20, axis=0)
    X = pd.DataFrame(X, columns=["orders", "revenue"])
    return Pipeline([*steps, ("scale", StandardScaler()), ("cluster", Segmenter(clusterer))]).fit(X), X


@pytest.mark.parametrize("clusterer", [KMeans(3, n_init=1), Birch(n_clusters=3)])
def test_a_model_is_kept_without_pickles_and_answers_the_same(tmp_path, clusterer):
    pipeline, X = fitted(clusterer)
    name, content = skops_file.save(pipeline)
    (tmp_path / name).write_bytes(content)
    assert name == "model.skops"
    again, _ = skops_file.load(tmp_path / name)
    assert again.predict(X).tolist() == pipeline.predict(X).tolist()
    assert isinstance(pipeline[-1].clusterer_, type(clusterer)), "the fitted model itself stays as it is"


class Bomb:
    def __init__(self, place):
        self.place = place

    def __reduce__(self):
        return os.mkdir, (self.place,)


def test_a_pickle_is_loaded_with_trust_only_and_runs_nothing_before(tmp_path):
    (tmp_path / "model.pkl").write_bytes(pickle.dumps(Bomb(str(tmp_path / "ran"))))
    with pytest.raises(SegError, match=r"is a pickle, .* runs whatever code is in it.* trust=true"):
        skops_file.load(tmp_path / "model.pkl")
    assert not (tmp_path / "ran").exists()


def test_a_model_that_names_a_function_of_another_module_is_refused(tmp_path):
    from skops.io import dumps

    pipeline, _ = fitted(KMeans(2, n_init=1))
    pipeline.steps.insert(0, ("run", FunctionTransformer(os.system)))
    (tmp_path / "model.skops").write_bytes(dumps(pipeline))
    with pytest.raises(
        SegError, match=r"holds .*system, which is neither scikit-learn's nor seg's.* trust=true"
    ):
        skops_file.load(tmp_path / "model.skops")


@pytest.mark.parametrize("content", [b"", b"PK", b"no model"])
def test_a_damaged_model_is_said_in_a_sentence(tmp_path, content):
    (tmp_path / "model.skops").write_bytes(content)
    with pytest.raises(SegError, match="the model cannot be loaded"):
        skops_file.load(tmp_path / "model.skops")
    with pytest.raises(SegError, match="the model is missing"):
        skops_file.load(tmp_path / "none.skops")


def test_a_model_that_inflates_without_end_is_refused_before_it_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(skops_file, "LARGEST", 10_000)
    with zipfile.ZipFile(tmp_path / "model.skops", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("schema.json", " " * 20_000)
    with pytest.raises(
        SegError, match=r"inflates from .* to 20,000 bytes, more than a model may take \(10,000\)"
    ):
        skops_file.load(tmp_path / "model.skops")


CARD = {"dataset": "toy", "id": "customer_id", "currency": None, "fingerprint": "f", "seg": "1", "k": 1, "customers": 9, "features": {"a": []},
        "profile": [], "ranges": {"a": {"0": 0.0, "1": 9.0}}, "segments": [{"segment": 0, "name": "x", "size": 9, "share": 1.0}],
        "as_of": {"rule": None, "day": None, "oldest": None, "newest": None}}  # fmt: skip


@pytest.mark.parametrize("name", [*CARD, "fills", "outlook", "cells", "inner", "groups"])
def test_a_card_of_other_types_is_refused(tmp_path, name):
    path = tmp_path / "scoring.json"
    path.write_text(json.dumps(CARD))
    model_card.read(path)
    path.write_text(json.dumps(CARD | {name: [{"x": 5}]}))
    with pytest.raises(SegError, match=r"scoring\.json: not what seg .* writes \("):
        model_card.read(path)


def test_files_that_nest_without_end_are_refused(tmp_path):
    left(tmp_path, [])
    for name, read in {
        "scoring.json": lambda: model_card.read(tmp_path / "scoring.json"),
        "tracking/record.json": lambda: record.read(tmp_path),
        "run.json": lambda: run_tables.read_facts(tmp_path),
    }.items():
        (tmp_path / name).write_text("[" * 100_000)
        with pytest.raises(SegError, match=name.rpartition("/")[2]):
            read()


def test_saving_a_model_does_not_have_mlflow_map_all_packages(monkeypatch):
    check, asked = environment.warn_dependency_requirement_mismatches, []
    monkeypatch.setattr(importlib_metadata, "packages_distributions", lambda: asked.append(1) or {})
    with tracker._pins_unchecked():
        environment._process_pip_requirements([], ["numpy==1.0"])
    assert not asked and environment.warn_dependency_requirement_mismatches is check
