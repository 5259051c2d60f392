"""Draw what a run found: every function takes arrays and frames and returns a figure it has made.

Nothing here reads a file, knows a config or touches ``pyplot``: its global state leaks memory in a long sweep
and is not thread-safe. Text is 9 pt or more when a figure is shown at its own size (96 CSS pixels an inch).
"""

import io
import textwrap

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import Normalize, to_hex, to_rgb, to_rgba_array
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.ticker import FuncFormatter, MaxNLocator

INK, MUTED, GRID, ACCENT = "#1d2433", "#5b6472", "#e3e6eb", "#b3261e"
NOISE_COLOUR = "#9aa0a6"
# Okabe & Ito (2008), https://jfly.uni-koeln.de/color/, without its black and with its yellow, too faint on
# white, replaced by the wine and the olive of Paul Tol's muted scheme.
BASE_COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#882255", "#999933")
DPI = 144
UNKNOWN, MINUS = "\N{EN DASH}", "\N{MINUS SIGN}"

# A user's matplotlibrc must not change a figure, and a "$" in a name must not start a formula.
_STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "text.color": INK,
    "text.usetex": False,
    "text.parse_math": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": MUTED,
    "axes.labelpad": 7,
    "axes.axisbelow": True,
    "axes.unicode_minus": True,
    "grid.color": GRID,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelsize": 10,
    "ytick.labelsize": 10,
}
_styled = matplotlib.rc_context(_STYLE)


def segment_colour(segment: int) -> str:
    """Return the colour of a segment as ``#rrggbb``, the same in every figure and table.

    Eight hues that colour-blind readers can tell apart; segments 8 to 15 are their dark and 16 to 23 their
    light shades, then the cycle starts again. Noise (-1) is grey. No palette of 20 hues is safe for
    everybody, so a figure never relies on colour alone.
    """
    if segment < 0:
        return NOISE_COLOUR
    shade, hue = divmod(int(segment), len(BASE_COLOURS))
    target, amount = (("white", 0.0), ("black", 0.45), ("white", 0.5))[shade % 3]
    mixed = (1 - amount) * np.array(to_rgb(BASE_COLOURS[hue])) + amount * np.array(to_rgb(target))
    return to_hex(mixed)


def compact(value: float) -> str:
    """Write a number in at most about five characters.

    >>> [compact(value) for value in (1234, 3_400_000, 57.3, 0.3412)]
    ['1.2k', '3.4M', '57', '0.34']
    """
    if not np.isfinite(value):
        return UNKNOWN if np.isnan(value) else ("∞" if value > 0 else f"{MINUS}∞")
    for divisor, suffix in ((1e9, "B"), (1e6, "M"), (1e3, "k"), (1.0, "")):
        scaled = value / divisor
        if abs(scaled) >= 0.9995:
            text = f"{scaled:.0f}" if abs(scaled) >= 9.95 else f"{scaled:.1f}".removesuffix(".0")
            return (text + suffix).replace("-", MINUS)
    return f"{value:.2g}".replace("-", MINUS)


def percent(share: float) -> str:
    """Write a share of 1 as a percentage with sensible digits, a dash when it is not known."""
    if not np.isfinite(share):
        return UNKNOWN
    if 0 < share < 0.001:
        return "< 0.1 %"
    return f"{share:.0%}".replace("%", " %") if share >= 0.0995 else f"{share:.1%}".replace("%", " %")


@_styled
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
    figure = _figure(6, 3.7, "Inertia over k", "Sum of squared distances to the segment centre, own space")
    ax = figure.subplots()
    if scan.empty:
        return _nothing(figure, ax, "This model has no inertia to compare.")
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


@_styled
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
    figure = _figure(6, 3.7, "Silhouette over k", note)
    ax = figure.subplots()
    if scan.empty:
        return _nothing(figure, ax, "No silhouette: fewer than two segments.")
    _k_axis(ax, scan["k"])
    ax.set_ylabel("mean silhouette (own space)")
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


@_styled
def silhouette_blades(
    values: np.ndarray,
    labels: np.ndarray,
    names: dict[int, str],
    mean: float,
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
    mean : float
        Mean to mark, computed by the caller (perhaps on more customers than are given here).
    space : str
        The space the distances were measured in.
    max_rows : int
        At most about so many rows are drawn, evenly thinned within each segment.
    """
    keep = np.isfinite(values)
    values, labels = np.asarray(values)[keep], np.asarray(labels)[keep]
    order = sorted(np.unique(labels).tolist(), key=lambda segment: (segment < 0, segment))
    note = f"Silhouette (Euclidean, {space}), {len(values):,} customers"
    if len(values) > max_rows:
        note += f", about {max_rows:,} drawn"
    headline = "No silhouette"
    if len(values):
        closer = percent((values < 0).mean())
        headline = f"Mean silhouette {_two(mean)}; {closer} of customers sit closer to another segment"
    figure = _figure(6, max(3.7, 0.46 * len(order) + 1), headline, note)
    ax = figure.subplots()
    if not len(values):
        return _nothing(figure, ax, "No silhouette: fewer than two segments.")
    _draw_blades(
        ax, {segment: np.sort(values[labels == segment])[::-1] for segment in order}, names, max_rows
    )
    ax.set(
        xlabel=textwrap.fill(f"silhouette (Euclidean, {space})", 50),
        ylabel="customers, sorted (taller = more)",
    )
    ax.axvline(0, color=MUTED, linewidth=0.8)
    if np.isfinite(mean):
        ax.axvline(mean, color=INK, linewidth=1.2, linestyle=(0, (4, 3)))
        ax.text(
            mean, 1.005, f"mean {_two(mean)}", transform=ax.get_xaxis_transform(), ha="center", va="bottom"
        )
    return figure


@_styled
def profile_heatmap(segments: pd.DataFrame, features: list[str]) -> Figure:
    """Draw the profile of every segment: cell text is the mean, colour the index to the average customer.

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
    note = "Colour: index to the average customer (100), log scale, capped at 25 and 400; grey: no index."
    note = ("Numbers: mean per customer in the feature's own units. " if with_text else "") + note
    width = max(6.4, cell * len(features) + 2.6)
    figure = _figure(width, body, "What sets the segments apart", note)
    ax = figure.subplots()
    index = segments[[f"index_{feature}" for feature in features]].to_numpy(float)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.log2(index / 100)
    colours = matplotlib.colormaps["BrBG"].with_extremes(bad="#eceef1")
    image = ax.imshow(np.clip(ratio, -2, 2), cmap=colours, norm=Normalize(-2.5, 2.5), aspect="auto")
    _colour_bar(figure, ax, image, shrink=float(np.clip(3.6 / (cell * len(features)), 0.3, 1)))
    if with_text:
        _write_cells(ax, segments[[f"mean_{feature}" for feature in features]].to_numpy(float), ratio)
    _heatmap_axes(ax, segments, features, rotation=40 if with_text else 90)
    return figure


@_styled
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
    says = " and ".join(f"{percent(lead[column])} of {what}" for column, what in panels.items())
    note = f"Share per segment; {segments['size'].sum():,} customers in all"
    figure = _figure(6, 0.4 * len(segments) + 1.1, f"{_short(lead['name'])}: {says}", note)
    axes = figure.subplots(1, len(panels), sharey=True, sharex=True, squeeze=False)[0]
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
        rows, [_label(s, n) for s, n in zip(segments["segment"], segments["name"], strict=True)]
    )
    axes[0].tick_params(axis="y", labelcolor=INK)
    axes[0].set_ylim(len(segments) - 0.4, -0.6)
    axes[0].set_xlim(0, np.nanmax(segments[list(panels)].to_numpy(float)) * 1.3)
    return figure


@_styled
def map_2d(
    points: np.ndarray,
    labels: np.ndarray,
    names: dict[int, str],
    explained: np.ndarray,
    max_points: int = 20_000,
) -> Figure:
    """Draw customers on the first two principal components, a badge at the centre of each segment.

    Parameters
    ----------
    points : ndarray of shape (n, 2)
    labels : ndarray of shape (n,)
        Segment of each customer, -1 is noise.
    names : dict of int to str
    explained : ndarray of shape (2,)
        Explained variance ratio of each component, 0 to 1.
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
    # Drawn in random order: drawn segment by segment, the last one would hide the others.
    drawn = np.random.default_rng(0).permutation(len(points))[:max_points]
    note = (
        f"First two principal components of own space, {percent(float(np.sum(explained)))} of its variance; "
    )
    note += f"{len(points):,} customers" + (
        f", {max_points:,} of them drawn" if len(points) > max_points else ""
    )
    figure = _figure(10.5, 6, "Map of customers", note)
    ax = figure.subplots()
    order = sorted(np.unique(labels).tolist(), key=lambda segment: (segment < 0, segment))
    palette = {segment: to_rgba_array(segment_colour(segment))[0] for segment in order}
    colours = np.array([palette[label] for label in labels[drawn].tolist()]).reshape(-1, 4)
    size, alpha = np.clip(9000 / max(len(drawn), 1), 3, 26), np.clip(2500 / max(len(drawn), 1), 0.28, 0.8)
    ax.scatter(*points[drawn].T, s=size, c=colours, alpha=alpha, linewidths=0, rasterized=True)
    ax.set_xlabel(f"component 1 ({percent(explained[0])} of variance, scaled units)")
    ax.set_ylabel(f"component 2 ({percent(explained[1])} of variance, scaled units)")
    ax.grid()
    _badges(figure, ax, {s: points[labels == s].mean(axis=0) for s in order if s >= 0})
    handles = [ax.plot([], [], "o", color=segment_colour(s), label=_label(s, names.get(s)))[0] for s in order]
    ax.legend(
        handles=handles, loc="upper left", bbox_to_anchor=(1.01, 1.01), frameon=False, handletextpad=0.3
    )
    return figure


def png(figure: Figure, dpi: int = DPI) -> bytes:
    """Render a figure to PNG bytes, the same bytes for the same figure."""
    buffer = io.BytesIO()
    FigureCanvasAgg(figure)
    with matplotlib.rc_context(_STYLE):
        figure.savefig(buffer, format="png", dpi=dpi, metadata={"Software": None})
    return buffer.getvalue()


def _figure(width: float, body: float, headline: str, note: str) -> Figure:
    """Make a figure `body` inches high plus a headline and a note above, wrapped to `width` inches."""
    heads = textwrap.wrap(headline, int((width - 0.3) / 0.115))
    notes = textwrap.wrap(note, int((width - 0.3) / 0.079))
    start = 0.2 + 0.25 * len(heads)
    height = start + 0.2 * len(notes) + 0.1 + body
    figure = Figure(figsize=(width, height), layout="constrained", facecolor="white")
    figure.get_layout_engine().set(rect=(0, 0, 1, body / height), w_pad=0.14, h_pad=0.08)
    place = {"x": 0.14 / width, "va": "top", "ha": "left", "linespacing": 1.25}
    figure.text(y=1 - 0.14 / height, s="\n".join(heads), fontsize=13, weight="bold", **place)
    figure.text(y=1 - start / height, s="\n".join(notes), fontsize=10, color=MUTED, **place)
    return figure


def _nothing(figure: Figure, ax: Axes, text: str) -> Figure:
    ax.text(0.5, 0.5, text, transform=ax.transAxes, ha="center", va="center", color=MUTED, fontsize=11)
    ax.set_axis_off()
    return figure


def _short(name: object, width: int = 30) -> str:
    """Put a name on one line of at most `width` characters."""
    text = " ".join(str(name).split())
    return text if len(text) <= width else text[: width - 1].rstrip() + "…"


def _two(value: float) -> str:
    return f"{value:.2f}".replace("-", MINUS) if np.isfinite(value) else UNKNOWN


def _label(segment: int, name: object) -> str:
    if segment < 0:
        return _short(name or "noise")
    return f"{segment}  {_short(name or 'segment')}"


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
    """Name both silhouette lines at their right end; where those are close, one name above and one below."""
    euclidean = "Euclidean"
    estimated = scan.loc[scan["silhouette_se"] > 0, "silhouette_n"]
    if len(estimated):
        counts = f"{estimated.max():,.0f}"
        if estimated.min() < estimated.max():
            counts = f"{estimated.min():,.0f} to {counts}"
        euclidean += f"\n(sample of {counts},\nbars: ± 1 s.e.)"
    lines = {"silhouette": (euclidean, INK), "silhouette_sq": ("squared\nEuclidean", MUTED)}
    known = [column for column in lines if scan[column].notna().any()]
    ends = {column: scan[["k", column]].dropna().iloc[-1].to_numpy(float) for column in known}
    heights = [end[1] for end in ends.values()]
    apart = np.ptp(heights) > 0.35 * np.ptp(scan[known].to_numpy(float)[np.isfinite(scan[known])])
    for column, end in ends.items():
        text, colour = lines[column]
        side, lift = ("center", 0) if apart else ("bottom", 2) if end[1] == max(heights) else ("top", -2)
        place = {"xytext": (12, lift), "textcoords": "offset points", "va": side}
        ax.annotate(text, end, color=colour, **place)


def _draw_blades(ax: Axes, blades: dict[int, np.ndarray], names: dict[int, str], max_rows: int) -> None:
    """Stack the blades from the top; each has a least height, so that its label fits, plus its share."""
    total = sum(map(len, blades.values()))
    floor, gap, top, ticks = 0.5 / len(blades), 0.06 / len(blades), 0.0, {}
    for segment, values in blades.items():
        share = len(values) / total
        rows = min(len(values), max(20, round(max_rows * share)))
        thinned = values[np.linspace(0, len(values) - 1, rows).round().astype(int)]
        edges = np.linspace(top, top + floor + 0.5 * share, rows + 1)
        colour = segment_colour(segment)
        ax.stairs(thinned, edges, orientation="horizontal", fill=True, color=colour, linewidth=0)
        name = _label(segment, names.get(segment))
        ticks[edges[[0, -1]].mean()] = f"{name}\n{len(values):,} · mean {_two(values.mean())}"
        top = edges[-1] + gap
    ax.set_yticks(list(ticks), list(ticks.values()))
    ax.tick_params(axis="y", length=0, labelsize=9.5, labelcolor=INK)
    ax.set_ylim(top, -gap)
    low, high = min(v.min() for v in blades.values()), max(v.max() for v in blades.values())
    ax.set_xlim(min(low, 0) - 0.03, max(high, 0) + 0.03)
    ax.grid(axis="x")
    ax.spines["left"].set_visible(False)


def _colour_bar(figure: Figure, ax: Axes, image: AxesImage, shrink: float) -> None:
    bar = figure.colorbar(image, ax=ax, location="bottom", shrink=shrink, aspect=34 * shrink + 14, pad=0.03)
    bar.set_ticks([-2, -1, 0, 1, 2], labels=["≤ 25", "50", "100", "200", "≥ 400"])
    bar.ax.set_xlim(-2, 2)
    bar.outline.set_visible(False)
    bar.ax.tick_params(length=0)
    bar.set_label("index to the average customer (100)")


def _write_cells(ax: Axes, means: np.ndarray, ratio: np.ndarray) -> None:
    for (row, column), mean in np.ndenumerate(means):
        colour = "white" if abs(ratio[row, column]) > 1.5 else INK
        ax.text(column, row, compact(mean), ha="center", va="center", color=colour, fontsize=9.5)


def _heatmap_axes(ax: Axes, segments: pd.DataFrame, features: list[str], rotation: int) -> None:
    rows = range(len(segments))
    sized = zip(segments["segment"], segments["name"], segments["size"], strict=True)
    ax.set_yticks(rows, [f"{_label(segment, name)}\n{size:,} customers" for segment, name, size in sized])
    ax.tick_params(axis="y", length=0, pad=20, labelsize=9.5, labelcolor=INK)
    colours = [segment_colour(segment) for segment in segments["segment"]]
    # A strip of the segment colours between label and cells: 10 points left of the axes at any figure width.
    for row, colour in zip(rows, colours, strict=True):
        dot = {"xycoords": ax.get_yaxis_transform(), "textcoords": "offset points", "annotation_clip": False}
        box = {"boxstyle": "circle,pad=0.35", "facecolor": colour, "edgecolor": "none"}
        ax.annotate(" ", (0, row), (-10, 0), fontsize=6, ha="center", va="center", bbox=box, **dot)
    ax.xaxis.tick_top()
    anchor = {"rotation": rotation, "ha": "left", "va": "center", "rotation_mode": "anchor"}
    ax.set_xticks(range(len(features)), [_short(feature) for feature in features], **anchor)
    ax.tick_params(axis="x", length=0, labelsize=9.5, labelcolor=INK)
    ax.set_xticks(np.arange(len(features) + 1) - 0.5, minor=True)
    ax.set_yticks(np.arange(len(segments) + 1) - 0.5, minor=True)
    ax.grid(which="minor", color="white", linewidth=2)
    ax.set_axisbelow(False)
    ax.tick_params(which="minor", length=0)
    ax.spines[:].set_visible(False)


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
