"""Files into DuckDB: its own readers of CSV, JSON Lines and Parquet, held to what is in the file.

Every text column stays text, no dialect is guessed, and a line that does not fit is kept aside with its number
and its reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial, reduce
from pathlib import Path

import duckdb
import ibis
import pandas as pd
from ibis.expr import types as ir

from seg.engine.files import (
    REJECT_COLUMNS,
    Raw,
    Reading,
    alike,
    check_header,
    has_bom,
    is_utf8,
    not_encoded,
    open_bytes,
    with_bom,
)
from seg.engine.parquet_footer import bounds, complete_texts, parquet_schemas, zone_notes
from seg.engine.text_files import copy_as_utf8, copy_json_objects, csv_header, csv_rows, json_keys, open_csv
from seg.engine.text_layout import WHITESPACE, copy_array_as_lines, copy_split_on_blanks, is_array
from seg.errors import SegError


class Scans:
    """The readers of one connection.

    Parameters
    ----------
    connection : Backend
        Ibis' connection to DuckDB.
    scratch : Path
        Folder for copies of files that DuckDB does not read as they are.
    names : iterator of str
        Names that no table of the connection has.
    """

    def __init__(self, connection: ibis.BaseBackend, scratch: Path, names: Iterator[str]):
        self._connection, self._scratch, self._names = connection, scratch, names
        self._parquet: dict[Path, list[str]] = {}  # files that are scanned where they are, and their columns

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Turn what DuckDB raises while it computes into a `SegError`."""
        try:
            yield
        except duckdb.OutOfMemoryException as error:
            raise SegError(
                f"engine: out of memory ({str(error).splitlines()[0]}); raise engine.memory_limit or free "
                "disk for spilling"
            ) from None
        except RuntimeError as error:
            if str(error) == "Query interrupted":  # what DuckDB makes of a signal while it computes
                raise KeyboardInterrupt from error
            raise
        except duckdb.Error as error:
            reason = str(error).splitlines()[0]
            damaged = self._damaged()
            if damaged:
                raise SegError(
                    f"{damaged}: a damaged Parquet file ({reason}); fetch or write it again"
                ) from None
            if isinstance(error, duckdb.IOException):
                raise SegError(
                    f"engine: reading or spilling failed: {reason}; free disk, or look for a damaged file"
                ) from None
            raise SegError(f"engine: DuckDB stopped: {reason}; is a file damaged?") from error

    def _damaged(self) -> Path | None:
        """Find the Parquet file that cannot be read to its end: DuckDB does not say which of many it was."""
        for path, columns in self._parquet.items():
            named = ", ".join(map(_quoted, columns))
            try:
                self._connection.con.execute(
                    f"SELECT bit_xor(hash({named})) FROM read_parquet(?)", [str(path)]
                ).fetchall()
            except duckdb.OutOfMemoryException:
                return None
            except duckdb.Error:
                return path
        return None

    def csv(self, paths: list[Path], columns: list[str], reading: Reading) -> Raw:
        """Scan CSV files into a table; those whose header has the same order in one scan.

        Parameters
        ----------
        paths : list of Path
        columns : list of str
            Those to read, by their names in the header.
        reading : Reading
            Delimiter, encoding, quoting and the like.

        Returns
        -------
        Raw
            Every value as text, and the rows that are not of the header's width.

        Raises
        ------
        SegError
            A file lacks a column, or is not in the encoding.
        """
        by_header: dict[tuple[str, ...], list[Path]] = {}
        for path in paths:
            header = csv_header(path, reading)
            with alike(path, paths[0]):
                check_header(path, header, columns, reading, partial(csv_rows, path, reading, 30))
            by_header.setdefault(header, []).append(path)
        parts, rejects, blank = [], [], 0
        for header, files in by_header.items():
            table, rejected, blanks = self._csv_files(files, header, columns, reading)
            parts.append(table)
            rejects.append(rejected)
            blank += blanks
        notes = (f"{blank:,} lines of nothing but delimiters were left out",) if blank else ()
        return Raw(reduce(ibis.union, parts), pd.concat(rejects, ignore_index=True), notes=notes)

    def _csv_files(self, files: list[Path], header: tuple[str, ...], columns: list[str], reading: Reading):
        if reading.delimiter == WHITESPACE:
            readable = {self._split(path, reading): path for path in files}
            reading = replace(reading, delimiter=",", quote="double", skip_rows=0)
        else:
            readable = {
                path if is_utf8(reading.encoding) else self._copy(path, reading.encoding): path
                for path in files
            }
        try:
            name = self._scan_csv(readable, header, columns, reading)
        except duckdb.Error:
            # Lines that end in CRLF here and LF there stop DuckDB's parser: once more, with one ending.
            readable = {self._copy(path, reading.encoding, newline=None): path for path in files}
            try:
                name = self._scan_csv(readable, header, columns, reading)
            except duckdb.Error as error:
                raise SegError(
                    f"{files[0]}: DuckDB cannot read it as CSV: {str(error).splitlines()[0]}"
                ) from None
        rejected = self._rejected(name, readable)
        kept = self._without_blank(name, readable, header, columns, reading)
        return self._connection.table(kept), rejected, self._rows(name) - self._rows(kept)

    def _rejected(self, name: str, readable: dict[Path, Path]) -> pd.DataFrame:
        """List the lines that a scan could not split; one damaged line may be reported once per field: the first reason tells."""
        rejected = self._connection.con.execute(
            f"""SELECT s.file_path AS file, e.line, min_by(e.error_message, coalesce(e.column_idx, 0)) AS
            reason, min_by(e.csv_line, coalesce(e.column_idx, 0)) AS text
            FROM {name}_errors e JOIN {name}_scans s USING (scan_id, file_id) GROUP BY ALL ORDER BY ALL"""
        ).df()
        rejected["file"] = [str(readable.get(Path(file), file)) for file in rejected["file"]]
        rejected["reason"] = [str(reason).strip().splitlines()[0] for reason in rejected["reason"]]
        return rejected[REJECT_COLUMNS]

    def _without_blank(
        self, name: str, files: Iterable[Path], header: tuple[str, ...], columns: list[str], reading: Reading
    ) -> str:
        """Scan once more without lines of nothing but delimiters, where there are any."""
        nothing = " AND ".join(f"coalesce(trim({_quoted(column)}), '') = ''" for column in columns)
        if not self._rows(name, nothing):
            return name
        every = ", ".join(f"c{place}" for place in range(len(header)))
        return self._scan_csv(files, header, columns, reading, f"trim(concat_ws('', {every})) <> ''")

    def _rows(self, name: str, condition: str = "true") -> int:
        return self._connection.con.execute(f"SELECT count(*) FROM {name} WHERE {condition}").fetchall()[0][0]

    def _scan_csv(
        self,
        files: Iterable[Path],
        header: tuple[str, ...],
        columns: list[str],
        reading: Reading,
        condition: str = "true",
    ) -> str:
        # Positions stand for names here: a header may hold empty or repeated names that nobody asked for.
        types = {f"c{place}": "VARCHAR" for place in range(len(header))}
        picked = ", ".join(f"c{header.index(column)} AS {_quoted(column)}" for column in columns)
        name = next(self._names)
        self._connection.con.execute(
            f"""CREATE TEMP TABLE {name} AS SELECT {picked} FROM read_csv({_texts(files)},
            auto_detect=false, header={reading.names is None}, skip={int(reading.skip_rows)}, delim=?, quote=?, escape=?,
            columns={types!r}, max_line_size=16777216, store_rejects=true, rejects_table='{name}_errors',
            rejects_scan='{name}_scans', rejects_limit=0) WHERE {condition}""",
            [reading.delimiter, reading.quotechar, reading.quotechar],
        )
        return name

    def _split(self, path: Path, reading: Reading) -> Path:
        """Copy a file of blank-padded columns as CSV."""
        try:
            with open_csv(path, reading) as lines:
                return copy_split_on_blanks(lines, self._scratch_name(path))
        except UnicodeError as error:
            raise not_encoded(path, reading.encoding, error) from None

    def _copy(self, path: Path, encoding: str, newline: str | None = "") -> Path:
        return copy_as_utf8(path, self._scratch_name(path), encoding, newline)

    def _scratch_name(self, path: Path) -> Path:
        return self._scratch / f"{len(list(self._scratch.iterdir()))}-{path.name.removesuffix('.gz')}"

    def jsonl(self, paths: list[Path], columns: list[str], reading: Reading) -> Raw:
        """Scan files of one JSON object a line into a table.

        Parameters
        ----------
        paths : list of Path
        columns : list of str
            Keys of the objects to read.
        reading : Reading

        Returns
        -------
        Raw
            With the lines that are no JSON objects apart.

        Raises
        ------
        SegError
            A file lacks a key, or cannot be read as JSON Lines.
        """
        plain = is_utf8(reading.encoding)
        readable = {
            path: path if plain and not has_bom(path) else self._copy(path, with_bom(reading.encoding))
            for path in paths
        }
        for path in paths:
            with open_bytes(readable[path]) as file:
                array = is_array(file)
            if array:
                plain_copy = self._copy(readable[path], "utf-8-sig")
                readable[path] = copy_array_as_lines(path, plain_copy, self._scratch_name(path))
            with alike(path, paths[0]):
                check_header(path, json_keys(path, readable[path], columns), columns, reading)
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
        return Raw(self._connection.table(name), rejects)

    def _scan_jsonl(self, files: Iterable[Path], columns: list[str]) -> str:
        name = next(self._names)
        self._connection.con.execute(
            f"""CREATE TEMP TABLE {name} AS SELECT * FROM read_json({_texts(files)},
            format='newline_delimited', columns={{{", ".join(f"{_text(column)}: 'VARCHAR'" for column in columns)}}},
            maximum_object_size=67108864)"""
        )
        return name

    def _without_malformed(self, path: Path, readable: dict[Path, Path]) -> pd.DataFrame:
        """Restrict a file to its JSON objects; list its other lines."""
        target = self._scratch_name(path)
        rejected = copy_json_objects(path, readable[path], target)
        readable[path] = target
        return rejected

    def parquet(self, paths: list[Path], columns: list[str], reading: Reading) -> Raw:
        """Make a view of Parquet files.

        Parameters
        ----------
        paths : list of Path
        columns : list of str
        reading : Reading

        Returns
        -------
        Raw
            With the types of the files.

        Raises
        ------
        SegError
            A file is damaged, lacks a column, or holds another type than the others.
        """
        schemas = parquet_schemas(paths, columns, reading)
        # By name, never by position; the view is scanned where it is, nothing is copied. Statistics of a
        # file do not count NaN: unless told so, DuckDB's optimiser concludes from them that there is none.
        for path in paths:
            self._parquet[path] = [*self._parquet.get(path, []), *columns]
        with self.explained():
            table = self._connection.read_parquet(
                [str(path) for path in paths], union_by_name=True, can_have_nan=True
            )
        castable = {column: _known(table[column]) for column in columns}
        complete = complete_texts(paths, columns)
        ends = bounds(paths, columns)
        notes = () if reading.time_zone else zone_notes(schemas, columns)
        return Raw(
            table.select(**castable),
            typed_cells=True,
            stored=False,
            complete=complete,
            bounds=ends,
            notes=notes,
        )


def _known(column: ir.Value) -> ir.Value:
    """Cast the two types that Ibis does not know: nanoseconds with a time zone, and a column of nothing but NULL."""
    if not column.type().is_unknown():
        return column
    return column.cast("timestamp('UTC')" if "TIMESTAMPTZ" in str(column.type()) else "string")


def _text(value: object) -> str:
    return "'" + str(value).replace("'", "''") + "'"


def _texts(values: Iterable[object]) -> str:
    return "[" + ", ".join(map(_text, values)) + "]"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
