"""How every figure looks: palette, numbers, headline, and its PNG."""

import functools
import io
import textwrap
from collections.abc import Callable
from contextvars import ContextVar
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg, RendererAgg
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.layout_engine import LayoutEngine
from matplotlib.transforms import Bbox
from PIL import Image

from seg.segments.formats import ENGLISH, LOCALES, NO_BREAK, UNKNOWN, Locale

INK, MUTED, GRID, ACCENT = "#1d2433", "#5b6472", "#e3e6eb", "#b3261e"
NOISE_COLOUR = "#9aa0a6"
# Okabe & Ito (2008), https://jfly.uni-koeln.de/color/, without its black and with its yellow, too faint on
# white, replaced by the wine and the olive of Paul Tol's muted scheme.
BASE_COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#882255", "#999933")
DPI = 144
PAD = np.array([0.14, 0.08])  # inches at the edges of a figure, left and right, below and above

# A user's matplotlibrc must not change a figure, and a "$" in a name must not start a formula.
_STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "text.color": INK,
    "text.usetex": False,
    "text.parse_math": False,
    # At twice the pixels of old screens hinting only bends letters, and takes a third of the time of a figure.
    "text.hinting": "no_hinting",
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
styled = matplotlib.rc_context(_STYLE)


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


_locale: ContextVar[Locale] = ContextVar("locale", default=ENGLISH)


def in_locale(code: str, draw: Callable[[], Figure]) -> bytes:
    """Draw a figure and return its PNG, with the numbers as a language writes them.

    Parameters
    ----------
    code : str
        Of the locale, as in `seg.segments.formats.LOCALES`.
    draw : callable
        Returns the figure.
    """
    before = _locale.set(LOCALES[code])
    try:
        return png(draw())  # the labels of ticks are written while it is rendered
    finally:
        _locale.reset(before)


def number(value: float) -> str:
    """Write a number with separators and sensible digits."""
    return _locale.get().number(value)


def tick(value: float, _place: int | None = None) -> str:
    """Write the number of a tick, for matplotlib's ``FuncFormatter``."""
    return _locale.get().written(f"{value:g}")


def compact(value: float) -> str:
    """Write a number in at most about five characters."""
    return _locale.get().compact(value)


def percent(share: float) -> str:
    """Write a share of 1 as a percentage with sensible digits, a dash if it is unknown."""
    return _locale.get().percent(share).replace(NO_BREAK, " ")


def picture(path: Path) -> Figure:
    """Return a figure that shows a saved PNG file, pixel for pixel."""
    with Image.open(path) as image:
        pixels = np.asarray(image.convert("RGB"))
    height, width = pixels.shape[:2]
    figure = Figure(figsize=(width / DPI, height / DPI), dpi=DPI)
    figure.figimage(pixels)
    return figure


def png(figure: Figure, dpi: int = DPI) -> bytes:
    """Render a figure to PNG bytes, the same bytes for the same figure."""
    figure.set_dpi(dpi)
    canvas = _Canvas(figure)
    # `savefig` would draw twice, first for the layout only; here one draw does both.
    with matplotlib.rc_context(_STYLE):
        canvas.draw()
    written, size = io.BytesIO(), canvas.get_width_height(physical=True)
    picture = Image.frombuffer("RGBA", size, canvas.buffer_rgba(), "raw", "RGBA", 0, 1).convert("RGB")
    # Nearly as small as with the default level, in half the time.
    picture.save(written, "png", dpi=(dpi, dpi), compress_level=3)
    return written.getvalue()


class _Canvas(FigureCanvasAgg):
    """A canvas that asks FreeType for the size of a text once, not in every figure anew."""

    def get_renderer(self) -> RendererAgg:
        size = (*self.get_width_height(physical=True), self.figure.dpi)
        if size != self._size:
            self.renderer, self._size = _Renderer(*size), size
        return self.renderer

    _size = None


class _Renderer(RendererAgg):
    def get_text_width_height_descent(self, s, prop, ismath):
        return _text_size(s, prop.copy(), self.dpi)


@functools.lru_cache(10_000)
def _text_size(text: str, font: FontProperties, dpi: float) -> tuple[float, float, float]:
    return RendererAgg(1, 1, dpi).get_text_width_height_descent(text, font, False)


def new_figure(width: float, body: float, headline: str, note: str, solve: bool = False) -> Figure:
    """Make a figure `body` inches high plus a headline and a note above, wrapped to `width` inches.

    With `solve` matplotlib finds the places of its axes: for a colour bar, and for axes below each other.

    Parameters
    ----------
    width, body : float
        Inches.
    headline, note : str
    solve : bool

    Returns
    -------
    Figure
    """
    heads = textwrap.wrap(headline, int((width - 0.3) / 0.115))
    notes = textwrap.wrap(note, int((width - 0.3) / 0.079))
    start = 0.2 + 0.25 * len(heads)
    height = start + 0.2 * len(notes) + 0.1 + body
    figure = Figure(figsize=(width, height), layout="constrained" if solve else None, facecolor="white")
    if solve:
        figure.get_layout_engine().set(rect=(0, 0, 1, body / height), w_pad=PAD[0], h_pad=PAD[1])
    else:
        figure.subplots_adjust(0.15, 0.7 / height, 0.95, (body - 0.2) / height)
        figure.set_layout_engine(_Fill(body))
    place = {"x": PAD[0] / width, "va": "top", "ha": "left", "linespacing": 1.25}
    figure.text(y=1 - 0.14 / height, s="\n".join(heads), fontsize=13, weight="bold", **place)
    figure.text(y=1 - start / height, s="\n".join(notes), fontsize=10, color=MUTED, **place)
    return figure


class _Fill(LayoutEngine):
    """Fill the lower `body` inches of a figure with its axes and their labels.

    The labels are measured once. Matplotlib's ``constrained`` measures them twice, a sixth of the time of a figure.
    """

    _adjust_compatible = _colorbar_gridspec = True

    def __init__(self, body: float):
        super().__init__()
        self._body = body

    def execute(self, fig: Figure) -> None:
        renderer, inches = fig.canvas.get_renderer(), fig.dpi_scale_trans.inverted()
        labelled = [ax.get_tightbbox(renderer, for_layout_only=True) for ax in fig.axes]
        outer = Bbox.union(labelled).transformed(inches)
        inner = Bbox.union([ax.bbox for ax in fig.axes]).transformed(inches)
        low = inner.min - outer.min + PAD
        high = (fig.get_figwidth(), self._body) - (outer.max - inner.max) - PAD
        for ax in fig.axes:
            corners = ax.bbox.transformed(inches).get_points()
            placed = low + (corners - inner.min) / inner.size * (high - low)
            ax.set_position(Bbox(placed / fig.get_size_inches()))


def nothing(figure: Figure, ax: Axes, text: str) -> Figure:
    """Write in an empty figure why there is nothing to see.

    Parameters
    ----------
    figure : Figure
    ax : Axes
        Its only axes; they are hidden.
    text : str
        The reason.

    Returns
    -------
    Figure
    """
    ax.text(0.5, 0.5, text, transform=ax.transAxes, ha="center", va="center", color=MUTED, fontsize=11)
    ax.set_axis_off()
    return figure


def short(name: object, width: int = 30) -> str:
    """Put a name on one line of at most `width` characters."""
    text = " ".join(str(name).split())
    return text if len(text) <= width else text[: width - 1].rstrip() + "…"


def two(value: float) -> str:
    """Write a number with two digits after the point, a dash when it is not known."""
    return _locale.get().fixed(value, 2) if np.isfinite(value) else UNKNOWN


def label(segment: int, name: object) -> str:
    """Write the number and the name of a segment, noise by its name alone."""
    if segment < 0:
        return short(name or "noise")
    return f"{segment}  {short(name or 'segment')}"
