"""Tables in PostgreSQL: one transaction a run, by COPY, so that readers see all of a run or nothing of it."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from seg.errors import SegError
from seg.sinks import postgres_advice
from seg.sinks.redaction import encoded, redact, remember
from seg.sinks.star_schema import MADE_BY, Export, Table
from seg.sinks.target import extra_missing, failed, foreign, needed

if TYPE_CHECKING:
    import psycopg

EXAMPLE = "postgresql://host/database, user and password in PGUSER and PGPASSWORD"
MARK = f"Made by {MADE_BY}: "  # begins the comment of each table that seg has made
BATCH = 100_000  # rows sent at a time
LOCK = 0x5E6  # of concurrent writers, the second waits for the first
TIMEOUT = 10  # seconds to connect
FEW = 10_000  # rows that are written without a thought of the indexes
LONGEST_NAME = 63
KEYS = ("run_id", "customer_id", "segment_key", "product_id")


class Postgres:
    """Write the tables of a run into a schema, in place of the rows of the same run.

    Parameters
    ----------
    uri : str
        ``postgresql://host/database``; the password in the address, or in ``PGPASSWORD`` or ``~/.pgpass``.
    schema : str, default="public"
        Made where it is missing.
    prefix : str, default="seg_"
        Of the names of the tables.
    replace : bool, default=False
        Whether a table that seg has not made, or one whose columns have other types, is dropped and created again.
    """

    def __init__(self, uri: str, schema: str = "public", prefix: str = "seg_", replace: bool = False):
        needed(uri, "sink.uri", EXAMPLE)
        if not str(uri).startswith(("postgresql://", "postgres://")) and "=" not in str(uri):
            raise SegError(f"sink.uri={redact(str(uri))}: expected {EXAMPLE}")
        self._uri, self._schema, self._prefix, self._replace = remember(str(uri)), schema, prefix, replace

    def write(self, export: Export) -> str:
        """Write all tables in one transaction; return where they are."""
        try:
            import psycopg
        except ImportError:
            raise extra_missing("psycopg", "postgres") from None
        for table in export.tables:
            _check_text(table)
            if len((self._prefix + table.name).encode()) > LONGEST_NAME:
                raise SegError(
                    f"sink.prefix={self._prefix}: the name {self._prefix}{table.name} is longer than the {LONGEST_NAME} bytes that "
                    "PostgreSQL takes; choose a shorter prefix"
                )
        where = f"sink.uri={self._uri}"
        try:
            with (
                psycopg.connect(encoded(self._uri), connect_timeout=TIMEOUT) as connection,
                connection.cursor() as cursor,
            ):
                self._write(cursor, export)
                place = f"{connection.info.host}/{connection.info.dbname}"
        except psycopg.Error as error:
            raise failed(where, error, _advice(error)) from None
        return f"{self._schema}.{self._prefix}* in {place}"

    def _write(self, cursor: psycopg.Cursor, export: Export) -> None:
        from psycopg import sql

        cursor.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
        schema = sql.Identifier(self._schema)
        if cursor.execute("SELECT to_regnamespace(%s)", (schema.as_string(cursor),)).fetchone()[0] is None:
            cursor.execute(sql.SQL("CREATE SCHEMA {}").format(schema))
        for table in export.tables:
            name = sql.Identifier(self._schema, self._prefix + table.name)
            if self._prepare(cursor, table, name):
                _copy(cursor, table.rows, name)
                _index(cursor, table, name)
            else:
                _replace(cursor, table, name, export.run_id)

    def _prepare(self, cursor: psycopg.Cursor, table: Table, name) -> bool:
        """Make a table, or add to it the columns that earlier runs did not have; return True if it is new."""
        from psycopg import sql

        shown = f"{self._schema}.{self._prefix}{table.name}"
        present = _columns(cursor, self._schema, self._prefix + table.name)
        if present is not None:
            comment = cursor.execute(
                "SELECT obj_description(to_regclass(%s), 'pg_class')", (name.as_string(cursor),)
            ).fetchone()[0]
            other = [c for c in table.rows.schema if present.get(c.name, _type(c.type)) != _type(c.type)]
            if (other or not (comment or "").startswith(MARK)) and self._replace:
                cursor.execute(sql.SQL("DROP TABLE {}").format(name))
                present = None
            elif not (comment or "").startswith(MARK):
                raise foreign(f"sink.uri={self._uri}", f"the table {shown}")
            elif other:
                raise SegError(
                    f"{shown}: the column {other[0].name} is {present[other[0].name]}, this run has {_type(other[0].type)}; "
                    "choose another sink.schema or sink.prefix, or drop the table and its history with sink.replace=true"
                )
        if present is None:
            _create(cursor, table, name)
            return True
        for column in table.rows.schema:
            if column.name not in present:
                cursor.execute(
                    sql.SQL("ALTER TABLE {} ADD COLUMN {} {}").format(
                        name, sql.Identifier(column.name), sql.SQL(_type(column.type))
                    )
                )
        return False


def _create(cursor: psycopg.Cursor, table: Table, name) -> None:
    from psycopg import sql

    columns = [
        # Keys are compared byte by byte: sorting a million of them by the rules of a language takes ten times as long.
        sql.SQL("{} {}{}").format(
            sql.Identifier(column.name),
            sql.SQL(_type(column.type)),
            sql.SQL(' COLLATE "C"' if column.name in KEYS and pa.types.is_string(column.type) else ""),
        )
        for column in table.rows.schema
    ]
    cursor.execute(sql.SQL("CREATE TABLE {} ({})").format(name, sql.SQL(", ").join(columns)))
    cursor.execute(
        sql.SQL("COMMENT ON TABLE {} IS {}").format(name, sql.Literal(MARK + table.definition.description))
    )
    for column, meaning in table.definition.columns.items():
        if column in table.rows.column_names:
            cursor.execute(
                sql.SQL("COMMENT ON COLUMN {}.{} IS {}").format(
                    name, sql.Identifier(column), sql.Literal(meaning)
                )
            )


def _replace(cursor: psycopg.Cursor, table: Table, name, run_id: str) -> None:
    """Write the rows of a run in place of those that it left before."""
    from psycopg import sql

    later = _without_indexes(cursor, name) if _mostly_new(cursor, table, name, run_id) else []
    cursor.execute(sql.SQL("DELETE FROM {} WHERE run_id = %s").format(name), (run_id,))
    _copy(cursor, table.rows, name)
    for statement in later:
        cursor.execute(statement)


def _mostly_new(cursor: psycopg.Cursor, table: Table, name, run_id: str) -> bool:
    """Return True where building the indexes again costs less than extending them: other runs have few rows beside this one."""
    from psycopg import sql

    rows = table.rows.num_rows
    if rows < FEW:
        return False
    others = sql.SQL("SELECT count(*) FROM (SELECT FROM {} WHERE run_id <> %s LIMIT %s) AS others").format(
        name
    )
    return cursor.execute(others, (run_id, 2 * rows)).fetchone()[0] < 2 * rows


def _without_indexes(cursor: psycopg.Cursor, name) -> list[str]:
    """Drop the indexes of a table; return the statements that build them again.

    An index is built much faster than it is extended row by row, above all where the rows before have the same keys. Until the
    transaction ends, readers of the table wait. A table that others refer to by a foreign key keeps its indexes.
    """
    from psycopg import sql

    shown = name.as_string(cursor)
    oid = cursor.execute("SELECT to_regclass(%s)::oid", (shown,)).fetchone()[0]
    if cursor.execute("SELECT count(*) FROM pg_constraint WHERE confrelid = %s", (oid,)).fetchone()[0]:
        return []
    constraints = cursor.execute(
        "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = %s AND contype IN ('p', 'u', 'x')",
        (oid,),
    ).fetchall()
    for constraint, _ in constraints:
        cursor.execute(sql.SQL("ALTER TABLE {} DROP CONSTRAINT {}").format(name, sql.Identifier(constraint)))
    indexes = cursor.execute(
        "SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = %s",
        (oid,),
    ).fetchall()
    for index, _ in indexes:
        cursor.execute(f"DROP INDEX {index}")  # regclass has quoted it
    added = sql.SQL("ALTER TABLE {} ADD CONSTRAINT {} {}")
    later = [
        added.format(name, sql.Identifier(constraint), sql.SQL(definition)).as_string(cursor)
        for constraint, definition in constraints
    ]
    return later + [definition for _, definition in indexes]


def _copy(cursor: psycopg.Cursor, rows: pa.Table, name) -> None:
    from psycopg import sql

    columns = sql.SQL(", ").join(map(sql.Identifier, rows.column_names))
    options = csv.WriteOptions(include_header=False)
    with cursor.copy(sql.SQL("COPY {} ({}) FROM STDIN (FORMAT csv)").format(name, columns)) as copy:
        for batch in rows.to_batches(max_chunksize=BATCH):
            buffer = io.BytesIO()
            csv.write_csv(batch, buffer, options)
            copy.write(buffer.getbuffer())


def _index(cursor: psycopg.Cursor, table: Table, name) -> None:
    """Add the primary key, and an index on the run.

    Of customers the key begins with the customer, so that it is the index on the customer too. Texts that begin alike, as those of one run
    would, take three times as long to sort.
    """
    from psycopg import sql

    keys = sorted(table.keys, key=lambda key: key != "customer_id")
    columns = sql.SQL(", ").join(map(sql.Identifier, keys))
    cursor.execute(sql.SQL("ALTER TABLE {} ADD PRIMARY KEY ({})").format(name, columns))
    if keys[0] != "run_id":
        cursor.execute(sql.SQL("CREATE INDEX ON {} (run_id)").format(name))


def _columns(cursor: psycopg.Cursor, schema: str, table: str) -> dict[str, str] | None:
    """Return the types of the columns of a table; None where there is no such table."""
    columns = cursor.execute(
        "SELECT a.attname, format_type(a.atttypid, a.atttypmod) FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid "
        "JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = %s AND c.relname = %s AND a.attnum > 0 "
        "AND NOT a.attisdropped",
        (schema, table),
    ).fetchall()
    return dict(columns) or None


def _type(kind: pa.DataType) -> str:
    if pa.types.is_timestamp(kind):
        return "timestamp with time zone" if kind.tz else "timestamp without time zone"
    if pa.types.is_decimal(kind):
        return f"numeric({kind.precision},{kind.scale})"
    plain = {
        pa.string(): "text", pa.int64(): "bigint", pa.uint64(): "numeric(20,0)", pa.float64(): "double precision",
        pa.bool_(): "boolean", pa.date32(): "date", pa.binary(): "bytea",
    }  # fmt: skip
    if kind not in plain:
        raise SegError(f"sink=postgres: no column type for {kind}; leave the table out with sink.tables")
    return plain[kind]


def _check_text(table: Table) -> None:
    """Refuse what PostgreSQL cannot hold: NUL characters."""
    for name in table.rows.column_names:
        column = table.rows.column(name)
        if len(name.encode()) > LONGEST_NAME:
            raise SegError(
                f"sink=postgres: the column {name} has a name of {len(name.encode())} bytes, PostgreSQL takes {LONGEST_NAME}; "
                "rename it in dataset.columns or dataset.features"
            )
        if pa.types.is_string(column.type):
            wrong = pc.match_substring(column, "\x00")
            if pc.any(wrong).as_py():
                value = column.filter(wrong)[0].as_py()
                raise SegError(
                    f"sink=postgres: the table {table.name}, column {name}: {value!r} holds a NUL character, which "
                    "PostgreSQL cannot store; remove it from the data"
                )


def _advice(error: Exception) -> str:
    return postgres_advice.advice(
        error,
        "ask for the right to create and write tables, or choose another sink.schema",
        {
            "read-only": "the database takes no changes from this user or this server: choose another sink.uri",
            "does not exist": "create it, or check sink.uri",
            "is not a table": "seg replaces tables only: drop it, or choose another sink.schema or sink.prefix",
            "statement timeout": "allow more time (statement_timeout), then write the run again with seg export",
        },
        "check sink.uri and that the server is up; then write the run again with seg export run=<run directory> sink=postgres",
    )
