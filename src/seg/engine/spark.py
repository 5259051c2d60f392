"""Apache Spark behind Ibis: its tables, and what it spells differently from other engines.

Text (CSV, JSON Lines, workbooks) is split and parsed by the embedded reader, the same on every engine, and handed
over typed. So is Parquet of up to `SMALL` bytes on this machine, for which the jobs of Spark take longer than the work;
larger Parquet is scanned by Spark itself, in parallel. Nothing here runs Python on an executor.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from uuid import uuid4

import ibis
import pandas as pd
import pyarrow as pa
from ibis.expr import types as ir

from seg.engine import spark_parquet, spark_session, spark_times
from seg.engine.duckdb import DuckDBEngine
from seg.engine.files import Raw, Reading, Uri, check_request, file_format
from seg.engine.spark_session import Request, first_line
from seg.errors import SegError
from seg.sinks import scratch

SMALL = 64 * 2**20  # bytes of Parquet that the embedded reader parses in seconds


@ibis.udf.scalar.builtin(name="timestamp_millis", signature=(("int64",), "timestamp('UTC')"))
def _timestamp_millis(milliseconds): ...


@ibis.udf.scalar.builtin(name="convert_timezone", signature=(("string", "string", "timestamp"), "timestamp"))
def _convert_timezone(source, target, time): ...


class SparkEngine:
    """Spark: the active session, one that seg connects to, or one that it starts.

    Parameters
    ----------
    master, remote, conf, driver_memory, timeout
        See `seg.engine.spark_session.Request`.
    shuffle_partitions : int, optional
        Three times the cores when left out, for a session that is started here.
    collect_limit : int
        Customers that may be brought into this process.
    staging_dir : str, optional
        A folder that driver and executors share, through which text that was read here reaches them; without it by
        Parquet files on this machine alone, and by Arrow to any other.
    """

    name = "spark"

    def __init__(
        self,
        master: str | None = None,
        remote: str | None = None,
        conf: Mapping[str, object] | None = None,
        driver_memory: str | None = None,
        shuffle_partitions: int | None = None,
        timeout: int = 60,
        collect_limit: int | None = None,
        staging_dir: str | None = None,
    ):
        properties = spark_session.spelled(conf or {})
        if shuffle_partitions is not None:
            properties["spark.sql.shuffle.partitions"] = str(shuffle_partitions)
        request = Request(master, remote, properties, driver_memory, timeout)
        self._session = spark_session.session(request)
        self.session = self._session.spark
        self.collect_limit = collect_limit
        # A session that was there gets its own values back.
        self._before = _set(self.session, properties) if self._session.taken else {}
        # Whether executors read and write the files of this machine.
        self.local = self._session.where.startswith("local")
        self._shared = staging_dir is not None or self.local
        self._scratch = _scratch_folder(staging_dir)
        # Not a generator, which threads may not ask at the same time.
        self._names = map(f"seg_{uuid4().hex[:8]}_{{}}".format, count(1))
        self._views: list[str] = []
        self._kept: list = []
        self._readers: list[DuckDBEngine] = []
        with self.explained():
            self._ibis = _connect(self.session)
        self._session.users.add(self)

    def __enter__(self) -> SparkEngine:
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def close(self) -> None:
        """Release tables and registered data; the session ends with the process."""
        self._session.users.discard(self)
        for reader in self._readers:
            reader.close()
        # What is left of a session that has died in the middle of a run says nothing more about it.
        with suppress(Exception):
            if self._session.alive():
                self._tidy()
        shutil.rmtree(self._scratch, ignore_errors=True)

    def _tidy(self) -> None:
        for frame in self._kept:
            frame.unpersist()
        for view in self._views:
            self.session.catalog.dropTempView(view)
        for key, value in self._before.items():
            self.session.conf.unset(key) if value is None else self.session.conf.set(key, value)

    def describe(self) -> dict[str, str]:
        """Return the engine, its version and where it computes, for the record of a run."""
        with self.explained():
            partitions = self.session.conf.get("spark.sql.shuffle.partitions")
            return {
                "engine": self.name,
                "version": self.session.version,
                "master": self._session.where,
                "shuffle_partitions": str(partitions),
            }

    # ---- tables --------------------------------------------------------------------------------------------

    def frame(self, table: ir.Table):
        """Return a table as a DataFrame of Spark."""
        sql = self._ibis.compile(table)
        with self.explained():
            return self.session.sql(sql)

    def table(self, frame) -> ir.Table:
        """Return a DataFrame of Spark as a table."""
        name = next(self._names)
        with self.explained():
            frame.createTempView(name)
            self._views.append(name)
            return self._ibis.table(name)

    def checkpoint(self, table: ir.Table) -> ir.Table:
        """Keep a table where it is computed, at its first use; on disk where it does not fit the memory."""
        from pyspark import StorageLevel
        from pyspark.errors import PySparkException

        frame = self.frame(table)
        # A service without servers keeps nothing, and computes again.
        with self.explained(), suppress(PySparkException):
            self._kept.append(frame.persist(StorageLevel.MEMORY_AND_DISK))
        return self.table(frame)

    def register(self, frame: pd.DataFrame | pa.Table) -> ir.Table:
        """Make a table of a frame that is in memory already."""
        arrow = frame if isinstance(frame, pa.Table) else pa.Table.from_pandas(frame, preserve_index=False)
        with self.explained():
            return self.table(self.session.createDataFrame(_plain(arrow)))

    def collect(self, table: ir.Table) -> pd.DataFrame:
        """Bring a table into memory, by Arrow."""
        return self.fetch(self.frame(table))

    def fetch(self, frame) -> pd.DataFrame:
        """Bring a DataFrame of Spark into memory, by Arrow."""
        with self.explained():
            return frame.toArrow().to_pandas(date_as_object=False)

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Turn what Spark raises into a `SegError`."""
        from pyspark.errors import PySparkException

        try:
            yield
        except (SegError, KeyboardInterrupt):
            raise
        except Exception as error:
            if not self._session.alive(patience=0.5):
                raise SegError(f"engine: Spark ({self._session.where}) {self._end()}") from error
            if isinstance(error, PySparkException) or type(error).__module__.startswith(("py4j", "grpc")):
                reason = first_line(error)
                raise SegError(
                    f"engine: Spark ({self._session.where}) stopped: {reason}{_connector(reason)}"
                ) from error
            raise

    def _end(self) -> str:
        if self._session.deserted.is_set():
            return (
                "had no executor within engine.timeout seconds: its workers or its master have stopped; look "
                "into their logs and start again"
            )
        advice = "engine.driver_memory" if self._session.process else "its log says which; start it again"
        return f"stopped while it was working: it was killed, or ran out of memory ({advice})"

    # ---- leaves whose spelling differs between engines -----------------------------------------------------

    def timestamp(self, text: ir.StringValue, format_text: str | None) -> ir.TimestampValue:
        """Read a time of day and date; NULL where the text does not fit.

        `format_text` is spelled as in Python's ``strptime``; ISO 8601 when None.
        """
        return spark_times.iso(text) if format_text is None else spark_times.strptime(text, format_text)

    def instant(self, text: ir.StringValue) -> ir.TimestampValue:
        """Read an ISO 8601 text that carries a UTC offset, as the time in UTC; NULL where it does not fit."""
        return spark_times.iso_instant(text)

    def epoch_ms(self, milliseconds: ir.IntegerValue) -> ir.TimestampValue:
        """Turn whole milliseconds since 1970 into a time in UTC, without a float in between."""
        return _timestamp_millis(milliseconds).cast("timestamp")

    def wall_clock(self, time: ir.TimestampValue, zone: str) -> ir.TimestampValue:
        """Turn a time in UTC into what the clocks of a time zone show."""
        return _convert_timezone("UTC", zone, time)

    def zoned(self, text: ir.StringValue) -> ir.BooleanValue:
        """Return True if a text is an ISO 8601 time that carries a UTC offset."""
        return spark_times.zoned(text)

    def unzoned(self, text: ir.StringValue) -> ir.BooleanValue:
        """Return True if a text is an ISO 8601 date or time without a UTC offset."""
        return spark_times.unzoned(text)

    # ---- reading -------------------------------------------------------------------------------------------

    def reader(self, paths: Sequence[Path]) -> SparkEngine | DuckDBEngine:
        """Return the engine that reads such files: text is parsed by one reader, whichever engine computes."""
        if file_format(paths[0]) == "parquet" and not (self._shared and _small(paths)):
            return self
        self._readers.append(DuckDBEngine())
        return self._readers[-1]

    def adopt(self, table: ir.Table, reader: SparkEngine | DuckDBEngine) -> ir.Table:
        """Take over a table from the engine that read it, which is closed."""
        if reader is self:
            return table
        if self._shared:
            path = reader.export(table, self._scratch / f"{uuid4().hex}.parquet")
            with self.explained():
                adopted = self.table(self.session.read.parquet(path.resolve().as_uri()))
        else:
            adopted = self.register(reader.arrow(table))
        reader.close()
        self._readers.remove(reader)
        return adopted

    def read(self, paths: Sequence[Path], columns: Sequence[str], reading: Reading | None = None) -> Raw:
        """Read the named columns of Parquet files, the only ones that Spark reads itself.

        Parameters
        ----------
        paths : sequence of Path
        columns : sequence of str
        reading : Reading, optional

        Returns
        -------
        Raw
            With the file and the row number of each row.

        Raises
        ------
        SegError
            A file is damaged, lacks a column, or holds another type than the others.
        """
        _format, reading = check_request(paths, columns, reading or Reading())
        with self.explained():
            frame = spark_parquet.read(self.session, paths, columns, reading)
            instants = spark_parquet.instants(self.session, paths, columns)
            try:
                table = self.table(frame)
            except NotImplementedError as error:
                raise SegError(f"{paths[0]}: {error}; leave that column out") from None
        place = (spark_parquet.FILE, spark_parquet.ROW)
        return Raw(table, typed_cells=True, stored=False, place=place, instants=instants)


def _connector(reason: str) -> str:
    """Return what to do about a place that Spark has no connector for."""
    if not re.search(r"FileSystem not found|No FileSystem for scheme", reason):
        return ""
    return (
        "; Spark lacks the connector for this place: name its package, such as "
        "engine.conf={spark.jars.packages: 'org.apache.hadoop:hadoop-aws:3.4.2'} in the version of Spark's own Hadoop; s3:// needs none, seg fetches "
        "its objects itself"
    )


def _small(paths: Sequence[Path]) -> bool:
    """Return True if the files are on this machine and together no larger than `SMALL`."""
    if any(isinstance(path, Uri) for path in paths):
        return False
    return sum(path.stat().st_size for path in paths if path.is_file()) <= SMALL


def _scratch_folder(staging_dir: str | None) -> Path:
    try:
        if staging_dir:
            Path(staging_dir).mkdir(parents=True, exist_ok=True)
        folder = scratch.make("seg-spark", staging_dir)
        if staging_dir:
            folder.chmod(0o755)  # executors may run as somebody else
        return folder
    except OSError as error:
        raise SegError(
            f"engine.staging_dir={staging_dir}: cannot be used ({error.strerror}); choose a folder that can be written"
        ) from None


def _set(session, properties: Mapping[str, str]) -> dict[str, str | None]:
    """Set the options that seg relies on in a session of the user; return their former values."""
    from pyspark.errors import PySparkException

    before = {}
    for key, value in {**spark_session.MEANING, **properties}.items():
        with suppress(PySparkException):  # a service may know only some of them
            had = session.conf.get(key, None)
            if had != value:
                session.conf.set(key, value)
                before[key] = had
    return before


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
