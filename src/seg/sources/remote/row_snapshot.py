"""Rows of a database as one Parquet file, written batch by batch, and a hash of the rows whatever their order."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from functools import reduce
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq


def write(batches: Iterable[pa.RecordBatch], target: Path) -> str:
    """Write batches to a Parquet file; return a hash of their rows.

    Parameters
    ----------
    batches : iterable of RecordBatch
        With the same columns; where a column has other types in a later batch, all rows get the type that holds them.
    target : Path

    Returns
    -------
    str
        Hash of the columns and the rows; the order of the rows does not change it, since databases promise none.
    """
    parts, writer, total, rows, names = [], None, 0, 0, None
    try:
        for batch in batches:
            if writer is None or not batch.schema.equals(writer.schema):
                if writer is not None:
                    writer.close()
                parts.append(target.with_suffix(f".{len(parts)}"))
                writer = pq.ParquetWriter(parts[-1], batch.schema)
            writer.write_batch(batch)
            total = (total + _hash(batch)) % 2**64
            rows, names = rows + batch.num_rows, batch.schema.names
    finally:
        if writer is not None:
            writer.close()
    if len(parts) == 1:
        parts[0].rename(target)
    else:
        _join(parts, target)
    return hashlib.sha256(f"{names} {rows} {total}".encode()).hexdigest()


def column(values: list) -> pa.Array:
    """Return values of a source without types as Arrow has them: mixed types become text, nested values JSON.

    >>> column([1, "a", None]).to_pylist()
    ['1', 'a', None]
    """
    try:
        array = pa.array(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError):
        return pa.array([None if one is None else _text(one) for one in values], pa.string())
    if pa.types.is_nested(array.type):
        return pa.array([None if one is None else _text(one) for one in values], pa.string())
    return array


def _text(value: object) -> str:
    return (
        json.dumps(value, default=str, ensure_ascii=False) if isinstance(value, dict | list) else str(value)
    )


def _hash(batch: pa.RecordBatch) -> int:
    """Add up the hashes of the rows: 64 bits each, modulo 2 to the power of 64."""
    plain = {
        field.name: one.cast(pa.string())
        if pa.types.is_decimal(field.type) or pa.types.is_date(field.type)
        else one
        for field, one in zip(batch.schema, batch.columns, strict=True)
    }
    frame = pa.table(plain).to_pandas()
    with np.errstate(over="ignore"):
        hashes = pd.util.hash_pandas_object(frame, index=False, categorize=False)
        return int(hashes.to_numpy().sum(dtype=np.uint64))


def _join(parts: list[Path], target: Path) -> None:
    """Write the rows of all parts with types that hold the values of each."""
    schemas = [pq.read_schema(part) for part in parts]
    names = dict.fromkeys(name for schema in schemas for name in schema.names)
    kinds = {
        name: reduce(_wider, [schema.field(name).type for schema in schemas if name in schema.names])
        for name in names
    }
    joined = pa.schema([pa.field(name, kind) for name, kind in kinds.items()])
    with pq.ParquetWriter(target, joined) as writer:
        for part in parts:
            with pq.ParquetFile(part) as file:
                for batch in file.iter_batches():
                    writer.write_batch(_widened(batch, joined))
            part.unlink()


def _wider(one: pa.DataType, other: pa.DataType) -> pa.DataType:
    """Return the type that holds the values of both."""
    if one == other or pa.types.is_null(other):
        return one
    if pa.types.is_null(one):
        return other
    numbers = {pa.int64(), pa.float64()}
    return pa.float64() if {one, other} <= numbers else pa.string()


def _widened(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    columns = [
        pc.cast(batch.column(field.name), field.type)
        if field.name in batch.schema.names
        else pa.nulls(batch.num_rows, field.type)
        for field in schema
    ]
    return pa.record_batch(columns, schema=schema)
