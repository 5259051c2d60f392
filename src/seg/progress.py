"""Progress of a run: lines with times in a log, a bar on a terminal."""

from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TextIO

log = logging.getLogger("seg")
alone = True  # whether no other process writes to the same terminal


class JsonLines(logging.Formatter):
    """A line of JSON a record: time, level and message, and a summary where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record."""
        when = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line = {"time": when, "level": record.levelname.lower(), "message": record.getMessage()}
        if hasattr(record, "summary"):
            line["summary"] = record.summary
        return json.dumps(line, ensure_ascii=False)


def listen(as_json: bool = False, stream: TextIO | None = None) -> None:
    """Show the lines of `step` on the terminal: for the commands that have no logging of Hydra's.

    Parameters
    ----------
    as_json : bool
        Whether each line is an object of JSON, for programs.
    stream : text stream, optional
        Standard output when None.
    """
    handler = logging.StreamHandler(sys.stdout if stream is None else stream)
    handler.setFormatter(
        JsonLines() if as_json else logging.Formatter("%(asctime)s  %(message)s", "%H:%M:%S")
    )
    log.handlers[:] = [handler]
    log.setLevel(logging.INFO)
    log.propagate = False


def error_line(text: str) -> str:
    """Return an error as the line that the log would have: JSON where `listen` was asked for it."""
    return _line(text, logging.ERROR) or f"error: {text}"


def info_line(text: str, **more: object) -> str:
    """Return a text as it is, or as a line of JSON where `listen` was asked for it; `more` (``summary``) stands in JSON only."""
    return _line(text, logging.INFO, more) or text


def _line(text: str, level: int, more: Mapping[str, object] | None = None) -> str | None:
    formatter = next((one.formatter for one in log.handlers if isinstance(one.formatter, JsonLines)), None)
    record = logging.LogRecord(log.name, level, "", 0, text, None, None)
    vars(record).update(more or {})
    return formatter and formatter.format(record)


@contextmanager
def step(name: str) -> Iterator[Callable[[str], None]]:
    """Time a step and log its end as one line; what it found is told to the function it gives.

    >>> with step("reading") as found:  # doctest: +SKIP
    ...     found("19,945 customers")
    """
    details: list[str] = []
    start = time.perf_counter()
    yield details.append
    detail = ": " + "; ".join(details) if details else ""
    log.info("%-22s %5.1f s%s", name, time.perf_counter() - start, detail)


@contextmanager
def bar(total: int) -> Iterator[Callable[[int], None]]:
    """Show a scan over k: a bar on a terminal, a line for each k (level debug) in a log."""
    from rich.console import Console

    console = Console()
    if not (console.is_terminal and alone):
        yield lambda k: log.debug("  k = %d", k)
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("trying k"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.description}"),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("", total=total)

        def tick(k: int) -> None:
            progress.update(task, description=f"k = {k}")
            progress.advance(task)

        yield tick


def clock() -> Callable[[], float]:
    """Start a clock; call it for the seconds since."""
    start = time.perf_counter()
    return lambda: time.perf_counter() - start
