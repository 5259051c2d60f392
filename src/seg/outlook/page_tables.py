"""The tables of the page of an outlook, with numbers as the locale of the report writes them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from seg.outlook.ahead import Outlook
from seg.outlook.customer_outlook import HorizonOutlook
from seg.outlook.judging import WORDS, Judgement
from seg.report import outlook_section
from seg.report.page import Written
from seg.segments.formats import Locale

STAKES = ("segment", "customers", "expected to buy", "expected to be lost", "expected spend", "value at stake", "likely to buy anyway")  # fmt: skip
TESTS = ("customers", "purchase rate", "smallest growth", "needed for 1 point", "for 2 points", "for 5 points")  # fmt: skip
SCORES = {"auc": ("AUC", 3), "brier": ("Brier score", 3), "spend_r2": ("R squared of spend", 2),
          "spend_mae": ("mean absolute error of spend", 0)}  # fmt: skip
ERRORS = {"off_by": "off by, on average", "mase": "MASE", "mase_seasonal_naive": "MASE of the seasonal naive", "coverage_80": "inside the 80 % interval",
          "coverage_95": "inside the 95 % interval", "judged": "forecasts judged"}  # fmt: skip


def lead(outlook: Outlook, locale: Locale, currency: str | None) -> str:
    """Write in one paragraph what is expected, and where the most is at stake; an empty text without a possible horizon."""
    stakes, days = outlook.stakes, outlook.customers.value_days
    if stakes is None or not len(stakes):
        return ""
    everyone, buyers = int(stakes["customers"].sum()), (stakes["customers"] * stakes["purchase_rate"]).sum()
    at_stake, most = stakes["value_at_stake"].sum(), stakes.loc[stakes["value_at_stake"].idxmax()]
    text = (
        f"In the next {days} days {locale.number(round(buyers))} of {locale.number(everyone)} customers "
        f"({locale.percent(buyers / everyone)}) are expected to buy, for {locale.money(stakes['expected_spend'].sum(), currency)}."
    )
    if at_stake > 0:
        text += (
            f" {locale.money(at_stake, currency)} are at stake, the largest part with “{most['name']}” "
            f"({locale.percent(most['value_at_stake'] / at_stake)})."
        )
    return text


def stakes(outlook: Outlook, locale: Locale, currency: str | None) -> pd.DataFrame:
    """Return the value at stake of each segment, see `seg.report.outlook_section.stakes`."""
    rows = outlook_section.stakes(outlook.stakes, locale, currency)
    cells = [[row["name"], *map(Written, row["cells"])] for row in rows]
    return pd.DataFrame(cells, columns=list(STAKES), dtype=object)


def tests(outlook: Outlook, locale: Locale) -> pd.DataFrame:
    """Return what an A/B test in each segment can show, with the actions that may be tested."""
    rows = outlook_section.tests(outlook.tests, locale)
    table = pd.DataFrame(
        [[row["name"], row["action"], *map(Written, row["cells"])] for row in rows],
        columns=["segment", "actions", *TESTS],
        dtype=object,
    )
    return table if table["actions"].astype(bool).any() else table.drop(columns="actions")


def trust(judged: list[HorizonOutlook], locale: Locale) -> pd.DataFrame:
    """Return one row a horizon: what came, what was expected, and where the model is no better than a yardstick."""
    return pd.DataFrame(
        [
            {
                "days": f"{one.horizon} days",
                "judged from": str(one.plan.judged),
                "bought": Written(locale.percent(one.judgement.rate)),
                "expected": Written(locale.percent(one.judgement.scores["mean_probability"].iloc[0])),
                "better than every yardstick in": _listed(_better(one.judgement)),
                "no better than a yardstick in": _listed(_not_better(one.judgement)),
            }
            for one in judged
        ],
        dtype=object,
    )


def scores(judgement: Judgement, locale: Locale) -> pd.DataFrame:
    """Put each measure and its interval into one column: one row a forecast."""
    table = judgement.scores
    shown = pd.DataFrame({"forecast": table["name"]})
    for name, (title, digits) in SCORES.items():
        columns = zip(table[name], table[f"{name}_low"], table[f"{name}_high"], strict=True)
        shown[title] = [
            f"{locale.fixed(value, digits)} ({locale.fixed(low, digits)} to {locale.fixed(high, digits)})"
            for value, low, high in columns
        ]
    shown["expected rate"] = _written(table["mean_probability"], locale.percent)
    shown["spend ratio"] = _written(table["spend_ratio"], lambda value: locale.fixed(value, 2))
    return shown


def errors(table: pd.DataFrame, locale: Locale) -> pd.DataFrame:
    """Return the errors of the forecasts: the mean error and coverage as percentages, MASE with two digits."""
    shown = table[[name for name in table if name not in ERRORS] + list(ERRORS)].rename(columns=ERRORS)
    for name, title in ERRORS.items():
        if name.startswith("mase"):
            shown[title] = _written(shown[title], lambda value: locale.fixed(value, 2))
        elif name.startswith(("coverage", "off_by")):
            shown[title] = _written(shown[title], locale.percent)
    return shown


def shares(table: pd.DataFrame, locale: Locale) -> pd.DataFrame:
    """Return the shares of the segments by month as percentages with one digit."""
    shown = table.apply(
        lambda column: _written(column, lambda share: locale.percentage.format(locale.fixed(100 * share, 1)))
    )
    shown.insert(0, "months from today", [str(month) for month in range(len(table))])
    return shown


def _written(values: pd.Series, write: Callable[[float], str]) -> pd.Series:
    return pd.Series(
        [Written(write(value)) if pd.notna(value) else np.nan for value in values],
        index=values.index,
        dtype=object,
    )


def _better(judgement: Judgement) -> list[str]:
    every = judgement.differences.groupby("metric", sort=False)["better"].all()
    return [WORDS[metric] for metric, better in every.items() if better]


def _not_better(judgement: Judgement) -> list[str]:
    rows = judgement.differences[~judgement.differences["better"]]
    return [
        f"{WORDS[metric]} ({', '.join(group['yardstick'])})"
        for metric, group in rows.groupby("metric", sort=False)
    ]


def _listed(parts: list[str]) -> str:
    return "; ".join(parts) or "none"
