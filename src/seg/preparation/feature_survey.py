"""Every feature that a data set allows, for a look at it before clustering."""

from __future__ import annotations

from collections.abc import Iterable
from math import ceil

import numpy as np
import pandas as pd
from ibis.expr import types as ir

from seg import features
from seg.engine import Engine
from seg.errors import SegError
from seg.features.glossary import GLOSSARY

# Rows of order lines, or of customers, from which on a sample of the customers is looked at.
LARGE = 1_000_000
KEPT = 250_000  # rows that are looked at of so many, about
FAMILIES = {
    "revenue_by_month", "orders_by_month", "channels", "last_channels", "category_interests",
}  # fmt: skip


def possible(provided: Iterable[str], counted: bool, wanted: Iterable[str] = ()) -> list[str]:
    """List the features of one number that can be computed, `wanted` ones first.

    Parameters
    ----------
    provided : iterable of str
        Columns of the data set.
    counted : bool
        Whether features are counted from order lines.
    wanted : iterable of str
        Features that are listed whatever they are, as those of a table of customers.
    """
    provided, names = set(provided), list(dict.fromkeys(wanted))
    for name, feature in GLOSSARY.items():
        if name in FAMILIES or feature.unit == "time" or name in names:
            continue
        try:
            features.check([name], provided, "data set", counted)
        except SegError:
            continue
        names.append(name)
    return names


def survey(
    engine: Engine, clean: ir.Table, names: Iterable[str], as_of: object, rows: int
) -> tuple[pd.DataFrame, int]:
    """Compute features without the checks of a run: one that is missing for somebody is left out.

    Parameters
    ----------
    engine : Engine
    clean : ir.Table
        Cleaned transactions, or customers.
    names : iterable of str
        Features.
    as_of : object
        Day from which recency is counted, as in a recipe.
    rows : int
        Rows of `clean`; of more than `LARGE` a sample of the customers is looked at.

    Returns
    -------
    frame : DataFrame of shape (n_customers, n_features), index customer_id
    factor : int
        Every so many customers were looked at; 1: all of them.
    """
    factor = ceil(rows / KEPT) if rows > LARGE else 1
    if factor > 1:
        clean = engine.checkpoint(clean.filter(clean.customer_id.hash() % factor == 0))
    plan = features.plan(engine, clean, features.FeatureRequest({name: () for name in names}, as_of=as_of))
    frame = engine.collect(plan.customers).set_index("customer_id").astype("float64")
    complete = np.isfinite(frame).all()
    return frame.loc[:, complete], factor
