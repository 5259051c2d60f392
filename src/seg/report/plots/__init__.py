"""Draw what a run came to: every function takes arrays and frames and returns a figure it has made.

Nothing here reads a file, knows a config or touches ``pyplot``: its global state leaks memory in a long sweep
and is not thread-safe. Text is 9 pt or more when a figure is shown at its own size (96 CSS pixels an inch).
Matplotlib is imported by the first figure: a run whose figures are in the cache, and a page of charts, do without.
"""

import importlib

_MODULES = {
    "customer_map": ("map_2d", "silhouette_blades"),
    "lettering": ("compact", "percent"),
    "movement_chart": ("movement",),
    "outlook_charts": ("calibration", "forecasts"),
    "overall": ("Overall",),
    "over_k": ("elbow", "silhouette_over_k"),
    "palette": ("segment_colour",),
    "segment_charts": ("profile_heatmap", "sizes"),
    "style": ("in_locale", "picture", "png"),
    "sweep_chart": ("sweep",),
    "vote_chart": ("votes",),
}
_PLACES = {name: module for module, names in _MODULES.items() for name in names}
__all__ = sorted(_PLACES)


def __getattr__(name: str):
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_PLACES[name]}"), name)


def draw(name: str, *values: object):
    """Draw a figure by the name of its function: a call that can be kept, sent and hashed before matplotlib is imported."""
    return __getattr__(name)(*values)
