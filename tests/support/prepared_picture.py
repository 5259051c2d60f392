"""One picture in the place of every figure of a run, where no test looks at them: drawing is a third of what a small run takes."""

from __future__ import annotations

import functools

from matplotlib.figure import Figure

from seg.report import drawing, plots


@functools.cache
def picture() -> bytes:
    """Return a PNG of the size of a figure."""
    return plots.png(Figure(figsize=(6, 4)))


def draw_nothing() -> None:
    """Have the runs of this process leave the picture for every figure, without a second process that draws."""
    drawing._png = lambda _locale, _make: picture()
    drawing.start_helper = lambda: None
