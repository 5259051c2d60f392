"""How strongly and in which colour a value is shaded: by what it means for the shop and how far from average it is."""

from __future__ import annotations

import numpy as np

# Beyond this index a value is coloured as strongly as can be; nearer to the average than 0.8 to 1.25 it is not coloured.
STRONGEST, WEAKEST = np.log2(4), np.log2(1.25)


def tone(index: float, way: int) -> str:
    """Return ``good``, ``bad`` or ``plain``: whether a value is better for the shop than that of the average customer.

    Parameters
    ----------
    index : float
        100 times the value over that of the average customer.
    way : int
        1 if more is good, -1 if less is, 0 if neither; see `seg.segments.wording.direction`.
    """
    if way == 0 or not np.isfinite(index) or index < 0 or not strength(index):
        return "plain"
    return "good" if (index > 100) == (way > 0) else "bad"


def strength(index: float) -> int:
    """Return how far from average an index is, as a percentage: 0 below 1.25 times, 100 from four times on."""
    if not np.isfinite(index) or index < 0:
        return 0
    away = abs(np.log2(max(index, 1e-9) / 100))
    return 0 if away < WEAKEST else round(100 * min(away / STRONGEST, 1.0))
