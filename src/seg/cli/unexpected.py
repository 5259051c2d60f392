"""The last resort: an exception that seg does not explain is a bug, and the user learns where its traces are."""

from __future__ import annotations

import sys
import traceback
from pathlib import Path

from seg.errors import bug
from seg.sinks.redaction import redact

_begun: list[Path] = []  # directory of the run that has begun
EXIT_CODE = 70  # EX_SOFTWARE of sysexits.h


def report(error: BaseException) -> int:
    """Print the traceback, and below it that it is a bug, where the log is and what was kept.

    Returns
    -------
    int
        The exit code of the command.
    """
    folder = _begun[0] if _begun else None
    # The file is written here, not by a logger that redacts.
    text = redact("".join(traceback.format_exception(error)))
    full = isinstance(error, MemoryError)
    if not full:
        print(text, file=sys.stderr)
    where = "the traceback is above"
    if folder is not None and folder.is_dir():
        files = sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))
        try:
            with open(folder / "run.log", "a", encoding="utf-8") as file:
                file.write(text)
            where = f"the log is {folder / 'run.log'}"
        except OSError:
            pass
        where += f"; kept in {folder}: {', '.join(files) or 'nothing'}"
    print(bug(error, where), file=sys.stderr)
    return 1 if full else EXIT_CODE


def begin(folder: Path) -> None:
    """Remember the directory of the run that begins."""
    _begun[:] = [folder]
