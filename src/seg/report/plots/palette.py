"""The colours of figures and pages."""

INK, MUTED, GRID, ACCENT = "#1d2433", "#5b6472", "#e3e6eb", "#b3261e"
BETTER, WORSE = "#0072b2", "#d55e00"  # than the average customer
NOISE_COLOUR = "#9aa0a6"
# Okabe & Ito (2008), https://jfly.uni-koeln.de/color/, without its black and with its yellow, too faint on
# white, replaced by the wine and the olive of Paul Tol's muted scheme.
BASE_COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#882255", "#999933")


def segment_colour(segment: int) -> str:
    """Return the colour of a segment as ``#rrggbb``, the same in every figure and table.

    Eight hues that colour-blind readers can tell apart; segments 8 to 15 are their dark and 16 to 23 their
    light shades, then the cycle starts again. Noise (-1) is grey. No palette of 20 hues is safe for
    everybody, so a figure never relies on colour alone.
    """
    if segment < 0:
        return NOISE_COLOUR
    shade, hue = divmod(int(segment), len(BASE_COLOURS))
    target, amount = ((255, 0.0), (0, 0.45), (255, 0.5))[shade % 3]
    mixed = ((1 - amount) * part + amount * target for part in bytes.fromhex(BASE_COLOURS[hue][1:]))
    return "#" + "".join(f"{round(part):02x}" for part in mixed)
