"""Rows of PostgreSQL by COPY, and of SQLite: a table or a query, read only, in one statement, so that all rows are of one moment."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import quote, unquote

import pyarrow as pa
from pyarrow import csv

from seg.errors import SegError, listed
from seg.sinks import postgres_advice
from seg.sinks.redaction import encoded, parse
from seg.sources.remote import row_snapshot
from seg.sources.remote.request import Request

TIMEOUT = 10  # seconds to connect
BATCH = 100_000  # rows of SQLite read at a time
BLOCK = 1 << 23  # bytes of COPY read at a time
# Types of PostgreSQL by their number (pg_type.dat); every other type arrives as its text.
TYPES = {
    16: pa.bool_(), 20: pa.int64(), 21: pa.int64(), 23: pa.int64(), 26: pa.int64(), 700: pa.float64(), 701: pa.float64(),
    1082: pa.date32(), 1114: pa.timestamp("us"), 1184: pa.timestamp("us", "UTC"),
}  # fmt: skip
NUMERIC = 1700
MOST_DIGITS = 38  # of a decimal in Parquet that every engine reads


def read(request: Request, folder: Path) -> dict[Path, str]:
    """Write the rows to a Parquet file in a folder; return it with its version."""
    request.one_of_two()
    name = (request.table or "query").rpartition(".")[2].replace("/", "_").strip('"')
    target = folder / f"{name}.parquet"
    rows = _sqlite if parse(request.path).scheme == "sqlite" else _postgres
    with closing(rows(request)) as batches:
        return {target: row_snapshot.write(batches, target)}


def _check_names(request: Request, names: list[str]) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise SegError(f"dataset.query: two columns are named {', '.join(twice)}; rename one of them with AS")


# ---- PostgreSQL ----------------------------------------------------------------------------------------------------


def _postgres(request: Request) -> Iterator[pa.RecordBatch]:
    try:
        import psycopg
    except ImportError:
        raise request.lacks_extra("psycopg", "postgres") from None
    from psycopg import sql

    if request.query:
        statement = sql.SQL(request.query.strip().rstrip(";"))
    else:
        parts = [part.strip('"') for part in request.table.split(".")]
        statement = sql.SQL("SELECT * FROM {}").format(sql.Identifier(*parts))
    try:
        with psycopg.connect(encoded(request.path), connect_timeout=TIMEOUT) as connection:
            connection.read_only = True
            cursor = connection.cursor()
            cursor.execute("SET LOCAL TimeZone TO 'UTC'")
            cursor.execute("SET LOCAL DateStyle TO 'ISO'")
            # The line break: a query may end in a comment.
            cursor.execute(sql.SQL("SELECT * FROM ({}\n) AS query LIMIT 0").format(statement))
            types = {one.name: _type(one) for one in cursor.description}
            _check_names(request, [one.name for one in cursor.description])
            with cursor.copy(sql.SQL("COPY ({}\n) TO STDOUT (FORMAT csv)").format(statement)) as copy:
                yield from _parsed(copy, types)
    except psycopg.Error as error:
        raise request.failed(error, _advice(error)) from None
    except pa.ArrowInvalid as error:
        named = re.sub(
            r"CSV column #(\d+)", lambda place: f"column {list(types)[int(place[1])]!r}", str(error)
        )
        raise request.failed(
            pa.ArrowInvalid(named), "leave out or convert the value in dataset.query"
        ) from None


def _parsed(copy, types: dict[str, pa.DataType]) -> Iterator[pa.RecordBatch]:
    """Read the CSV of COPY: NULL is nothing, an empty text is quoted."""
    answer = _Stream(copy)
    if answer.empty():  # without a row, Arrow would call it a damaged file
        yield pa.RecordBatch.from_pylist([], schema=pa.schema(types))
        return
    stream = pa.PythonFile(answer, mode="r")
    reader = csv.open_csv(
        stream,
        csv.ReadOptions(column_names=list(types), block_size=BLOCK, use_threads=False),
        csv.ParseOptions(newlines_in_values=True, double_quote=True),
        csv.ConvertOptions(
            column_types=types, null_values=[""], strings_can_be_null=True, quoted_strings_can_be_null=False,
            true_values=["t"], false_values=["f"],
        ),
    )  # fmt: skip
    with reader:
        yield from reader


class _Stream:
    """The answer of COPY as a file."""

    closed = False

    def __init__(self, copy):
        self._pieces, self._left = iter(copy), b""

    def empty(self) -> bool:
        """Return True if there is no row."""
        self._left = self._left or bytes(next(self._pieces, b""))
        return not self._left

    def read(self, size: int = -1) -> bytes:
        pieces, length = [self._left], len(self._left)
        while size < 0 or length < size:
            piece = next(self._pieces, None)
            if piece is None:
                break
            pieces.append(bytes(piece))
            length += len(piece)
        every = b"".join(pieces)
        size = len(every) if size < 0 else size
        self._left = every[size:]
        return every[:size]

    def close(self) -> None:
        self.closed = True


def _type(described) -> pa.DataType:
    if described.type_code != NUMERIC:
        return TYPES.get(described.type_code, pa.string())
    digits, scale = described.precision, described.scale
    # Without a declared precision any number of digits may come: its text is exact.
    return pa.decimal128(digits, scale) if digits and digits <= MOST_DIGITS and scale >= 0 else pa.string()


def _advice(error: Exception) -> str:
    look = "check dataset.table or dataset.query, and the name of the database"
    further = {
        "read-only transaction": "dataset.query may only read",
        "does not exist": look,
        "syntax": look,
    }
    otherwise = "check the address and that the server is up"
    if getattr(error, "sqlstate", None):  # the server has answered
        further["timeout"] = "ask for less in dataset.query, or for more time (statement_timeout)"
        otherwise = "correct dataset.query"
    return postgres_advice.advice(error, "ask for the right to read it", further, otherwise)


# ---- SQLite --------------------------------------------------------------------------------------------------------


def _sqlite(request: Request) -> Iterator[pa.RecordBatch]:
    path = Path(unquote(parse(request.path).rest).removeprefix("/")).expanduser()
    if not path.is_file():
        raise SegError(
            f"{request.option}={request.path}: there is no file {path}; expected sqlite:///orders.db, or sqlite:////srv/orders.db for "
            "a path from the root"
        )
    try:
        with closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True)) as connection:
            statement = request.query or f"SELECT * FROM {_quoted(request.table)}"
            cursor = connection.execute(statement)
            names = [one[0] for one in cursor.description or ()]
            if not names:
                raise SegError("dataset.query: returns no columns; expected select ...")
            _check_names(request, names)
            empty = True
            while rows := cursor.fetchmany(BATCH):
                columns = [row_snapshot.column(list(values)) for values in zip(*rows, strict=True)]
                yield pa.record_batch(columns, names=names)
                empty = False
            if empty:
                yield pa.record_batch([pa.array([], pa.string())] * len(names), names=names)
    except sqlite3.Error as error:
        raise request.failed(error, _sqlite_advice(path)) from None


def _quoted(table: str) -> str:
    return ".".join('"' + part.strip('"').replace('"', '""') + '"' for part in table.split("."))


def _sqlite_advice(path: Path) -> str:
    try:
        with closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True)) as connection:
            names = [
                one[0] for one in connection.execute("SELECT name FROM sqlite_master WHERE type != 'index'")
            ]
    except sqlite3.Error:
        return "expected a database of SQLite"
    return f"check dataset.table or dataset.query; {path.name} has {listed('', names, most=20)}"
