"""FLO omnichannel: shoe-shop customers who bought both online and in a shop, one row a customer."""

from __future__ import annotations

from dataclasses import replace

import ibis

from seg.engine import Engine, Reading
from seg.sources import schema
from seg.sources.locate import Source
from seg.sources.schema import Field, Loaded

FIELDS = [
    Field("customer_id", "master_id", "id", True),
    Field("channel", "order_channel", "text", True),
    Field("last_channel", "last_order_channel", "text", True),
    Field("first_order_at", "first_order_date", "time", True),
    Field("last_order_at", "last_order_date", "time", True),
    Field("orders_online", "order_num_total_ever_online", "number", True),
    Field("orders_offline", "order_num_total_ever_offline", "number", True),
    Field("revenue_online", "customer_value_total_ever_online", "number", True),
    Field("revenue_offline", "customer_value_total_ever_offline", "number", True),
    Field("categories", "interested_in_categories_12", "text"),
]


def load(engine: Engine, source: Source, reading: Reading, bad_rows: str = "fail") -> Loaded:
    """Read the customers of FLO.

    Parameters
    ----------
    engine : Engine
    source : Source
    reading : Reading
        Format options of the file.
    bad_rows : {"fail", "skip"}
        What to do with rows that cannot be read.

    Returns
    -------
    Loaded
        A customers table: orders and revenue (Turkish lira) in all and by channel, first and last order, and
        the categories of the last 12 months as ``|ERKEK|COCUK|``.
    """
    loaded = schema.load_fields(engine, source, FIELDS, reading, bad_rows)
    raw = loaded.table
    table = raw.select(
        "customer_id",
        "first_order_at",
        "last_order_at",
        "orders_online",
        "orders_offline",
        "revenue_online",
        "revenue_offline",
        "channel",
        "last_channel",
        orders=raw.orders_online + raw.orders_offline,
        revenue=raw.revenue_online + raw.revenue_offline,
        # The list is text such as [ERKEK, COCUK]; a bar on both sides makes each name findable as a whole.
        categories=ibis.literal("|")
        + raw.categories.fill_null("").replace("[", "").replace("]", "").replace(", ", "|").replace(",", "|")
        + "|",
    )
    return replace(loaded, table=table)
