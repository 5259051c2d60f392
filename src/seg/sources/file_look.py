"""Look at a file of unknown layout and propose the options that read it: what `seg data check` prints.

Nothing here decides how a run reads: proposals are printed, tried once by the command, and declared by the user.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
import shlex
import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa

from seg.engine import Reading, Uri, file_format
from seg.engine.cell_sample import rows_of
from seg.engine.files import not_text, opener
from seg.engine.text_layout import WHITESPACE
from seg.errors import SegError
from seg.sources import date_formats, number_formats
from seg.sources.number_formats import NumberFormat

HEAD = 1 << 18  # bytes that tell delimiter and encoding
ROWS = 2_000  # rows that tell formats
DELIMITERS = (",", ";", "\t", "|", "^", "~", "\x01", "\x1f")
GUESSED = ("windows-1252", "windows-1250", "windows-1251", "windows-1254", "shift_jis", "gb18030", "cp949")
# What columns are called, in the languages and by the programs that exports come from; the first that matches is taken.
NAMES = {
    "customer_id": r"cust|client|kund|klient|member|user|buyer|shopper|household|m[uü]ş?s?teri|acheteur|cliente|käufer|z[aá]kazn[ií]k|v[aá]s[aá]rl[oó]|asiakas|pelanggan|kh[aá]ch h[aà]ng|клиент|покупатель|客户|顧客|会員|고객|회원|kunnr",
    "order_id": r"order.?(id|no|nr|num)|invoice|receipt|basket|bestell|rechnung|facture|pedido|commande|sipari|zam[oó]wieni|objedn[aá]vk|rendel[eé]s|tilaus|ordre|auftrag|pesanan|m[aã] đơn|заказ|订单|注文(番号|id)|주문번호|transaction.?id|vbeln|^order$",
    "ordered_at": r"date|datum|tarih|fecha|d[aá]tum|^dato|päivä|tanggal|ngày|дата|日期|日時|注文日|주문일|^data$|^data |day|time|ordered|purchased|created|when|erdat",
    "quantity": r"^(lineitem )?(qty|quantity|menge|units?|pieces|count|number.?of)",
    "unit_price": r"unit.?price|(?<!total )price|preis|prix",
    "amount": r"amount|total|sum|revenue|sales|value|betrag|umsatz|montant|importe|tutar|kwota|valor|belopp|bel[oø]b|bel[oø]p|[cč][aá]stka|[oö]sszeg|th[aà]nh ti[eề]n|t[oổ]ng ti[eề]n|gross|netto|netwr|сумма|金额|金額|売上|금액|spend|paid|dollars",
    "product_id": r"product|sku|stock.?code|item|article|artikel",
}

# Names of customers where no column is called after one of the above.
FURTHER = {"customer_id": r"e-?mail|contact.?name|account.?(name|id)"}
QUOTED = r"(?:^|[,;\t|])'[^']*'(?=$|[,;\t|])"  # a field in single quotes


@dataclass(frozen=True)
class Look:
    """What a file looks like.

    Parameters
    ----------
    reading : Reading
        Layout of the file.
    header : tuple of str
        Names of its columns.
    values : mapping of str to list of str
        Some values of each column, as text.
    """

    reading: Reading
    header: tuple[str, ...]
    values: Mapping[str, list[str]]

    def dates(self, column: str) -> list[date_formats.Proposal]:
        """Return the date formats that read nearly all values of a column."""
        values = [value for value in self.values[column] if value.strip()]
        formats = date_formats.proposals(values)
        return [one for one in formats if one.values >= 0.95 * len(values)]

    def numbers(self, columns: Sequence[str]) -> list[NumberFormat]:
        """Return the number formats that read the values of columns, a few others left out."""
        values = [value for column in columns for value in self.values[column] if value.strip()]
        usable = [
            value
            for value in values
            if any(number_formats.parse(value, one) is not None for one in number_formats.EVERY)
        ]
        return number_formats.proposals(usable) if len(usable) >= 0.95 * len(values) else []


def look(path: Path, reading: Reading) -> Look | None:
    """Look at the first rows of a file; None where it cannot be read in any layout.

    Parameters
    ----------
    path : Path
    reading : Reading
        What is declared; the layout is looked for where that does not fit.
    """
    if isinstance(path, Uri):
        return None
    # Whatever a damaged file ends with: what is wrong with it is said by the reader.
    with suppress(SegError, OSError, UnicodeError, EOFError, zlib.error, RecursionError, pa.ArrowException):
        kind = file_format(path)
        if kind in ("csv", "jsonl") and not_text(path):
            return None
        if kind == "csv":
            reading = _layout(path, reading)
        if kind == "jsonl":
            with opener(path)(path, "rb") as file:
                reading = replace(reading, encoding=_encoding(file.read(HEAD), reading.encoding))
        for detected, rows in rows_of(path, reading, ROWS):
            if not reading.names and (place := _header_row(rows)) is not None:
                detected = replace(detected, skip_rows=reading.skip_rows + place)
                return _looked(detected, rows[place], rows[place + 1 :])
            if rows and kind in ("csv", "excel"):
                names = reading.names or _names_of(rows)
                return _looked(replace(detected, names=tuple(names)), names, rows)
    return None


def _looked(reading: Reading, header: Sequence[str], rows: Sequence[Sequence[str]]) -> Look:
    body = [row for row in rows if any(cell.strip() for cell in row)]
    names = tuple(cell.strip() for cell in header)
    return Look(
        reading, names, {name: [row[at] for row in body if at < len(row)] for at, name in enumerate(names)}
    )


def _names_of(rows: Sequence[Sequence[str]]) -> list[str]:
    """Invent the names of a file without a header: dates, amounts with a fraction, else the first column as ids."""
    width = Counter(map(len, rows)).most_common(1)[0][0]
    body = [row for row in rows if len(row) == width]
    names = [f"column_{place + 1}" for place in range(width)]
    plain = Look(Reading(), tuple(names), {name: [row[at] for row in body] for at, name in enumerate(names)})
    dated = [at for at, name in enumerate(names) if _is_date(plain, name, named=False)]
    money = [at for at, name in enumerate(names) if at not in dated and _has_fractions(plain, name)]
    for name, places in (("ordered_at", dated), ("amount", money[::-1])):
        if places:
            names[places[0]] = name
    free = [at for at, name in enumerate(names) if name.startswith("column_")]
    # Customers order more than once; what no two rows share is the order.
    repeated = [at for at in free if len({row[at] for row in body}) < len(body)]
    if free:
        names[(repeated or free)[0]] = "customer_id"
    return names


def _has_fractions(file: Look, column: str) -> bool:
    return bool(file.numbers([column])) and any(
        re.search(r"[.,]\d{1,2}\b", one) for one in file.values[column]
    )


def _layout(path: Path, reading: Reading) -> Reading:
    """Find encoding and delimiter of a text file."""
    with opener(path)(path, "rb") as file:
        head = file.read(HEAD)
    encoding = _encoding(head, reading.encoding)
    text = head.decode(encoding, "replace")
    lines = [
        line for line in re.split("\r\n|\r|\n", text)[: ROWS if len(head) < HEAD else -1] if line.strip()
    ]
    single = sum(bool(re.search(QUOTED, line)) for line in lines) > 0.9 * len(lines)
    reading = replace(reading, encoding=encoding, quote="single" if single else reading.quote)
    return replace(reading, delimiter=_delimiter(lines, reading))


def _named_columns(text: str) -> int:
    """Count the columns of seg whose names, and the currencies beyond ASCII, that stand in the first lines of a text."""
    lines = "\n".join(text.splitlines()[:5])
    return sum(bool(re.search(pattern, lines, re.IGNORECASE)) for pattern in (*NAMES.values(), "zł|Kč"))


def _guessed(head: bytes) -> str:
    """Find the encoding in which the header of a file that is not UTF-8 has the most names that are known."""
    texts = {}
    for encoding in GUESSED:
        with suppress(UnicodeError):
            # The last character may be cut in two.
            texts[encoding] = codecs.getincrementaldecoder(encoding)().decode(head)
    return max(texts, key=lambda one: _named_columns(texts[one]), default="latin-1")


def _encoding(head: bytes, declared: str) -> str:
    if head.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        return "utf-32"
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if head.startswith(codecs.BOM_UTF8):
        with suppress(UnicodeError):
            codecs.getincrementaldecoder("utf-8")().decode(head)
            return "utf-8"
    if head[:200].count(0) > 0.3 * len(head[:200]):
        # Text without a mark whose every second byte is NUL: the even ones where the low byte comes first.
        return "utf-16-le" if head[1:200:2].count(0) > head[0:200:2].count(0) else "utf-16-be"
    for encoding in (declared, "utf-8"):
        with suppress(UnicodeError, LookupError):
            codecs.getincrementaldecoder(encoding)().decode(head)
            return "utf-8" if encoding == "utf-8-sig" else encoding
    return _guessed(head)


def _delimiter(lines: Sequence[str], reading: Reading) -> str:
    """Find the delimiter that parts most lines into the same number of fields, more than one."""
    declared = reading.delimiter

    def alike(delimiter: str) -> tuple[int, int]:
        if delimiter == WHITESPACE:
            widths = Counter(len(line.split()) for line in lines)
        else:
            with suppress(csv.Error):
                text = io.StringIO("\n".join(lines))
                widths = Counter(map(len, csv.reader(text, delimiter=delimiter, quotechar=reading.quotechar)))
        width, times = widths.most_common(1)[0]
        return (times if width > 1 else 0), width

    if not lines:
        return declared
    ranked = sorted(
        {declared, *DELIMITERS} - {WHITESPACE}, key=lambda one: (*alike(one), one == declared), reverse=True
    )
    if alike(ranked[0])[0] >= 0.5 * len(lines):
        return ranked[0]
    return WHITESPACE if alike(WHITESPACE)[0] >= 0.9 * len(lines) else declared


def _header_row(rows: Sequence[Sequence[str]]) -> int | None:
    """Find the first row that is as wide as most rows and holds a name in each cell."""
    if not rows:
        return None
    wide = Counter(
        sum(bool(cell.strip()) for cell in row) for row in rows if any(cell.strip() for cell in row)
    ).most_common(1)
    width = wide[0][0] if wide else 0
    for place, row in enumerate(rows[:30]):
        filled = [cell for cell in row if cell.strip()]
        if len(filled) >= max(width, 1) and not any(
            number_formats.parse(cell, NumberFormat()) is not None for cell in filled
        ):
            return place
    return None if _all_alike(rows, width) else next(at for at, row in enumerate(rows) if len(row) >= width)


def _all_alike(rows: Sequence[Sequence[str]], width: int) -> bool:
    """Return True if the first row has digits wherever all the others have: the file has no header."""
    first, *others = [row for row in rows if len(row) >= width] or [()]

    def counted(cells: Sequence[str]) -> bool:
        return all(re.search(r"\d", cell) for cell in cells)

    columns = list(zip(*(row[: len(first)] for row in others), strict=False))
    return bool(others) and all(counted([first[at]]) for at, cells in enumerate(columns) if counted(cells))


# ---- options -----------------------------------------------------------------------------------------------


def layout_options(file: Look, declared: Reading) -> list[str]:
    """List the options that declare the layout of a file, as a shell takes them."""
    reading = file.reading
    pairs = {
        "delimiter": spelled(reading.delimiter),
        "quote": reading.quote,
        "encoding": reading.encoding,
        "skip_rows": reading.skip_rows,
        "sheet": reading.sheet,
        "names": reading.names and f"[{','.join(reading.names)}]",
    }
    if declared.names:
        del pairs["names"]
    before = {name: getattr(declared, name) for name in pairs}
    before["delimiter"] = spelled(declared.delimiter)
    return [option(f"dataset.{name}", value) for name, value in pairs.items() if value != before[name]]


def spelled(delimiter: str) -> str:
    r"""Spell a delimiter as an option has it: ``\t``, ``\x01`` for a control character."""
    return "\\t" if delimiter == "\t" else delimiter if delimiter >= " " else f"\\x{ord(delimiter):02x}"


def option(key: str, value: object) -> str:
    """Spell an option of a run as a shell takes it."""
    text = str(value)
    if "'" in text and not set(text) & set('"$`\\!'):
        return f'"{key}={text}"'
    return f"{key}={shlex.quote(text)}"


def column_options(file: Look, mapped: Mapping[str, str | None]) -> tuple[list[str], dict[str, str]]:
    """Find the columns of orders that the file has under other names.

    Returns
    -------
    options : list of str
        As a shell takes them.
    columns : dict of str to str
        Column of the file for each column of seg, those declared and those found.
    """
    columns = {name: source for name, source in mapped.items() if source in file.header}
    options: list[str] = []
    for name, pattern in NAMES.items():
        if name in columns or (name in ("quantity", "unit_price") and "amount" in columns):
            continue
        used = set(columns.values())
        column = _column(file, name, pattern, used) or _column(file, name, FURTHER.get(name, "^$"), used)
        if column is None:
            continue
        if name == "amount" and {"quantity", "unit_price"} <= set(columns):
            continue
        columns[name] = column
        options.append(option(f"dataset.columns.{name}", column))
    if "unit_price" in columns and not {"quantity", "amount"} & set(columns):  # the price of what was bought
        columns["amount"] = columns.pop("unit_price")
        options = [one.replace("dataset.columns.unit_price=", "dataset.columns.amount=") for one in options]
    stale = [
        name
        for name, source in mapped.items()
        if source and name not in columns and name not in ("customer_id", "ordered_at")
    ]
    return [*options, *(f"dataset.columns.{name}=null" for name in stale)], columns


def unread(file: Look, columns: Mapping[str, str]) -> list[str]:
    """List the columns that are called like a date or an amount, which no column of the file is, and that no format reads."""
    kinds = {"ordered_at": "date", "amount": "number"}
    notes = []
    for name in kinds.keys() - columns.keys():
        named = [
            one
            for one in file.header
            if one not in columns.values() and re.search(NAMES[name], one, re.IGNORECASE)
        ]
        values = [value for value in file.values[named[0]] if value.strip()] if named else []
        if values and not ({"quantity", "unit_price"} <= columns.keys() and name == "amount"):
            notes.append(
                f"{named[0]}: no format of a {kinds[name]} reads nearly all of its values, such as {values[0]!r}"
            )
    return sorted(notes)


def _column(file: Look, name: str, pattern: str, used: set[str]) -> str | None:
    free = [
        column
        for column in file.header
        if column and column not in used and re.search(pattern, column, re.IGNORECASE)
    ]
    if name == "ordered_at":
        dated = [column for column in file.header if column not in used and _is_date(file, column)]
        return next((column for column in dated if column in free), dated[0] if len(dated) == 1 else None)
    if name in ("amount", "quantity", "unit_price"):
        free = [column for column in free if file.numbers([column])]
    return free[0] if free else None


def _is_date(file: Look, column: str, named: bool = True) -> bool:
    formats = file.dates(column)
    if not named:
        return bool(formats) and formats[0].format not in date_formats.COUNTED
    # Any number could be a serial number or seconds: only its name tells.
    counted = formats and formats[0].format in (*date_formats.COUNTED, *date_formats.SOLID)
    return bool(formats) and (not counted or bool(re.search(NAMES["ordered_at"], column, re.IGNORECASE)))


def format_options(
    file: Look,
    date_column: str | None,
    number_columns: Sequence[str],
    declared: tuple[str | None, NumberFormat],
):
    """List the options that declare the formats of dates and numbers, and what the values do not tell.

    Parameters
    ----------
    file : Look
    date_column : str or None
    number_columns : sequence of str
    declared : tuple of str or None, and NumberFormat
        Formats of dates and of numbers that the settings have.

    Returns
    -------
    options, notes : list of str
    """
    options, notes = [], []
    dates = file.dates(date_column) if date_column in file.values else []
    if dates and declared[0] not in [one.format for one in dates]:
        options.append(dates[0].override)
    if len(dates) > 1:
        notes.append(
            f"{date_column}: no day is later than the 12th, so {' and '.join(one.named for one in dates)} both read it; check which one is right"
        )
    numbers = file.numbers([column for column in number_columns if column in file.values])
    if numbers and declared[1] not in numbers:
        options += numbers[0].overrides
    if len(numbers) > 1:
        shown = " or ".join(" ".join(one.overrides) or "the default" for one in numbers)
        notes.append(
            f"{', '.join(number_columns)}: the values do not tell the decimal sign from the one of thousands ({shown})"
        )
    return options, notes
