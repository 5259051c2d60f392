"""The exceptions and notes that users see, and how an error lists the valid names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from difflib import SequenceMatcher
from pathlib import Path

# What a reader of a result has to know: a level ("warning" or "info") and a text.
Note = tuple[str, str]
LONGEST_VALUE = 80  # characters of a cell in a message


class SegError(Exception):
    """A mistake that the user can correct: its text says what came, what was expected, what to do next."""


class Impossible(SegError):
    """Parts that are right by themselves but do not go together: a sweep leaves the pair out and says why."""


def first_line(error: BaseException) -> str:
    """Return what a server or a library answered: the first line, without what MongoDB's driver adds about itself.

    >>> first_line(ValueError("db:27017: refused (configured timeouts: connectTimeoutMS: 20000.0ms), Timeout: 10s, Topology"))
    'db:27017: refused'
    """
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0].partition(" (configured timeouts")[0][:300] if lines else type(error).__name__


def brief(value: str) -> str:
    """Return the value of a cell for a message: quoted, and cut where it is long.

    >>> brief("1 day"), len(brief("a" * 100))
    ("'1 day'", 85)
    """
    return repr(value) if len(value) <= LONGEST_VALUE else f"'{value[:LONGEST_VALUE]}...'"


def own_orders(path: str) -> str:
    """Return the options that read orders of one's own, for the end of a message."""
    return f"for orders of your own: dataset=transactions dataset.path={path}"


def number_of(count: int, noun: str) -> str:
    """Return a number with what it counts.

    >>> number_of(1, "row"), number_of(2000, "row")
    ('1 row', '2,000 rows')
    """
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


@contextmanager
def undamaged(path: Path) -> Iterator[None]:
    """Explain what fails while a file of a run is read: it may come from anywhere, cut or changed.

    Parameters
    ----------
    path : Path
        The file, for the message.

    Raises
    ------
    SegError
        The file cannot be read, or holds something else.
    """
    try:
        yield
    except SegError:
        raise
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        reason = (str(error).splitlines() or [""])[0][:200]
        raise SegError(
            f"{path}: cannot be read as seg writes it ({type(error).__name__}: {reason}); put the file back, or do the run again"
        ) from None


def no_memory(error: MemoryError) -> str:
    """Return what to do where the memory is not enough."""
    return f"the memory of this machine is not enough ({str(error) or 'MemoryError'}); ask for fewer rows, features or draws"


def bug(error: BaseException, where: str) -> str:
    """Return the line that ends the traceback of an exception which seg does not explain.

    Parameters
    ----------
    error : BaseException
    where : str
        Where the traceback is, and what was kept.

    >>> bug(ValueError("a slip"), "the traceback is above").partition(";")[0]
    'error: this is a bug in seg, not a mistake of yours (ValueError: a slip)'
    """
    if isinstance(error, MemoryError):
        return f"error: {no_memory(error)}"
    reason = next(iter(str(error).strip().splitlines()), "")
    return (
        f"error: this is a bug in seg, not a mistake of yours ({type(error).__name__}: {reason}); {where}. Please report it with the "
        "command and the log"
    )


def listed(name: object, valid: Iterable[object], most: int | None = None) -> str:
    """List the valid names, the one spelled nearest to `name` first, `most` of them at the most.

    Parameters
    ----------
    name : object
        What the user wrote.
    valid : iterable
        Valid names.
    most : int, optional
        All are listed if None.

    Returns
    -------
    str
        Names with commas between them; ``"none"`` if there is no valid one.

    Examples
    --------
    >>> listed("kmean", ["gmm", "kmeans"])
    'kmeans, gmm'
    """
    text = str(name).lower()

    def likeness(option: str) -> float:
        return -SequenceMatcher(None, text, option.lower()).ratio()

    ranked = sorted((str(option) for option in valid), key=likeness)
    more = f" and {len(ranked) - most} more" if most and len(ranked) > most else ""
    return (", ".join(ranked[:most]) or "none") + more
