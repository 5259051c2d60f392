"""One table of orders, written in the spellings that people have in their files."""

from __future__ import annotations

import csv
import io
import json
import random
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path

import openpyxl
import pandas as pd

HEADER = ["order", "cust", "date", "total"]
ROWS = 120


def orders() -> list[tuple[str, str, date, float]]:
    """Make orders of 30 customers over two years; a few amounts are negative or above a thousand."""
    chance = random.Random(7)
    return [
        (
            f"O{number}",
            f"C{chance.randint(1001, 1030)}",
            date(2023, 1, 5) + timedelta(days=chance.randint(0, 700)),
            round(chance.choice([-1, 1, 1, 1]) * chance.uniform(1, 2500), 2),
        )
        for number in range(ROWS)
    ]


def text(
    spell_date: Callable[[date], str] = str,
    spell_amount: Callable[[float], str] = str,
    spell_id: Callable[[str, int], str] = lambda id, place: id,
    delimiter: str = ",",
    above: str = "",
    below: str = "",
    times: int = 1,
    quote: str | None = None,
    head: str = ",".join(HEADER),
) -> str:
    """Write the orders as CSV; every field in quotes where a mark is given."""
    out = io.StringIO()
    quoting = {"quotechar": quote, "quoting": csv.QUOTE_ALL} if quote else {}
    writer = csv.writer(out, delimiter=delimiter, lineterminator="\n", **quoting)
    writer.writerow(head.split(","))
    for place, (order, id, day, amount) in enumerate(orders() * times):
        writer.writerow([order, spell_id(id, place), spell_date(day), spell_amount(amount)])
    return above + out.getvalue() + below


def grouped(amount: float, point: str = ".", group: str = ",") -> str:
    """Write an amount with groups of three digits."""
    return f"{amount:,.2f}".translate(str.maketrans({",": group, ".": point}))


def accounting(amount: float) -> str:
    """Write an amount as American accountants do."""
    return f"(${-amount:,.2f})" if amount < 0 else f"${amount:,.2f}"


def serial(day: date) -> str:
    """Write a day as a spreadsheet counts it."""
    return str((day - date(1899, 12, 30)).days)


def seconds(day: date) -> str:
    """Write a day as seconds since 1970."""
    return str(int((datetime(day.year, day.month, day.day) - datetime(1970, 1, 1)).total_seconds()))


def padded() -> str:
    """Write the orders with columns padded with blanks."""
    rows = [HEADER, *([str(cell) for cell in row] for row in orders())]
    return "".join("".join(f" {cell:>12}" for cell in row) + "\n" for row in rows)


def array() -> str:
    """Write the orders as one array of JSON, over several lines."""
    records = [
        dict(zip(HEADER, (order, id, str(day), amount), strict=True)) for order, id, day, amount in orders()
    ]
    return json.dumps(records, indent=1)


def book(path: Path, hidden: bool = False, spell: Callable[[int, tuple], list] | None = None) -> Path:
    """Write a workbook: the orders, another sheet beside them or a hidden copy of the orders; spelled otherwise, the orders alone."""
    workbook = openpyxl.Workbook()
    sheet = workbook.active
    sheet.title = "Orders"
    for row in [HEADER, *(list(row) if spell is None else spell(at, row) for at, row in enumerate(orders()))]:
        sheet.append(list(row))
    if spell is not None:
        workbook.save(path)
        return path
    if hidden:
        copy = workbook.copy_worksheet(sheet)
        copy.title, copy.sheet_state = "Old", "hidden"
    else:
        workbook.create_sheet("Returns").append(["order", "reason"])
    workbook.save(path)
    return path


def typed(path: Path) -> Path:
    """Write Parquet whose dates are whole numbers such as 20240131."""
    frame = pd.DataFrame(orders(), columns=HEADER)
    frame["date"] = [int(f"{day:%Y%m%d}") for day in frame["date"]]
    frame.to_parquet(path, index=False)
    return path
