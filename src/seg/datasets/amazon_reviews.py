"""Amazon Reviews 2023: one row a review, with the list price and the category of the item reviewed.

A review stands for a purchase here, and the list price of the day of the crawl for what was paid: see the card.
"""

from __future__ import annotations

import ibis
from ibis.expr import types as ir

from seg.engine import Engine, Reading
from seg.errors import SegError
from seg.sources import number_formats, schema
from seg.sources.locate import Source
from seg.sources.schema import Field, Loaded, Lookup

FIELDS = [
    Field("customer_id", "user_id", "text", True),
    Field("asin", "asin", "text", True),
    Field("product_id", "parent_asin", "text", True),
    Field("ordered_at", "timestamp", "epoch_ms", True),
    Field("ordered_ms", "timestamp", "milliseconds"),
    Field("rating", "rating", "number"),
    Field("helpful_votes", "helpful_vote", "number"),
    Field("verified", "verified_purchase", "flag"),
]
ITEM_FIELDS = [
    Field("parent_asin", "parent_asin", "text", True),
    Field("category", "main_category", "text"),
    Field("price_text", "price", "text"),
]
LOOKED_AT = 1000  # reviews, to see whether the items are theirs


def load(engine: Engine, source: Source, reading: Reading, bad_rows: str = "fail") -> Loaded:
    """Read reviews and join their items.

    Parameters
    ----------
    engine : Engine
    source : Source
        Files of reviews, and beside them the files of items.
    reading : Reading
        Format options of the files.
    bad_rows : {"fail", "skip"}
        What to do with rows that cannot be read.

    Returns
    -------
    Loaded
        A transactions table without ``order_id``: a review is an order of its own, of one product. ``amount`` is the list price of the item in
        US dollars, NULL where it is not known (a placeholder, no number, no such item); further ``product_id`` (the
        item all variants share), ``asin``, ``rating``, ``helpful_votes``, ``verified``, ``category`` and
        ``ordered_ms``, the time as the files have it. Texts, titles and images are not read.

    Raises
    ------
    SegError
        An item comes twice, or none of the first reviews finds its item.
    """
    loaded = schema.load_fields(engine, source, FIELDS, reading, bad_rows)
    listed = schema.load_fields(engine, _items(source), ITEM_FIELDS, reading, bad_rows)
    items = engine.checkpoint(_once(listed.table))
    _check_items(engine, loaded.table, items, source)
    lookup = Lookup(loaded.table, "product_id", lambda reviews: _priced(reviews, items.drop("times")))
    # An engine knows only of what was grouped that it is unique: then it leaves the join out where nobody asks for a price.
    lines = _priced(
        loaded.table,
        items.group_by("item").aggregate(category=items.category.max(), amount=items.amount.max()),
    )
    return Loaded(lines, _both(loaded.rejects, listed.rejects), lookup, loaded.notes + listed.notes)


def _priced(reviews: ir.Table, items: ir.Table) -> ir.Table:
    lines = reviews.left_join(items, reviews.product_id == items.item).drop("item")
    return schema.transactions(lines.mutate(is_return=ibis.literal(False)))


def _once(listed: ir.Table) -> ir.Table:
    """Build a table of one row per item, with how often it occurs."""
    read = listed.select("parent_asin", "category", amount=number_formats.number(listed.price_text))
    return read.group_by(item=read.parent_asin).aggregate(
        category=read.category.max(), amount=read.amount.max(), times=read.count()
    )


def _items(source: Source) -> Source:
    return Source(source.dataset, source.kind, source.beside["items"], source.expected)


def _both(*rejects):
    import pandas as pd

    return pd.concat(rejects, ignore_index=True)


def _check_items(engine: Engine, reviews: ir.Table, items: ir.Table, source: Source) -> None:
    where = ", ".join(path.name for path in source.beside["items"][:3])
    twice = engine.collect(items.filter(items.times > 1).order_by("item").limit(6))
    if len(twice):
        raise SegError(
            f"{where}: {_shown(twice)}: each parent_asin must come once, or its reviews would count more than "
            "once; remove the repeated items"
        )
    first = reviews.limit(LOOKED_AT)
    matched = first.semi_join(items, first.product_id == items.item)
    if not engine.collect(matched.count().as_table()).iloc[0, 0]:
        raise SegError(
            f"{where}: it holds none of the items of the first {LOOKED_AT:,} reviews of {source.where}; is it of "
            "another category? Set dataset.items to the items of these reviews"
        )


def _shown(twice) -> str:
    shown = [f"{row.item!r} ({row.times} times)" for row in twice.head(5).itertuples()]
    return ", ".join(shown) + (" and more" if len(twice) > 5 else "")
