"""The tables of the page of an outlook: numbers as the locale writes them, and where a yardstick is as good."""

from __future__ import annotations

from datetime import date
from types import SimpleNamespace

import pandas as pd
import pytest

from seg.outlook import actions, page_tables
from seg.report import page
from seg.report.page import Written
from seg.segments.formats import LOCALES, NO_BREAK


@pytest.fixture
def outlook():
    scores = pd.DataFrame(
        {
            "segment": [0, 0, 1, 1],
            "usual_spend": [1000.0, 3000.0, 100.0, 300.0],
            "probability_90": [0.75, 0.75, 0.5, 0.0],
            "spend_90": [900.0, 2100.0, 50.0, 0.0],
            "probability_lost": [0.2, 0.2, 0.4, 1.0],
        }
    )
    stakes = actions.value_at_stake(scores, {0: "Loyal", 1: "Lost"}, 90)
    tests = actions.by_action(actions.ab_test_sizes(stakes), stakes, {0: ["thank them", "early access"]})
    return SimpleNamespace(stakes=stakes, tests=tests, customers=SimpleNamespace(value_days=90))


def plain(text: str) -> str:
    return text.replace(NO_BREAK, " ")


def test_the_first_sentence_sums_what_is_expected_and_what_is_at_stake(outlook):
    # 0.75 + 0.75 + 0.5 buyers; at stake 0.25 of 4,000, half of 100 and all of 300.
    assert plain(page_tables.lead(outlook, LOCALES["en"], "EUR")) == (
        "In the next 90 days 2 of 4 customers (50 %) are expected to buy, for 3,050 EUR. 1,350 EUR are at stake, the largest part with "
        "“Loyal” (74 %)."
    )
    assert "3.050 EUR" in plain(page_tables.lead(outlook, LOCALES["de"], "EUR"))
    nothing = SimpleNamespace(stakes=None, customers=SimpleNamespace(value_days=None))
    assert page_tables.lead(nothing, LOCALES["en"], None) == ""


def test_value_at_stake_is_written_as_shares_and_money_of_the_locale(outlook):
    table = page_tables.stakes(outlook, LOCALES["tr"], "TRY")
    row = [plain(cell) for cell in table.iloc[0]]
    assert row == ["Loyal", "2", "%75", "%20", "3.000 TRY", "1.000 TRY", "2 (%100)"]
    assert isinstance(table.iloc[0, 1], Written)


def test_actions_of_a_segment_share_one_row_of_test_sizes(outlook):
    table = page_tables.tests(outlook, LOCALES["en"])
    assert table["segment"].tolist() == ["Loyal", "Lost"]
    assert table["actions"].tolist() == ["thank them; early access", ""]


def test_a_horizon_says_where_the_model_is_no_better_than_a_yardstick():
    differences = pd.DataFrame(
        [("RFM cells", "auc", True), ("same as last period", "auc", True), ("RFM cells", "brier", False),
         ("same as last period", "brier", True)], columns=["yardstick", "metric", "better"],
    )  # fmt: skip
    judgement = SimpleNamespace(
        rate=0.434, scores=pd.DataFrame({"mean_probability": [0.314]}), differences=differences
    )
    one = SimpleNamespace(horizon=90, plan=SimpleNamespace(judged=date(2011, 9, 11)), judgement=judgement)
    row = page_tables.trust([one], LOCALES["en"]).iloc[0].tolist()
    assert [plain(cell) for cell in row] == [
        "90 days",
        "2011-09-11",
        "43 %",
        "31 %",
        "AUC",
        "Brier score (RFM cells)",
    ]


def test_written_numbers_stand_right_and_words_left_and_notes_follow_the_locale():
    table = pd.DataFrame({"segment": ["a"], "says": ["words"], "share": [Written("5 %")]}, dtype=object)
    html = page.tables_page("t", "s", ["1,200 rows"], [("Title", "95 % of 0.5", table), ("Notes", "", ["3.5 days"])],
                            locale=LOCALES["de"])  # fmt: skip
    assert '<td class="text">words</td><td>5 %</td>' in html
    assert "1.200 rows" in html and f"95{NO_BREAK}% of 0,5" in html and "<li>3,5 days</li>" in html
