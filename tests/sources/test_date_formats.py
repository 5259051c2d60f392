"""Dates as files have them: which formats read them, and what Python makes of the same text."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime, timedelta

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus import drawn
from seg.engine import Raw
from seg.errors import SegError
from seg.sources import date_formats
from seg.sources.date_formats import FORMATS, check, check_zone, milliseconds, proposals, swapped
from seg.sources.format_advice import of_dates
from seg.sources.typed_values import Dialect, Field, typed

EPOCH = datetime(1970, 1, 1)


@pytest.fixture(scope="module")
def counted(engine):
    """Read numbers, or the text of numbers, as times."""

    def read(values: list, format: str) -> list[datetime | None]:
        table = engine.register(pa.table({"value": values}))
        times = engine.collect(table.select(time=engine.epoch_ms(milliseconds(table.value, format))))["time"]
        return [None if time != time else time.to_pydatetime() for time in times]

    return read


@pytest.mark.parametrize(
    "format, text, time",
    [
        ("excel", "45438", datetime(2024, 5, 26)),
        ("excel", "45438.5", datetime(2024, 5, 26, 12)),
        ("excel", "61", datetime(1900, 3, 1)),
        ("excel", "1716681600", None),
        ("excel", "x", None),
        ("epoch_s", "1716681600", datetime(2024, 5, 26)),
        ("epoch_s", "1716681600.25", datetime(2024, 5, 26, 0, 0, 0, 250_000)),
        ("epoch_s", "1716681600000", None),  # milliseconds
        ("epoch_ms", "1716681600000", datetime(2024, 5, 26)),
        ("epoch_ms", "1716681600", None),  # seconds
    ],
)
def test_counted_dates_are_read_from_text_and_from_numbers(counted, format, text, time):
    assert counted([text], format) == [time]
    if text != "x":
        assert counted([float(text)], format) == [time]


def test_counted_dates_are_those_of_python(counted):
    drawn_times = drawn(st.datetimes(datetime(1980, 1, 1), datetime(2100, 1, 1)), 300)
    times = [time.replace(microsecond=0) for time in drawn_times]
    seconds = [str(int((time - EPOCH).total_seconds())) for time in times]
    assert counted(seconds, "epoch_s") == times
    assert counted([text + "000" for text in seconds], "epoch_ms") == times
    serial = [(time - datetime(1899, 12, 30)) / timedelta(days=1) for time in times]
    read = counted(serial, "excel")
    assert all(abs(one - time) < timedelta(milliseconds=2) for one, time in zip(read, times, strict=True))


@pytest.mark.parametrize(
    "values, formats",
    [
        (["26.05.2024", "01.06.2024"], ["%d.%m.%Y"]),
        (["05/26/2024"], ["%m/%d/%Y"]),
        (["03/05/2024", "12/08/2024"], ["%d/%m/%Y", "%m/%d/%Y"]),
        (["20240526"], ["%Y%m%d"]),
        (["45438", "45527.5"], ["excel"]),
        (["1716681600"], ["epoch_s"]),
        (["1716681600000"], ["epoch_ms"]),
        (["05-Jan-2023", "31-May-2023"], ["%d-%b-%Y"]),
        (["Fri, 05 Jan 2024 10:15"], ["%a, %d %b %Y %H:%M"]),
        (["January 5, 2024 3:04 PM"], ["%B %d, %Y %I:%M %p"]),
        (["1/26/2024 9:00"], ["%m/%d/%Y %H:%M"]),
        (["Sunday 26 May 2024", "Saturday 1 June 2024"], ["%A %d %B %Y"]),
        (["Sun 26.05.2024"], ["%a %d.%m.%Y"]),
        (["Sun, 26 May 2024 23:30:00 GMT"], ["%a, %d %b %Y %H:%M:%S GMT"]),
        (["45438,5"], ["excel"]),
        (["June 8th, 2023", "May 21st, 2023"], ["%B %d, %Y"]),
        (["Thursday, June 8th, 2023 10:15"], ["%A, %B %d, %Y %H:%M"]),
        (["1er août 2023", "22 juin 2023"], ["%d %b %Y"]),
        (["8 июня 2023", "21 ЯНВАРЯ 2024"], ["%d %b %Y"]),
        (["8. června 2023"], ["%d. %B %Y"]),
        (["2023. június 8."], ["%Y. %B %d."]),
        (["04FEB2023"], ["%d%b%Y"]),
        (["04FEB2023:18:30:05"], ["%d%b%Y:%H:%M:%S"]),
        (["14-FEB-24 06.15.07.000000 PM"], ["%d-%b-%y %I.%M.%S.%f %p"]),
        (["Jan-15-24"], ["%b-%d-%y"]),
        (["24.01.2023, 08:15 Uhr"], ["%d.%m.%Y, %H:%M Uhr"]),
        (["24.01.2023 kl. 08.15"], ["%d.%m.%Y kl. %H.%M"]),
        (["3. 1. 2023", "24. 1. 2023"], ["%d. %m. %Y"]),
        (["2023. 01. 24."], ["%Y. %m. %d."]),
        (["24 Maret 2023", "5 Desember 2023"], ["%d %b %Y"]),
        (["2023035", "2024366"], ["%Y%j"]),
        (["/Date(1716681600000)/", "/Date(1716681600000-0500)/"], ["epoch_ms"]),
        (["2024-05"], ["%Y-%m"]),
        (["2024-05-26"], [None]),
        (["2024-05-26 10:15:00 UTC"], [None]),
        (["2024-05-26T23:30:00-05:00"], [None]),
        (["x", "y"], []),
        ([], []),
        (["0"], []),
    ],
)
def test_proposals_are_the_formats_that_read_the_values(values, formats):
    assert [one.format for one in proposals(values)] == formats


def test_of_two_formats_in_one_column_both_are_named():
    found = proposals(["26-05-2024"] * 3 + ["05/26/2024"] * 2)
    assert [(one.format, one.values) for one in found] == [("%d-%m-%Y", 3), ("%m/%d/%Y", 2)]


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.dates(date(1990, 1, 1), date(2026, 1, 1)), min_size=3, max_size=5), st.sampled_from(FORMATS)
)
def test_the_format_that_wrote_dates_is_among_the_proposals_or_reads_the_same_days(days, format):
    texts = [datetime(day.year, day.month, day.day).strftime(format) for day in days]
    found = proposals(texts)
    assert found
    if len(found) == 1 and any(day.day > 12 for day in days):
        read = [date_formats.day_of(text, found[0].format) for text in texts]
        assert read == days


@pytest.mark.parametrize("format", ["hello", "%Y-%m-%d %z", "Excel", 5])
def test_a_format_that_is_none_is_refused(format):
    with pytest.raises(SegError, match=r"dataset\.date_format="):
        check(format)


@pytest.mark.parametrize("format", [None, "excel", "epoch_s", "epoch_ms", "%d.%m.%Y"])
def test_formats_are_accepted(format):
    check(format)


def test_a_time_zone_is_a_name_that_is_known():
    check_zone(None)
    check_zone("Europe/Berlin")
    with pytest.raises(
        SegError, match=r"dataset\.time_zone=Europe/Berlyn: unknown; expected a name such as Europe/Berlin"
    ):
        check_zone("Europe/Berlyn")


def test_day_and_month_are_exchanged_where_both_are_numbers():
    assert swapped("%d/%m/%Y %H:%M") == "%m/%d/%Y %H:%M"
    assert swapped("%m.%d.%y") == "%d.%m.%y"
    assert swapped("%Y-%m-%d") is None
    assert swapped("excel") is None
    assert swapped(None) is None


def test_an_instant_is_read_on_the_wall_clock_of_a_zone(engine):
    table = engine.register(pa.table({"time": [datetime(2024, 1, 1, 3), datetime(2024, 7, 1, 3)]}))
    local = engine.collect(
        table.select(time=engine.wall_clock(table.time.cast("timestamp(6)"), "America/New_York"))
    )["time"]
    assert list(local) == [datetime(2023, 12, 31, 22), datetime(2024, 6, 30, 23)]


@pytest.mark.parametrize(
    ("text", "format", "time"),
    [
        ("Wed, 31 Jan 2024 23:30:00 +0100", "rfc2822", datetime(2024, 1, 31, 22, 30)),
        ("1 Mar 2024 00:30 -0500 (EST)", "rfc2822", datetime(2024, 3, 1, 5, 30)),
        ("Wed, 31 Feb 2024 23:30:00 +0100", "rfc2822", None),
        ("2024-01-31T23:30:00+01:00", "rfc2822", None),
        (
            "Wed Jan 31 2024 12:00:00 GMT+0100 (Central European Standard Time)",
            "javascript",
            datetime(2024, 1, 31, 11),
        ),
        ("Wed Abc 31 2024 12:00:00 GMT+0100", "javascript", None),
        ("2024-01-31T12:00+01:00[Europe/Berlin]", "offset", datetime(2024, 1, 31, 11)),
        ("2024-01-31T12:00:00Z[UTC]", "offset", datetime(2024, 1, 31, 12)),
        ("01/31/2024 2:30 p.m.", "%m/%d/%Y %I:%M %p", datetime(2024, 1, 31, 14, 30)),
        ("01/31/2024, 12:05:00\u202fAM", "%m/%d/%Y, %I:%M:%S %p", datetime(2024, 1, 31, 0, 5)),
        ("01/31/2024 2:30P.M.", "%m/%d/%Y %I:%M%p", datetime(2024, 1, 31, 14, 30)),
    ],
)
def test_dates_of_programs_are_read_and_proposed(engine, text, format, time):
    raw = Raw(engine.register(pa.table({"date": [text]})))
    read = typed(engine, raw, Field("ordered_at", "date", "time", format=format), Dialect(), "orders.csv")
    value = engine.collect(raw.table.select(time=read))["time"][0]
    assert (None if value != value else value.to_pydatetime()) == time
    proposed = [one.format for one in proposals([text])]
    if time and "%I:%M%p" not in format:
        assert proposed == [None if format == "offset" else format]


def test_quarters_are_named_as_such():
    for text in ("Q1 2024", "2024-Q3", "2024q4"):
        advice = of_dates(Field("ordered_at", "date", "time"), Counter([text]))
        assert f"holds quarters such as {text!r}" in advice


def test_an_offset_is_no_zone():
    with pytest.raises(SegError, match=r"time_zone=\+02:00: .* Etc/GMT-2 is two hours ahead of UTC"):
        check_zone("+02:00")
    check_zone("Etc/GMT-2")
