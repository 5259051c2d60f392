"""Documents of a collection of MongoDB as rows: every field at the top is a column, nested values arrive as JSON text."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa

from seg.errors import SegError, listed
from seg.sinks.redaction import encoded, redact
from seg.sources.remote import row_snapshot
from seg.sources.remote.request import Request

TIMEOUT = 10_000  # milliseconds to find a server
BATCH = 50_000  # documents read at a time


def read(request: Request, folder: Path) -> dict[Path, str]:
    """Write the documents of a collection to a Parquet file in a folder; return it with its version."""
    request.no_query("set dataset.table to the name of a collection")
    if not request.table:
        raise SegError(
            f"{request.option}={redact(request.path)}: which collection? Expected dataset.table=orders"
        )
    target = folder / f"{request.table.replace('/', '_')}.parquet"
    with closing(_batches(request)) as batches:
        return {target: row_snapshot.write(batches, target)}


def _batches(request: Request) -> Iterator[pa.RecordBatch]:
    try:
        import pymongo
    except ImportError:
        raise request.lacks_extra("pymongo", "mongodb") from None
    try:
        with pymongo.MongoClient(encoded(request.path), serverSelectionTimeoutMS=TIMEOUT) as client:
            database = client.get_default_database()
            names = database.list_collection_names()
            if request.table not in names:
                raise SegError(
                    f"dataset.table={request.table}: {redact(request.path)} has no such collection; it has "
                    f"{listed(request.table, names, most=20)}"
                )
            yield from _rows(database[request.table].find(batch_size=BATCH))
    except (pymongo.errors.PyMongoError, ValueError) as error:
        advice = (
            "expected mongodb://host:27017/database; check the address, the login and that the server is up"
        )
        raise request.failed(error, advice) from None


def _rows(documents) -> Iterator[pa.RecordBatch]:
    """Turn documents into batches with the same columns: those of the batches before come first."""
    names: dict[str, None] = {}
    while batch := [one for _, one in zip(range(BATCH), documents, strict=False)]:
        for document in batch:
            names.update(dict.fromkeys(document))
        columns = [row_snapshot.column([_plain(one.get(name)) for one in batch]) for name in names]
        yield pa.record_batch(columns, names=list(names))
    if not names:
        raise SegError("dataset.table: the collection holds no document; expected orders")


def _plain(value: object) -> object:
    """Return a value of BSON as Arrow knows it; times are instants in UTC."""
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC)
    kind = type(value).__name__
    if kind == "ObjectId":
        return str(value)
    if kind == "Decimal128":
        return float(value.to_decimal())
    return int(value) if kind == "Int64" else value
