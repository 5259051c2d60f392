"""Find the files of a data set: the user's, the real ones, or the sample that ships with the project."""

from __future__ import annotations

import glob
import gzip
import hashlib
import os
import re
import time
import unicodedata
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

from seg.errors import SegError, listed
from seg.sources.remote import request

if TYPE_CHECKING:
    from seg.config.settings import DatasetSettings

# A place that Spark alone reaches: hdfs://, s3a://, dbfs:/
ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/")


@dataclass(frozen=True)
class Source:
    """Where the rows of a data set come from.

    Parameters
    ----------
    dataset : str
        Name of the data set.
    kind : {"file", "sample", "generated"}
        Real files, the shipped synthetic sample, or made in memory.
    paths : tuple of Path
        The files, sorted; empty for generated data.
    expected : str
        Where the real files were looked for.
    beside : mapping of str to tuple of Path
        Files of further tables that belong to it, by the name of the table.
    addresses : mapping of Path to str
        Of files that were fetched from elsewhere: where from, without secrets.
    versions : mapping of Path to str
        Of files that were fetched from elsewhere: what tells their content from any other.
    """

    dataset: str
    kind: str
    paths: tuple[Path, ...]
    expected: str
    beside: Mapping[str, tuple[Path, ...]] = field(default_factory=dict)
    addresses: Mapping[Path, str] = field(default_factory=dict)
    versions: Mapping[Path, str] = field(default_factory=dict)

    @property
    def all_paths(self) -> tuple[Path, ...]:
        """Every file that is read."""
        return self.paths + tuple(path for paths in self.beside.values() for path in paths)

    @property
    def where(self) -> str:
        """Return the name of the file, or the number of files."""
        if not self.paths:
            return "made in memory"
        return self.paths[0].name if len(self.paths) == 1 else f"{len(self.paths)} files"

    def shown(self, path: Path) -> str:
        """Return where a file is for people: the address it was fetched from, else its path."""
        return self.addresses.get(path, str(path))

    def named(self, text: str) -> str:
        """Return a text with the addresses of fetched files in the place of their temporary paths."""
        for path, address in self.addresses.items():
            text = text.replace(str(path), address)
        return text

    @property
    def data(self) -> str:
        """Return "real", "sample" or "generated", for a tag."""
        return "real" if self.kind == "file" else self.kind


def of(dataset: DatasetSettings, data_dir: str) -> Source:
    """Locate the files of a data set and of its further tables; what lies in a database or an object store is fetched.

    Parameters
    ----------
    dataset : seg.config.settings.DatasetSettings
    data_dir : str
        Folder of real files.

    Raises
    ------
    SegError
        There are neither files nor a sample, or the source refuses.
    """
    path, table = dataset.path, getattr(dataset, "table", None)
    query = getattr(dataset, "query", None)
    if path is not None and request.is_remote(path):
        remote = request.Request(path, table, query)
        source = fetched(dataset.name, remote)
    elif table or query:
        option = f"dataset.table={table}" if table else "dataset.query"
        raise SegError(
            f"{option}: only for an address such as postgresql://host/database; dataset.path={path} is none: leave {option} out"
        )
    else:
        source = find(dataset.name, data_dir, dataset.files, path, dataset.sample)
    return with_tables(source, dataset.tables, dataset.source)


def fetched(dataset: str, remote: request.Request) -> Source:
    """Fetch a source from a database, an object store or a table with versions; its files last as long as the command."""
    from seg.sources.remote import staging

    staged = staging.stage(remote)
    shown = {
        path: str(remote) if len(staged.paths) == 1 else f"{remote} ({path.name})" for path in staged.paths
    }
    source = Source(dataset, "file", staged.paths, str(remote), addresses=shown, versions=staged.versions)
    try:
        _check_once(staged.paths, remote.option)
    except SegError as error:
        raise SegError(source.named(str(error))) from None
    return source


def find(
    dataset: str, data_dir: str, files: Sequence[str] = (), path: str | None = None, sample: str | None = None
) -> Source:
    """Look for the files of a data set.

    A given `path` is taken and must exist. Otherwise the first of the patterns `files` that matches
    something under ``<data_dir>/<dataset>/`` is taken, and where none does the `sample`. With neither
    patterns nor a path the data set makes its rows itself.

    Parameters
    ----------
    dataset : str
        Name of the data set.
    data_dir : str
        Folder that holds a folder for each data set.
    files : sequence of str
        Patterns of file names.
    path : str, optional
        A file, a folder, a pattern or an address.
    sample : str, optional
        Path of the synthetic sample.

    Returns
    -------
    Source

    Raises
    ------
    SegError
        There is no file, and no sample either.
    """
    if path is not None:
        return Source(dataset, "file", expand(path), path)
    folder = Path(data_dir) / dataset
    expected = " or ".join(str(folder / pattern) for pattern in files)
    if not files:
        return Source(dataset, "generated", (), "")
    for pattern in files:
        matches = tuple(
            sorted(file for file in folder.glob(pattern) if file.is_file() and not _is_sample(file))
        )
        if matches:
            return Source(dataset, "file", matches, expected)
    if sample is None or not Path(sample).is_file():
        raise SegError(
            f"dataset={dataset}: no file at {expected}, and no sample beside its card; set data_dir or "
            "dataset.path"
        )
    return Source(dataset, "sample", (Path(sample),), expected)


def with_tables(source: Source, tables: Mapping, how: str) -> Source:
    """Find the files of the further tables of a data set: as given, else beside the first table's.

    Parameters
    ----------
    tables : mapping of str to `seg.config.settings.TableSettings`
        By name; ``dataset.<name>`` is the option that gives its path.
    how : str
        How to get the files, for the error.

    Raises
    ------
    SegError
        There is no file for one of them.
    """
    tables_of = {name: _table_files(source, name, table, how) for name, table in tables.items()}
    # A folder may hold all of them: what is another table's is not the first one's.
    others = {_resolved(path) for paths in tables_of.values() for path in paths}
    paths = tuple(path for path in source.paths if _resolved(path) not in others)
    return replace(source, paths=paths, beside=tables_of)


def _resolved(path: Path) -> Path:
    return path if isinstance(path, str) else path.resolve()  # an address is what it is


def _table_files(source: Source, name: str, table, how: str) -> tuple[Path, ...]:
    if table.path is not None:
        return expand(table.path, f"dataset.{name}")
    if source.kind == "sample" and table.sample:
        return (Path(table.sample),)
    if isinstance(source.paths[0], str):
        raise SegError(
            f"dataset={source.dataset}: seg does not search next to remote files ({source.paths[0]}); set dataset.{name} to the URL of the table"
        )
    first = source.paths[0].parent
    for folder in (first, first.parent):
        for pattern in table.files:
            files = sorted(file for file in folder.glob(pattern) if file.is_file() and not _is_sample(file))
            if files:
                return tuple(files)
    raise SegError(
        f"dataset={source.dataset}: {source.where} has no {name} beside it: searched for "
        f"{', '.join(table.files)} in {first} and the folder above; set dataset.{name}=<file>. To get it: {how}"
    )


def _is_sample(file: Path) -> bool:
    return file.name.startswith(("sample.", "sample_"))


def expand(path: str, option: str = "dataset.path") -> tuple[Path, ...]:
    """Turn a file, a folder, a glob or an address into the files it names; `option` gave it, for errors."""
    if not path.strip():
        raise SegError(f"{option} is empty: expected a file, a folder or a glob")
    if request.is_remote(path):
        return fetched("", request.Request(path, option=option)).paths
    path = unquote(path.removeprefix("file://")) if path.startswith("file:///") else path
    if ADDRESS.match(path):
        from seg.engine import Uri

        return (Uri(path),)
    here = _spelled(Path(path).expanduser())
    if here.is_file():
        return (here,)
    if here.is_dir():
        return _in_folder(here, f"{option}={path}")
    matches = sorted(Path(file) for file in glob.glob(str(here), recursive=True) if not Path(file).is_dir())
    if not matches or os.path.lexists(here):
        raise _no_file(here, path, option)
    _check_once(matches, f"{option}={path}")
    return tuple(matches)


def _in_folder(folder: Path, option: str) -> tuple[Path, ...]:
    """List the files of a folder and the folders in it that have the ending of a table."""
    from seg.engine import FORMATS  # here: the engine takes half a second to import

    endings = tuple(FORMATS) + tuple(f"{ending}.gz" for ending in FORMATS)
    matches = sorted(
        file
        for file in folder.rglob("*")
        if file.name.lower().endswith(endings)
        and not _is_aside(file.relative_to(folder))
        and not file.is_dir()
    )
    if not matches:
        raise SegError(f"{option}: the folder holds no file that ends in {', '.join(FORMATS)}")
    _check_once(matches, option)
    return tuple(matches)


def _no_file(here: Path, path: str, option: str) -> SegError:
    """Build the error for a path that names no file: what is there in its place, or what is called nearly so."""
    if os.path.lexists(here):
        link = here.is_symlink()
        kind = "a link that leads to no file" if link else "not a regular file, such as a pipe or a device"
        return SegError(f"{option}={path}: it is {kind}; name a file, a folder or a pattern")
    beside = [file.name for file in here.parent.iterdir()] if here.parent.is_dir() else []
    hint = f"there is no folder {here.parent}"
    if beside:
        hint = f"nearest names in {here.parent}: {listed(here.name, beside, most=5)}"
    more = (
        "; expected one path, a folder or a pattern such as orders/*.csv, not a list"
        if path[0] == "["
        else ""
    )
    return SegError(f"{option}={path}: no such file; {hint}{more}")


def _spelled(path: Path) -> Path:
    """Return the file of a name whose accents may be written as characters of their own, as on a Mac."""
    if path.exists() or path.name.isascii() or not path.parent.is_dir():
        return path
    composed = unicodedata.normalize("NFC", path.name)
    return next(
        (one for one in path.parent.iterdir() if unicodedata.normalize("NFC", one.name) == composed), path
    )


def _is_aside(path: Path) -> bool:
    """Return True for what programs leave beside the files: hidden copies, checkpoints of notebooks, lock files, logs of tables."""
    return path.name.startswith((".", "~$")) or any(part.startswith((".", "_")) for part in path.parts[:-1])


def _check_once(paths: Sequence[Path], option: str) -> None:
    """Check that no file is there twice, compressed or under another name: its rows would count twice.

    Raises
    ------
    SegError
        Two files hold the same bytes, and more than one line.
    """
    broken = [path for path in paths if not path.is_file()]
    if broken:
        raise SegError(
            f"{option}: {broken[0]} is a link that leads to no file, or no regular file; remove it, or correct it"
        )
    by_size: dict[int, list[Path]] = {}
    for path in paths:
        by_size.setdefault(path.stat().st_size, []).append(path)
    alike = [group for size, group in by_size.items() if size and len(group) > 1]
    names = {path.name.lower(): path for path in paths}
    alike += [[path, names[f"{name}.gz"]] for name, path in names.items() if f"{name}.gz" in names]
    for group in alike:
        by_content: dict[bytes, Path] = {}
        for path in group:
            first = by_content.setdefault(_digest(path), path)
            if first != path and _lines(path) > 1:
                raise SegError(
                    f"{option}: {path} holds the same as {first}, and every row would count twice; remove one of them, or name the "
                    "file to read"
                )


def _digest(path: Path) -> bytes:
    with (gzip.open if path.name.lower().endswith(".gz") else open)(path, "rb") as file:
        digest = hashlib.sha256()
        try:
            while chunk := file.read(1 << 20):
                digest.update(chunk)
        except (OSError, EOFError, zlib.error):
            return str(path).encode()  # a damaged file is named when it is read
    return digest.digest()


def _lines(path: Path) -> int:
    """Count the lines of a text file up to 2; a typed file has rows."""
    if not path.name.lower().removesuffix(".gz").endswith((".csv", ".tsv", ".txt")):
        return 2
    with (gzip.open if path.name.lower().endswith(".gz") else open)(path, "rb") as file:
        return len([line for line in islice((one for one in file if one.strip()), 2)])


def fingerprint(
    paths: Sequence[Path], start: bytes = b"", content: Callable[[Path], bytes] | None = None
) -> str:
    """Hash the content of all files together (SHA-256, their order by name): equal bytes, equal fingerprint.

    Parameters
    ----------
    start : bytes
        Hashed first.
    content : callable, optional
        Hashes one file; one that remembers saves reading the same file again.

    Notes
    -----
    What is in a place that Spark alone reaches is not looked at: its fingerprint is never the same twice, so that
    nothing is concluded from it.
    """
    digest = hashlib.sha256(start)
    for path in sorted(paths):
        remote = isinstance(path, str)
        digest.update(f"{path} {time.time_ns()}".encode() if remote else (content or content_of)(path))
    return digest.hexdigest()


def content_of(path: Path) -> bytes:
    """Hash the content of a file (SHA-256)."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").digest()
