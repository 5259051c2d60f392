"""What is asked of a remote source, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from seg.errors import SegError, first_line
from seg.sinks.redaction import Address, parse, redact
from seg.sinks.s3_trust import CREDENTIALS

SCHEMES = ("postgresql", "postgres", "sqlite", "mongodb", "mongodb+srv", "s3", "iceberg")
FOREIGN = (
    "mysql", "mariadb", "mssql", "sqlserver", "oracle", "db2", "snowflake", "bigquery", "redshift", "databricks", "duckdb", "clickhouse",
    "clickhousedb", "trino", "presto", "hive", "hive2", "impala", "teradata", "vertica", "hana", "cockroachdb", "cassandra", "redis",
)  # fmt: skip
DATABASES = ("postgresql", "postgres", "sqlite", "mongodb")
DELTA_LOG, ICEBERG_LOG = "_delta_log", "metadata/*.metadata.json"


@dataclass(frozen=True)
class Request:
    """A table, the result of a query, or the objects below an address.

    Parameters
    ----------
    path : str
        Address, or the folder of a Delta or Iceberg table.
    table, query : str, optional
        Of a database: one of the two.
    option : str
        Option that gave the address, for errors.
    """

    path: str
    table: str | None = None
    query: str | None = None
    option: str = "dataset.path"

    def __str__(self) -> str:
        """Return the address for people, without secrets, and the table or the query."""
        what = f" {self.table}" if self.table else " (query)" if self.query else ""
        return redact(self.path) + what

    def one_of_two(self) -> None:
        """Raise a `SegError` unless either a table or a query is set."""
        if bool(self.table) == bool(self.query):
            state = "both are set" if self.table else "neither is set"
            raise SegError(
                f"{self.option}={redact(self.path)}: expected either dataset.table=orders or dataset.query='select ...'; {state}"
            )

    def no_query(self, instead: str) -> None:
        """Raise a `SegError` for a query where there is no SQL."""
        if self.query:
            raise SegError(f"dataset.query: {redact(self.path)} takes no SQL; {instead}")

    def failed(self, error: Exception, advice: str) -> SegError:
        """Return the error for a source that refuses: its answer without secrets, and what to do."""
        return SegError(f"{self.option}={redact(self.path)}: {redact(first_line(error))}; {advice}")

    def lacks_extra(self, package: str, extra: str) -> SegError:
        """Return the error for a source whose library is not installed."""
        return SegError(
            f"{self.option}={redact(self.path)}: the package {package} is not installed; install it with pip install 'seg[{extra}]'"
        )


@dataclass(frozen=True)
class Staged:
    """Files of this machine that hold a remote source.

    Parameters
    ----------
    paths : tuple of Path
    versions : mapping of Path to str
        What tells the content of each file from any other: the version of a table, the ETag of an object, a hash of the rows.
    """

    paths: tuple[Path, ...]
    versions: Mapping[Path, str]


def is_remote(path: str) -> bool:
    """Return True for an address of a database, an object store or a catalog, and for a folder that is a Delta or Iceberg table.

    Raises
    ------
    SegError
        It is an address of a database that seg does not read, or of S3 with credentials in it.
    """
    address = parse(path)
    if address is None and path.startswith("jdbc:"):
        raise unread(Address("jdbc", None, None, ""))
    if address is None:
        return lake_kind(Path(path).expanduser()) is not None
    kind = address.scheme.removeprefix("jdbc:").partition("+")[0]
    if kind in FOREIGN or (kind in DATABASES and kind != address.scheme and address.scheme not in SCHEMES):
        raise unread(address)
    if address.scheme == "s3" and "@" in path.removeprefix("s3://").partition("/")[0]:
        raise SegError(f"{redact(path)}: expected s3://bucket/folder/*.csv; {CREDENTIALS}")
    return address.scheme in SCHEMES


def unread(address: Address) -> SegError:
    """Return the error for an address of a kind that seg does not read, such as another database or the spelling of another tool."""
    kind = address.scheme.removeprefix("jdbc:").partition("+")[0]
    if kind in DATABASES:
        return SegError(
            f"{address}: {address.scheme} is not read; expected {kind}://user@host/database, the password in the environment"
        )
    return SegError(
        f"{address}: {address.scheme} is not read; expected {', '.join(f'{one}://' for one in SCHEMES)}, a file or a folder: export "
        "the orders to Parquet or CSV, and set dataset.path to that file"
    )


def lake_kind(folder: Path) -> str | None:
    """Return "delta" or "iceberg" for a folder that is such a table."""
    if not folder.is_dir():
        return None
    if (folder / DELTA_LOG).is_dir():
        return "delta"
    return "iceberg" if any(folder.glob(ICEBERG_LOG)) else None
