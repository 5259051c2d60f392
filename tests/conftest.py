from __future__ import annotations

import os
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from seg.engine import DuckDBEngine

LINE = ["customer_id", "order_id", "ordered_at", "product_id", "quantity", "unit_price"]


@pytest.fixture(scope="session")
def engine():
    with DuckDBEngine(threads=2) as connected:
        yield connected


@pytest.fixture(scope="session")
def lines(engine):
    """Make a transactions table: one tuple (customer, order, time, product, quantity, unit price) a line.

    Further columns are lists by name; amount is quantity times unit price and is_return false unless given.
    """

    def make(*rows: tuple, **further: list):
        frame = pd.DataFrame(rows, columns=LINE)
        columns = {
            "customer_id": pa.array(list(frame["customer_id"]), pa.string()),
            "order_id": pa.array(list(frame["order_id"]), pa.string()),
            "ordered_at": pa.array(list(pd.to_datetime(frame["ordered_at"], format="ISO8601")), pa.timestamp("us")),
            "amount": pa.array([row[4] * row[5] for row in rows] if "amount" not in further else further["amount"]),
            "is_return": pa.array(further.get("is_return", [False] * len(rows)), pa.bool_()),
            "product_id": pa.array(list(frame["product_id"]), pa.string()),
            "quantity": pa.array([row[4] for row in rows], pa.float64()),
            "unit_price": pa.array([row[5] for row in rows], pa.float64()),
        }
        columns |= {name: pa.array(values) for name, values in further.items() if name not in columns}
        columns["amount"] = columns["amount"].cast(pa.float64())
        return engine.register(pa.table(columns))

    return make


@pytest.fixture(scope="session")
def rows(engine):
    """Collect some columns of a table as sorted tuples, None for a missing value."""

    def collect(table, *columns: str) -> list[tuple]:
        found = table.select(*columns).to_pyarrow().to_pylist()
        return sorted((tuple(row.values()) for row in found), key=lambda row: [(v is not None, str(v)) for v in row])

    return collect


@pytest.fixture(scope="session")
def real_data() -> Path:
    folder = os.environ.get("SEG_DATA_DIR")
    if not folder:
        pytest.skip("SEG_DATA_DIR is not set: the real files are not here")
    return Path(folder)
