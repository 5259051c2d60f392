"""What is forecast: probabilities beside what came, and months or weeks to come with their intervals."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from seg.report.plots.lettering import compact, percent, points, short
from seg.report.plots.palette import ACCENT, INK, MUTED
from seg.report.plots.style import new_figure, styled


@styled
def calibration(tables: Mapping[str, pd.DataFrame], errors: Mapping[str, float]) -> Figure:
    """Draw how often customers bought beside how often they were expected to, one panel a horizon.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        By title: ``predicted``, ``observed``, ``low``, ``high`` of each group of customers, shares of 1.
    errors : mapping of str to float
        By title: mean distance of the two.
    """
    note = f"Tenths of the customers by expected probability; bars: {percent(0.95)} intervals. On the line: exactly as expected."
    worst = points(max(errors.values()))
    figure = new_figure(
        3.3 * len(tables) + 0.6, 3.1, f"Expected rates are off by {worst} or less on average", note
    )
    for ax, (title, table) in zip(
        np.atleast_1d(figure.subplots(1, len(tables))), tables.items(), strict=True
    ):
        ax.plot([0, 1], [0, 1], color=MUTED, linewidth=1)
        reach = [table["observed"] - table["low"], table["high"] - table["observed"]]
        ax.errorbar(
            table["predicted"],
            table["observed"],
            yerr=np.abs(reach),
            color=INK,
            marker="o",
            linewidth=1.4,
            capsize=2,
        )
        ax.set_title(f"{title} (off by {points(errors[title])})", fontsize=10, loc="left")
        ax.set_xlim(0, 1)
        ax.set_ylim(0, 1)
        ax.set_xlabel("expected probability")
        for axis in (ax.xaxis, ax.yaxis):
            axis.set_major_formatter(FuncFormatter(lambda value, _: percent(value)))
    figure.axes[0].set_ylabel("share who bought")
    return figure


@styled
def forecasts(
    past: pd.DataFrame, future: pd.DataFrame, measure: str, order: Sequence[str], period: str = "month"
) -> Figure:
    """Draw months or weeks that came and those to come, one panel a segment.

    Parameters
    ----------
    past : DataFrame of shape (n_periods, n_segments)
        One row a month or week, one column a segment, by name.
    future : DataFrame
        ``segment``, ``month`` or ``week``, ``mean``, ``low_80``, ``high_80``, ``low_95``, ``high_95``.
    measure : str
        What the values are.
    order : sequence of str
        Segments in the order of the panels.
    period : str
        ``month`` or ``week``.
    """
    columns = min(3, len(order))
    rows = -(-len(order) // columns)
    ahead = future[period].nunique()
    note = f"Line: {period}s that came. Dots: forecast, with {percent(0.8)} and {percent(0.95)} intervals. The scale is each panel's own."
    figure = new_figure(
        3.4 * columns,
        2.1 * rows + 0.5,
        f"{measure.capitalize()} of the next {ahead} {period}s by segment",
        note,
        True,
    )
    axes = np.ravel(figure.subplots(rows, columns, sharex=True, squeeze=False))
    for ax, name in zip(axes, order, strict=False):
        forecast = future[future["segment"] == name]
        at = np.arange(len(past), len(past) + len(forecast))
        ax.plot(np.arange(len(past)), past[name], color=INK, linewidth=1.4)
        for level, shade in ((95, 0.15), (80, 0.3)):
            ax.fill_between(
                at,
                forecast[f"low_{level}"],
                forecast[f"high_{level}"],
                color=ACCENT,
                alpha=shade,
                linewidth=0,
            )
        ax.plot(at, forecast["mean"], color=ACCENT, marker="o", markersize=3.5, linewidth=1.2)
        ax.set_title(short(name, 34), fontsize=10, loc="left")
        ax.set_ylim(bottom=0)
        ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: compact(value)))
        ax.grid(axis="y")
    every = [*past.index.astype(str), *(str(one) for one in future[period].unique())]
    places = list(range(0, len(every), max(len(every) // 4, 1)))
    for ax in axes[: len(order)]:
        ax.set_xticks(places, [every[place][:7] for place in places], fontsize=9)  # the month of a week
    for ax in axes[len(order) :]:
        ax.set_axis_off()
    return figure
