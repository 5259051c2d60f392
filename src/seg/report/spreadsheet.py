"""An Excel workbook from tables: typed cells, widths, a frozen header with filters, and no formula, whatever the data hold.

Written here, cell by cell as text, because the libraries for it need ten seconds for the customers of a shop, and this
half of one. The format is Office Open XML (ECMA-376, part 1, chapter 18).
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from xml.sax.saxutils import escape

import numpy as np
import pandas as pd

MOST_ROWS = 1_048_576  # of a worksheet, its header among them
MOST_TEXT = 32_767  # characters of a cell
# XML 1.0 has no place for these, Excel calls a workbook with one of them damaged.
FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
SPECIAL = re.compile(f"[&<>]|{FORBIDDEN.pattern}")
PLAIN, HEADER, WHOLE, DECIMAL, PERCENT, WRAPPED = range(6)
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'


@dataclass(frozen=True)
class Sheet:
    """One worksheet.

    Parameters
    ----------
    name : str
        At most 31 characters.
    table : DataFrame
        Its columns are the header; the index is not written.
    percents : sequence of str
        Columns that are shares of 1, shown as percentages.
    wrapped : bool
        Whether long texts are broken into lines, in wide columns.
    """

    name: str
    table: pd.DataFrame
    percents: Sequence[str] = field(default=())
    wrapped: bool = False


def workbook(sheets: Sequence[Sheet]) -> bytes:
    """Return the bytes of an ``.xlsx`` file.

    Raises
    ------
    ValueError
        A table has more rows than a worksheet can hold.
    """
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        parts = _parts([sheet.name for sheet in sheets])
        parts |= {f"xl/worksheets/sheet{number}.xml": _sheet(one) for number, one in enumerate(sheets, 1)}
        for name, content in parts.items():
            # One moment for all files: equal tables give equal bytes.
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), content, zipfile.ZIP_DEFLATED, 1)
    return written.getvalue()


def _sheet(sheet: Sheet) -> str:
    table = sheet.table
    if len(table) >= MOST_ROWS:
        raise ValueError(f"sheet {sheet.name}: {len(table):,} rows, expected fewer than {MOST_ROWS:,}")
    columns = [_cells(table.iloc[:, place], sheet) for place in range(table.shape[1])]
    header = "".join(_texts([str(name) for name in table.columns], HEADER))
    rows = ["".join(cells) for cells in zip(*columns, strict=True)]
    body = "</row><row>".join([header, *rows])
    widths = "".join(
        f'<col min="{number}" max="{number}" width="{_width(table.iloc[:, number - 1], sheet)}" customWidth="1"/>'
        for number in range(1, table.shape[1] + 1)
    )
    pane = '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/>'
    area = f"A1:{_letters(max(table.shape[1], 1))}{len(table) + 1}"
    return (
        f'{XML}<worksheet xmlns="{MAIN}"><sheetViews><sheetView workbookViewId="0">{pane}</sheetView></sheetViews>'
        f"<cols>{widths}</cols><sheetData><row>{body}</row></sheetData>"
        + (f'<autoFilter ref="{area}"/>' if len(table) else "")
        + "</worksheet>"
    )


def _cells(column: pd.Series, sheet: Sheet) -> list[str]:
    """Write the cells of a column: numbers as numbers, all else as text."""
    if pd.api.types.is_bool_dtype(column.dtype) or not pd.api.types.is_numeric_dtype(column.dtype):
        style = WRAPPED if sheet.wrapped else PLAIN
        values = column.dropna().unique().tolist()
        known = dict(zip(values, _texts([str(value) for value in values], style), strict=True))
        return [known.get(value, "<c/>") for value in column.tolist()]
    values = column.to_numpy(dtype="float64", na_value=np.nan)
    finite = np.isfinite(values)
    integral = bool(
        (values[finite] == np.round(values[finite])).all() and (np.abs(values[finite]) < 1e15).all()
    )
    style = PERCENT if column.name in sheet.percents else WHOLE if integral else DECIMAL
    # Most columns repeat few values: each is written once.
    unique, inverse = np.unique(np.where(finite, values, np.nan), return_inverse=True)
    numbers = unique.tolist() if not integral else [int(one) if np.isfinite(one) else one for one in unique]
    written = [f'<c s="{style}"><v>{one!r}</v></c>' if one == one else "<c/>" for one in numbers]
    return np.array(written, dtype=object)[inverse.reshape(-1)].tolist() if len(written) else []


def _texts(texts: Sequence[str], style: int) -> list[str]:
    """Write cells of text."""
    # One look at all of them: ids, of which there is one a customer, have nothing to be taken out.
    if SPECIAL.search("".join(texts)) or any(len(text) > MOST_TEXT for text in texts):
        texts = [escape(FORBIDDEN.sub("", text)[:MOST_TEXT]) for text in texts]
    return [f'<c t="inlineStr" s="{style}"><is><t xml:space="preserve">{text}</t></is></c>' for text in texts]


def _width(column: pd.Series, sheet: Sheet) -> int:
    """Return a width in characters, of the header and of the first rows."""
    shown = [str(column.name)]
    if pd.api.types.is_numeric_dtype(column.dtype):
        shown += [f"{value:,.2f}" for value in column.head(200).dropna()]
    else:
        shown += [str(value) for value in column.head(200).dropna()]
    return int(np.clip(max(map(len, shown)) + 3, 8, 70 if sheet.wrapped else 44))


def _letters(number: int) -> str:
    """Return the letters of a column: 1 is A, 27 is AA."""
    letters = ""
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def _parts(names: Sequence[str]) -> Mapping[str, str]:
    """Write everything of a workbook but its sheets."""
    numbers = range(1, len(names) + 1)
    sheet_type = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    overrides = "".join(
        f'<Override PartName="/xl/worksheets/sheet{number}.xml" ContentType="{sheet_type}.worksheet+xml"/>'
        for number in numbers
    )
    listed = "".join(
        f'<sheet name="{escape(name[:31], {chr(34): "&quot;"})}" sheetId="{number}" r:id="rId{number}"/>'
        for number, name in zip(numbers, names, strict=True)
    )
    related = "".join(
        f'<Relationship Id="rId{number}" Type="{OFFICE}/worksheet" Target="worksheets/sheet{number}.xml"/>'
        for number in numbers
    )
    return {
        "[Content_Types].xml": f'{XML}<Types xmlns="{PACKAGE}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{sheet_type}.sheet.main+xml"/>'
        f'<Override PartName="/xl/styles.xml" ContentType="{sheet_type}.styles+xml"/>{overrides}</Types>',
        "_rels/.rels": f'{XML}<Relationships xmlns="{PACKAGE}/relationships">'
        f'<Relationship Id="rId1" Type="{OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'{XML}<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><sheets>{listed}</sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'{XML}<Relationships xmlns="{PACKAGE}/relationships">{related}'
        f'<Relationship Id="rId{len(names) + 1}" Type="{OFFICE}/styles" Target="styles.xml"/></Relationships>',
        "xl/styles.xml": _STYLES,
    }


_FORMATS = (
    (0, 0, ""),
    (0, 1, ""),
    (3, 0, ""),
    (4, 0, ""),
    (164, 0, ""),
    (0, 0, '<alignment vertical="top" wrapText="1"/>'),
)
_STYLES = (
    f'{XML}<styleSheet xmlns="{MAIN}"><numFmts count="1"><numFmt numFmtId="164" formatCode="0.0%"/></numFmts>'
    '<fonts count="2"><font><sz val="11"/><name val="Calibri"/></font><font><b/><sz val="11"/><name val="Calibri"/></font></fonts>'
    '<fills count="3"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill>'
    '<fill><patternFill patternType="solid"><fgColor rgb="FFE9EDF2"/><bgColor indexed="64"/></patternFill></fill></fills>'
    '<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>'
    '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>'
    f'<cellXfs count="{len(_FORMATS)}">'
    + "".join(
        f'<xf numFmtId="{number}" fontId="{bold}" fillId="{2 if bold else 0}" borderId="0" xfId="0" applyNumberFormat="1" '
        f'applyFont="1" applyFill="1" applyAlignment="1">{more}</xf>'
        for number, bold, more in _FORMATS
    )
    + '</cellXfs><cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
)
