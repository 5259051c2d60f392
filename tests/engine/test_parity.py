"""The same definition gives the same numbers on DuckDB and on Spark: every data set, recipe, step and feature."""

from __future__ import annotations

import datetime as dt
import os
import re
from decimal import Decimal
from itertools import islice

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from ibis.expr import types as ir

from seg import cleaning, features
from seg.cleaning import STEPS
from seg.config import compose, load
from seg.engine import DuckDBEngine, Reading
from seg.errors import SegError
from seg.features import windows
from seg.features.glossary import GLOSSARY
from seg.pipeline import check
from seg.preparation import prepare
from seg.sources import schema
from seg.sources.locate import Source
from seg.sources.schema import Field

pytestmark = pytest.mark.spark
load.prepare_environment()
# What a user maps, all of it, so that no recipe is refused for want of a column.
MAPPED = {"transactions": ["order_id", "product_id", "quantity", "unit_price", "country"]}


def same(on_duckdb: pd.DataFrame, on_spark: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(on_duckdb, on_spark, rtol=1e-9, atol=0, check_dtype=False)


def sorted_rows(frame: pd.DataFrame) -> pd.DataFrame:
    # One zero, not two: 0.0 is -0.0.
    frame = frame.assign(**{name: frame[name] + 0.0 for name in frame.select_dtypes("float")})
    texts = frame.astype("string").fillna("\0")
    return frame.iloc[texts.sort_values(list(texts.columns)).index].reset_index(drop=True)


# ---- every data set, with its own cleaning and recipe --------------------------------------------------------


def prepared(engine, settings, parts):
    given, recipe = settings.dataset, settings.recipe
    loaded = parts.load(engine, prepare.find(given, settings.data_dir)[0])
    clean, ledger = cleaning.clean(engine, loaded.table, cleaning.parse(settings.cleaning.steps))
    request = features.FeatureRequest(
        features.parse(recipe.features), recipe.profile, given.common, recipe.as_of, given.levels, given.truth
    )
    return ledger, features.build(engine, clean, request)


def check_dataset(engine, spark, dataset: str, *overrides: str) -> None:
    mapped = [f"++dataset.columns.{name}={name}" for name in MAPPED.get(dataset, ())]
    cfg = compose.compose([f"dataset={dataset}", *mapped, "tracking=none", *overrides])
    settings, parts = load.settings(cfg), compose.instantiate_parts(cfg)
    check.check_parts(settings)
    (ledger, here), (ledger_there, there) = (prepared(each, settings, parts) for each in (engine, spark))
    same(ledger, ledger_there)
    assert here.features == there.features and here.as_of == there.as_of
    same(here.frame, there.frame)
    assert (here.truth is None) == (there.truth is None)


@pytest.mark.parametrize("dataset", load.choices("dataset"))
def test_a_data_set_gives_the_same_features_and_ledger_on_both_engines(engine, spark, dataset, tmp_path):
    """On its sample, unless the tests below have the real file."""
    if dataset in ("flo", "online_retail") and "SEG_DATA_DIR" in os.environ:
        pytest.skip("its real file is compared below")
    small = ["dataset.customers=60"] if dataset == "toy" else []
    check_dataset(engine, spark, dataset, f"data_dir={tmp_path}", *small)


@pytest.fixture(scope="module")
def hard_invoices(real_data, tmp_path_factory):
    """The first thousand lines of Online Retail, and of the rest two hundred each that cleaning or reading decides about."""
    header, *lines = (real_data / "online_retail" / "data.csv").read_bytes().splitlines(keepends=True)
    kinds = {
        "a cancellation": lambda line: line.startswith(b"C"),
        "an adjustment": lambda line: line.startswith(b"A"),
        "no customer": lambda line: b",," in line,
        "no price": lambda line: b",0," in line,
        "no stock code": lambda line: re.match(rb"[^,]+,[A-Za-z]+,", line),
        "a quoted comma": lambda line: b'"' in line,
        "no ASCII": lambda line: not line.isascii(),
    }
    picked = dict.fromkeys(range(1000))
    for of_kind in kinds.values():
        places = (place for place, line in enumerate(lines) if of_kind(line))
        picked |= dict.fromkeys(islice(places, 200))
    again = lines[:50]  # equal lines, far apart
    path = tmp_path_factory.mktemp("slice") / "data.csv"
    path.write_bytes(b"".join([header, *(lines[place] for place in sorted(picked)), *again]))
    return path


@pytest.mark.real
def test_a_whole_real_file_gives_the_same_features_and_ledger_on_both_engines(engine, spark, real_data):
    check_dataset(engine, spark, "flo", f"data_dir={real_data}")


@pytest.mark.real
def test_the_hard_lines_of_a_real_file_give_the_same_features_and_ledger(engine, spark, hard_invoices):
    check_dataset(engine, spark, "online_retail", f"dataset.path={hard_invoices}")


# ---- every step and every feature, on a table made to tell engines apart --------------------------------------

START = dt.datetime(2011, 1, 31, 23, 59, 59, 999_999)
TIMES = [
    START,
    dt.datetime(2011, 2, 1),
    dt.datetime(2011, 3, 27, 1, 30),  # the hour that London skips
    dt.datetime(2012, 2, 29, 12),
    dt.datetime(2011, 12, 9, 0, 0, 0, 1),
]
CODES = ["POST", "85123A", "10002\n", "ẞtraße", "", " ", None, "9223372036854775808", "a'b\"c\\d", "$x{1}"]
TEXTS = ["Unknown", "EIRE", None, "line\nbreak", "Übersee", "European Community"]
NUMBERS = [0.0, -0.0, 1.0, -1.0, 0.1, 2.5, 0.04, -80995.0, 1e15 + 0.5, 1e-12, None]
SHAPE = pa.schema(
    [
        ("customer_id", pa.string()), ("order_id", pa.string()), ("ordered_at", pa.timestamp("us")),
        ("amount", pa.float64()), ("is_return", pa.bool_()), ("product_id", pa.string()),
        ("quantity", pa.float64()), ("unit_price", pa.float64()), ("country", pa.string()),
        ("description", pa.string()),
    ]
)  # fmt: skip


def lines_of(picked: list[tuple]) -> pa.Table:
    """Make order lines: (customer, order, time, product, quantity, price, country, return) each."""
    rows = [
        {
            "customer_id": None if customer is None else f"{customer}",
            "order_id": f"A{order}",
            "ordered_at": time,
            "amount": (quantity or 0.0) * (price or 0.0),
            "is_return": back,
            "product_id": product,
            "quantity": quantity,
            "unit_price": price,
            "country": country,
            "description": country,
        }
        for customer, order, time, product, quantity, price, country, back in picked
    ]
    return pa.Table.from_pylist(rows, SHAPE)


def hard() -> pa.Table:
    draw = np.random.default_rng(0)

    def pick(values):
        return values[draw.integers(len(values))]

    picked = [
        (pick([*range(8), None, "", " "]), draw.integers(12), pick(TIMES), pick(CODES), pick(NUMBERS), pick(NUMBERS),
         pick(TEXTS), bool(draw.random() < 0.15))
        for _ in range(150)
    ]  # fmt: skip
    # Ties: the price of a product, equal lines, a purchase and its cancellation at the same time.
    tie = [("9", 20, TIMES[1], "TIE", 1.0, price, "EIRE", False) for price in (3.0, 2.0, 2.0, 3.0, 0.0)]
    back = [("9", 21, TIMES[1], "BACK", size, 1.5, "EIRE", False) for size in (-2.0, 2.0, -2.0, 2.0, -2.0)]
    return lines_of([*picked, *tie, *tie, *back])


ARGUMENTS = {
    "date_window": {"start": "2011-02-01", "end": "2011-12-09"},
    "drop_products": {"pattern": r"^[A-Za-z]+$|\d\D$|^\s*$|[$]x"},
}


def calls() -> list:
    """Every step as each YAML calls it (where it stands there), as above, or by its name alone."""
    found = [(None, {name: arguments}) for name, arguments in ARGUMENTS.items()]
    for name in load.choices("cleaning"):
        steps = yaml.safe_load((load.CONFIGS / "cleaning" / f"{name}.yaml").read_text())["steps"]
        for place, entry in enumerate(steps):
            if entry not in [known for _place, known in found]:
                found.append(((name, place), entry))
    named = {entry if isinstance(entry, str) else next(iter(entry)) for _place, entry in found}
    found += [(None, name) for name in STEPS if name not in named]
    return [pytest.param(place, entry, id=str(entry)) for place, entry in found]


@pytest.fixture(scope="module")
def hard_lines(engine, spark):
    table = hard()
    return engine.register(table), spark.register(table)


def after(engine, table: ir.Table, parsed: list) -> tuple[pd.DataFrame, pd.DataFrame]:
    clean, ledger = cleaning.clean(engine, table, parsed)
    return sorted_rows(engine.collect(clean)), ledger


@pytest.mark.parametrize("place, entry", calls())
def test_a_step_leaves_the_same_rows_on_both_engines(engine, spark, hard_lines, place, entry):
    if place:
        name, number = place
        entry = compose.compose([f"cleaning={name}"]).cleaning.steps[number]
    parsed = cleaning.parse([entry])
    if not cleaning.needs(parsed) <= set(SHAPE.names):
        pytest.skip("a step for another kind of table; its data set is tested above")
    (here, ledger), (there, ledger_there) = (
        after(each, table, parsed) for each, table in zip((engine, spark), hard_lines, strict=True)
    )
    same(here, there)
    same(ledger, ledger_there)


def counted(engine, table: ir.Table, families: bool = True) -> features.FeatureTable:
    """Count every feature that order lines can serve; without families a few columns, which Spark plans in a second."""
    names = [name for name, feature in GLOSSARY.items() if servable(name, set(table.columns))]
    if not families:
        names = [
            name
            for name in names
            if "by_month" not in name and GLOSSARY[name].build.__module__ != windows.__name__
        ]
    return features.build(engine, table, features.FeatureRequest(dict.fromkeys(names, ()), as_of=1))


def servable(name: str, given: set[str]) -> bool:
    feature = GLOSSARY[name]
    if feature.unit == "time":  # a number of no feature table
        return False
    if feature.counted:
        return set(feature.needs) <= given
    return all(need in GLOSSARY and servable_need(need, given) for need in feature.needs)


def servable_need(name: str, given: set[str]) -> bool:
    feature = GLOSSARY[name]
    return set(feature.needs) <= given if feature.counted else servable(name, given)


# Empty groups: returns only, no quantity at all, a price of zero, orders of one day.
BARE = [
    ("returns only", 1, TIMES[1], "A", -1.0, 2.0, "EIRE", True),
    ("no quantity", 2, TIMES[1], "A", None, None, None, False),
    ("free", 3, TIMES[1], None, 2.0, 0.0, "EIRE", False),
    ("two days", 4, TIMES[1], "A", 1.0, 1e99, "EIRE", False),
    ("two days", 5, TIMES[3], "A", 1.0, 1e98, "EIRE", False),
]


def test_every_feature_that_is_counted_from_lines_is_the_same_on_both_engines(engine, spark):
    """Also of customers without any order or value, who count as nothing."""
    table = pa.concat_tables([hard(), lines_of(BARE)])
    here, there = (counted(each, each.register(table)) for each in (engine, spark))
    assert len(here.features) > 20 and here.features == there.features
    assert {customer for customer, *_ in BARE} - set(here.frame.index) == {"returns only"}
    same(here.frame, there.frame)


LINE = st.tuples(
    st.sampled_from(["1", "2", "3", "a ", None]),
    st.integers(1, 9),
    st.datetimes(dt.datetime(2010, 12, 1), dt.datetime(2011, 3, 1)) | st.sampled_from(TIMES),
    st.sampled_from(CODES),
    st.sampled_from([-2.0, -1.0, 0.0, 1.0, 2.0, 12.0, None]),
    st.sampled_from([0.0, 0.1, 1.25, 2.0, -11062.06, None]),
    st.sampled_from(TEXTS),
    st.just(False),
)


# Two tables of some size: smaller ones are above, and a plan of Spark costs seconds however few rows it is for.
@settings(
    max_examples=2,
    phases=[Phase.generate],
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
@given(
    st.lists(LINE, min_size=30, max_size=60),
    st.sampled_from(["known_customers", "rfm_pyspark", "insiders", "nova_ims"]),
)
def test_tables_that_nobody_thought_of_are_cleaned_and_counted_the_same_on_both_engines(
    engine, spark, lines, name
):
    # One customer at least is left by every cleaning.
    sure = [("7", 10, TIMES[1], "85123A", 3.0, 1.25, "France", False)]
    table, steps = lines_of(lines + sure), compose.compose([f"cleaning={name}"]).cleaning.steps
    found = []
    for each in (engine, spark):
        clean, ledger = cleaning.clean(each, each.register(table), cleaning.parse(steps))
        found.append((ledger, counted(each, clean, families=False).frame))
    same(found[0][0], found[1][0])
    same(found[0][1], found[1][1])


# ---- reading: Parquet is Spark's own, and read as the embedded reader reads it --------------------------------


def read(engine, paths, fields, **options) -> tuple[pd.DataFrame, pd.DataFrame]:
    loaded = schema.load_fields(engine, Source("t", "file", tuple(paths), ""), fields, Reading(), **options)
    return sorted_rows(engine.collect(loaded.table)), loaded.rejects


NUMBER_TEXTS = [
    "$5", "(5.50)", "5-", "1,234.50 USD", "\u22125", "5 $",
    "1", "+1.5", "-.5e3", "1.", " 2\t", "1e5", "1E+5", "1e-400", "0001", "123456789012345678901234567890",
    "1e400", "-inf", "Infinity", "nan", "1d", "1F", "0x10", "0x1p3", "1_000", "1,5", "1 2", "--1", "+-1", "", " ", None, "1e",
    "e1", ".", "-", "\u0663", "\x011", "1\x00", "1\u00a0", "TRUE", "1\n",
]  # fmt: skip
TIME_TEXTS = [
    "2011-01-02", "2011/1/2", "2011/1-2", "2011-1-2T3:04", "2011-01-02 03:04:05.1234567", "2011-01-02 24:00:00", "2011-02-29",
    "2012-02-29 23:59:59.999999", "infinity", "epoch", "now", "today", "12011-01-01", "", None, "2011",
    "2011-01", "2011-01-02T", "T03:04", "1969-12-31 23:59:59.5", "1500000000", " 2011-01-02 ", "2011-01-02\n",
]  # fmt: skip
INSTANT_TEXTS = [
    "2011-01-02T03:04:05Z", "2011-01-02T03:04:05+02", "2011-01-02T03:04:05.5-0230", "2011-03-27 01:30:00+01:00", "2011/1/2 3:04Z",
    "2011-12-31T23:59:59.999999-12:00", "2011-02-30T00:00:00Z", "2011-01-02 3:04 UTC", "2011-01-02 03:04:05 +0100", "x", "", None,
]  # fmt: skip
ID_TEXTS = [
    "17850.0",
    "17850",
    " 17850.00",
    "0.0",
    ".0",
    "A.0",
    "00123",
    "9223372036854775808.0",
    "",
    "  ",
    None,
    "1\n.0",
    "ß",
]
FORMATS = {
    "%m/%d/%Y %H:%M": ["1/2/2011 8:26", "01/02/2011  08:26", " 13/1/2011 8:26", "1/2/11 8:26", "1/2/2011 24:00", "1/2/20118:26", "001/2/2011 1:1"],
    "%Y%m%d": ["20110102", "201112", "2011102", "2011-01-02", "20110230"],
    "%d.%m.%y": ["1.2.69", "31.12.68", "1.2.2011", "29.02.11"],
    "%d %b %Y %I:%M %p": ["2 Jan 2011 12:05 AM", "2 Jan 2011 12:05 pm", "2 january 2011 1:05 am", "2 Feb 2011 0:05 am", "2 May 2011 13:05 PM"],
    "%d %B %Y": ["2 January 2011", "2 Jan 2011", "2 may 2011", "31 June 2011"],
    "%Y-%m-%dT%H:%M:%S.%f": ["2011-01-02T03:04:05.5", "2011-01-02T03:04:05.1234567", "2011-01-02T03:04:60.0", "2011-01-02 03:04:05.5"],
}  # fmt: skip


def column_of(tmp_path, texts: list, name: str = "t.parquet", kind: pa.DataType | None = None):
    pq.write_table(pa.table({"n": pa.array(range(len(texts))), "x": pa.array(texts, kind)}), tmp_path / name)
    return tmp_path / name


@pytest.fixture
def own_reader(monkeypatch):
    """Have Spark read Parquet itself, however small it is."""
    monkeypatch.setattr("seg.engine.spark.SMALL", -1)


TEXTS_BY_KIND = {
    "number": [("number", None, NUMBER_TEXTS)],
    "id": [("id", None, ID_TEXTS), ("text", None, CODES + TEXTS)],
    "time": [("time", None, TIME_TEXTS), ("time", None, INSTANT_TEXTS)],
    "format": [("time", pattern, [*texts, "", None, "x"]) for pattern, texts in FORMATS.items()],
}


@pytest.mark.parametrize("name", TEXTS_BY_KIND)
def test_text_in_parquet_is_parsed_by_one_grammar_on_both_engines(engine, spark, own_reader, tmp_path, name):
    for place, (kind, pattern, texts) in enumerate(TEXTS_BY_KIND[name]):
        path = column_of(tmp_path, texts, f"{place}.parquet", pa.string())
        fields = [Field("n", "n", "number"), Field("x", "x", kind, False, pattern)]
        (here, bad), (there, bad_there) = (
            read(each, [path], fields, bad_rows="skip") for each in (engine, spark)
        )
        same(here, there)
        assert list(bad["line"]) == list(bad_there["line"]) and list(bad["reason"]) == list(
            bad_there["reason"]
        )


def test_small_parquet_is_read_by_the_embedded_reader_and_larger_by_spark(spark, tmp_path, monkeypatch):
    path = column_of(tmp_path, ["1", "2"])
    assert isinstance(spark.reader([path]), DuckDBEngine)
    monkeypatch.setattr("seg.engine.spark.SMALL", path.stat().st_size - 1)
    assert spark.reader([path]) is spark


MOMENT = dt.datetime(1969, 12, 31, 23, 59, 59, 500_001)
TYPED = {
    "whole": ("number", pa.array([2**62, -1, None])),
    "small": ("number", pa.array([1, 2, 3], pa.uint8())),
    "single": ("number", pa.array([0.1, float("nan"), float("inf")], pa.float32())),
    "decimal": ("number", pa.array([Decimal("1.10"), None, Decimal("-0.01")])),
    "switch": ("flag", pa.array([True, False, None])),
    "id_whole": ("id", pa.array([2**63 - 1, 0, None])),
    "id_unsigned": ("id", pa.array([2**64 - 1, 0, None], pa.uint64())),
    "id_gap": ("id", pa.array([17850.0, 12.5, float("nan")])),
    "id_long": ("id", pa.array([Decimal("123456789012345678901234567890"), None, Decimal("1")])),
    "day": ("time", pa.array([dt.date(1969, 12, 31), None, dt.date(2024, 2, 29)])),
    "micro": ("time", pa.array([MOMENT, None, START], pa.timestamp("us"))),
    "milli": ("time", pa.array([MOMENT.replace(microsecond=0), None, TIMES[1]], pa.timestamp("ms"))),
    "nano": ("time", pa.array([-499_999_001, None, 1_300_000_000_123_456_789], pa.timestamp("ns"))),
    "zone": ("time", pa.array([MOMENT, None, START], pa.timestamp("us", "Europe/London"))),
    "nano_zone": ("time", pa.array([-1, None, 1_300_000_000_123_456_789], pa.timestamp("ns", "UTC"))),
    "text_of_time": ("text", pa.array([MOMENT, None, TIMES[1]], pa.timestamp("us"))),
    "text_of_switch": ("text", pa.array([True, None, False])),
    "category": ("text", pa.array(["a", None, "b"]).dictionary_encode()),
    "nothing": ("text", pa.nulls(3)),
    "a`b.c 'd": ("text", pa.array(["quoted \"name\"", "x", None])),
}  # fmt: skip


def test_typed_columns_of_parquet_are_the_same_on_both_engines(engine, spark, own_reader, tmp_path):
    path = tmp_path / "typed.parquet"
    pq.write_table(pa.table({name: values for name, (_kind, values) in TYPED.items()}), path)
    fields = [Field(f"f{place}", name, kind) for place, (name, (kind, _values)) in enumerate(TYPED.items())]
    here, there = (read(each, [path], fields, bad_rows="skip") for each in (engine, spark))
    same(here[0], there[0])
    assert list(here[1]["line"]) == list(there[1]["line"]) == [3]  # infinity is no number
    assert (
        list(here[1]["reason"])
        == list(there[1]["reason"])
        == ["single is 'infinite', expected a finite number"]
    )


def test_files_whose_numbers_are_of_several_widths_are_one_table_on_both_engines(
    engine, spark, own_reader, tmp_path
):
    paths = [
        column_of(tmp_path, [1, 2], "a.parquet", pa.int32()),
        column_of(tmp_path, [3.5, None], "b.parquet", pa.float64()),
        column_of(tmp_path, [None, None], "c.parquet", pa.null()),
        column_of(tmp_path, [2**40], "d.parquet", pa.int64()),
    ]
    fields = [Field("n", "n", "number"), Field("x", "x", "number"), Field("id", "x", "id")]
    (here, _), (there, _) = (read(each, paths, fields) for each in (engine, spark))
    assert len(here) == 7
    same(here, there)


def test_a_bad_value_in_parquet_is_named_with_its_file_and_row(spark, own_reader, tmp_path):
    paths = [
        column_of(tmp_path, texts, name)
        for name, texts in (("a.parquet", ["1"]), ("b.parquet", ["2", "two"]))
    ]
    with pytest.raises(
        SegError,
        match=r"1 of 3 rows cannot be read\n  row 2 of file:.*b.parquet: x is 'two', expected a finite number",
    ):
        read(spark, paths, [Field("x", "x", "number")])


def test_text_with_quoted_newlines_and_huge_numbers_is_handed_over_as_it_was_read(engine, spark, tmp_path):
    path = tmp_path / "t.csv"
    path.write_text(
        'x,y,t\n"line\nbreak, ""quoted""",9223372036854775808,2011-01-31 23:59:59.999999\nß,1e300,1969-12-31\n'
    )
    fields = [Field("x", "x", "id"), Field("y", "y", "number"), Field("t", "t", "time")]
    (here, _), (there, _) = (read(each, [path], fields) for each in (engine, spark))
    assert here["x"].tolist() == ['line\nbreak, "quoted"', "ß"]
    same(here, there)


def test_a_missing_value_is_not_a_number_that_is_none(engine, spark):
    """NaN is a value and NULL is none, whichever engine is asked."""
    table = pa.table({"x": [1.0, float("nan"), None], "b": [True, False, None]})
    answers = []
    for each in (engine, spark):
        t = each.register(table)
        asked = t.aggregate(
            null=t.x.isnull().sum(), given=t.x.notnull().sum(), nan=t.x.isnan().sum(), rows=t.count(where=t.b & ~t.b),
            least=ibis.least(t.x, 2).min(), distinct=t.x.nunique(),
        )  # fmt: skip
        answers.append(each.collect(asked).astype("float64"))
    assert answers[0].iloc[0][["null", "given", "nan", "rows"]].tolist() == [1, 2, 1, 0]
    same(*answers)
