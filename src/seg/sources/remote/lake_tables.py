"""Tables of Delta Lake and Iceberg: the rows of one version, which is the fingerprint."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow.fs import FileType

from seg.errors import SegError
from seg.sinks.redaction import parse, redact
from seg.sources.remote import object_store
from seg.sources.remote.request import DELTA_LOG, ICEBERG_LOG, Request, lake_kind


def is_delta_address(request: Request) -> bool:
    """Return True if an address of S3 is that of a Delta table; False where its objects are to be read as they are."""
    if any(sign in request.path for sign in "*?["):
        return False
    place = f"{request.path.removeprefix('s3://').strip('/')}/{DELTA_LOG}"
    try:
        info = object_store.connect().get_file_info(place)
    except OSError:  # the reader of objects reports what is wrong
        return False
    return info.type == FileType.Directory


def read(request: Request, folder: Path) -> dict[Path, str]:
    """Write the rows of a table to a Parquet file in a folder; return it with the version of the table."""
    request.no_query("leave dataset.query out, and pick columns with dataset.columns")
    address = parse(request.path)
    iceberg = (
        lake_kind(Path(request.path).expanduser()) == "iceberg"
        if address is None
        else address.scheme == "iceberg"
    )
    name = request.table or request.path.rstrip("/").rpartition("/")[2]
    target = folder / f"{name.rpartition('.')[2]}.parquet"
    try:
        version, schema, batches = (_iceberg if iceberg else _delta)(request)
        with pq.ParquetWriter(target, schema) as writer:
            for batch in batches:
                writer.write_batch(batch)
    except SegError:
        raise
    except Exception as error:  # each of the libraries raises its own, in Rust and in Python
        raise request.failed(error, "check the address, the rights and that it is a table") from None
    return {target: version}


def _delta(request: Request) -> tuple[str, pa.Schema, Iterator[pa.RecordBatch]]:
    try:
        import deltalake
    except ImportError:
        raise request.lacks_extra("deltalake", "delta") from None
    plain = os.environ.get("AWS_ENDPOINT_URL", "").startswith("http://")
    options = {"AWS_ALLOW_HTTP": "true"} if plain else {}
    table = deltalake.DeltaTable(request.path, storage_options=options or None)
    scanner = table.to_pyarrow_dataset().scanner()
    return f"delta {table.metadata().id} {table.version()}", scanner.projected_schema, scanner.to_batches()


def _iceberg(request: Request) -> tuple[str, pa.Schema, Iterator[pa.RecordBatch]]:
    try:
        from pyiceberg.catalog import load_catalog
        from pyiceberg.table import StaticTable
    except ImportError:
        raise request.lacks_extra("pyiceberg", "iceberg") from None
    address = parse(request.path)
    if address is None:
        # The newest description: its name begins with the number of the version.
        newest = max(
            Path(request.path).expanduser().glob(ICEBERG_LOG),
            key=lambda path: (path.stat().st_mtime_ns, path.name),
        )
        table = StaticTable.from_metadata(str(newest.resolve()))
    else:
        if not request.table:
            raise SegError(
                f"{request.option}={redact(request.path)}: which table? Expected dataset.table=shop.orders"
            )
        table = load_catalog(address.rest.strip("/") or None).load_table(request.table)
    snapshot = table.current_snapshot()
    if snapshot is None:
        raise SegError(f"{request.option}={redact(request.path)}: the table has no rows; expected orders")
    reader = table.scan().to_arrow_batch_reader()
    return f"iceberg {table.metadata.table_uuid} {snapshot.snapshot_id}", reader.schema, reader
