"""The page of a run: what the segments are and what to do first, the evidence below; opens anywhere, without a network."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import numpy as np
import pandas as pd

from seg.pipeline.interpret import Buying
from seg.report import buying_section, charts, months_section, outlook_section, page, rules_section
from seg.report.plots.palette import segment_colour
from seg.report.shades import strength, tone
from seg.segments import wording, worth
from seg.segments.explain import Explanation
from seg.segments.formats import ENGLISH, MINUS, Locale
from seg.segments.naming import Naming
from seg.segments.rfm_tables import RuleSegments

LEVELS = ("warning", "info")
OUTLOOK = "outlook: "  # how notes on the outlook begin; its section shows what is not possible
MONTH = re.compile(r"(?P<what>.+)_(?P<month>\d{4}-\d{2})")
COLUMNS = (4, 3)  # of cards; the number that leaves the fewest places empty
SHORT_HISTORY = 90  # days of orders


@dataclass(frozen=True)
class RunPage:
    """Everything that the page of a run shows.

    Parameters
    ----------
    title, subtitle : str
    notes : list of (level, text)
        Level is "warning" (shown on top) or "info" (folded).
    facts : mapping of str to str
        Where the result comes from.
    metrics : list of (name, value, meaning)
    segments : DataFrame
        Columns `segment` (-1 is noise), `name`, `size`, `share`, `revenue_share` (0 to 1, NaN where it is unknown) and for each
        feature `mean_<f>`, `median_<f>`, `index_<f>` (100: the average customer).
    features : list of str
    k_scan : DataFrame
        One row a k that was tried.
    k : int or None
        The chosen k.
    k_reason : str
    ledger : DataFrame
        Columns `step`, `rows`, `customers`, `revenue`.
    figures : dict of file stem to (caption, PNG bytes)
        Shown with the evidence.
    config_yaml : str
    verdicts, verdict_line : sequence of Verdict, str
        One line a criterion, and all of them in one line.
    evidence_tables : sequence of (caption, DataFrame)
    naming, explanation, rule_segments : Naming, Explanation, RuleSegments, optional
    customer_map : tuple of (points, labels), optional
        Two coordinates a customer, and the segment.
    embedding : ndarray of shape (n_customers, 2), optional
        The same customers in the embedding that the model clusters in.
    months : mapping of str to DataFrame, optional
        What is summed, and one row a segment (by number) with one column a month.
    buying : Buying, optional
        What the segments buy, where the revenue comes from, who is new and who lapsed.
    currency : str, optional
    stakes, tests : DataFrame, optional
        Value at stake by segment, and what an A/B test of each action can show, see `seg.outlook.actions`.
    stakes_meaning : str
        What the columns of `stakes` mean.
    days : tuple of (date or None, date or None)
        Days of the first and of the newest order.
    """

    title: str
    subtitle: str
    notes: list[tuple[str, str]]
    facts: Mapping[str, str]
    metrics: list[tuple[str, float, str]]
    segments: pd.DataFrame
    features: list[str]
    k_scan: pd.DataFrame
    k: int | None
    k_reason: str
    ledger: pd.DataFrame
    figures: Mapping[str, tuple[str, bytes]]
    config_yaml: str
    verdicts: Sequence = ()
    verdict_line: str = ""
    evidence_tables: Sequence[tuple[str, pd.DataFrame]] = ()
    naming: Naming | None = None
    explanation: Explanation | None = None
    rule_segments: RuleSegments | None = None
    customer_map: tuple[np.ndarray, np.ndarray] | None = None
    embedding: np.ndarray | None = None
    months: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    buying: Buying | None = None
    currency: str | None = None
    stakes: pd.DataFrame | None = None
    tests: pd.DataFrame | None = None
    stakes_meaning: str = ""
    days: tuple[date | None, date | None] = (None, None)


def render(content: RunPage, locale: Locale = ENGLISH) -> str:
    """Return the page as one self-contained HTML document; every text is escaped.

    Raises
    ------
    ValueError
        A note has an unknown level, or a figure is not PNG.
    """
    for level, text in content.notes:
        if level not in LEVELS:
            raise ValueError(f"Note {text!r} has level {level!r}, expected one of {', '.join(LEVELS)}.")
    names = segment_names(content.segments)
    # The reason for k has its place with the evidence: as a warning it would be on the page twice.
    notes = list(dict.fromkeys(note for note in content.notes if note[1] != content.k_reason))
    return page.template("report/run_page.html.jinja", locale).render(
        content=content,
        warnings=[text for level, text in notes if level == "warning" and not text.startswith(OUTLOOK)],
        outlook_warnings=[
            text.removeprefix(OUTLOOK)
            for level, text in notes
            if level == "warning" and text.startswith(OUTLOOK)
        ],
        notes=[text for level, text in notes if level == "info"],
        headline=page.headline(content.segments, locale),
        cards=_cards(content, locale),
        columns=min(COLUMNS, key=lambda columns: (-len(content.segments) % columns, -columns)),
        pictures=_pictures(content, locale),
        profile=_profile(content, locale),
        rules=rules_section.rules(content.explanation),
        cross=rules_section.cross(content.rule_segments, locale),
        months=months_section.months(content.months, names, content.days[1], locale),
        short_history=_short_history(content),
        partial_month=months_section.partial_month(content.months, content.days[1]),
        items=buying_section.items(content.buying),
        items_without=buying_section.without(content.buying, names),
        together=buying_section.together(content.buying),
        tree=buying_section.tree(content.buying, locale),
        status=buying_section.status(content.buying, locale),
        stakes=outlook_section.stakes(content.stakes, locale, content.currency),
        tests=outlook_section.tests(content.tests, locale),
        scan=_scan(content.k_scan),
        curves=_curves(content, locale),
        ledger=_ledger(content.ledger, locale),
        evidence_tables=[(caption, page.plain(table)) for caption, table in content.evidence_tables],
        figures=[page.figure(stem, *figure) for stem, figure in content.figures.items()],
    )


def segment_names(segments: pd.DataFrame) -> dict[int, str]:
    """Return the name of each segment."""
    return {int(one): str(name) for one, name in zip(segments["segment"], segments["name"], strict=True)}


# ---- first screen --------------------------------------------------------------------------------------------------


def _cards(content: RunPage, locale: Locale) -> list[dict]:
    write = wording.Writers(
        locale.number, locale.percent, lambda value: locale.money(value, content.currency)
    )
    naming = {} if content.naming is None else content.naming.table.set_index("segment").to_dict("index")
    rules = {} if content.naming is None else content.naming.rules
    cards, value = [], worth.words(content.segments)
    for row in content.segments.to_dict("records"):
        segment = int(row["segment"])
        rule = rules.get(segment)
        cards.append(
            {
                "segment": segment,
                "name": row["name"],
                "colour": segment_colour(segment),
                "says": rule.says if rule else "",
                "bars": [
                    (what, 100 * min(max(share, 0), 1), locale.percent(share))
                    for what, share in (("customers", row["share"]), (value, row["revenue_share"]))
                    if np.isfinite(share)
                ],
                "sentence": wording.sentence(row, write, value),
                "actions": rule.actions if rule else (),
                "why": naming.get(segment),
            }
        )
    return cards


def _short_history(content: RunPage) -> str:
    """Write that the history is too short for names such as "Lost" to mean long ago; an empty text where it is not."""
    oldest, newest = content.days
    if oldest is None or newest is None or (span := (newest - oldest).days + 1) >= SHORT_HISTORY:
        return ""
    return f"The orders span {span} days: names compare customers with each other, so “Lost” or “Hibernating” means a few weeks at most"


# ---- pictures ------------------------------------------------------------------------------------------------------


def _pictures(content: RunPage, locale: Locale) -> list[tuple[str, str, object]]:
    """Draw the shares and the map: (title, note, chart)."""
    segments = content.segments
    value, valued = worth.words(segments), segments["revenue_share"].notna().any()
    names = segment_names(segments)
    colours = {segment: segment_colour(segment) for segment in names}
    rows = [
        (row["name"], segment_colour(int(row["segment"])),
         [("customers", row["share"]), *([(value, row["revenue_share"])] if valued else [])])
        for row in segments.to_dict("records")
    ]  # fmt: skip
    title = f"Share of customers and of {value}" if valued else "Share of customers"
    parts = [(title, "", charts.bars_chart(title, rows, locale))]
    if content.customer_map is not None:
        points, labels = content.customer_map
        title = "Customers in the two main directions of the features"
        note = (
            f"A dot is a customer ({locale.number(min(len(points), charts.DOTS))} of {locale.number(len(points))} are drawn), "
            "a number the middle of its segment. Customers who are alike lie near each other."
        )
        parts.append((title, note, charts.map_chart(title, points, labels, names, colours)))
    if content.customer_map is not None and content.embedding is not None:
        title = "Customers in the embedding that the model clusters in"
        note = "The same customers. Beware: an embedding shows islands in random data too; judge the segments by the map of the features."
        chart = charts.map_chart(title, content.embedding, content.customer_map[1], names, colours)
        parts.append((title, note, chart))
    return parts


def _profile(content: RunPage, locale: Locale) -> list[dict]:
    """Build one row a feature: mean, median, index, share and sum of each segment, coloured by good and bad."""
    segments = content.segments
    rows = []
    for feature in content.features:
        if MONTH.fullmatch(feature):
            continue
        way, cells = wording.direction(feature), []
        total = (segments[f"mean_{feature}"] * segments["size"]).sum()
        for row in segments.to_dict("records"):
            mean, index = row[f"mean_{feature}"], row[f"index_{feature}"]
            share = mean * row["size"] / total if feature in wording.ADDITIVE and total > 0 else np.nan
            written = locale.percent if wording.is_share(feature) else locale.number
            cells.append(
                {
                    "mean": written(mean),
                    "median": "" if wording.is_flag(feature) else written(row[f"median_{feature}"]),
                    "index": locale.number(round(index)) if np.isfinite(index) else locale.number(np.nan),
                    "share": locale.percent(share),
                    "sum": locale.compact(mean * row["size"] if feature in wording.ADDITIVE else np.nan),
                    "tone": tone(index, way),
                    "strength": strength(index),
                }
            )
        has_sum = feature in wording.ADDITIVE and total > 0
        rows.append(
            {"feature": wording.label(feature), "column": feature, "cells": cells, "has_sum": has_sum}
        )
    return rows


# ---- evidence ------------------------------------------------------------------------------------------------------


def _scan(k_scan: pd.DataFrame) -> dict:
    shown = k_scan.dropna(axis="columns", how="all")
    return {"columns": list(shown.columns), "rows": shown.to_dict("records")}


def _curves(content: RunPage, locale: Locale) -> list[tuple[str, object]]:
    scan = content.k_scan
    if len(scan) < 2:
        return []
    ks = [str(int(k)) for k in scan["k"]]
    wanted = (
        ("inertia", "Inertia over k (sum of squared distances)"),
        ("silhouette", "Mean silhouette over k (Euclidean)"),
    )
    parts = []
    for column, title in wanted:
        if column in scan and scan[column].notna().any():
            line = charts.Line(column, "var(--ink)", scan[column].to_numpy(dtype="float64"))
            parts.append((title, charts.lines_chart(title, ks, [line], locale, str(content.k))))
    return parts


def _ledger(ledger: pd.DataFrame, locale: Locale) -> list[dict]:
    """Put beside each count the difference from the step before, absolute and relative."""
    rows, before = [], None
    for row in ledger.to_dict("records"):
        cells = [
            (row[what], _difference(row[what], before and before[what], locale))
            for what in ("rows", "customers", "revenue")
        ]
        rows.append({"step": row["step"], "cells": cells})
        before = row
    return rows


def _difference(now: float, before: float | None, locale: Locale) -> str:
    if before is None or pd.isna(now) or pd.isna(before):
        return ""
    change = now - before
    if change == 0:
        return "no change"
    sign = MINUS if change < 0 else "+"
    relative = f" ({sign}{locale.percent(abs(change / before))})" if before else ""
    return f"{sign}{locale.number(abs(change))}{relative}"
