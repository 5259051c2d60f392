"""Read the tables that a sink has written: from a folder of Parquet files, or from PostgreSQL."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Protocol

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from seg.errors import SegError
from seg.sinks.redaction import encoded, redact, remember
from seg.sinks.target import failed

POSTGRES = ("postgresql://", "postgres://")
TIMEOUT = 10  # seconds to connect


class Exports(Protocol):
    """The tables of all runs of one export."""

    where: str

    def runs(self) -> pd.DataFrame:
        """Return one row a run."""

    def table(self, name: str, run_id: str) -> pd.DataFrame | None:
        """Return the rows of one run; None where the run has no such table."""


def connect(source: str, schema: str = "public", prefix: str = "seg_") -> Exports:
    """Open the exported tables.

    Parameters
    ----------
    source : str
        A folder that ``sink=parquet`` has filled, or ``postgresql://host/database``.
    schema, prefix : str
        Of the tables in PostgreSQL.

    Raises
    ------
    SegError
        There are no tables of seg, or the database cannot be reached.
    """
    exports = (
        PostgresExports(source, schema, prefix) if source.startswith(POSTGRES) else ParquetExports(source)
    )
    if exports.runs().empty:
        raise SegError(f"source={exports.where}: holds no run; export one with: seg export run=... sink=...")
    return exports


class ParquetExports:
    """Tables as ``<folder>/<table>/<run>.parquet``; see `Exports`."""

    def __init__(self, folder: str):
        self.where, self._folder = folder, Path(folder).expanduser()
        if not (self._folder / "runs").is_dir():
            raise SegError(
                f"source={folder}: has no folder runs; expected a folder that sink=parquet sink.folder=... has filled, or "
                "postgresql://host/database"
            )

    def runs(self) -> pd.DataFrame:
        """Return one row a run, read anew each time: a page that is open sees the run of last night."""
        return _joined([_read(path) for path in sorted((self._folder / "runs").glob("*.parquet"))])

    def table(self, name: str, run_id: str) -> pd.DataFrame | None:
        """Return the rows of one run."""
        path = self._folder / name / f"{run_id}.parquet"
        return _read(path) if path.parent.parent == self._folder and path.is_file() else None


class PostgresExports:
    """Tables in one schema of PostgreSQL; see `Exports`."""

    def __init__(self, uri: str, schema: str, prefix: str):
        self._uri, self._schema, self._prefix = remember(uri), schema, prefix
        self.where = redact(uri)

    def runs(self) -> pd.DataFrame:
        """Return one row a run."""
        runs = self._select("runs", None)
        if runs is None:
            raise SegError(
                f"source={self.where}: has no table {self._schema}.{self._prefix}runs; set schema= and prefix= as in sink.schema and "
                "sink.prefix"
            )
        return runs

    def table(self, name: str, run_id: str) -> pd.DataFrame | None:
        """Return the rows of one run."""
        table = self._select(name, run_id)
        return None if table is None or table.empty else table.dropna(axis="columns", how="all")

    def _select(self, name: str, run_id: str | None) -> pd.DataFrame | None:
        try:
            import psycopg
            from psycopg import sql
        except ImportError:
            raise SegError(
                f"source={self.where}: the package psycopg is not installed; install it with pip install 'seg[postgres]'"
            ) from None
        table = sql.Identifier(self._schema, self._prefix + name)
        query = sql.SQL("SELECT * FROM {}").format(table)
        query = query if run_id is None else query + sql.SQL(" WHERE run_id = %s")
        try:
            with (
                psycopg.connect(encoded(self._uri), connect_timeout=TIMEOUT) as connection,
                connection.cursor() as cursor,
            ):
                cursor.execute("SET TRANSACTION READ ONLY")
                cursor.execute(query, None if run_id is None else (run_id,))
                columns = [column.name for column in cursor.description]
                return pd.DataFrame(cursor.fetchall(), columns=columns)
        except psycopg.errors.UndefinedTable:
            return None
        except psycopg.Error as error:
            raise failed(f"source={self.where}", error, "check the address, and PGPASSWORD") from None


def _read(path: Path) -> pd.DataFrame:
    try:
        return pq.read_table(path).to_pandas()
    except (OSError, pa.ArrowInvalid) as error:
        raise SegError(f"{path}: cannot be read ({error}); export the run again") from None


def _joined(tables: list[pd.DataFrame]) -> pd.DataFrame:
    return functools.reduce(
        lambda one, other: pd.concat([one, other], ignore_index=True), tables, pd.DataFrame()
    )
