"""Figures of the page, as Plotly takes them: plain dictionaries, so that no plotting library is imported."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from seg.report.plots.palette import NOISE_COLOUR
from seg.segments.formats import ENGLISH, Locale

LEGEND = 12  # lines above which the page would be a legend only


def lines(
    table: pd.DataFrame, title: str, colours: Mapping[str, str], unit: str = "", locale: Locale = ENGLISH
) -> dict:
    """Draw one line a column over the months of the index; the columns beyond `LEGEND` as one line.

    Parameters
    ----------
    table : DataFrame
    title : str
    colours : mapping of str to str
        Of the columns; grey where there is none.
    unit : str
        Of the values, such as a currency.
    locale : Locale
        Of the numbers.
    """
    if table.shape[1] > LEGEND:
        largest = table.sum().sort_values(ascending=False, kind="stable").index
        few, rest = largest[: LEGEND - 1], largest[LEGEND - 1 :]
        table = table[few].assign(**{f"{len(rest)} further segments": table[rest].sum(axis=1)})
    traces = [
        {
            "type": "scatter", "mode": "lines+markers", "name": str(name), "x": list(table.index), "y": table[name].tolist(),
            "line": {"color": colours.get(str(name), NOISE_COLOUR), "width": 2}, "marker": {"size": 5},
        }
        for name in table
    ]  # fmt: skip
    return {
        "data": traces,
        "layout": _layout(title, unit, locale=locale) | {"legend": {"orientation": "h", "y": -0.2}},
    }


def bars(
    values: pd.Series, title: str, colours: Mapping[str, str], unit: str = "", locale: Locale = ENGLISH
) -> dict:
    """Draw one horizontal bar a segment, the largest on top.

    Parameters
    ----------
    values : Series
        By name of the segment.
    title, colours, unit, locale
        See `lines`.
    """
    ordered = values.sort_values(kind="stable").tail(LEGEND)
    trace = {
        "type": "bar", "orientation": "h", "x": ordered.tolist(), "y": [str(name) for name in ordered.index],
        "marker": {"color": [colours.get(str(name), NOISE_COLOUR) for name in ordered.index]},
    }  # fmt: skip
    return {
        "data": [trace],
        "layout": _layout(title, unit, "x", locale) | {"height": 120 + 34 * len(ordered)},
    }


def heat(table: pd.DataFrame, title: str, locale: Locale = ENGLISH) -> dict:
    """Draw customers from each segment (rows) to each (columns), coloured by the share of the row.

    Parameters
    ----------
    table : DataFrame of shape (n_from, n_to)
    title : str
    locale : Locale
        Of the numbers.
    """
    shares = table.div(table.sum(axis=1).where(lambda total: total > 0, 1), axis=0)
    trace = {
        "type": "heatmap", "z": shares.to_numpy().tolist(), "x": list(table.columns), "y": list(table.index),
        "text": [[locale.number(round(value)) for value in row] for row in table.to_numpy()], "texttemplate": "%{text}",
        "colorscale": [[0, "rgba(0,114,178,0.05)"], [1, "rgba(0,114,178,0.7)"]], "zmin": 0, "zmax": 1, "showscale": False,
        "hovertemplate": "%{y} to %{x}: %{text} customers, %{z:.0%}<extra></extra>",
    }  # fmt: skip
    layout = _layout(title, locale=locale) | {"height": 160 + 40 * len(table)}
    layout["yaxis"] = {"autorange": "reversed", "automargin": True}
    return {"data": [trace], "layout": layout}


def _layout(title: str, unit: str = "", money: str = "y", locale: Locale = ENGLISH) -> dict:
    plain = {
        "automargin": True,
        "gridcolor": "#dfe3e8",
        "zerolinecolor": "#dfe3e8",
    }  # dashboard.css recolours both, and texts, in the dark
    return {
        "title": {"text": title, "font": {"size": 16}, "x": 0, "xanchor": "left", "xref": "paper"},
        "font": {"family": "system-ui, sans-serif", "size": 13, "color": "#1d2433"},
        "margin": {"l": 40, "r": 16, "t": 44, "b": 40},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "separators": locale.decimal + locale.thousands,
        "hovermode": "closest",
        "xaxis": plain | ({"title": {"text": unit}} if money == "x" else {}),
        "yaxis": plain | ({"title": {"text": unit}} if money == "y" else {}),
    }
