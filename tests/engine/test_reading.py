"""From files to typed tables: every format, and every way in which a file may be wrong."""

from __future__ import annotations

import gzip
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from seg.datasets import customers, flo, transactions
from seg.engine import DuckDBEngine, Reading, file_format
from seg.errors import SegError
from seg.sources import locate
from seg.sources.locate import Source

COLUMNS = {"customer_id": "cust", "ordered_at": "at", "amount": "paid"}
HEADER = "cust,at,paid\n"
NOON = datetime(2011, 1, 2, 12)


@pytest.fixture
def load(engine, tmp_path):
    """Load orders from files given by name and content, as (customer, time, amount) and the rejects."""

    def run(files: dict[str, str | bytes] | Path | tuple, columns=COLUMNS, encoding="utf-8", **options):
        if isinstance(files, dict):
            paths = tuple(write(tmp_path / name, content) for name, content in files.items())
        else:
            paths = files if isinstance(files, tuple) else (files,)
        reading = Reading(**{"encoding": encoding} | options.pop("reading", {}))
        source = Source("orders", "file", paths, "")
        return transactions.load(engine, source, columns, reading, **options)

    return run


@pytest.fixture
def read(load, rows):
    def run(files, *args, **options):
        return rows(load(files, *args, **options).table, "customer_id", "ordered_at", "amount")

    return run


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def workbook(path: Path, **sheets: list) -> Path:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, cells in sheets.items():
        sheet = book.create_sheet(name)
        for row in cells:
            sheet.append(row)
    book.save(path)
    return path


def parquet(path: Path, **columns) -> Path:
    pq.write_table(pa.table(columns), path)
    return path


# ---- CSV ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("delimiter", [",", ";", "|", "\t"])
def test_any_one_character_delimits(read, delimiter):
    content = f"{HEADER}1,2011-01-02 12:00,3.5\n".replace(",", delimiter)
    assert read({"o.csv": content}, reading={"delimiter": delimiter}) == [("1", NOON, 3.5)]


def test_a_tab_may_be_written_as_a_shell_hands_it_over(read):
    content = f"{HEADER}1,2011-01-02 12:00,3.5\n".replace(",", "\t")
    assert read({"o.tsv": content}, reading={"delimiter": "\\t"}) == [("1", NOON, 3.5)]


@pytest.mark.parametrize("delimiter", ["", "||", "\n", '"'])
def test_a_delimiter_that_is_not_one_character_is_an_error(load, delimiter):
    with pytest.raises(SegError, match=r"dataset\.delimiter=.*expected one character"):
        load({"o.csv": HEADER + "1,2011-01-02,3\n"}, reading={"delimiter": delimiter})


@pytest.mark.parametrize("encoding", ["windows-1252", "utf-16", "utf-8", "latin-1"])
def test_a_declared_encoding_is_read(read, encoding):
    content = (HEADER + "café,2011-01-02 12:00,3.5\n").encode(encoding)
    assert read({"o.csv": content}, encoding=encoding) == [("café", NOON, 3.5)]


@pytest.mark.parametrize("header", [HEADER, '"cust","at","paid"\n'])
def test_a_byte_order_mark_is_no_part_of_the_first_name(read, header):
    assert read({"o.csv": "\ufeff" + header + "1,2011-01-02 12:00,3.5\n"}) == [("1", NOON, 3.5)]


@pytest.mark.parametrize("first, second", [("\n", "\r\n"), ("\r\n", "\n"), ("\r", "\r")])
def test_line_endings_may_be_mixed(read, first, second):
    content = "paid,at,cust" + first + "1,2011-01-02 12:00,a" + second + "2,2011-01-02 12:00,b" + first
    assert read({"o.csv": content}) == [("a", NOON, 1.0), ("b", NOON, 2.0)]


def test_quoted_fields_hold_newlines_delimiters_and_doubled_quotes(read):
    content = HEADER + '"a\nb",2011-01-02 12:00,1\n"say ""hi"", ok",2011-01-02 12:00,2\n'
    assert read({"o.csv": content}) == [("a\nb", NOON, 1.0), ('say "hi", ok', NOON, 2.0)]


def test_blank_lines_are_no_rows(read):
    assert read({"o.csv": HEADER + "\n1,2011-01-02 12:00,1\n\n"}) == [("1", NOON, 1.0)]


def test_a_gzipped_file_is_read_whole(read):
    members = gzip.compress((HEADER + "1,2011-01-02 12:00,1\n").encode()) + gzip.compress(
        b"2,2011-01-02 12:00,2\n"
    )
    assert read({"o.csv.gz": members}) == [("1", NOON, 1.0), ("2", NOON, 2.0)]
    encoded = gzip.compress((HEADER + "é,2011-01-02 12:00,1\n").encode("windows-1252"))
    assert read({"e.csv.gz": encoded}, encoding="windows-1252") == [("é", NOON, 1.0)]


def test_several_files_are_read_by_name_whatever_the_order_of_their_columns(read):
    files = {
        "a.csv": HEADER + "1,2011-01-02 12:00,1\n",
        "b.csv": "more,paid,at,cust\n0,2,2011-01-02 12:00,7\n",
    }
    assert read(files) == [("1", NOON, 1.0), ("7", NOON, 2.0)]


def test_a_header_may_have_blanks_and_names_that_nobody_asked_for(read):
    assert read({"o.csv": "x, cust ,at,paid,,x\n0,1,2011-01-02 12:00,3,,\n"}) == [("1", NOON, 3.0)]


def test_ids_are_text_without_a_decimal_point_that_a_gap_once_brought(read):
    content = HEADER + "".join(
        f"{id},2011-01-02 12:00,1\n" for id in ("17850.0", " 12 ", "", "A.0", "007", "  ")
    )
    assert read({"o.csv": content}) == [
        (None, NOON, 1.0),
        (None, NOON, 1.0),
        ("007", NOON, 1.0),
        ("12", NOON, 1.0),
        ("17850", NOON, 1.0),
        ("A.0", NOON, 1.0),
    ]


def test_an_amount_is_quantity_times_price_and_an_order_a_customers_day_when_not_mapped(load, rows):
    content = "cust,at,n,price\na,2011-01-02 08:00,2,1.5\na,2011-01-02 20:00,-1,4\na,2011-01-03,3,2\n,2011-01-03,1,1\n"
    columns = {"customer_id": "cust", "ordered_at": "at", "quantity": "n", "unit_price": "price"}
    assert rows(
        load({"o.csv": content}, columns).table, "customer_id", "order_id", "amount", "is_return"
    ) == [
        (None, None, 1.0, False),  # an order needs a customer
        ("a", "a 2011-01-02", -4.0, False),
        ("a", "a 2011-01-02", 3.0, False),
        ("a", "a 2011-01-03", 6.0, False),
    ]


def test_further_columns_become_attributes_behind_those_of_every_transactions_table(load):
    content = "cust,at,paid,land,kind\n1,2011-01-02,3,DE,\n"
    loaded = load({"o.csv": content}, {**COLUMNS, "country": "land", "category": "kind", "product_id": None})
    assert loaded.table.columns == (
        "customer_id", "order_id", "ordered_at", "amount", "is_return", "country", "category",
    )  # fmt: skip
    assert loaded.table.to_pyarrow().to_pylist()[0]["category"] is None


def test_one_number_grammar_holds(load, rows):
    good = {"1e3": 1000.0, " 3 ": 3.0, "+4": 4.0, "-.5": -0.5, "5.": 5.0}
    bad = ["0x10", "1e999", "1_000", "12d", "true", "1 000", "NaN", "inf", "-Infinity", "", "3,5"]
    content = "cust;at;paid\n" + "".join(f"1;2011-01-02 12:00;{text}\n" for text in [*good, *bad])
    loaded = load({"o.csv": content}, reading={"delimiter": ";"}, bad_rows="skip")
    assert rows(loaded.table, "amount") == sorted([(value,) for value in good.values()], key=str)
    assert list(loaded.rejects["line"]) == list(range(6, 17))
    assert list(loaded.rejects["text"]) == [f"1,2011-01-02 12:00,{text}" for text in bad]


def test_a_decimal_comma_is_read_where_it_is_declared_and_a_thousands_point_is_refused(load, read):
    content = "cust;at;paid\n1;2011-01-02 12:00;-1234,5\n2;2011-01-02 12:00;7\n"
    options = {"reading": {"delimiter": ";"}, "decimal": ","}
    assert read({"o.csv": content}, **options) == [("1", NOON, -1234.5), ("2", NOON, 7.0)]
    with pytest.raises(SegError, match=r"row 1: paid is '1\.234,5', expected a finite number"):
        load({"o.csv": "cust;at;paid\n1;2011-01-02;1.234,5\n"}, **options)
    with pytest.raises(SegError, match=r"paid is '3,5', expected a finite number\n.*dataset\.decimal"):
        load({"o.csv": "cust;at;paid\n1;2011-01-02;3,5\n"}, reading={"delimiter": ";"})


# ---- dates -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "times",
    [
        {
            "2011-01-02": datetime(2011, 1, 2),
            "2011-1-2": datetime(2011, 1, 2),
            "2011-01-02T12:00": NOON,
            "2011-01-02 12:00:00.25": datetime(2011, 1, 2, 12, 0, 0, 250_000),
        },
        {
            "2011-01-02T14:00:00+02:00": NOON,
            "2011-01-02 12:00:00Z": NOON,
            "2011-01-02 06:30-0530": NOON,
            "2011-01-01 23:00:00-13": NOON,
        },
    ],
    ids=["local", "with an offset"],
)
def test_iso_times_are_read_and_those_with_an_offset_brought_to_utc(read, times):
    lines = [f"{place},{text},1\n" for place, text in enumerate(times)]
    assert read({"o.csv": HEADER + "".join(lines)}) == [
        (str(place), time, 1.0) for place, time in enumerate(times.values())
    ]


NO_TIMES = [
    "soon", "2011-02-30", "20110102", "01/02/2011", "infinity", "epoch", "12011-01-02", "-2011-01-02",
    "2011-01-02 (BC)", "2011-01-02 24:00:00", "2011-01-02 12:61",
    "2011-01-02 12:00 America/New_York", "2011-01-02 12:00 AM", "2011-01-02 12:00:00+02:00:30",
]  # fmt: skip


def test_what_is_no_iso_time_is_an_error_with_row_and_value(load):
    content = HEADER + "1,2011-01-02,1\n" + "".join(f"2,{text},1\n" for text in NO_TIMES)
    with pytest.raises(SegError) as error:
        load({"o.csv": content})
    assert "14 of 15 rows cannot be read\n  row 2: at is 'soon', expected an ISO 8601 date" in str(
        error.value
    )
    rejects = load({"o.csv": content}, bad_rows="skip").rejects
    assert list(rejects["line"]) == list(range(2, 16))
    assert list(rejects["reason"]) == [f"at is {text!r}, expected an ISO 8601 date" for text in NO_TIMES]


def test_a_date_format_is_that_of_strptime(load, read):
    assert read({"o.csv": HEADER + "1,02.01.2011 12h,1\n"}, date_format="%d.%m.%Y %Hh") == [("1", NOON, 1.0)]
    for text in ("01/13/2011", "infinity", "epoch"):
        with pytest.raises(SegError, match=rf"at is '{text}', expected a date like %d\.%m\.%Y"):
            load({"o.csv": HEADER + f"1,{text},1\n"}, date_format="%d.%m.%Y")
    with pytest.raises(SegError, match=r"dataset\.date_format=%Q: not a format of strptime"):
        load({"o.csv": HEADER + "1,2011-01-02,1\n"}, date_format="%Q")


def test_times_with_and_without_an_offset_do_not_mix(load):
    content = HEADER + "1,2011-01-02T12:00Z,1\n2,2011-01-02 12:00,1\n3,2011-01-02 13:00,1\n"
    with pytest.raises(
        SegError, match=r"'at' mixes times with a UTC offset \(1, such as .* and without one \(2\)"
    ):
        load({"o.csv": content}, bad_rows="skip")


def test_a_bad_date_among_times_with_an_offset_is_a_bad_row(load, rows):
    loaded = load({"o.csv": HEADER + "1,2011-01-02T12:00Z,1\n2,soon,1\n"}, bad_rows="skip")
    assert rows(loaded.table, "customer_id", "ordered_at") == [("1", NOON)]
    assert list(loaded.rejects["reason"]) == ["at is 'soon', expected an ISO 8601 date"]


# ---- bad rows ----------------------------------------------------------------------------------------------

MALFORMED = HEADER + "1,2011-01-02,1\n2,2011-01-02\n3,2011-01-02,4,5\n4,x,6\n5,2011-01-02,\n6,2011-01-02,7\n"


def test_a_malformed_line_is_an_error_that_shows_it(load):
    with pytest.raises(SegError) as error:
        load({"o.csv": MALFORMED})
    text = str(error.value)
    assert "2 malformed lines\n  line 3: Expected Number of Columns: 3 Found: 2\n    2,2011-01-02\n" in text
    assert "line 4: Expected Number of Columns: 3 Found: 4\n    3,2011-01-02,4,5" in text
    assert "dataset.bad_rows=skip" in text


def test_skipped_rows_are_set_aside_and_none_is_lost(load, rows, tmp_path):
    loaded = load({"o.csv": MALFORMED}, bad_rows="skip")
    assert rows(loaded.table, "customer_id", "amount") == [("1", 1.0), ("6", 7.0)]
    where = str(tmp_path / "o.csv")
    assert loaded.rejects.to_dict("split")["data"] == [
        [where, 3, "Expected Number of Columns: 3 Found: 2", "2,2011-01-02"],
        [where, 4, "Expected Number of Columns: 3 Found: 4", "3,2011-01-02,4,5"],
        [where, 2, "at is 'x', expected an ISO 8601 date", "4,x,6"],
        [where, 3, "paid is missing, expected a finite number", "5,2011-01-02,"],
    ]


def test_skipping_a_bad_row_loses_no_row_with_empty_optional_cells(load, rows):
    content = "cust,at,paid,n,land\n1,2011-01-02,1,,\n,2011-01-02,2,5,\n3,x,3,1,DE\n4,2011-01-02,4,many,DE\n5,2011-01-02,5,  ,FR\n"
    loaded = load({"o.csv": content}, {**COLUMNS, "quantity": "n", "country": "land"}, bad_rows="skip")
    assert rows(loaded.table, "customer_id", "amount", "quantity", "country") == [
        (None, 2.0, 5.0, None),
        ("1", 1.0, None, None),
        ("5", 5.0, None, "FR"),
    ]
    assert list(loaded.rejects["reason"]) == [
        "at is 'x', expected an ISO 8601 date",
        "n is 'many', expected a finite number",
    ]


def test_an_unterminated_quote_is_set_aside_with_all_that_it_swallowed(load, rows):
    loaded = load({"o.csv": HEADER + '1,2011-01-02,1\n"2,2011-01-02,2\n3,2011-01-02,3\n'}, bad_rows="skip")
    assert rows(loaded.table, "customer_id") == [("1",)]
    assert list(loaded.rejects["line"]) == [3]
    assert "2,2011-01-02,2\n3,2011-01-02,3" in loaded.rejects["text"][0]


def test_a_malformed_line_far_down_has_its_number(load):
    content = HEADER + "1,2011-01-02,1\n" * 150_000 + "broken\n" + "1,2011-01-02,1\n" * 10
    loaded = load({"o.csv": content}, bad_rows="skip")
    assert list(loaded.rejects["line"]) == [150_002]
    assert loaded.table.count().execute() == 150_010


def test_an_error_shows_the_first_five_bad_rows_and_counts_all(load):
    content = HEADER + "".join(
        f"{place},2011-01-02,{'x' if place % 2 else place}\n" for place in range(1, 21)
    )
    with pytest.raises(SegError, match="10 of 20 rows cannot be read") as error:
        load({"o.csv": content})
    assert [line.split(":")[0].strip() for line in str(error.value).splitlines()[1:-1]] == [
        "row 1", "row 3", "row 5", "row 7", "row 9",
    ]  # fmt: skip


def test_a_file_of_bad_rows_only_is_an_error_even_when_they_are_skipped(load):
    with pytest.raises(
        SegError, match=r"1 of 1 rows cannot be read, so none is left to use\n  row 1: at is 'x'"
    ):
        load({"o.csv": HEADER + "1,x,1\nbroken\n"}, bad_rows="skip")


def test_a_line_of_no_order_is_a_bad_row_where_orders_are_mapped(load):
    with pytest.raises(SegError, match="row 2: no is missing, expected an id"):
        load({"o.csv": "cust,at,paid,no\n1,2011-01-02,3,7\n1,2011-01-02,3,\n"}, {**COLUMNS, "order_id": "no"})


# ---- damaged and wrong files -------------------------------------------------------------------------------


def test_all_missing_columns_are_named_each_with_the_nearest(load):
    with pytest.raises(
        SegError, match=r"missing column 'cust' \(nearest: customer, .*; 'paid' \(nearest: payed, "
    ):
        load({"o.csv": "customer,at,payed\n1,2011-01-02,3\n"})


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_a_header_of_one_field_hints_at_its_delimiter(load, delimiter):
    with pytest.raises(SegError) as error:
        load({"o.csv": HEADER.replace(",", delimiter) + f"1{delimiter}2{delimiter}3\n"})
    assert f'is the delimiter {delimiter!r}? Then "dataset.delimiter={delimiter!r}"' in str(error.value)


@pytest.mark.parametrize("content", ["", "\n", "\ufeff"])
def test_an_empty_file_is_an_error(load, content):
    with pytest.raises(SegError, match="the file is empty; expected a header line"):
        load({"o.csv": content})


@pytest.mark.parametrize("content", [HEADER, HEADER.strip()])
def test_a_header_alone_is_an_error(load, content):
    with pytest.raises(SegError, match="a header but no rows"):
        load({"o.csv": content})


def test_a_column_that_comes_twice_is_an_error(load, tmp_path):
    with pytest.raises(SegError, match="'paid' is in the header more than once; rename one"):
        load({"o.csv": "cust,at,paid,paid\n1,2011-01-02,3,4\n"})
    with pytest.raises(SegError, match="'paid' is in the header more than once; rename one"):
        load(workbook(tmp_path / "o.xlsx", S=[["cust", "at", "paid", "paid"], [1, NOON, 3, 4]]))


def test_columns_that_differ_only_in_case_are_an_error(load, tmp_path):
    with pytest.raises(SegError, match="'paid' differs from another only in upper and lower case"):
        load({"o.csv": "cust,at,paid,PAID\n1,2011-01-02,3,4\n"}, {**COLUMNS, "quantity": "PAID"})
    with pytest.raises(SegError, match="'paid', 'Paid' differ only in upper and lower case"):
        load(parquet(tmp_path / "o.parquet", cust=["1"], at=[NOON], paid=[1.0], Paid=[2.0]))


@pytest.mark.parametrize("far", [False, True])
def test_bytes_of_another_encoding_point_to_dataset_encoding(load, far):
    content = (HEADER + "1,2011-01-02,1\n" * (20_000 if far else 1)).encode() + b"caf\xe9,2011-01-02,1\n"
    with pytest.raises(SegError, match=r"(?i)utf-8.*(\n.*)*set dataset\.encoding"):
        load({"o.csv": content})


def test_utf_16_without_its_mark_and_unknown_encodings_are_errors(load):
    with pytest.raises(SegError, match=r"it is not utf-16 .* set dataset.encoding"):
        load({"o.csv": HEADER + "1,2011-01-02,1\n"}, encoding="utf-16")
    with pytest.raises(
        SegError, match=r"dataset.encoding=klingon: unknown; expected a text encoding of Python"
    ):
        load({"o.csv": HEADER + "1,2011-01-02,1\n"}, encoding="klingon")


@pytest.mark.parametrize("name", ["o.csv.gz", "o.jsonl.gz"])
@pytest.mark.parametrize("damage", ["truncated", "checksum", "not gzip"])
def test_a_damaged_gzip_file_is_an_error(load, name, damage):
    line = {"o.csv.gz": "1,2011-01-02,3\n", "o.jsonl.gz": '{"cust": 1, "at": "2011-01-02", "paid": 3}\n'}[
        name
    ]
    packed = gzip.compress(((HEADER if "csv" in name else "") + line * 1000).encode())
    content = {
        "truncated": packed[:-9],
        "checksum": packed[:-8] + b"\0\0\0\0" + packed[-4:],
        "not gzip": b"plain text",
    }[damage]
    expected = {
        "truncated": "damaged or truncated gzip file",
        "checksum": "a damaged gzip file",
        "not gzip": "it is not compressed; rename it",
    }
    with pytest.raises(SegError, match=expected[damage]):
        load({name: content})


def test_a_damaged_parquet_file_or_workbook_is_an_error(load, tmp_path):
    for content in (b"", b"PAR1 not really"):
        with pytest.raises(SegError, match="not a readable Parquet file"):
            load({"o.parquet": content})
        with pytest.raises(SegError, match="not a readable Excel workbook"):
            load({"o.xlsx": content})
    whole = parquet(tmp_path / "x.parquet", cust=["x"] * 1000, at=["2011-01-02"] * 1000, paid=[1.0] * 1000)
    pages = bytearray(whole.read_bytes())
    pages[4:60] = b"\xff" * 56
    with pytest.raises(SegError, match=r"b.parquet: a damaged Parquet file \(.*fetch or write it again"):
        load({"a.parquet": whole.read_bytes(), "b.parquet": bytes(pages), "c.parquet": whole.read_bytes()})


def test_files_of_several_formats_or_of_none_are_an_error(load):
    with pytest.raises(SegError, match=r"2 files of several formats \(csv, jsonl\)"):
        load({"a.csv": HEADER + "1,2011-01-02,1\n", "b.jsonl": "{}\n"})
    with pytest.raises(
        SegError, match=r"o\.dat: cannot tell the format from the name; expected one of \.csv"
    ):
        load({"o.dat": HEADER})


@pytest.mark.parametrize(
    "name, expected",
    [
        ("A.CSV", "csv"),
        ("a.tsv.gz", "csv"),
        ("a.ndjson", "jsonl"),
        ("a.parquet", "parquet"),
        ("a.xls", "excel"),
    ],
)
def test_the_format_is_told_from_the_ending(name, expected):
    assert file_format(Path(name)) == expected


# ---- Parquet -----------------------------------------------------------------------------------------------


def test_typed_parquet_columns_keep_their_values(read, tmp_path):
    path = parquet(
        tmp_path / "o.parquet",
        cust=pa.array([17850, None, 12], pa.int64()),
        at=pa.array([NOON] * 3, pa.timestamp("ms")),
        paid=pa.array([Decimal("12.34"), Decimal("-1.00"), Decimal("0.01")], pa.decimal128(10, 2)),
    )
    assert read(path) == [(None, NOON, -1.0), ("12", NOON, 0.01), ("17850", NOON, 12.34)]


def test_parquet_ids_stored_as_floats_lose_nothing(read, tmp_path):
    ids = pa.array([17850.0, None, 12.5, float("nan"), 2.0**53 - 1], pa.float64())
    path = parquet(tmp_path / "o.parquet", cust=ids, at=[NOON] * 5, paid=[1.0] * 5)
    assert [row[0] for row in read(path)] == [None, None, "12.5", "17850", "9007199254740991"]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "Europe/Berlin"])
def test_parquet_timestamps_of_any_unit_are_read_those_with_a_zone_in_utc(read, tmp_path, unit, zone):
    at = pa.array([pd.Timestamp("2011-01-02 13:00", tz=zone)], pa.timestamp(unit, zone))
    path = parquet(tmp_path / "o.parquet", cust=["1"], at=at, paid=[1.0])
    assert read(path) == [("1", NOON if zone else NOON + timedelta(hours=1), 1.0)]


def test_parquet_dates_and_texts_are_read_as_times(read, tmp_path):
    assert read(parquet(tmp_path / "d.parquet", cust=["1"], at=[date(2011, 1, 2)], paid=[1])) == [
        ("1", datetime(2011, 1, 2), 1.0)
    ]
    path = parquet(tmp_path / "t.parquet", cust=["1"], at=["02.01.2011 12"], paid=["1.5"])
    assert read(path, date_format="%d.%m.%Y %H") == [("1", NOON, 1.5)]


@pytest.mark.parametrize("bad", [[float("nan")], [float("inf"), None]], ids=["NaN", "infinity, none"])
def test_a_parquet_number_that_is_not_finite_is_a_bad_row(load, rows, tmp_path, bad):
    # The statistics in the file do not count NaN: DuckDB once concluded from them that there is none.
    paid = pa.array([1.5, 2.5, *bad], pa.float64())
    ids = [str(place) for place in range(len(paid))]
    path = parquet(tmp_path / "o.parquet", cust=ids, at=[NOON] * len(paid), paid=paid)
    with pytest.raises(SegError, match=f"{len(bad)} of {len(paid)} rows cannot be read\n  row 3: paid is"):
        load(path)
    loaded = load(path, bad_rows="skip")
    assert rows(loaded.table, "customer_id", "amount") == [("0", 1.5), ("1", 2.5)]
    assert list(loaded.rejects["line"]) == list(range(3, 3 + len(bad)))


def test_parquet_files_are_read_by_name_whatever_the_order_of_their_columns(read, tmp_path):
    first = parquet(tmp_path / "a.parquet", cust=["1"], at=[NOON], paid=[1.0])
    second = parquet(tmp_path / "b.parquet", more=[0], paid=[2.0], at=[NOON], cust=["7"])
    assert read((first, second)) == [("1", NOON, 1.0), ("7", NOON, 2.0)]
    third = parquet(tmp_path / "c.parquet", customer=["1"], at=[NOON], paid=[1.0])
    with pytest.raises(SegError, match=r"c\.parquet: missing column 'cust' \(nearest: customer"):
        read((first, third))


@pytest.mark.parametrize(
    "columns, message",
    [
        ({"at": [1293937445123]}, "'at' holds int64, expected a date, a timestamp or ISO 8601 text"),
        ({"paid": [[1.0]]}, "'paid' holds array<float64>, expected a number"),
        ({"paid": [True]}, "'paid' holds boolean, expected a number"),
        ({"cust": [b"\xff"]}, "'cust' holds binary, expected text"),
    ],
)
def test_a_parquet_column_of_the_wrong_type_is_an_error(load, tmp_path, columns, message):
    with pytest.raises(SegError, match=message):
        load(parquet(tmp_path / "o.parquet", **({"cust": ["1"], "at": [NOON], "paid": [1.0]} | columns)))


def test_a_parquet_attribute_that_is_missing_everywhere_is_read_as_missing(load, rows, tmp_path):
    path = parquet(
        tmp_path / "o.parquet", cust=["1"], at=[NOON], paid=[1.0], n=[float("nan")], land=pa.nulls(1)
    )
    table = load(path, {**COLUMNS, "country": "land", "quantity": "n"}).table
    assert rows(table, "country", "quantity") == [(None, None)]


def test_a_parquet_file_without_rows_is_an_error(load, tmp_path):
    with pytest.raises(SegError, match="a header but no rows"):
        load(
            parquet(
                tmp_path / "o.parquet", cust=pa.array([], pa.string()), at=pa.array([], pa.string()), paid=[]
            )
        )


# ---- JSON Lines --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["o.jsonl", "o.json", "o.jsonl.gz"])
def test_json_lines_are_read_whatever_the_order_of_the_keys(read, name):
    records = [
        {"cust": 17850.0, "at": "2011-01-02T12:00:00", "paid": 1.5, "more": [1, {"x": 2}]},
        {"paid": "2", "at": "2011-01-02 12:00", "cust": "é\n\"'"},
        {"at": "2011-01-02 12:00", "paid": 3},
        {"at": "2011-01-02 12:00", "paid": 4, "cust": None},
    ]
    content = "".join(json.dumps(record) + "\n" for record in records).encode()
    assert read({name: gzip.compress(content) if name.endswith("gz") else content}) == [
        (None, NOON, 3.0),
        (None, NOON, 4.0),
        ("17850", NOON, 1.5),
        ("é\n\"'", NOON, 2.0),
    ]


def test_a_key_that_first_comes_late_is_a_column_and_one_that_never_comes_is_missing(read, load):
    line = '{"at": "2011-01-02 12:00", "paid": 1}\n'
    last = '{"cust": "z", "at": "2011-01-02 12:00", "paid": 1}\n'
    assert read({"o.jsonl": line * 1500 + last})[-1] == ("z", NOON, 1.0)
    with pytest.raises(SegError, match="missing column 'cust' \\(nearest: at, paid\\)"):
        load({"o.jsonl": line * 3})


JSON_LINES = (
    '{"cust": 1, "at": "2011-01-02", "paid": 1}\n{"cust": 2, "at":\n\n[1, 2]\n"text"\nnull\n'
    '{"cust": 3, "at": "2011-01-02", "paid": 3}\n{}\n{"cust": 5, "at": "2011-01-02", "paid": NaN}\n'
)


def test_malformed_json_lines_are_an_error_that_shows_them(load):
    with pytest.raises(
        SegError, match=r'4 malformed lines\n  line 2: not JSON: .*\n    \{"cust": 2, "at":\n'
    ):
        load({"o.jsonl": JSON_LINES})


def test_skipped_json_lines_are_set_aside_and_none_is_lost(load, rows):
    loaded = load({"o.jsonl": JSON_LINES}, bad_rows="skip")
    assert rows(loaded.table, "customer_id", "amount") == [("1", 1.0), ("3", 3.0)]
    assert list(zip(loaded.rejects["line"], loaded.rejects["text"], strict=True)) == [
        (2, '{"cust": 2, "at":'),
        (4, "[1, 2]"),
        (5, '"text"'),
        (6, "null"),
        (3, ",,"),
        (4, "5,2011-01-02,NaN"),
    ]


def test_json_of_another_encoding_or_shape_is_an_error(load, read):
    line = '{"cust": "é", "at": "2011-01-02 12:00", "paid": 1}\n'
    for content in (line.encode("windows-1252"), line.encode() * 3000 + line.encode("windows-1252")):
        with pytest.raises(SegError, match=r"(?i)utf-8.*(\n.*)*set dataset\.encoding"):
            load({"o.jsonl": content})
    assert read({"o.jsonl": line.encode("windows-1252")}, encoding="windows-1252") == [("é", NOON, 1.0)]
    assert read({"b.jsonl": "\ufeff" + line}) == [("é", NOON, 1.0)]
    for content in ("", "[]", "{\n"):
        with pytest.raises(SegError, match="it holds no JSON object; expected one object a line"):
            load({"o.jsonl": content})


# ---- Excel -------------------------------------------------------------------------------------------------


def test_a_workbook_as_uci_ships_it_is_read(read, tmp_path):
    cells = [
        ["cust", "at", "paid"],
        [17850.0, datetime(2010, 12, 1, 8, 26), 2.55],
        [None, NOON, 3],
        ["C5", NOON, -1.5],
    ]
    expected = [(None, NOON, 3.0), ("17850", datetime(2010, 12, 1, 8, 26), 2.55), ("C5", NOON, -1.5)]
    path = workbook(tmp_path / "o.xlsx", S=cells)
    assert read(path) == expected
    # The format is that of the CSV form: cells that are dates are dates already.
    assert read(path, date_format="%m/%d/%Y %H:%M") == expected


def test_dates_written_as_text_in_a_workbook_have_the_format(read, tmp_path):
    path = workbook(tmp_path / "o.xlsx", S=[["cust", "at", "paid"], ["1", "1/2/2011 12:00", "2.5"]])
    assert read(path, date_format="%m/%d/%Y %H:%M") == [("1", NOON, 2.5)]


def test_all_sheets_of_a_workbook_are_one_table_unless_one_is_named(read, load, tmp_path):
    header = ["cust", "at", "paid"]
    path = workbook(
        tmp_path / "o.xlsx", Old=[header, [1, NOON, 1]], New=[header[::-1], [2, NOON, 7]], Empty=[]
    )
    assert read(path) == [("1", NOON, 1.0), ("7", NOON, 2.0)]
    assert read(path, reading={"sheet": "New"}) == [("7", NOON, 2.0)]
    with pytest.raises(SegError, match="no sheet 'new'; it has New, "):
        load(path, reading={"sheet": "new"})


def test_blank_rows_of_a_workbook_are_no_rows_and_cells_with_an_error_are_missing(read, load, tmp_path):
    header = ["cust", "at", "paid"]
    assert read(workbook(tmp_path / "a.xlsx", S=[header, [1, NOON, 1], [None] * 3, [2, NOON, 2]])) == [
        ("1", NOON, 1.0),
        ("2", NOON, 2.0),
    ]
    with pytest.raises(SegError, match="row 1: paid is missing"):
        load(workbook(tmp_path / "b.xlsx", S=[header, [1, NOON, "#N/A"], [2, NOON, 2]]))


def test_an_empty_workbook_or_one_with_another_sheet_beside_is_an_error(load, tmp_path):
    header = ["cust", "at", "paid"]
    with pytest.raises(SegError, match="the workbook is empty"):
        load(workbook(tmp_path / "a.xlsx", S=[], T=[]))
    with pytest.raises(SegError, match="a header but no rows"):
        load(workbook(tmp_path / "b.xlsx", S=[header]))
    with pytest.raises(
        SegError,
        match=r"the sheets S, T; all of them would be read, and 'T' has no column 'cust', .*dataset\.sheet='S'",
    ):
        load(workbook(tmp_path / "c.xlsx", S=[header, [1, NOON, 1]], T=[["notes"]]))


# ---- customers ---------------------------------------------------------------------------------------------


def customers_of(engine, path: Path, **options):
    options = {"id": "id", "features": ["age", "spend"]} | options
    return customers.load(engine, Source("customers", "file", (path,), ""), reading=Reading(), **options)


def test_a_table_of_customers_keeps_its_own_columns(engine, rows, tmp_path):
    path = write(tmp_path / "c.csv", "id,age,spend,note\n2.0,30,1.5,x\n1,40,-2,\n")
    assert rows(customers_of(engine, path).table, "customer_id", "age", "spend") == [
        ("1", 40.0, -2.0),
        ("2", 30.0, 1.5),
    ]


def test_ids_that_come_twice_are_an_error_that_counts_them(engine, tmp_path):
    path = write(tmp_path / "c.csv", "id,age,spend\n7,1,1\n7.0,2,2\n8,1,1\n 7,3,3\n")
    with pytest.raises(SegError, match=r"'id' must name each customer once; it repeats '7' \(3 times\)"):
        customers_of(engine, path, bad_rows="skip")


def test_a_customer_without_an_id_or_with_a_missing_number_is_a_bad_row(engine, tmp_path):
    path = write(tmp_path / "c.csv", "id,age,spend\n,1,1\n2,NaN,\n3,1,1\n")
    with pytest.raises(SegError, match="2 of 3 rows cannot be read\n  row 1: id is missing, expected an id"):
        customers_of(engine, path)
    assert len(customers_of(engine, path, bad_rows="skip").rejects) == 2


def test_the_id_is_no_feature(engine, tmp_path):
    path = write(tmp_path / "c.csv", "id,age\n1,1\n")
    with pytest.raises(SegError, match=r"dataset\.features: 'id' is the id of the customers"):
        customers_of(engine, path, features=["age", "id"])


def test_flo_adds_up_its_channels_and_bars_its_categories(engine, rows, tmp_path):
    header = "master_id,order_channel,last_order_channel,first_order_date,last_order_date,"
    header += "order_num_total_ever_online,order_num_total_ever_offline,customer_value_total_ever_offline,"
    header += "customer_value_total_ever_online,interested_in_categories_12\n"
    lines = 'a,Mobile,Offline,2020-01-02,2021-03-04,3.0,2.0,10.5,20.25,"[ERKEK, COCUK]"\n'
    lines += "b,Mobile,Mobile,2020-01-02,2020-01-02,1.0,1.0,1.0,2.0,[]\n"
    source = Source("flo", "file", (write(tmp_path / "flo.csv", header + lines),), "")
    table = flo.load(engine, source, Reading()).table
    assert rows(table, "customer_id", "orders", "revenue", "categories", "last_order_at") == [
        ("a", 3.0 + 2.0, 10.5 + 20.25, "|ERKEK|COCUK|", datetime(2021, 3, 4)),
        ("b", 2.0, 3.0, "||", datetime(2020, 1, 2)),
    ]


# ---- finding files -----------------------------------------------------------------------------------------


def test_a_path_may_be_a_file_a_folder_or_a_glob(tmp_path):
    (tmp_path / "sub").mkdir()
    paths = [write(tmp_path / name, HEADER) for name in ("a.csv", "b.csv.gz", "sub/c.csv")]
    write(tmp_path / "notes.md", "")
    assert locate.find("x", "", path=str(paths[0])).paths == (paths[0],)
    assert locate.find("x", "", path=str(tmp_path)).paths == tuple(paths)
    assert locate.find("x", "", path=str(tmp_path / "*.csv*")).paths == tuple(paths[:2])
    assert locate.find("x", "", path=str(tmp_path / "**" / "*.csv")).paths == (paths[0], paths[2])


def test_files_are_found_by_the_first_pattern_that_matches_and_the_sample_stands_in(tmp_path):
    folder = tmp_path / "shop"
    folder.mkdir()
    sample = write(folder / "sample.csv", HEADER)
    found = locate.find("shop", str(tmp_path), ["data.csv", "*.csv"], sample=str(sample))
    assert (found.kind, found.data, found.paths) == ("sample", "sample", (sample,))
    assert found.expected == f"{folder / 'data.csv'} or {folder / '*.csv'}"
    other = write(folder / "z.csv", HEADER)
    found = locate.find("shop", str(tmp_path), ["data.csv", "*.csv"], sample=str(sample))
    assert (found.kind, found.data, found.paths) == ("file", "real", (other,))
    assert locate.find("toy", str(tmp_path)).data == "generated"


def test_a_path_without_a_file_is_an_error(tmp_path):
    write(tmp_path / "orders.csv", HEADER)
    with pytest.raises(SegError, match=r"no such file; nearest names in .*: orders\.csv"):
        locate.find("x", "", path=str(tmp_path / "order.csv"))
    with pytest.raises(SegError, match="no such file; there is no folder"):
        locate.find("x", "", path=str(tmp_path / "nowhere" / "order.csv"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(SegError, match=r"the folder holds no file that ends in \.csv"):
        locate.find("x", "", path=str(tmp_path / "empty"))
    with pytest.raises(SegError, match=r"dataset\.path is empty"):
        locate.find("x", "", path=" ")
    with pytest.raises(
        SegError, match=r"no file at .* and no sample beside its card; set data_dir or dataset.path"
    ):
        locate.find("x", str(tmp_path), ["*.csv"])


def test_a_fingerprint_is_of_the_content(tmp_path):
    first, second = write(tmp_path / "a.csv", "1"), write(tmp_path / "b.csv", "2")
    before = locate.fingerprint([first, second])
    assert before == locate.fingerprint([second, first])
    write(second, "3")
    assert before != locate.fingerprint([first, second])


# ---- the engine --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("limit", ["lots", "-5", "-1GB", "0", "5", "10XB"])
def test_a_memory_limit_without_number_and_unit_is_an_error(limit):
    with pytest.raises(
        SegError, match=rf"engine\.memory_limit={limit}: expected a number and a unit, such as 500MB"
    ):
        DuckDBEngine(memory_limit=limit)


def test_threads_and_a_spill_folder_that_cannot_be_are_errors(tmp_path):
    with pytest.raises(SegError, match="threads=0"):
        DuckDBEngine(threads=0)
    file = write(tmp_path / "file", "")
    with pytest.raises(SegError, match=r"engine\.spill_dir=.*cannot be used"):
        DuckDBEngine(spill_dir=str(file / "below"))


def test_a_table_larger_than_the_memory_limit_is_spilled_and_counted_right(tmp_path):
    numbers = np.random.default_rng(0).integers(0, 2**62, size=1_500_000)
    text = pc.binary_join_element_wise(pa.array(numbers).cast(pa.string()), "a-customer-id", "-")
    path = parquet(tmp_path / "big.parquet", id=numbers, text=text)
    with DuckDBEngine(memory_limit="100MB", threads=2, spill_dir=str(tmp_path / "spill")) as small:
        raw = small.read([path], ["id", "text"])
        kept = small.checkpoint(raw.table.distinct())  # about 80 MB of text in a hash table, and its copy
        assert small.collect(kept.aggregate(n=kept.count())).n[0] == len(np.unique(numbers))
        assert list((tmp_path / "spill").rglob("*"))
    assert not list((tmp_path / "spill").rglob("*"))


def test_a_limit_too_small_for_anything_is_an_error_that_names_it(tmp_path):
    path = parquet(tmp_path / "o.parquet", id=np.arange(300_000))
    with (
        DuckDBEngine(memory_limit="1KB") as tiny,
        pytest.raises(SegError, match=r"raise engine\.memory_limit"),
    ):
        tiny.checkpoint(tiny.read([path], ["id"]).table.distinct())


def test_an_engine_describes_itself_for_the_record(engine):
    described = engine.describe()
    assert described["engine"] == "duckdb" and described["threads"] == "2"
    assert engine.register(pd.DataFrame({"a": [1, 2]})).count().execute() == 2  # it works on after that


def test_a_signal_in_the_middle_of_a_query_is_an_interruption_and_other_errors_are_not(engine):
    with pytest.raises(KeyboardInterrupt), engine._scans.explained():
        raise RuntimeError("Query interrupted")
    with pytest.raises(RuntimeError, match="another"), engine._scans.explained():
        raise RuntimeError("another")


def test_threads_that_ask_for_the_name_of_a_table_at_once_get_different_ones(engine):
    with ThreadPoolExecutor(8) as pool:
        asked = pool.map(lambda _: [next(engine._names) for _ in range(20_000)], range(8))
        names = [name for some in asked for name in some]
    assert len(set(names)) == len(names) == 160_000
