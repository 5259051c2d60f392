"""DuckDB behind Ibis: its connection, its tables, and what it spells differently from other engines.

This module and `duckdb_scans` alone speak DuckDB's own SQL.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from itertools import count
from pathlib import Path

import duckdb
import ibis
import pandas as pd
import pyarrow as pa
from ibis.expr import types as ir
from joblib import cpu_count

from seg.engine import excel
from seg.engine.duckdb_scans import Scans
from seg.engine.files import Raw, Reading, Uri, check_request, file_format
from seg.errors import SegError
from seg.sinks import scratch

# DuckDB alone would also read infinity, epoch, 24:00, five-digit years, and drop a zone that is spelled in
# letters.
ISO_DAY = r"[0-9]{4}[-/][0-9]{1,2}[-/][0-9]{1,2}"
ISO_TIME = r"[T ]([01]?[0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.][0-9]+)?)?"
ISO_OFFSET = r"(Z|[+-][0-9]{2}(:?[0-9]{2})?)"


@ibis.udf.scalar.builtin(name="try_strptime", signature=(("string", "string"), "timestamp"))
def _try_strptime(text, format): ...


@ibis.udf.scalar.builtin(name="make_timestamp", signature=(("int64",), "timestamp(6)"))
def _make_timestamp(microseconds): ...


@ibis.udf.scalar.builtin(name="timezone", signature=(("string", "timestamp('UTC')"), "timestamp(6)"))
def _timezone(zone, time): ...


class DuckDBEngine:
    """DuckDB in this process, spilling to disk what does not fit `memory_limit`.

    Parameters
    ----------
    memory_limit : str, optional
        Such as ``"4GB"``; DuckDB's own default (80 % of the memory) when left out.
    threads : int, optional
        All cores when left out.
    spill_dir : str, optional
        Where to spill; a temporary folder that goes with the engine when left out.
    """

    name = "duckdb"
    collect_limit = None  # what it computes is in the memory of this process anyway

    def __init__(
        self, memory_limit: str | None = None, threads: int | None = None, spill_dir: str | None = None
    ):
        # DuckDB takes a negative limit as none at all.
        if memory_limit and not re.fullmatch(r"\d+(\.\d+)? ?[KMGT]i?B", str(memory_limit), re.IGNORECASE):
            raise SegError(
                f"engine.memory_limit={memory_limit}: expected a number and a unit, such as 500MB or 4GB"
            )
        self._scratch = _scratch_folder(spill_dir)
        # Of a job among several it is told its share of the cores.
        settings = {
            "temp_directory": str(self._scratch / "spill"),
            "threads": cpu_count() if threads is None else threads,
        }
        if memory_limit:
            settings["memory_limit"] = memory_limit
        try:
            self._ibis = ibis.duckdb.connect(**settings)
        except duckdb.Error as error:
            shutil.rmtree(self._scratch, ignore_errors=True)
            raise SegError(
                f"engine: DuckDB does not take memory_limit={memory_limit}, threads={threads}: {error}"
            ) from None
        self._ibis.con.execute("SET TimeZone = 'UTC'; SET enable_progress_bar = false")
        # Not a generator, which threads may not ask at the same time.
        self._names = map("seg_{}".format, count(1))
        self._scans = Scans(self._ibis, self._scratch, self._names)

    def __enter__(self) -> DuckDBEngine:
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def close(self) -> None:
        """Close the database and remove its spill files."""
        self._ibis.disconnect()
        shutil.rmtree(self._scratch, ignore_errors=True)

    def describe(self) -> dict[str, str]:
        """Return the engine, its version and its limits, for the record of a run."""
        # All of it is fetched: a result left half-read keeps the connection from other work.
        memory_limit, threads = self._ibis.con.execute(
            "SELECT current_setting('memory_limit'), current_setting('threads')"
        ).fetchall()[0]
        return {
            "engine": self.name,
            "version": duckdb.__version__,
            "memory_limit": memory_limit,
            "threads": str(threads),
        }

    # ---- tables --------------------------------------------------------------------------------------------

    def checkpoint(self, table: ir.Table) -> ir.Table:
        """Compute a table once and keep it, on disk where it does not fit the memory."""
        name = next(self._names)
        with self._scans.explained():
            self._ibis.con.execute(f"CREATE TEMP TABLE {name} AS {ibis.to_sql(table, dialect='duckdb')}")
        return self._ibis.table(name)

    def register(self, frame: pd.DataFrame | pa.Table) -> ir.Table:
        """Make a table of a frame that is in memory already."""
        name = next(self._names)
        # Ibis' own create_table drops a view on the way in words that DuckDB 2 does not parse.
        self._ibis.con.register(f"{name}_view", frame)
        self._ibis.con.execute(f"CREATE TEMP TABLE {name} AS SELECT * FROM {name}_view")
        self._ibis.con.unregister(f"{name}_view")
        return self._ibis.table(name)

    def collect(self, table: ir.Table) -> pd.DataFrame:
        """Bring a table into memory, by Arrow."""
        with self._scans.explained():
            return table.to_pyarrow().to_pandas(date_as_object=False)

    def arrow(self, table: ir.Table) -> pa.Table:
        """Bring a table into memory as it is."""
        with self._scans.explained():
            return table.to_pyarrow()

    def export(self, table: ir.Table, path: Path) -> Path:
        """Write a table to a Parquet file."""
        with self._scans.explained():
            self._ibis.con.execute(
                f"COPY ({ibis.to_sql(table, dialect='duckdb')}) TO '{str(path).replace(chr(39), chr(39) * 2)}' (FORMAT parquet)"
            )
        return path

    # ---- leaves whose spelling differs between engines -----------------------------------------------------

    def timestamp(self, text: ir.StringValue, format_text: str | None) -> ir.TimestampValue:
        """Read a time of day and date; NULL where the text does not fit.

        `format_text` is spelled as in Python's ``strptime``; ISO 8601 when None.
        """
        if format_text is None:
            return _iso(text).try_cast("timestamp")
        try:
            self._ibis.con.execute("SELECT try_strptime('', ?)", [format_text]).fetchall()
        except duckdb.Error:
            raise SegError(
                f"dataset.date_format={format_text}: not a format of strptime; expected one such as "
                "%d.%m.%Y %H:%M"
            ) from None
        # DuckDB reads infinity and epoch as times whatever the format is; no date is without a digit.
        return _try_strptime(text.re_search("[0-9]").ifelse(text, ibis.null("string")), format_text)

    def instant(self, text: ir.StringValue) -> ir.TimestampValue:
        """Read an ISO 8601 text that carries a UTC offset, as the time in UTC; NULL where it does not fit."""
        return _iso(text).try_cast("timestamp('UTC')").cast("timestamp")

    def epoch_ms(self, milliseconds: ir.IntegerValue) -> ir.TimestampValue:
        """Turn whole milliseconds since 1970 into a time in UTC, without a float in between."""
        return _make_timestamp(milliseconds * 1000)

    def wall_clock(self, time: ir.TimestampValue, zone: str) -> ir.TimestampValue:
        """Turn a time in UTC into what the clocks of a time zone show."""
        return _timezone(zone, time.cast("timestamp('UTC')"))

    def zoned(self, text: ir.StringValue) -> ir.BooleanValue:
        """Return True if a text is an ISO 8601 time that carries a UTC offset."""
        return text.re_search(f"^{ISO_DAY}{ISO_TIME}{ISO_OFFSET}$")

    def unzoned(self, text: ir.StringValue) -> ir.BooleanValue:
        """Return True if a text is an ISO 8601 date or time without a UTC offset."""
        return text.re_search(f"^{ISO_DAY}({ISO_TIME})?$")

    # ---- reading -------------------------------------------------------------------------------------------

    def reader(self, paths: Sequence[Path]) -> DuckDBEngine:
        """Return the engine that reads such files: this one reads them all."""
        return self

    def adopt(self, table: ir.Table, reader: DuckDBEngine) -> ir.Table:
        """Take over a table from the engine that read it: this one."""
        return table

    def read(self, paths: Sequence[Path], columns: Sequence[str], reading: Reading | None = None) -> Raw:
        """Read the named columns of one or more files of one format.

        Parameters
        ----------
        paths : sequence of Path
            Files of one format, with the same columns in any order.
        columns : sequence of str
            Columns to read, as the files name them.
        reading : Reading, optional
            Delimiter, encoding, sheet.

        Raises
        ------
        SegError
            A file is empty, is damaged, or lacks a column (all missing ones are named).
        """
        if isinstance(paths[0], Uri) and file_format(paths[0]):
            raise SegError(
                f"{paths[0]}: DuckDB reads files of this machine; run with engine=spark, or copy it here"
            )
        format_name, reading = check_request(paths, columns, reading or Reading())
        if format_name == "excel":
            cells, notes = excel.read(list(paths), list(columns), reading)
            return Raw(self.register(cells), typed_cells=True, workbook=True, notes=tuple(notes))
        scan = {"csv": self._scans.csv, "jsonl": self._scans.jsonl, "parquet": self._scans.parquet}
        return scan[format_name](list(paths), list(columns), reading)


def _scratch_folder(spill_dir: str | None) -> Path:
    try:
        if spill_dir:
            Path(spill_dir).mkdir(parents=True, exist_ok=True)
        return scratch.make("seg-duckdb", spill_dir)
    except OSError as error:
        raise SegError(
            f"engine.spill_dir={spill_dir}: cannot be used ({error.strerror}); choose a folder that can "
            "be written"
        ) from None


def _iso(text: ir.StringValue) -> ir.StringValue:
    """Keep a text that is an ISO 8601 date or time, with or without a UTC offset; NULL otherwise."""
    return text.re_search(f"^{ISO_DAY}({ISO_TIME}{ISO_OFFSET}?)?$").ifelse(text, ibis.null("string"))
