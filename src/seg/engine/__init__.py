"""Connect, read, register: the engines behind Ibis, one module each.

Everything above (adapters, cleaning, features) is written once as Ibis expressions, and asks of an engine what
`Engine` names. What any of them needs before it reads is in `files`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import pandas as pd
import pyarrow as pa
from ibis.expr import types as ir

from seg.engine.column_names import column_names
from seg.engine.duckdb import DuckDBEngine
from seg.engine.files import FORMATS, REJECT_COLUMNS, Raw, Reading, Uri, file_format

__all__ = [
    "FORMATS",
    "REJECT_COLUMNS",
    "DuckDBEngine",
    "Engine",
    "Raw",
    "Reading",
    "Uri",
    "column_names",
    "file_format",
    "is_uri",
]


class Engine(Protocol):
    """What computes the tables; each method is described where it is implemented."""

    name: str
    collect_limit: int | None  # customers that may be collected

    def describe(self) -> dict[str, str]: ...  # noqa: D102
    def checkpoint(self, table: ir.Table) -> ir.Table: ...  # noqa: D102
    def register(self, frame: pd.DataFrame | pa.Table) -> ir.Table: ...  # noqa: D102
    def collect(self, table: ir.Table) -> pd.DataFrame: ...  # noqa: D102
    def timestamp(self, text: ir.StringValue, format_text: str | None) -> ir.TimestampValue: ...  # noqa: D102
    def instant(self, text: ir.StringValue) -> ir.TimestampValue: ...  # noqa: D102
    def epoch_ms(self, milliseconds: ir.IntegerValue) -> ir.TimestampValue: ...  # noqa: D102
    def wall_clock(self, time: ir.TimestampValue, zone: str) -> ir.TimestampValue: ...  # noqa: D102
    def zoned(self, text: ir.StringValue) -> ir.BooleanValue: ...  # noqa: D102
    def unzoned(self, text: ir.StringValue) -> ir.BooleanValue: ...  # noqa: D102
    def reader(self, paths: Sequence[Path]) -> Engine: ...  # noqa: D102
    def adopt(self, table: ir.Table, reader: Engine) -> ir.Table: ...  # noqa: D102
    def read(  # noqa: D102
        self, paths: Sequence[Path], columns: Sequence[str], reading: Reading | None = None
    ) -> Raw: ...
    def close(self) -> None: ...  # noqa: D102
    def __enter__(self) -> Engine: ...
    def __exit__(self, *_) -> None: ...
