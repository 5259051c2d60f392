"""What a sink is, and what all sinks refuse alike."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from seg.errors import SegError, first_line
from seg.sinks.redaction import redact
from seg.sinks.star_schema import Export


class Sink(Protocol):
    """A place for the tables of a run.

    A sink writes the rows of one run in place of those that the same run left before, so that writing twice changes nothing.
    Readers see the old rows or the new ones. Tables that somebody else made are not touched without ``replace``.
    """

    def write(self, export: Export) -> str:
        """Write all tables; return for people where they are."""


def foreign(where: str, what: str) -> SegError:
    """Return the error for a table or file that seg has not made."""
    return SegError(
        f"{redact(where)}: {what} was not made by seg and is not overwritten; choose another place, or replace it "
        "with sink.replace=true"
    )


def needed(value: object, option: str, example: str) -> None:
    """Raise a `SegError` for an option of a sink that is not set.

    Parameters
    ----------
    value : object
        Of the option.
    option : str
        Its key, such as ``sink.url``.
    example : str
        What is expected.

    Raises
    ------
    SegError
        The value is None or blank.
    """
    if value is None or not str(value).strip():
        raise SegError(f"{option} is not set; expected {example}")


def no_file(folder: Path) -> None:
    """Raise a `SegError` for a ``sink.folder`` that is a file."""
    if folder.exists() and not folder.is_dir():
        raise SegError(f"sink.folder={folder}: is a file, expected a folder")


def failed(where: str, error: Exception, advice: str) -> SegError:
    """Return the error for a sink that does not take the tables: what it answered, without secrets, and what to do.

    Parameters
    ----------
    where : str
        The address; secrets in it are hidden.
    error : Exception
    advice : str
        What to do.

    Returns
    -------
    SegError
    """
    return SegError(f"{redact(where)}: {redact(first_line(error))}; {advice}")


def extra_missing(package: str, extra: str) -> SegError:
    """Return the error for a sink whose library is not installed."""
    return SegError(
        f"sink={extra}: the package {package} is not installed; install it with pip install 'seg[{extra}]'"
    )
