"""Figures are the same whether one process draws them or two, and a helper that is gone loses none."""

from __future__ import annotations

import os
import signal
from functools import partial

import pandas as pd
import pytest

from seg.pipeline import keys
from seg.pipeline.cache import Cache
from seg.report import drawing, plots

SCAN = pd.DataFrame(
    {
        "k": [2, 3, 4],
        "inertia": [9.0, 4.0, 3.0],
        "silhouette": [0.3, 0.5, 0.4],
        "silhouette_sq": [0.4, 0.7, 0.6],
    }
).assign(silhouette_se=0.0, silhouette_n=9)


def drawings():
    return {
        "elbow": partial(plots.elbow, SCAN, 3),
        "silhouette": partial(plots.silhouette_over_k, SCAN, 3),
        "again": partial(plots.elbow, SCAN, 2),
    }


@pytest.fixture
def helper():
    drawing.start_helper.__wrapped__()
    yield drawing._helpers[0]
    drawing._stop()


def test_a_helper_draws_the_same_and_what_it_leaves_when_it_is_killed_is_drawn_here(helper):
    asked = []
    alone = {name: plots.png(make()) for name, make in drawings().items()}
    before, drawing._ask = drawing._ask, lambda drawings: asked.append(list(drawings)) or before(drawings)
    try:
        assert drawing.drawn(drawings()) == alone and asked == [["elbow"]]
    finally:
        drawing._ask = before
    assert helper.poll() is None
    os.kill(helper.pid, signal.SIGKILL)
    helper.wait()
    assert drawing.drawn(drawings()) == alone and not drawing._helpers


def test_numbers_of_a_figure_are_written_as_the_language_does():
    seen = []

    def draw():
        figure = plots.silhouette_over_k(SCAN, 3)
        seen.append(
            [plots.compact(1234.5), plots.percent(0.071), figure.axes[0].yaxis.get_major_formatter()(0.45)]
        )
        return figure

    english, german = (plots.in_locale(code, draw) for code in ("en", "de"))
    assert seen == [["1.2k", "7.1 %", "0.45"], ["1,2k", "7,1 %", "0,45"]]
    assert english != german
    assert plots.compact(1234.5) == "1.2k"


@pytest.mark.parametrize("place", ["elbow", "silhouette"])
def test_an_error_of_a_figure_is_raised_here_and_leaves_no_answer_for_the_next_run(helper, place):
    broken = {
        name: partial(plots.elbow, SCAN[["k"]], 3) if name == place else make
        for name, make in drawings().items()
    }
    with pytest.raises(KeyError, match="inertia"):
        drawing.drawn(broken)
    alone = {name: plots.png(make()) for name, make in drawings().items()}
    assert drawing.drawn(drawings()) == alone


def test_figures_are_drawn_once_and_come_from_the_cache_until_what_they_draw_changes(tmp_path, monkeypatch):
    cache, counted = Cache(tmp_path), []
    monkeypatch.setattr(drawing, "_png", lambda locale, make: counted.append(locale) or locale.encode())

    def picture(k=3, locale="en"):
        asked = {"elbow": partial(plots.draw, "elbow", SCAN, k)}
        return cache.get("figures", keys.figures_key(asked, locale), partial(drawing.drawn, asked, locale))

    assert picture() == picture() == {"elbow": b"en"} and counted == ["en"]
    assert picture(locale="de") == {"elbow": b"de"}
    picture(k=2)
    assert len(counted) == 3


def test_the_helper_ends_with_the_process_that_asks_it(helper):
    helper.stdin.close()
    assert helper.wait(20) == 0
