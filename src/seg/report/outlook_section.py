"""What is at stake in each segment, and what a test of each action can show, as the page of a run shows them."""

from __future__ import annotations

import pandas as pd

from seg.report.plots.palette import segment_colour
from seg.segments.formats import Locale


def stakes(table: pd.DataFrame | None, locale: Locale, currency: str | None) -> list[dict]:
    """Return one row a segment: name, colour and cells in words.

    Parameters
    ----------
    table : DataFrame or None
        See `seg.outlook.actions.value_at_stake`.
    locale : Locale
    currency : str or None
    """
    if table is None:
        return []
    rows = []
    for row in table.to_dict("records"):
        anyway = row["likely_anyway"] / row["customers"] if row["customers"] else float("nan")
        cells = [
            locale.number(int(row["customers"])),
            locale.percent(row["purchase_rate"]),
            locale.percent(row["lost_rate"]),
            locale.money(row["expected_spend"], currency),
            locale.money(row["value_at_stake"], currency),
            f"{locale.number(int(row['likely_anyway']))} ({locale.percent(anyway)})",
        ]
        rows.append({"name": row["name"], "colour": segment_colour(int(row["segment"])), "cells": cells})
    return rows


def tests(table: pd.DataFrame | None, locale: Locale) -> list[dict]:
    """Return one row a segment: name, actions and cells in words.

    The actions of a segment share its size and rate, so one test says the same of each of them.

    Parameters
    ----------
    table : DataFrame or None
        See `seg.outlook.actions.ab_test_sizes` and `by_action`.
    locale : Locale
    """
    if table is None:
        return []
    needed = [name for name in table.columns if name.startswith("needed_for_")]
    actions = table.groupby("name", sort=False)["action"].agg("; ".join) if "action" in table else {}
    return [
        {
            "name": row["name"],
            "action": actions.get(row["name"], ""),
            "cells": [
                locale.number(int(row["customers"])),
                locale.percent(row["purchase_rate"]),
                _points(row["smallest_lift"], locale),
                *(locale.number(row[name]) for name in needed),
            ],
        }
        for row in table.drop_duplicates("name").to_dict("records")
    ]


def _points(lift: float, locale: Locale) -> str:
    return locale.fixed(100 * lift, 1)
