"""What any engine needs before it reads: the format of a file, its encoding, its header, what is damaged.

The header of each file is checked by name, because engines map columns by position.
"""

from __future__ import annotations

import codecs
import contextlib
import gzip
import io
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pandas as pd
from ibis.expr import types as ir

from seg.engine.inflated_size import check_gzip, limit_of
from seg.engine.text_layout import WHITESPACE
from seg.errors import SegError, listed

RECORDS = "write one object a row, such as with pandas: to_json(orient='records', lines=True)"
LOOK = "seg data check looks at the file and prints the options that read it"
QUOTES = {"double": '"', "single": "'"}
REJECT_COLUMNS = ["file", "line", "reason", "text"]


@dataclass(frozen=True)
class Reading:
    r"""How the files of a data set are written, and what is done with rows that lack something.

    Parameters
    ----------
    delimiter : str
        Between the fields of a CSV line: one character, ``\t`` for a tab, ``\x01`` for a control character, or ``whitespace`` for columns padded with blanks.
    quote : {"double", "single"}
        Mark around the fields of a CSV line.
    encoding : str
        Any text codec of Python, of CSV and JSON; anything but UTF-8 is converted to UTF-8 first.
    sheet : str, optional
        Sheet of an Excel workbook; all visible sheets, one after the other, when left out.
    skip_rows : int
        Lines above the header of a CSV file or a sheet.
    names : sequence of str, optional
        Column names of a CSV file or a sheet without a header.
    thousands : str, optional
        Sign between groups of digits, see `seg.sources.number_formats.NumberFormat`.
    time_zone : str, optional
        Zone in which instants (a UTC offset, an epoch) become days, such as ``Europe/Berlin``; UTC when left out.
    bad_rows_limit : float
        Largest share of the rows, and of the money, that ``bad_rows=skip`` may leave out, 0 to 1.
    missing : {"fail", "drop", "median"}
        What is done with a missing number in a table of customers.
    id_case : {"keep", "lower"}
        Whether ids that differ in upper and lower case are one.
    named_by : str
        Options that name the columns, for errors.
    max_bytes : int or str, optional
        Most bytes that a gzip file or a workbook may take when it is inflated, such as ``4GB``; no limit when left out.
    """

    delimiter: str = ","
    quote: str = "double"
    encoding: str = "utf-8"
    sheet: str | None = None
    skip_rows: int = 0
    names: Sequence[str] | None = None
    thousands: str | None = None
    time_zone: str | None = None
    bad_rows_limit: float = 1.0
    missing: str = "fail"
    id_case: str = "keep"
    named_by: str = "dataset.columns"
    max_bytes: int | str | None = None

    @property
    def quotechar(self) -> str:
        """The character around the fields of a CSV line."""
        return QUOTES[self.quote]


class Uri(str):
    """Parquet in a place that Spark alone reaches, a file or a folder: ``hdfs://``, ``s3a://``, ``dbfs:/``."""

    @property
    def name(self) -> str:
        """Last part of the path."""
        return self.rstrip("/").rpartition("/")[2]


@dataclass(frozen=True)
class Raw:
    """A table as its files hold it, and the lines that could not be split into fields.

    ``place`` names two further columns, the file of a row and its number there, where an engine reads in no order.
    """

    table: ir.Table
    rejects: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=REJECT_COLUMNS))
    # Excel, Parquet: values have types, a date arrives as ISO text whatever its format was.
    typed_cells: bool = False
    workbook: bool = False  # cells that are numbers have a point, whatever the decimal sign of the others
    notes: tuple[str, ...] = ()  # what was not read and is no fault: blank lines, hidden sheets
    stored: bool = True  # False: a view of the files (Parquet), scanned where it is
    complete: frozenset[str] = (
        frozenset()
    )  # text columns of which the files say that none is missing or blank
    place: tuple[str, str] | None = None
    instants: frozenset[str] = (
        frozenset()
    )  # times that are instants in the files, and arrive as the clock in UTC
    bounds: Mapping[str, tuple[float, float]] = field(
        default_factory=dict
    )  # smallest and largest of columns of finite numbers of which the files say that none is missing


def file_format(path: Path) -> str:
    """Return the format of a file by its ending: csv, jsonl, parquet or excel."""
    name = path.name.lower().removesuffix(".gz")
    if isinstance(path, Uri):
        if any(name.endswith(ending) for ending, kind in FORMATS.items() if kind != "parquet"):
            raise SegError(f"{path}: only Parquet is read from there; copy it to this machine, or convert it")
        return "parquet"
    for ending, format_name in FORMATS.items():
        if name.endswith(ending):
            return format_name
    raise SegError(
        f"{path}: cannot tell the format from the name; expected one of {', '.join(FORMATS)} (.gz allowed)"
        + ("; unpack it first, or compress it with gzip" if name.endswith(PACKED) else "")
    )


HEAD = 1 << 20  # bytes that tell an encoding
PACKED = (".zip", ".bz2", ".xz", ".zst", ".7z", ".rar", ".tar", ".tgz", ".lz4", ".br")
FORMATS = {
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".parquet": "parquet",
    ".xlsx": "excel",
    ".xlsm": "excel",
    ".xls": "excel",
}


def check_request(paths: Sequence[Path], columns: Sequence[str], reading: Reading) -> tuple[str, Reading]:
    """Check a request before anything is read; return the format of the files, and how to read them.

    Parameters
    ----------
    paths : sequence of Path
    columns : sequence of str
        Those that are to be read.
    reading : Reading

    Returns
    -------
    format : str
        ``"csv"``, ``"excel"``, ``"jsonl"`` or ``"parquet"``.
    reading : Reading
        The same, checked.

    Raises
    ------
    SegError
        The files are of several formats, a gzip file is damaged, a compressed file holds more than ``dataset.max_bytes``, names
        differ only in case, or the delimiter or the encoding cannot be one.
    """
    reading = checked(reading)
    formats = {file_format(path) for path in paths}
    if len(formats) != 1:
        raise SegError(
            f"{len(paths)} files of several formats ({', '.join(sorted(formats))}): read one format at a time"
        )
    folded = [column.casefold() for column in columns]
    for column in columns:
        if folded.count(column.casefold()) > 1:
            raise SegError(
                f"{paths[0]}: column {column!r} differs from another only in upper and lower case; rename one"
            )
    for path in paths:
        if path.name.lower().endswith(".gz"):
            check_gzip(path, reading.max_bytes)
        elif formats & {"csv", "jsonl"} and (other := not_text(path)):
            raise other
    return formats.pop(), reading


def checked(reading: Reading) -> Reading:
    """Check delimiter, encoding and names, and spell them in one way."""
    delimiter = "\t" if reading.delimiter in ("\\t", "tab") else reading.delimiter
    if re.fullmatch(r"\\x[0-9a-fA-F]{2}", str(delimiter)):
        delimiter = chr(int(delimiter[2:], 16))
    if reading.quote not in QUOTES:
        raise SegError(f"dataset.quote={reading.quote}: expected {' or '.join(QUOTES)}")
    single = (
        isinstance(delimiter, str) and len(delimiter) == 1 and delimiter not in f"{reading.quotechar}\r\n"
    )
    if not single and delimiter != WHITESPACE:
        raise SegError(
            f"dataset.delimiter={reading.delimiter!r}: expected one character, such as ',' ';' '|' or '\\t', or {WHITESPACE} for "
            "columns padded with blanks"
        )
    if not is_text_encoding(reading.encoding):
        raise SegError(
            f"dataset.encoding={reading.encoding}: unknown; expected a text encoding of Python such as utf-8, windows-1252 or utf-16"
        )
    names = None if reading.names is None else tuple(map(str, reading.names))
    if names is not None and (not names or len(set(names)) < len(names)):
        raise SegError(
            f"dataset.names={list(names)}: expected one name for each column of the file, none of them twice"
        )
    return replace(reading, delimiter=delimiter, names=names, max_bytes=limit_of(reading.max_bytes))


def is_text_encoding(encoding: str) -> bool:
    """Return True if Python can decode text with an encoding (rot13 and base64 are codecs of another kind)."""
    try:
        return codecs.lookup(encoding)._is_text_encoding
    except (LookupError, TypeError, ValueError):
        return False


def opener(path: Path):
    """Return what opens a file, decompressed where it is gzip."""
    return gzip.open if path.name.lower().endswith(".gz") else open


def open_text(path: Path, encoding: str, newline: str | None = ""):
    """Open a file as text, its line ends as they are; a byte order mark of UTF-8 is dropped in any other encoding.

    Raises
    ------
    SegError
        The file is UTF-8, has its mark, and another encoding is declared.
    """
    if codecs.lookup(encoding).name.startswith("utf") or not has_bom(path):
        return opener(path)(path, "rt", encoding=encoding, newline=newline)
    source = open_bytes(path)
    with contextlib.suppress(UnicodeError):
        codecs.getincrementaldecoder("utf-8")().decode(source.read(HEAD))
        source.close()
        raise SegError(
            f"{path}: dataset.encoding={encoding}, but it is UTF-8 and begins with its byte order mark; set dataset.encoding=utf-8"
        )
    source.seek(len(codecs.BOM_UTF8))
    return io.TextIOWrapper(source, encoding=encoding, newline=newline)


def open_bytes(path: Path):
    """Open a file, decompressed where it is gzip."""
    return opener(path)(path, "rb")


def is_utf8(encoding: str) -> bool:
    """Return True if an encoding is UTF-8, with a byte order mark or without."""
    return codecs.lookup(encoding).name in {"utf-8", "utf-8-sig"}


def with_bom(encoding: str) -> str:
    """Strip a UTF-8 byte order mark from the first column name."""
    return "utf-8-sig" if is_utf8(encoding) else encoding


def has_bom(path: Path) -> bool:
    """Return True if a file begins with the byte order mark of UTF-8."""
    with open_bytes(path) as file:
        return file.read(3) == codecs.BOM_UTF8


# First bytes of files that are named like text and are none.
COMPRESSED = {
    b"\x1f\x8b": ("a gzip file", "rename it so that it ends in .gz, such as orders.csv.gz"),
    b"PK\x03\x04": (
        "a ZIP archive or a workbook",
        "unpack it, or rename a workbook so that it ends in .xlsx",
    ),
    b"version https://git-lfs": ("a pointer of Git LFS", "fetch the file itself with git lfs pull"),
    b"PAR1": ("a Parquet file", "rename it so that it ends in .parquet"),
    b"\xd0\xcf\x11\xe0": ("an old or encrypted workbook", "save it as .xlsx without a password"),
}
MARKUP = re.compile(rb"(?:\xef\xbb\xbf)?\s*<(?:!doctype|html|head|body|table|[?]xml)\b", re.IGNORECASE)


def not_text(path: Path) -> SegError | None:
    """Build the error for a file that is named like text and begins like another format; None where it does not."""
    with open(path, "rb") as file:
        start = file.read(200)
    if path.name.lower().endswith(".gz"):
        return None
    for sign, (kind, mend) in COMPRESSED.items():
        if start.startswith(sign):
            return SegError(f"{path}: it is {kind}, not text; {mend}")
    if MARKUP.match(start):
        return SegError(
            f"{path}: it is a page of HTML or XML, not a table; open it in a spreadsheet program and save it as CSV or .xlsx"
        )
    return None


def not_encoded(path: Path, encoding: str, error: UnicodeError) -> SegError:
    """Build the error for a file in another encoding.

    Parameters
    ----------
    path : Path
    encoding : str
        The one that was tried.
    error : UnicodeError

    Returns
    -------
    SegError
    """
    reason = getattr(error, "reason", error)
    compressed = not_text(path)
    if compressed:
        return compressed
    return SegError(
        f"{path}: it is not {encoding} ({reason}); set dataset.encoding, e.g. windows-1252 or utf-16"
    )


def missing_columns(header: Sequence[str], columns: Sequence[str]) -> list[str]:
    """List the columns that a header lacks."""
    return [column for column in columns if column not in header]


def check_header(
    path: Path,
    header: tuple[str, ...],
    columns: Sequence[str],
    reading: Reading,
    first_rows: Callable[[], list[list[str]]] | None = None,
) -> None:
    """Check that a header has every column once.

    Parameters
    ----------
    path : Path
    header : tuple of str
    columns : sequence of str
        The ones that are needed.
    reading : Reading
    first_rows : callable, optional
        Reads the first rows of the file, among which the header may be.

    Raises
    ------
    SegError
        Names every missing column, each with the nearest one in the file, and what to do.
    """
    missing = missing_columns(header, columns)
    if missing:
        named = "; ".join(
            f"{column!r} (nearest: {listed(column, filter(None, header), most=5)})" for column in missing
        )
        rows = first_rows() if first_rows else []
        way_out = _way_out(header, rows, columns, reading)
        same = [name for name in header if _composed(name) in map(_composed, missing)]
        if same:
            way_out = f"the file spells {', '.join(map(repr, same))} with accents as characters of their own: copy the name from its header"
        if len(header) == 1 and file_format(path) == "jsonl":
            way_out = f"if the records are the list in {header[0]!r}, write that list alone, such as with: jq .{header[0]}"
        if {"columns", "data"} <= set(header) and file_format(path) == "jsonl":
            way_out = RECORDS
        raise SegError(f"{path}: missing column {named}; {way_out}")
    repeated = [column for column in columns if header.count(column) > 1]
    if repeated:
        raise SegError(
            f"{path}: column {', '.join(map(repr, repeated))} is in the header more than once; rename one"
        )


@contextlib.contextmanager
def alike(path: Path, first: Path) -> Iterator[None]:
    """Add to an error about the header of a file that an earlier one is read with the same options: they would not help there."""
    try:
        yield
    except SegError as error:
        if path == first:
            raise
        raise SegError(
            f"{error}; {first} is read with the options that are set: write all files alike, or read them apart"
        ) from None


def _composed(name: str) -> str:
    return unicodedata.normalize("NFC", name)


def _way_out(header: tuple[str, ...], rows: list[list[str]], columns: Sequence[str], reading: Reading) -> str:
    """Look for the columns where they could be: behind another delimiter, or below lines of a title."""
    guess = next((sign for sign in (";", "\t", "|", ",") if len(header) == 1 and sign in header[0]), None)
    if header and all(re.fullmatch("'.*'", name) for name in header):
        return "the fields are in single quotes: set dataset.quote=single"
    if guess and guess != reading.delimiter:
        return f'the header is one field: is the delimiter {guess!r}? Then "dataset.delimiter={guess!r}"'
    for place, row in enumerate(rows):
        if place and not missing_columns([name.strip() for name in row], columns):
            skipped = reading.skip_rows + place
            return f"the header is line {skipped + 1}: leave out the lines above it with dataset.skip_rows={skipped}"
    return f"name the right one ({reading.named_by}); {LOOK}"
