"""The toy: orders of customers who belong to four planted segments."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from seg.datasets.synthetic.draw import check_customers, draw, members


class Planted(NamedTuple):
    """One segment of the toy; every pair is a closed range."""

    share: float
    recency_days: tuple[int, int]
    window_days: int  # the first order is at most this many days before the end of the year
    orders: tuple[int, int]
    revenue: tuple[int, int]
    lines: tuple[int, int]


# Far apart and never constant on one axis: k-means from any start and full-covariance mixtures both find
# them, and no component of a mixture can collapse on a single number of orders.
PLANTED = (
    Planted(0.15, (1, 40), 366, (22, 36), (12000, 24000), (1, 2)),  # loyal big spenders
    Planted(0.25, (100, 150), 366, (17, 27), (300, 600), (1, 2)),  # frequent small baskets
    Planted(0.35, (290, 350), 366, (2, 3), (110, 240), (1, 2)),  # lapsed after two or three orders
    Planted(0.25, (1, 45), 60, (2, 3), (28, 60), (1, 1)),  # recent newcomers
)


def toy(customers: int = 1000, seed: int = 0) -> pd.DataFrame:
    """Draw the orders of 2024 of customers who belong to four planted, well separated segments.

    Parameters
    ----------
    customers : int
        Number of customers, at least 40; the segments hold 15, 25, 35 and 25 % of them.
    seed : int
        Seed of the generator.

    Returns
    -------
    pandas.DataFrame
        One row an order line, ordered by time: customer_id, order_id, ordered_at (naive), product_id,
        quantity (pieces), unit_price, country and planted, the true segment: 0 loyal big spenders, 1 frequent
        small baskets, 2 lapsed, 3 newcomers.

    Notes
    -----
    About 3 % of the lines are returns: negative pieces, an order_id that starts with "C", booked an hour
    after the customer's last order, so that recency is the same with and without them. With returns left out,
    k-means and a full-covariance mixture with k = 4 on the standardised recency_days (from the last order to
    the day after the newest), log1p(orders) and log1p(revenue) recover `planted` exactly.
    """
    check_customers(customers, 40)
    rng = np.random.default_rng(seed)
    planted = rng.permutation(members(PLANTED, customers))
    lines = _lines(rng, planted)
    lines = pd.concat([lines, _returns(rng, lines)], ignore_index=True)
    lines["country"] = rng.choice(["Germany", "France", "Netherlands", "Spain"], customers)[lines["customer"]]
    lines["planted"] = planted[lines["customer"]]
    lines["customer_id"] = lines["customer"].map("T{:05d}".format)
    columns = [
        "customer_id",
        "order_id",
        "ordered_at",
        "product_id",
        "quantity",
        "unit_price",
        "country",
        "planted",
    ]
    return lines.sort_values(["ordered_at", "order_id"], kind="stable", ignore_index=True)[columns]


def _orders(rng: np.random.Generator, planted: np.ndarray) -> pd.DataFrame:
    recency = draw(rng, PLANTED, "recency_days", planted)
    recency[np.argmax(planted == 0)] = 1  # someone orders on the last day, so that recency counts from there
    customer = np.repeat(np.arange(planted.size), draw(rng, PLANTED, "orders", planted))
    is_last = np.r_[customer[1:] != customer[:-1], True]
    window = np.array([segment.window_days for segment in PLANTED])[planted[customer]]
    age = np.where(is_last, recency[customer], rng.integers(recency[customer], window + 1))
    minutes = 8 * 60 + np.where(is_last, 12 * 60, rng.integers(0, 12 * 60, age.size))
    placed = (
        pd.Timestamp("2025-01-01") - pd.to_timedelta(age, unit="D") + pd.to_timedelta(minutes, unit="min")
    )
    number = 100001 + np.argsort(np.argsort(placed, kind="stable"))
    return pd.DataFrame({"customer": customer, "order_id": number.astype(str), "ordered_at": placed})


def _lines(rng: np.random.Generator, planted: np.ndarray) -> pd.DataFrame:
    """Draw the purchase lines; what a customer spends is drawn first and shared out over the lines."""
    orders = _orders(rng, planted)
    lines = orders.loc[orders.index.repeat(draw(rng, PLANTED, "lines", planted[orders["customer"]]))]
    lines = lines.reset_index(drop=True)
    weight = pd.Series(rng.uniform(0.7, 1.3, len(lines)))
    part = weight / weight.groupby(lines["customer"]).transform("sum")
    revenue = draw(rng, PLANTED, "revenue", planted)
    lines["product_id"] = [f"P{n:02d}" for n in rng.integers(1, 41, len(lines))]
    lines["quantity"] = rng.integers(1, 5, len(lines))
    lines["unit_price"] = (part * revenue[lines["customer"]] / lines["quantity"]).round(2)
    return lines


def _returns(rng: np.random.Generator, lines: pd.DataFrame) -> pd.DataFrame:
    returned = np.sort(rng.choice(len(lines), round(0.03 * len(lines)), replace=False))
    booked = lines.groupby("customer")["ordered_at"].transform("max") + pd.Timedelta(hours=1)
    order_id = "C" + lines["order_id"]
    return lines.assign(order_id=order_id, ordered_at=booked, quantity=-lines["quantity"]).iloc[returned]
