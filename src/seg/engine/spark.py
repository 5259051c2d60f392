"""Apache Spark behind Ibis: a session, its tables, and what it spells differently from other engines.

Text (CSV, JSON Lines, workbooks) is split and parsed by the embedded reader, the same on every engine, and handed
over typed; Parquet is scanned by Spark itself, in parallel.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from uuid import uuid4

import ibis
import pandas as pd
import pyarrow as pa
from ibis.expr import types as ir

from seg.engine import spark_session
from seg.engine.duckdb import ISO_DAY, ISO_OFFSET, ISO_TIME, DuckDBEngine
from seg.engine.files import Raw, Reading, file_format
from seg.engine.spark_session import Request
from seg.errors import SegError


@ibis.udf.scalar.builtin(name="timestamp_millis", signature=(("int64",), "timestamp('UTC')"))
def _timestamp_millis(milliseconds): ...


class SparkEngine:
    """Spark, by the session that is there, one that is connected to, or one that is started.

    Parameters
    ----------
    master, remote, conf, driver_memory, timeout
        See `seg.engine.spark_session.Request`.
    shuffle_partitions : int, optional
        Three times the cores when left out.
    collect_limit : int
        Customers that may be brought into this process.
    staging_dir : str, optional
        A folder that driver and executors share, for what is handed over to Spark.
    """

    name = "spark"

    def __init__(
        self,
        master: str | None = None,
        remote: str | None = None,
        conf: Mapping[str, str] | None = None,
        driver_memory: str | None = None,
        shuffle_partitions: int | None = None,
        timeout: int = 30,
        collect_limit: int = 5_000_000,
        staging_dir: str | None = None,
    ):
        properties = {key: str(value) for key, value in (conf or {}).items()}
        request = Request(master, remote, properties, driver_memory, timeout)
        self.session, self._own = spark_session.session(request)
        self.collect_limit = collect_limit
        self._scratch = Path(tempfile.mkdtemp(prefix="seg-", dir=staging_dir))
        self._shared = staging_dir is not None or self._local()
        self._names = (f"seg_{uuid4().hex[:8]}_{number}" for number in count(1))
        self._ibis = _connect(self.session)
        self._views: list[str] = []
        self._kept: list = []
        self._readers: list[DuckDBEngine] = []

    def __enter__(self) -> SparkEngine:
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def close(self) -> None:
        """Let go of tables and of what was handed over; the session goes with the process."""
        for reader in self._readers:
            reader.close()
        with explained():
            for frame in self._kept:
                frame.unpersist()
            for view in self._views:
                self.session.catalog.dropTempView(view)
        shutil.rmtree(self._scratch, ignore_errors=True)

    def describe(self) -> dict[str, str]:
        """Name the engine, its version and its limits, for the record of a run."""
        return {"engine": self.name, "version": self.session.version, "master": self._master()}

    def _master(self) -> str:
        return self.session.conf.get("spark.master", "")

    def _local(self) -> bool:
        return self._master().startswith("local")

    # ---- tables --------------------------------------------------------------------------------------------

    def frame(self, table: ir.Table):
        """Give a table as a DataFrame of Spark."""
        with explained():
            return self.session.sql(self._ibis.compile(table))

    def table(self, frame) -> ir.Table:
        """Give a DataFrame of Spark as a table."""
        name = next(self._names)
        with explained():
            frame.createTempView(name)
            self._views.append(name)
            return self._ibis.table(name)

    def checkpoint(self, table: ir.Table) -> ir.Table:
        """Keep a table where it was computed, on disk where it does not fit the memory."""
        from pyspark import StorageLevel

        frame = self.frame(table)
        with explained():
            self._kept.append(frame.persist(StorageLevel.MEMORY_AND_DISK))
        return self.table(frame)

    def register(self, frame: pd.DataFrame | pa.Table) -> ir.Table:
        """Make a table of a frame that is in memory already."""
        arrow = frame if isinstance(frame, pa.Table) else pa.Table.from_pandas(frame, preserve_index=False)
        with explained():
            return self.table(self.session.createDataFrame(_plain(arrow)))

    def collect(self, table: ir.Table) -> pd.DataFrame:
        """Bring a table into memory, by Arrow."""
        frame = self.frame(table)
        with explained():
            return frame.toArrow().to_pandas(date_as_object=False)

    # ---- leaves whose spelling differs between engines -----------------------------------------------------

    def timestamp(self, text: ir.StringValue, format_text: str | None) -> ir.TimestampValue:
        """Read a time of day and date; NULL where the text does not fit."""
        if format_text is not None:
            raise SegError(f"dataset.date_format={format_text}: text in Parquet is read as ISO 8601 only")
        return _iso(text).try_cast("timestamp")

    def instant(self, text: ir.StringValue) -> ir.TimestampValue:
        """Read an ISO 8601 text that carries a UTC offset, as the time in UTC; NULL where it does not fit."""
        return _iso(text).try_cast("timestamp('UTC')").cast("timestamp")

    def epoch_ms(self, milliseconds: ir.IntegerValue) -> ir.TimestampValue:
        """Turn whole milliseconds since 1970 into a time in UTC, without a float in between."""
        return _timestamp_millis(milliseconds).cast("timestamp")

    def zoned(self, text: ir.StringValue) -> ir.BooleanValue:
        """Say whether a text is an ISO 8601 time that carries a UTC offset."""
        return text.re_search(rf"^{ISO_DAY}{ISO_TIME}{ISO_OFFSET}\z")

    def unzoned(self, text: ir.StringValue) -> ir.BooleanValue:
        """Say whether a text is an ISO 8601 date or time without a UTC offset."""
        return text.re_search(rf"^{ISO_DAY}({ISO_TIME})?\z")

    # ---- reading -------------------------------------------------------------------------------------------

    def reader(self, paths: Sequence[Path]) -> SparkEngine | DuckDBEngine:
        """Give the engine that reads such files: text is parsed by one reader, whichever engine computes."""
        if file_format(paths[0]) == "parquet":
            return self
        self._readers.append(DuckDBEngine())
        return self._readers[-1]

    def adopt(self, table: ir.Table, reader: SparkEngine | DuckDBEngine) -> ir.Table:
        """Take over a table from the engine that read it, which is closed."""
        if reader is self:
            return table
        if self._shared:
            path = reader.export(table, self._scratch / f"{uuid4().hex}.parquet")
            with explained():
                adopted = self.table(self.session.read.parquet(path.as_uri()))
        else:
            adopted = self.register(reader.arrow(table))
        reader.close()
        self._readers.remove(reader)
        return adopted

    def read(self, paths: Sequence[Path], columns: Sequence[str], reading: Reading | None = None) -> Raw:
        """Read the named columns of Parquet files."""
        with explained():
            frame = self.session.read.parquet(*[path.resolve().as_uri() for path in paths])
        return Raw(
            self.table(frame.select(*[f"`{column}`" for column in columns])), typed_cells=True, stored=False
        )


def _connect(session):
    from ibis.backends.pyspark import Backend

    from seg.engine.spark_dialect import Compiler

    class _Backend(Backend):
        compiler = Compiler()

    _Backend.register_options()
    backend = _Backend()
    backend.do_connect(session)
    return backend


def _plain(table: pa.Table) -> pa.Table:
    """Spell types as Spark takes them: microseconds, and no dictionaries."""
    fields = []
    for item in table.schema:
        kind = item.type.value_type if pa.types.is_dictionary(item.type) else item.type
        if pa.types.is_timestamp(kind):
            kind = pa.timestamp("us", kind.tz)
        fields.append(pa.field(item.name, kind))
    return table.cast(pa.schema(fields))


def _iso(text: ir.StringValue) -> ir.StringValue:
    return text.re_search(rf"^{ISO_DAY}({ISO_TIME}{ISO_OFFSET}?)?\z").ifelse(text, ibis.null("string"))


@contextmanager
def explained() -> Iterator[None]:
    """Turn what Spark raises into a `SegError`."""
    from py4j.protocol import Py4JError, Py4JNetworkError
    from pyspark.errors import PySparkException

    try:
        yield
    except PySparkException as error:
        raise SegError(f"engine: Spark stopped: {_first_line(error)}") from error
    except (Py4JNetworkError, ConnectionError) as error:
        raise SegError(
            "engine: Spark's JVM is gone: killed, or out of memory (engine.driver_memory)"
        ) from error
    except Py4JError as error:
        raise SegError(f"engine: Spark stopped: {_first_line(error)}") from error


def _first_line(error: Exception) -> str:
    lines = [line for line in str(error).strip().splitlines() if line.strip()]
    return re.sub(r"\s+SQLSTATE.*", "", lines[0]) if lines else type(error).__name__
