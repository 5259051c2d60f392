"""Words for features and segments: what a feature is called, whether more of it is good, and a sentence in numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

LABELS = {
    "recency_days": "days since last order",
    "elapsed_days": "days from last order to newest day",
    "orders": "orders",
    "revenue": "revenue",
    "net_revenue": "revenue less returns",
    "average_basket": "revenue an order",
    "tenure_days": "days since first order",
    "span_days": "days from first to last order",
    "order_rate": "orders a day",
    "days_between_orders": "days between orders",
    "quantity": "pieces",
    "quantity_per_order": "pieces an order",
    "products": "different products",
    "average_unit_price": "mean price",
    "returns": "returns",
    "returned_revenue": "revenue returned",
    "return_rate": "returns an order",
    "online_share": "share of orders online",
    "online_revenue_share": "share of revenue online",
    "category_count": "categories",
    "mean_rating": "mean rating",
    "one_star_share": "share of one-star ratings",
    "five_star_share": "share of five-star ratings",
    "helpful_votes": "helpful votes",
    "active_days": "days with an order",
    "interpurchase_days": "days from order to order",
    "lateness": "lateness (wait over usual wait)",
    "days_overdue": "days overdue",
    "weekend_share": "share of orders at week-ends",
    "first_half_share": "share of orders in first half of month",
    "second_half_share": "share of orders in second half of month",
    "product_id": "product",
    "week_day": "day of the week",
}
GOOD = {
    "orders", "revenue", "net_revenue", "average_basket", "order_rate", "quantity", "quantity_per_order", "products",
    "category_count", "mean_rating", "five_star_share", "helpful_votes", "active_days", "orders_online", "orders_offline",
    "revenue_online", "revenue_offline",
}  # fmt: skip
BAD = {
    "recency_days", "elapsed_days", "days_between_orders", "returns", "returned_revenue", "return_rate", "one_star_share",
}  # fmt: skip
SHOWN = 5  # columns of a table without orders in a sentence
FLAGS = ("category_", "channel_", "last_channel_")
# Features whose sum over the customers of a segment means something.
ADDITIVE = {"orders", "revenue", "net_revenue", "quantity", "returns", "returned_revenue", "helpful_votes"}
SHARES = {"online_share", "online_revenue_share", "one_star_share", "five_star_share", "return_rate"}


def label(feature: str) -> str:
    """Return what people call a feature.

    >>> label("recency_days"), label("revenue_2011-09"), label("category_KADIN")
    ('days since last order', 'revenue 2011-09', 'category KADIN')
    """
    return LABELS.get(feature, feature.replace("_", " "))


def direction(feature: str) -> int:
    """Return 1 if more of a feature is good for the shop, -1 if less is, 0 if neither."""
    if feature in BAD:
        return -1
    return 1 if feature in GOOD or feature.startswith(("revenue_", "orders_")) else 0


def is_share(feature: str) -> bool:
    """Return True for a feature that is a share of 1 and reads as a percentage."""
    return feature in SHARES or is_flag(feature)


def is_flag(feature: str) -> bool:
    """Return True for a feature that is 0 or 1, whose mean is a share and whose median says little."""
    return feature.startswith(FLAGS) and feature != "category_count"


@dataclass(frozen=True)
class Writers:
    """How the numbers of a sentence are written: counts, shares of 1, and amounts of money."""

    number: Callable[[float], str]
    percent: Callable[[float], str]
    money: Callable[[float], str]


def sentence(row: Mapping[str, float], write: Writers, value: str = "revenue") -> str:
    """Describe a segment in numbers, of its typical (median) customer.

    Parameters
    ----------
    row : mapping
        One row of `seg.segments.profile.profile`.
    write : Writers
    value : str
        What ``revenue_share`` is a share of, for people.

    Returns
    -------
    str
        Such as "1,967 customers (9.9 %) bring 21 % of the revenue. A typical one last ordered 121 days ago, has 9 orders and
        spent 1,158 TRY in all."
    """
    text = f"{write.number(row['size'])} customer{'' if row['size'] == 1 else 's'} ({write.percent(row['share'])})"
    if np.isfinite(row["revenue_share"]):
        verb = "brings" if row["size"] == 1 else "bring"
        text += f" {verb} {write.percent(row['revenue_share'])} of the {value}"
    typical = _typical(row, write)
    if not typical:
        columns = [str(name).removeprefix("median_") for name in row if str(name).startswith("median_")]
        values = [f"{label(name)} {write.number(row[f'median_{name}'])}" for name in columns[:SHOWN]]
        return f"{text}. A typical one: {', '.join(values)}." if values else text + "."
    listed = typical[0] if len(typical) == 1 else f"{', '.join(typical[:-1])} and {typical[-1]}"
    return f"{text}. A typical one {listed}."


def _typical(row: Mapping[str, float], write: Writers) -> list[str]:
    """Write what the median customer did, as far as the profile knows."""

    def median(*names: str) -> float | None:
        medians = [row[f"median_{name}"] for name in names if f"median_{name}" in row]
        return medians[0] if medians and np.isfinite(medians[0]) else None

    parts = []
    recency, orders, revenue = (
        median("recency_days", "elapsed_days"),
        median("orders"),
        median("revenue", "net_revenue"),
    )
    if recency is not None:
        days = round(recency)  # the middle of an even number of customers may be half a day
        ago = "today" if days == 0 else f"{write.number(days)} day{'' if days == 1 else 's'} ago"
        parts.append(f"last ordered {ago}")
    if orders is not None:
        count = round(orders)  # no customer has half an order
        parts.append(f"has {write.number(count)} order{'' if count == 1 else 's'}")
    if revenue is not None:
        parts.append(f"spent {write.money(revenue)} in all")
    online, rating = median("online_share"), median("mean_rating")
    if online is not None:
        parts.append(f"ordered {write.percent(online)} online")
    if rating is not None:
        parts.append(f"rates {write.number(round(rating, 1))} stars")
    return parts
