"""Anyone's own table of customers, one row a customer."""

from __future__ import annotations

from collections.abc import Sequence

from seg.engine import Engine, Reading
from seg.errors import SegError
from seg.sources import schema
from seg.sources.locate import Source
from seg.sources.schema import Field, Loaded


def load(
    engine: Engine,
    source: Source,
    id: str,
    features: Sequence[str],
    reading: Reading,
    decimal: str = ".",
    bad_rows: str = "fail",
) -> Loaded:
    """Read one row a customer with numeric features.

    A missing, NaN or infinite value makes a bad row. An id that comes twice is an error, whatever `bad_rows`
    says: which of the two rows is the customer cannot be known.

    Returns
    -------
    Loaded
        ``customer_id`` and the chosen columns under their own names.
    """
    if "customer_id" in features or id in features:
        raise SegError(
            f"dataset.features: {id!r} names the customers (dataset.id) and tells nothing about them; "
            "remove it"
        )
    fields = [Field("customer_id", id, "id", True)] + [Field(name, name, "number", True) for name in features]
    loaded = schema.load_fields(engine, source, fields, reading, bad_rows, decimal)
    check_unique(engine, loaded, id)
    return loaded


def check_unique(engine: Engine, loaded: Loaded, column: str) -> None:
    """Raise a `SegError` that names ids which come more than once."""
    counts = loaded.table.group_by("customer_id").aggregate(times=loaded.table.count())
    twice = engine.collect(counts.filter(counts.times > 1).order_by("customer_id").limit(6))
    if len(twice):
        shown = ", ".join(f"{row.customer_id!r} ({row.times} times)" for row in twice.head(5).itertuples())
        more = " and more" if len(twice) > 5 else ""
        raise SegError(
            f"column {column!r} must name each customer once; it repeats {shown}{more}: "
            "remove or merge those rows"
        )
