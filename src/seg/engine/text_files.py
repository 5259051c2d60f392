"""CSV and JSON Lines before an engine reads them: encoding, header, keys, lines that are damaged."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import islice
from pathlib import Path

import pandas as pd

from seg.engine.files import RECORDS, REJECT_COLUMNS, Reading, not_encoded, open_bytes, open_text, with_bom
from seg.engine.text_layout import WHITESPACE
from seg.errors import SegError

LONGEST = 1 << 24  # characters of a line of the first rows: a file may be one line without an end


def copy_as_utf8(path: Path, target: Path, encoding: str, newline: str | None = "") -> Path:
    """Copy a file as UTF-8 (DuckDB reads no other without an extension from the network).

    Parameters
    ----------
    path : Path
        Plain or gzip.
    target : Path
        Is written.
    encoding : str
        Of `path`.
    newline : str or None
        As in `open`: ``""`` keeps line ends as they are.

    Returns
    -------
    Path
        `target`.

    Raises
    ------
    SegError
        The file is not in that encoding.
    """
    try:
        with (
            open_text(path, encoding, newline) as source,
            open(target, "w", encoding="utf-8", newline="") as out,
        ):
            shutil.copyfileobj(source, out, 1 << 20)
    except UnicodeError as error:
        raise not_encoded(path, encoding, error) from None
    return target


def csv_header(path: Path, reading: Reading) -> tuple[str, ...]:
    """Read the column names of a CSV file, from the line behind those that are skipped."""
    rows = csv_rows(path, reading, 30)
    if not rows or not any(name.strip() for name in rows[0]):
        more = f" behind the {reading.skip_rows} lines of dataset.skip_rows" if reading.skip_rows else ""
        blank = (
            "the file is empty"
            if not any("".join(row).strip() for row in rows)
            else "its first line is blank (dataset.skip_rows leaves lines out)"
        )
        raise SegError(f"{path}: {blank}{more}; expected a header line with the column names")
    if reading.names is None:
        return tuple(name.strip() for name in rows[0])
    if len(reading.names) != len(rows[0]):
        raise SegError(
            f"{path}: dataset.names has {len(reading.names)} names, and the first line has {len(rows[0])} fields; expected as many"
        )
    return tuple(reading.names)


def csv_rows(path: Path, reading: Reading, most: int) -> list[list[str]]:
    """Read the first lines of a CSV file, behind those that are skipped, as fields.

    Parameters
    ----------
    path : Path
    reading : Reading
    most : int
        Lines to read.

    Returns
    -------
    list of list of str

    Raises
    ------
    SegError
        The file cannot be read as CSV, or is not in the encoding.
    """
    try:
        with open_csv(path, reading) as file:
            lines = iter(partial(file.readline, LONGEST), "")
            csv.field_size_limit(
                LONGEST
            )  # of the process: the limit of Python is far below what DuckDB reads
            if reading.delimiter == WHITESPACE:
                return [line.split() for line in islice(lines, most)]
            return list(
                islice(csv.reader(lines, delimiter=reading.delimiter, quotechar=reading.quotechar), most)
            )
    except UnicodeError as error:
        raise not_encoded(path, reading.encoding, error) from None
    except (OSError, csv.Error) as error:
        raise SegError(f"{path}: cannot be read: {error}") from None


@contextmanager
def open_csv(path: Path, reading: Reading) -> Iterator[Iterator[str]]:
    """Open a CSV file as text, behind the lines that are skipped."""
    with open_text(path, with_bom(reading.encoding)) as lines:
        for _ in range(reading.skip_rows):
            next(lines, None)
        yield lines


def json_keys(path: Path, readable: Path, columns: Sequence[str]) -> tuple[str, ...]:
    """Collect the keys of the objects, until every column that is wanted was seen.

    Parameters
    ----------
    path : Path
        For messages.
    readable : Path
        The same file in UTF-8, one object a line.
    columns : sequence of str
        Keys that are wanted.

    Returns
    -------
    tuple of str
        In the order in which they come.

    Raises
    ------
    SegError
        The file holds no JSON object, or is not UTF-8.
    """
    keys: dict[str, None] = {}
    with open_bytes(readable) as lines:
        for line in lines:
            if _json_fault(line) is None:
                record = json.loads(line)
                if not keys and columns and all(_is_column(record.get(name)) for name in columns):
                    raise SegError(f"{path}: one object holds whole columns; {RECORDS}")
                keys.update(dict.fromkeys(record))
            elif not keys and "UTF-8" in (_json_fault(line) or ""):
                raise SegError(f"{path}: it is not UTF-8; set dataset.encoding, e.g. windows-1252 or utf-16")
            if keys.keys() >= set(columns):
                break
    if not keys:
        raise SegError(f"{path}: it holds no JSON object; expected one object a line, or an array of objects")
    return tuple(keys)


def _is_column(value: object) -> bool:
    return isinstance(value, dict | list) and len(value) > 1


def _json_fault(line: bytes) -> str | None:
    """Describe what is wrong with a line of JSON Lines; None where it is one object."""
    try:
        record = json.loads(line.decode("utf-8"))
    except UnicodeDecodeError as error:
        return f"not UTF-8: {error.reason}"
    except (ValueError, RecursionError) as error:
        return f"not JSON: {error}"
    return None if isinstance(record, dict) else f"not a JSON object but {type(record).__name__}"


def copy_json_objects(path: Path, readable: Path, target: Path) -> pd.DataFrame:
    """Copy the lines that are JSON objects, and list the others (DuckDB would make rows of NULLs of them).

    Parameters
    ----------
    path : Path
        For the list of what is left out.
    readable : Path
        The same file in UTF-8.
    target : Path
        Is written.

    Returns
    -------
    DataFrame
        Rejected lines: file, line, reason, text.
    """
    rejected = []
    with open_bytes(readable) as lines, open(target, "wb") as good:
        for number, line in enumerate(lines, start=1):
            fault = _json_fault(line)
            if fault is None:
                good.write(line)
            elif line.strip():
                rejected.append((str(path), number, fault, line.decode("utf-8", "replace").rstrip("\r\n")))
    return pd.DataFrame(rejected, columns=REJECT_COLUMNS)
