"""Tables as collections of MongoDB: filled under another name and renamed, so that readers see the old or the new one.

A rename replaces a collection at once on a single server and on a replica set; a sharded collection cannot be renamed.
"""

from __future__ import annotations

import decimal
import time
from collections.abc import Iterator
from datetime import datetime

import pyarrow as pa

from seg.errors import SegError
from seg.sinks.redaction import encoded, redact, remember
from seg.sinks.star_schema import MADE_BY, Export, Table
from seg.sinks.target import extra_missing, failed, foreign, needed

CATALOG = "catalog"  # notes which collections seg has made
BATCH = 10_000  # documents sent at a time
TIMEOUT = 10_000  # milliseconds to find a server
TRIES = 3
STALE = 3600  # seconds after which an unfinished collection is taken for one of a process that was killed


class MongoDB:
    """Write a collection for each table: documents of other runs are kept, those of the same run are replaced.

    Parameters
    ----------
    uri : str
        ``mongodb://host:27017/?directConnection=true``; the password in the address, from the environment.
    database : str
    prefix : str, default="seg_"
        Of the names of the collections.
    replace : bool, default=False
        Whether a collection that seg has not made is replaced.
    """

    def __init__(self, uri: str, database: str, prefix: str = "seg_", replace: bool = False):
        needed(uri, "sink.uri", "mongodb://host:27017")
        needed(database, "sink.database", "the name of a database")
        if not str(uri).startswith(("mongodb://", "mongodb+srv://")):
            raise SegError(f"sink.uri={redact(str(uri))}: expected mongodb://host:27017")
        self._uri, self._database, self._prefix, self._replace = remember(str(uri)), database, prefix, replace

    def write(self, export: Export) -> str:
        """Write all tables; return where they are."""
        try:
            import pymongo
        except ImportError:
            raise extra_missing("pymongo", "mongodb") from None
        where = f"sink.uri={self._uri}"
        try:
            with pymongo.MongoClient(encoded(self._uri), serverSelectionTimeoutMS=TIMEOUT) as client:
                database = client[self._database]
                self._check_owner(database, export)
                if not any(self._attempt(database, export) for _ in range(TRIES)):
                    raise SegError(
                        f"{where}: other runs were written at the same time, {TRIES} times over; try again"
                    )
        except pymongo.errors.InvalidName as error:
            raise failed(where, error, "choose another sink.database or sink.prefix") from None
        except (pymongo.errors.PyMongoError, ValueError) as error:
            advice = "check sink.uri and that the server is up; then write the run again with seg export run=<run directory> sink=mongodb"
            raise failed(where, error, advice) from None
        return f"{self._database}.{self._prefix}* (MongoDB)"

    def _check_owner(self, database, export: Export) -> None:
        present = set(database.list_collection_names())
        ours = {note["_id"] for note in database[self._prefix + CATALOG].find({"made_by": MADE_BY})}
        for table in export.tables:
            name = self._prefix + table.name
            if name in present - ours and not self._replace:
                raise foreign(f"sink.uri={self._uri}", f"the collection {self._database}.{name}")
            if name in present - ours:
                database[name].drop()

    def _attempt(self, database, export: Export) -> bool:
        """Fill new collections and rename them; False, and nothing changed, where another run was written meanwhile."""
        before = self._runs(database)
        self._drop_stale(database)
        ordered = sorted(export.tables, key=lambda table: table.name == "runs")
        filled = {}
        try:
            for table in ordered:
                filled[table.name] = self._filled(database, table, export.run_id)
            if self._runs(database) != before:
                return False
            for name in list(filled):
                # Before the rename: a collection of seg's is never taken for somebody else's.
                note = {"made_by": MADE_BY, "keys": list(next(t for t in ordered if t.name == name).keys)}
                database[self._prefix + CATALOG].replace_one({"_id": self._prefix + name}, note, upsert=True)
                filled.pop(name).rename(self._prefix + name, dropTarget=True)
            return True
        finally:
            for left in filled.values():
                left.drop()

    def _filled(self, database, table: Table, run_id: str):
        """Make a collection of the documents of all other runs and those of this one."""
        name = self._prefix + table.name
        unfinished = database[f"{name}.{time.time_ns()}.unfinished"]
        if name in database.list_collection_names():
            database[name].aggregate([{"$match": {"run_id": {"$ne": run_id}}}, {"$out": unfinished.name}])
        documents = _documents(table)
        while batch := [one for _, one in zip(range(BATCH), documents, strict=False)]:
            unfinished.insert_many(batch, ordered=False)
        unfinished.create_index("run_id")
        if "customer_id" in table.rows.column_names:
            unfinished.create_index("customer_id")
        return unfinished

    def _runs(self, database) -> set[str]:
        return {one["_id"] for one in database[self._prefix + "runs"].find({}, {"_id": 1})}

    def _drop_stale(self, database) -> None:
        for name in database.list_collection_names():
            head, _, stamp = name.removesuffix(".unfinished").rpartition(".")
            unfinished = name.endswith(".unfinished") and head.startswith(self._prefix) and stamp.isdigit()
            if unfinished and time.time() - int(stamp) / 1e9 > STALE:
                database[name].drop()


def _documents(table: Table) -> Iterator[dict]:
    """Yield a document a row; ``_id`` is made of the keys, so that a row cannot be there twice."""
    for batch in table.rows.to_batches(max_chunksize=BATCH):
        columns = [_values(column) for column in batch.columns]
        for values in zip(*columns, strict=True):
            row = dict(zip(batch.schema.names, values, strict=True))
            yield {"_id": "/".join(str(row[key]) for key in table.keys)} | row


def _values(column: pa.Array) -> list:
    """Return values as BSON has them: a date is a time at midnight, a decimal keeps its digits."""
    values = column.to_pylist()
    if pa.types.is_date(column.type):
        return [None if one is None else datetime(one.year, one.month, one.day) for one in values]
    if pa.types.is_decimal(column.type):
        from bson.decimal128 import Decimal128

        return [one if one is None else Decimal128(decimal.Decimal(one)) for one in values]
    return values
