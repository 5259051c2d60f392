"""Tables of customers as people have them: gaps, texts, no id, hundreds of columns, numbers that are too large."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from seg import features
from seg.datasets import customers
from seg.engine import Reading
from seg.errors import SegError
from seg.models import space
from seg.sources.locate import Source

TABLE = "id,age,spend,gender\na,30,1.5,F\nb,,2.5,M\nc,50,NA,F\nd,20,4.5,M\ne,40,3.5,F\n"


@pytest.fixture
def load(engine, tmp_path):
    def run(content: str, wanted: list[str], id: object = "id", **reading):
        path = tmp_path / "customers.csv"
        path.write_text(content)
        return customers.load(engine, Source("c", "file", (path,), ""), id, wanted, Reading(**reading))

    return run


def frame_of(engine, loaded) -> pd.DataFrame:
    return engine.collect(loaded.table).set_index("customer_id").sort_index()


def test_a_missing_number_is_an_error_with_what_to_do(load):
    with pytest.raises(
        SegError, match=r"row 2: age is missing(.|\n)*age: 1 values are missing; set dataset\.missing=median"
    ):
        load(TABLE.replace("NA", "2"), ["age", "spend"])


def test_customers_with_a_gap_are_dropped_and_counted(engine, load):
    loaded = load(TABLE, ["age", "spend"], missing="drop")
    assert list(frame_of(engine, loaded).index) == ["a", "d", "e"]
    assert "2 of 5 customers (40.0%) lack a number and were dropped" in loaded.notes[0][1]
    assert "age (1), spend (1)" in loaded.notes[0][1]


def test_gaps_become_the_median_which_a_new_customer_gets_too(engine, load):
    loaded = load(TABLE, ["age", "spend"], missing="median")
    table = features.build(
        engine, loaded.table, features.FeatureRequest({"age": (), "spend": ("log1p",)}, missing="median")
    )
    assert table.fills == {"age": 35.0, "spend": 3.0}
    assert table.frame.loc["b"].tolist() == [35.0, 2.5] and table.frame.loc["c"].tolist() == [50.0, 3.0]
    from sklearn.preprocessing import StandardScaler

    pipeline, X, *_ = space.scale(table, StandardScaler())
    new = pd.DataFrame({"age": [np.nan, 35.0], "spend": [3.0, np.nan]})
    placed = np.asarray(pipeline.transform(new))
    assert np.isfinite(X).all() and np.allclose(placed[0], placed[1])


def test_gaps_that_a_model_fills_itself_stay(engine, load):
    loaded = load(TABLE, ["age", "spend"], missing="median")
    table = features.build(
        engine, loaded.table, features.FeatureRequest({"age": (), "spend": ()}, missing="keep")
    )
    assert table.fills == {} and table.frame["age"].isna().tolist() == [False, True, False, False, False]


def test_what_is_no_number_is_a_fault_where_gaps_are_allowed(load):
    with pytest.raises(SegError, match="row 2: age is 'old', expected a finite number"):
        load(TABLE.replace("b,,", "b,old,"), ["age", "spend"], missing="median")


def test_a_text_column_is_named_with_the_columns_that_could_stand_for_it(load):
    with pytest.raises(SegError, match=r"gender: holds texts \('F', 'M'\).*'gender=F','gender=M'"):
        load(TABLE, ["gender"])


def test_percentages_are_read_as_fractions_and_said(engine, load):
    loaded = load("id,rate\na,12.5%\nb,3 %\nc,-7%\n", ["rate"])
    assert frame_of(engine, loaded)["rate"].tolist() == [0.125, 0.03, -0.07]
    assert "12.5% as 0.125: rate" in loaded.notes[0][1]


def test_percentages_beside_numbers_are_refused(load):
    with pytest.raises(
        SegError, match=r"'rate' mixes percentages \(1 values .*\) and numbers without a sign \(1\)"
    ):
        load("id,rate\na,12.5%\nb,0.3\n", ["rate"])


def test_a_column_of_dates_is_named_as_such(load):
    with pytest.raises(SegError, match="joined: holds dates, and a feature is a number"):
        load("id,joined\na,2024-01-31\nb,2024-02-15\n", ["joined"])


def test_a_value_of_a_text_column_is_a_feature_of_zeros_and_ones(engine, load):
    loaded = load(TABLE, ["gender=F", "gender=M"])
    assert frame_of(engine, loaded)["gender=F"].tolist() == [1, 0, 1, 0, 1]
    assert frame_of(engine, loaded)["gender=M"].tolist() == [0, 1, 0, 1, 0]


def test_a_column_with_an_equals_sign_in_its_name_is_that_column(engine, load):
    loaded = load("id,a=b,a\nx,5,b\ny,6,c\n", ["a=b"])
    assert frame_of(engine, loaded)["a=b"].tolist() == [5, 6]


def test_a_value_that_no_customer_has_is_said(load):
    assert not load(TABLE, ["gender=M"]).notes
    assert "gender=Mr: no customer has 'Mr' in gender" in load(TABLE, ["gender=M", "gender=Mr"]).notes[0][1]


def test_a_number_that_stands_for_a_missing_one_is_said(load):
    def notes_of(*values: float) -> str:
        rows = "".join(f"c{place},{value},{place}\n" for place, value in enumerate([*values, 20, 30, 40]))
        return " ".join(text for _level, text in load(f"id,a,b\n{rows}", ["a", "b"]).notes)

    assert "a: the only value below zero is -999, in 2 rows" in notes_of(-999, -999)
    assert "a: the only value below zero is -1, in 3 rows" in notes_of(-1, -1, -1)
    assert not notes_of(-999, -998) and not notes_of(-999) and not notes_of(-5, -5)


def test_the_number_of_the_row_names_customers_without_an_id(engine, load):
    loaded = load(TABLE.replace("NA", "2").replace("b,,", "b,1,"), ["age"], id="row")
    assert sorted(frame_of(engine, loaded).index) == ["1", "2", "3", "4", "5"]


def test_true_segments_that_are_not_there_are_named(engine, load):
    table = load("id,a\nA,1\nB,2\n", ["a"]).table
    with pytest.raises(
        SegError, match=r"dataset\.truth=kind: no such column; expected one of customer_id, a"
    ):
        features.build(engine, table, features.FeatureRequest({"a": ()}, truth="kind"))


@pytest.mark.parametrize(
    "id, wanted, message",
    [
        (None, ["age"], r"dataset\.id=null: expected the column that names each customer once, or row"),
        ("nope", ["age"], r"missing column 'nope'.*dataset\.id, dataset\.features"),
        (
            "id",
            "age",
            r"dataset\.features=age: expected a list of columns, such as dataset\.features=\[age\]",
        ),
    ],
)
def test_what_names_the_customers_is_blamed_where_it_is_meant(load, id, wanted, message):
    with pytest.raises(SegError, match=message):
        load(TABLE, wanted, id=id)


def test_a_number_that_is_infinite_is_not_called_missing(load):
    with pytest.raises(SegError, match="'inf' is not a finite number; correct it"):
        load("id,a\nA,inf\nB,1\nC,2\nD,3\n", ["a"])


def test_a_column_without_a_number_has_no_median(load):
    with pytest.raises(SegError, match="no customer has a number in b; leave such a column out"):
        load("id,a,b\nA,1,\nB,2,\n", ["a", "b"], missing="median")


@pytest.mark.parametrize("value", ["1e300", "1.7976931348623157e308", "-2e101"])
def test_a_number_that_cannot_be_squared_is_named(engine, load, value):
    loaded = load(TABLE.replace("1.5", value).replace("NA", "2"), ["spend"])
    with pytest.raises(SegError, match=r"features: spend is .* such as 'a'; no number above 1e\+100"):
        features.build(engine, loaded.table, features.FeatureRequest({"spend": ()}))


def test_hundreds_of_columns_take_seconds(engine, tmp_path):
    def seconds(columns: int) -> float:
        names = [f"f{place}" for place in range(columns)]
        table = pd.DataFrame(np.random.default_rng(0).normal(size=(200, columns)).round(3), columns=names)
        table.insert(0, "id", [f"c{place}" for place in range(200)])
        path: Path = tmp_path / f"{columns}.csv"
        table.to_csv(path, index=False)
        start = time.process_time()
        loaded = customers.load(engine, Source("c", "file", (path,), ""), "id", names, Reading())
        built = features.build(engine, loaded.table, features.FeatureRequest({name: () for name in names}))
        assert built.frame.shape == (200, columns)
        return time.process_time() - start

    few, many = seconds(20), seconds(100)
    assert many < 12 * max(few, 0.2)  # linear is 5 times; it was 30 times
