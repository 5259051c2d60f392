"""Numbers and names in figures, with the numbers as the language of the run writes them."""

import math
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from seg.segments.formats import ENGLISH, LOCALES, NO_BREAK, UNKNOWN, Locale

_locale: ContextVar[Locale] = ContextVar("locale", default=ENGLISH)


@contextmanager
def written_in(code: str) -> Iterator[None]:
    """Write the numbers of figures as a language does, by its code in `seg.segments.formats.LOCALES`."""
    before = _locale.set(LOCALES[code])
    try:
        yield
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


def points(share: float) -> str:
    """Write a difference of two shares of 1 in percentage points."""
    return f"{compact(float(f'{100 * share:.2g}'))} points"


def folded(name: object, width: int = 20) -> str:
    """Put a name on two lines at most, broken between words; what does not fit ends in an ellipsis."""
    return "\n".join(textwrap.wrap(str(name), width, max_lines=2, placeholder="…", break_long_words=True))


def short(name: object, width: int = 52) -> str:
    """Put a name on one line of at most `width` characters."""
    text = " ".join(str(name).split())
    return text if len(text) <= width else text[: width - 1].rstrip() + "…"


def two(value: float) -> str:
    """Write a number with two digits after the point, a dash when it is not known."""
    return _locale.get().fixed(value, 2) if math.isfinite(value) else UNKNOWN


def label(segment: int, name: object) -> str:
    """Write the number and the name of a segment, noise by its name alone."""
    if segment < 0:
        return short(name or "noise")
    return f"{segment}  {short(name or 'segment')}"
