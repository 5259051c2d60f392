"""Small charts as SVG text: they follow the page into dark mode, scale to a phone, and show values under the pointer.

Every function returns markup whose texts are escaped. Colours of segments are those of the figures.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup, escape

from seg.segments.formats import ENGLISH, Locale

WIDTH, HEIGHT = 720, 300
LEFT, RIGHT, TOP, BOTTOM = 62, 16, 14, 34
DOTS = 1500  # customers on a map: more cannot be told apart, and each is 40 bytes


@dataclass(frozen=True)
class Line:
    """One line of a chart: a name, a colour, and a value for each place on the x axis (NaN leaves a gap)."""

    name: str
    colour: str
    values: Sequence[float]


def lines_chart(
    title: str, xs: Sequence[str], lines: Sequence[Line], locale: Locale = ENGLISH, marked: str | None = None
) -> Markup:
    """Draw lines over common places, every point with its value under the pointer.

    Parameters
    ----------
    title : str
        Read out by screen readers.
    xs : sequence of str
        Labels of the places.
    lines : sequence of Line
    locale : Locale
    marked : str, optional
        Label of a place to mark.
    """
    finite = [value for line in lines for value in line.values if np.isfinite(value)]
    if not finite or not len(xs):
        return Markup("")
    low, high = _nice(min(0.0, min(finite)), max(finite))
    place = np.linspace(LEFT, WIDTH - RIGHT, len(xs)) if len(xs) > 1 else np.array([WIDTH / 2])
    parts = [*_grid(low, high, locale), *_x_labels(xs, place)]
    if marked in xs:
        x = place[list(xs).index(marked)]
        parts.append(f'<line class="mark" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}"/>')
    for line in lines:
        parts.append(_line(line, xs, place, (low, high), locale))
    return _svg(title, parts)


def _line(line: Line, xs: Sequence[str], place: np.ndarray, ends: tuple[float, float], locale: Locale) -> str:
    points = [(x, _y(value, *ends), at, value) for x, value, at in zip(place, line.values, xs, strict=True)]
    points = [point for point in points if np.isfinite(point[1])]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y, *_ in points)
    dots = "".join(
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.4"><title>{escape(line.name)}, {escape(at)}: {locale.number(value)}'
        "</title></circle>"
        for x, y, at, value in points
    )
    colour = escape(line.colour)
    return f'<g class="line" style="--colour: {colour}"><polyline points="{path}"/>{dots}</g>'


def map_chart(
    title: str, points: np.ndarray, labels: np.ndarray, names: Mapping[int, str], colours: Mapping[int, str]
) -> Markup:
    """Draw customers as dots in the plane, and a numbered badge at the centre of each segment.

    Parameters
    ----------
    title : str
        Read out by screen readers.
    points : ndarray of shape (n_customers, 2)
    labels : ndarray of shape (n_customers,)
        Segment of each customer, -1 is noise.
    names, colours : mapping of int to str
        Of the segments.
    """
    points, labels = np.asarray(points, dtype="float64"), np.asarray(labels)
    low, high = np.quantile(points, [0.002, 0.998], axis=0)
    span = np.where(high > low, high - low, 1.0)
    # A few extreme customers would press all others into a corner: they stand at the edge.
    unit = ((points - low) / span).clip(-0.02, 1.02)
    xy = np.column_stack([20 + unit[:, 0] * (WIDTH - 40), 400 - unit[:, 1] * 380])
    drawn = np.random.default_rng(0).permutation(len(xy))[:DOTS]
    parts = []
    for segment in sorted(names):
        mine = drawn[labels[drawn] == segment]
        dots = "".join(f'<circle cx="{x:.0f}" cy="{y:.0f}" r="2.6"/>' for x, y in xy[mine])
        head = f"<title>{escape(names[segment])}</title>"
        parts.append(f'<g class="dots" style="--colour: {escape(colours[segment])}">{head}{dots}</g>')
    for segment in sorted(name for name in names if name >= 0):
        x, y = xy[labels == segment].mean(axis=0)
        badge = (
            f'<circle cx="{x:.0f}" cy="{y:.0f}" r="13"/><text x="{x:.0f}" y="{y + 4.5:.0f}">{segment}</text>'
        )
        head = f"<title>{escape(names[segment])}</title>"
        parts.append(f'<g class="badge" style="--colour: {escape(colours[segment])}">{head}{badge}</g>')
    return _svg(title, parts, height=420)


def bars_chart(
    title: str, rows: Sequence[tuple[str, str, Sequence[tuple[str, float]]]], locale: Locale
) -> Markup:
    """Draw groups of horizontal bars of shares.

    Parameters
    ----------
    title : str
        Read out by screen readers.
    rows : sequence of (name, colour, bars)
        Each bar is a label and a share of 1.
    locale : Locale
    """
    finite = [share for *_, bars in rows for _, share in bars if np.isfinite(share)]
    if not finite:
        return Markup("")
    most, each = max([*finite, 1e-9]), 18
    parts, y, left = [], 6, 250
    for name, colour, bars in rows:
        parts.append(
            f'<text class="name" x="{left - 12}" y="{y + 9 * len(bars) + 4}">{escape(_short(name))}</text>'
        )
        for place, (what, share) in enumerate(bars):
            if not np.isfinite(share):
                continue
            width = (WIDTH - left - 120) * max(share, 0) / most
            text = f"{escape(what)} {locale.percent(share)}"
            soft = "" if place == 0 else ' class="soft"'
            parts.append(
                f'<g style="--colour: {escape(colour)}"><rect{soft} x="{left}" y="{y}" width="{max(width, 1):.1f}" '
                f'height="{each - 4}"><title>{escape(name)}: {text}</title></rect>'
                f'<text class="value" x="{left + width + 6:.1f}" y="{y + 11}">{text}</text></g>'
            )
            y += each
        y += 12
    return _svg(title, parts, height=y)


def _svg(title: str, parts: Sequence[str], height: int = HEIGHT) -> Markup:
    head = f'<svg class="chart" viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(title)}">'
    return Markup(head + "".join(parts) + "</svg>")


def _y(value: float, low: float, high: float) -> float:
    return HEIGHT - BOTTOM - (value - low) / (high - low) * (HEIGHT - TOP - BOTTOM)


def _nice(low: float, high: float) -> tuple[float, float]:
    """Widen a range to round numbers."""
    if high <= low:
        high = low + 1.0
    step = _step(low, high)
    return float(np.floor(low / step) * step), float(np.ceil(high / step - 1e-9) * step)


def _step(low: float, high: float) -> float:
    raw = (high - low) / 4
    power = 10.0 ** np.floor(np.log10(raw))
    return next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= raw * (1 - 1e-9))


def _grid(low: float, high: float, locale: Locale) -> list[str]:
    step, parts = _step(low, high), []
    for value in np.arange(low, high + step / 2, step):
        y = _y(value, low, high)
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(
            f'<text class="tick" x="{LEFT - 8}" y="{y + 4:.1f}">{locale.compact(round(value, 10))}</text>'
        )
    return parts


def _x_labels(xs: Sequence[str], place: np.ndarray) -> list[str]:
    longest = max(len(str(at)) for at in xs)
    most = int(
        np.clip((WIDTH - LEFT - RIGHT) / (13 * longest), 2, 9)
    )  # so that labels stay apart on a phone too
    step = -(-len(xs) // most)
    return [
        f'<text class="{"end" if x > WIDTH - 40 else "x"}" x="{x:.1f}" y="{HEIGHT - 10}">{escape(at)}</text>'
        for number, (at, x) in enumerate(zip(xs, place, strict=True))
        if number % step == 0
    ]


def _short(text: str, most: int = 34) -> str:
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def columns_chart(
    title: str, edges: Sequence[tuple[float, float]], counts: Sequence[float], locale: Locale
) -> Markup:
    """Draw a histogram: a column for each range of values, its count under the pointer.

    Parameters
    ----------
    title : str
        Read out by screen readers.
    edges : sequence of (from, to)
    counts : sequence of float
    locale : Locale
    """
    height, most = 150, max([*counts, 1])
    width = (WIDTH - 40) / max(len(counts), 1)
    parts = []
    for place, ((low, high), count) in enumerate(zip(edges, counts, strict=True)):
        tall = (height - 34) * count / most
        text = f"{locale.number(low)} to {locale.number(high)}: {locale.number(count)}"
        parts.append(
            f'<rect x="{20 + place * width:.1f}" y="{height - 24 - tall:.1f}" width="{max(width - 2, 1):.1f}" '
            f'height="{tall:.1f}"><title>{text}</title></rect>'
        )
    if len(edges):
        parts.append(f'<text class="start" x="20" y="{height - 6}">{locale.number(edges[0][0])}</text>')
        parts.append(
            f'<text class="end" x="{WIDTH - 20}" y="{height - 6}">{locale.number(edges[-1][1])}</text>'
        )
    return _svg(title, parts, height=height)


def box_chart(title: str, rows: Sequence[tuple[str, Mapping[str, float]]], locale: Locale) -> Markup:
    """Draw a box plot on a logarithmic scale for each row: box from p25 to p75, whiskers from p5 to p95.

    Parameters
    ----------
    title : str
        Read out by screen readers.
    rows : sequence of (name, quantiles)
        With ``p5``, ``p25``, ``p50``, ``p75`` and ``p95``.
    locale : Locale
    """
    parts, y, left = [], 8, 150
    for name, row in rows:
        values = [row[f"p{share}"] for share in (5, 25, 50, 75, 95)]
        scaled = np.sign(values) * np.log1p(np.abs(values))
        span = scaled[-1] - scaled[0] or 1.0
        x = [left + (WIDTH - left - 30) * (one - scaled[0]) / span for one in scaled]
        quantiles_text = ", ".join(
            f"{share} % {locale.number(value)}"
            for share, value in zip((5, 25, 50, 75, 95), values, strict=True)
        )
        parts.append(
            f'<g><title>{escape(name)}: {quantiles_text}</title><text class="name" x="{left - 14}" y="{y + 20}">{escape(_short(name, 18))}</text>'
            f'<line class="whisker" x1="{x[0]:.1f}" x2="{x[4]:.1f}" y1="{y + 15}" y2="{y + 15}"/>'
            f'<rect class="soft" x="{x[1]:.1f}" y="{y + 4}" width="{max(x[3] - x[1], 2):.1f}" height="22"/>'
            f'<line class="median" x1="{x[2]:.1f}" x2="{x[2]:.1f}" y1="{y + 2}" y2="{y + 28}"/>'
            f'<text class="start" x="{x[0]:.1f}" y="{y + 46}">{locale.compact(values[0])}</text>'
            f'<text class="end" x="{x[4]:.1f}" y="{y + 46}">{locale.compact(values[4])}</text></g>'
        )
        y += 62
    return _svg(title, parts, height=y)
