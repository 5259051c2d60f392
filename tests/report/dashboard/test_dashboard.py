"""The dashboard: its figures on tables worked by hand, what it reads from where, and the page in a real browser."""

import datetime
import threading

import pandas as pd
import pytest

import browser
import local_servers
from seg import dashboard as command
from seg.errors import SegError
from seg.report.dashboard import drawings, exported_tables, facts
from seg.report.dashboard.facts import Choice
from seg.segments import formats
from seg.sinks.parquet_folder import ParquetFolder
from seg.sinks.postgres import Postgres
from seg.sinks.star_schema import Export, table

SEGMENTS = pd.DataFrame(
    {
        "segment": [0, 1, 2], "model": ["FR", "FR", "(common)"], "name": ["Champions", "Lost", "Champions"], "size": [1, 2, 1],
        "share": [0.25, 0.5, 0.25], "revenue_share": [0.6, 0.1, 0.3], "sentence": ["Buy often", None, None],
        "actions": ["Thank them\nAsk them", None, None], "mean_orders": [5.0, 1.0, 3.0],
    }
)  # fmt: skip
CUSTOMERS = pd.DataFrame(
    {
        "customer_id": ["a", "b", "c", "d"], "segment": [0, 1, 1, 2], "group": ["FR", "FR", "FR", "MT"],
        "revenue": [60.0, 6.0, 4.0, 30.0], "usual_spend": [10.0, 20.0, 40.0, 8.0], "probability_30": [0.9, 0.9, 0.9, 0.9],
        "probability_90": [0.9, 0.5, 0.25, 1.0],
    }
)  # fmt: skip
MONTHLY = pd.DataFrame(
    {
        "month": [datetime.date(2026, 1, 1), datetime.date(2026, 1, 1), datetime.date(2026, 3, 1)], "segment": [0, 1, 2],
        "customers": [1, 2, 1], "orders": [3, 2, 1], "revenue": [60.0, 10.0, 30.0],
    }
)  # fmt: skip
MOVEMENT = pd.DataFrame(
    {"from_segment": ["Lost", "Lost"], "to_segment": ["Lost", "Champions"], "customers": [1, 3]}
)


def run(run_id, kind, made_at):
    made = pd.to_datetime([made_at], utc=True)
    facts_of = {
        "kind": [kind],
        "dataset": ["toy"],
        "made_at": made,
        "k": [3],
        "currency": ["EUR"],
        "flagged": ["no"],
    }
    return table("runs", run_id, pd.DataFrame(facts_of))


def exports():
    rows = {"segments": SEGMENTS, "customers": CUSTOMERS, "monthly": MONTHLY}
    train = (run("t2", "train", "2026-04-02"), *(table(name, "t2", frame) for name, frame in rows.items()))
    old = (run("t1", "train", "2026-04-01"), table("segments", "t1", SEGMENTS))
    moved = (run("m1", "migrate", "2026-04-03"), table("movement", "m1", MOVEMENT))
    return Export("t2", "toy", train), Export("t1", "toy", old), Export("m1", "toy", moved)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("exports")
    for export in exports():
        ParquetFolder(str(place)).write(export)
    return place


def test_revenue_by_month_has_every_month_that_is_chosen_and_the_names_of_the_segments():
    everything = facts.by_month(MONTHLY, SEGMENTS, Choice(), "revenue")
    assert everything.loc["2026-01"].to_dict() == {
        "FR: Champions": 60,
        "FR: Lost": 10,
        "(common): Champions": 0,
    }
    assert facts.by_month(MONTHLY, SEGMENTS, Choice(first="2026-02"), "revenue").index.tolist() == ["2026-03"]
    assert facts.by_month(MONTHLY, SEGMENTS, Choice(segments=(1,)), "orders").to_dict("list") == {
        "FR: Lost": [2, 0]
    }


def test_totals_follow_the_filters():
    assert facts.totals(SEGMENTS, MONTHLY, Choice()) == {"customers": 4, "orders": 6, "revenue": 100}
    assert facts.totals(SEGMENTS, MONTHLY, Choice(groups=("FR",), last="2026-02")) == {
        "customers": 3,
        "orders": 5,
        "revenue": 70,
    }
    assert facts.totals(SEGMENTS, None, Choice()) == {"customers": 4}


def test_a_small_group_has_the_segments_of_the_common_model_and_its_own_customers():
    choice = Choice(groups=("MT",))
    assert facts.wanted(SEGMENTS, choice)["segment"].tolist() == [2]
    assert facts.listed_customers(CUSTOMERS, SEGMENTS, choice)["customer_id"].tolist() == ["d"]
    assert facts.groups(CUSTOMERS) == ["FR", "MT"]


def test_cards_hold_name_sentence_and_actions():
    first, second, _third = facts.cards(SEGMENTS, Choice())
    assert (first["name"], first["actions"], first["means"]) == (
        "FR: Champions",
        ["Thank them", "Ask them"],
        {"orders": 5.0},
    )
    assert (second["sentence"], second["actions"]) == ("", [])


def test_the_value_at_stake_is_that_of_the_report_over_the_horizon_nearest_to_a_quarter():
    wide = CUSTOMERS.assign(probability_180=1.0)
    assert facts.value_days(wide) == 90
    assert facts.at_stake(wide, SEGMENTS, Choice()).equals(facts.at_stake(CUSTOMERS, SEGMENTS, Choice()))
    # Segment 1: 20 x 0.5 + 40 x 0.75; probabilities of 90 days.
    stake = facts.at_stake(CUSTOMERS, SEGMENTS, Choice())
    assert stake.to_dict() == pytest.approx(
        {"FR: Champions": 1.0, "FR: Lost": 40.0, "(common): Champions": 0.0}
    )
    assert facts.at_stake(CUSTOMERS.drop(columns="usual_spend"), SEGMENTS, Choice()) is None


def test_a_segment_has_the_colour_that_it_has_in_the_report():
    colours = facts.colours(SEGMENTS)
    assert colours == {"FR: Champions": "#0072b2", "FR: Lost": "#e69f00", "(common): Champions": "#009e73"}
    drawn = drawings.lines(pd.DataFrame({"FR: Lost": [1.0]}, index=["2026-01"]), "Revenue by month", colours)
    assert drawn["data"][0]["line"]["color"] == "#e69f00"


def test_movement_is_of_the_newest_run_of_the_data_set(folder):
    opened = exported_tables.connect(str(folder))
    assert facts.movement(opened.runs(), "toy") == "m1" and facts.movement(opened.runs(), "other") is None
    assert facts.moves(opened.table("movement", "m1")).to_dict("index") == {
        "Lost": {"Lost": 1, "Champions": 3}
    }


def test_the_newest_training_comes_first_and_a_table_that_is_not_there_is_none(folder):
    opened = exported_tables.connect(str(folder))
    assert facts.trainings(opened.runs())["run_id"].tolist() == ["t2", "t1"]
    assert opened.table("monthly", "t1") is None and opened.table("monthly", "../../etc") is None
    assert facts.month_names(opened.table("monthly", "t2")) == ["2026-01", "2026-03"]


def test_many_lines_become_few_and_the_rest():
    wide = pd.DataFrame(
        [[float(one) for one in range(20)]], index=["2026-01"], columns=[f"s{one}" for one in range(20)]
    )
    drawn = drawings.lines(wide, "t", {})["data"]
    assert (
        len(drawn) == drawings.LEGEND
        and drawn[-1]["name"] == "9 further segments"
        and drawn[-1]["y"] == [36.0]
    )


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ([], "source=... is required"),
        (["source=x", "port=web"], "port=web: expected a number"),
        (["source=x", "prot=8050"], "prot=8050: unknown option"),
        (["source={folder}/none"], "has no folder runs; expected a folder that sink=parquet"),
        (
            ["source=postgresql://ana:geheim-4711@127.0.0.1:9/x"],
            r"postgresql://\.\.\.@127.0.0.1:9/x.*check the address",
        ),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_served(arguments, text, tmp_path):
    with pytest.raises(SegError, match=text) as raised:
        command.dashboard(*(one.format(folder=tmp_path) for one in arguments))
    assert "geheim" not in str(raised.value)


def test_postgresql_gives_the_same_tables_as_the_folder(folder, postgres):
    address = local_servers.new_database(postgres, "dashboard")
    for export in exports():
        Postgres(address).write(export)
    database, files = exported_tables.connect(address), exported_tables.connect(str(folder))
    assert set(database.runs()["run_id"]) == set(files.runs()["run_id"])
    choice = Choice(groups=("FR",))
    for opened in (database, files):
        segments, monthly = opened.table("segments", "t2"), opened.table("monthly", "t2")
        assert facts.totals(segments, monthly, choice) == {"customers": 3, "orders": 5, "revenue": 70}
    with pytest.raises(SegError, match=r"no table public\.other_runs; set schema= and prefix="):
        exported_tables.connect(address, prefix="other_")


def test_numbers_are_written_as_the_language_does(folder):
    from seg.report.dashboard import app

    german = formats.locale("de")
    assert drawings.bars(pd.Series({"Lost": 1.5}), "t", {}, locale=german)["layout"]["separators"] == ",."
    assert drawings.heat(pd.DataFrame({"Lost": [1234.0]}), "t", german)["data"][0]["text"] == [["1.234"]]
    opened, turkish = exported_tables.connect(str(folder)), formats.locale("tr")
    shown = app.content(opened, "t2", (), (), None, None, "revenue", locale=turkish)
    assert "%25 of all" in str(shown)
    with pytest.raises(SegError, match=r"locale=xx: expected one of en, de, tr, pt"):
        command.dashboard(f"source={folder}", "locale=xx")


@pytest.mark.skipif(browser.CHROMIUM is None, reason="no Chromium on this machine")
def test_the_page_shows_and_filters_in_a_browser_without_a_network(folder, tmp_path):
    from seg.report.dashboard import app

    port = local_servers.free_port()
    server = app.server(exported_tables.connect(str(folder)), "127.0.0.1", port)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        with pytest.raises(SegError, match=f"port={port}: is in use"):
            app.server(exported_tables.connect(str(folder)), "127.0.0.1", port)
        with browser.page(tmp_path / "profile", timeout=120) as page:
            page.open(f"http://127.0.0.1:{port}")
            page.shows("FR: Champions", "Thank them", "100 EUR", "Value at stake", "Customers who moved")
            page.value("document.querySelector('#groups').click()")
            page.shows("MT")
            page.value(
                "[...document.querySelectorAll('label, [role=option]')].findLast(one => one.innerText === 'MT').click()"
            )
            page.shows("30 EUR")
            page.size(390, 844)
            assert page.value("document.documentElement.scrollWidth <= window.innerWidth")
            own = (f"http://127.0.0.1:{port}/", "data:", "blob:")
            assert not page.console and not [one for one in page.requests if not one.startswith(own)]
    finally:
        server.shutdown()
        server.server_close()


def test_another_name_of_this_machine_is_refused(folder):
    from seg.report.dashboard import app

    page = app.build(exported_tables.connect(str(folder)))
    client = app.guarded(page.server, "127.0.0.1", 8050).test_client()
    assert client.get("/", base_url="http://127.0.0.1:8050").status_code == 200
    assert client.get("/", base_url="http://evil.example:8050").status_code == 403
