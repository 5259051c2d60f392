"""Samples for one's own data: a table of orders, and a table of customers in three groups."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from seg.datasets.synthetic.draw import check_customers, draw, members
from seg.datasets.synthetic.toy_orders import toy


class Habit(NamedTuple):
    """A group of customers; every pair is a closed range."""

    share: float
    visits: tuple[int, int]
    basket: tuple[int, int]  # spent at each visit
    age: tuple[int, int]


# Narrow ranges, because three groups are to be the best answer on the three standardised columns together.
HABITS = (
    Habit(0.25, (36, 44), (46, 54), (40, 54)),  # regulars with full baskets
    Habit(0.30, (28, 38), (8, 14), (18, 30)),  # young and often here, for little
    Habit(0.45, (1, 9), (24, 40), (52, 70)),  # now and then
)


def own_orders(customers: int = 300, seed: int = 1) -> pd.DataFrame:
    """Draw orders as a shop might export them: those of `toy`, without the planted segment.

    Parameters
    ----------
    customers : int
        Number of customers, at least 40.
    seed : int
        Seed of the generator.

    Returns
    -------
    pandas.DataFrame
        One row an order line: customer_id, ordered_at (ISO 8601 text), amount (what the line adds to revenue,
        negative for a return), order_id, product_id, quantity, unit_price, country.
    """
    lines = toy(customers, seed)
    lines["amount"] = (lines["quantity"] * lines["unit_price"]).round(2)
    lines["ordered_at"] = lines["ordered_at"].dt.strftime("%Y-%m-%dT%H:%M:%S")
    columns = [
        "customer_id",
        "ordered_at",
        "amount",
        "order_id",
        "product_id",
        "quantity",
        "unit_price",
        "country",
    ]
    return lines[columns]


def own_customers(customers: int = 400, seed: int = 1) -> pd.DataFrame:
    """Draw a table of customers in three groups: regulars, small spenders who come often, occasional ones.

    Parameters
    ----------
    customers : int
        Number of customers, at least 40; the groups hold 25, 30 and 45 % of them.
    seed : int
        Seed of the generator.

    Returns
    -------
    pandas.DataFrame
        One row a customer: customer_id, visits, spend (money in all visits), age (years).
    """
    check_customers(customers, 40)
    rng = np.random.default_rng(seed)
    habit = rng.permutation(members(HABITS, customers))
    visits = draw(rng, HABITS, "visits", habit)
    spend = (visits * draw(rng, HABITS, "basket", habit) * rng.uniform(0.95, 1.05, customers)).round(2)
    names = [f"C{number:04d}" for number in range(1, customers + 1)]
    age = draw(rng, HABITS, "age", habit)
    return pd.DataFrame({"customer_id": names, "visits": visits, "spend": spend, "age": age})
