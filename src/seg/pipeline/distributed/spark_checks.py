"""The feature table as it stays on Spark: checked, rounded and ordered as the one in memory is."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pandas as pd

from seg.features import checks
from seg.pipeline.distributed.spark_space import CUSTOMER, Collect, quoted

PARTITION = 100_000  # customers; from their number alone, so that a result does not depend on the machine
NUMBERS = ("tinyint", "smallint", "int", "bigint", "float", "double", "decimal", "boolean")


def prepared(frame, columns: Sequence[str], kept: Sequence[str], collect: Collect) -> tuple[object, int]:
    """Check and round a feature table, and put it into an order that a seed can rely on.

    Parameters
    ----------
    frame : pyspark.sql.DataFrame
        ``customer_id`` and the columns.
    columns : sequence of str
        Features, each a number.
    kept : sequence of str
        Further columns, taken as they are.

    Returns
    -------
    frame : pyspark.sql.DataFrame
        Kept in memory, or on the disks of the executors.
    customers : int

    Raises
    ------
    SegError
        Nobody is left, a customer has two rows, or a feature is not a number for someone.
    """
    from pyspark.sql import functions as F

    _check_numeric(frame, columns, collect)
    numbers = [_rounded(F.col(quoted(name)).cast("double")).alias(name) for name in columns]
    customer = F.col(CUSTOMER).cast("string").alias(CUSTOMER)
    first = frame.select(customer, *numbers, *[F.col(quoted(name)) for name in kept]).persist()
    customers = _check(first, columns, collect)
    # k-means|| and the first draw of a mixture depend on partitions and on the order within them.
    spread = (
        first.repartition(math.ceil(customers / PARTITION), CUSTOMER).sortWithinPartitions(CUSTOMER).persist()
    )
    spread.count()
    first.unpersist()
    return spread, customers


def sample(frame, size: int, collect: Collect) -> pd.DataFrame:
    """Bring some customers into this process, sorted by `CUSTOMER`: the same ones whatever the run, by a hash of their ids.

    Parameters
    ----------
    frame : pyspark.sql.DataFrame
    size : int
        Customers.
    collect : callable
        From a DataFrame of Spark to one of pandas.

    Returns
    -------
    DataFrame of at most `size` rows
    """
    from pyspark.sql import functions as F

    chosen = frame.orderBy(F.md5(F.encode(CUSTOMER, "UTF-8")), CUSTOMER).limit(size)
    return collect(chosen).sort_values(CUSTOMER, ignore_index=True)


def _rounded(column):
    """Keep as many significant digits as the table in memory does."""
    from pyspark.sql import functions as F

    # Clamped, for the whole part of infinity is an error; infinite values stay as they are, to be refused.
    size = F.greatest(F.least(F.log10(F.abs(column)), F.lit(400.0)), F.lit(-400.0))
    places = F.lit(checks.DIGITS - 1) - F.floor(size)
    scale = F.pow(F.lit(10.0), F.least(places, F.lit(300)))
    rounded = F.rint(column * scale) / scale
    usable = (places > 0) & (F.abs(rounded) < float("inf"))
    return F.when((column != 0) & usable, rounded).otherwise(column)


def _check_numeric(frame, columns: Sequence[str], collect: Collect) -> None:
    kinds = dict(frame.dtypes)
    for name in columns:
        if not kinds[name].startswith(NUMBERS):
            first = collect(frame.select(quoted(name)).limit(1))
            raise checks.no_number(name, first.iloc[0, 0] if len(first) else None)


def _check(frame, columns: Sequence[str], collect: Collect) -> int:
    from pyspark.sql import functions as F

    def wrong(name: str):
        column = F.col(quoted(name))
        return column.isNull() | F.isnan(column) | (F.abs(column) == float("inf"))

    counted = [F.count_if(wrong(name)).alias(f"wrong_{place}") for place, name in enumerate(columns)]
    counts = collect(
        frame.agg(F.count(F.lit(1)).alias("n"), F.count_distinct(CUSTOMER).alias("ids"), *counted)
    ).iloc[0]
    customers = int(counts["n"])
    if not customers:
        raise checks.nobody()
    if counts["ids"] < customers:
        twice = frame.groupBy(CUSTOMER).count().where("count > 1")
        first = collect(twice.orderBy(CUSTOMER).limit(1)).iloc[0]
        raise checks.repeated(
            int(collect(twice.agg(F.count(F.lit(1)).alias("n")))["n"].iloc[0]), first[CUSTOMER]
        )
    for place, name in enumerate(columns):
        if counts[f"wrong_{place}"]:
            who = collect(frame.where(wrong(name)).select(CUSTOMER).orderBy(CUSTOMER).limit(1)).iloc[0, 0]
            raise checks.not_finite(name, int(counts[f"wrong_{place}"]), who)
    return customers
