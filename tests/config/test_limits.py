"""Settings that cannot be meant are refused in one sentence, before any data is read."""

from __future__ import annotations

import pytest

from seg.config import compose, folders, load
from seg.config.overrides import readable
from seg.errors import SegError
from seg.pipeline.check import check_parts

ORDERS = ["dataset=transactions", "dataset.path=orders.csv"]
CUSTOMERS = ["dataset=customers", "dataset.path=customers.csv"]
CASES = [
    (["selection.k_range=2..100000000"], r"selection\.k_range=2\.\.100000000: expected at most 1,000 numbers of segments"),
    (["selection.k_range=2..99999999999999999999"], "expected at most 1,000 numbers of segments"),
    (["tracking.uri=''"], r"tracking\.uri= is empty \(is a variable not set\?\)"),
    (["cache.folder=''"], r"cache\.folder= is empty"),
    ([*ORDERS[:1], "dataset.path=''"], r"dataset\.path= is empty"),
    ([*ORDERS, "+dataset.foo=1"], r"dataset\.foo: unknown key; expected one of"),
    ([*ORDERS, "dataset.decimal=;"], r"dataset\.decimal=;: expected '\.' or ','"),
    ([*ORDERS, "dataset.decimal=,", "dataset.thousands=,"], r"dataset\.thousands=,: is the sign of dataset\.decimal too"),
    ([*ORDERS, "dataset.encoding=rot13"], r"dataset\.encoding=rot13: unknown; expected a text encoding"),
    ([*ORDERS, "dataset.encoding=base64"], r"dataset\.encoding=base64: unknown"),
    ([*ORDERS, "dataset.date_format=hello"], r"dataset\.date_format=hello: expected the spelling of strptime"),
    ([*ORDERS, "dataset.date_format=%H:%M"], r"dataset\.date_format=%H:%M: reads no year"),
    ([*ORDERS, "dataset.columns=abc"], r"dataset\.columns=abc: expected your column for each column of seg"),
    ([*ORDERS, "dataset.id_case=upper"], r"dataset\.id_case=upper: expected keep or lower"),
    (["recipe.features=recency_days"], r"recipe\.features=recency_days: expected a list, such as recipe\.features=\[recency_days\]"),
    (["=5"], r"=5: has no key; expected key=value"),
    ([*ORDERS, "dataset.time_zone=Mars"], r"dataset\.time_zone=Mars: unknown"),
    ([*ORDERS, "dataset.skip_rows=-1"], r"dataset\.skip_rows=-1: expected the number of lines"),
    ([*ORDERS, "dataset.bad_rows_limit=5"], r"dataset\.bad_rows_limit=5: expected a share between 0 and 1"),
    ([*CUSTOMERS, "dataset.id=null"], r"dataset\.id=null: expected the column that names each customer once"),
    ([*CUSTOMERS, "dataset.features=a"], r"dataset\.features=a: expected a list of columns, such as dataset\.features=\[a\]"),
    ([*CUSTOMERS, "dataset.features=null"], r"dataset\.features=null: expected a list of columns"),
    ([*CUSTOMERS, "dataset.features=[]"], r"dataset\.features=\[\]: expected a list of columns"),
    ([*CUSTOMERS, "dataset.common=[zzz]"], r"dataset\.common: unknown feature 'zzz'"),
    ([*CUSTOMERS, "dataset.max_bytes=much"], r"dataset\.max_bytes=much: expected a number of bytes or a number and a unit"),
    ([f"seed={2**40}"], r"seed=1099511627776: expected a whole number from 0 to 4,294,967,295"),
    (["model=../dataset/flo"], r"model=\.\./dataset/flo: unknown; expected one of"),
    (["dataset.name=../../x"], r"dataset\.name=\.\./\.\./x: expected a name without /"),
    (["evaluation.null=100000000"], r"evaluation\.null=100000000: expected a whole number from 0 to 10,000"),
    (["evaluation.repeats=1000000"], r"evaluation\.repeats=1000000: expected a whole number from 2 to 10,000"),
    (["selection.k_max=100000000"], r"selection\.k_max=100000000: expected a whole number from 2 to 1,000"),
    ([*ORDERS, "dataset.name=a:b"], r"dataset\.name=a:b: expected a name without"),
    (["hydra.run.dir="], r"hydra\.run\.dir= is empty"),
    (["dataset.common=[]"], r"dataset\.common=\[\]: expected at least one entry"),
    (["recipe.profile=[nope]"], r"recipe\.profile: unknown feature 'nope'"),
    (["segments.names=[VIP]"], r"segments\.names=\['VIP'\]: expected a mapping"),
    (["model=outcome_tree", "model.lesson.cuts=0"], r"model\.lesson\.cuts=0: expected a whole number of at least 1"),
    (["model=outcome_tree", "model.lesson=3"], r"model\.lesson=3: "),
]  # fmt: skip


@pytest.fixture(autouse=True)
def environment():
    folders.prepare_environment()


@pytest.mark.parametrize(
    "overrides, message", CASES, ids=lambda value: " ".join(value) if isinstance(value, list) else ""
)
def test_what_cannot_be_meant_is_refused_in_one_sentence(overrides, message):
    with pytest.raises(SegError, match=message):
        check_parts(load.settings(compose.compose([readable(text) for text in overrides])))


@pytest.mark.parametrize(
    "overrides, message",
    [
        (["model.n_init=0"], r"model\.n_init=0: expected .*in the range \[1, inf\)"),
        (["model=gmm", "model.covariance_type=round"], r"model\.covariance_type=round: expected .*'diag'"),
        (["model=tree_svd_kmeans", "model.embed.n_components=0"], r"model\.embed\.n_components=0: expected"),
        (
            ["model=outcome_tree", "model.cluster.n_tiers=1"],
            r"model\.cluster\.n_tiers=1: expected .*\[2, inf\)",
        ),
        (["model=outcome_tiers", "model.cluster.penalty=-1"], r"model\.cluster\.penalty=-1: expected"),
    ],
)
def test_a_wrong_parameter_of_a_model_is_named_by_its_key_before_data_are_read(overrides, message):
    with pytest.raises(SegError, match=message):
        compose.instantiate_parts(compose.compose(overrides))


@pytest.mark.parametrize("name", ["SEG_HOME", "MLFLOW_TRACKING_URI"])
def test_a_variable_that_is_empty_is_refused(monkeypatch, name):
    monkeypatch.setenv(name, "")
    with pytest.raises(SegError, match=f"{name}= is empty .*: set it, or remove it"):
        folders.prepare_environment()


def test_as_many_numbers_of_segments_as_are_allowed_are_tried():
    settings = load.settings(compose.compose(["selection.k_range=2..1001"]))
    assert len(settings.selection.k_range) == 1000


def test_threads_are_limited_to_four_a_core(caplog):
    from joblib import cpu_count

    parts = compose.instantiate_parts(compose.compose(["engine.threads=100000"]))
    assert (
        "engine.threads=100000" in caplog.text
    )  # before an engine starts: what comes from the cache needs none
    with parts.connect() as engine:
        assert int(engine.describe()["threads"]) == 4 * cpu_count()


def test_a_rolling_window_is_a_step_behind_the_dates_that_cannot_be():
    from seg.config.settings import CleaningSettings

    steps = ["drop_missing", {"date_window": {"start": "2020-01-01"}}, "cancellations"]
    newest = {"newest_days": {"days": 364}}
    assert CleaningSettings(steps=steps, window="365d").steps == [*steps[:2], newest, steps[2]]
    assert CleaningSettings(steps=["cancellations"], window="365d").steps == [newest, "cancellations"]
    assert CleaningSettings(steps=steps).steps == steps
    written = CleaningSettings(
        steps=steps, window="365d"
    ).steps  # an error prints them, to be used beside the window
    assert CleaningSettings(steps=written, window="365d").steps == written
    for window in ("1y", "0d", "365", -3):
        with pytest.raises(ValueError, match="expected a number of days such as 365d"):
            CleaningSettings(steps=steps, window=window)
    with pytest.raises(ValueError, match="the step newest_days already"):
        CleaningSettings(steps=[newest], window="30d")


def test_a_locale_may_have_a_region_that_writes_numbers_as_the_language_does():
    from pydantic import ValidationError

    from seg.config.settings import ReportSettings

    languages = [
        ReportSettings(locale=text).locale for text in ("de", "de_DE", "tr-TR", "pt_BR.UTF-8", "en_US")
    ]
    assert languages == ["de", "de", "tr", "pt", "en"]
    for text in ("de_CH", "fr_FR"):  # 1'234.50 and 1 234,50
        with pytest.raises(ValidationError, match="'en', 'de', 'tr' or 'pt'"):
            ReportSettings(locale=text)
