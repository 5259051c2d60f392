"""Connect, read, register: the embedded engine behind Ibis.

The only module that speaks DuckDB's own SQL. Everything above it (adapters, cleaning, features) is written
once as Ibis expressions, so that a second engine needs this module's methods and nothing else.

Reading is strict: every text column stays text, the header of each file is checked by name (DuckDB maps
columns by position), no dialect is guessed, and a line that does not fit is kept aside with its number and
its reason.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import json
import re
import shutil
import tempfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import reduce
from pathlib import Path

import duckdb
import ibis
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from ibis.expr import types as ir

from seg.errors import SegError, listed

REJECT_COLUMNS = ["file", "line", "reason", "text"]

# DuckDB alone would also read infinity, epoch, 24:00, five-digit years, and drop a zone that is spelled in
# letters.
ISO_DAY = r"[0-9]{4}[-/][0-9]{1,2}[-/][0-9]{1,2}"
ISO_TIME = r"[T ]([01]?[0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.][0-9]+)?)?"
ISO_OFFSET = r"(Z|[+-][0-9]{2}(:?[0-9]{2})?)"


@ibis.udf.scalar.builtin(name="try_strptime", signature=(("string", "string"), "timestamp"))
def _try_strptime(text, format): ...


@dataclass(frozen=True)
class Reading:
    r"""What a file format needs to be read.

    Parameters
    ----------
    delimiter : str
        Between the fields of a CSV line: one character, or ``\t`` for a tab.
    encoding : str
        Any codec of Python, of CSV and JSON Lines; anything but UTF-8 is converted to UTF-8 first.
    sheet : str, optional
        Sheet of an Excel workbook; all sheets, one after the other, when left out.
    """

    delimiter: str = ","
    encoding: str = "utf-8"
    sheet: str | None = None


@dataclass(frozen=True)
class Raw:
    """A table as its files hold it, and the lines that could not be split into fields."""

    table: ir.Table
    rejects: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=REJECT_COLUMNS))
    typed_cells: bool = (
        False  # Excel, Parquet: values have types, a date arrives as ISO text whatever its format was
    )
    stored: bool = True  # False: a view of the files (Parquet), scanned where it is


def file_format(path: Path) -> str:
    """Name the format of a file by its ending: csv, jsonl, parquet or excel."""
    name = path.name.lower().removesuffix(".gz")
    for ending, format_name in FORMATS.items():
        if name.endswith(ending):
            return format_name
    raise SegError(
        f"{path}: cannot tell the format from the name; expected one of {', '.join(FORMATS)} (.gz allowed)"
    )


FORMATS = {
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".parquet": "parquet",
    ".xlsx": "excel",
    ".xls": "excel",
}


class DuckDBEngine:
    """DuckDB in this process, spilling to disk what does not fit `memory_limit`.

    Parameters
    ----------
    memory_limit : str, optional
        Such as ``"4GB"``; DuckDB's own default (80 % of the memory) when left out.
    threads : int, optional
        All cores when left out.
    spill_dir : str, optional
        Where to spill; a temporary folder that goes with the engine when left out.
    """

    name = "duckdb"

    def __init__(
        self, memory_limit: str | None = None, threads: int | None = None, spill_dir: str | None = None
    ):
        # DuckDB takes a negative limit as none at all.
        if memory_limit and not re.fullmatch(r"\d+(\.\d+)? ?[KMGT]i?B", str(memory_limit), re.IGNORECASE):
            raise SegError(
                f"engine.memory_limit={memory_limit}: expected a number and a unit, such as 500MB or 4GB"
            )
        self._scratch = _scratch_folder(spill_dir)
        settings = {"temp_directory": str(self._scratch / "spill")}
        if memory_limit:
            settings["memory_limit"] = memory_limit
        if threads is not None:
            settings["threads"] = threads
        try:
            self._ibis = ibis.duckdb.connect(**settings)
        except duckdb.Error as error:
            shutil.rmtree(self._scratch, ignore_errors=True)
            raise SegError(
                f"engine: DuckDB does not take memory_limit={memory_limit}, threads={threads}: {error}"
            ) from None
        self._ibis.con.execute("SET TimeZone = 'UTC'; SET enable_progress_bar = false")
        self._tables = 0

    def __enter__(self) -> DuckDBEngine:
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the database and of what was spilled."""
        self._ibis.disconnect()
        shutil.rmtree(self._scratch, ignore_errors=True)

    def describe(self) -> dict[str, str]:
        """Name the engine, its version and its limits, for the record of a run."""
        # All of it is fetched: a result left half-read keeps the connection from other work.
        memory_limit, threads = self._ibis.con.execute(
            "SELECT current_setting('memory_limit'), current_setting('threads')"
        ).fetchall()[0]
        return {
            "engine": self.name,
            "version": duckdb.__version__,
            "memory_limit": memory_limit,
            "threads": str(threads),
        }

    # ---- tables --------------------------------------------------------------------------------------------

    def checkpoint(self, table: ir.Table) -> ir.Table:
        """Compute a table once and keep it, on disk where it does not fit the memory."""
        name = self._new_name()
        with _explained():
            self._ibis.con.execute(f"CREATE TEMP TABLE {name} AS {ibis.to_sql(table, dialect='duckdb')}")
        return self._ibis.table(name)

    def register(self, frame: pd.DataFrame | pa.Table) -> ir.Table:
        """Make a table of a frame that is in memory already."""
        name = self._new_name()
        # Ibis' own create_table drops a view on the way in words that DuckDB 2 does not parse.
        self._ibis.con.register(f"{name}_view", frame)
        self._ibis.con.execute(f"CREATE TEMP TABLE {name} AS SELECT * FROM {name}_view")
        self._ibis.con.unregister(f"{name}_view")
        return self._ibis.table(name)

    def collect(self, table: ir.Table) -> pd.DataFrame:
        """Bring a table into memory, by Arrow."""
        with _explained():
            return table.to_pyarrow().to_pandas(date_as_object=False)

    def _new_name(self) -> str:
        self._tables += 1
        return f"seg_{self._tables}"

    # ---- leaves whose spelling differs between engines -----------------------------------------------------

    def timestamp(self, text: ir.StringValue, format_text: str | None) -> ir.TimestampValue:
        """Read a time of day and date; NULL where the text does not fit.

        `format_text` is spelled as in Python's ``strptime``; ISO 8601 when None.
        """
        if format_text is None:
            return _iso(text).try_cast("timestamp")
        try:
            self._ibis.con.execute("SELECT try_strptime('', ?)", [format_text]).fetchall()
        except duckdb.Error:
            raise SegError(
                f"dataset.date_format={format_text}: not a format of strptime; expected one such as "
                "%d.%m.%Y %H:%M"
            ) from None
        # DuckDB reads infinity and epoch as times whatever the format is; no date is without a digit.
        return _try_strptime(text.re_search("[0-9]").ifelse(text, ibis.null("string")), format_text)

    def instant(self, text: ir.StringValue) -> ir.TimestampValue:
        """Read an ISO 8601 text that carries a UTC offset, as the time in UTC; NULL where it does not fit."""
        return _iso(text).try_cast("timestamp('UTC')").cast("timestamp")

    def zoned(self, text: ir.StringValue) -> ir.BooleanValue:
        """Say whether a text is an ISO 8601 time that carries a UTC offset."""
        return text.re_search(f"^{ISO_DAY}{ISO_TIME}{ISO_OFFSET}$")

    def unzoned(self, text: ir.StringValue) -> ir.BooleanValue:
        """Say whether a text is an ISO 8601 date or time without a UTC offset."""
        return text.re_search(f"^{ISO_DAY}({ISO_TIME})?$")

    # ---- reading -------------------------------------------------------------------------------------------

    def read(self, paths: Sequence[Path], columns: Sequence[str], reading: Reading | None = None) -> Raw:
        """Read the named columns of one or more files of one format.

        Parameters
        ----------
        paths : sequence of Path
            Files of one format, with the same columns in any order.
        columns : sequence of str
            Columns to read, as the files name them.
        reading : Reading, optional
            Delimiter, encoding, sheet.

        Raises
        ------
        SegError
            A file is empty, is damaged, or lacks a column (all missing ones are named).
        """
        reading = _checked(reading or Reading())
        formats = {file_format(path) for path in paths}
        if len(formats) != 1:
            raise SegError(
                f"{len(paths)} files of several formats ({', '.join(sorted(formats))}): read one format "
                "at a time"
            )
        folded = [column.casefold() for column in columns]
        for column in columns:
            if folded.count(column.casefold()) > 1:
                raise SegError(
                    f"{paths[0]}: column {column!r} differs from another only in upper and lower case; "
                    "rename one"
                )
        for path in paths:
            if path.name.lower().endswith(".gz"):
                _check_gzip(path)
        read = {"csv": self._csv, "jsonl": self._jsonl, "parquet": self._parquet, "excel": self._excel}
        return read[formats.pop()](list(paths), list(columns), reading)

    def _csv(self, paths: list[Path], columns: list[str], reading: Reading) -> Raw:
        by_header: dict[tuple[str, ...], list[Path]] = {}
        for path in paths:
            header = _csv_header(path, reading)
            _check_header(path, header, columns, reading)
            by_header.setdefault(header, []).append(path)
        parts, rejects = [], []
        for header, files in by_header.items():
            table, rejected = self._csv_files(files, header, columns, reading)
            parts.append(table)
            rejects.append(rejected)
        return Raw(reduce(ibis.union, parts), pd.concat(rejects, ignore_index=True))

    def _csv_files(self, files: list[Path], header: tuple[str, ...], columns: list[str], reading: Reading):
        readable = {
            path if _is_utf8(reading.encoding) else self._copy(path, reading.encoding): path for path in files
        }
        try:
            name = self._scan_csv(readable, header, columns, reading.delimiter)
        except duckdb.Error:
            # Lines that end in CRLF here and LF there stop DuckDB's parser: once more, with one ending.
            readable = {self._copy(path, reading.encoding, newline=None): path for path in files}
            try:
                name = self._scan_csv(readable, header, columns, reading.delimiter)
            except duckdb.Error as error:
                raise SegError(
                    f"{files[0]}: DuckDB cannot read it as CSV: {str(error).splitlines()[0]}"
                ) from None
        # One damaged line may be reported once per field: the first reason tells.
        rejected = self._ibis.con.execute(
            f"""SELECT s.file_path AS file, e.line, min_by(e.error_message, coalesce(e.column_idx, 0)) AS
            reason, min_by(e.csv_line, coalesce(e.column_idx, 0)) AS text
            FROM {name}_errors e JOIN {name}_scans s USING (scan_id, file_id) GROUP BY ALL ORDER BY ALL"""
        ).df()
        rejected["file"] = [str(readable.get(Path(file), file)) for file in rejected["file"]]
        rejected["reason"] = [str(reason).strip().splitlines()[0] for reason in rejected["reason"]]
        return self._ibis.table(name), rejected[REJECT_COLUMNS]

    def _scan_csv(
        self, files: Iterable[Path], header: tuple[str, ...], columns: list[str], delimiter: str
    ) -> str:
        # Positions stand for names here: a header may hold empty or repeated names that nobody asked for.
        types = {f"c{place}": "VARCHAR" for place in range(len(header))}
        picked = ", ".join(f"c{header.index(column)} AS {_quoted(column)}" for column in columns)
        name = self._new_name()
        self._ibis.con.execute(
            f"""CREATE TEMP TABLE {name} AS SELECT {picked} FROM read_csv({[str(file) for file in files]!r},
            auto_detect=false, header=true, delim=?, quote='"', escape='"', columns={types!r}, max_line_size=16777216,
            store_rejects=true, rejects_table='{name}_errors', rejects_scan='{name}_scans',
            rejects_limit=0)""",
            [delimiter],
        )
        return name

    def _copy(self, path: Path, encoding: str, newline: str | None = "") -> Path:
        """Copy a file as UTF-8 (DuckDB reads no other without an extension from the network)."""
        target = self._scratch_name(path)
        try:
            with (
                _opener(path)(path, "rt", encoding=encoding, newline=newline) as source,
                open(target, "w", encoding="utf-8", newline="") as out,
            ):
                shutil.copyfileobj(source, out, 1 << 20)
        except UnicodeError as error:
            raise SegError(_not_encoded(path, encoding, error)) from None
        return target

    def _scratch_name(self, path: Path) -> Path:
        return self._scratch / f"{len(list(self._scratch.iterdir()))}-{path.name.removesuffix('.gz')}"

    def _jsonl(self, paths: list[Path], columns: list[str], reading: Reading) -> Raw:
        plain = _is_utf8(reading.encoding)
        readable = {
            path: path if plain and not _has_bom(path) else self._copy(path, _with_bom(reading.encoding))
            for path in paths
        }
        for path in paths:
            _check_header(path, _json_keys(path, readable[path], columns), columns, reading)
        rejects = pd.DataFrame(columns=REJECT_COLUMNS)
        try:
            name = self._scan_jsonl(readable.values(), columns)
        except duckdb.Error as error:
            rejects = pd.concat(
                [self._without_malformed(path, readable) for path in paths], ignore_index=True
            )
            if rejects.empty:
                raise SegError(f"{paths[0]}: DuckDB cannot read it as JSON Lines: {error}") from None
            name = self._scan_jsonl(readable.values(), columns)
        return Raw(self._ibis.table(name), rejects)

    def _scan_jsonl(self, files: Iterable[Path], columns: list[str]) -> str:
        name = self._new_name()
        self._ibis.con.execute(
            f"""CREATE TEMP TABLE {name} AS SELECT * FROM read_json({[str(file) for file in files]!r},
            format='newline_delimited', columns={dict.fromkeys(columns, "VARCHAR")!r},
            maximum_object_size=67108864)"""
        )
        return name

    def _without_malformed(self, path: Path, readable: dict[Path, Path]) -> pd.DataFrame:
        """Copy the lines that are JSON objects, and list the others (DuckDB would make rows of NULLs of them)."""
        rejected, target = [], self._scratch_name(path)
        with _open_bytes(readable[path]) as lines, open(target, "wb") as good:
            for number, line in enumerate(lines, start=1):
                fault = _json_fault(line)
                if fault is None:
                    good.write(line)
                elif line.strip():
                    rejected.append(
                        (str(path), number, fault, line.decode("utf-8", "replace").rstrip("\r\n"))
                    )
        readable[path] = target
        return pd.DataFrame(rejected, columns=REJECT_COLUMNS)

    def _parquet(self, paths: list[Path], columns: list[str], reading: Reading) -> Raw:
        import pyarrow.parquet as pq

        for path in paths:
            try:
                names = tuple(pq.read_schema(path).names)
            except (pa.ArrowInvalid, OSError) as error:
                raise SegError(
                    f"{path}: not a readable Parquet file ({str(error).splitlines()[0]})"
                ) from None
            _check_header(path, names, columns, reading)
            _check_case(path, names, columns)
        # By name, never by position; the view is scanned where it is, nothing is copied. Statistics of a
        # file do not count NaN: unless told so, DuckDB's optimiser concludes from them that there is none.
        with _explained():
            table = self._ibis.read_parquet(
                [str(path) for path in paths], union_by_name=True, can_have_nan=True
            )
        known = {column: _known(table[column]) for column in columns}
        return Raw(table.select(**known), typed_cells=True, stored=False)

    def _excel(self, paths: list[Path], columns: list[str], reading: Reading) -> Raw:
        import fastexcel

        parts = []
        for path in paths:
            try:
                book = fastexcel.read_excel(path)
            except fastexcel.FastExcelError as error:
                raise SegError(
                    f"{path}: not a readable Excel workbook ({str(error).splitlines()[0]})"
                ) from None
            sheets = [reading.sheet] if reading.sheet else book.sheet_names
            for sheet in sheets:
                if sheet not in book.sheet_names:
                    raise SegError(f"{path}: no sheet {sheet!r}; it has {listed(sheet, book.sheet_names)}")
                header, cells = _sheet(book, sheet)
                if not header:
                    continue  # an empty sheet, most often beside the one that holds the table
                _check_header(path, header, columns, reading)
                picked = cells.select([header.index(column) for column in columns])
                parts.append(picked.rename_columns(columns))
        if not parts:
            raise SegError(f"{paths[0]}: the workbook is empty; expected a header row with the column names")
        return Raw(self.register(pa.concat_tables(parts)), typed_cells=True)


def _known(column: ir.Value) -> ir.Value:
    """Cast the two types that Ibis does not know: nanoseconds with a time zone, and a column of nothing but NULL."""
    if not column.type().is_unknown():
        return column
    return column.cast("timestamp('UTC')" if "TIMESTAMPTZ" in str(column.type()) else "string")


def _sheet(book, sheet: str) -> tuple[tuple[str, ...], pa.Table]:
    """Read a sheet as text: its header, and the rows that hold anything at all."""
    # Without header_row: fastexcel would rename a name that comes twice.
    loaded = pa.Table.from_batches([book.load_sheet(sheet, header_row=None, dtypes="string").to_arrow()])
    columns = [column.cast(pa.string()) for column in loaded.columns]
    if not columns or not loaded.num_rows:
        return (), pa.table({})
    header = tuple((column[0].as_py() or "").strip() for column in columns)
    cells = pa.table(columns, names=[str(place) for place in range(len(columns))]).slice(1)
    filled = reduce(pc.or_, [pc.is_valid(column) for column in cells.columns])
    return header, cells.filter(filled)


@contextmanager
def _explained() -> Iterator[None]:
    """Turn what DuckDB raises while it computes into a `SegError`."""
    try:
        yield
    except duckdb.OutOfMemoryException as error:
        raise SegError(
            f"engine: out of memory ({str(error).splitlines()[0]}); raise engine.memory_limit or free "
            "disk for spilling"
        ) from None
    except duckdb.IOException as error:
        raise SegError(
            f"engine: reading or spilling failed: {str(error).splitlines()[0]}; free disk, or look for "
            "a damaged file"
        ) from None
    except duckdb.Error as error:
        raise SegError(f"engine: DuckDB stopped: {str(error).splitlines()[0]}; is a file damaged?") from error


def _scratch_folder(spill_dir: str | None) -> Path:
    try:
        if spill_dir:
            Path(spill_dir).mkdir(parents=True, exist_ok=True)
        return Path(tempfile.mkdtemp(prefix="seg-", dir=spill_dir))
    except OSError as error:
        raise SegError(
            f"engine.spill_dir={spill_dir}: cannot be used ({error.strerror}); choose a folder that can "
            "be written"
        ) from None


def _checked(reading: Reading) -> Reading:
    delimiter = "\t" if reading.delimiter == "\\t" else reading.delimiter
    if not isinstance(delimiter, str) or len(delimiter) != 1 or delimiter in '"\r\n':
        raise SegError(
            f"dataset.delimiter={reading.delimiter!r}: expected one character, such as ',' ';' '|' or '\\t'"
        )
    try:
        codecs.lookup(reading.encoding)
    except LookupError:
        raise SegError(
            f"dataset.encoding={reading.encoding}: unknown; expected a codec of Python such as utf-8, "
            "windows-1252 "
            "or utf-16"
        ) from None
    return replace(reading, delimiter=delimiter)


def _iso(text: ir.StringValue) -> ir.StringValue:
    """Keep a text that is an ISO 8601 date or time, with or without a UTC offset; NULL otherwise."""
    return text.re_search(f"^{ISO_DAY}({ISO_TIME}{ISO_OFFSET}?)?$").ifelse(text, ibis.null("string"))


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _opener(path: Path):
    return gzip.open if path.name.lower().endswith(".gz") else open


def _open_text(path: Path, encoding: str):
    return _opener(path)(path, "rt", encoding=encoding, newline="")


def _open_bytes(path: Path):
    return _opener(path)(path, "rb")


def _is_utf8(encoding: str) -> bool:
    return codecs.lookup(encoding).name in {"utf-8", "utf-8-sig"}


def _with_bom(encoding: str) -> str:
    """Let a byte order mark be no part of the first name."""
    return "utf-8-sig" if _is_utf8(encoding) else encoding


def _has_bom(path: Path) -> bool:
    with _open_bytes(path) as file:
        return file.read(3) == codecs.BOM_UTF8


def _check_gzip(path: Path) -> None:
    """Read to the end: DuckDB does not compare the checksum."""
    try:
        with gzip.open(path, "rb") as file:
            while file.read(1 << 20):
                pass
    except (OSError, EOFError, zlib.error) as error:
        raise SegError(f"{path}: a damaged or truncated gzip file ({error}); fetch it again") from None


def _not_encoded(path: Path, encoding: str, error: UnicodeError) -> str:
    reason = getattr(error, "reason", error)
    return f"{path}: it is not {encoding} ({reason}); set dataset.encoding, e.g. windows-1252 or utf-16"


def _csv_header(path: Path, reading: Reading) -> tuple[str, ...]:
    try:
        with _open_text(path, _with_bom(reading.encoding)) as lines:
            header = next(csv.reader(lines, delimiter=reading.delimiter), [])
    except UnicodeError as error:
        raise SegError(_not_encoded(path, reading.encoding, error)) from None
    except (OSError, csv.Error) as error:
        raise SegError(f"{path}: cannot be read: {error}") from None
    if not header:
        raise SegError(f"{path}: the file is empty; expected a header line with the column names")
    return tuple(name.strip() for name in header)


def _json_keys(path: Path, readable: Path, columns: Sequence[str]) -> tuple[str, ...]:
    """Collect the keys of the objects, until every column that is wanted was seen."""
    keys: dict[str, None] = {}
    with _open_bytes(readable) as lines:
        for line in lines:
            if _json_fault(line) is None:
                keys.update(dict.fromkeys(json.loads(line)))
            elif not keys and "UTF-8" in (_json_fault(line) or ""):
                raise SegError(f"{path}: it is not UTF-8; set dataset.encoding, e.g. windows-1252 or utf-16")
            if keys.keys() >= set(columns):
                break
    if not keys:
        raise SegError(f"{path}: it holds no JSON object; expected one object a line")
    return tuple(keys)


def _json_fault(line: bytes) -> str | None:
    """Say what is wrong with a line of JSON Lines; None where it is one object."""
    try:
        record = json.loads(line.decode("utf-8"))
    except UnicodeDecodeError as error:
        return f"not UTF-8: {error.reason}"
    except (ValueError, RecursionError) as error:
        return f"not JSON: {error}"
    return None if isinstance(record, dict) else f"not a JSON object but {type(record).__name__}"


def _check_case(path: Path, names: Sequence[str], columns: Sequence[str]) -> None:
    """DuckDB does not tell names apart that differ only in case."""
    for column in columns:
        alike = [name for name in names if name.casefold() == column.casefold()]
        if len(alike) > 1:
            raise SegError(
                f"{path}: columns {', '.join(map(repr, alike))} differ only in upper and lower case; "
                "rename one"
            )


def _check_header(path: Path, header: tuple[str, ...], columns: Sequence[str], reading: Reading) -> None:
    """Name every missing column at once, each with the nearest one that is there."""
    missing = [column for column in columns if column not in header]
    if missing:
        hint = ""
        guess = next((sign for sign in (";", "\t", "|", ",") if len(header) == 1 and sign in header[0]), None)
        if guess:
            hint = (
                f'; the header is one field: is the delimiter {guess!r}? Then "dataset.delimiter={guess!r}"'
            )
        named = "; ".join(f"{column!r} (nearest: {listed(column, header)})" for column in missing)
        raise SegError(f"{path}: missing column {named}{hint}")
    repeated = [column for column in columns if header.count(column) > 1]
    if repeated:
        raise SegError(
            f"{path}: column {', '.join(map(repr, repeated))} is in the header more than once; rename one"
        )
