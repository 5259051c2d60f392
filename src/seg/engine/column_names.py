"""Names of the columns of a file, without reading its rows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from seg.engine import excel
from seg.engine.files import Reading, Uri, checked, file_format, open_text, with_bom
from seg.engine.text_files import csv_header
from seg.errors import SegError

LINES = 200  # objects of a JSON file that are looked at
HEAD = 1 << 20  # characters of a JSON file that are looked at


def column_names(path: Path, reading: Reading) -> tuple[str, ...]:
    """Return the column names of a file; none of what only Spark reaches.

    Raises
    ------
    SegError
        The file is damaged or empty.
    """
    if isinstance(path, Uri):
        return ()
    reading = checked(reading)
    kind = file_format(path)
    if kind == "csv":
        return csv_header(path, reading)
    if kind == "excel":
        return next(iter(excel.headers(path, reading).values()), ())
    return _parquet(path) if kind == "parquet" else _json(path, reading)


def _parquet(path: Path) -> tuple[str, ...]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return tuple(pq.read_schema(path).names)
    except (pa.ArrowInvalid, OSError) as error:
        raise SegError(f"{path}: not a readable Parquet file ({str(error).splitlines()[0]})") from None


def _json(path: Path, reading: Reading) -> tuple[str, ...]:
    """Collect the keys of the first objects."""
    return tuple(
        dict.fromkeys(name for record in islice(json_records(path, reading), LINES) for name in record)
    )


def json_records(path: Path, reading: Reading) -> Iterator[dict]:
    """Yield the objects at the beginning of a file of JSON Lines, or of an array; damaged lines are passed over."""
    with open_text(path, with_bom(reading.encoding)) as lines:
        try:
            text = lines.read(HEAD).lstrip()
        except UnicodeError:
            return
    decoder = json.JSONDecoder()
    place, array = (1, True) if text.startswith("[") else (0, False)
    while place < len(text):
        if text[place] in " \t\r\n" or (array and text[place] == ","):
            place += 1
            continue
        try:
            record, place = decoder.raw_decode(text, place)
        except (ValueError, RecursionError):
            if array:
                return
            place = (text.find("\n", place) + 1) or len(text)
            continue
        if isinstance(record, dict):
            yield record
