"""Customers one by one: their silhouettes, and where they lie in the plane."""

import textwrap

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import StepPatch
from matplotlib.ticker import FuncFormatter

from seg.report.plots.lettering import label, number, percent, tick, two
from seg.report.plots.overall import Overall
from seg.report.plots.palette import INK, MUTED, segment_colour
from seg.report.plots.style import new_figure, nothing, styled

ROUNDS = 4  # of dots, so that no segment hides the others


@styled
def silhouette_blades(
    values: np.ndarray,
    labels: np.ndarray,
    names: dict[int, str],
    overall: Overall,
    space: str = "own space: scaled features",
    max_rows: int = 2000,
) -> Figure:
    """Draw the sorted silhouette of every customer, one blade per segment.

    Parameters
    ----------
    values : ndarray of shape (n,)
        Euclidean silhouettes, -1 to 1; NaN is left out.
    labels : ndarray of shape (n,)
        Segment of each customer, -1 is noise.
    names : dict of int to str
    overall : Overall
        Mean to mark; sizes and means of the segments where `values` are of a sample.
    space : str
        The space the distances were measured in.
    max_rows : int
        At most about so many rows are drawn, evenly thinned within each segment.
    """
    keep, mean = np.isfinite(values), overall.mean
    values, labels = np.asarray(values)[keep], np.asarray(labels)[keep]
    order = sorted(np.unique(labels).tolist(), key=lambda segment: (segment < 0, segment))
    blades = {segment: np.sort(values[labels == segment])[::-1] for segment in order}
    sizes = {segment: len(blade) for segment, blade in blades.items()} | overall.sizes
    sizes = {segment: sizes[segment] for segment in order}
    everyone = sum(sizes.values())
    count = number(len(values)) + (f" of {number(everyone)}" if everyone > len(values) else "")
    note = f"Silhouette (Euclidean, {space}), {count} customers"
    if len(values) > max_rows:
        note += f", about {number(max_rows)} drawn"
    headline = "No silhouette"
    if len(values):
        closer = percent(sum(sizes[one] * (blade < 0).mean() for one, blade in blades.items()) / everyone)
        headline = f"Mean silhouette {two(mean)}; {closer} of customers sit closer to another segment"
    figure = new_figure(6, max(3.7, 0.46 * len(order) + 1), headline, note)
    ax = figure.subplots()
    if not len(values):
        return nothing(figure, ax, "No silhouette: fewer than two segments.")
    means = {segment: blade.mean() for segment, blade in blades.items()} | overall.means
    _draw_blades(ax, blades, names, max_rows, sizes, means)
    ax.set(
        xlabel=textwrap.fill(f"silhouette (Euclidean, {space})", 50),
        ylabel="customers, sorted (taller = more)",
    )
    ax.xaxis.set_major_formatter(FuncFormatter(tick))
    ax.axvline(0, color=MUTED, linewidth=0.8)
    if np.isfinite(mean):
        ax.axvline(mean, color=INK, linewidth=1.2, linestyle=(0, (4, 3)))
        ax.text(
            mean, 1.005, f"mean {two(mean)}", transform=ax.get_xaxis_transform(), ha="center", va="bottom"
        )
    return figure


def _space(explained: np.ndarray | None) -> tuple[str, list[str]]:
    """Return what the map shows, and the titles of its axes."""
    if explained is None:
        return "Embedding that the model clusters in: islands also appear in random data", ["map 1", "map 2"]
    where = (
        f"First two principal components of own space, {percent(float(np.sum(explained)))} of its variance"
    )
    return where, [
        f"component {place} ({percent(share)} of variance, scaled units)"
        for place, share in enumerate(explained, start=1)
    ]


@styled
def map_2d(
    points: np.ndarray,
    labels: np.ndarray,
    names: dict[int, str],
    explained: np.ndarray | None,
    max_points: int = 20_000,
) -> Figure:
    """Draw customers on two principal components, or on the map of an embedding, a badge at the centre of each segment.

    Parameters
    ----------
    points : ndarray of shape (n, 2)
    labels : ndarray of shape (n,)
        Segment of each customer, -1 is noise.
    names : dict of int to str
    explained : ndarray of shape (2,) or None
        Explained variance ratio of each component, 0 to 1; None for an embedding, whose directions and distances mean nothing.
    max_points : int
        Above it a seeded sample is drawn; centres always come from all points.

    Raises
    ------
    ValueError
        If `points` is not of shape (n, 2).
    """
    points, labels = np.asarray(points), np.asarray(labels)
    if points.ndim != 2 or points.shape[1] != 2:
        raise ValueError(f"map_2d got points of shape {points.shape}, expected (n, 2): pass two components.")
    # Drawn in random order, round by round: drawn segment by segment, the last one would hide the others.
    drawn = np.random.default_rng(0).permutation(len(points))[:max_points]
    where, axes = _space(explained)
    note = f"{where}; {number(len(points))} customers" + (
        f", {number(max_points)} of them drawn" if len(points) > max_points else ""
    )
    figure = new_figure(10.5, 6, "Map of customers", note)
    ax = figure.subplots()
    order = sorted(np.unique(labels).tolist(), key=lambda segment: (segment < 0, segment))
    _dots(ax, points[drawn], labels[drawn])
    ax.set_xlabel(axes[0])
    ax.set_ylabel(axes[1])
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_formatter(FuncFormatter(tick))
    ax.grid()
    _badges(figure, ax, {s: points[labels == s].mean(axis=0) for s in order if s >= 0})
    handles = [ax.plot([], [], "o", color=segment_colour(s), label=label(s, names.get(s)))[0] for s in order]
    ax.legend(
        handles=handles, loc="upper left", bbox_to_anchor=(1.01, 1.01), frameon=False, handletextpad=0.3
    )
    return figure


def _dots(ax: Axes, points: np.ndarray, labels: np.ndarray) -> None:
    """Draw points in some rounds of one colour each: Agg draws dots of one colour ten times as fast as of many."""
    size = np.clip(9000 / max(len(points), 1), 3, 26) ** 0.5
    style = {"linestyle": "none", "marker": "o", "markersize": size, "markeredgewidth": 0, "in_layout": False}
    alpha = np.clip(2500 / max(len(points), 1), 0.28, 0.8)
    for start in range(ROUNDS):
        among, whose = points[start::ROUNDS], labels[start::ROUNDS]
        for segment in np.unique(whose).tolist():
            ax.plot(*among[whose == segment].T, color=segment_colour(segment), alpha=alpha, **style)


def _draw_blades(
    ax: Axes,
    blades: dict[int, np.ndarray],
    names: dict[int, str],
    max_rows: int,
    sizes: dict[int, int],
    means: dict[int, float],
) -> None:
    """Stack the blades from the top; each has a least height, so that its label fits, plus its share."""
    total = sum(sizes.values())
    floor, gap, top, ticks = 0.5 / len(blades), 0.06 / len(blades), 0.0, {}
    for segment, values in blades.items():
        share = sizes[segment] / total
        rows = min(len(values), max(20, round(max_rows * share)))
        thinned = values[np.linspace(0, len(values) - 1, rows).round().astype(int)]
        edges = np.linspace(top, top + floor + 0.5 * share, rows + 1)
        colour = segment_colour(segment)
        # Not `ax.stairs`: it goes over every step to find limits, which are set below.
        ax.add_artist(StepPatch(thinned, edges, orientation="horizontal", color=colour, linewidth=0))
        name = label(segment, names.get(segment))
        ticks[edges[[0, -1]].mean()] = f"{name}\n{number(sizes[segment])} · mean {two(means[segment])}"
        top = edges[-1] + gap
    ax.set_yticks(list(ticks), list(ticks.values()))
    ax.tick_params(axis="y", length=0, labelsize=9.5, labelcolor=INK)
    ax.set_ylim(top, -gap)
    low, high = min(v.min() for v in blades.values()), max(v.max() for v in blades.values())
    ax.set_xlim(min(low, 0) - 0.03, max(high, 0) + 0.03)
    ax.grid(axis="x")
    ax.spines["left"].set_visible(False)


def _badges(figure: Figure, ax: Axes, centres: dict[int, np.ndarray]) -> None:
    """Put the segment numbers at their centres, pushed apart where they would overlap."""
    if not centres:
        return
    true = np.array(list(centres.values()))
    # The final axes size is known only after layout; a rough one in points is enough to keep badges apart.
    spans = np.ptp([ax.get_xlim(), ax.get_ylim()], axis=1)
    scale = np.array([0.66 * figure.get_figwidth(), 0.74 * figure.get_figheight()]) * 72 / spans
    placed = true * scale + np.random.default_rng(0).normal(0, 1e-3, true.shape)
    for _ in range(200):
        gaps = placed[:, None] - placed[None]
        distance = np.linalg.norm(gaps, axis=2)
        np.fill_diagonal(distance, np.inf)
        push = np.clip(22 - distance, 0, None) / 2 / distance
        placed = placed + 0.5 * (push[..., None] * gaps).sum(axis=1)
    for segment, centre, offset in zip(centres, true, placed - true * scale, strict=True):
        colour = segment_colour(segment)
        box = {"boxstyle": "circle,pad=0.32", "facecolor": "white", "edgecolor": colour, "linewidth": 2}
        arrow = {"arrowstyle": "-", "color": INK, "linewidth": 0.8} if np.hypot(*offset) > 6 else None
        style = {
            "textcoords": "offset points",
            "ha": "center",
            "va": "center",
            "weight": "bold",
            "fontsize": 10,
        }
        ax.annotate(str(segment), centre, tuple(offset), bbox=box, arrowprops=arrow, zorder=5, **style)
