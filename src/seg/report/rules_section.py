"""Rules that tell segments apart, and the rule segments of RFM beside them, as the page of a run shows them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from seg.report.plots.palette import segment_colour
from seg.segments.explain import Explanation
from seg.segments.formats import Locale
from seg.segments.rfm_tables import RuleSegments


def rules(explanation: Explanation | None) -> dict | None:
    """Return the rules of each segment, and how often they give the segment of the model."""
    if explanation is None:
        return None
    return {
        "fidelity": explanation.fidelity,
        "levels": explanation.levels,
        "unreached": explanation.rules.attrs.get("unreached", []),
        "rows": [
            row | {"colour": segment_colour(int(row["segment"]))}
            for row in explanation.rules.to_dict("records")
        ],
    }


def cross(rules: RuleSegments | None, locale: Locale) -> dict | None:
    """Return the table of segments by rule segments, and the values that each score stands for."""
    if rules is None:
        return None
    counts, shares = rules.cross.counts, rules.cross.shares
    rows = [
        (name, int(counts.loc[name].sum()), [
            (locale.number(int(counts.at[name, column])), locale.percent(shares.at[name, column]),
             round(100 * shares.at[name, column]) if np.isfinite(shares.at[name, column]) else 0)
            for column in counts.columns
        ])
        for name in counts.index
    ]  # fmt: skip
    return {
        "columns": list(counts.columns),
        "rows": rows,
        "sentence": rules.cross.written(locale),
        "early": "" if rules.early is None else rules.early.written(locale),
        "counts": rules.counts.to_dict("records"),
        "ranges": [
            (
                score,
                [
                    _from_to(rules.ranges, measure, score, locale)
                    for measure in ("recency", "frequency", "money")
                ],
            )
            for score in (5, 4, 3, 2, 1)
        ],
    }


def _from_to(ranges: pd.DataFrame, measure: str, score: int, locale: Locale) -> str:
    row = ranges[(ranges["measure"] == measure) & (ranges["score"] == score)].iloc[0]
    if not row["customers"]:
        return "nobody"
    low, high = locale.number(row["lowest"]), locale.number(row["highest"])
    return low if low == high else f"{low} to {high}"
