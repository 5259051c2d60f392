"""What is summed by month and segment, as the page of a run shows it."""

from __future__ import annotations

import calendar
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd

from seg.report import charts
from seg.report.plots.palette import segment_colour
from seg.segments.formats import Locale

END_OF_MONTH = 3  # a month whose last order came so many days before its end, or fewer, is complete: shops close at week-ends


def months(
    sums: Mapping[str, pd.DataFrame], names: Mapping[int, str], newest: date | None, locale: Locale
) -> list[dict]:
    """Draw a chart and a grid for everything that is summed by month.

    Parameters
    ----------
    sums : mapping of str to DataFrame
        What is summed, and one row a segment (by number) with one column a month.
    names : mapping of int to str
        Of the segments.
    newest : date or None
        Day of the newest order.
    locale : Locale
    """
    parts, short = [], bool(partial_month(sums, newest))
    for what, table in sums.items():
        months = [str(month) for month in table.columns]
        lines = [
            charts.Line(names[int(segment)], segment_colour(int(segment)), values.to_numpy(dtype="float64"))
            for segment, values in table.iterrows()
        ]
        title = f"{what.capitalize()} of each month by segment"
        rows = [
            (line.name, line.colour, [(value, _share(value, line.values)) for value in line.values])
            for line in lines
        ]
        complete = len(months) - short
        drawn = [replace(line, values=line.values[:complete]) for line in lines]
        chart = charts.lines_chart(title, months[:complete], drawn, locale)
        parts.append({"what": what, "title": title, "chart": chart, "months": months, "rows": rows})
    return parts


def partial_month(sums: Mapping[str, pd.DataFrame], newest: date | None) -> str:
    """Write that the orders end before the last month does; an empty text where the month is all there."""
    last = {str(table.columns[-1]) for table in sums.values() if len(table.columns)}
    if newest is None or f"{newest:%Y-%m}" not in last:
        return ""
    days = calendar.monthrange(newest.year, newest.month)[1]
    if newest.day >= days - END_OF_MONTH:
        return ""
    return f"The orders end on {newest:%Y-%m-%d}, so the last month is not complete: the tables have it, the lines end before it"


def _share(value: float, values: Sequence[float]) -> int:
    most = np.nanmax(values)
    return round(100 * value / most) if most > 0 and np.isfinite(value) else 0
