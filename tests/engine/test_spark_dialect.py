"""What Spark is asked for, without Spark."""

from __future__ import annotations

import ibis

from seg.engine.spark_dialect import Compiler


def test_a_text_becomes_a_number_of_64_bits_as_on_duckdb():
    table = ibis.table({"customer_id": "string"}, name="orders")
    sql = Compiler().to_sqlglot(table.select(number=table.customer_id.hash()).unbind()).sql("spark")
    assert "XXHASH64(" in sql.upper()


def test_a_place_that_spark_has_no_connector_for_is_told_with_what_to_do():
    from seg.engine.spark import _connector

    advice = _connector("Class org.apache.hadoop.fs.s3a.S3AFileSystem not found")
    assert "spark.jars.packages" in advice and "s3:// needs none" in advice
    assert _connector('No FileSystem for scheme "gs"') == advice and not _connector("division by zero")
