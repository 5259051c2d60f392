"""Draw the figures of a run; in a sweep with the help of a second process.

Drawing is most of what a job of a sweep costs beside fitting, and Python draws on one core. The helper costs a second to start: a
single run draws alone.
"""

from __future__ import annotations

import atexit
import functools
import pickle
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial

from seg.report import plots

Drawing = Callable[[], object]  # a figure; with its locale, PNG bytes
_helpers: list[subprocess.Popen] = []


def drawn(drawings: Mapping[str, Drawing], locale: str = "en") -> dict[str, bytes]:
    """Draw figures as PNG.

    Parameters
    ----------
    drawings : mapping of str to callable
        By name, the call that makes a figure: a `functools.partial` of `seg.report.plots.draw`.
    locale : str
        How their numbers are written, see `seg.segments.formats.LOCALES`.
    """
    drawings = {name: partial(_png, locale, make) for name, make in drawings.items()}
    names = list(drawings)
    half = names[:-1:2] if _helpers else []  # maps and heatmaps, which come first, take longest
    try:
        helped = half if half and _ask({name: drawings[name] for name in half}) else []
        pictures = {name: drawings[name]() for name in names if name not in helped}
        pictures |= _answer() if helped else {}
    except BaseException:
        _stop()  # what it still answers must not be taken for the figures of the next run
        raise
    # Of a helper that has ended the errors, if there are any, are to come up here.
    return {name: pictures.get(name) or drawings[name]() for name in names}


def _png(locale: str, make: Drawing) -> bytes:
    return plots.in_locale(locale, make)


@functools.cache
def start_helper() -> None:
    """Start the second process; it ends with this one, however that ends."""
    line = [sys.executable, "-m", "seg.report.drawing"]
    options = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    _helpers.append(subprocess.Popen(line, **options, start_new_session=True))
    atexit.register(_stop)


def _ask(drawings: Mapping[str, Drawing]) -> bool:
    try:
        pickle.dump(dict(drawings), _helpers[0].stdin)
        _helpers[0].stdin.flush()
    except OSError:
        _stop()
    return bool(_helpers)


def _answer() -> dict[str, bytes]:
    try:
        return pickle.load(_helpers[0].stdout)
    except (OSError, EOFError, pickle.UnpicklingError):
        _stop()
        return {}


def _stop() -> None:
    while _helpers:
        helper = _helpers.pop()
        helper.kill()
        helper.wait()
        for pipe in (helper.stdin, helper.stdout):
            with suppress(OSError):  # what it has not read any more
                pipe.close()


def main() -> None:
    """Draw what is asked for on standard input, until it ends."""
    while True:
        try:
            drawings = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        pickle.dump({name: make() for name, make in drawings.items()}, sys.stdout.buffer)
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
