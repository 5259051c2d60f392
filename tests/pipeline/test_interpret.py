"""What a run says about its segments: checks before any data is read, names that stay through a refit."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from seg import features
from seg.config import compose, load
from seg.config.settings import PlaybookSettings, RfmSettings, SegmentsSettings
from seg.errors import SegError
from seg.features import FeatureTable
from seg.pipeline import naming_features
from seg.pipeline.interpret import check, interpret, measures
from seg.preparation.prepare import Prepared
from seg.preparation.purchases import Purchases
from seg.segments import places, playbook, profile, rfm

RULES = [
    {"name": rule.name, "r": list(rule.r), "f": list(rule.f), "m": list(rule.m)} for rule in rfm.DEFAULT.rules
]
BOOK = {
    "name": "mine",
    "rules": [{"name": "Good", "when": {"money": [0.6, 1]}}, {"name": "Small", "when": {"money": [0, 0.5]}}],
}


def settings(**segments):
    return SimpleNamespace(
        playbook=PlaybookSettings(**BOOK),
        rfm=RfmSettings(rules=RULES),
        segments=SegmentsSettings(**segments),
        seed=0,
    )


def customers(n: int = 40) -> pd.DataFrame:
    index = pd.Index([f"c{number:02}" for number in range(n)], name="customer_id")
    money = np.concatenate([np.linspace(500, 900, n // 2), np.linspace(1, 90, n // 2)])
    return pd.DataFrame(
        {"recency_days": np.arange(n) % 7 + 1.0, "orders": np.arange(n) % 3 + 1.0, "revenue": money},
        index=index,
    )


def interpreted(labels: np.ndarray, clusterer=None, purchases=None, **segments):
    frame = customers(len(labels))
    table = FeatureTable(frame, list(frame.columns), [], {}, None)
    segmenter = SimpleNamespace(labels_=labels, clusterer_=clusterer or object(), order_=np.unique(labels))
    described = profile.profile(frame, labels, profile.names(labels), list(frame.columns))
    prepared = Prepared(table, pd.DataFrame(), pd.DataFrame(), purchases=purchases)
    return interpret(settings(**segments), prepared, segmenter, described)


HALVES = np.repeat([0, 1], 20)


def test_names_rules_and_rule_segments_are_of_the_same_customers():
    meant = interpreted(HALVES)
    assert meant.naming.names == {0: "Good", 1: "Small"}
    assert meant.explanation.fidelity == 1
    assert meant.rule_segments.cross.counts.to_numpy().sum() == 40
    assert meant.buying is None


@pytest.mark.parametrize(
    ("overrides", "beside"),
    [
        (["recipe=rfm"], ()),
        (["recipe=windows"], ("tenure_days", "average_basket", "span_days")),
        (["recipe=insiders"], ("tenure_days", "recency_days", "span_days")),
        (["recipe=windows", "playbook=none"], ()),
    ],
)
def test_conditions_of_the_playbook_have_their_features_whatever_the_recipe(overrides, beside):
    load.prepare_environment()
    made = load.settings(compose.compose(["dataset=online_retail", "playbook=default", *overrides]))
    assert set(naming_features.beside(made)) <= set(beside)
    book = playbook.parse(made.playbook.model_dump())
    own = [*features.parse(made.recipe.features), *made.recipe.profile, *made.dataset.common]
    assert places.lacking(book.measures, [*own, *naming_features.beside(made)]) == {}


def test_what_the_data_do_not_tell_is_a_note():
    assert interpreted(HALVES).notes == ()
    frame = pd.DataFrame({"visits": np.arange(40.0), "age": 20 + np.arange(40.0) % 7})
    table = FeatureTable(frame, list(frame.columns), [], {}, None)
    segmenter = SimpleNamespace(labels_=HALVES, clusterer_=object(), order_=np.array([0, 1]))
    described = profile.profile(frame, HALVES, profile.names(HALVES), list(frame.columns))
    meant = interpret(settings(), Prepared(table, pd.DataFrame(), pd.DataFrame()), segmenter, described)
    ((level, text),) = meant.notes
    assert level == "info"
    assert "does not tell what any of the rules asks for" in text


def test_size_and_money_are_shares_of_the_whole():
    frame = customers()
    table = measures(
        frame, HALVES, profile.profile(frame, HALVES, {0: "a", 1: "b"}, []), playbook.parse(BOOK)
    )
    assert table["size"].tolist() == [0.5, 0.5]
    assert table["money_share"].sum() == pytest.approx(1)
    assert table["money_each"].tolist() == pytest.approx(
        [share / (share + 0.5) for share in table["money_share"]]
    )


def test_a_table_without_orders_is_measured_by_its_own_columns():
    frame = pd.DataFrame({"visits": [1.0, 2.0, 3.0, 4.0]})
    labels = np.array([0, 0, 1, 1])
    table = measures(
        frame, labels, profile.profile(frame, labels, {0: "a", 1: "b"}, []), playbook.parse(BOOK)
    )
    assert "visits" in table


def test_names_of_an_earlier_run_stay_with_the_segments_that_match(tmp_path):
    # The same halves, numbered the other way round, with one customer who moved.
    before = pd.DataFrame({"customer_id": customers().index, "segment": np.where(np.arange(40) < 19, 1, 0)})
    before.to_parquet(tmp_path / "assignments.parquet")
    pd.DataFrame({"segment": [0, 1], "name": ["Old small", "Old good"]}).to_csv(
        tmp_path / "segments.csv", index=False
    )
    assert interpreted(HALVES, names_from=str(tmp_path)).naming.names == {0: "Old good", 1: "Old small"}
    assert interpreted(HALVES, names_from=str(tmp_path), names={1: "Mine"}).naming.names == {
        0: "Old good",
        1: "Mine",
    }


def test_of_an_earlier_run_only_the_columns_that_names_need_are_read(tmp_path, monkeypatch):
    before = pd.DataFrame(
        {"customer_id": customers().index, "segment": HALVES, "model": "FR", "distance": 0.5}
    )
    before.to_parquet(tmp_path / "assignments.parquet")
    pd.DataFrame({"segment": [0, 1], "name": ["a", "b"]}).to_csv(tmp_path / "segments.csv", index=False)
    read, columns = pd.read_parquet, []
    monkeypatch.setattr(
        pd, "read_parquet", lambda path, **more: columns.extend(more["columns"]) or read(path, **more)
    )
    assert interpreted(HALVES, names_from=str(tmp_path)).naming.names == {0: "a", 1: "b"}
    assert columns == ["customer_id", "segment", "model"]


def test_a_directory_that_is_no_run_or_has_other_customers_is_refused(tmp_path):
    with pytest.raises(SegError, match=r"segments\.names_from=.*expected the directory of a run"):
        interpreted(HALVES, names_from=str(tmp_path))
    pd.DataFrame({"customer_id": ["x"], "segment": [0]}).to_parquet(tmp_path / "assignments.parquet")
    pd.DataFrame({"segment": [0], "name": ["a"]}).to_csv(tmp_path / "segments.csv", index=False)
    with pytest.raises(SegError, match="that run has no customer of this one"):
        interpreted(HALVES, names_from=str(tmp_path))


def test_a_model_of_rules_keeps_the_names_of_its_rules():
    meant = interpreted(HALVES, clusterer=SimpleNamespace(names_={0: "Champions", 1: "Lost"}))
    assert meant.naming.names == {0: "Champions", 1: "Lost"}


def test_what_segments_buy_is_there_where_purchases_are():
    months = pd.DataFrame(
        {"customer_id": customers().index, "month": "2011-01", "revenue": 5.0, "orders": 1, "lines": 1}
    )
    items = pd.DataFrame(
        {
            "kind": "category",
            "item": "tea",
            "customer_id": [*customers().index[:20], *customers().index[20:22]],
        }
    )
    buying = interpreted(HALVES, purchases=Purchases(months, items, {})).buying
    assert buying.months["revenue"].loc[0, "2011-01"] == 100
    assert buying.items["name"].tolist() == ["Good"]
    assert buying.tree["name"].tolist() == ["Good", "Small"]
    assert buying.together.empty
    pairs = pd.concat([items.assign(item=item, order_id=items["customer_id"]) for item in ("tea", "milk")])
    months = months.assign(orders=2)
    buying = interpreted(HALVES, purchases=Purchases(months, items, {"tea": "Tea"}, pairs)).buying
    assert buying.together[["name", "first", "second_label", "orders"]].values.tolist() == [
        ["Good", "milk", "Tea", 20]
    ]


def test_mistakes_are_found_before_any_data_is_read():
    with pytest.raises(SegError, match="there is no segment -2"):
        check(settings(names={-2: "VIP"}), set())
    wrong = settings()
    wrong.playbook.rules = [{"name": "A", "when": {"recencyy": [0, 1]}}]
    with pytest.raises(SegError, match="unknown feature recencyy"):
        check(wrong, set())
    wrong = settings()
    wrong.rfm.cuts = {"money": {"bounds": [3, 2, 1, 0]}}
    with pytest.raises(SegError, match=r"rfm\.cuts\.money"):
        check(wrong, set())


def test_names_can_be_set_on_the_command_line():
    load.prepare_environment()
    checked = load.settings(compose.compose(["dataset=toy", "segments.names={0: VIP, 2: Old friends}"]))
    assert checked.segments.names == {0: "VIP", 2: "Old friends"}
    assert load.settings(compose.compose(["dataset=toy"])).segments.names == {}
