"""Who moved where: shares of each segment's customers, from row to column."""

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from seg.report.plots.lettering import compact, folded, number, percent
from seg.report.plots.palette import INK
from seg.report.plots.style import new_figure, styled


@styled
def movement(counts: pd.DataFrame, start: str, end: str) -> Figure:
    """Draw how customers moved: a row is where they were, a column where they are, colour and text the share of the row.

    Parameters
    ----------
    counts : DataFrame
        Customers, rows and columns named by segment; ``new`` may be a row, ``gone`` a column. A row without customers is left
        out, a column too.
    start, end : str
        The two days, or the two models.
    """
    counts = counts.loc[counts.sum(axis=1) > 0, counts.sum() > 0]
    values = counts.to_numpy(dtype="float64")
    shares = values / values.sum(axis=1, keepdims=True)
    both = [name for name in counts.index if name in counts.columns]
    known = counts.loc[both, both].to_numpy()
    stayed = np.trace(known) / known.sum() if known.sum() else np.nan
    headline = f"{percent(stayed)} of the customers seen on both sides stayed in their segment"
    note = f"Rows: where customers were ({start}); columns: where they are ({end}). Share of the row, customers below."
    width = max(6.4, 1.12 * len(counts.columns) + 2.8)
    figure = new_figure(width, 0.62 * len(counts) + 1.3, headline, note)
    ax = figure.subplots()
    ax.imshow(shares, cmap=matplotlib.colormaps["Blues"], vmin=0, vmax=1.15, aspect="auto")
    for (row, column), share in np.ndenumerate(shares):
        if not values[row, column]:
            continue
        text = (
            f"{percent(share)}\n{number(values[row, column])}"
            if len(counts.columns) <= 14
            else compact(100 * share)
        )
        ax.text(
            column, row, text, ha="center", va="center", color="white" if share > 0.62 else INK, fontsize=9.5
        )
    ax.set_xticks(
        range(len(counts.columns)), [folded(name) for name in counts.columns], rotation=30, ha="right"
    )
    sizes = values.sum(axis=1)
    ax.set_yticks(
        range(len(counts)),
        [f"{folded(name)}  ({number(size)})" for name, size in zip(counts.index, sizes, strict=True)],
    )
    ax.set_xlabel(end)
    ax.set_ylabel(start)
    ax.tick_params(length=0)
    for spine in ax.spines.values():
        spine.set_visible(False)
    return figure
