"""Fetch one file out of a published archive: downloaded, checked, unzipped, and then put in its place."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from seg.errors import SegError, listed
from seg.sinks import scratch

CHUNK_BYTES = 1 << 18


def fetch(url: str, sha256: str, member: str, folder: Path, progress: object = False) -> Path:
    """Download a zip archive and put one of its files into a folder.

    Parameters
    ----------
    url : str
        Of the archive, http or https.
    sha256 : str
        Checksum of the archive, 64 hexadecimal digits.
    member : str
        The file in the archive.
    folder : Path
        Made where it is missing; it never holds an unfinished file under its own name.
    progress : object or False
        Shows the bytes that came, as `pooch.HTTPDownloader` takes it: `total`, `update`, `reset` and `close`.

    Raises
    ------
    SegError
        No network, another answer than a file, another checksum, no such member, a folder that cannot be
        written: nothing is left behind.
    """
    target = folder / Path(member).name
    with _made(folder), scratch.folder(".seg-fetch", folder) as work:
        archive = work / "archive.zip"
        _download(url, archive, target, progress)
        _verify(archive, url, sha256)
        unpacked = _unpack(archive, member, work / "member", url)
        unpacked.replace(target)
    return target


@contextmanager
def _made(folder: Path) -> Iterator[None]:
    """Make a folder; where that or what follows fails, take away again what was made and is empty."""
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    except BaseException as error:
        for path in missing:
            if path.is_dir() and not any(path.iterdir()):
                path.rmdir()
        if isinstance(error, OSError):
            raise SegError(
                f"{folder}: cannot be written ({error.strerror or error}); free space, or choose another "
                "folder with data_dir=... or the environment variable SEG_DATA_DIR"
            ) from None
        raise


def _download(url: str, archive: Path, target: Path, progress: object) -> None:
    import pooch

    get = pooch.HTTPDownloader(progressbar=progress, chunk_size=CHUNK_BYTES)
    try:
        get(url, str(archive), None)
    except OSError as error:
        # The errors of requests are OSErrors without a number; one with a number is of this machine's disk.
        if error.errno is not None:
            raise
        raise SegError(
            f"{url}: cannot be fetched ({_reason(error)}); try again, or download it in a browser, unzip it "
            f"and put {target.name!r} at {target}"
        ) from None


def _reason(error: OSError) -> str:
    """Return the innermost message of an error of requests."""
    response = getattr(error, "response", None)
    if response is not None:
        return f"HTTP {response.status_code} {response.reason}"
    cause = error.args[0] if error.args else error
    return str(getattr(cause, "reason", cause)).rsplit(": ", 1)[-1]


def _verify(archive: Path, url: str, sha256: str) -> None:
    import pooch

    got = pooch.file_hash(str(archive), alg="sha256")
    if got != sha256.lower():
        size = archive.stat().st_size
        raise SegError(
            f"{url}: wrong checksum: got SHA-256 {got} ({size:,} bytes), expected {sha256}; the download is "
            "damaged or the file was changed; nothing was kept. Try again; if you trust the new file, give "
            f"dataset.fetch.sha256={got}"
        )


def _unpack(archive: Path, member: str, unpacked: Path, url: str) -> Path:
    try:
        with zipfile.ZipFile(archive) as packed:
            if member not in packed.namelist():
                inside = listed(member, packed.namelist(), most=5)
                raise SegError(f"{url}: the archive has no {member!r}; it has {inside}; nothing was kept")
            with packed.open(member) as source, open(unpacked, "wb") as out:
                shutil.copyfileobj(source, out, CHUNK_BYTES)
    except zipfile.BadZipFile as error:
        raise SegError(f"{url}: not a readable zip archive ({error}); nothing was kept") from None
    return unpacked


@contextmanager
def progress() -> Iterator[object]:
    """Show a download as a bar on a terminal, and nothing elsewhere."""
    from rich.console import Console

    console = Console()
    if not console.is_terminal:
        yield False
        return
    from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn, TransferSpeedColumn

    columns = (BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        yield _Bar(bar, bar.add_task("", total=None))


class _Bar:
    """A bar of rich under the names that pooch knows from tqdm."""

    def __init__(self, bar, task):
        self._bar, self._task = bar, task

    @property
    def total(self) -> int:
        return self._bar.tasks[0].total

    @total.setter
    def total(self, size: int) -> None:
        self._bar.update(self._task, total=size or None)

    def update(self, size: int) -> None:
        self._bar.advance(self._task, size)

    def reset(self) -> None:
        self._bar.update(self._task, completed=0)

    def close(self) -> None:
        pass
