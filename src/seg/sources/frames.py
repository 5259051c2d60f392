"""Tables in memory as a source: a DataFrame becomes a Parquet file, which is then read and checked like any other."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from seg.errors import SegError, listed
from seg.sinks import scratch


@contextmanager
def as_file(data: object, name: str, columns: Sequence[str] | None = None) -> Iterator[Path]:
    """Write a table in memory to a temporary Parquet file that lasts as long as the context; errors call it ``data``.

    Parameters
    ----------
    data : DataFrame of pandas or Polars, pyarrow.Table, or anything with the Arrow PyCapsule interface
    name : str
        Of the data set: the file is named so.
    columns : sequence of str, optional
        Columns to keep, since others may hold what Parquet cannot; all when left out.

    Raises
    ------
    SegError
        The table has no rows, lacks a column, has two columns of one name, or holds values that Arrow cannot.
    """
    table = arrow(data, columns)
    folder = scratch.make("seg-data")
    path = folder / f"{name}.parquet"
    try:
        pq.write_table(table, path)
        yield path
    except SegError as error:
        error.args = tuple(str(text).replace(str(path), "data") for text in error.args)
        raise
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def arrow(data: object, columns: Sequence[str] | None = None) -> pa.Table:
    """Convert a table in memory to Arrow; the index of a pandas DataFrame is left out.

    >>> arrow({"a": [1]})
    Traceback (most recent call last):
        ...
    seg.errors.SegError: data: got a dict, expected a DataFrame (pandas, Polars, Arrow) or the path of a file
    """
    names = _names(data)
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise SegError(f"data: two columns are named {', '.join(repeated)}; rename one of them")
    chosen = list(names if columns is None else dict.fromkeys(columns))
    lacking = [name for name in chosen if name not in names]
    if lacking:
        raise SegError(
            f"data: no column {', '.join(map(repr, lacking))}; expected one of {listed(lacking[0], names, most=20)}"
        )
    try:
        table = _converted(data, chosen)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError) as error:
        raise SegError(
            f"data: {str(error).splitlines()[0]}: a column mixes types; convert it to one type, such as text"
        ) from None
    if not table.num_rows:
        raise SegError("data: the table has no rows; expected at least one")
    return table


def _names(data: object) -> list[str]:
    if hasattr(data, "collect_schema") and not hasattr(data, "write_parquet"):  # of Polars, not computed yet
        raise SegError("data: got a LazyFrame, expected a DataFrame; pass data.collect()")
    columns = getattr(data, "column_names", None) or getattr(data, "columns", None)
    if columns is None or not (hasattr(data, "__arrow_c_stream__") or hasattr(data, "to_arrow")):
        raise SegError(
            f"data: got a {type(data).__name__}, expected a DataFrame (pandas, Polars, Arrow) or the path of a file"
        )
    return [str(name) for name in columns]


def _converted(data: object, columns: list[str]) -> pa.Table:
    if hasattr(data, "iloc"):  # pandas, whose own conversion would keep the index
        places = [_names(data).index(name) for name in columns]
        frame = data.iloc[:, places].set_axis(columns, axis=1)
        return pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata()
    table = data if isinstance(data, pa.Table) else pa.table(data)
    return table.select(columns)
