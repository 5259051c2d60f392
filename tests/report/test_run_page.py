"""Contracts of the page of a run: names and actions first, complete, self-contained, escaped, pure."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from seg.evaluation.verdicts import Verdict
from seg.outlook import actions
from seg.report import page, plots
from seg.report.run_page import RunPage, render
from seg.report.shades import strength, tone
from seg.report.verdict_line import verdict_line
from seg.segments.cross_tab import cross_tab
from seg.segments.explain import explain
from seg.segments.formats import LOCALES
from seg.segments.naming import name_segments
from seg.segments.playbook import parse
from seg.segments.rfm import DEFAULT
from seg.segments.rfm_tables import rule_segments

NASTY = "<script>alert('x')</script> \"&\" Müller 北京 🛒"
ACTION = {"do": "Send a letter", "for": "all of them", "why": "it works", "measure": "orders per letter"}
BOOK = parse(
    {
        "name": "mine",
        "actions": {"letter": ACTION},
        "rules": [
            {"name": "Champions", "when": {"money": [0.6, 1]}, "says": "Spend most", "actions": ["letter"]}
        ],
    }
)


def segments() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "segment": [0, 1, -1],
            "name": ["Champions", "Hibernating", "noise"],
            "size": [1234, 8000, 66],
            "share": [0.1327, 0.8602, 0.0071],
            "revenue_share": [0.6, 0.39, 0.01],
            "mean_orders": [15.0, 2.0, 3.0],
            "median_orders": [12.0, 1.0, 3.0],
            "index_orders": [500.0, 70.0, 100.0],
            "mean_margin": [1.5, -1.0, 0.0],
            "median_margin": [1.0, -1.0, np.nan],
            "index_margin": [np.inf, np.nan, np.nan],
        }
    )


def customers() -> tuple[pd.DataFrame, np.ndarray]:
    frame = pd.DataFrame(
        {
            "recency_days": [1.0, 2, 50, 60, 70, 90],
            "orders": [9.0, 8, 2, 1, 1, 1],
            "revenue": [90.0, 80, 20, 9, 8, 7],
        }
    )
    return frame, np.array([0, 0, 1, 1, 1, -1])


def content(**changes) -> RunPage:
    """Make the content of a small page; `changes` replace some of it."""
    ledger = pd.DataFrame(
        {
            "step": ["raw", "drop returns", "nothing to do"],
            "rows": [10_000, 9_000, 9_000],
            "customers": [500, 499, 499],
            "revenue": [2000.0, 2500.0, np.nan],
        }
    )
    frame, labels = customers()
    names = {0: "Champions", 1: "Hibernating", -1: "noise"}
    made = RunPage(
        title="Study",
        subtitle="kmeans on sample",
        notes=[("warning", "SAMPLE DATA"), ("info", "a note")],
        facts={"seed": "42"},
        metrics=[("own/silhouette", 0.41234, "mean silhouette, Euclidean"), ("rows", 1234567, "read")],
        segments=segments(),
        features=["orders", "margin"],
        k_scan=pd.DataFrame(
            {"k": [2, 3], "silhouette": [0.4123, np.nan], "silhouette_sq": [0.6, 0.5], "bic": np.nan}
        ),
        k=2,
        k_reason="3 of 4 rules vote for it",
        ledger=ledger,
        figures={"votes": ("Votes", plots.png(Figure(figsize=(3, 2)), dpi=40))},
        config_yaml="seed: 42\n",
        verdicts=[Verdict("stable", True, "Jaccard 0.9", "0.75", "Hennig")],
        verdict_line="Evidence: stable.",
        naming=name_segments(
            pd.DataFrame({"money": [0.8, 0.3]}, index=pd.Index([0, 1], name="segment")), BOOK, noise=True
        ),
        explanation=explain(frame, labels, names, list(frame)),
        rule_segments=rule_segments(frame, DEFAULT, labels, names),
        customer_map=(np.random.default_rng(0).normal(size=(6, 2)), labels),
        months={"revenue": pd.DataFrame({"2011-01": [5.0, 1.0], "2011-02": [7.0, np.nan]}, index=[0, 1])},
        currency="EUR",
    )
    return replace(made, **changes)


def html(**changes) -> str:
    """Render the small page, with plain spaces."""
    return render(content(**changes)).replace("\N{NO-BREAK SPACE}", " ")


def test_the_map_of_an_embedding_stands_beside_the_map_of_the_features_with_a_warning():
    embedded = html(embedding=np.random.default_rng(1).normal(size=(6, 2)))
    first, second = (
        embedded.index(title)
        for title in ("two main directions of the features", "embedding that the model clusters in")
    )
    assert first < second < embedded.index("<h2>Profile")
    assert "islands in random data too" in embedded and "islands in random data too" not in html()


def test_a_reader_meets_the_headline_the_cards_and_what_to_do_before_pictures_rules_and_evidence():
    text = html()
    marks = [
        "SAMPLE DATA", "<h1>9,300 customers in 2 segments", "Evidence: stable.", '<h3>Champions</h3>', "Spend most",
        "Send a letter", "<h2>Pictures</h2>", "<h2>Profile</h2>", "<h2>Who belongs where</h2>", "<h2>Against rule-based RFM</h2>",
        "<h2>Month by month</h2>", "<h2>Evidence</h2>", "own/silhouette", "seed: 42",
    ]  # fmt: skip
    places = [text.index(mark) for mark in marks]
    assert places == sorted(places)


def test_every_action_has_for_whom_why_and_what_to_measure():
    text = html()
    assert all(part in text for part in ("all of them", "it works", "orders per letter"))


def test_a_card_has_the_name_once_without_its_number():
    assert "<h3>Champions</h3>" in html()
    assert not re.search(r"<h3>\s*0", html())


def test_the_headline_names_the_segment_that_earns_most():
    text = page.headline(segments()).replace("\N{NO-BREAK SPACE}", " ")
    assert text == (
        "9,300 customers in 2 segments: “Champions” are 13 % of them and bring 60 % of the revenue; 0.7 % fit no segment."
    )


def test_the_headline_without_revenue_names_the_largest_segment():
    assert "the largest is “Hibernating”" in page.headline(segments().assign(revenue_share=np.nan))


def test_colours_say_good_and_bad_and_not_high_and_low():
    assert tone(300, way=1) == "good"
    assert tone(300, way=-1) == "bad"
    assert tone(30, way=-1) == "good"
    assert tone(300, way=0) == tone(105, way=1) == tone(np.nan, way=1) == tone(np.inf, way=1) == "plain"
    assert strength(100) == strength(120) == 0
    assert 0 < strength(150) < strength(300) < strength(400) == strength(4000) == 100


def test_the_same_sentence_is_not_on_the_page_twice():
    reason = "No clear number of segments."
    text = html(notes=[("warning", reason), ("info", "x"), ("info", "x")], k_reason=reason)
    assert text.count(reason) == 1
    assert text.count("<li>x</li>") == 1


def test_the_name_says_which_rule_fired():
    assert "the first rule that holds: money 0.80 (at least 0.6)." in html()


def test_rules_cross_tab_and_months_are_there_only_if_they_are_known():
    text = html(explanation=None, rule_segments=None, months={}, naming=None, customer_map=None)
    for title in ("Who belongs where", "Against rule-based RFM", "Month by month", "What to do"):
        assert title not in text


def test_charts_have_titles_for_the_pointer_and_a_label_for_screen_readers():
    text = html()
    assert "<title>Champions, 2011-02: 7</title>" in text
    assert 'role="img" aria-label="Revenue of each month by segment"' in text
    assert "<title>Champions: revenue 60 %</title>" in text


def test_numbers_follow_the_locale():
    text = render(content(), LOCALES["de"])
    assert "9.300 customers" in text
    assert "1.234.567" in text
    assert "%60" in render(content(), LOCALES["tr"])


def test_the_ledger_shows_the_difference_from_the_step_before():
    text = html()
    assert "−1,000 (−10 %)" in text
    assert "+500 (+25 %)" in text
    assert "no change" in text


def test_columns_of_the_scan_that_were_never_computed_are_left_out_and_the_chosen_k_is_marked():
    text = html()
    assert ">bic<" not in text
    assert len(re.findall(r'<tr class="chosen">', text)) == 1
    assert 'class="chosen"' not in html(k=None)


def test_nothing_is_loaded_from_anywhere():
    text = html(config_yaml="uri: https://user@host/db", title="https://example.org")
    assert not re.search(r"""(src|href)\s*=\s*["']?\s*(https?:)?//""", text)
    assert not re.search(r"<(script|link|iframe|object)\b", text)
    assert "url(" not in text.replace("url(#keep-colours)", "")
    assert "@import" not in text
    assert re.findall(r'src="([^"]{22})', text) == ["data:image/png;base64,"]


def test_html_in_any_text_is_escaped():
    named = {0: NASTY, 1: "b", -1: "noise"}
    frame, labels = customers()
    frame = frame.rename(columns={"orders": NASTY})
    tables = (
        segments()
        .rename(columns=lambda column: column.replace("orders", NASTY))
        .assign(name=[NASTY, "b", "noise"])
    )
    rules = rule_segments(customers()[0], DEFAULT)
    text = html(
        title=NASTY,
        subtitle=NASTY,
        notes=[("info", NASTY), ("warning", NASTY)],
        facts={NASTY: NASTY},
        metrics=[(NASTY, 1.0, NASTY)],
        segments=tables,
        features=[NASTY, "margin"],
        k_reason=NASTY,
        config_yaml=NASTY,
        verdict_line=NASTY,
        verdicts=[Verdict(NASTY, None, NASTY, NASTY, NASTY)],
        figures={NASTY: (NASTY, plots.png(Figure(figsize=(3, 2)), dpi=40))},
        ledger=content().ledger.assign(step=NASTY),
        k_scan=content().k_scan.rename(columns={"silhouette_sq": NASTY}),
        explanation=explain(frame, labels, named, list(frame)),
        rule_segments=replace(rules, cross=cross_tab(labels, named, np.array([NASTY] * 6), [NASTY])),
        months={NASTY: content().months["revenue"].rename(columns={"2011-01": NASTY})},
        currency=NASTY,
        evidence_tables=[(NASTY, pd.DataFrame({NASTY: [NASTY]}))],
    )
    assert "<script" not in text
    assert "&lt;script&gt;" in text
    assert not re.search(r'="[^"<>]*<', text)


def test_a_page_with_almost_nothing_still_renders():
    empty = pd.DataFrame(columns=["step", "rows", "customers", "revenue"])
    text = html(
        notes=[], facts={}, metrics=[], features=[], figures={}, verdicts=(), verdict_line="", months={},
        segments=segments().head(1).assign(share=1.0, revenue_share=np.nan), k=None, k_reason="", ledger=empty,
        k_scan=pd.DataFrame({"k": [1], "silhouette": [np.nan]}), naming=None, explanation=None, rule_segments=None,
        customer_map=None,
    )  # fmt: skip
    assert "1,234 customers in 1 segment:" in text
    assert "<img" not in text


def test_an_unknown_level_of_a_note_is_refused():
    with pytest.raises(ValueError, match="level 'loud', expected one of warning, info"):
        html(notes=[("loud", "!")])


def test_a_figure_that_is_not_png_is_refused():
    with pytest.raises(ValueError, match=r"Figure 'map' starts with b'<svg>', expected PNG bytes"):
        html(figures={"map": ("A map", b"<svg>")})


def test_rendering_changes_none_of_its_inputs():
    given, before = content(), content()
    render(given)
    for name in ("segments", "k_scan", "ledger"):
        pd.testing.assert_frame_equal(getattr(given, name), getattr(before, name))
    assert given.facts == before.facts


def test_all_verdicts_fit_into_one_line():
    worse = "worse than rule RFM: 0.214 of the deviance explained"
    verdicts = [
        Verdict("stable", True, "", "", ""),
        Verdict("predictive", False, worse, "", ""),
        Verdict("real", None, "", "", ""),
    ]
    line = verdict_line(verdicts, "no clear k: one group. 3 segments are used")
    assert line == (
        "Evidence: the segments come back in samples, but predict worse than rule-based RFM; no clear number of segments; "
        "1 question not measured."
    )
    assert (
        verdict_line([Verdict("stable", False, "", "", "")])
        == "Evidence: the segments do not come back in samples."
    )
    assert verdict_line([]) == ""


def test_sentences_of_the_page_write_their_numbers_in_the_locale():
    page = render(replace(content(), notes=[("info", "1,234 rows were 12.5% of all")]), LOCALES["de"])
    assert "1.234 rows were 12,5\xa0% of all" in page
    assert "from 1,25 to 4 times" in page


def test_a_last_month_that_is_not_over_and_a_short_history_are_said():
    days = (date(2009, 12, 1), date(2011, 2, 9))
    shown = html(days=days)
    assert "The orders end on 2011-02-09, so the last month is not complete" in shown
    assert ">2011-02</th>" in shown and ">2011-02</text>" not in shown  # in the table, not in the lines
    for other in ((days[0], date(2011, 2, 25)), (days[0], date(2011, 3, 2)), (None, None)):
        assert "the last month is not complete" not in html(days=other)
    assert "The orders span 31 days: names compare" in html(days=(date(2011, 1, 1), date(2011, 1, 31)))
    assert "The orders span" not in html(days=days)


def test_the_value_at_stake_and_what_a_test_of_each_action_can_show_are_on_the_page():
    scores = pd.DataFrame(
        {
            "segment": [0] * 400 + [1] * 100,
            "probability_90": 0.5,
            "spend_90": 4.0,
            "probability_lost": 0.25,
            "usual_spend": 10.0,
        }
    )
    stakes = actions.value_at_stake(scores, {0: "Champions", 1: "Hibernating"}, 90)
    tests = actions.by_action(actions.ab_test_sizes(stakes), stakes, {0: ["Send a letter"]})
    text = html(stakes=stakes, tests=tests, stakes_meaning="The next 90 days")
    assert "<h2>What is at stake</h2>" in text and "The next 90 days." in text
    assert (
        "<td>400</td><td>50 %</td><td>25 %</td><td>1,600 EUR</td><td>2,000 EUR</td><td>0 (0 %)</td>" in text
    )
    assert '<td class="text">Send a letter</td><td>400</td><td>50 %</td><td>13.8</td>' in text
    assert "What is at stake" not in html()


def test_what_the_outlook_cannot_do_stands_in_its_section_and_not_above_the_segments():
    shown = html(
        notes=[("warning", "SAMPLE DATA"), ("warning", "outlook: 180 days: not possible: too short")]
    )
    assert (
        shown.index("SAMPLE DATA") < shown.index("<h1>") < shown.index("180 days: not possible: too short.")
    )
    assert "What is at stake" in shown


def test_a_profile_says_no_more_than_it_shows():
    """A table without orders has no colour to explain, and no sums: no button leads to a table of dashes."""
    with_orders, without = html(), html(features=["margin"])
    assert "better for the shop" in with_orders and "better for the shop" not in without
    assert 'id="view-share"' in with_orders and 'id="view-share"' not in without
    assert with_orders.count('<tr class="no-sum">') == 1  # the margin
