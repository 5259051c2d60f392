"""Which rule votes for which number of segments k."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from seg.report.plots.lettering import short
from seg.report.plots.palette import ACCENT, GRID, INK, MUTED
from seg.report.plots.style import new_figure, nothing, styled


@styled
def votes(votes_frame: pd.DataFrame, k: int | None, ks: Sequence[int]) -> Figure:
    """Draw one dot a rule at the k it votes for, with the chosen k marked.

    Parameters
    ----------
    votes_frame : DataFrame
        Columns `rule` and `k`, one row a rule, drawn from top to bottom: 1 is a vote for no structure, NaN no answer.
    k : int or None
        The chosen k; None marks nothing.
    ks : sequence of int
        Every k that was tried.
    """
    tried = sorted({int(value) for value in ks} - {1})
    note = "One dot a rule; an open dot is a vote for a single group"
    figure = new_figure(6, 0.9 + 0.3 * max(len(votes_frame), 4), "Votes for the number of segments", note)
    ax = figure.subplots()
    if votes_frame.empty or not tried:
        return nothing(figure, ax, "No rule could be asked: no number of segments was tried.")
    # The column of 1 is as wide as its label, however many k there are.
    width = max(1.0, 0.24 * len(tried))
    places = {1: 0.5 - width / 2} | {value: place for place, value in enumerate(tried, start=1)}
    _axes(ax, votes_frame["rule"], places, 0.5 - width)
    if k in places:
        ax.axvline(places[k], color=ACCENT, linewidth=1.2, zorder=0)
        above = {"transform": ax.get_xaxis_transform(), "ha": "center", "va": "bottom"}
        ax.text(places[k], 1.01, f"chosen k = {k}", color=ACCENT, weight="bold", **above)
    for row, vote in enumerate(votes_frame["k"]):
        if pd.isna(vote) or int(vote) not in places:
            ax.text(len(places) - 0.3, row, "no answer", color=MUTED, fontsize=9, va="center", ha="left")
            continue
        fill = INK if vote > 1 else "white"
        ax.plot(places[int(vote)], row, "o", markersize=8.5, color=INK, markerfacecolor=fill)
    return figure


def _axes(ax: Axes, rules: pd.Series, places: dict[int, float], start: float) -> None:
    ax.set_xlabel("number of segments k")
    ax.tick_params(length=0)
    ax.set_yticks(range(len(rules)), [short(rule, 34) for rule in rules])
    ax.set_ylim(len(rules) - 0.5, -0.5)
    # Of many k every second or third is named, so that their numbers do not touch.
    step = -(-len(places) // 13)
    named = {k: place for rank, (k, place) in enumerate(places.items()) if k == 1 or (rank - 1) % step == 0}
    ax.set_xticks(list(named.values()), ["1, no\nstructure" if k == 1 else str(k) for k in named])
    ax.set_xlim(start, len(places) - 0.4)
    ax.axvspan(start, 0.5, color=GRID, alpha=0.5, linewidth=0, zorder=-1)
    ax.grid(axis="y")
