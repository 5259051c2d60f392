"""Rule-based RFM from YAML: cut points, the 125 combinations, counts, and every mistake a file can hold."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from seg.errors import SegError
from seg.segments import rfm as rfm_module
from seg.segments.rfm import SCORES, parse
from seg.segments.rfm_tables import counts, ranges

DEFAULT = yaml.safe_load((Path(__file__).parents[2] / "configs" / "rfm" / "default.yaml").read_text())
CELLS = [np.array(column) for column in zip(*product(SCORES, repeat=3), strict=True)]


def customers() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "recency": [300, 80, 30, 9, 2],
            "frequency": [1, 1, 4, 1, 9],
            "money": [10.0, 200.0, 80.0, 15.0, 900.0],
        },
        index=list("abcde"),
    )


def scored(section: dict = DEFAULT) -> pd.DataFrame:
    frame = customers()
    return parse(section).score(frame["recency"], frame["frequency"], frame["money"])


@pytest.mark.parametrize(
    "path", sorted((Path(__file__).parents[2] / "configs" / "rfm").glob("*.yaml")), ids=lambda path: path.stem
)
def test_every_combination_of_scores_has_one_name_and_every_rule_has_a_combination(path):
    book = parse(yaml.safe_load(path.read_text()))
    names = book.name(*CELLS)
    assert len(names) == 125
    assert set(names) == set(book.names)


def test_the_default_has_the_eleven_published_names():
    assert len(parse(DEFAULT).rules) == 11


def test_a_table_worked_by_hand():
    table = scored()
    assert table["score"].tolist() == ["111", "214", "343", "412", "555"]
    assert table["rule_segment"].tolist() == [
        "Hibernating",
        "About to Sleep",
        "Loyal Customers",
        "Promising",
        "Champions",
    ]


def test_bounds_part_by_value_and_a_value_on_a_bound_is_the_better_one():
    cuts = {
        "recency": {"bounds": [9, 30, 80, 200]},
        "frequency": {"bounds": [2, 4, 6, 9]},
        "money": {"bounds": [20, 80, 200, 900]},
    }
    table = scored({**DEFAULT, "cuts": cuts})
    assert table["r"].tolist() == [1, 3, 4, 5, 5]
    assert table["f"].tolist() == [1, 1, 3, 1, 5]
    assert table["m"].tolist() == [1, 4, 3, 1, 5]


def test_own_quantiles_part_by_the_share_of_customers_who_are_worse():
    cuts = {"money": {"quantiles": [0.2, 0.5, 0.7, 0.9]}}
    # Shares of the worse: 0, 0.6, 0.4, 0.2, 0.8.
    assert scored({**DEFAULT, "cuts": cuts})["m"].tolist() == [1, 3, 2, 2, 4]


def test_equal_values_get_equal_scores():
    values = np.random.default_rng(0).choice([1, 1, 1, 2, 3, 8], 1000)
    scores = parse(DEFAULT).cuts["frequency"].scores(values)
    assert pd.Series(scores).groupby(values).nunique().eq(1).all()
    assert scores[values == 1].max() == 1


def test_counts_have_a_row_for_rule_segments_without_customers_too():
    frame = customers()
    table = counts(scored(), frame["money"], parse(DEFAULT).names).set_index("rule_segment")
    assert len(table) == 11
    assert table["customers"].sum() == 5
    assert table.loc["At Risk", "customers"] == 0
    assert table.loc["Champions", "revenue_share"] == pytest.approx(900 / 1205)


def test_ranges_say_from_which_value_to_which_a_score_goes():
    frame = customers()
    table = ranges(scored(), frame).set_index(["measure", "score"])
    assert table.loc[("frequency", 1), ["lowest", "highest", "customers"]].tolist() == [1, 1, 3]
    assert table.loc[("frequency", 2), "customers"] == 0
    assert table.loc[("recency", 5), "lowest"] == 2


@pytest.mark.parametrize(
    "value",
    [
        {"bounds": [30, 10, 60, 90]},
        {"bounds": [10, 10, 60, 90]},
        {"bounds": [10, 30, 60]},
        {"bounds": ["a", "b", "c", "d"]},
        {"quantiles": [0.2, 0.4, 0.6, 1.2]},
        {"quantile": [0.2, 0.4, 0.6, 0.8]},
        "tertiles",
        [1, 2, 3, 4],
    ],
)
def test_cut_points_in_the_wrong_order_or_form_are_refused(value):
    with pytest.raises(SegError, match=r"rfm\.cuts\.money=.*: expected quintiles, .* in rising order"):
        parse({**DEFAULT, "cuts": {"money": value}})


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        (
            [{"name": "A", "r": [1, 4]}],
            r"25 of the 125 combinations of scores have no rule, such as r=5, f=1, m=1",
        ),
        (
            [
                {"name": "A", "r": [2, 5]},
                {"name": "B", "f": [1, 3]},
                {"name": "C", "f": [5, 5]},
                {"name": "D", "m": [2, 5]},
            ],
            r"1 of the 125 combinations of scores have no rule, such as r=1, f=4, m=1",
        ),
        ([{"name": "A"}, {"name": "B", "r": [5, 5]}], "B can never be used, rules before it fit first"),
        ([{"name": "A", "r": [1, 3]}, {"name": "a"}], "two rules are named a"),
        (
            [{"name": "A", "r": [4, 2]}],
            r"rfm\.rules\[0\] \(A\): r=\[4, 2\]; expected \[lowest, highest\] score",
        ),
        ([{"name": "A", "r": [0, 2]}], r"r=\[0, 2\]; expected"),
        ([{"name": "A", "x": [1, 2]}], "unknown key x; expected name, r, f, m"),
        ([{"r": [1, 2]}], "expected a name and ranges"),
        ([], "125 of the 125 combinations of scores have no rule"),
    ],
)
def test_rules_that_leave_gaps_or_overlap_in_name_are_refused(rules, message):
    with pytest.raises(SegError, match=message):
        parse({"cuts": {}, "rules": rules})


def test_an_unknown_measure_is_refused():
    with pytest.raises(SegError, match=r"rfm\.cuts\.tenure: unknown key; expected recency, frequency, money"):
        parse({**DEFAULT, "cuts": {"tenure": "quintiles"}})


def test_missing_values_are_refused():
    with pytest.raises(ValueError, match="1 values are missing, expected numbers"):
        parse(DEFAULT).cuts["money"].scores([1, np.nan])


def test_the_published_rules_are_the_same_in_python_and_in_the_configuration():
    path = Path(__file__).parents[2] / "configs" / "rfm" / "amazon_electronics.yaml"
    assert parse(yaml.safe_load(path.read_text())) == rfm_module.DEFAULT
