"""What a sweep found: the common space over k, one line for each way to segment."""

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from seg.report.plots.lettering import short
from seg.report.plots.palette import MUTED, segment_colour
from seg.report.plots.style import new_figure, styled

MOST = 12  # lines in a panel; more cannot be told apart


@styled
def sweep(table: pd.DataFrame) -> Figure:
    """Draw the silhouette in the common space over the number of segments, a panel for each data set.

    Parameters
    ----------
    table : DataFrame
        One row a job: `dataset`, `label`, `segments`, `common/silhouette`, `flagged` ("no", or why: drawn hollow).
    """
    names = list(dict.fromkeys(table["dataset"]))
    note = "Mean silhouette, Euclidean, common space: the same for all jobs on one data set. Hollow: flagged by a guard"
    figure = new_figure(7, 3.1 * len(names), "Silhouette in the common space over k", note, solve=True)
    axes = figure.subplots(len(names), squeeze=False)[:, 0]
    # One order for all panels: a colour is the same label everywhere.
    order = table.groupby("label")["common/silhouette"].max().sort_values(ascending=False).index
    for ax, name in zip(axes, names, strict=True):
        rows = table[table["dataset"] == name]
        for place, label in enumerate(order[:MOST]):
            line = rows[rows["label"] == label].sort_values("segments")
            fill = ["white" if flagged != "no" else segment_colour(place) for flagged in line["flagged"]]
            ax.plot(
                line["segments"],
                line["common/silhouette"],
                color=segment_colour(place),
                linewidth=1.6,
                zorder=1,
            )
            ax.scatter(line["segments"], line["common/silhouette"], c=fill, edgecolors=segment_colour(place), zorder=2,
                       label=short(label))  # fmt: skip
        ax.set_title(name, loc="left", fontsize=11, color=MUTED)
        ax.set_ylabel("common/silhouette")
        ax.grid(axis="y")
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        legend = ax.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False, fontsize=9)
        for handle, place in zip(legend.legend_handles, range(MOST), strict=False):
            handle.set_facecolor(segment_colour(place))
    axes[-1].set_xlabel("number of segments")
    if len(order) > MOST:
        axes[-1].annotate(
            f"the best {MOST} of {len(order)}", (0, -0.3), xycoords="axes fraction", color=MUTED
        )
    return figure
