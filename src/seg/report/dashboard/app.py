"""The page: filters, cards of segments, figures and downloads. Nothing is kept between two requests."""

from __future__ import annotations

import functools
import logging
from importlib import resources

import pandas as pd
from dash import Dash, Input, Output, State, ctx, dcc, html, no_update
from werkzeug.serving import BaseWSGIServer, make_server

from seg.errors import SegError
from seg.report import lists
from seg.report.dashboard import drawings, facts
from seg.report.dashboard.exported_tables import Exports
from seg.report.dashboard.facts import Choice
from seg.segments import wording
from seg.segments.formats import ENGLISH, Locale

PAGE = """<!DOCTYPE html>
<html lang="en"><head>{%metas%}<meta name="viewport" content="width=device-width, initial-scale=1"><title>{%title%}</title>{%css%}
<style>STYLE</style></head><body>{%app_entry%}<footer>{%config%}{%scripts%}{%renderer%}</footer></body></html>"""
PLAIN = {"displaylogo": False, "responsive": True, "displayModeBar": False}
MOST_CARDS = 24
CHOSEN = ("run", "segments", "groups", "first", "last", "measure")


def server(exports: Exports, host: str, port: int, locale: Locale = ENGLISH) -> BaseWSGIServer:
    """Return a server of the page that is bound to its port.

    Parameters
    ----------
    exports : Exports
    host : str
    port : int
    locale : Locale
        Of the numbers.

    Raises
    ------
    SegError
        The port is taken.
    """
    page = build(exports, locale)
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # a line for each request is of no use to who looks
    try:
        return make_server(host, port, guarded(page.server, host, port), threaded=True)
    except (OSError, SystemExit):  # Werkzeug ends the process where a port is taken
        raise SegError(f"port={port}: is in use; choose another port") from None


def guarded(flask, host: str, port: int):
    """Answer only those who ask for this machine: another page in the browser cannot reach the tables by a name of its own."""
    from flask import abort, request

    names = {f"{host}:{port}", f"localhost:{port}"}

    @flask.before_request
    def check() -> None:
        if request.host not in names:
            abort(403)

    return flask


def build(exports: Exports, locale: Locale = ENGLISH) -> Dash:
    """Return the application with its page and what happens when something is chosen."""
    page = Dash(
        "seg.dashboard",
        title="Customer segments",
        update_title=None,
        serve_locally=True,
        assets_folder="none",
    )
    style = resources.files("seg").joinpath("report/dashboard/dashboard.css").read_text("utf-8")
    page.index_string = PAGE.replace("STYLE", style)
    page.layout = functools.partial(layout, exports)
    chosen = [Input(name, "value") for name in CHOSEN]
    filters = [
        Output("segments", "options"),
        Output("segments", "value"),
        Output("groups", "options"),
        Output("groups", "value"),
    ]
    filters += [Output("groups-field", "hidden"), Output("first", "options"), Output("first", "value")]
    filters += [Output("last", "options"), Output("last", "value")]
    page.callback(filters, Input("run", "value"))(functools.partial(offered, exports))
    page.callback(Output("content", "children"), chosen)(functools.partial(content, exports, locale=locale))
    download = [Input("download-list", "n_clicks"), Input("download-segments", "n_clicks")]
    states = [State(name, "value") for name in CHOSEN]
    page.callback(Output("download", "data"), download, states, prevent_initial_call=True)(
        functools.partial(downloaded, exports)
    )
    return page


def layout(exports: Exports) -> html.Main:
    """Return the frame of the page, with the runs as they are now."""
    runs = facts.trainings(exports.runs())
    options = [{"label": row.label, "value": row.run_id} for row in runs.itertuples()]
    months = [
        _field(text, dcc.Dropdown(id=name, clearable=True, placeholder=end))
        for name, text, end in (("first", "From month", "first"), ("last", "To month", "last"))
    ]
    measures = [{"label": text, "value": name} for name, text in facts.MEASURES.items()]
    return html.Main(
        [
            html.H1("Customer segments"),
            html.Section(
                [
                    _field(
                        "Run",
                        dcc.Dropdown(options, options[0]["value"], id="run", clearable=False),
                        wide=True,
                    ),
                    _field("Segments", dcc.Dropdown(id="segments", multi=True, placeholder="all"), wide=True),
                    html.Div(
                        _field("Groups", dcc.Dropdown(id="groups", multi=True, placeholder="all")),
                        id="groups-field",
                    ),
                    *months,
                    _field(
                        "Shown by month", dcc.Dropdown(measures, "revenue", id="measure", clearable=False)
                    ),
                ],
                className="filters",
            ),
            html.Div(
                [
                    html.Button("Download the customers", id="download-list"),
                    html.Button("Download the segments", id="download-segments"),
                    dcc.Download(id="download"),
                ],
                className="buttons",
            ),
            dcc.Loading(html.Div(id="content"), type="circle", delay_show=400),
        ]
    )


def _field(text: str, control, wide: bool = False) -> html.Label:
    return html.Label([html.Span(text), control], className="wide" if wide else "")


def offered(exports: Exports, run: str) -> tuple:
    """Return what the filters offer for a run; nothing is chosen."""
    segments, months = exports.table("segments", run), facts.month_names(exports.table("monthly", run))
    named = [{"label": name, "value": int(one)} for one, name in facts.names(segments).items()]
    groups = facts.groups(exports.table("customers", run)) if "model" in segments else []
    return named, [], groups, [], not groups, months, None, months, None


def content(exports: Exports, run: str, *chosen, locale: Locale = ENGLISH) -> list:
    """Return what is below the filters; `chosen` is in the order of `CHOSEN`."""
    choice, measure = _choice(*chosen), chosen[-1]
    table, monthly, runs = exports.table("segments", run), exports.table("monthly", run), exports.runs()
    about = runs[runs["run_id"] == run].iloc[0]
    currency = about["currency"] if isinstance(about.get("currency"), str) else ""
    parts = [_totals(facts.totals(table, monthly, choice), currency, str(about["flagged"]), locale)]
    cards, colours = facts.cards(table, choice), facts.colours(table)
    parts.append(
        html.Section(
            [_card(card, colours[card["name"]], locale) for card in cards[:MOST_CARDS]], className="cards"
        )
    )
    if len(cards) > MOST_CARDS:
        more = f"{locale.number(len(cards) - MOST_CARDS)} further segments are not shown: choose groups or segments, or download the list."
        parts.append(html.P(more, className="note"))
    if monthly is None:
        text = "This run has no months: it is of a table of customers, or its orders could not be read when it was exported."
        parts.append(html.P(text, className="note"))
    else:
        by_month = facts.by_month(monthly, table, choice, measure)
        unit = currency if measure == "revenue" else ""
        parts.append(
            _figure(
                drawings.lines(
                    by_month, f"{facts.MEASURES[measure].capitalize()} by month", colours, unit, locale
                )
            )
        )
    customers = exports.table("customers", run)
    stake = None if customers is None else facts.at_stake(customers, table, choice)
    if stake is not None:
        days = facts.value_days(customers)
        meaning = f"What customers spend in {days} days at their rate so far, times the probability that they do not buy in that time."
        parts.append(_figure(drawings.bars(stake, "Value at stake", colours, currency, locale), meaning))
    parts.append(_movement(exports, runs, str(about["dataset"]), locale))
    return parts


def _choice(segments, groups, first, last, _measure) -> Choice:
    return Choice(tuple(segments or ()), tuple(groups or ()), first, last)


def _movement(exports: Exports, runs: pd.DataFrame, dataset: str, locale: Locale):
    newest = facts.movement(runs, dataset)
    table = None if newest is None else exports.table("movement", newest)
    if table is None:
        text = (
            "Movement between segments appears here once a run of seg migrate is exported to the same place."
        )
        return html.P(text, className="note")
    return _figure(drawings.heat(facts.moves(table), "Customers who moved, from (rows) to (columns)", locale))


def _figure(drawn: dict, caption: str = "") -> html.Figure:
    graph = dcc.Graph(figure=drawn, config=PLAIN)
    return html.Figure([graph, html.Figcaption(caption, className="note")] if caption else graph)


def _totals(totals: dict[str, float], currency: str, flagged: str, locale: Locale) -> html.Section:
    units = {"revenue": f" {currency}"}
    boxes = [
        html.Div([html.B(f"{locale.number(round(value))}{units.get(name, '')}"), html.Span(name)])
        for name, value in totals.items()
    ]
    warning = [] if flagged == "no" else [html.P(f"This run is flagged: {flagged}", className="warning")]
    return html.Section([*warning, html.Div(boxes, className="totals")])


def _card(card: dict, colour: str, locale: Locale) -> html.Article:
    customers = f"{locale.number(card['size'])} customer{'' if card['size'] == 1 else 's'}"
    shares = [customers, f"{locale.percent(card['share'])} of all"]
    if isinstance(card["revenue_share"], float) and card["revenue_share"] == card["revenue_share"]:
        shares.append(f"{locale.percent(card['revenue_share'])} of the revenue")
    means = [
        html.Div([html.Dt(f"mean {wording.label(name)}"), html.Dd(locale.number(value))])
        for name, value in card["means"].items()
        if value == value
    ]
    actions = (
        [html.H3("What to do"), html.Ul([html.Li(text) for text in card["actions"]])]
        if card["actions"]
        else []
    )
    return html.Article(
        [
            html.H2(card["name"]),
            html.P(", ".join(shares)),
            html.P(card["sentence"], className="note"),
            *actions,
            html.Dl(means),
        ],
        style={"borderTopColor": colour},
    )


def downloaded(exports: Exports, _list, _segments, run: str, *chosen):
    """Return the file of the button that was pressed; text that a spreadsheet would run is guarded."""
    choice = _choice(*chosen)
    table = exports.table("segments", run)
    if ctx.triggered_id == "download-segments":
        kept = facts.wanted(table, choice).drop(columns=["run_id", "segment_key"], errors="ignore")
        return _csv(kept, "segments.csv")
    customers = exports.table("customers", run)
    return (
        no_update
        if customers is None
        else _csv(facts.listed_customers(customers, table, choice), "customers.csv")
    )


def _csv(table: pd.DataFrame, name: str) -> dict:
    return dcc.send_bytes(lists.csv_for_people(table), name)
