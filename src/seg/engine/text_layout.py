"""Layouts of text that DuckDB does not split itself: columns padded with blanks, and arrays of JSON objects."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from typing import BinaryIO

from seg.errors import SegError

WHITESPACE = "whitespace"
ARRAY_LIMIT = 4 * 10**9  # bytes: an array has to be in memory to be parted


def is_array(file: BinaryIO) -> bool:
    """Return True if a JSON file holds one array; the file is read up to its first character."""
    while chunk := file.read(64):
        text = chunk.lstrip(b"\xef\xbb\xbf \t\r\n")
        if text:
            return text.startswith(b"[")
    return False


def copy_array_as_lines(path: Path, readable: Path, target: Path) -> Path:
    """Write the elements of a JSON array one a line, each as it is spelled in the file.

    Parameters
    ----------
    path : Path
        Name of the file in errors.
    readable : Path
        The file as UTF-8, not compressed.
    target : Path
        File to write.

    Raises
    ------
    SegError
        The array is broken, not closed, or larger than `ARRAY_LIMIT`.
    """
    if readable.stat().st_size > ARRAY_LIMIT:
        raise SegError(
            f"{path}: a JSON array of more than {ARRAY_LIMIT:,} bytes; write one object a line instead"
        )
    text = readable.read_text(encoding="utf-8-sig", errors="replace")
    with open(target, "w", encoding="utf-8", newline="") as lines:
        for element in _elements(path, text):
            # A line break stands between tokens only: within a text JSON has it escaped.
            lines.write(re.sub(r"[\r\n]+", " ", element) + "\n")
    return target


def _elements(path: Path, text: str):
    decoder, blank = json.JSONDecoder(), re.compile(r"\s*")

    def broken(place: int, reason: str) -> SegError:
        line = text.count("\n", 0, place) + 1
        return SegError(
            f"{path}: not a JSON array: {reason} in line {line:,}; correct the file, or write one object a line"
        )

    place = blank.match(text, text.index("[") + 1).end()
    while not text.startswith("]", place):
        try:
            _value, end = decoder.raw_decode(text, place)
        except (ValueError, RecursionError) as error:
            raise broken(place, getattr(error, "msg", str(error))) from None
        yield text[place:end]
        place = blank.match(text, end).end()
        if text.startswith(",", place):
            place = blank.match(text, place + 1).end()
        elif not text.startswith("]", place):
            raise broken(place, "expected a comma or the closing bracket")
    if text[place + 1 :].strip():
        raise broken(place + 1, "there is text after the closing bracket")


def copy_split_on_blanks(source, target: Path) -> Path:
    """Write lines of blank-padded columns as CSV, line by line, so that a number of a line stays what it is.

    Parameters
    ----------
    source : text file
        Open for reading.
    target : Path
        File to write, UTF-8.
    """
    with open(target, "w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        for line in source:
            fields = line.split()
            writer.writerow(fields) if fields else out.write("\n")
    return target
