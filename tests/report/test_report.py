"""Contracts of the page: complete, self-contained, escaped, pure."""

import re

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from seg.report import page as report
from seg.report import plots

NASTY = "<script>alert('x')</script> \"&\" Müller 北京 🛒"


def inputs(**changes):
    """Make the arguments of a small page; `changes` replace some of them."""
    segments = pd.DataFrame(
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
    ledger = pd.DataFrame(
        {
            "step": ["raw", "drop returns", "nothing to do"],
            "rows": [10_000, 9_000, 9_000],
            "customers": [500, 499, 499],
            "revenue": [2000.0, 2500.0, np.nan],
        }
    )
    scan = pd.DataFrame(
        {"k": [2, 3], "silhouette": [0.4123, np.nan], "silhouette_sq": [0.6, 0.5], "bic": np.nan}
    )
    arguments = {
        "title": "Study",
        "subtitle": "kmeans on sample",
        "notices": [("warning", "SAMPLE DATA")],
        "facts": {"seed": "42"},
        "metrics": [("own/silhouette", 0.41234, "mean silhouette, Euclidean"), ("rows", 1234567, "read")],
        "segments": segments,
        "features": ["orders", "margin"],
        "k_scan": scan,
        "k": 2,
        "k_reason": "3 of 4 rules vote for it",
        "ledger": ledger,
        "figures": {"sizes": ("Shares", plots.png(Figure(figsize=(3, 2)), dpi=40))},
        "config_yaml": "seed: 42\n",
    }
    return arguments | changes


def page(**changes):
    """Render the small page."""
    return report.render(**inputs(**changes))


def test_the_page_holds_what_it_was_given():
    html = page()
    for text in ("SAMPLE DATA", "own/silhouette", "0.412", "1,234,567", "3 of 4 rules", "seed: 42", "Shares"):
        assert text in html
    for segment in (0, 1, -1):
        assert f"--colour: {plots.segment_colour(segment)}" in html


def test_the_headline_names_the_segment_that_earns_most():
    text = report.headline(inputs()["segments"]).replace("\N{NO-BREAK SPACE}", " ")
    assert text == (
        "9,300 customers in 2 segments: “Champions” is 13 % of them and brings 60 % of the revenue; "
        "0.7 % fit no segment."
    )


def test_the_headline_without_revenue_names_the_largest_segment():
    text = report.headline(inputs()["segments"].assign(revenue_share=np.nan))
    assert "the largest is “Hibernating”" in text


def test_the_ledger_shows_the_difference_to_the_step_before():
    html = page().replace("\N{NO-BREAK SPACE}", " ")
    assert "−1,000 (−10 %)" in html
    assert "+500 (+25 %)" in html
    assert "no change" in html


def test_columns_of_the_scan_that_were_never_computed_are_left_out_and_the_chosen_k_is_marked():
    html = page()
    assert "<th>bic</th>" not in html
    assert len(re.findall(r'<tr class="chosen">', html)) == 1
    assert 'class="chosen"' not in page(k=None)


def test_nothing_is_loaded_from_anywhere():
    html = page(config_yaml="uri: https://user@host/db", title="https://example.org")
    assert not re.search(r"""(src|href)\s*=\s*["']?\s*(https?:)?//""", html)
    assert not re.search(r"<(script|link|iframe|object)\b", html)
    assert "url(" not in html
    assert "@import" not in html
    assert re.findall(r'src="([^"]{22})', html) == ["data:image/png;base64,"]


def test_html_in_any_text_is_escaped():
    given = inputs()
    segments, ledger = given["segments"].copy(), given["ledger"].assign(step=NASTY)
    segments["name"] = NASTY
    segments = segments.rename(columns=lambda column: column.replace("orders", NASTY))
    html = page(
        title=NASTY,
        subtitle=NASTY,
        notices=[("info", NASTY)],
        facts={NASTY: NASTY},
        metrics=[(NASTY, 1.0, NASTY)],
        segments=segments,
        features=[NASTY, "margin"],
        k_scan=given["k_scan"].rename(columns={"silhouette_sq": NASTY}),
        k_reason=NASTY,
        ledger=ledger,
        figures={NASTY: (NASTY, given["figures"]["sizes"][1])},
        config_yaml=NASTY,
    )
    assert "<script" not in html
    assert "&lt;script&gt;" in html
    assert "Müller 北京 🛒" in html
    assert not re.search(r'="[^"<>]*<', html)


def test_a_page_with_almost_nothing_still_renders():
    empty = pd.DataFrame(columns=["step", "rows", "customers", "revenue"])
    scan = pd.DataFrame({"k": [1], "silhouette": [np.nan]})
    one = inputs()["segments"].head(1).assign(share=1.0, revenue_share=np.nan)
    html = page(
        notices=[],
        facts={},
        metrics=[],
        segments=one,
        features=[],
        k_scan=scan,
        k=None,
        ledger=empty,
        figures={},
    )
    assert "1,234 customers in 1 segment:" in html
    assert "<img" not in html


def test_figures_have_alternative_text_and_their_own_size():
    html = page(figures={"map": ("A map", plots.png(Figure(figsize=(8, 3))))})
    assert 'alt="A map" width="768" height="288"' in html
    assert 'class="wide"' in html


def test_an_unknown_notice_level_is_refused():
    with pytest.raises(ValueError, match="level 'loud', expected one of warning, info"):
        page(notices=[("loud", "!")])


def test_a_figure_that_is_not_png_is_refused():
    with pytest.raises(ValueError, match=r"Figure 'map' starts with b'<svg>', expected PNG bytes"):
        page(figures={"map": ("A map", b"<svg>")})


def test_numbers_have_separators_and_sensible_digits():
    given = (
        19945,
        np.int64(1000),
        4123.456,
        152.34,
        12.345,
        0.41234,
        -0.00012345,
        3.0,
        np.nan,
        None,
        True,
        "text",
    )
    written = [report.number(value) for value in given]
    expected = [
        "19,945",
        "1,000",
        "4,123",
        "152.3",
        "12.35",
        "0.412",
        "−0.00012",
        "3",
        "–",
        "–",
        "True",
        "text",
    ]
    assert written == expected


def test_rendering_changes_none_of_its_inputs():
    given, before = inputs(), inputs()
    report.render(**given)
    for name in ("segments", "k_scan", "ledger"):
        pd.testing.assert_frame_equal(given[name], before[name])
    assert given["facts"] == before["facts"]
