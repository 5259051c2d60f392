"""The Python API: what it returns, that it leaves nothing behind, and that bad input raises the errors of the command."""

import os
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import polars
import pyarrow as pa
import pytest

import empty_store
import seg
from seg.cli.notebook import _overrides, _text
from seg.config import folders
from seg.features import GLOSSARY

SAMPLES = folders.ASSETS / "datasets"
COLUMNS = {"customer_id": "cust", "ordered_at": "date", "amount": "total"}
ONE_K = ["selection.k_range=[4]"]


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("SEG_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture(scope="module")
def orders() -> pd.DataFrame:
    sample = pd.read_csv(SAMPLES / "transactions" / "sample.csv", parse_dates=["ordered_at"])
    return sample.rename(columns={theirs: mine for theirs, mine in COLUMNS.items()}).head(2500)


@pytest.fixture(scope="module")
def result(orders, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEG_HOME", str(tmp_path_factory.mktemp("home")))
        return seg.segment(orders, **COLUMNS, k=4, overrides=ONE_K)


def test_the_public_api_is_what_all_lists_and_has_docstrings_with_examples():
    assert set(seg.__all__) == {"SegError", "Segmentation", "load", "segment"}
    for name in seg.__all__:
        assert getattr(seg, name).__doc__.strip()
    for name in ("load", "segment"):
        text = getattr(seg, name).__doc__
        assert all(part in text for part in ("Parameters\n", "Returns\n", "Raises\n", "Examples\n", ">>> "))
    with pytest.raises(AttributeError, match="no attribute 'segmnt'"):
        seg.segmnt  # noqa: B018


def test_the_tables_of_a_segmentation_belong_together(result, orders):
    assert result.k == 4
    assert result.segments["segment"].tolist() == [0, 1, 2, 3]
    assert result.segments["size"].sum() == len(result.customers)
    assert result.customers["customer_id"].is_unique
    assert set(result.customers["customer_id"]) <= set(orders["cust"])
    assert result.customers.groupby("segment")["name"].nunique().eq(1).all()
    assert result.metrics["own/silhouette"] > 0.2
    assert "silhouette" in result.meanings["own/silhouette"]
    assert result.ledger["step"].iloc[0] == "loaded"
    assert all(level in ("info", "warning") for level, _ in result.notes)


def test_a_segmentation_shows_itself(result):
    assert repr(result).startswith("<seg.Segmentation transactions: 4 segments: ")
    page = result._repr_html_()
    assert "<table" in page and all(name.replace("&", "&amp;") in page for name in result.segments["name"])


def test_figures_show_themselves_and_unknown_ones_list_the_others(result):
    figure = result.figure("map")
    assert figure._repr_png_().startswith(b"\x89PNG")
    with pytest.raises(seg.SegError, match="figure 'mpa': unknown; expected one of map"):
        result.figure("mpa")


def test_a_saved_segmentation_is_loaded_with_the_same_tables_and_scores_the_same(result, orders, tmp_path):
    folder = result.save(tmp_path / "mine")
    assert (folder / "report.html").is_file() and (folder / "figures" / "map.png").is_file()
    loaded = seg.load(folder)
    pd.testing.assert_frame_equal(loaded.segments, result.segments, check_dtype=False)
    pd.testing.assert_series_equal(loaded.metrics, result.metrics, check_names=False)
    assert loaded.notes == [tuple(note) for note in result.notes]
    assert loaded.figure("map")._repr_png_().startswith(b"\x89PNG")
    scored = loaded.score(orders)
    pd.testing.assert_frame_equal(scored, result.score(orders))
    segments = result.customers.set_index("customer_id")["segment"]
    assert (scored.set_index("customer_id")["segment"].sort_index() == segments.sort_index()).all()
    with pytest.raises(seg.SegError, match="exists; choose a new folder"):
        result.save(folder)
    with pytest.raises(seg.SegError, match=r"lies in .*mine already"):
        loaded.save(tmp_path / "other")


@pytest.mark.parametrize("kind", ["polars", "arrow", "path"])
def test_other_tables_and_paths_give_the_same_segments(result, orders, kind, tmp_path):
    table = {
        "polars": lambda: polars.from_pandas(orders),
        "arrow": lambda: pa.Table.from_pandas(orders, preserve_index=False),
        "path": lambda: _written(orders, tmp_path / "orders.parquet"),
    }[kind]()
    again = seg.segment(table, **COLUMNS, k=4, overrides=ONE_K)
    pd.testing.assert_frame_equal(again.customers, result.customers)


def _written(frame: pd.DataFrame, path: Path) -> str:
    frame.to_parquet(path)
    return str(path)


def test_a_call_leaves_environment_search_path_and_registries_as_they_were(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "left_behind.py").write_text(
        "from seg.features.glossary import from_customer\n\n\n"
        "@from_customer('orders', 'orders')\n"
        "def doubled(customers, context):\n    '''Twice the orders.'''\n    return customers.orders * 2\n"
    )
    before = dict(os.environ), list(sys.path), dict(GLOSSARY)
    overrides = ["plugins=[left_behind]", "recipe.features=[doubled,revenue]"]
    overrides += ["selection.k_range=[2]", "dataset.customers=200"]
    made = seg.segment(dataset="toy", k=2, overrides=overrides)
    assert "mean_doubled" in made.segments
    assert (dict(os.environ), list(sys.path), dict(GLOSSARY)) == before
    with pytest.raises(seg.SegError, match="unknown feature 'doubled'"):
        seg.segment(dataset="toy", k=2, overrides=overrides[1:])


def test_a_tracked_call_leaves_a_run_directory_and_a_run_in_mlflow(tmp_path):
    store = [f"tracking.uri={empty_store.at(tmp_path)}"]
    options = [*store, "dataset.customers=200", "selection.k_range=[3]"]
    made = seg.segment(dataset="toy", k=3, tracking=True, overrides=options)
    assert made.folder.is_relative_to(tmp_path / "runs")
    assert (made.folder / "report.html").is_file()
    import mlflow

    runs = mlflow.MlflowClient(store[0].partition("=")[2]).search_runs(["1"])
    assert [run.data.params["k"] for run in runs] == ["3"]


# ---- bad input -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        (lambda t: t.drop(columns="cust"), {}, "data: no column 'cust'; expected one of"),
        (lambda t: t.head(0), {}, "data: the table has no rows"),
        (lambda t: pd.concat([t, t[["cust"]]], axis=1), {}, "data: two columns are named cust; rename one of them"),
        (lambda t: t, {"k": "four"}, "k=four: expected a whole number of at least 2, or auto"),
        (lambda t: t, {"k": 2.5}, "k=2.5: expected a whole number of at least 2, or auto"),
        (lambda t: t, {"k": True}, "k=True: expected a whole number of at least 2, or auto"),
        (lambda t: t, {"k": 10**6}, "k=1000000: there are only .* customers"),
        (lambda t: t, {"model": "kmean"}, "model=kmean: unknown; expected one of kmeans"),
        (lambda t: t, {"modle": "kmeans"}, "modle=kmeans: unknown argument; expected one of model"),
        (lambda t: t, {"overrides": ["evaluation.nul=3"]}, "evaluation.nul=3: unknown key; expected one of evaluation.null"),
        (lambda t: t, {"overrides": ["k=3,4"]}, "k=3,4: several values; .*otherwise one value at a time"),
        (lambda t: t, {"configs": "nowhere"}, "nowhere: no such folder"),
        (lambda t: t, {"overrides": ["plugins=[not_there]"]}, "plugins: not_there: there is no such module"),
        (lambda t: t.assign(cust=[{}] + [1] * (len(t) - 1)), {}, "data: .*a column mixes types"),
        (lambda t: {"cust": [1]}, {}, "data: got a dict, expected a DataFrame"),
        (lambda t: t.assign(total=float("nan")), {}, "^data: .* rows cannot be read"),
        (lambda t: polars.from_pandas(t).lazy(), {}, "data: got a LazyFrame, .* pass data.collect"),
        (lambda t: "nowhere.csv", {}, "dataset.path=nowhere.csv: no such file"),
        (lambda t: None, {}, "customer_id: names a column, but there is no table"),
    ],
)  # fmt: skip
def test_bad_input_raises_the_error_of_the_command(orders, change, options, message):
    with pytest.raises(seg.SegError, match=message):
        seg.segment(change(orders), **COLUMNS, **options)


def test_a_folder_that_is_no_run_is_refused(tmp_path):
    with pytest.raises(seg.SegError, match="no such folder; expected a run directory"):
        seg.load(tmp_path / "nowhere")
    with pytest.raises(seg.SegError, match=r"segments.csv, .* is missing"):
        seg.load(tmp_path)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("unit price, net", "'unit price, net'"),
        ("it's", "'it\\'s'"),
        (["a", 1, None, True], "['a',1,null,true]"),
        (np.int64(4), "4"),
        (Path("a b"), "'a b'"),
    ],
)
def test_values_are_spelled_for_hydra(value, text):
    assert _text(value) == text


@pytest.mark.parametrize("name", ["a=b", "x, y", "it's", "back\\slash", "end\\", "[list]", "{a: b}", "50 %"])
def test_any_name_of_a_column_survives(name):
    from hydra.core.override_parser.overrides_parser import OverridesParser

    overrides = _overrides(
        {"customer_id": name, "ordered_at": "d", "dataset": "transactions"}, "x.csv", False, []
    )
    text = next(one for one in overrides if "customer_id" in one)
    assert OverridesParser.create().parse_override(text).value() == name
