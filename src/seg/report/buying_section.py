"""What the segments buy, and where their revenue comes from, as the page of a run shows it."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from seg.pipeline.interpret import Buying
from seg.report.plots.palette import segment_colour
from seg.report.shades import strength, tone
from seg.segments.formats import Locale

MOST_ITEMS = 6  # a segment that are shown; bought.csv has more


def items(buying: Buying | None) -> list[tuple[str, str, list[dict]]]:
    """Return what each segment buys more often than the others: (name, colour, rows)."""
    return [] if buying is None else _strongest(buying.items)


def together(buying: Buying | None) -> list[tuple[str, str, list[dict]]]:
    """Return what each segment puts into one order: (name, colour, rows)."""
    return [] if buying is None else _strongest(buying.together)


def _strongest(table: pd.DataFrame) -> list[tuple[str, str, list[dict]]]:
    """Return the rows of each segment with the highest lower ends of their intervals."""
    rows = table.sort_values(["segment", "low"], ascending=[True, False], kind="stable")
    return [
        (some["name"].iloc[0], segment_colour(int(segment)), some.head(MOST_ITEMS).to_dict("records"))
        for segment, some in rows.groupby("segment", sort=True)
    ]


def tree(buying: Buying | None, locale: Locale) -> list[dict]:
    """Return the factors of the revenue of each segment, coloured like the profile."""
    if buying is None:
        return []
    rows = []
    for row in buying.tree.to_dict("records"):
        cells = []
        for factor in (
            "orders_per_customer",
            "pieces_per_order",
            "revenue_per_piece",
            "revenue_per_customer",
        ):
            times = row[f"times_{factor}"]
            cells.append({"value": locale.number(row[factor]), "times": locale.fixed(times, 2),
                          "tone": tone(100 * times, 1), "strength": strength(100 * times)})  # fmt: skip
        rows.append({"name": row["name"], "customers": locale.number(int(row["customers"])), "cells": cells,
                     "revenue": locale.number(round(row["revenue"]))})  # fmt: skip
    return rows


def status(buying: Buying | None, locale: Locale) -> list[tuple[str, list[str]]]:
    """Return how many customers of each segment are new, repeat, came back and lapsed: (name, counts)."""
    if buying is None or buying.status.empty:
        return []
    kinds = ("new", "repeat", "returning", "lapsed")
    return [
        (row["name"], [locale.number(int(row[kind])) for kind in kinds])
        for row in buying.status.to_dict("records")
    ]


def without(buying: Buying | None, names: Mapping[int, str]) -> list[str]:
    """Return the names of the segments that buy nothing more often than the others."""
    if buying is None or buying.items.empty:
        return []
    strong = set(buying.items["segment"])
    return [name for segment, name in names.items() if segment >= 0 and segment not in strong]
