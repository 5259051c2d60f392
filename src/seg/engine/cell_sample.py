"""The first rows of a file as cells of text, whatever its format: to look at, not to compute with."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

from seg.engine import excel
from seg.engine.column_names import json_records
from seg.engine.files import Reading, checked, file_format
from seg.engine.text_files import csv_rows


def rows_of(path: Path, reading: Reading, most: int) -> Iterator[tuple[Reading, list[list[str]]]]:
    """Yield the first rows of a file, header included; of a workbook those of each sheet, with the sheet declared.

    Parameters
    ----------
    path : Path
    reading : Reading
    most : int
        Rows to read.
    """
    reading = checked(reading)
    kind = file_format(path)
    if kind == "csv":
        yield reading, csv_rows(path, replace(reading, names=None), most)
    elif kind == "excel":
        sheets = excel.cells(path, replace(reading, names=None), most)
        for name, rows in sheets.items():
            yield replace(reading, sheet=name if len(sheets) > 1 else reading.sheet), rows
    elif kind == "parquet":
        yield reading, _parquet(path, most)
    else:
        records = list(islice(json_records(path, reading), most))
        names = list(dict.fromkeys(name for record in records for name in record))
        yield reading, [names, *([_spelled(record.get(name)) for name in names] for record in records)]


def _parquet(path: Path, most: int) -> list[list[str]]:
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        batch = next(file.iter_batches(batch_size=most), None)
        names = file.schema_arrow.names
    rows = [] if batch is None else list(zip(*(column.to_pylist() for column in batch.columns), strict=True))
    return [list(names), *([_spelled(value) for value in row] for row in rows)]


def _spelled(value: object) -> str:
    if value is None:
        return ""
    return json.dumps(value) if isinstance(value, dict | list) else str(value)
