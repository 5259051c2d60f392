"""The workbook as other programs read it: types, header, filters, and never a formula."""

from __future__ import annotations

import io
import warnings
import zipfile

import numpy as np
import openpyxl
import pandas as pd
import pytest

from seg.report.spreadsheet import Sheet, workbook

EVIL = [
    "=1+1",
    "+1",
    "-5",
    "@x",
    '=HYPERLINK("http://x")',
    "a<b>&\"c'",
    "x\x00\x08y",
    "  spaces ",
    "北京 🛒",
    "00012",
]


def table() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "customer_id": EVIL,
            "orders": np.arange(10, dtype=float),
            "share": np.linspace(0, 1, 10),
            "revenue": [1.5, np.nan, np.inf, -2.25, *[0.1] * 6],
            "flag": [True, False] * 5,
        }
    )


@pytest.fixture(scope="module")
def book():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return openpyxl.load_workbook(
            io.BytesIO(workbook([Sheet('all <&> "x"', table(), ("share",)), Sheet("two", table())]))
        )


def test_other_programs_read_it_without_a_complaint(book):
    assert book.sheetnames == ['all <&> "x"', "two"]
    sheet = book.worksheets[0]
    assert (sheet.max_row, sheet.max_column) == (11, 5)


def test_no_text_becomes_a_formula_or_loses_a_zero(book):
    cells = [row[0] for row in book.worksheets[0].iter_rows(min_row=2)]
    assert {cell.data_type for cell in cells} <= {"s", "inlineStr"}
    assert [cell.value for cell in cells][:5] == EVIL[:5]
    assert cells[-1].value == "00012"
    assert cells[6].value == "xy"
    assert cells[7].value == "  spaces "
    assert (
        "<f>"
        not in zipfile.ZipFile(io.BytesIO(workbook([Sheet("a", table())])))
        .read("xl/worksheets/sheet1.xml")
        .decode()
    )


def test_numbers_are_numbers_and_what_is_none_is_empty(book):
    sheet = book.worksheets[0]
    assert sheet["B3"].value == 1 and sheet["B3"].number_format == "#,##0"
    assert sheet["C11"].value == 1 and sheet["C11"].number_format == "0.0%"
    assert [sheet[f"D{row}"].value for row in (2, 3, 4, 5)] == [1.5, None, None, -2.25]


def test_the_header_is_bold_frozen_and_filtered(book):
    sheet = book.worksheets[0]
    assert sheet.freeze_panes == "A2"
    assert sheet.auto_filter.ref == "A1:E11"
    assert sheet["A1"].font.bold and not sheet["A2"].font.bold
    assert sheet.column_dimensions["A"].width > 10


def test_equal_tables_give_equal_bytes():
    assert workbook([Sheet("a", table())]) == workbook([Sheet("a", table())])


def test_a_table_without_rows_is_a_header():
    book = openpyxl.load_workbook(io.BytesIO(workbook([Sheet("a", table().head(0))])))
    assert book.worksheets[0].max_row == 1


def test_more_rows_than_a_worksheet_has_are_refused():
    with pytest.raises(ValueError, match="1,048,576 rows, expected fewer"):
        workbook([Sheet("a", pd.DataFrame({"x": np.zeros(1_048_576)}))])
