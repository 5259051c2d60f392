"""A data set before clustering as one page: what is in it, what is wrong with it, which features repeat each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from seg.report import charts, page
from seg.segments import wording
from seg.segments.formats import ENGLISH, Locale

BLUE = "var(--good)"


@dataclass(frozen=True)
class ExplorePage:
    """Everything that the page shows; aggregates only.

    Parameters
    ----------
    title, subtitle : str
    notes : list of str
        Shown on top.
    facts : DataFrame
        ``what``, ``value``.
    missing : DataFrame
        ``column``, ``missing``, ``share``.
    described : dict of str to DataFrame
        Tables of statistics by what they are of, one row a column or feature.
    histograms : dict of str to dict of str to DataFrame
        The same, by name: ``from``, ``to``, ``rows``.
    divisions : dict of str to DataFrame
        ``rows``, ``customers``, ``revenue`` by the first column.
    ratings, cohorts, correlations, pairs : DataFrame or None
    curve : DataFrame or None
        Lorenz curve of revenue.
    gini : float or None
    advice : str
        What the correlations mean for the recipe.
    """

    title: str
    subtitle: str
    notes: list[str]
    facts: pd.DataFrame
    missing: pd.DataFrame
    described: dict[str, pd.DataFrame]
    histograms: dict[str, dict[str, pd.DataFrame]]
    divisions: dict[str, pd.DataFrame]
    ratings: pd.DataFrame | None = None
    cohorts: pd.DataFrame | None = None
    correlations: pd.DataFrame | None = None
    pairs: pd.DataFrame | None = None
    curve: pd.DataFrame | None = None
    gini: float | None = None
    advice: str = ""


def render(content: ExplorePage, locale: Locale = ENGLISH) -> str:
    """Return the page as one self-contained HTML document; every text is escaped."""
    return page.template("report/explore_page.html.jinja", locale).render(
        content=content,
        facts=[(row.what, row.value) for row in content.facts.itertuples()],
        missing=_missing(content.missing, locale),
        described=[
            (name, page.plain(table.rename_axis("column").reset_index()))
            for name, table in content.described.items()
        ],
        histograms=[(name, _histograms(tables, locale)) for name, tables in content.histograms.items()],
        boxes=_boxes(content.described, locale),
        divisions=[(name, _division(name, table, locale)) for name, table in content.divisions.items()],
        ratings=None if content.ratings is None else page.plain(content.ratings),
        correlations=_correlations(content.correlations, locale),
        pairs=None if content.pairs is None else page.plain(content.pairs),
        lorenz=_lorenz(content.curve, locale),
        cohorts=_cohorts(content.cohorts, locale),
    )


def _missing(missing: pd.DataFrame, locale: Locale) -> object:
    rows = [
        (row.column, BLUE, [(f"{locale.number(row.missing)},", row.share)])
        for row in missing[missing["missing"] > 0].itertuples()
    ]
    return charts.bars_chart("Missing values by column", rows, locale) if missing["missing"].sum() else ""


def _histograms(tables: dict[str, pd.DataFrame], locale: Locale) -> list[tuple[str, object]]:
    sections = []
    for name, table in tables.items():
        edges = list(zip(table["from"], table["to"], strict=True))
        title = wording.label(name)
        sections.append(
            (title, charts.columns_chart(f"Distribution of {title}", edges, table["rows"].tolist(), locale))
        )
    return sections


def _boxes(described: dict[str, pd.DataFrame], locale: Locale) -> object:
    rows = [
        (wording.label(name), table.loc[name])
        for table in described.values()
        for name in ("quantity", "unit_price", "amount")
        if name in table.index and np.isfinite(table.loc[name, "p5"])
    ]
    return charts.box_chart("Quantity, price and amount", rows[:3], locale) if rows else ""


def _division(name: str, table: pd.DataFrame, locale: Locale) -> dict:
    chart = ""
    if name in ("month", "hour", "week_day"):
        xs = [str(one) for one in table[name]]
        line = charts.Line("revenue", BLUE, table["revenue"].to_numpy(dtype="float64"))
        chart = charts.lines_chart(f"Revenue by {wording.label(name)}", xs, [line], locale)
    else:
        rows = [
            (str(row.get("description") or row[name]), BLUE, [("", row["share"])])
            for row in table.head(10).to_dict("records")
        ]
        chart = charts.bars_chart(f"Share of all revenue by {wording.label(name)}", rows, locale)
    listed = table.drop(columns="share", errors="ignore")
    return {"chart": chart, "table": page.plain(listed), "label": wording.label(name)}


def _correlations(table: pd.DataFrame | None, locale: Locale) -> dict | None:
    """Build the lower triangle: blue for the same order, orange for the opposite one."""
    if table is None or len(table) < 2:
        return None
    names = [wording.label(name) for name in table.columns]
    rows = []
    for place, name in enumerate(names):
        cells = [
            (locale.fixed(round(value, 2) + 0.0, 2), "good" if value > 0 else "bad", round(100 * abs(value)))
            if np.isfinite(value)
            else None
            for value in table.iloc[place, :place].tolist()
        ]
        rows.append((name, cells + [None] * (len(names) - place)))
    return {"columns": names, "rows": rows}


def _lorenz(curve: pd.DataFrame | None, locale: Locale) -> object:
    if curve is None:
        return ""
    curve = curve.iloc[::5]
    at = [locale.percent(share) for share in curve["share_of_customers"]]
    lines = [
        charts.Line("revenue", BLUE, curve["share_of_revenue"].to_numpy()),
        charts.Line("if everybody spent the same", "var(--muted)", curve["share_of_customers"].to_numpy()),
    ]
    return charts.lines_chart(
        "Share of the revenue by share of the customers, the smallest spenders first", at, lines, locale
    )


def _cohorts(cohorts: pd.DataFrame | None, locale: Locale) -> dict | None:
    if cohorts is None or cohorts.empty:
        return None
    rows = []
    for name, row in cohorts.iterrows():
        first = row[0]
        cells: Sequence = [
            None
            if pd.isna(value)
            else (locale.percent(value / first) if first else "", round(100 * value / first) if first else 0)
            for value in row
        ]
        rows.append((name, locale.number(first), cells))
    return {"columns": list(cohorts.columns), "rows": rows}
