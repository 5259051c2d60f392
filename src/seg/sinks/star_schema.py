"""The tables that a sink gets: a small star schema, the same for files, databases and object stores.

``runs`` has one row a run. Every other table has the columns ``run_id`` and, where it speaks of segments, ``segment_key``:
one column that joins it to ``segments``, since Power BI joins by one column only.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from seg.errors import SegError, listed

MADE_BY = "seg"  # marks what seg has made: nothing else is overwritten


@dataclass(frozen=True)
class Definition:
    """What a table is.

    Parameters
    ----------
    description : str
    keys : tuple of str
        Columns that together name a row, ``run_id`` first.
    columns : dict of str to str
        Columns that every run has, with their meaning; a run may have more.
    on_request : bool
        Whether it is exported only where ``sink.tables`` names it.
    """

    description: str
    keys: tuple[str, ...]
    columns: dict[str, str] = field(default_factory=dict)
    on_request: bool = False


RUN = {"run_id": "joins to runs"}
SEGMENT = {
    "segment": "number of the segment, 0 the most valuable, -1 noise",
    "segment_key": "joins to segments",
}
DEFINITIONS = {
    "runs": Definition(
        "One row a run: a training (kind train), a scoring (score) or a comparison of two days or models (migrate).",
        ("run_id",),
        {
            "run_id": "names the run",
            "kind": "train, score or migrate",
            "dataset": "name of the data set",
            "made_at": "when the run ended, UTC",
            "k": "number of segments",
            "customers": "number of customers",
            "as_of": "day that recency is counted from",
            "model": "the clusterer, or the model that was used",
            "recipe": "the features",
            "scaler": "the scaler",
            "cleaning": "the cleaning",
            "currency": "of revenue",
            "fingerprint": "hash of the data",
            "flagged": "why not to trust the run, or no",
        },
    ),
    "segments": Definition(
        "One row a segment of a run: name, size, and the mean of each feature.",
        ("run_id", "segment"),
        RUN
        | SEGMENT
        | {
            "name": "name of the segment",
            "size": "customers",
            "share": "share of the customers",
            "sentence": "what the customers have in common",
            "actions": "what to do for them, one a line",
            "model": "group whose customers the segment is of, with by",
        },
    ),
    "customers": Definition(
        "One row a customer of a run: the segment and the features.",
        ("run_id", "customer_id"),
        RUN | {"customer_id": "the customer"} | SEGMENT,
    ),
    "k_scan": Definition(
        "One row a number of segments that a run tried.", ("run_id", "k"), RUN | {"k": "number of segments"}
    ),
    "ledger": Definition(
        "One row a cleaning step of a run: rows, customers and revenue after it.",
        ("run_id", "position"),
        RUN | {"position": "order of the steps, 0 the raw data"},
    ),
    "monthly": Definition(
        "One row a month and segment of a run: customers who ordered, orders, revenue.",
        ("run_id", "month", "segment"),
        RUN
        | {"month": "its first day"}
        | SEGMENT
        | {"customers": "who ordered", "orders": "orders", "revenue": "revenue"},
    ),
    "movement": Definition(
        "One row a pair of segments: customers who moved from one to the other (kind migrate).",
        ("run_id", "from_segment", "to_segment"),
        RUN
        | {
            "from_segment": "name of the segment before",
            "to_segment": "name of the segment after",
            "customers": "customers",
            "share": "share of those who were in from_segment",
        },
    ),
    "transactions": Definition("The cleaned order lines of a run.", ("run_id", "line"), RUN, on_request=True),
    "products": Definition(
        "One row a product of a run: lines, customers, quantity and revenue.",
        ("run_id", "product_id"),
        RUN | {"product_id": "the product"},
        on_request=True,
    ),
}
USUAL = tuple(name for name, one in DEFINITIONS.items() if not one.on_request)


@dataclass(frozen=True)
class Table:
    """One table of an export.

    Parameters
    ----------
    name : str
        A key of `DEFINITIONS`.
    rows : pyarrow.Table
        All rows of one run, ``run_id`` among the columns.
    """

    name: str
    rows: pa.Table

    @property
    def definition(self) -> Definition:
        """What the table is."""
        return DEFINITIONS[self.name]

    @property
    def keys(self) -> tuple[str, ...]:
        """Columns that together name a row."""
        return self.definition.keys


@dataclass(frozen=True)
class Export:
    """The tables of one run, as every sink takes them.

    Parameters
    ----------
    run_id, dataset : str
    tables : tuple of Table
    """

    run_id: str
    dataset: str
    tables: tuple[Table, ...]

    @property
    def rows(self) -> int:
        """Rows of all tables."""
        return sum(table.rows.num_rows for table in self.tables)


def table(name: str, run_id: str, rows: pd.DataFrame | pa.Table) -> Table:
    """Make a table of an export: the run and the key of the segment are added, what cannot be stored is refused.

    Parameters
    ----------
    name : str
        A key of `DEFINITIONS`.
    run_id : str
    rows : DataFrame or pyarrow.Table

    Raises
    ------
    SegError
        A key is missing or occurs twice.
    """
    arrow = rows if isinstance(rows, pa.Table) else pa.Table.from_pandas(rows, preserve_index=False)
    arrow = pa.table({column: _plain(arrow.column(column)) for column in arrow.column_names})
    if "run_id" not in arrow.column_names:
        arrow = arrow.add_column(0, "run_id", pa.repeat(pa.scalar(run_id), arrow.num_rows))
    if "segment" in arrow.column_names and "segment_key" not in arrow.column_names:
        segments = pc.cast(arrow.column("segment"), pa.string())
        keys = pc.binary_join_element_wise(pa.scalar(run_id), segments, "/")
        arrow = arrow.add_column(arrow.column_names.index("segment") + 1, "segment_key", keys)
    table = Table(name, arrow.replace_schema_metadata(None))
    _check_keys(table)
    return table


def chosen(names: Iterable[str] | None) -> tuple[str, ...]:
    """Return the tables to export: all usual ones, or those that are named.

    Raises
    ------
    SegError
        There is no such table.
    """
    if names is None:
        return USUAL
    names = [name.strip() for name in names.split(",")] if isinstance(names, str) else list(names)
    for name in names:
        if name not in DEFINITIONS:
            raise SegError(f"sink.tables={name}: unknown; expected some of {listed(name, DEFINITIONS)}")
    return tuple(dict.fromkeys(["runs", *names]))


def described(export: Export, where: Mapping[str, str]) -> str:
    """Return a description of the tables as JSON, for people and for tools: keys, types, meanings, relations.

    Parameters
    ----------
    export : Export
    where : mapping of str to str
        Name of each table in the sink.
    """
    tables = []
    for one in export.tables:
        columns = [
            {
                "name": column.name,
                "type": str(column.type),
                "description": one.definition.columns.get(column.name, ""),
            }
            for column in one.rows.schema
        ]
        joins = {"run_id": "runs.run_id"} if one.name != "runs" else {}
        if "segment_key" in one.rows.column_names and one.name != "segments":
            joins["segment_key"] = "segments.segment_key"
        tables.append(
            {
                "name": where.get(one.name, one.name),
                "description": one.definition.description,
                "primary_key": list(one.keys),
                "relations": joins,
                "columns": columns,
            }
        )
    return (
        json.dumps({"made_by": MADE_BY, "version": 1, "tables": tables}, indent=1, ensure_ascii=False) + "\n"
    )


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Cast to the types that every sink has: no dictionaries, no large strings, times in microseconds."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _plain(column.cast(kind.value_type))
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind) or pa.types.is_null(kind):
        return column.cast(pa.string())
    if pa.types.is_timestamp(kind):
        return column.cast(pa.timestamp("us", kind.tz))
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return pa.chunked_array(
            [pa.array(["\n".join(map(str, one or ())) for one in column.to_pylist()], pa.string())]
        )
    if pa.types.is_integer(kind) and kind not in (pa.int64(), pa.uint64()):
        return column.cast(pa.int64())
    return column.cast(pa.float64()) if pa.types.is_floating(kind) else column


def _check_keys(table: Table) -> None:
    missing = [key for key in table.keys if key not in table.rows.column_names]
    if missing:
        raise SegError(
            f"sink: the table {table.name} has no {', '.join(missing)}; it has {', '.join(table.rows.column_names)}"
        )
    counts = table.rows.group_by(list(table.keys)).aggregate([([], "count_all")])
    if counts.num_rows < table.rows.num_rows:
        twice = counts.filter(pc.greater(counts["count_all"], 1)).slice(0, 1).to_pylist()[0]
        key = ", ".join(f"{name}={twice[name]}" for name in table.keys[1:])
        raise SegError(f"sink: the table {table.name} has two rows of {key}; one row is expected")
