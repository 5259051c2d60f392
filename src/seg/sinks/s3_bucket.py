"""Tables as Parquet or CSV objects in a bucket of S3, or of anything that speaks its protocol.

An object appears when its upload is complete: readers see the old one or the new one.
"""

from __future__ import annotations

import io
import json

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import csv, fs

from seg.errors import SegError
from seg.sinks.csv_guard import guard
from seg.sinks.folder import DESCRIPTION
from seg.sinks.redaction import redact, remember
from seg.sinks.s3_trust import CREDENTIALS, UNTRUSTED, certificates, untrusted
from seg.sinks.star_schema import MADE_BY, Export, described
from seg.sinks.target import failed, foreign, needed

FORMATS = ("parquet", "csv")
ADVICE = "check the bucket, the rights, sink.endpoint and the credentials (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY)"


class S3Bucket:
    """Write an object ``<uri>/<table>/<run>.parquet`` for each table.

    Parameters
    ----------
    uri : str
        ``s3://bucket/folder``. Credentials and region come from the environment (``AWS_ACCESS_KEY_ID``, ...), from
        ``~/.aws`` or from the machine's role.
    endpoint : str, optional
        Of a server that is not Amazon's, such as ``http://127.0.0.1:8333``.
    region : str, optional
    format : {"parquet", "csv"}, default="parquet"
    replace : bool, default=False
        Whether a folder with objects that seg has not made is written into.
    """

    def __init__(
        self,
        uri: str,
        endpoint: str | None = None,
        region: str | None = None,
        format: str = "parquet",
        replace: bool = False,
    ):
        needed(uri, "sink.uri", "s3://bucket/folder")
        bucket = str(uri).removeprefix("s3://").strip("/").partition("/")[0]
        if not str(uri).startswith("s3://") or not bucket or "@" in bucket:
            raise SegError(f"sink.uri={redact(str(uri))}: expected s3://bucket/folder; {CREDENTIALS}")
        if format not in FORMATS:
            raise SegError(f"sink.format={format}: expected one of {', '.join(FORMATS)}")
        self._uri, self._endpoint, self._region = remember(str(uri)), remember(endpoint), region
        self._format, self._replace = format, replace

    def write(self, export: Export) -> str:
        """Write all tables, ``runs`` last; return where they are."""
        base = self._uri.removeprefix("s3://").rstrip("/")
        try:
            files = fs.S3FileSystem(
                **({"endpoint_override": self._endpoint} if self._endpoint else {}),
                **({"region": self._region} if self._region else {}),
                connect_timeout=10,
                request_timeout=60,
                **certificates(),
            )
            self._check_owner(files, base)
            ordered = sorted(export.tables, key=lambda table: table.name == "runs")
            where = {table.name: f"{table.name}/*.{self._format}" for table in ordered}
            _put(files, f"{base}/{DESCRIPTION}", described(export, where).encode())
            for table in ordered:
                _put(files, f"{base}/{table.name}/{export.run_id}.{self._format}", self._bytes(table.rows))
        except (OSError, pa.ArrowException) as error:
            advice = UNTRUSTED if untrusted(error) else ADVICE
            again = "then write the run again with seg export run=<run directory> sink=s3"
            raise failed(f"sink.uri={self._uri}", error, f"{advice}; {again}") from None
        return self._uri

    def _check_owner(self, files: fs.S3FileSystem, base: str) -> None:
        bucket = base.partition("/")[0]
        if files.get_file_info(bucket).type == fs.FileType.NotFound:
            raise SegError(f"sink.uri={self._uri}: there is no bucket {bucket}; make it, or check sink.uri")
        present = files.get_file_info(fs.FileSelector(base, allow_not_found=True))
        if not present or self._replace:
            return
        try:
            with files.open_input_stream(f"{base}/{DESCRIPTION}") as opened:
                if json.loads(opened.read()).get("made_by") == MADE_BY:
                    return
        except (OSError, ValueError, AttributeError):
            pass
        raise foreign(f"sink.uri={self._uri}", "the folder")

    def _bytes(self, rows: pa.Table) -> memoryview:
        buffer = io.BytesIO()
        if self._format == "parquet":
            pq.write_table(rows, buffer)
        else:
            csv.write_csv(guard(rows)[0], buffer)
        return buffer.getbuffer()


def _put(files: fs.S3FileSystem, path: str, content: bytes | memoryview) -> None:
    with files.open_output_stream(path) as stream:
        stream.write(content)
