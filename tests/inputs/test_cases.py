"""What people have in their files: read as it is meant, refused, or said. One line a case."""

from __future__ import annotations

import gzip
import os
import zipfile
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

import inputs.spellings as sp
from seg.datasets import transactions
from seg.engine import Reading
from seg.engine.files import checked
from seg.errors import SegError
from seg.sources import file_look, odd_ids
from seg.sources.locate import Source, expand

COLUMNS = {"customer_id": "cust", "order_id": "order", "ordered_at": "date", "amount": "total"}
EU = {"reading": {"delimiter": ";", "thousands": "."}, "decimal": ",", "date_format": "%d.%m.%Y"}
SAME = (sp.ROWS, round(sum(row[3] for row in sp.orders()), 2), len({row[1] for row in sp.orders()}),
        min(row[2] for row in sp.orders()), max(row[2] for row in sp.orders()))  # fmt: skip


def mixed(day):
    return f"{day:%d-%m-%Y}" if day.day > 12 else f"{day:%m/%d/%Y}"


def iso_week(day):
    year, week, weekday = day.isocalendar()
    return f"{year}-W{week:02}-{weekday}"


TURKISH = [
    "Ocak",
    "Şubat",
    "Mart",
    "Nisan",
    "Mayıs",
    "Haziran",
    "Temmuz",
    "Ağustos",
    "Eylül",
    "Ekim",
    "Kasım",
    "Aralık",
]
FRENCH = ["janv.", "févr.", "mars", "avr.", "mai", "juin", "juil.", "août", "sept.", "oct.", "nov.", "déc."]
RUSSIAN = [
    "января",
    "февраля",
    "марта",
    "апреля",
    "мая",
    "июня",
    "июля",
    "августа",
    "сентября",
    "октября",
    "ноября",
    "декабря",
]
GERMAN = [
    "Januar",
    "Februar",
    "März",
    "April",
    "Mai",
    "Juni",
    "Juli",
    "August",
    "September",
    "Oktober",
    "November",
    "Dezember",
]


@dataclass(frozen=True)
class Case:
    """A file, how it is declared, and what should come: the same table, an error or a note with these words."""

    name: str
    content: object
    error: str | None = None
    notes: tuple[str, ...] = ()
    ending: str = "csv"
    encoding: str = "utf-8"
    customers: int = SAME[2]
    options: dict = field(default_factory=dict)


def case(name: str, content: object, **further) -> Case:
    known = {
        key: further.pop(key)
        for key in ("error", "notes", "ending", "encoding", "customers")
        if key in further
    }
    return Case(name, content, **known, options=further)


CASES = [
    case("plain", sp.text()),
    case("byte order mark", "\ufeff" + sp.text()),
    case("utf-16", sp.text(), encoding="utf-16", reading={"encoding": "utf-16"}),
    case("another encoding, not declared", sp.text(spell_id=lambda id, at: f"É{id}"), encoding="latin-1", error="set dataset.encoding"),
    case("mark of UTF-8 before another encoding", b"\xef\xbb\xbf" + sp.text(spell_id=lambda id, at: f"É{id}").encode("cp1252"),
         reading={"encoding": "windows-1252"}),
    case("UTF-8 with its mark, declared otherwise", b"\xef\xbb\xbf" + sp.text().encode(), reading={"encoding": "windows-1252"},
         error="it is UTF-8 and begins with its byte order mark; set dataset.encoding=utf-8"),
    case("ids of 17 digits from a spreadsheet", sp.text(spell_id=lambda id, at: f"12345678901{id[1:]}00"), notes=("zeros behind the 15th",)),
    case("tabs", sp.text(delimiter="\t"), ending="tsv", reading={"delimiter": "\\t"}),
    case("padded with blanks", sp.padded(), ending="txt", reading={"delimiter": "whitespace"}),
    case("array of JSON", sp.array(), ending="json"),
    case("cut array of JSON", sp.array()[:-30], ending="json", error=r"not a JSON array: .* in line"),
    case("title above the header", sp.text(above="Sales,,,\n,,,\n"), reading={"skip_rows": 2}),
    case("title, not declared", sp.text(above="Sales,,,\n,,,\n"), error=r"the header is line 3: .*dataset\.skip_rows=2"),
    case("no header", sp.text().partition("\n")[2], reading={"names": sp.HEADER}),
    case("names for another number of columns", sp.text(), reading={"names": ["a", "b"]}, error="2 names, and the first line has 4"),
    case("lines of delimiters", sp.text(below=",,,\n,,,\n"), notes=("2 lines of nothing but delimiters",)),
    case("line of totals", sp.text(below="Total,,,9999.00\n"), error="it looks like a line of totals"),
    case("groups and decimal comma", sp.text("{:%d.%m.%Y}".format, lambda x: sp.grouped(x, ",", "."), delimiter=";"), **EU),
    case("decimal comma, not declared", sp.text("{:%d.%m.%Y}".format, lambda x: sp.grouped(x, ",", "."), delimiter=";"),
         reading={"delimiter": ";"}, date_format="%d.%m.%Y", error=r"dataset\.decimal=',' dataset\.thousands='\.'"),
    case("no-break blanks", sp.text(spell_amount=lambda x: sp.grouped(x, ",", "\u00a0") + " €", delimiter=";"),
         reading={"delimiter": ";", "thousands": " "}, decimal=","),
    case("American accountants", sp.text("{:%m/%d/%Y}".format, sp.accounting), reading={"thousands": ","}, date_format="%m/%d/%Y"),
    case("minus behind", sp.text(spell_amount=lambda x: f"{-x:.2f}-" if x < 0 else f"{x:.2f}")),
    case("minus that is no hyphen", sp.text(spell_amount=lambda x: str(x).replace("-", "\u2212"))),
    case("groups, not declared", sp.text(spell_amount=sp.grouped), error=r"total: set dataset\.thousands=','"),
    case("gzip named as text", gzip.compress(sp.text().encode()), error=r"it is a gzip file, not text; rename it so that it ends in \.gz"),
    case("percentages as amounts", sp.text(spell_amount=lambda x: f"{x}%"), error=r"total: holds percentages, expected amounts"),
    case("two currencies", sp.text(spell_amount=lambda x: f"{x} USD" if x > 0 else f"{x} EUR"), error="mixes currencies: "),
    case("serial days", sp.text(sp.serial), date_format="excel"),
    case("serial days, not declared", sp.text(sp.serial), error=r"date: set dataset\.date_format=excel"),
    case("seconds", sp.text(sp.seconds), date_format="epoch_s"),
    case("seconds, not declared", sp.text(sp.seconds), error=r"dataset\.date_format=epoch_s"),
    case("milliseconds", sp.text(lambda day: sp.seconds(day) + "000"), date_format="epoch_ms"),
    case("milliseconds as seconds", sp.text(lambda day: sp.seconds(day) + "000"), date_format="epoch_s",
         error=r"dataset\.date_format=epoch_ms"),
    case("microseconds, not declared", sp.text(lambda day: sp.seconds(day) + "000000"), error=r"dataset\.date_format=epoch_us"),
    case("microseconds", sp.text(lambda day: sp.seconds(day) + "000000"), date_format="epoch_us"),
    case("nanoseconds", sp.text(lambda day: sp.seconds(day) + "000000000"), date_format="epoch_ns"),
    case("ISO weeks with days", sp.text(iso_week), date_format="%G-W%V-%u"),
    case("ISO weeks, not declared", sp.text(iso_week), error=r"dataset\.date_format=%G-W%V-%u"),
    case("Turkish months", sp.text(lambda day: f"{day.day} {TURKISH[day.month - 1]} {day.year}"), date_format="%d %B %Y"),
    case("French months with days of the week", sp.text(lambda day: f"mar. {day.day} {FRENCH[day.month - 1]} {day.year}"), date_format="%a %d %b %Y"),
    case("German months, not declared", sp.text(lambda day: f"{day.day}. {GERMAN[day.month - 1]} {day.year}"), error=r"dataset\.date_format='%d\. %B %Y'"),
    case("days with endings, not declared", sp.text(lambda day: f"{day:%B} {day.day}th {day.year}"), error=r"dataset\.date_format='%b %d %Y'"),
    case("days with endings", sp.text(lambda day: f"{day:%b} {day.day}th {day.year}"), date_format="%b %d %Y"),
    case("Russian months", sp.text(lambda day: f"{day.day} {RUSSIAN[day.month - 1]} {day.year}"), date_format="%d %B %Y"),
    case("midnight as 24:00", sp.text("{:%Y-%m-%d} 24:00".format), error=r"date: no day has a time such as '2.* 24:00'; write it as 00:00 of the next"),
    case("a year, solid, behind day and month", sp.text("{:%d%m%Y}".format), error=r"date: set dataset\.date_format=%d%m%Y \(2023"),
    case("a year of two digits in front", sp.text("{:%y-%m-%d}".format), error=r"date: set dataset\.date_format=%y-%m-%d \(2023"),
    case("days that are counted from 1960", sp.text(lambda day: str(int(sp.serial(day)) - 21_916)), error="no date format that seg knows"),
    case("days of a spreadsheet with a decimal comma", sp.text(lambda day: f"{sp.serial(day)},5", delimiter=";"), reading={"delimiter": ";"},
         date_format="excel", error=r"date: set dataset\.decimal=','"),
    case("days without dashes", sp.text("{:%Y%m%d}".format), date_format="%Y%m%d"),
    case("names of months", sp.text("{:%d-%b-%Y}".format), date_format="%d-%b-%Y"),
    case("names of days", sp.text("{:%A, %d %B %Y}".format), date_format="%A, %d %B %Y"),
    case("UTC in words", sp.text("{:%Y-%m-%d} 10:15:00 UTC".format)),
    case("offset of the shop", sp.text("{:%Y-%m-%d}T23:30:00-05:00".format), reading={"time_zone": "America/Jamaica"}),
    case("unknown zone", sp.text(), reading={"time_zone": "Mars/Base"}, error=r"dataset\.time_zone=Mars/Base: unknown"),
    case("day first, not declared", sp.text("{:%d/%m/%Y}".format), error=r"date: set dataset\.date_format=%d/%m/%Y"),
    case("two formats", sp.text(mixed), error=r"date: mixes .*%d-%m-%Y \(68 rows\)"),
    case("wrong format and skip", sp.text("{:%d/%m/%Y}".format), date_format="%m/%d/%Y", bad_rows="skip",
         reading={"bad_rows_limit": 0.01}, error=r"more than dataset\.bad_rows_limit=0\.01 allows to skip(.|\n)*set dataset\.date_format"),
    case("ids with .0", sp.text(spell_id=lambda id, at: id[1:] + (".0" if at % 2 else ""))),
    case("ids as a spreadsheet shows them", sp.text(spell_id=lambda id, at: f"{int(id[1:]):.3E}" if at % 2 else id[1:])),
    case("ids that a spreadsheet has cut", sp.text(spell_id=lambda id, at: "1.23457E+12"), error="a spreadsheet has dropped its last digits"),
    case("ids with blanks", sp.text(spell_id=lambda id, at: f" {id}\u00a0" if at % 2 else id)),
    case("ids in lower case", sp.text(spell_id=lambda id, at: id.lower() if at % 2 else id), reading={"id_case": "lower"}),
    case("one column for two things", sp.text(), columns=COLUMNS | {"order_id": "cust"}, error="customer_id and order_id are both 'cust'"),
    case("one object around an array", '{"orders": ' + sp.array().replace("\n", "") + "}", ending="json", error="the list in 'orders', write that list alone"),
    case("JSON by columns", pd.DataFrame(sp.orders(), columns=sp.HEADER).to_json(date_format="iso"), ending="json", error="one object holds whole columns; write one object a row"),
    case("JSON of names and rows", pd.DataFrame(sp.orders(), columns=sp.HEADER).to_json(orient="split"), ending="json", error="missing column .*; write one object a row"),
    case("lines that are longer than the header", sp.text(spell_id=lambda id, at: f"12;{id}").replace(";", ","), error=r"malformed lines(.|\n)*dataset\.delimiter\Z"),
    case("quotes behind a backslash", sp.text(spell_id=lambda id, at: f'\\"{id}\\"').replace('""', '"'), error='write a quote inside a field as ""'),
    case("single quotes", sp.text().replace(",", "','").replace("\n", "'\n'")[:-1].join(["'", ""]), error="the fields are in single quotes: set dataset.quote=single"),
    case("single quotes, declared", sp.text(quote="'", spell_amount=sp.grouped), reading={"quote": "single", "thousands": ","}),
    case("a control character", sp.text(delimiter="\x01"), reading={"delimiter": "\\x01"}),
    case("dates of .NET", sp.text(lambda day: f"/Date({sp.seconds(day)}000+0200)/"), date_format="epoch_ms"),
    case("year and day of the year", sp.text("{:%Y%j}".format), date_format="%Y%j"),
    case("a round amount, its comma not declared", sp.text(spell_amount=lambda x: f"{round(x)},-"), error="dataset.decimal=','"),
    case("only blank lines", " \n\n  \n", error="the file is empty; expected a header line"),
    case("a field of megabytes", sp.text(spell_id=lambda id, at: id + "x" * 300_000 * (at == 0)), customers=SAME[2] + 1),
    case("a page of HTML", "<html><table><tr><td>cust</td></tr></table></html>", error="a page of HTML or XML, not a table; open it in a spreadsheet"),
    case("an archive that is text", "PK\x03\x04" + sp.text(), error="a ZIP archive or a workbook, not text; unpack it"),
    case("plain text named gzip", sp.text(), ending="csv.gz", error=r"it is not compressed; rename it without \.gz"),
    case("a unit behind each amount", sp.text(spell_amount=lambda x: f"{x} Taler"), error=r"numbers with other text around them \('Taler'\)"),
    case("objects of JSON as ids", "\n".join('{"order":"a","cust":{"id":"x"},"date":"2024-01-05","total":1}' for _ in range(3)), ending="jsonl",
         error="cust: it holds JSON objects or lists: write the value that is needed"),
    case("names in another Unicode form", sp.text().replace("total", "to\u0308tal"), columns=COLUMNS | {"amount": "t\u00f6tal"}, error="copy the name from its header"),
    case("characters of ids that are not seen", sp.text(spell_id=lambda id, at: id + "\u200b1" if at else id + "1"), notes=("characters that are not seen",), customers=SAME[2] + 1),
    case("no header, no option", sp.text().partition("\n")[2], error="seg data check looks at the file and prints the options"),
    case("workbook with another sheet", "book", ending="xlsx", error=r"the sheets Orders, Returns; .*dataset\.sheet='Orders'"),
    case("one sheet of a workbook", "book", ending="xlsx", reading={"sheet": "Orders"}),
    case("formulas without values", "formulas", ending="xlsx", error="total: no cell holds a value; if they hold formulas, open the workbook"),
    case("dates and texts in one column of a workbook", "texts", ending="xlsx", error=r"date: set dataset\.date_format=%d\.%m\.%Y \("),
    case("text named workbook", sp.text(), ending="xlsx", error=r"not a readable Excel workbook .*rename it to \.csv"),
    case("hidden sheet", "hidden", ending="xlsx", notes=("hidden sheets are not read: Old",)),
    case("whole numbers in Parquet", "typed", ending="parquet", date_format="%Y%m%d"),
    case("whole numbers in Parquet, not declared", "typed", ending="parquet", error=r"%Y%m%d for 20240131"),
]  # fmt: skip


def written(one: Case, folder: Path) -> Path:
    path = folder / f"orders.{one.ending}"
    makers = {
        "book": sp.book,
        "hidden": lambda path: sp.book(path, hidden=True),
        "typed": sp.typed,
        "formulas": lambda path: sp.book(path, spell=lambda at, row: [*row[:3], f"={row[3]}"]),
        "texts": lambda path: sp.book(
            path, spell=lambda at, row: [*row[:2], f"{row[2]:%d.%m.%Y}" if at % 2 else row[2], row[3]]
        ),
    }
    if one.content in makers:
        return makers[one.content](path)
    content = one.content
    path.write_bytes(content if isinstance(content, bytes) else content.encode(one.encoding))
    return path


def load(engine, path: Path, options: dict):
    options = {"columns": COLUMNS, "reading": {}} | options
    source = Source("orders", "file", (path,), "")
    return transactions.load(engine, source, **(options | {"reading": Reading(**options["reading"])}))


def measured(engine, table) -> tuple:
    frame = engine.collect(table)
    days = frame["ordered_at"].dt.date
    return (
        len(frame),
        round(float(frame["amount"].sum()), 2),
        frame["customer_id"].nunique(),
        days.min(),
        days.max(),
    )


@pytest.mark.parametrize("one", CASES, ids=lambda one: one.name)
def test_a_file_is_read_as_it_is_meant_or_refused_with_the_way_out(engine, tmp_path, one):
    path = written(one, tmp_path)
    if one.error:
        with pytest.raises(SegError, match=one.error):
            load(engine, path, one.options)
        return
    loaded = load(engine, path, one.options)
    assert measured(engine, loaded.table) == (*SAME[:2], one.customers, *SAME[3:])
    said = " ".join(text for _level, text in loaded.notes)
    assert all(words in said for words in one.notes)
    assert one.notes or not loaded.notes


# ---- what is said, and the rows are read --------------------------------------------------------------------


def notes_of(engine, path: Path, content: str, **options) -> str:
    path.write_text(content)
    return " ".join(text for _level, text in load(engine, path, options).notes)


def test_ids_that_are_nearly_the_same_are_said(engine, tmp_path):
    path = tmp_path / "orders.csv"
    case_said = notes_of(engine, path, sp.text(spell_id=lambda id, at: id.lower() if at % 2 else id))
    assert (
        "differs from another only in upper and lower case" in case_said
        and "dataset.id_case=lower" in case_said
    )
    zeros = notes_of(engine, path, sp.text(spell_id=lambda id, at: f"000{id[1:]}" if at % 2 else id[1:]))
    assert "only in zeros in front" in zeros
    groups = notes_of(
        engine, path, sp.text(spell_id=lambda id, at: f"1{id[1:2]},{id[2:]}" if at % 2 else f"1{id[1:]}")
    )
    assert "only in the grouping or the decimals of a number, such as '11" in groups
    marks = notes_of(engine, path, sp.text(spell_id=lambda id, at: f"'{id}" if at % 2 else id))
    assert "only in quotation marks or apostrophes around it" in marks
    dashes = notes_of(engine, path, sp.text(spell_id=lambda id, at: "C" + "-\u2013"[at % 2] + id))
    assert "only in characters that look alike (Unicode), such as 'C-C1" in dashes
    written = ("M\u00fcller", "Mu\u0308ller", "\uff2d\u00fcller")
    assert "2 customers have an id that differs from another only in characters that look alike" in notes_of(
        engine, path, sp.text(spell_id=lambda id, at: written[at % 3])
    )
    assert not notes_of(engine, path, sp.text(spell_id=lambda id, at: written[0] + id[: at % 2]))


def test_ids_of_one_case_and_few_digits_are_looked_at_once(engine, lines, monkeypatch):
    asked, collect = [], engine.collect
    monkeypatch.setattr(engine, "collect", lambda table: asked.append(table) or collect(table))
    for ids in (["12", "9", None], ["AB-1", "2"], ["ab_1", "0x"]):
        asked.clear()
        table = lines(*[(id, "1", "2024-01-01", "p", 1, 1) for id in ids])
        assert odd_ids.alike_ids(engine, table, "cust") == [] and len(asked) == 1
    for ids in (["012", "12"], ["AB1", "ab1"], ["a b", "a  b"]):
        table = lines(*[(id, "1", "2024-01-01", "p", 1, 1) for id in ids])
        assert len(odd_ids.alike_ids(engine, table, "cust")) == 1


def test_cells_that_a_spreadsheet_has_read_with_the_month_first_are_said(engine, tmp_path):
    def exchanged(at: int, row: tuple) -> list:
        order, id, day, amount = row
        read = date(day.year, day.day, day.month) if day.day <= 12 else f"{day:%d/%m/%Y}"
        return [order, id, read, amount]

    path = sp.book(tmp_path / "orders.xlsx", spell=exchanged)
    said = " ".join(text for _level, text in load(engine, path, {"date_format": "%d/%m/%Y"}).notes)
    assert "cells are dates, none later than the 12th, and" in said and "exchanged them" in said
    path = sp.book(
        tmp_path / "half.xlsx",
        spell=lambda at, row: [*row[:2], row[2] if at % 2 else f"{row[2]:%d/%m/%Y}", row[3]],
    )
    assert not load(engine, path, {"date_format": "%d/%m/%Y"}).notes


def test_floats_too_long_for_an_id_are_refused(engine, tmp_path):
    frame = pd.DataFrame(sp.orders(), columns=sp.HEADER)
    frame["cust"] = 2.0**53 + frame["cust"].str[1:].astype(float)
    frame.to_parquet(tmp_path / "orders.parquet", index=False)
    with pytest.raises(
        SegError, match=r"cust is '9007199254741.*the column holds floats, which keep 15 to 16 digits"
    ):
        load(engine, tmp_path / "orders.parquet", {})


def test_days_that_could_be_months_are_said(engine, tmp_path):
    days = [day for _order, _id, day, _amount in sp.orders() if day.day <= 12]
    content = "order,cust,date,total\n" + "".join(
        f"{place},c{place},{day:%d/%m/%Y},5\n" for place, day in enumerate(days)
    )
    said = notes_of(engine, tmp_path / "orders.csv", content, date_format="%d/%m/%Y")
    assert "no day is later than the 12th" in said and "%m/%d/%Y" in said


def test_days_of_another_zone_are_said(engine, tmp_path):
    said = notes_of(engine, tmp_path / "orders.csv", sp.text("{:%Y-%m-%d}T23:30:00-05:00".format))
    assert "set dataset.time_zone" in said


@pytest.mark.parametrize(
    ("zone", "advice"),
    [("America/Jamaica", "=America/Jamaica to"), ("-05:00", " (such as Europe/Berlin) to"), ("UTC", "")],
)
def test_days_of_parquet_in_another_zone_are_said(engine, tmp_path, zone, advice):
    frame = pd.DataFrame(sp.orders(), columns=sp.HEADER)
    frame["date"] = pd.to_datetime(frame["date"]).dt.tz_localize("UTC").dt.tz_convert(zone)
    frame.to_parquet(tmp_path / "orders.parquet", index=False)
    notes = load(engine, tmp_path / "orders.parquet", {}).notes
    assert [f"set dataset.time_zone{advice} count them" in text for _level, text in notes] == [True] * bool(
        advice
    )
    assert not load(engine, tmp_path / "orders.parquet", {"reading": {"time_zone": "America/Jamaica"}}).notes


def test_amounts_whose_point_may_group_thousands_are_said(engine, tmp_path):
    path = tmp_path / "orders.csv"
    said = notes_of(engine, path, sp.text(spell_amount=lambda x: f"{x % 900 + 1:.3f}"))
    assert "if it groups thousands, set dataset.decimal=',' dataset.thousands='.'" in said
    assert not notes_of(engine, path, sp.text(spell_amount=lambda x: f"{x % 9000 + 1000:.3f}"))


def test_years_of_two_digits_are_said(engine, tmp_path):
    said = notes_of(engine, tmp_path / "orders.csv", sp.text("{:%d.%m.%y}".format), date_format="%d.%m.%y")
    assert "years of two digits" in said


@pytest.mark.parametrize("wrong", ["2205-01-01", "1900-01-01", "9999-12-31", "1970-01-01"])
def test_a_date_far_from_all_others_is_found_with_its_row(engine, tmp_path, wrong):
    path = tmp_path / "orders.csv"
    rows = sp.text().splitlines()
    rows[4] = ",".join([*rows[4].split(",")[:2], wrong, "5"])
    path.write_text("\n".join(rows) + "\n")
    suspects = load(engine, path, {}).suspects
    assert (suspects.count, list(suspects.rows["line"])) == (1, [4])
    assert wrong in suspects.text and str(SAME[4]) in suspects.text


def test_orders_of_two_years_and_their_ends_are_not_suspect(engine, tmp_path):
    path = tmp_path / "orders.csv"
    path.write_text(sp.text())
    assert load(engine, path, {}).suspects is None


def test_skipped_rows_are_counted_with_customers_and_money(engine, tmp_path):
    path = tmp_path / "orders.csv"
    path.write_text(sp.text(below="x,NEW,soon,0.5\n"))
    loaded = load(engine, path, {"bad_rows": "skip", "reading": {"bad_rows_limit": 0.01}})
    said = " ".join(text for _level, text in loaded.notes)
    assert "1 rows could not be read" in said and "1 customers" in said and "of the money" in said


def test_skipping_may_not_lose_the_money(engine, tmp_path):
    path = tmp_path / "orders.csv"
    path.write_text(sp.text(below="x,NEW,soon,9000000\n"))
    with pytest.raises(
        SegError, match=r"hold 9\d\.\d% of the money, more than dataset\.bad_rows_limit=0\.01"
    ):
        load(engine, path, {"bad_rows": "skip", "reading": {"bad_rows_limit": 0.01}})


def test_one_file_twice_in_a_folder_is_refused(tmp_path):
    (tmp_path / "orders.csv").write_text(sp.text())
    (tmp_path / "orders (1).csv").write_text(sp.text())
    with pytest.raises(SegError, match=r"orders\.csv holds the same as .*orders \(1\)\.csv"):
        expand(str(tmp_path))
    with pytest.raises(SegError, match="every row would count twice"):
        expand(str(tmp_path / "*.csv"))
    (tmp_path / "orders (1).csv").write_text("order,cust,date,total\n")
    assert len(expand(str(tmp_path))) == 2


def test_what_programs_leave_in_a_folder_is_not_read(tmp_path):
    for name in (
        "a.csv",
        ".a.csv",
        "~$a.xlsx",
        ".ipynb_checkpoints/a-checkpoint.csv",
        "_temporary/0.json",
        "__MACOSX/._a.csv",
        "b.csv/c.csv",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(f"order,cust,date,total\n{name},1,2024-01-01,5\n")
    assert [path.relative_to(tmp_path).as_posix() for path in expand(str(tmp_path))] == [
        "a.csv",
        "b.csv/c.csv",
    ]
    (tmp_path / "lost.csv").symlink_to(tmp_path / "nowhere.csv")
    for path in (tmp_path, tmp_path / "*.csv"):
        with pytest.raises(SegError, match=r"lost\.csv is a link that leads to no file"):
            expand(str(path))


def test_a_path_may_be_a_file_url_or_have_accents_spelled_as_on_a_mac(tmp_path):
    (tmp_path / "gro\u0308\u00dfe 1.csv").write_text("")
    (found,) = expand(str(tmp_path / "gr\u00f6\u00dfe 1.csv"))
    assert found.exists() and expand(f"file://{tmp_path}/gr%C3%B6%C3%9Fe%201.csv") == (found,)
    with pytest.raises(
        SegError, match=r"expected one path, a folder or a pattern such as orders/\*\.csv, not a list"
    ):
        expand("[a.csv,b.csv]")


def test_files_of_a_folder_that_are_not_alike_are_named_both(engine, tmp_path):
    (tmp_path / "a.csv").write_text(sp.text())
    (tmp_path / "b.csv").write_text(sp.text().replace("total", "amount"))
    source = Source("orders", "file", expand(str(tmp_path)), "")
    with pytest.raises(
        SegError, match=r"missing column 'total'.*a\.csv is read with the options that are set"
    ):
        transactions.load(engine, source, columns=COLUMNS, reading=Reading())


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (os.mkfifo, "not a regular file, such as a pipe or a device"),
        (lambda path: path.symlink_to(path), "a link that leads to no file"),
        (lambda path: None, r"no such file; nearest names in .*: order\.csv"),
    ],
    ids=["pipe", "link to itself", "missing"],
)
def test_what_is_no_file_is_named_as_what_it_is(tmp_path, make, said):
    (tmp_path / "order.csv").write_text("")
    make(tmp_path / "orders.csv")
    with pytest.raises(SegError, match=f"orders.csv: .*{said}"):
        expand(str(tmp_path / "orders.csv"))


@pytest.mark.parametrize("ending", ["csv", "json", "parquet"])
def test_a_file_may_have_any_name(engine, tmp_path, ending):
    path = tmp_path / f'o\'r "d" ü#?{{}}.{ending}'
    if ending == "parquet":
        path, options = sp.typed(path), {"date_format": "%Y%m%d"}
    else:
        path.write_text(sp.text() if ending == "csv" else sp.array())
        options = {}
    assert measured(engine, load(engine, path, options).table) == SAME


def test_a_wrong_delimiter_does_not_stop_the_look_at_a_file(tmp_path):
    (tmp_path / "orders.csv").write_text(sp.text())
    assert file_look.look(tmp_path / "orders.csv", checked(Reading(delimiter="tab"))).reading.delimiter == ","


def test_a_layout_is_not_looked_for_in_compressed_bytes(tmp_path):
    path = tmp_path / "orders.csv"
    path.write_bytes(gzip.compress(sp.text().encode()))
    assert file_look.look(path, Reading()) is None


# ---- files that are small and hold too much ---------------------------------------------------------------------


def test_a_gzip_file_ends_at_the_limit(engine, tmp_path):
    path = tmp_path / "orders.csv.gz"
    path.write_bytes(gzip.compress(sp.text().encode() + b"0" * 3_000_000))
    with pytest.raises(
        SegError, match=r"inflates from .* to more than dataset\.max_bytes allows \(2,000,000\)"
    ):
        load(engine, path, {"reading": {"max_bytes": "2MB"}})


def test_a_gzip_file_below_the_limit_is_read(engine, tmp_path):
    path = tmp_path / "orders.csv.gz"
    path.write_bytes(gzip.compress(sp.text().encode()))
    assert measured(engine, load(engine, path, {"reading": {"max_bytes": "2MB"}}).table) == SAME


FAR = '<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
UNNUMBERED = f"<row>{'<c><v>1</v></c>' * 9_000}</row>{'<row/>' * 90_000}"


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (
            "<row>" + "<c><v>11111111</v></c>" * 2_000_000 + "</row>",
            r"parts inflate from [\d,]+ to 4\d,\d+,\d+ bytes",
        ),
        (FAR, "span 1,048,576 rows and 16,384 columns"),
        (UNNUMBERED, r"span 90,00\d rows and 9,000 columns"),
    ],
    ids=["large parts", "cells far apart", "cells without numbers"],
)
def test_a_workbook_ends_at_the_limit_before_it_is_opened(engine, tmp_path, rows, said):
    plain, path = sp.book(tmp_path / "plain.xlsx"), tmp_path / "orders.xlsx"
    with (
        zipfile.ZipFile(plain) as source,
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as bomb,
    ):
        for name in source.namelist():
            sheet = name == "xl/worksheets/sheet1.xml"
            bomb.writestr(
                name, f"<worksheet><sheetData>{rows}</sheetData></worksheet>" if sheet else source.read(name)
            )
    with pytest.raises(SegError, match=said + r"(.|\n)* than dataset\.max_bytes allows \(20,000,000\)"):
        load(engine, path, {"reading": {"max_bytes": 20_000_000}})


@pytest.mark.parametrize("value", ["much", "-1", "4 GiB", True])
def test_a_limit_that_is_no_size_is_refused(engine, tmp_path, value):
    with pytest.raises(SegError, match=r"dataset\.max_bytes=.*: expected a number of bytes"):
        load(engine, tmp_path / "orders.csv", {"reading": {"max_bytes": value}})
