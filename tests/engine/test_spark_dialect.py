"""What Spark is asked for, without Spark."""

from __future__ import annotations

import ibis

from seg.engine.spark_dialect import Compiler


def test_a_text_becomes_a_number_of_64_bits_as_on_duckdb():
    table = ibis.table({"customer_id": "string"}, name="orders")
    sql = Compiler().to_sqlglot(table.select(number=table.customer_id.hash()).unbind()).sql("spark")
    assert "XXHASH64(" in sql.upper()
