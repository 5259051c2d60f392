"""One model a group: which groups get one, what the tables over groups hold, and where new customers go."""

import json
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest
from mlflow.exceptions import MlflowException

from seg.cli import single_run
from seg.config import folders, load
from seg.config.compose import instantiate_parts
from seg.errors import SegError
from seg.models import skops_file
from seg.pipeline import check
from seg.pipeline import group_models as groups
from seg.pipeline.grouped_result import COMMON
from seg.preparation import as_of, prepare
from seg.report import group_directory
from seg.score import group_card, model_card
from seg.score.group_scorer import GroupScorer
from seg.sinks import run_tables
from seg.track.served_model import ServedModel

TOY = [
    "dataset=toy",
    "dataset.customers=240",
    "k=2",
    "selection.k_range=[2,3]",
    "selection.k_max=4",
    "tracking=none",
    "cache=off",
]


@pytest.fixture(scope="module", autouse=True)
def environment():
    folders.prepare_environment()


def settings(*overrides):
    return load.settings(single_run.compose([*TOY, *overrides]).cfg)


@pytest.fixture(scope="module")
def grouped():
    request = single_run.compose([*TOY, "by=country", "groups.min_customers=60"])
    return groups.segment(load.settings(request.cfg), instantiate_parts(request.cfg))


@pytest.fixture(scope="module")
def scorer(grouped):
    card = group_card.of(grouped, settings("by=country").preparation, 5)
    return GroupScorer(group_card.placement(grouped, 5).pipeline, card, "a test")


def test_large_groups_have_a_model_and_small_ones_the_common_one(grouped):
    table = grouped.groups.set_index("group")
    own = table["customers"] >= 60
    assert own.any() and not own.all()
    assert (table.loc[own, "model"] == table.index[own]).all()
    assert (table.loc[~own, "model"] == COMMON).all()
    assert any("fewer than 60 customers" in text for _level, text in grouped.notes)


def test_groups_that_differ_by_case_are_told():
    seen = pd.Series(["FR", "fr", "FR", "DE", None])
    (warning, *_) = groups._notes(settings("by=country"), seen, [], {"SE": "it is still"})[2:]
    assert warning == ("warning", "FR and fr differ by case alone and are 2 groups; write them alike")


def test_segments_are_numbered_through_and_add_up_to_all_customers(grouped):
    segments = grouped.segments
    assert segments["segment"].tolist() == list(range(len(segments)))
    assert segments["size"].sum() == grouped.customers == 240
    assert segments["share"].sum() == pytest.approx(1) and segments["revenue_share"].sum() == pytest.approx(1)
    counted = pd.Series(grouped.labels).value_counts().sort_index()
    assert counted.tolist() == segments["size"].tolist()


def test_a_model_is_fitted_on_the_customers_of_its_group_only(grouped):
    model, chosen = grouped.members()[0]
    assert model.result.customers == len(chosen) < grouped.customers
    assert (grouped.prepared.groups.iloc[chosen] == model.name).all()
    assert grouped.common.result.customers == grouped.customers


def test_customers_of_training_get_their_segments_again_through_the_router(grouped, scorer):
    frame = grouped.table.frame.assign(country=grouped.prepared.groups)
    placed = scorer.place(frame)
    assert (placed["segment"].to_numpy() == grouped.labels).all()
    assert (placed["model"].to_numpy() == grouped.routed.to_numpy()).all()


def test_customers_of_an_earlier_day_have_a_group_then_and_are_routed_by_it(scorer):
    request = single_run.compose([*TOY, "by=country"])
    asked, parts = load.settings(request.cfg), instantiate_parts(request.cfg)
    source, _notes = prepare.find(asked.dataset, asked.data_dir)
    with parts.connect() as engine:
        lines = parts.load(engine, source).table
        _first, last = as_of.first_and_last(engine, lines)
        table, _nameless = as_of.table_on(asked.preparation, engine, lines, last - timedelta(days=90), 1)
    placed = scorer.place(table.frame)
    assert len(placed) > 100 and placed["group"].equals(table.frame["country"])
    assert set(placed["model"]) > {"(common)"} and placed["segment"].notna().all()


def test_a_new_group_goes_to_the_common_model_and_a_missing_number_has_a_reason(grouped, scorer):
    frame = grouped.table.frame.head(3).assign(country=["Atlantis", None, grouped.models[0].name])
    frame.iloc[2, frame.columns.get_loc("orders")] = np.nan
    placed = scorer.place(frame)
    assert placed["model"].tolist() == [COMMON, COMMON, grouped.models[0].name]
    assert (placed["segment"].iloc[:2] >= grouped.common.first).all()
    assert pd.isna(placed["segment"].iloc[2]) and "orders" in placed["reason"].iloc[2]


def test_a_feature_table_without_the_column_of_the_groups_is_refused(grouped, scorer):
    with pytest.raises(SegError, match="has no country"):
        scorer.place(grouped.table.frame.head(2))


def test_the_card_and_the_models_survive_a_file(grouped, scorer, tmp_path):
    (tmp_path / "scoring.json").write_text(json.dumps(scorer.contract.__dict__))
    name, content = skops_file.save(group_card.placement(grouped, 5).pipeline)
    (tmp_path / name).write_bytes(content)
    pipelines, _remarks = skops_file.load(tmp_path / name)
    again = GroupScorer(pipelines, model_card.read(tmp_path / "scoring.json"), "a test")
    frame = grouped.table.frame.head(20).assign(country=grouped.prepared.groups)
    assert again.place(frame)["segment"].tolist() == grouped.labels[:20].tolist()


def test_the_served_model_routes_by_the_group(grouped):
    served = ServedModel(group_card.placement(grouped, 5))
    with pytest.raises(
        MlflowException,
        match=r"the input has none of the columns .*; expected rows whose values have these names",
    ):
        served.predict(None, pd.DataFrame(index=[0]))
    rows = grouped.table.frame.head(5).assign(country=grouped.prepared.groups.head(5))
    assert served.predict(None, rows)["segment"].tolist() == grouped.labels[:5].tolist()


def test_the_directory_holds_tables_a_sink_takes_and_a_page_over_groups(grouped, tmp_path):
    about = group_directory.run_directory.About("toy <b>", "kmeans")
    group_directory.write(grouped, tmp_path, "k: 2\n", about)
    (tmp_path / run_tables.FACTS).write_text(run_tables.facts("r1", dataset="toy"))
    export = run_tables.gather(tmp_path, ["runs", "segments", "customers", "k_scan"], {})
    by_name = {table.name: table.rows for table in export.tables}
    assert {"group", "model", "name"} <= set(by_name["customers"].column_names) and "k_scan" not in by_name
    assert by_name["segments"].num_rows == len(grouped.segments)
    page = (tmp_path / "report.html").read_text()
    assert "toy &lt;b&gt;" in page and all(name in page for name in grouped.groups["group"])


@pytest.mark.parametrize(
    ("overrides", "text"),
    [
        (["by=contry"], "by=contry: .*country"),
        (["by=amount"], "by=amount: expected a column .*country"),
        (["by=country", "evaluation.outlook=true"], "evaluation.outlook is for one model"),
        (["by=country", "segments.names={0: VIP}"], "segments.names"),
        (["by=country", "engine=spark", "model=mllib_kmeans"], "no groups"),
    ],
)
def test_what_groups_cannot_have_is_refused_before_data_are_read(overrides, text):
    with pytest.raises(SegError, match=text):
        check.check_parts(settings(*overrides))


def test_a_column_of_ones_own_orders_divides_them_without_a_mapping(tmp_path):
    lines = [
        f"c{n % 80},2026-0{1 + n % 9}-01,{5 + n % 7},{'AT' if n % 80 < 50 else 'CH'}" for n in range(400)
    ]
    (tmp_path / "orders.csv").write_text("\n".join(["customer_id,ordered_at,amount,land", *lines]))
    request = single_run.compose(
        ["dataset=transactions", f"dataset.path={tmp_path}/orders.csv", *TOY[2:], "by=land"]
    )
    asked = load.settings(request.cfg)
    source, _notes = prepare.find(asked.dataset, asked.data_dir)
    prepared = prepare.prepare(asked.preparation, instantiate_parts(request.cfg), source)
    assert prepared.groups.value_counts().to_dict() == {"AT": 50, "CH": 30}


def test_without_a_large_enough_group_the_largest_is_named():
    with pytest.raises(
        SegError, match=r"no group has 500 customers; the largest is 'FR' with 2: lower groups.min_customers"
    ):
        groups.large_groups(pd.Series(["FR", "DE", "FR"]), "country", 500)
    with pytest.raises(SegError, match="empty for every customer"):
        groups.large_groups(pd.Series([None, None], dtype="str"), "country", 10)


def test_a_group_whose_customers_are_all_alike_has_a_reason_instead_of_a_model(grouped):
    request = single_run.compose([*TOY, "by=country"])
    asked, parts = load.settings(request.cfg), instantiate_parts(request.cfg)
    prepared = groups.subset(grouped.prepared, np.arange(grouped.customers) < 50)
    same = replace(prepared, table=replace(prepared.table, frame=prepared.table.frame * 0 + 1))
    task = groups.Task(asked, parts, grouped.source, grouped.fingerprint, {})
    name, reason = groups.fit_group(task, "same", same)
    assert name == "same" and "every customer has the same" in reason


def test_a_table_of_customers_has_groups_too(tmp_path):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"id": range(60), "spend": rng.gamma(2, 50, 60), "region": ["n"] * 40 + ["s"] * 20})
    frame.to_csv(tmp_path / "c.csv", index=False)
    request = single_run.compose(
        ["dataset=customers", f"dataset.path={tmp_path}/c.csv", "dataset.id=id", "dataset.features=[spend]", *TOY[2:], "by=region",
         "groups.min_customers=30"]
    )  # fmt: skip
    grouped = groups.segment(load.settings(request.cfg), instantiate_parts(request.cfg))
    assert grouped.groups.set_index("group")["model"].to_dict() == {"n": "n", "s": COMMON}
