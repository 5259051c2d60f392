"""Generated orders of a shop with four planted segments, the truth known."""

from __future__ import annotations

import ibis

from seg.datasets import synthetic
from seg.engine import Engine
from seg.errors import SegError, own_orders
from seg.sources import schema
from seg.sources.locate import Source
from seg.sources.schema import Loaded


def load(engine: Engine, source: Source, customers: int = 1000, seed: int = 0) -> Loaded:
    """Generate order lines; ``planted`` is the true segment of the customer of each line.

    Parameters
    ----------
    engine : Engine
    source : Source
        Without files: the rows are generated.
    customers : int
        How many customers are generated.
    seed : int

    Returns
    -------
    Loaded
        Transactions, with the planted segment.

    Raises
    ------
    SegError
        A file is named, which would not be read, or a setting of the generator has a wrong value.
    """
    if source.paths:
        path = source.shown(source.paths[0])
        raise SegError(
            f"dataset.path={path}: dataset=toy generates its orders and reads no file; {own_orders(path)}"
        )
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise SegError(f"dataset.generator_seed={seed}: expected a whole number of at least 0")
    lines = engine.register(synthetic.toy(customers=customers, seed=seed))
    table = lines.select(
        "customer_id",
        "order_id",
        "product_id",
        "country",
        ordered_at=lines.ordered_at.cast("timestamp(6)"),
        quantity=lines.quantity.cast("float64"),
        unit_price=lines.unit_price.cast("float64"),
        amount=(lines.quantity * lines.unit_price).cast("float64"),
        is_return=ibis.literal(False),
        planted=lines.planted.cast("int64"),
    )
    return Loaded(schema.transactions(table), rejects=_nothing())


def _nothing():
    import pandas as pd

    from seg.engine import REJECT_COLUMNS

    return pd.DataFrame(columns=REJECT_COLUMNS)
