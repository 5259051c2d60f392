"""Options that say how files are written, checked before a file is opened."""

from __future__ import annotations

from seg.engine.files import Reading, checked
from seg.errors import SegError
from seg.sources import date_formats
from seg.sources.number_formats import NumberFormat


def check(dataset: object) -> None:
    """Check the options of a data set that say how its files are written.

    Parameters
    ----------
    dataset : object
        Settings of a data set; those that it does not have are not checked.

    Raises
    ------
    SegError
        An option has a value that cannot be meant; the message names it and what is expected.
    """
    date_formats.check(getattr(dataset, "date_format", None))
    date_formats.check_zone(getattr(dataset, "time_zone", None))
    if getattr(dataset, "id_case", "keep") not in ("keep", "lower"):
        raise SegError(f"dataset.id_case={dataset.id_case}: expected keep or lower")
    NumberFormat(getattr(dataset, "decimal", "."), getattr(dataset, "thousands", None)).checked()
    reading = Reading(
        delimiter=getattr(dataset, "delimiter", ","),
        quote=getattr(dataset, "quote", "double"),
        encoding=getattr(dataset, "encoding", "utf-8"),
        names=getattr(dataset, "names", None),
        max_bytes=getattr(dataset, "max_bytes", None),
    )
    checked(reading)
    _check_rows(getattr(dataset, "skip_rows", 0))
    _check_limit(getattr(dataset, "bad_rows_limit", 1.0))
    if hasattr(dataset, "id") and not (isinstance(dataset.id, str) and dataset.id):
        raise SegError(
            f"dataset.id={'null' if dataset.id is None else repr(dataset.id)}: expected the column that names each customer once, or "
            "row where the table has none"
        )


def _check_rows(rows: object) -> None:
    if isinstance(rows, bool) or not isinstance(rows, int) or not 0 <= rows <= 1_000_000:
        raise SegError(f"dataset.skip_rows={rows}: expected the number of lines above the header, such as 2")


def is_share(limit: object) -> bool:
    """Return True for a number from 0 to 1."""
    return not isinstance(limit, bool) and isinstance(limit, int | float) and 0 <= limit <= 1


def _check_limit(limit: object) -> None:
    if not is_share(limit):
        raise SegError(
            f"dataset.bad_rows_limit={limit}: expected a share between 0 and 1, such as 0.01 for 1 %"
        )
