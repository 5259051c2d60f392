"""A model used tomorrow: new customers get the segment that today's got, or the reason why not."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from omegaconf import OmegaConf

import command_line
from seg.config import compose, load
from seg.errors import SegError
from seg.pipeline import check, flow
from seg.score import __main__ as score
from seg.score import input_rows, model_card, replay
from seg.score import scorer as scoring
from seg.sources import tables
from seg.track import find_model, store

ROOT = Path(__file__).resolve().parents[2]
ORDERS = ROOT / "datasets" / "transactions" / "sample.csv"


def train(folder: Path, *overrides: str) -> tuple[Path, flow.Result]:
    """Train without figures and report, and leave what scoring needs in the directory."""
    load.prepare_environment()
    cfg = compose.compose([*overrides, "tracking=none", "selection.k_range=[4]"])
    settings = load.settings(cfg)
    result = flow.segment(settings, compose.instantiate_parts(cfg))
    folder.mkdir(parents=True, exist_ok=True)
    model_card.write(result, settings.preparation, settings.tracking, folder)
    (folder / "config.yaml").write_text(OmegaConf.to_yaml(cfg, resolve=False))
    return folder, result


@pytest.fixture(scope="module")
def orders(tmp_path_factory):
    """k-means on the sample of transactions, with the segments of its own training."""
    return train(tmp_path_factory.mktemp("orders"), "dataset=transactions", "k=4")


def scored(model: Path, given: Path, folder: Path, *overrides: str, name="scored.parquet") -> pd.DataFrame:
    assert score.main([f"model={model}", f"input={given}", f"output={folder / name}", *overrides]) == 0
    read = pd.read_csv if name.endswith("csv") else pd.read_parquet
    return read(folder / name).set_index("customer_id")


def refused(capsys, model: Path, given: Path, folder: Path, *overrides: str) -> str:
    """Score what cannot be scored: returns what was said, nothing is left."""
    assert score.main([f"model={model}", f"input={given}", f"output={folder / 'no.csv'}", *overrides]) == 1
    assert not list(folder.glob("*no.csv*"))
    return capsys.readouterr().err


def table_of(result: flow.Result) -> pd.DataFrame:
    return result.table.frame[result.table.features].reset_index()


# ---- what a run leaves -------------------------------------------------------------------------------------------


def test_the_contract_says_what_the_model_needs(orders):
    folder, result = orders
    written = json.loads((folder / "scoring.json").read_text())
    assert written["features"] == {"recency_days": [], "orders": ["log1p"], "revenue": ["log1p"]}
    assert written["ranges"]["orders"]["0"] == result.table.frame["orders"].min()
    assert written["ranges"]["revenue"]["1"] == result.table.frame["revenue"].max()
    assert [row["size"] for row in written["segments"]] == np.bincount(result.labels).tolist()
    assert written["as_of"]["rule"] == 1
    assert written["as_of"]["day"] == str(result.table.as_of) > written["as_of"]["newest"]


# ---- from raw rows -----------------------------------------------------------------------------------------------


def test_the_customers_of_training_get_their_segments_again_from_raw_orders(orders, tmp_path, capsys):
    folder, result = orders
    found = scored(folder, ORDERS, tmp_path)
    assert found.loc[result.table.frame.index, "segment"].tolist() == result.labels.tolist()
    assert not found["outside"].any() and found["reason"].isna().all()
    at = result.X - result.scan.fitted[4].centers_[result.labels]
    assert found["distance"].to_numpy() == pytest.approx(np.linalg.norm(at, axis=1))
    said = capsys.readouterr().out
    assert f"recency is counted from {result.table.as_of}" in said
    assert "index of the shares 0.000" in said
    for size in np.bincount(result.labels):
        assert f" {size:,} " in said, "the table has the customers of each segment"


def test_one_customer_alone_gets_what_the_batch_gave_when_the_day_is_said(orders, tmp_path, capsys):
    folder, _ = orders
    rows = pd.read_csv(ORDERS, dtype=str)
    busiest = rows["customer_id"].value_counts().index[0]
    alone = tmp_path / "alone.csv"
    rows[rows["customer_id"] == busiest].to_csv(alone, index=False)
    found = scored(folder, alone, tmp_path, "as_of=frozen")
    batch = scored(folder, ORDERS, tmp_path, name="batch.parquet")
    pd.testing.assert_series_equal(found.loc[busiest], batch.loc[busiest])


def test_an_extract_is_noticed(orders, tmp_path, capsys):
    folder, _ = orders
    rows = pd.read_csv(ORDERS, dtype=str)
    early = tmp_path / "early.csv"
    rows[rows["ordered_at"] < "2024-03"].to_csv(early, index=False)
    scored(folder, early, tmp_path)
    said = capsys.readouterr().out
    assert "pass as_of=YYYY-MM-DD" in said and "score as long a history" in said
    assert "not judged, this looks like an extract" in said


@pytest.mark.parametrize(("first", "said"), [(700, 0), (400, 0), (300, 1)])
def test_a_history_of_another_length_is_said_from_twice_or_half_of_it(first, said):
    newest = date(2026, 1, 1)
    days = {"oldest": newest - timedelta(days=699), "newest": newest}
    table = SimpleNamespace(oldest=newest - timedelta(days=first - 1), newest=newest, as_of=newest)
    assert len(replay.extract(table, SimpleNamespace(date=days.get), "rule")) == said


def test_a_cleaning_step_that_learns_from_the_rows_is_named(tmp_path, capsys):
    steps = "cleaning.steps=[{drop_missing: {columns: [customer_id]}}, {iqr_cap: {columns: [amount]}}]"
    folder, _ = train(tmp_path / "model", "dataset=transactions", "k=3", steps)
    scored(folder, ORDERS, tmp_path)
    assert "cleaning step iqr_cap caps values at quartiles" in capsys.readouterr().out


def test_orders_in_another_form_are_read_by_another_data_set(orders, tmp_path):
    folder, result = orders
    renamed = tmp_path / "renamed.csv"
    pd.read_csv(ORDERS, dtype=str).rename(columns={"customer_id": "who"}).to_csv(
        renamed, index=False, sep=";"
    )
    more = ["dataset.columns.customer_id=who", "dataset.delimiter=;"]
    found = scored(folder, renamed, tmp_path, *more)
    assert found.loc[result.table.frame.index, "segment"].tolist() == result.labels.tolist()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["as_of=yesterday"], "as_of=yesterday: expected rule, frozen, or a day"),
        (["as_of=2020-01-01"], r"the newest order \(.*\) is later than `as_of`"),
        (["k=5"], "k=5: is part of the model, which is used as it was trained"),
        (["dataset.colums=1"], "dataset.colums=1: unknown key; expected one of dataset.columns"),
        (["forse=true"], "forse=true: unknown option; do you mean force=true[?]"),
        (["force=maybe"], "force=maybe: expected one of"),
        (["id=who"], "id=who: only for a table of features"),
    ],
)
def test_wrong_options_are_refused(orders, tmp_path, capsys, given, said):
    assert re.search(said, refused(capsys, orders[0], ORDERS, tmp_path, *given))


# ---- from a table of features --------------------------------------------------------------------------------------


def test_a_table_of_features_in_any_order_and_form_gives_the_same(orders, tmp_path):
    folder, result = orders
    table = table_of(result)
    table = table.assign(orders=table["orders"].astype(int), remark="x")[
        ["remark", "revenue", "customer_id", "orders", "recency_days"]
    ]
    table.to_csv(tmp_path / "f.csv", index=False)
    table.to_csv(tmp_path / "f.csv.gz", index=False)
    table.rename(columns={"customer_id": "who"}).to_parquet(tmp_path / "f.parquet")
    parquet = scored(folder, tmp_path / "f.parquet", tmp_path, "id=who")
    assert parquet["segment"].tolist() == result.labels.tolist()
    for form in ("f.csv", "f.csv.gz"):
        found = scored(folder, tmp_path / form, tmp_path, "force=true", name="scored.csv")
        assert found["segment"].tolist() == result.labels.tolist()
        assert found["distance"].to_numpy() == pytest.approx(parquet["distance"].to_numpy(), rel=1e-12)


def test_values_beyond_training_are_flagged_and_missing_ones_get_no_segment(orders, tmp_path, capsys):
    folder, result = orders
    bounds = result.table.frame[result.table.features].agg(["min", "max"])
    low, high = bounds.loc["min"].to_numpy(), bounds.loc["max"].to_numpy()
    rows = {"greatest": high, "rich": high + np.array([0, 0, 1]), "odd": [low[0] - 1, high[1] + 1, low[2]]}
    rows |= {"nobody": [high[0], np.nan, low[2]], "endless": [low[0], low[1], np.inf]}
    table = pd.DataFrame(rows, index=list(result.table.features)).T
    table.rename_axis("customer_id").reset_index().to_parquet(tmp_path / "f.parquet")
    found = scored(folder, tmp_path / "f.parquet", tmp_path)
    assert found["outside"].tolist() == [False, True, True, False, False]
    assert found["outside_features"].fillna("").tolist() == ["", "revenue", "recency_days, orders", "", ""]
    assert found["segment"].isna().tolist() == [False, False, False, True, True]
    assert found["reason"].fillna("").tolist() == [
        "",
        "",
        "",
        "missing or not finite: orders",
        "missing or not finite: revenue",
    ]
    assert "NO SEGMENT  2 customers lack a feature" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda t: t.drop(columns=["orders", "revenue"]),
            "f.csv has no orders, revenue; .* needs recency_days, orders, revenue",
        ),
        (lambda t: t.drop(columns="customer_id"), "has no column customer_id that names the customers"),
        (lambda t: pd.concat([t, t.head(2)]), "2 customers come more than once, such as"),
        (lambda t: t.head(0), "the input has no row"),
        (lambda t: t.assign(revenue="much"), "f.csv: column 'revenue' holds 'much', expected numbers"),
        (lambda t: t.assign(customer_id=""), "row 1 has no customer id"),
    ],
)
def test_a_table_that_cannot_be_scored_is_refused(orders, tmp_path, capsys, change, said):
    change(table_of(orders[1])).to_csv(tmp_path / "f.csv", index=False)
    assert re.search(said, refused(capsys, orders[0], tmp_path / "f.csv", tmp_path))


def test_the_column_that_named_the_customers_in_training_comes_first_and_must_be_exact(tmp_path):
    path = tmp_path / "f.parquet"
    scorer = SimpleNamespace(contract=SimpleNamespace(id="id"), check=lambda *_: None, features=["a"])
    pd.DataFrame({"customer_id": ["x"], "id": [17850.0], "a": [1.0]}).to_parquet(path)
    (((ids, _),)) = list(input_rows._features(input_rows.Input(str(path)), scorer))
    assert ids.to_pylist() == ["17850"]
    pd.DataFrame({"id": [2.0**53], "a": [1.0]}).to_parquet(path)
    with pytest.raises(SegError, match="the ids are floats, which keep 15 to 16 digits"):
        list(input_rows._features(input_rows.Input(str(path)), scorer))


def test_customers_that_the_number_of_their_row_names_are_scored_so_and_need_no_true_segment(tmp_path):
    rng = np.random.default_rng(0)
    blobs = pd.DataFrame(
        rng.normal(size=(80, 2)) + np.repeat([[0, 0], [0, 9], [9, 0], [9, 9]], 20, axis=0), columns=["a", "b"]
    )
    blobs.assign(kind=["w"] * 20 + ["x"] * 20 + ["y"] * 20 + [None] * 20).to_csv(
        tmp_path / "own.csv", index=False
    )
    model, result = train(
        tmp_path / "run", "dataset=customers", f"dataset.path={tmp_path}/own.csv", "dataset.id=row", "dataset.features=[a,b]",
        "dataset.truth=kind", "k=4",
    )  # fmt: skip
    assert result.metrics["truth/adjusted_rand"] == 1
    blobs.to_csv(tmp_path / "own-new.csv", index=False)
    segments = scored(model, tmp_path / "own-new.csv", tmp_path, name="s.csv")["segment"]
    assert segments.loc[result.table.frame.index.astype(int)].tolist() == result.labels.tolist()


def test_missing_numbers_may_be_written_in_words(tmp_path):
    (tmp_path / "f.csv").write_text("a,customer_id\nNone,x\nNULL,y\n<NA>,z\n1,None of us\n")
    (((ids, frame),)) = list(tables.batches([tmp_path / "f.csv"], "customer_id", ["a"]))
    assert frame["a"].isna().tolist() == [True, True, True, False] and ids.to_pylist()[3] == "None of us"


def test_rows_of_no_kind_name_both_what_is_missing(orders, tmp_path, capsys):
    pd.DataFrame({"customer_id": ["a"], "visits": [1]}).to_csv(tmp_path / "f.csv", index=False)
    said = refused(capsys, orders[0], tmp_path / "f.csv", tmp_path)
    assert "missing column 'ordered_at'" in said
    assert "as a table of features" in said and "recency_days, orders, revenue" in said


def test_a_generated_data_set_names_the_file_that_it_cannot_read():
    dataset, scorer = SimpleNamespace(files=[], name="toy"), SimpleNamespace(features=["orders"])
    with pytest.raises(SegError, match=r"input=a.csv: dataset=toy is generated .*\(orders\)"):
        input_rows._needed(dataset, scorer, SimpleNamespace(names=["a.csv", "b.csv"]))


def test_an_output_that_is_there_stays_unless_forced(orders, tmp_path, capsys):
    (tmp_path / "scored.csv").write_text("precious")
    target = f"output={tmp_path / 'scored.csv'}"
    assert score.main([f"model={orders[0]}", f"input={ORDERS}", target]) == 1
    assert "replace it with if_exists=replace" in capsys.readouterr().err
    assert (tmp_path / "scored.csv").read_text() == "precious"
    assert score.main([f"model={orders[0]}", f"input={ORDERS}", target, "force=true"]) == 0


def test_the_input_is_never_overwritten(orders, tmp_path, capsys):
    given = tmp_path / "f.csv"
    table_of(orders[1]).to_csv(given, index=False)
    before = given.read_bytes()
    assert score.main([f"model={orders[0]}", f"input={given}", f"output={given}", "force=true"]) == 1
    assert "is the input; choose another name" in capsys.readouterr().err
    assert given.read_bytes() == before


def test_files_of_a_folder_are_scored_together_and_each_customer_once(orders, tmp_path, capsys):
    folder, result = orders
    table, parts = table_of(result), tmp_path / "parts"
    parts.mkdir()
    for place in range(3):
        table.iloc[place::3].to_parquet(parts / f"{place}.parquet")
    found = scored(folder, parts, tmp_path)
    assert found.loc[result.table.frame.index, "segment"].tolist() == result.labels.tolist()
    table.head(1).to_parquet(parts / "again.parquet")
    assert "1 customers come more than once" in refused(capsys, folder, parts, tmp_path)


def test_a_directory_without_a_model_says_what_is_missing(tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    assert "scoring.json, config.yaml, model.skops is missing" in refused(
        capsys, tmp_path / "empty", ORDERS, tmp_path
    )
    assert "no such directory, and no name of a model" in refused(capsys, Path("seg-flo"), ORDERS, tmp_path)


# ---- from the registry ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def registered(tmp_path_factory):
    """A tracked run of the toy data set, registered as the champion: store, run id, feature table."""
    folder = tmp_path_factory.mktemp("registered")
    uri = f"sqlite:///{folder}/mlflow.db"
    asked = ["dataset=toy", "dataset.customers=300", "k=4", "selection.k_range=[4]"]
    done = command_line.run("seg.run", *asked, f"tracking.uri={uri}", f"hydra.run.dir={folder}/run")
    assert done.returncode == 0, done.stdout + done.stderr
    client = store.client(uri)
    (run,) = client.search_runs([client.get_experiment_by_name("seg").experiment_id])
    model = run.outputs.model_outputs[0].model_id
    client.create_registered_model("seg-toy")
    client.create_model_version("seg-toy", f"models:/{model}", run.info.run_id)
    client.set_registered_model_alias("seg-toy", "champion", "1")
    return uri, run.info.run_id, client.get_logged_model(model).artifact_location


def test_a_model_goes_by_alias_version_run_and_model_uri(registered, tmp_path):
    uri, run_id, _ = registered
    for reference in (
        "models:/seg-toy@champion",
        "models:/seg-toy/1",
        run_id,
        run_id[:8],
        f"runs:/{run_id}/model",
    ):
        found = find_model.find(reference, uri, tmp_path)
        assert found.run_id == run_id
        scorer = scoring.load(found)
        assert scorer.features == ["recency_days", "orders", "revenue"] and len(scorer.contract.segments) == 4
    assert find_model.find("models:/seg-toy@champion", uri, tmp_path).label == "seg-toy version 1 (champion)"


def test_the_command_scores_by_the_champion_of_a_store(registered, tmp_path, capsys):
    uri, _, _ = registered
    rows = pd.DataFrame(
        {"customer_id": ["a", "b"], "recency_days": [3, 300], "orders": [30, 1], "revenue": [5000.5, 20]}
    )
    rows.to_csv(tmp_path / "f.csv", index=False)
    asked = ["model=models:/seg-toy@champion", f"input={tmp_path / 'f.csv'}", f"output={tmp_path / 's.csv'}"]
    done = command_line.run("seg.score", *asked, env=command_line.clean_environment(MLFLOW_TRACKING_URI=uri))
    assert done.returncode == 0, done.stderr
    assert "seg-toy version 1 (champion)" in done.stdout
    assert pd.read_csv(tmp_path / "s.csv")["segment"].notna().all()
    asked[0] = "model=models:/seg-toy@chamption"
    assert score.main([*asked, "force=true", f"tracking.uri={uri}"]) == 1
    assert "no version has that alias; seg-toy has champion" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ("models:/seg-tox@champion", "not registered in .*, which has seg-toy"),
        ("models:/seg-toy@chmpion", "no version has that alias; seg-toy has champion"),
        ("models:/seg-toy/7", "no such version; seg-toy has 1"),
        ("0" * 32, "not in sqlite:.*0000"),
        ("toy", "no such directory, and no name of a model; expected models:/"),
    ],
)
def test_a_model_that_is_not_there_is_told_with_those_that_are(registered, tmp_path, reference, said):
    with pytest.raises(SegError, match=said):
        find_model.find(reference, registered[0], tmp_path)


def test_a_model_that_was_trained_on_spark_scores_what_duckdb_has_counted(orders):
    folder, _ = orders
    trained = compose.compose(["dataset=transactions", "engine=spark", "model=mllib_kmeans"])
    cfg = compose.recompose(OmegaConf.to_yaml(trained), ["engine=duckdb"])
    with pytest.raises(SegError, match="is fitted on Spark"):
        check.check_parts(load.settings(cfg))
    learned = model_card.read(folder / "scoring.json")
    check.check_parts(replay.for_scoring(load.settings(cfg), learned, "rule"))


def test_a_deleted_artifact_says_which_and_what_to_do(registered, tmp_path):
    uri, _, location = registered
    lost = Path(location) / "model.skops"
    kept = lost.read_bytes()
    lost.unlink()
    try:
        with pytest.raises(SegError, match=r"its model.skops cannot be read from .* train it again"):
            find_model.find("models:/seg-toy@champion", uri, tmp_path)
    finally:
        lost.write_bytes(kept)


def test_a_server_that_is_down_is_said_so(tmp_path):
    with pytest.raises(SegError, match="no server answers there; start it"):
        find_model.find("0" * 32, "http://127.0.0.1:9", tmp_path)


# ---- served ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def served(registered, tmp_path_factory):
    """The champion behind MLflow's scoring server, in an environment that has no seg: its address."""
    uri, _, _ = registered
    block = tmp_path_factory.mktemp("without_seg")
    (block / "sitecustomize.py").write_text(
        "import sys\n\n\n"
        "class NoSeg:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.partition('.')[0] == 'seg':\n"
        "            raise ModuleNotFoundError(name)\n\n\n"
        "sys.meta_path.insert(0, NoSeg())\n"
    )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    environment = os.environ | {"MLFLOW_TRACKING_URI": uri, "PYTHONPATH": str(block)}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    line = [sys.executable, "-m", "mlflow", "models", "serve", "-m", "models:/seg-toy@champion"]
    line += ["--env-manager", "local", "--host", "127.0.0.1", "--port", port]
    with (
        open(block / "log", "w") as log,
        subprocess.Popen(line, env=environment, stdout=log, stderr=log, start_new_session=True) as server,
    ):
        try:
            for _ in range(900):
                if server.poll() is not None or curl(f"http://127.0.0.1:{port}/ping").returncode == 0:
                    break
                time.sleep(0.1)
            assert server.poll() is None, (block / "log").read_text()
            yield f"http://127.0.0.1:{port}/invocations"
        finally:
            os.killpg(server.pid, signal.SIGTERM)


def curl(*arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run(["curl", "-sS", "--max-time", "20", *arguments], capture_output=True, text=True)


def posted(address: str, kind: str, body: str) -> dict:
    return json.loads(curl(address, "-H", f"Content-Type: {kind}", "--data-binary", body).stdout)


def test_the_served_champion_answers_json_and_csv_as_seg_score_does(registered, served, tmp_path):
    uri, _, _ = registered
    rows = pd.DataFrame({"recency_days": [3, 300], "orders": [30, 1], "revenue": [5000.5, 20]})
    scorer = scoring.load(find_model.find("models:/seg-toy@champion", uri, tmp_path))
    placed = scorer.place(rows)
    expected = [
        {"segment": segment, "name": name, "distance": pytest.approx(distance, rel=1e-3), "probability": None,
         "outside": outside, "outside_features": far if isinstance(far, str) else None, "reason": None}
        for segment, name, distance, outside, far in zip(
            *(placed[key] for key in ("segment", "name", "distance", "outside", "outside_features")), strict=True
        )
    ]  # fmt: skip
    assert len({one["segment"] for one in expected}) == 2
    split = json.dumps({"dataframe_split": rows.to_dict("split", index=False)})
    records = json.dumps(
        {"dataframe_records": rows.astype(int).to_dict("records")}
    )  # whole numbers are numbers
    for body in (split, records):
        assert posted(served, "application/json", body) == {"predictions": expected}
    assert posted(served, "text/csv", rows.to_csv(index=False)) == {"predictions": expected}
    # What is missing gets a reason, and no guess.
    (first, _) = posted(served, "text/csv", rows.drop(columns="orders").to_csv(index=False))["predictions"]
    assert first["segment"] is None and first["reason"] == "missing or not finite: orders"
    lacking = json.dumps(
        {"dataframe_records": [rows.iloc[0].to_dict(), rows.iloc[1].to_dict() | {"orders": None}]}
    )
    one, other = posted(served, "application/json", lacking)["predictions"]
    assert one == expected[0]
    assert (
        other["segment"] is None
        and other["name"] is None
        and other["reason"] == "missing or not finite: orders"
    )


def test_all_customers_of_a_file_are_counted_those_without_a_segment_too():
    assert scoring.Summary({0: 3, 1: 2}, 0, 4, None).customers == 9


def test_of_columns_that_do_not_name_customers_those_like_the_one_of_training_come_first(tmp_path):
    path = tmp_path / "f.parquet"
    pd.DataFrame({"customer_idx": ["x"], "cust": ["y"], "a": [1.0]}).to_parquet(path)
    scorer = SimpleNamespace(contract=SimpleNamespace(id="custo"), check=lambda *_: None, features=["a"])
    with pytest.raises(SegError, match="names the customers; it has cust, "):
        input_rows._features(input_rows.Input(str(path)), scorer)


@pytest.mark.parametrize(("header", "hint"), [(["a"], "As a table of features it lacks b"), (["x"], "")])
def test_a_file_of_another_name_is_told_what_it_lacks_where_it_is_nearly_a_table_of_features(
    monkeypatch, header, hint
):
    cfg = SimpleNamespace(dataset={"name": "shop", "table": None})
    cfg.dataset = type("Section", (dict,), {"name": "shop"})(cfg.dataset)
    monkeypatch.setattr(input_rows.compose, "recompose", lambda *_: cfg)
    monkeypatch.setattr(input_rows, "_set_place", lambda *_: None)
    scorer = SimpleNamespace(
        contract=SimpleNamespace(dataset="shop"), features=["a", "b"], label="m",
        lacking=lambda columns: [name for name in ("a", "b") if name not in columns],
    )  # fmt: skip
    given = SimpleNamespace(path="other.csv", paths=["other.csv"], overrides=(), kind=None, header=header)
    with pytest.raises(SegError, match="is named like another one") as error:
        input_rows.configured(given, scorer, "name: ${data_name:x}")
    assert str(error.value).endswith(hint or "customers of shop")
