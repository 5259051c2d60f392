"""How large compressed files are when they are inflated: a small file may hold more than the memory or the disk.

The limit is ``dataset.max_bytes``. A gzip file is inflated once, in pieces that are dropped; of a workbook the sizes of its
parts are read from its directory, and its sheets are scanned for how far apart their cells lie.
"""

from __future__ import annotations

import gzip
import re
import zipfile
import zlib
from pathlib import Path

from seg.errors import SegError

PIECE = 1 << 20
UNITS = {"KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
CELL = 24  # bytes that a cell takes in memory at least, an empty one between two others too
REFERENCE = re.compile(rb""" r=["']([A-Z]{1,3})[0-9]""")
ROW = re.compile(rb""" r=["']([0-9]{1,8})["']""")
OVERLAP = 64  # bytes of a piece that are looked at again with the next: a tag may lie across both


def limit_of(max_bytes: object) -> int | None:
    """Read ``dataset.max_bytes``: a number of bytes, or a number and a unit; None where there is no limit.

    >>> limit_of("4GB")
    4000000000

    Raises
    ------
    SegError
        It is neither.
    """
    if max_bytes is None:
        return None
    match = re.fullmatch(r"([0-9]+(?:[.][0-9]+)?)\s*([KMGT]B)?", str(max_bytes).strip(), re.IGNORECASE)
    if match is None or isinstance(max_bytes, bool):
        raise SegError(
            f"dataset.max_bytes={max_bytes}: expected a number of bytes or a number and a unit, such as 4GB, or null for no limit"
        )
    return int(float(match[1]) * UNITS.get((match[2] or "").upper(), 1))


def check_gzip(path: Path, limit: int | None) -> None:
    """Inflate a gzip file to its end: DuckDB does not compare the checksum.

    Raises
    ------
    SegError
        The file is damaged, or holds more bytes than the limit.
    """
    size = 0
    try:
        with gzip.open(path, "rb") as file:
            while piece := file.read(PIECE):
                size += len(piece)
                if limit is not None and size > limit:
                    raise _too_large(path, f"it inflates from {path.stat().st_size:,} bytes to more", limit)
    except gzip.BadGzipFile as error:
        with open(path, "rb") as file:
            text = file.read(2) != b"\x1f\x8b"
        mend = (
            "it is not compressed; rename it without .gz"
            if text
            else f"a damaged gzip file ({error}); fetch it again"
        )
        raise SegError(f"{path}: {mend}") from None
    except (OSError, EOFError, zlib.error) as error:
        raise SegError(f"{path}: a damaged or truncated gzip file ({error}); fetch it again") from None


def check_workbook(path: Path, limit: int | None) -> None:
    """Check what a workbook would take in memory, before it is opened.

    Parameters
    ----------
    path : Path
        A file that is no ZIP archive, such as an old ``.xls``, has the size that it has and is not looked into.
    limit : int or None
        Bytes.

    Raises
    ------
    SegError
        Its parts inflate to more bytes than the limit, or the cells of a sheet lie so far apart that the table between them does.
    """
    if limit is None or not zipfile.is_zipfile(path):
        return
    try:
        with zipfile.ZipFile(path) as book:
            size = sum(part.file_size for part in book.infolist())
            if size > limit:
                raise _too_large(
                    path, f"its parts inflate from {path.stat().st_size:,} to {size:,} bytes, more", limit
                )
            for part in book.infolist():
                if re.fullmatch(r"/?xl/worksheets/[^/]*[.]xml", part.filename, re.IGNORECASE):
                    _check_sheet(path, book, part, limit)
    except (OSError, EOFError, ValueError, zlib.error, zipfile.BadZipFile, NotImplementedError) as error:
        raise SegError(f"{path}: not a readable Excel workbook ({error})") from None


def _check_sheet(path: Path, book: zipfile.ZipFile, part: zipfile.ZipInfo, limit: int) -> None:
    rows, columns = extent(book, part)
    if rows * columns * CELL > limit:
        raise _too_large(
            path,
            f"the cells of {part.filename} span {rows:,} rows and {columns:,} columns (is one far from the table?), which take more",
            limit,
        )


def extent(book: zipfile.ZipFile, part: zipfile.ZipInfo) -> tuple[int, int]:
    """Return how many rows and columns the cells of a sheet span at most."""
    last_row, last_column, rows, wide, size = 0, 0, 0, 0, 0
    with book.open(part) as file:
        rest, in_row = b"", 0
        while piece := file.read(PIECE):
            size += len(piece)
            # The directory of an archive may say less than there is: then reading on fails, with a checksum that differs.
            text = rest + piece
            rows += piece.count(b"<row")
            last_row = max([last_row, *map(int, ROW.findall(text))])
            last_column = max([last_column, *map(_column, set(REFERENCE.findall(text)))])
            first, *others = piece.split(b"<row")
            in_row += first.count(b"<c ") + first.count(b"<c>")
            for one in others:
                wide, in_row = max(wide, in_row), one.count(b"<c ") + one.count(b"<c>")
            wide, rest = max(wide, in_row), text[-OVERLAP:]
    return max(last_row, rows), max(last_column, wide)


def _column(letters: bytes) -> int:
    """Return the number of a column.

    >>> _column(b"AA")
    27
    """
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number


def _too_large(path: Path, what: str, limit: int) -> SegError:
    return SegError(
        f"{path}: {what} than dataset.max_bytes allows ({limit:,}); if the file is meant to be that large, raise it, "
        "such as dataset.max_bytes=20GB, or null for no limit"
    )
