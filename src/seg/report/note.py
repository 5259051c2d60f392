"""A run in one sentence and one table, as Markdown: what its page in MLflow says."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from seg.report import page, plots
from seg.segments import worth

MOST_SEGMENTS = 20


def markdown(segments: pd.DataFrame, features: Sequence[str], warnings: Sequence[str]) -> str:
    """Write the headline, what the run warns of, and the segments.

    Parameters
    ----------
    segments : DataFrame
        As for `report.render`.
    features : sequence of str
        Whose means are shown.
    warnings : sequence of str
    """
    shown = [name for name in features if f"mean_{name}" in segments]
    valued = segments["revenue_share"].notna().any()
    head = ["segment", "customers", "share", *([f"{worth.words(segments)} share"] if valued else [])]
    head += [f"mean {name}" for name in shown]
    rows = [head, ["---"] + ["---:"] * (len(head) - 1)]
    for row in segments.head(MOST_SEGMENTS).to_dict("records"):
        means = [plots.compact(row[f"mean_{name}"]) for name in shown]
        shares = [plots.percent(row[name]) for name in ("share", *(["revenue_share"] if valued else []))]
        rows.append([str(row["name"]).replace("|", "\\|"), f"{row['size']:,}", *shares, *means])
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    return "\n\n".join(filter(None, [page.headline(segments), "\n".join(f"- {w}" for w in warnings), table]))
