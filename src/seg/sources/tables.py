"""Tables in and out in batches: a feature table of any size is read, placed and written without being held whole.

CSV here is what seg itself writes: UTF-8, comma, decimal point, a header. Files in other dialects go through the reader
of their data set.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv
from pyarrow import parquet as pq

from seg.errors import SegError

READABLE, WRITABLE = (".parquet", ".csv", ".csv.gz"), (".parquet", ".csv")
EXACT = 2.0**53  # whole numbers from here on are not exact as floats
NULLS = [*csv.ConvertOptions().null_values, "None", "none", "<NA>"]
NO_NUMBER = re.compile(r"In CSV column #(\d+): .*invalid value '(.*)'")
BATCH = 1 << 23  # bytes of CSV read at a time: some hundred thousand rows


def readable(paths: Sequence[Path]) -> bool:
    """Return True if these files can be read."""
    return all(path.name.lower().endswith(READABLE) for path in paths)


def columns(path: Path) -> list[str]:
    """Return the columns of a file, without reading its rows."""
    with _explained(path):
        return list(_schema(path).names)


def batches(
    paths: Sequence[Path], id: str, features: Sequence[str], text: str | None = None
) -> Iterator[tuple[pa.Array, pd.DataFrame]]:
    """Read ids and features, batch by batch.

    Parameters
    ----------
    paths : sequence of Path
        Parquet or CSV, in any order of columns; further columns are not read.
    id : str
        Column that names the customers.
    features : sequence of str
    text : str, optional
        A further column, read as text, such as the group of a customer.

    Yields
    ------
    ids : Array of string
    frame : DataFrame of float64
        Missing values are NaN; with the column `text` where it is asked for.

    Raises
    ------
    SegError
        A file is damaged or has a column twice, a feature is not a number, a row has no id.
    """
    wanted, start = [id, *features, *([text] if text else [])], 0
    for path in paths:
        with _explained(path):
            _check_columns(path, wanted)
            for batch in _read(path, wanted, text):
                numbers = _numbers(batch, features, path)
                if text:
                    numbers[text] = pd.array(batch.column(text).cast(pa.string()).to_pylist(), dtype="str")
                yield _ids(batch.column(id), path, start), numbers
                start += batch.num_rows


@contextmanager
def writer(path: Path) -> Iterator:
    """Open a table for writing: give it frames; the file appears when the context ends well, or not at all.

    >>> with writer(Path("scored.parquet")) as write:  # doctest: +SKIP
    ...     write(pd.DataFrame({"customer_id": ["a"], "segment": [0]}))
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    target = schema = None

    def write(frame: pd.DataFrame) -> None:
        nonlocal target, schema
        table = pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata(None)
        if target is None:
            schema = table.schema
            target = _target(path, temporary, schema)
        target.write_table(table.cast(schema))

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield write
        if target is None:
            raise SegError(f"output={path}: not written, the input has no row; choose another input")
        target.close()
        temporary.replace(path)
    except OSError as error:
        raise SegError(
            f"output={path}: cannot be written ({error.strerror or error}); choose another place"
        ) from None
    finally:
        temporary.unlink(missing_ok=True)


def check_target(path: Path, force: bool) -> None:
    """Refuse a target before anything is computed: of another format, or there already.

    Raises
    ------
    SegError
        With what to do.
    """
    if not path.name.lower().endswith(WRITABLE):
        raise SegError(f"output={path}: expected a file that ends in {' or '.join(WRITABLE)}")
    if path.is_dir():
        raise SegError(f"output={path}: is a directory; expected the name of a file")
    if path.exists() and not force:
        raise SegError(f"output={path}: already exists; choose another name, or replace it with force=true")


# ---- files -------------------------------------------------------------------------------------------------------


def _target(path: Path, temporary: Path, schema: pa.Schema) -> csv.CSVWriter | pq.ParquetWriter:
    if path.suffix.lower() == ".csv":
        return csv.CSVWriter(str(temporary), schema)
    # Ids are all different, a dictionary of them is work for nothing.
    texts = [field.name for field in list(schema)[1:] if pa.types.is_large_string(field.type)]
    return pq.ParquetWriter(str(temporary), schema, use_dictionary=texts)


def _schema(path: Path) -> pa.Schema:
    if path.suffix.lower() == ".parquet":
        return pq.read_schema(path)
    with csv.open_csv(path, read_options=csv.ReadOptions(block_size=1 << 20)) as reader:
        return reader.schema


def _read(path: Path, wanted: list[str], text: str | None = None) -> Iterator[pa.RecordBatch]:
    if path.suffix.lower() == ".parquet":
        with pq.ParquetFile(path) as file:
            yield from file.iter_batches(columns=wanted)
        return
    types = {wanted[0]: pa.string()} | dict.fromkeys(wanted[1:], pa.float64())
    types |= {text: pa.string()} if text else {}
    convert = csv.ConvertOptions(
        column_types=types, include_columns=wanted, strings_can_be_null=True, null_values=NULLS
    )
    with csv.open_csv(path, csv.ReadOptions(block_size=BATCH), convert_options=convert) as reader:
        yield from reader


def _check_columns(path: Path, wanted: list[str]) -> None:
    names = _schema(path).names
    for name in wanted:
        if names.count(name) != 1:
            problem = "has no column" if name not in names else "has more than one column"
            raise SegError(f"{path} {problem} {name!r}; it has {', '.join(names[:30])}")


def _ids(column: pa.Array, path: Path, start: int) -> pa.Array:
    if pa.types.is_floating(column.type) and pc.any(pc.greater_equal(pc.abs(column), EXACT)).as_py():
        raise SegError(
            f"{path}: the ids are floats, which keep 15 to 16 digits, and some are longer; write the column as text or as whole numbers"
        )
    if pa.types.is_floating(column.type):  # ids that once had gaps beside them: 17850.0 is 17850
        column = column.cast(pa.int64())
    ids = pc.utf8_trim_whitespace(column.cast(pa.string()))
    blank = pc.fill_null(pc.equal(ids, ""), True)
    if pc.any(blank).as_py():
        row = start + pc.index(blank, True).as_py() + 1
        raise SegError(f"{path}: row {row:,} has no customer id; expected one in every row")
    return ids


def _numbers(batch: pa.RecordBatch, features: Sequence[str], path: Path) -> pd.DataFrame:
    columns = {}
    for name in features:
        column = batch.column(name)
        kind = column.type
        if not (
            pa.types.is_integer(kind)
            or pa.types.is_floating(kind)
            or pa.types.is_decimal(kind)
            or pa.types.is_boolean(kind)
            or pa.types.is_null(kind)
        ):
            raise SegError(f"{path}: column {name!r} holds {kind}, expected numbers")
        if pa.types.is_boolean(kind):
            column = column.cast(pa.int8())
        columns[name] = column.cast(pa.float64()).to_numpy(zero_copy_only=False)
    return pd.DataFrame(columns)


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Turn Arrow's errors into one that says which file."""
    try:
        yield
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, UnicodeDecodeError) as error:
        if text := NO_NUMBER.search(str(error)):
            name = _schema(path).names[int(text[1])]
            raise SegError(f"{path}: column {name!r} holds {text[2]!r}, expected numbers") from None
        raise SegError(
            f"{path}: cannot be read as a table ({str(error).splitlines()[0]}); correct the file"
        ) from None
    except OSError as error:
        raise SegError(f"{path}: cannot be read ({error.strerror or str(error).splitlines()[0]})") from None
