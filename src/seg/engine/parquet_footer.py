"""What the footers of Parquet files tell: types, columns without a gap, smallest and largest values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from seg.engine.files import Reading, alike, check_header
from seg.errors import SegError


def parquet_schemas(paths: Sequence[Path], columns: Sequence[str], reading: Reading) -> list[pa.Schema]:
    """Read the types in the files, and check that each has the wanted columns, of one kind in all of them.

    Parameters
    ----------
    paths : sequence of Path
    columns : sequence of str
        Those that each file must have.
    reading : Reading

    Returns
    -------
    list of pa.Schema
        One a file.

    Raises
    ------
    SegError
        A file is damaged, lacks a column, or holds another kind of values in it than the files before.
    """
    import pyarrow.parquet as pq

    schemas: list[pa.Schema] = []
    kinds: dict[str, tuple[str, Path, pa.DataType]] = {}
    for path in paths:
        try:
            schema = pq.read_schema(path)
        except (pa.ArrowInvalid, OSError) as error:
            raise SegError(f"{path}: not a readable Parquet file ({str(error).splitlines()[0]})") from None
        with alike(path, paths[0]):
            check_header(path, tuple(schema.names), columns, reading)
        check_case(path, schema.names, columns)
        for column in columns:
            holds = schema.field(column).type
            if pa.types.is_duration(holds):  # engines read its ticks as whole numbers
                raise SegError(
                    f"{path}: column {column!r} holds durations ({holds}), expected numbers, dates or text; write them as a number of days"
                )
            kind, first, type_ = kinds.setdefault(column, (_kind(holds), path, holds))
            if not kind:  # nothing but NULL so far
                kinds[column] = (_kind(holds), path, holds)
            elif _kind(holds) not in ("", kind):
                raise SegError(
                    f"{path}: column {column!r} holds {holds}, but {type_} in {first}; write it as one type, "
                    "or leave the file out"
                )
        schemas.append(schema)
    return schemas


def _kind(holds: pa.DataType) -> str:
    """Return what engines can read as one column, whatever its width or unit."""
    holds = holds.value_type if pa.types.is_dictionary(holds) else holds
    if pa.types.is_null(holds):
        return ""
    if pa.types.is_string(holds) or pa.types.is_large_string(holds) or pa.types.is_string_view(holds):
        return "text"
    if pa.types.is_timestamp(holds) and holds.tz is not None:
        return "instants"
    if pa.types.is_timestamp(holds) or pa.types.is_date(holds):
        return "times"
    numbers = (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal, pa.types.is_boolean)
    return "numbers" if any(test(holds) for test in numbers) else str(holds)


def check_case(path: Path, names: Sequence[str], columns: Sequence[str]) -> None:
    """Refuse a file with columns that differ only in case: DuckDB cannot distinguish them.

    Parameters
    ----------
    path : Path
        For the message.
    names : sequence of str
        Columns of the file.
    columns : sequence of str
        Those that are to be read.

    Raises
    ------
    SegError
        A column to read has a like-named one beside it.
    """
    for column in columns:
        alike = [name for name in names if name.casefold() == column.casefold()]
        if len(alike) > 1:
            raise SegError(
                f"{path}: columns {', '.join(map(repr, alike))} differ only in upper and lower case; "
                "rename one"
            )


def complete_texts(paths: Sequence[Path], columns: Sequence[str]) -> frozenset[str]:
    """Return the text columns that are nowhere missing or blank, by the statistics in the footers of Parquet files."""
    import pyarrow.parquet as pq

    complete = set(columns)
    for path in paths:
        footer = pq.read_metadata(path)
        for group in range(footer.num_row_groups):
            chunks = [footer.row_group(group).column(place) for place in range(footer.num_columns)]
            full = {chunk.path_in_schema for chunk in chunks if _is_complete(chunk.statistics)}
            complete &= full
    return frozenset(complete)


def bounds(paths: Sequence[Path], columns: Sequence[str]) -> dict[str, tuple[float, float]]:
    """Find the smallest and the largest number of columns where none is missing or infinite, by the footers of Parquet files."""
    import pyarrow.parquet as pq

    groups: list[dict] = []
    for path in paths:
        footer = pq.read_metadata(path)
        for group in range(footer.num_row_groups):
            chunks = [footer.row_group(group).column(place) for place in range(footer.num_columns)]
            groups.append({chunk.path_in_schema: _ends(chunk.statistics) for chunk in chunks})
    reached = {}
    for column in columns if groups else ():
        ends = [group.get(column) for group in groups]
        if all(ends):
            reached[column] = min(low for low, _high in ends), max(high for _low, high in ends)
    return reached


def _ends(statistics) -> tuple[float, float] | None:
    complete = statistics is not None and statistics.has_null_count and statistics.has_min_max
    if not complete or statistics.null_count:
        return None
    ends = _least(statistics), _least(statistics, "max")
    # NaN is in no statistics, or is the end of both; an infinite value is an end.
    numbers = all(isinstance(end, int | float) and not isinstance(end, bool) for end in ends)
    return ends if numbers and all(map(math.isfinite, ends)) else None


def _is_complete(statistics) -> bool:
    # A blank sorts before every other text: the smallest tells.
    complete = statistics is not None and statistics.has_null_count and statistics.has_min_max
    if not complete or statistics.null_count:
        return False
    least = _least(statistics)
    return isinstance(least, str) and bool(least)


def _least(statistics, end: str = "min") -> object:
    """Return an end of a column; None where Python has no such value: a year past 9999, bytes that are no UTF-8."""
    try:
        return getattr(statistics, end)
    except (OverflowError, ValueError, pa.ArrowException):
        return None


def zone_notes(schemas: Sequence[pa.Schema], columns: Sequence[str]) -> tuple[str, ...]:
    """Return a note on each column of times whose zone is not UTC: days are counted in UTC unless a zone is declared."""
    zones: dict[str, str] = {}
    for schema in schemas:
        for name in columns:
            kind = schema.field(name).type
            if pa.types.is_timestamp(kind) and kind.tz not in (None, "UTC", "Z", "Etc/UTC", "GMT", "+00:00"):
                zones.setdefault(name, kind.tz)
    return tuple(
        f"the times of {name!r} are written for the zone {zone}, and days are counted in UTC; set dataset.time_zone"
        f"{f'={zone}' if zone[0].isalpha() else ' (such as Europe/Berlin)'} to count them there"
        for name, zone in zones.items()
    )
