"""Write what a run found as one HTML page that opens anywhere, with no network and no script."""

import base64
import functools
import numbers
import struct
from collections.abc import Sequence
from importlib import resources

import jinja2
import numpy as np
import pandas as pd

from seg.evaluation.verdicts import Verdict
from seg.report import plots

LEVELS = ("warning", "info")
NO_BREAK = "\N{NO-BREAK SPACE}"
# Figures wider than this, in CSS pixels, take a full row: two do not fit beside each other.
_HALF_ROW = 620


def render(
    *,
    title: str,
    subtitle: str,
    notices: list[tuple[str, str]],
    facts: dict[str, str],
    metrics: list[tuple[str, float, str]],
    segments: pd.DataFrame,
    features: list[str],
    k_scan: pd.DataFrame,
    k: int | None,
    k_reason: str,
    ledger: pd.DataFrame,
    figures: dict[str, tuple[str, bytes]],
    config_yaml: str,
    verdicts: Sequence[Verdict] = (),
    evidence_tables: Sequence[tuple[str, pd.DataFrame]] = (),
) -> str:
    """Return a run as one self-contained HTML page; every text is escaped.

    Parameters
    ----------
    title, subtitle : str
    notices : list of (level, text)
        Shown loudly on top; level is "warning" or "info".
    facts : dict of str to str
        Where the result comes from: data set, dates, engine, seed, duration, commit.
    metrics : list of (name, value, meaning)
        The name holds the space and the distance, as in ``own/silhouette_sq``.
    segments : DataFrame
        Columns `segment` (-1 is noise), `name`, `size`, `share`, `revenue_share` (0 to 1; NaN where
        revenue is not known) and for each feature `mean_<f>`, `median_<f>`, `index_<f>` (100: average).
    features : list of str
    k_scan : DataFrame
        One row per k tried; may be empty. Columns that are all NaN are left out.
    k : int or None
        The chosen k, marked in the scan.
    k_reason : str
        Why this k.
    ledger : DataFrame
        Columns `step`, `rows`, `customers`, `revenue`: what is left after each step; may be empty.
    figures : dict of file stem to (caption, PNG bytes)
        In the order to show them. The caption is also what a screen reader says.
    config_yaml : str
    verdicts : sequence of Verdict
        The evidence, one line a criterion.
    evidence_tables : sequence of (caption, DataFrame)
        Tables that belong to it, shown as they are.

    Raises
    ------
    ValueError
        If a notice has an unknown level or a figure is not PNG.
    """
    for level, text in notices:
        if level not in LEVELS:
            raise ValueError(f"Notice {text!r} has level {level!r}, expected one of {', '.join(LEVELS)}.")
    return template("report/page.html.jinja").render(
        title=title,
        subtitle=subtitle,
        notices=notices,
        headline=headline(segments),
        verdicts=verdicts,
        evidence_tables=[
            (caption, {"columns": list(t.columns), "rows": t.astype(object).to_numpy().tolist()})
            for caption, t in evidence_tables
        ],
        facts=facts,
        metrics=metrics,
        cards=[_card(row, features) for row in segments.to_dict("records")],
        features=features,
        k=k,
        k_reason=k_reason,
        scan=_scan(k_scan),
        ledger=_ledger(ledger),
        figures=[_figure(stem, *figure) for stem, figure in figures.items()],
        config_yaml=config_yaml,
    )


def tables_page(
    title: str, subtitle: str, notices: Sequence[str], sections: Sequence[tuple[str, str, object]]
) -> str:
    """Return titled tables and figures as one self-contained HTML page.

    Parameters
    ----------
    notices : sequence of str
        Shown on top.
    sections : sequence of (title, note, content)
        Content is a DataFrame, or the bytes of a PNG.
    """

    def section(title: str, note: str, content: object) -> dict:
        if isinstance(content, bytes):
            return {"title": title, "note": note, "figure": _figure(title, note, content)}
        rows = content.astype(object).to_numpy().tolist()
        words = [all(isinstance(row[place], str) for row in rows) for place in range(content.shape[1])]
        return {"title": title, "note": note, "columns": list(content.columns), "rows": rows, "words": words}

    made = [{"figure": None, "columns": []} | section(*one) for one in sections]
    return template("report/tables.html.jinja").render(
        title=title, subtitle=subtitle, notices=notices, sections=made
    )


@functools.cache
def template(name: str) -> jinja2.Template:
    """Load a page of this project by its path in the package, which is also how one includes another's style."""
    environment = jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        loader=jinja2.FunctionLoader(lambda path: resources.files("seg").joinpath(path).read_text("utf-8")),
    )
    environment.filters |= {"number": number, "percent": percent, "compact": plots.compact}
    return environment.get_template(name)


def headline(segments: pd.DataFrame) -> str:
    """Say in one sentence how many segments there are and which one matters most (revenue, else size)."""
    real = segments[segments["segment"] >= 0]
    text = f"{number(segments['size'].sum())} customers in {len(real)} segment{'' if len(real) == 1 else 's'}"
    if len(real) and real["revenue_share"].notna().any():
        top = real.loc[real["revenue_share"].idxmax()]
        text += f": {_quoted(top)} is {percent(top['share'])} of them and brings"
        text += f" {percent(top['revenue_share'])} of the revenue"
    elif len(real):
        top = real.loc[real["size"].idxmax()]
        text += f": the largest is {_quoted(top)} with {percent(top['share'])} of them"
    noise = segments.loc[segments["segment"] < 0, "share"].sum()
    return text + (f"; {percent(noise)} fit no segment." if noise > 0 else ".")


def number(value: object) -> str:
    """Write a number with thousands separators and sensible digits; other objects as they are.

    >>> [number(value) for value in (19945, 4123.456, 152.34, 12.345, 0.4123, 0.00012345, None)]
    ['19,945', '4,123', '152.3', '12.35', '0.412', '0.00012', '\N{EN DASH}']
    """
    if value is None or value is pd.NA or value is pd.NaT:
        return plots.UNKNOWN
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, numbers.Real):
        return str(value)
    if np.isnan(value):
        return plots.UNKNOWN
    if np.isinf(value):
        return "∞" if value > 0 else f"{plots.MINUS}∞"
    return _digits(float(value) if not isinstance(value, numbers.Integral) else int(value)).replace(
        "-", plots.MINUS
    )


def percent(share: float) -> str:
    """Write a share of 1 as a percentage that does not break over two lines."""
    return plots.percent(share).replace(" ", NO_BREAK)


def _digits(value: float) -> str:
    size = abs(value)
    if value == int(value) or size >= 1000:
        return f"{value:,.0f}"
    for least, places in ((100, 1), (10, 2), (0.01, 3)):
        if size >= least:
            return f"{value:.{places}f}"
    return f"{value:.2g}"


def _quoted(segment: pd.Series) -> str:
    return f"\N{LEFT DOUBLE QUOTATION MARK}{segment['name']}\N{RIGHT DOUBLE QUOTATION MARK}"


def _card(row: dict, features: list[str]) -> dict:
    """Gather what the page says of one segment; `traits` are the three features farthest from average."""
    cells = [
        {"feature": f, **{what: row[f"{what}_{f}"] for what in ("mean", "median", "index")}} for f in features
    ]
    # Below 1.25 times and above 0.8 times the average is not worth a line; 0 and no index have no ratio.
    told = [cell for cell in cells if 0 < cell["index"] < np.inf and not 80 < cell["index"] < 125]
    told.sort(key=lambda cell: -abs(np.log2(cell["index"] / 100)))
    known = {key: row[key] for key in ("segment", "name", "size", "share", "revenue_share")}
    return {**known, "colour": plots.segment_colour(row["segment"]), "cells": cells, "traits": told[:3]}


def _scan(k_scan: pd.DataFrame) -> dict:
    shown = k_scan.dropna(axis="columns", how="all")
    return {"columns": list(shown.columns), "rows": shown.to_dict("records")}


def _ledger(ledger: pd.DataFrame) -> list[dict]:
    """Put beside each count the difference to the step before, absolute and relative."""
    rows, before = [], None
    for row in ledger.to_dict("records"):
        cells = [
            (row[what], _difference(row[what], before and before[what]))
            for what in ("rows", "customers", "revenue")
        ]
        rows.append({"step": row["step"], "cells": cells})
        before = row
    return rows


def _difference(now: float, before: float | None) -> str:
    if before is None or pd.isna(now) or pd.isna(before):
        return ""
    change = now - before
    if change == 0:
        return "no change"
    sign = plots.MINUS if change < 0 else "+"
    relative = f" ({sign}{percent(abs(change / before))})" if before else ""
    return f"{sign}{number(abs(change))}{relative}"


def _figure(stem: str, caption: str, png: bytes) -> dict:
    if png[:8] != b"\x89PNG\r\n\x1a\n":
        raise ValueError(
            f"Figure {stem!r} starts with {png[:8]!r}, expected PNG bytes: use seg.report.plots.png(figure)."
        )
    # Stating the size keeps text at its own points and the page from jumping while it loads.
    width, height = (round(pixels * 96 / plots.DPI) for pixels in struct.unpack(">II", png[16:24]))
    uri = "data:image/png;base64," + base64.b64encode(png).decode("ascii")
    return {
        "stem": stem,
        "caption": caption,
        "uri": uri,
        "width": width,
        "height": height,
        "wide": width > _HALF_ROW,
    }
