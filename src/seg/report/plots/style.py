"""How every figure looks: its style, headline and layout, and its PNG."""

import functools
import io
import textwrap
from collections.abc import Callable
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg, RendererAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.layout_engine import LayoutEngine
from matplotlib.transforms import Bbox
from PIL import Image

from seg.report.plots.lettering import written_in
from seg.report.plots.palette import GRID, INK, MUTED

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


def in_locale(code: str, draw: Callable[[], Figure]) -> bytes:
    """Draw a figure and return its PNG, with the numbers as a language writes them.

    Parameters
    ----------
    code : str
        Of the locale, as in `seg.segments.formats.LOCALES`.
    draw : callable
        Returns the figure.
    """
    with written_in(code):
        return png(draw())  # the labels of ticks are written while it is rendered


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
