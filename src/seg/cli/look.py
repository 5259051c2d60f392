"""The commands ``seg data explore`` and ``seg data rfm``: a data set before clustering, and its customers by rules."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
from rich.console import Console
from rich.table import Table

from seg import cleaning, features
from seg.cli import options
from seg.config import compose, load
from seg.config.settings import Preparation, Settings
from seg.errors import Note, SegError
from seg.pipeline.check import check_parts, provides
from seg.preparation import explore as exploring
from seg.preparation import feature_statistics, feature_survey, prepare
from seg.preparation.explore import Looked
from seg.segments import formats
from seg.sinks import local_files as files

if TYPE_CHECKING:
    from seg.report.explore_page import ExplorePage

KEEP = ("recency_days", "orders", "revenue")  # not proposed for dropping: RFM stands on them


@dataclass(frozen=True)
class _Surveyed:
    """What was measured of the features of all customers, or of every `factor`-th one."""

    frame: pd.DataFrame
    factor: int
    described: pd.DataFrame
    correlations: pd.DataFrame
    pairs: pd.DataFrame
    curve: pd.DataFrame | None
    gini: float | None

    @classmethod
    def of(cls, frame: pd.DataFrame, factor: int) -> _Surveyed:
        correlations, pairs = feature_statistics.alike(frame, KEEP)
        curve, gini = feature_statistics.lorenz(frame["revenue"]) if "revenue" in frame else (None, None)
        return cls(frame, factor, feature_statistics.describe(frame), correlations, pairs, curve, gini)


def explore(overrides: Sequence[str]) -> int:
    """Write a page and tables about a data set before clustering; aggregates only."""
    from seg.report import explore_page

    own, checked, cfg = _composed(overrides)
    folder = files.writable(Path(own["to"] or f"explored/{checked.dataset.name}"))
    source, notes = prepare.find(checked.dataset, checked.data_dir)
    parts = compose.instantiate_parts(cfg)
    with parts.connect() as engine:
        cleaned = prepare.read(checked.preparation, parts, engine, source)
        counted = checked.dataset.kind == "transactions"
        looked = exploring.look(engine, cleaned.loaded.table, cleaned.loaded.lookup) if counted else None
        wanted = [*features.parse(checked.recipe.features)] if not counted else list(checked.dataset.common)
        names = feature_survey.possible(provides(checked.dataset), counted, wanted)
        rows = int(cleaned.ledger["rows"].iloc[-1])
        frame, factor = feature_survey.survey(engine, cleaned.table, names, checked.recipe.as_of, rows)
    surveyed = _Surveyed.of(frame, factor)
    page, tables = (
        _page(checked.preparation, looked, surveyed, [*notes, *cleaned.notes], rows),
        _tables(looked, surveyed),
    )
    for name, table in tables.items():
        files.write_csv(folder / f"{name}.csv", table)
    html = explore_page.render(page, formats.locale(checked.report.locale))
    target = files.write(folder / "explore.html", html)
    print(f"{target}: {len(tables)} tables beside it\nnext: seg run {shlex.join(_rest(overrides))}")
    return 0


def rfm(overrides: Sequence[str]) -> int:
    """Score customers by rule-based RFM, print the rule segments, and write the scores."""
    from seg.report import lists
    from seg.segments import rfm as rules
    from seg.segments import rfm_tables

    own, checked, cfg = _composed(overrides)
    source, _notes = prepare.find(checked.dataset, checked.data_dir)
    prepared = prepare.prepare(checked.preparation, compose.instantiate_parts(cfg), source)
    frame = prepared.table.frame
    segmented = rfm_tables.rule_segments(frame, rules.parse(checked.rfm.model_dump()))
    if segmented is None:
        raise SegError(
            f"rfm: dataset={checked.dataset.name} has no {_lacking(frame)}; rule-based RFM needs the days since the last order, the orders "
            "and the revenue of each customer"
        )
    folder = files.writable(Path(own["to"] or f"rfm/{checked.dataset.name}"))
    table = (
        pd.concat([rfm_tables.measures(frame), segmented.scored], axis=1)
        .rename_axis("customer_id")
        .reset_index()
    )
    files.write(folder / "customers.csv", lists.csv_for_people(table))
    files.write_csv(folder / "rule_segments.csv", segmented.counts)
    files.write_csv(folder / "scores.csv", segmented.ranges)
    locale = formats.locale(checked.report.locale)
    _print(segmented.counts, segmented.ranges, locale)
    if segmented.early is not None:
        print(segmented.early.written(locale))
    print(f"{folder}: customers.csv, rule_segments.csv, scores.csv")
    return 0


def _composed(overrides: Sequence[str]) -> tuple[dict[str, str], Settings, object]:
    """Read the options of a command, and compose the settings as ``seg run`` does."""
    own, rest = options.options(list(overrides), {"to": ""})
    cfg = compose.compose(rest)
    checked = load.settings(cfg)
    check_parts(checked)
    return own, checked, cfg


def _rest(overrides: Sequence[str]) -> list[str]:
    return [text for text in overrides if not text.startswith("to=")]


def _lacking(frame: pd.DataFrame) -> str:
    from seg.segments import rfm_tables

    return ", ".join(one for one, names in rfm_tables.COLUMNS.items() if not set(names) & set(frame.columns))


def _page(
    settings: Preparation, looked: Looked | None, surveyed: _Surveyed, notes: list[Note], rows: int
) -> ExplorePage:
    from seg.report.explore_page import ExplorePage

    described = {"features": surveyed.described}
    histograms = {
        "features": {name: feature_statistics.histogram(column) for name, column in surveyed.frame.items()}
    }
    steps = [step.name for step, _ in cleaning.parse(settings.cleaning.steps)]
    lines = {
        "facts": pd.DataFrame({"what": ["customers"], "value": [rows]}),
        "missing": pd.DataFrame({"column": [], "missing": [], "share": []}),
        "divisions": {},
    }
    if looked is not None:
        described = {"order lines": looked.described, **described}
        histograms = {"order lines": looked.histograms, **histograms}
        shown = ("facts", "missing", "divisions", "ratings", "cohorts")
        lines = {name: getattr(looked, name) for name in shown}
    return ExplorePage(
        title=f"{settings.dataset.name} before clustering",
        subtitle=f"currency {settings.dataset.currency or 'unknown'}, cleaning {', '.join(steps) or 'none'}",
        notes=_warnings(looked, surveyed.factor, notes),
        described=described,
        histograms=histograms,
        correlations=surveyed.correlations,
        pairs=surveyed.pairs,
        curve=surveyed.curve,
        gini=surveyed.gini,
        advice=_advice(list(features.parse(settings.recipe.features)), surveyed.pairs),
        **lines,
    )


def _warnings(looked: Looked | None, factor: int, notes: list[Note]) -> list[str]:
    texts = [text for level, text in notes if level == "warning"]
    if factor > 1:
        texts.append(
            f"Features, correlations and the curve of revenue are those of one customer in {factor}."
        )
    if looked is not None and looked.factor > 1:
        texts.append(
            "Customers, products and orders of the whole table are estimates (within about 2 %). Quantiles, histograms, cohorts and returns with a "
            f"counterpart are those of one customer in {looked.factor}, and so are customers by month, week day, hour, country and category: "
            "the standard error is about 1 % of 150,000 customers, and 4 % of 10,000."
        )
    return texts


def _tables(looked: Looked | None, surveyed: _Surveyed) -> dict[str, pd.DataFrame]:
    """Return the tables that lie beside the page, by the name of their file."""
    tables = {"features": surveyed.described.rename_axis("feature").reset_index(), "pairs": surveyed.pairs,
              "correlations": surveyed.correlations.rename_axis("feature").reset_index()}  # fmt: skip
    if surveyed.curve is not None:
        tables["lorenz"] = surveyed.curve
    if looked is not None:
        tables |= {"facts": looked.facts, "missing": looked.missing}
        tables |= {f"by_{name}": division for name, division in looked.divisions.items()}
        tables["lines"] = looked.described.rename_axis("column").reset_index()
        if looked.ratings is not None:
            tables["ratings"] = looked.ratings
        if looked.cohorts is not None:
            tables["cohorts"] = looked.cohorts.reset_index()
    return tables


def _advice(recipe: list[str], pairs: pd.DataFrame) -> str:
    """List which features of the recipe repeat another one of it, and print the override that leaves them out."""
    inside = pairs[pairs["first"].isin(recipe) & pairs["second"].isin(recipe)]
    drop = [name for name in dict.fromkeys(inside["drop"]) if name not in KEEP]
    if not drop:
        return "No two features of the recipe repeat each other (from 0.8 on), but for recency, orders and revenue, which stay."
    kept = [name for name in recipe if name not in drop]
    return f"In the recipe, {', '.join(drop)} repeats another feature; without it: recipe.features=[{','.join(kept)}]"


def _print(counts: pd.DataFrame, ranges: pd.DataFrame, locale: formats.Locale) -> None:
    console = Console()
    console = console if console.is_terminal else Console(width=120)
    table = Table(header_style="bold")
    for name in ("rule segment", "customers", "share", "revenue", "of the revenue", "r", "f", "m"):
        table.add_column(name, justify="left" if name == "rule segment" else "right")
    for row in counts.to_dict("records"):
        shares = (
            locale.percent(row["share"]),
            locale.number(round(row["revenue"])),
            locale.percent(row["revenue_share"]),
        )
        scores = [locale.fixed(row[letter], 1) for letter in ("r", "f", "m")]
        table.add_row(row["rule_segment"], locale.number(row["customers"]), *shares, *scores)
    console.print(table)
    for measure, rows in ranges.groupby("measure", sort=False):
        parts = [
            f"{row.score}: {locale.number(row.lowest)} to {locale.number(row.highest)}"
            if row.customers
            else f"{row.score}: nobody"
            for row in rows.itertuples()
        ]
        console.print(f"{measure:<10} {'; '.join(parts)}", markup=False, highlight=False)
