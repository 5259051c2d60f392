"""Parquet into Spark, by name and strictly typed: as the embedded reader reads the same files."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from seg.engine.files import Reading, Uri, check_header
from seg.engine.parquet_footer import parquet_schemas

FILE, ROW = "_file", "_row"  # where a row was read


def read(session, paths: Sequence[Path], columns: Sequence[str], reading: Reading):
    """Scan the named columns of Parquet files, and where each row is: ``_file``, and ``_row`` from 1.

    Files whose types differ (whole numbers in one, numbers with a point in the next) are scanned apart, each with its
    own types, for Spark reads all files of a scan with those of one of them.

    Parameters
    ----------
    session : SparkSession
    paths : sequence of Path or Uri
    columns : sequence of str
    reading : Reading

    Returns
    -------
    pyspark.sql.DataFrame

    Raises
    ------
    SegError
        A file is damaged, lacks a column, or holds another kind of values than the others.
    """
    if isinstance(paths[0], Uri):
        frame = session.read.option("mergeSchema", "true").parquet(*paths)
        check_header(paths[0], tuple(frame.columns), columns, reading)
        return _plain(frame, columns, None)
    groups: dict[tuple[str, ...], list[Path]] = {}
    schemas = parquet_schemas(paths, columns, reading)
    by_types = {}
    for path, schema in zip(paths, schemas, strict=True):
        types = tuple(str(schema.field(column).type) for column in columns)
        groups.setdefault(types, []).append(path)
        by_types[types] = schema
    parts = []
    for types, files in groups.items():
        frame = session.read.parquet(*[file.resolve().as_uri() for file in files])
        parts.append(_plain(frame, columns, by_types[types]))
    frame = reduce(lambda a, b: a.unionByName(b), _alike(parts, columns))
    nothing = [column for column in columns if frame.schema[column].dataType.typeName() == "void"]
    return frame.withColumns({column: frame[quoted(column)].cast("string") for column in nothing})


def instants(session, paths: Sequence[Path], columns: Sequence[str]) -> frozenset[str]:
    """Return the columns of times that are instants in the files: `read` hands them on as the clock in UTC.

    Parameters
    ----------
    session : SparkSession
    paths : sequence of Path or Uri
        The first one tells the types.
    columns : sequence of str

    Returns
    -------
    frozenset of str
    """
    if isinstance(paths[0], Uri):
        frame = session.read.option("mergeSchema", "true").parquet(*paths)
        return frozenset(name for name in columns if frame.schema[name].dataType.typeName() == "timestamp")
    types = {name: pq.read_schema(paths[0]).field(name).type for name in columns}
    return frozenset(name for name, kind in types.items() if pa.types.is_timestamp(kind) and kind.tz)


def _plain(frame, columns: Sequence[str], schema: pa.Schema | None):
    """Pick the columns; a time becomes one of the clock in UTC, whatever the file keeps it in."""
    from pyspark.sql import functions as F

    picked = []
    for column in columns:
        name = quoted(column)
        kind = frame.schema[column].dataType.typeName()
        if schema is not None and pa.types.is_null(schema.field(column).type):
            picked.append(F.lit(None).alias(column))
            continue
        if schema is not None and pa.types.is_timestamp(schema.field(column).type) and kind == "long":
            # Nanoseconds; what is below a microsecond is cut off.
            value = F.expr(f"CAST(timestamp_micros({name} div 1000L) AS TIMESTAMP_NTZ)")
        elif kind == "timestamp":
            value = F.expr(f"CAST({name} AS TIMESTAMP_NTZ)")
        else:
            value = F.expr(name)
        picked.append(value.alias(column))
    return frame.select(
        *picked,
        F.expr("_metadata.file_path").alias(FILE),
        F.expr("_metadata.row_index + 1").alias(ROW),
    )


def _alike(parts: list, columns: Sequence[str]) -> list:
    """Widen the types of a column to the one that holds all of them."""
    from pyspark.sql import functions as F

    for column in columns:
        kinds = {part.schema[column].dataType.typeName() for part in parts} - {"void"}
        if len(kinds) < 2:
            continue
        if kinds <= {"date", "timestamp_ntz"}:
            wide = "timestamp_ntz"
        else:
            wide = "bigint" if kinds <= {"byte", "short", "integer", "long"} else "double"
        name = quoted(column)
        parts = [part.withColumn(column, F.expr(f"CAST({name} AS {wide})")) for part in parts]
    return parts


def quoted(name: str) -> str:
    """Spell a name as Spark's SQL does, whatever is in it."""
    return "`" + name.replace("`", "``") + "`"
