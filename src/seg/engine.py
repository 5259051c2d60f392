"""Connect, read, register: the embedded engine behind Ibis.

The only module that speaks DuckDB's own SQL. Everything above it (adapters, cleaning, features) is written
once as Ibis expressions, so that a second engine needs this module's methods and nothing else.

Reading is strict: every text column stays text, the header of each file is checked by name (DuckDB maps columns
by position), no dialect is guessed, and a line that does not fit is kept aside with its number and its reason.
"""

from __future__ import annotations

import csv
import gzip
import json
import shutil
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import reduce
from itertools import islice
from pathlib import Path

import duckdb
import ibis
import pandas as pd
import pyarrow as pa
from ibis.expr import types as ir

from seg.errors import SegError, listed

REJECT_COLUMNS = ["file", "line", "reason", "text"]


@ibis.udf.scalar.builtin(name="try_strptime", signature=(("string", "string"), "timestamp"))
def _try_strptime(text, format):  # noqa: A002
    ...


@dataclass(frozen=True)
class Reading:
    """What a file format needs to be read.

    Parameters
    ----------
    delimiter : str
        Between the fields of a CSV line.
    encoding : str
        Any codec of Python; anything but UTF-8 is converted to UTF-8 first.
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
    typed_cells: bool = False  # Excel, Parquet: values have types, a date arrives as ISO text whatever its format was
    stored: bool = True  # False: a view of the files (Parquet), scanned where it is


def file_format(path: Path) -> str:
    """Name the format of a file by its ending: csv, jsonl, parquet or excel."""
    name = path.name.lower().removesuffix(".gz")
    for ending, format_name in FORMATS.items():
        if name.endswith(ending):
            return format_name
    raise SegError(f"{path}: cannot tell the format from the name; expected one of {', '.join(FORMATS)} (.gz allowed)")


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

    def __init__(self, memory_limit: str | None = None, threads: int | None = None, spill_dir: str | None = None):
        self._scratch = Path(tempfile.mkdtemp(prefix="seg-", dir=spill_dir))
        settings = {"temp_directory": str(self._scratch / "spill")}
        if memory_limit:
            settings["memory_limit"] = memory_limit
        if threads:
            settings["threads"] = threads
        try:
            self._ibis = ibis.duckdb.connect(**settings)
        except duckdb.Error as error:
            shutil.rmtree(self._scratch, ignore_errors=True)
            raise SegError(f"engine: DuckDB does not take memory_limit={memory_limit}, threads={threads}: {error}") from None
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
        setting = self._ibis.con.execute(
            "SELECT current_setting('memory_limit'), current_setting('threads')"
        ).fetchone()
        return {"engine": self.name, "version": duckdb.__version__, "memory_limit": setting[0], "threads": str(setting[1])}

    # ---- tables ----------------------------------------------------------------------------------------------

    def checkpoint(self, table: ir.Table) -> ir.Table:
        """Compute a table once and keep it, on disk where it does not fit the memory."""
        name = self._new_name()
        try:
            self._ibis.con.execute(f"CREATE TEMP TABLE {name} AS {ibis.to_sql(table, dialect='duckdb')}")
        except duckdb.OutOfMemoryException as error:
            raise SegError(f"engine: out of memory ({error}); raise engine.memory_limit or free disk for spilling") from None
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
        return table.to_pyarrow().to_pandas(date_as_object=False)

    def _new_name(self) -> str:
        self._tables += 1
        return f"seg_{self._tables}"

    # ---- leaves whose spelling differs between engines ---------------------------------------------------------

    def timestamp(self, text: ir.StringValue, format_text: str | None) -> ir.TimestampValue:
        """Read a time of day and date; NULL where the text does not fit.

        `format_text` is spelled as in Python's ``strptime``; ISO 8601 when None.
        """
        if format_text is None:
            return text.try_cast("timestamp")
        return _try_strptime(text, format_text)

    def instant(self, text: ir.StringValue) -> ir.TimestampValue:
        """Read an ISO 8601 text that carries a UTC offset, as the time in UTC; NULL where it does not fit."""
        return text.try_cast("timestamp('UTC')").cast("timestamp")

    # ---- reading ---------------------------------------------------------------------------------------------

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
        reading = reading or Reading()
        formats = {file_format(path) for path in paths}
        if len(formats) != 1:
            raise SegError(f"{len(paths)} files of several formats ({', '.join(sorted(formats))}): read one format at a time")
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
        utf8 = reading.encoding.lower().replace("_", "-") in {"utf-8", "utf8"}
        readable = {path if utf8 else self._copy(path, reading.encoding): path for path in files}
        try:
            name = self._scan_csv(readable, header, columns, reading.delimiter)
        except duckdb.Error:
            # Lines that end in CRLF here and LF there stop DuckDB's parser: once more, with one ending.
            readable = {self._copy(path, reading.encoding, newline=None): path for path in files}
            try:
                name = self._scan_csv(readable, header, columns, reading.delimiter)
            except duckdb.Error as error:
                raise SegError(f"{files[0]}: DuckDB cannot read it as CSV: {str(error).splitlines()[0]}") from None
        # One damaged line may be reported once per field: the first reason tells.
        rejected = self._ibis.con.execute(
            f"""SELECT s.file_path AS file, e.line, min_by(e.error_message, coalesce(e.column_idx, 0)) AS reason,
            min_by(e.csv_line, coalesce(e.column_idx, 0)) AS text
            FROM {name}_errors e JOIN {name}_scans s USING (scan_id, file_id) GROUP BY ALL ORDER BY ALL"""
        ).df()
        rejected["file"] = [str(readable.get(Path(file), file)) for file in rejected["file"]]
        rejected["reason"] = [str(reason).strip().splitlines()[0] for reason in rejected["reason"]]
        return self._ibis.table(name), rejected[REJECT_COLUMNS]

    def _scan_csv(self, files: Iterable[Path], header: tuple[str, ...], columns: list[str], delimiter: str) -> str:
        # Positions stand for names here: a header may hold empty or repeated names that nobody asked for.
        types = {f"c{place}": "VARCHAR" for place in range(len(header))}
        picked = ", ".join(f"c{header.index(column)} AS {_quoted(column)}" for column in columns)
        name = self._new_name()
        self._ibis.con.execute(
            f"""CREATE TEMP TABLE {name} AS SELECT {picked} FROM read_csv({[str(file) for file in files]!r},
            auto_detect=false, header=true, delim=?, quote='"', escape='"', columns={types!r}, max_line_size=16777216,
            store_rejects=true, rejects_table='{name}_errors', rejects_scan='{name}_scans', rejects_limit=0)""",
            [delimiter],
        )
        return name

    def _copy(self, path: Path, encoding: str, newline: str | None = "") -> Path:
        """Copy a file as UTF-8 (DuckDB reads no other without an extension from the network)."""
        target = self._scratch / f"{len(list(self._scratch.iterdir()))}-{path.name.removesuffix('.gz')}"
        opener = gzip.open if path.name.lower().endswith(".gz") else open
        try:
            with (
                opener(path, "rt", encoding=encoding, newline=newline) as source,
                open(target, "w", encoding="utf-8", newline="") as out,
            ):
                shutil.copyfileobj(source, out, 1 << 20)
        except UnicodeDecodeError as error:
            raise SegError(f"{path}: not {encoding}: {error.reason} at byte {error.start}; set dataset.encoding") from None
        return target

    def _jsonl(self, paths: list[Path], columns: list[str], reading: Reading) -> Raw:
        for path in paths:
            _check_header(path, _json_keys(path), columns, reading)
        name = self._new_name()

        def load(ignore_errors: str) -> None:
            self._ibis.con.execute(
                f"""CREATE TEMP TABLE {name} AS SELECT * FROM read_json({[str(p) for p in paths]!r},
                format='newline_delimited', columns={dict.fromkeys(columns, "VARCHAR")!r},
                maximum_object_size=67108864, ignore_errors={ignore_errors})"""
            )

        try:
            load("false")
        except duckdb.Error as error:
            rejected = _malformed_json(paths)
            if rejected.empty:
                raise SegError(f"{paths[0]}: DuckDB cannot read it as JSON Lines: {error}") from None
            load("true")
            # With ignore_errors a malformed line becomes a row of NULLs.
            self._ibis.con.execute(f"DELETE FROM {name} WHERE coalesce({', '.join(map(_quoted, columns))}) IS NULL")
            return Raw(self._ibis.table(name), rejected)
        return Raw(self._ibis.table(name))

    def _parquet(self, paths: list[Path], columns: list[str], reading: Reading) -> Raw:
        import pyarrow.parquet as pq

        for path in paths:
            try:
                names = tuple(pq.read_schema(path).names)
            except (pa.ArrowInvalid, OSError) as error:
                raise SegError(f"{path}: not a readable Parquet file ({str(error).splitlines()[0]})") from None
            _check_header(path, names, columns, reading)
        # By name, never by position; the view is scanned where it is, nothing is copied.
        table = self._ibis.read_parquet([str(path) for path in paths], union_by_name=True)
        return Raw(table.select(*columns), typed_cells=True, stored=False)

    def _excel(self, paths: list[Path], columns: list[str], reading: Reading) -> Raw:
        import fastexcel

        parts = []
        for path in paths:
            try:
                book = fastexcel.read_excel(path)
            except fastexcel.FastExcelError as error:
                raise SegError(f"{path}: not a readable Excel workbook ({str(error).splitlines()[0]})") from None
            sheets = [reading.sheet] if reading.sheet else book.sheet_names
            for sheet in sheets:
                if sheet not in book.sheet_names:
                    raise SegError(f"{path}: no sheet {sheet!r}; it has {listed(sheet, book.sheet_names)}")
                cells = pa.Table.from_batches([book.load_sheet(sheet, dtypes="string").to_arrow()])
                if not cells.num_columns and len(sheets) > 1:
                    continue  # an empty sheet beside the one that holds the table
                _check_header(path, tuple(cells.column_names), columns, reading)
                parts.append(cells.select(columns).cast(pa.schema([(column, pa.string()) for column in columns])))
        return Raw(self.register(pa.concat_tables(parts)), typed_cells=True)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _open_text(path: Path, encoding: str):
    opener = gzip.open if path.name.lower().endswith(".gz") else open
    return opener(path, "rt", encoding=encoding, newline="")


def _csv_header(path: Path, reading: Reading) -> tuple[str, ...]:
    if path.stat().st_size == 0:
        raise SegError(f"{path}: the file is empty; expected a header line with the column names")
    encoding = "utf-8-sig" if reading.encoding.lower().replace("_", "-") in {"utf-8", "utf8"} else reading.encoding
    try:
        with _open_text(path, encoding) as lines:
            header = next(csv.reader(lines, delimiter=reading.delimiter), [])
    except UnicodeDecodeError as error:
        raise SegError(
            f"{path}: it is not {reading.encoding} ({error.reason}); set dataset.encoding, e.g. windows-1252 or utf-16"
        ) from None
    except (OSError, EOFError, csv.Error) as error:
        raise SegError(f"{path}: cannot be read: {error}") from None
    return tuple(name.strip() for name in header)


def _json_keys(path: Path, lines: int = 1000) -> tuple[str, ...]:
    keys: dict[str, None] = {}
    try:
        with _open_text(path, "utf-8-sig") as file:
            for line in islice(file, lines):
                try:
                    record = json.loads(line)
                except ValueError:
                    continue
                if isinstance(record, dict):
                    keys.update(dict.fromkeys(record))
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise SegError(f"{path}: cannot be read as JSON Lines: {error}") from None
    if not keys:
        raise SegError(f"{path}: no JSON object in its first {lines} lines; expected one object a line")
    return tuple(keys)


def _malformed_json(paths: Iterable[Path]) -> pd.DataFrame:
    rejected = []
    for path in paths:
        with _open_text(path, "utf-8-sig") as file:
            for number, line in enumerate(file, start=1):
                try:
                    json.loads(line)
                except ValueError as error:
                    if line.strip():
                        rejected.append((str(path), number, f"not JSON: {error}", line.rstrip("\n")))
    return pd.DataFrame(rejected, columns=REJECT_COLUMNS)


def _check_header(path: Path, header: tuple[str, ...], columns: Sequence[str], reading: Reading) -> None:
    """Name every missing column at once, each with the nearest one that is there."""
    missing = [column for column in columns if column not in header]
    if missing:
        hint = ""
        guess = next((sign for sign in (";", "\t", "|", ",") if len(header) == 1 and sign in header[0]), None)
        if guess:
            hint = f"; the header is one field: is the delimiter {guess!r}? (dataset.delimiter={guess!r})"
        named = "; ".join(f"{column!r} (nearest: {listed(column, header)})" for column in missing)
        raise SegError(f"{path}: missing column {named}{hint}")
    repeated = [column for column in columns if header.count(column) > 1]
    if repeated:
        raise SegError(f"{path}: column {', '.join(map(repr, repeated))} is in the header more than once; rename one")

