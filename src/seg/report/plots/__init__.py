"""Draw what a run found: every function takes arrays and frames and returns a figure it has made.

Nothing here reads a file, knows a config or touches ``pyplot``: its global state leaks memory in a long sweep
and is not thread-safe. Text is 9 pt or more when a figure is shown at its own size (96 CSS pixels an inch).
"""

from seg.report.plots.customer_map import Overall, map_2d, silhouette_blades
from seg.report.plots.movement_chart import movement
from seg.report.plots.outlook_charts import calibration, months
from seg.report.plots.over_k import elbow, silhouette_over_k
from seg.report.plots.segment_charts import profile_heatmap, sizes
from seg.report.plots.style import DPI, UNKNOWN, compact, in_locale, percent, picture, png, segment_colour
from seg.report.plots.sweep_chart import sweep
from seg.report.plots.vote_chart import votes

__all__ = [
    "DPI",
    "UNKNOWN",
    "Overall",
    "calibration",
    "compact",
    "elbow",
    "in_locale",
    "map_2d",
    "months",
    "movement",
    "percent",
    "picture",
    "png",
    "profile_heatmap",
    "segment_colour",
    "silhouette_blades",
    "silhouette_over_k",
    "sizes",
    "sweep",
    "votes",
]
