"""Segments side by side: what sets them apart, and how much of customers and revenue each holds."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.ticker import FuncFormatter, MaxNLocator
from matplotlib.transforms import ScaledTranslation

from seg.report.plots.lettering import compact, label, number, percent, short
from seg.report.plots.palette import BETTER, INK, WORSE, segment_colour
from seg.report.plots.style import new_figure, styled
from seg.segments import wording

UNKNOWN = "#eceef1"  # colour of a cell without an index
WORSE_TO_BETTER = LinearSegmentedColormap.from_list("worse_to_better", [WORSE, "white", BETTER])
NEITHER = LinearSegmentedColormap.from_list("neither", ["white", "#6b7280"])


@styled
def profile_heatmap(segments: pd.DataFrame, features: list[str]) -> Figure:
    """Draw the profile of every segment: cell text is the mean, colour whether that is better or worse for the shop.

    The rule is that of the page: more orders and money are good, days since the last order and returns are bad, see
    `seg.segments.wording.direction`. Features that are neither are shaded grey by their distance from the average.

    Parameters
    ----------
    segments : DataFrame
        Columns `segment`, `name`, `size` and for each feature `mean_<f>` (original units) and `index_<f>`
        (100 is the average). An index that is NaN or negative has no colour: a ratio says nothing there.
    features : list of str
        Above 20 features only the colours are drawn.
    """
    with_text = len(features) <= 20
    cell = float(np.clip(9.6 / max(len(features), 1), 0.26, 0.95 if with_text else 0.4))
    body = 0.44 * len(segments) + 2.2
    note = "Blue is better for the shop than the average customer, orange is worse; grey is neither, darker the farther from average."
    note = ("Numbers: mean per customer. " if with_text else "") + note
    longest = max((len(label(0, name)) for name in segments["name"]), default=0)
    width = max(6.4, cell * len(features) + 0.9 + 0.08 * max(longest, 20))
    figure = new_figure(width, body, "What sets the segments apart", note, solve=True)
    ax = figure.subplots()
    index = segments[[f"index_{feature}" for feature in features]].to_numpy(float)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.log2(index / 100)
    ways = np.array([wording.direction(feature) for feature in features], dtype="float64")
    image = _shade(ax, np.clip(ratio, -2, 2), ways)
    _colour_bar(figure, ax, image, shrink=float(np.clip(3.6 / (cell * len(features)), 0.3, 1)))
    if with_text:
        _write_cells(ax, segments[[f"mean_{feature}" for feature in features]].to_numpy(float), ratio * ways)
    _heatmap_axes(ax, segments, features, rotation=40 if with_text else 90)
    return figure


@styled
def sizes(segments: pd.DataFrame) -> Figure:
    """Draw each segment's share of customers beside its share of revenue.

    Parameters
    ----------
    segments : DataFrame
        Columns `segment`, `name`, `size`, `share` and `revenue_share` (0 to 1; all NaN leaves revenue out).
    """
    panels = {"share": "customers"}
    if segments["revenue_share"].notna().any():
        panels["revenue_share"] = "revenue"
    real = segments[segments["segment"] >= 0]
    lead = (real if len(real) else segments).sort_values(list(panels)[-1]).iloc[-1]
    sentence = " and ".join(f"{percent(lead[column])} of {what}" for column, what in panels.items())
    note = f"Share per segment; {number(int(segments['size'].sum()))} customers in all"
    figure = new_figure(6, 0.4 * len(segments) + 1.1, f"{short(lead['name'])}: {sentence}", note)
    axes = figure.subplots(
        1, len(panels), sharey=True, sharex=True, squeeze=False, gridspec_kw={"wspace": 0.14}
    )[0]
    rows = np.arange(len(segments))
    colours = [segment_colour(segment) for segment in segments["segment"]]
    for ax, (column, what) in zip(axes, panels.items(), strict=True):
        bars = ax.barh(rows, segments[column].fillna(0), color=colours, height=0.68)
        ax.bar_label(bars, [percent(share) for share in segments[column]], padding=4)
        ax.set_xlabel(f"share of {what}, %")
        ax.xaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:.0f}"))
        ax.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
        ax.grid(axis="x")
        ax.spines["left"].set_visible(False)
        ax.tick_params(length=0)
    axes[0].set_yticks(
        rows, [label(s, n) for s, n in zip(segments["segment"], segments["name"], strict=True)]
    )
    axes[0].tick_params(axis="y", labelcolor=INK)
    axes[0].set_ylim(len(segments) - 0.4, -0.6)
    axes[0].set_xlim(0, np.nanmax(segments[list(panels)].to_numpy(float)) * 1.3)
    return figure


def _shade(ax: Axes, ratio: np.ndarray, ways: np.ndarray) -> AxesImage:
    """Colour cells by good and bad, and grey where a feature is neither; return the image of the colour bar."""
    judged = WORSE_TO_BETTER.with_extremes(bad=UNKNOWN)
    image = ax.imshow(
        np.where(ways, ratio * ways, np.nan), cmap=judged, norm=Normalize(-2.5, 2.5), aspect="auto"
    )
    neither = np.ma.masked_invalid(np.where(ways == 0, np.abs(ratio), np.nan))
    ax.imshow(neither, cmap=NEITHER, norm=Normalize(0, 4), aspect="auto")
    return image


def _colour_bar(figure: Figure, ax: Axes, image: AxesImage, shrink: float) -> None:
    bar = figure.colorbar(image, ax=ax, location="bottom", shrink=shrink, aspect=34 * shrink + 14, pad=0.03)
    bar.set_ticks([-2, -1, 0, 1, 2], labels=["≥ 4 times", "2", "average", "2", "≥ 4 times"])
    # The 256 cells of a colour bar take longer to draw than the whole heatmap; as one image they do not.
    bar.solids.set_visible(False)
    bar.ax.imshow(
        np.linspace(-2, 2, 256)[None], cmap=image.cmap, norm=image.norm, extent=(-2, 2, 0, 1), aspect="auto"
    )
    bar.ax.set(xlim=(-2, 2), ylim=(0, 1))
    bar.outline.set_visible(False)
    bar.ax.tick_params(length=0)
    bar.set_label("worse than the average customer, or better")


def _write_cells(ax: Axes, means: np.ndarray, ratio: np.ndarray) -> None:
    for (row, column), mean in np.ndenumerate(means):
        colour = "white" if abs(ratio[row, column]) > 1.7 else INK
        ax.text(column, row, compact(mean), ha="center", va="center", color=colour, fontsize=9.5)


def _heatmap_axes(ax: Axes, segments: pd.DataFrame, features: list[str], rotation: int) -> None:
    rows = range(len(segments))
    sized = zip(segments["segment"], segments["name"], segments["size"], strict=True)
    ax.set_yticks(
        rows, [f"{label(segment, name)}\n{number(size)} customers" for segment, name, size in sized]
    )
    ax.tick_params(axis="y", length=0, pad=20, labelsize=9.5, labelcolor=INK)
    # A strip of the segment colours between label and cells: 10 points left of the axes at any figure width.
    beside = ax.get_yaxis_transform() + ScaledTranslation(-10 / 72, 0, ax.figure.dpi_scale_trans)
    colours = [segment_colour(segment) for segment in segments["segment"]]
    ax.scatter([0] * len(rows), rows, s=85, c=colours, transform=beside, clip_on=False)
    ax.xaxis.tick_top()
    anchor = {"rotation": rotation, "ha": "left", "va": "center", "rotation_mode": "anchor"}
    ax.set_xticks(range(len(features)), [short(wording.label(feature)) for feature in features], **anchor)
    ax.tick_params(axis="x", length=0, labelsize=9.5, labelcolor=INK)
    white = {"color": "white", "linewidth": 2}
    ax.vlines(np.arange(1, len(features)) - 0.5, -0.5, len(segments) - 0.5, **white)
    ax.hlines(np.arange(1, len(segments)) - 0.5, -0.5, len(features) - 0.5, **white)
    ax.spines[:].set_visible(False)
