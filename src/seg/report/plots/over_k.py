"""Curves over the number of segments k."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from seg.report.plots.lettering import compact, number, tick
from seg.report.plots.palette import ACCENT, INK, MUTED
from seg.report.plots.style import new_figure, nothing, styled


@styled
def elbow(k_scan: pd.DataFrame, k: int | None) -> Figure:
    """Draw inertia (sum of squared distances to the centre, own space) over k with the chosen k marked.

    Parameters
    ----------
    k_scan : DataFrame
        Columns `k` and `inertia`, one row per k; one row, or NaN for models without inertia, are fine.
    k : int or None
        The chosen k; None marks nothing.
    """
    scan = k_scan[["k", "inertia"]].dropna().sort_values("k")
    figure = new_figure(6, 3.7, "Inertia over k", "Sum of squared distances to the segment centre, own space")
    ax = figure.subplots()
    if scan.empty:
        return nothing(figure, ax, "This model has no inertia to compare.")
    _k_axis(ax, scan["k"])
    ax.plot(scan["k"], scan["inertia"], color=INK, marker="o", markersize=5, linewidth=1.8)
    ax.set_ylabel("inertia (squared distance, own space)")
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: compact(value)))
    # Round steps only: a tick at 17.5k would be written "18k".
    ax.yaxis.set_major_locator(MaxNLocator(7, steps=[1, 2, 5, 10]))
    ax.set_ylim(0, scan["inertia"].max() * 1.15 or 1)
    if (scan["k"] == k).any():
        _mark_inertia(ax, scan, k)
    return figure


@styled
def silhouette_over_k(k_scan: pd.DataFrame, k: int | None) -> Figure:
    """Draw the Euclidean and the squared-Euclidean mean silhouette over k; the two are not comparable.

    Parameters
    ----------
    k_scan : DataFrame
        Columns `k`, `silhouette`, `silhouette_se` (standard error, 0 where exact), `silhouette_n` (customers
        it was computed on) and `silhouette_sq`.
    k : int or None
        The chosen k; None marks nothing.
    """
    scan = k_scan.dropna(subset=["silhouette", "silhouette_sq"], how="all").sort_values("k")
    note = "Mean, own space. Squared distances, as Spark uses, mostly give higher values: not comparable"
    figure = new_figure(6, 3.7, "Silhouette over k", note)
    ax = figure.subplots()
    if scan.empty:
        return nothing(figure, ax, "No silhouette: fewer than two segments.")
    _k_axis(ax, scan["k"])
    ax.set_ylabel("mean silhouette (own space)")
    ax.yaxis.set_major_formatter(FuncFormatter(tick))
    errors = scan["silhouette_se"].where(scan["silhouette_se"] > 0)
    style = {"linewidth": 1.8, "markersize": 5.5, "capsize": 3}
    ax.errorbar(scan["k"], scan["silhouette"], yerr=errors, color=INK, marker="o", **style)
    style |= {"linestyle": (0, (4, 2)), "markerfacecolor": "white"}
    ax.errorbar(scan["k"], scan["silhouette_sq"], color=MUTED, marker="s", **style)
    _label_line_ends(ax, scan)
    ax.margins(y=0.27)
    if k is not None:
        ax.axvline(k, color=ACCENT, linewidth=1.2, zorder=0)
        place = {"transform": ax.get_xaxis_transform(), "ha": "center", "va": "bottom"}
        ax.text(k, 1.01, f"chosen k = {k}", color=ACCENT, weight="bold", **place)
    return figure


def _k_axis(ax: Axes, ks: pd.Series) -> None:
    ax.set_xlabel("number of segments k")
    ax.grid(axis="y")
    ax.tick_params(length=0)
    if len(ks) <= 15:
        ax.set_xticks(ks)
    else:
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    pad = max(0.4, 0.04 * (ks.max() - ks.min()))
    ax.set_xlim(ks.min() - pad, ks.max() + pad)


def _mark_inertia(ax: Axes, scan: pd.DataFrame, k: int) -> None:
    # Inertia falls with k, so the room is above and to the right of a point, except for the last one.
    side = -1 if k == scan["k"].max() and len(scan) > 1 else 1
    point = (k, scan.loc[scan["k"] == k, "inertia"].iloc[0])
    ring = {"markersize": 11, "markerfacecolor": "none", "markeredgecolor": ACCENT, "markeredgewidth": 2}
    ax.plot(*point, marker="o", **ring)
    arrow = {"arrowprops": {"arrowstyle": "-", "color": ACCENT, "shrinkB": 7}, "textcoords": "offset points"}
    style = {"color": ACCENT, "weight": "bold", "ha": "left" if side > 0 else "right"}
    ax.annotate(f"chosen k = {k}", point, (side * 22, 30), **style, **arrow)


def _label_line_ends(ax: Axes, scan: pd.DataFrame) -> None:
    """Label both silhouette lines at their right end; where those are close, one name above and one below."""
    euclidean = "Euclidean"
    estimated = scan.loc[scan["silhouette_se"] > 0, "silhouette_n"]
    if len(estimated):
        counts = number(int(estimated.max()))
        if estimated.min() < estimated.max():
            counts = f"{number(int(estimated.min()))} to {counts}"
        euclidean += f"\n(sample of {counts},\nbars: ± 1 s.e.)"
    lines = {"silhouette": (euclidean, INK), "silhouette_sq": ("squared\nEuclidean", MUTED)}
    available = [column for column in lines if scan[column].notna().any()]
    ends = {column: scan[["k", column]].dropna().iloc[-1].to_numpy(float) for column in available}
    heights = [end[1] for end in ends.values()]
    apart = np.ptp(heights) > 0.35 * np.ptp(scan[available].to_numpy(float)[np.isfinite(scan[available])])
    for column, end in ends.items():
        text, colour = lines[column]
        side, lift = ("center", 0) if apart else ("bottom", 2) if end[1] == max(heights) else ("top", -2)
        place = {"xytext": (12, lift), "textcoords": "offset points", "va": side}
        ax.annotate(text, end, color=colour, **place)
