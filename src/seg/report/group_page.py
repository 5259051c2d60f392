"""The report of a run with one model a group: a table over groups, and the segments of each."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from seg.pipeline.grouped_result import COMMON, Grouped
from seg.report import charts, page
from seg.segments import playbook, wording
from seg.segments.formats import ENGLISH, Locale

MOST = 300  # groups on the page
BARS = 12
FEATURES = 6
BLUE = "var(--good)"


def render(result: Grouped, about, config_yaml: str, locale: Locale = ENGLISH) -> str:
    """Return the page as one self-contained HTML document; every text is escaped.

    Parameters
    ----------
    result : Grouped
    about : seg.report.run_directory.About
    config_yaml : str
    locale : Locale
    """
    groups = result.groups
    features = [
        name for name in [*result.table.features, *result.table.profile] if f"mean_{name}" in result.segments
    ]
    return page.template("report/group_page.html.jinja", locale).render(
        about=about,
        by=result.by,
        headline=_headline(result, locale),
        warnings=[text for level, text in result.notes if level == "warning"],
        infos=[text for level, text in result.notes if level != "warning"],
        groups=groups.head(MOST).to_dict("records"),
        left_out=max(len(groups) - MOST, 0),
        chart=_chart(groups, locale),
        features=[wording.label(name) for name in features[:FEATURES]],
        models=_models(result, features[:FEATURES]),
        common=COMMON,
        config_yaml=config_yaml,
    )


def _headline(result: Grouped, locale: Locale) -> str:
    own, common = len(result.models) - 1, int(result.metrics["groups/customers_common"])
    text = f"{locale.number(result.customers)} customers: {own} model{'' if own == 1 else 's'} by {result.by}"
    if common:
        text += f", and a common one for {locale.number(common)} customers of small groups"
    return text + "."


def _chart(groups: pd.DataFrame, locale: Locale) -> object:
    """Draw the shares of the customers and of the revenue of the groups with most revenue."""
    money = groups["revenue_share"].notna().any()
    rows = [
        (row.group or "(none)", BLUE, [("", row.share), *([("", row.revenue_share)] if money else [])])
        for row in groups.head(BARS).itertuples()
    ]
    return charts.bars_chart(
        "Share of the customers" + (" and of the revenue" if money else ""), rows, locale
    )


def _models(result: Grouped, features: list[str]) -> list[dict]:
    rows = {name: table for name, table in result.segments.groupby("model", sort=False)}
    models = []
    for number, model in enumerate(result.models):
        if model.name not in rows:
            continue
        naming = model.result.interpretation.naming
        models.append(
            {
                "id": f"model-{number}",
                "name": model.name,
                "reason": model.result.k_reason,
                "flags": model.result.evidence.flags,
                "segments": [
                    {
                        **row,
                        "do": _actions(naming.rules, row),
                        "means": [row[f"mean_{name}"] for name in features],
                    }
                    for row in rows[model.name].to_dict("records")
                ],
            }
        )
    return models


def _actions(rules: Mapping[int, playbook.Rule], row: Mapping) -> str:
    rule = rules.get(int(row["segment_of_model"]))
    return "" if rule is None else "; ".join(action.do for action in rule.actions)
