"""Tables of Delta Lake: one commit a table, so that readers see the old or the new version."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow as pa

from seg.errors import SegError
from seg.sinks.redaction import parse, remember
from seg.sinks.s3_trust import CREDENTIALS
from seg.sinks.star_schema import MADE_BY, Export, Table
from seg.sinks.target import extra_missing, failed, foreign, needed

MARK = f"Made by {MADE_BY}: "
PANIC = b" panicked at "  # of a thread in Rust, which prints it before Python gets the error
log = logging.getLogger("seg")
logging.getLogger("deltalake").setLevel(logging.ERROR)


class DeltaLake:
    """Write a Delta table ``<uri>/<table>``: rows of other runs are kept, those of the same run are replaced.

    Parameters
    ----------
    uri : str
        A folder, or ``s3://bucket/folder`` with credentials from the environment.
    replace : bool, default=False
        Whether a table that seg has not made, or one whose columns have other types, is replaced.
    """

    def __init__(self, uri: str, replace: bool = False):
        needed(uri, "sink.uri", "a folder, or s3://bucket/folder")
        self._uri, self._replace = remember(str(uri)).rstrip("/"), replace
        address = parse(self._uri)
        if address is not None and address.user is not None:
            raise SegError(f"sink.uri={address}: expected s3://bucket/folder; {CREDENTIALS}")

    def write(self, export: Export) -> str:
        """Write all tables, ``runs`` last; return where they are."""
        try:
            import deltalake
        except ImportError:
            raise extra_missing("deltalake", "delta") from None
        try:
            with _without_panics():
                for table in sorted(export.tables, key=lambda one: one.name == "runs"):
                    self._write(deltalake, table, export.run_id)
        except SegError:
            raise
        except Exception as error:  # Rust errors of several classes
            advice = "check sink.uri, the rights and the free space; then write the run again with seg export run=<run directory> sink=delta"
            raise failed(f"sink.uri={self._uri}", error, advice) from None
        return self._uri

    def _write(self, deltalake, table: Table, run_id: str) -> None:
        place = f"{self._uri}/{table.name}"
        description = MARK + table.definition.description
        plain = os.environ.get("AWS_ENDPOINT_URL", "").startswith("http://")
        options = {"AWS_ALLOW_HTTP": "true"} if plain else None
        if not deltalake.DeltaTable.is_deltatable(place, options):
            deltalake.write_deltalake(
                place, table.rows, mode="error", description=description, storage_options=options
            )
            return
        present = deltalake.DeltaTable(place, storage_options=options)
        ours = (present.metadata().description or "").startswith(MARK)
        other = _other_types(present, table.rows.schema)
        if not ours and not self._replace:
            raise foreign(f"sink.uri={place}", "the table")
        if (other or not ours) and self._replace:
            deltalake.write_deltalake(
                present, table.rows, mode="overwrite", schema_mode="overwrite", description=description
            )
            return
        if other:
            raise SegError(
                f"sink.uri={place}: the column {other} has another type than in this run; choose another sink.uri, or replace "
                "the table and its history with sink.replace=true"
            )
        deltalake.write_deltalake(
            present, table.rows, mode="overwrite", schema_mode="merge", predicate=f"run_id = '{run_id}'"
        )


@contextmanager
def _without_panics() -> Iterator[None]:
    """Keep what threads in Rust print on the descriptor of standard error, in memory; a panic goes to the log for developers, the rest back."""
    if not hasattr(os, "memfd_create"):  # not Linux: a full disk prints a panic above the error
        yield
        return
    sys.stderr.flush()
    before, kept = os.dup(2), os.memfd_create("stderr")
    os.dup2(kept, 2)
    try:
        yield
    finally:
        os.dup2(before, 2)
        text = os.pread(kept, os.fstat(kept).st_size, 0)
        os.close(kept)
        os.close(before)
        if PANIC in text:
            log.debug("%s", text.decode(errors="replace"))
        else:
            os.write(2, text)


def _other_types(present, schema: pa.Schema) -> str | None:
    """Return the first column whose type is not that of the table."""
    known = {field.name: field.type for field in pa.schema(present.schema().to_arrow())}
    return next((f.name for f in schema if f.name in known and not _same(known[f.name], f.type)), None)


def _same(stored: pa.DataType, new: pa.DataType) -> bool:
    def plain(kind: pa.DataType) -> str:
        kind = kind if not pa.types.is_timestamp(kind) else pa.timestamp("us", kind.tz and "UTC")
        return str(kind).replace("large_", "").replace("_view", "")

    return plain(stored) == plain(new)
