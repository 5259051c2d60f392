"""What any engine needs before it reads: the format of a file, its encoding, its header, what is damaged.

The header of each file is checked by name, because engines map columns by position.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import json
import math
import shutil
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pandas as pd
import pyarrow as pa
from ibis.expr import types as ir

from seg.errors import SegError, listed

REJECT_COLUMNS = ["file", "line", "reason", "text"]


@dataclass(frozen=True)
class Reading:
    r"""What a file format needs to be read.

    Parameters
    ----------
    delimiter : str
        Between the fields of a CSV line: one character, or ``\t`` for a tab.
    encoding : str
        Any codec of Python, of CSV and JSON Lines; anything but UTF-8 is converted to UTF-8 first.
    sheet : str, optional
        Sheet of an Excel workbook; all sheets, one after the other, when left out.
    """

    delimiter: str = ","
    encoding: str = "utf-8"
    sheet: str | None = None


class Uri(str):
    """Parquet in a place that Spark alone reaches, a file or a folder: ``hdfs://``, ``s3a://``, ``dbfs:/``."""

    @property
    def name(self) -> str:
        """Last part of the path."""
        return self.rstrip("/").rpartition("/")[2]


@dataclass(frozen=True)
class Raw:
    """A table as its files hold it, and the lines that could not be split into fields.

    ``place`` names two further columns, the file of a row and its number there, where an engine reads in no order.
    """

    table: ir.Table
    rejects: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=REJECT_COLUMNS))
    typed_cells: bool = (
        False  # Excel, Parquet: values have types, a date arrives as ISO text whatever its format was
    )
    stored: bool = True  # False: a view of the files (Parquet), scanned where it is
    complete: frozenset[str] = (
        frozenset()
    )  # text columns of which the files say that none is missing or blank
    place: tuple[str, str] | None = None
    bounds: Mapping[str, tuple[float, float]] = field(
        default_factory=dict
    )  # smallest and largest of columns of finite numbers of which the files say that none is missing


def file_format(path: Path) -> str:
    """Name the format of a file by its ending: csv, jsonl, parquet or excel."""
    name = path.name.lower().removesuffix(".gz")
    if isinstance(path, Uri):
        if any(name.endswith(ending) for ending, kind in FORMATS.items() if kind != "parquet"):
            raise SegError(f"{path}: only Parquet is read from there; copy it to this machine, or convert it")
        return "parquet"
    for ending, format_name in FORMATS.items():
        if name.endswith(ending):
            return format_name
    raise SegError(
        f"{path}: cannot tell the format from the name; expected one of {', '.join(FORMATS)} (.gz allowed)"
    )


FORMATS = {
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".parquet": "parquet",
    ".xlsx": "excel",
    ".xls": "excel",
}


def check_request(paths: Sequence[Path], columns: Sequence[str], reading: Reading) -> tuple[str, Reading]:
    """Check what is to be read, before it is; say in which format, and how.

    Raises
    ------
    SegError
        The files are of several formats, a gzip file is damaged, names differ only in case, or the delimiter
        or the encoding cannot be one.
    """
    reading = _checked(reading)
    formats = {file_format(path) for path in paths}
    if len(formats) != 1:
        raise SegError(
            f"{len(paths)} files of several formats ({', '.join(sorted(formats))}): read one format at a time"
        )
    folded = [column.casefold() for column in columns]
    for column in columns:
        if folded.count(column.casefold()) > 1:
            raise SegError(
                f"{paths[0]}: column {column!r} differs from another only in upper and lower case; rename one"
            )
    for path in paths:
        if path.name.lower().endswith(".gz"):
            _check_gzip(path)
    return formats.pop(), reading


def _checked(reading: Reading) -> Reading:
    delimiter = "\t" if reading.delimiter == "\\t" else reading.delimiter
    if not isinstance(delimiter, str) or len(delimiter) != 1 or delimiter in '"\r\n':
        raise SegError(
            f"dataset.delimiter={reading.delimiter!r}: expected one character, such as ',' ';' '|' or '\\t'"
        )
    try:
        codecs.lookup(reading.encoding)
    except LookupError:
        raise SegError(
            f"dataset.encoding={reading.encoding}: unknown; expected a codec of Python such as utf-8, "
            "windows-1252 "
            "or utf-16"
        ) from None
    return replace(reading, delimiter=delimiter)


def _opener(path: Path):
    return gzip.open if path.name.lower().endswith(".gz") else open


def _open_text(path: Path, encoding: str):
    return _opener(path)(path, "rt", encoding=encoding, newline="")


def _open_bytes(path: Path):
    return _opener(path)(path, "rb")


def is_utf8(encoding: str) -> bool:
    """Say whether an encoding is UTF-8, with a byte order mark or without."""
    return codecs.lookup(encoding).name in {"utf-8", "utf-8-sig"}


def with_bom(encoding: str) -> str:
    """Let a byte order mark be no part of the first name."""
    return "utf-8-sig" if is_utf8(encoding) else encoding


def has_bom(path: Path) -> bool:
    """Say whether a file begins with the byte order mark of UTF-8."""
    with _open_bytes(path) as file:
        return file.read(3) == codecs.BOM_UTF8


def _check_gzip(path: Path) -> None:
    """Read to the end: DuckDB does not compare the checksum."""
    try:
        with gzip.open(path, "rb") as file:
            while file.read(1 << 20):
                pass
    except (OSError, EOFError, zlib.error) as error:
        raise SegError(f"{path}: a damaged or truncated gzip file ({error}); fetch it again") from None


def _not_encoded(path: Path, encoding: str, error: UnicodeError) -> str:
    reason = getattr(error, "reason", error)
    return f"{path}: it is not {encoding} ({reason}); set dataset.encoding, e.g. windows-1252 or utf-16"


def copy_as_utf8(path: Path, target: Path, encoding: str, newline: str | None = "") -> Path:
    """Copy a file as UTF-8 (DuckDB reads no other without an extension from the network)."""
    try:
        with (
            _opener(path)(path, "rt", encoding=encoding, newline=newline) as source,
            open(target, "w", encoding="utf-8", newline="") as out,
        ):
            shutil.copyfileobj(source, out, 1 << 20)
    except UnicodeError as error:
        raise SegError(_not_encoded(path, encoding, error)) from None
    return target


def csv_header(path: Path, reading: Reading) -> tuple[str, ...]:
    """Read the names in the first line of a CSV file."""
    try:
        with _open_text(path, with_bom(reading.encoding)) as lines:
            header = next(csv.reader(lines, delimiter=reading.delimiter), [])
    except UnicodeError as error:
        raise SegError(_not_encoded(path, reading.encoding, error)) from None
    except (OSError, csv.Error) as error:
        raise SegError(f"{path}: cannot be read: {error}") from None
    if not header:
        raise SegError(f"{path}: the file is empty; expected a header line with the column names")
    return tuple(name.strip() for name in header)


def json_keys(path: Path, readable: Path, columns: Sequence[str]) -> tuple[str, ...]:
    """Collect the keys of the objects, until every column that is wanted was seen."""
    keys: dict[str, None] = {}
    with _open_bytes(readable) as lines:
        for line in lines:
            if _json_fault(line) is None:
                keys.update(dict.fromkeys(json.loads(line)))
            elif not keys and "UTF-8" in (_json_fault(line) or ""):
                raise SegError(f"{path}: it is not UTF-8; set dataset.encoding, e.g. windows-1252 or utf-16")
            if keys.keys() >= set(columns):
                break
    if not keys:
        raise SegError(f"{path}: it holds no JSON object; expected one object a line")
    return tuple(keys)


def _json_fault(line: bytes) -> str | None:
    """Say what is wrong with a line of JSON Lines; None where it is one object."""
    try:
        record = json.loads(line.decode("utf-8"))
    except UnicodeDecodeError as error:
        return f"not UTF-8: {error.reason}"
    except (ValueError, RecursionError) as error:
        return f"not JSON: {error}"
    return None if isinstance(record, dict) else f"not a JSON object but {type(record).__name__}"


def copy_json_objects(path: Path, readable: Path, target: Path) -> pd.DataFrame:
    """Copy the lines that are JSON objects, and list the others (DuckDB would make rows of NULLs of them)."""
    rejected = []
    with _open_bytes(readable) as lines, open(target, "wb") as good:
        for number, line in enumerate(lines, start=1):
            fault = _json_fault(line)
            if fault is None:
                good.write(line)
            elif line.strip():
                rejected.append((str(path), number, fault, line.decode("utf-8", "replace").rstrip("\r\n")))
    return pd.DataFrame(rejected, columns=REJECT_COLUMNS)


def parquet_schemas(paths: Sequence[Path], columns: Sequence[str], reading: Reading) -> list[pa.Schema]:
    """Read the types in the files, and check that each has the wanted columns, of one kind in all of them.

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
        check_header(path, tuple(schema.names), columns, reading)
        check_case(path, schema.names, columns)
        for column in columns:
            holds = schema.field(column).type
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
    """Name what engines can read as one column, whatever its width or unit."""
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
    """DuckDB does not tell names apart that differ only in case."""
    for column in columns:
        alike = [name for name in names if name.casefold() == column.casefold()]
        if len(alike) > 1:
            raise SegError(
                f"{path}: columns {', '.join(map(repr, alike))} differ only in upper and lower case; "
                "rename one"
            )


def complete_texts(paths: Sequence[Path], columns: Sequence[str]) -> frozenset[str]:
    """Name the text columns that are nowhere missing or blank, by the statistics in the footers of Parquet files."""
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
    found = {}
    for column in columns if groups else ():
        ends = [group.get(column) for group in groups]
        if all(ends):
            found[column] = min(low for low, _high in ends), max(high for _low, high in ends)
    return found


def _ends(statistics) -> tuple[float, float] | None:
    known = statistics is not None and statistics.has_null_count and statistics.has_min_max
    if not known or statistics.null_count:
        return None
    ends = statistics.min, statistics.max
    # NaN is in no statistics, or is the end of both; an infinite value is an end.
    numbers = all(isinstance(end, int | float) and not isinstance(end, bool) for end in ends)
    return ends if numbers and all(map(math.isfinite, ends)) else None


def _is_complete(statistics) -> bool:
    # A blank sorts before every other text: the smallest tells.
    known = statistics is not None and statistics.has_null_count and statistics.has_min_max
    return known and not statistics.null_count and isinstance(statistics.min, str) and bool(statistics.min)


def check_header(path: Path, header: tuple[str, ...], columns: Sequence[str], reading: Reading) -> None:
    """Name every missing column at once, each with the nearest one that is there."""
    missing = [column for column in columns if column not in header]
    if missing:
        hint = "; rename a column of the file, or name the right one where the data set maps them (dataset.columns)"
        guess = next((sign for sign in (";", "\t", "|", ",") if len(header) == 1 and sign in header[0]), None)
        if guess:
            hint = (
                f'; the header is one field: is the delimiter {guess!r}? Then "dataset.delimiter={guess!r}"'
            )
        named = "; ".join(f"{column!r} (nearest: {listed(column, header)})" for column in missing)
        raise SegError(f"{path}: missing column {named}{hint}")
    repeated = [column for column in columns if header.count(column) > 1]
    if repeated:
        raise SegError(
            f"{path}: column {', '.join(map(repr, repeated))} is in the header more than once; rename one"
        )
