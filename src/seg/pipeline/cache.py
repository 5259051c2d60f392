"""Work that was done before, kept on disk under the hash of everything it follows from.

An entry appears whole or not at all, jobs that run at the same time do the same work once, and an entry that was damaged
is computed again, with a warning. The keys are built in `seg.pipeline.keys`.
"""

from __future__ import annotations

import functools
import hashlib
import hmac
import json
import logging
import os
import pickle
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from seg.errors import SegError
from seg.pipeline.keys import digest
from seg.sinks.atomic import replacing
from seg.sinks.machine_key import machine_key

log = logging.getLogger("seg")
Value = TypeVar("Value")
LOCKS = 256  # so many lock files at most, whatever the number of entries


class Cache:
    """A folder of results.

    Parameters
    ----------
    folder : str or Path or None
        None: nothing is kept, everything is made.
    max_size : int
        Bytes; above it the entries that were not used for longest are removed.
    """

    def __init__(self, folder: str | Path | None, max_size: int = 5 * 10**9):
        self._folder = None if folder is None else Path(folder)
        self._max_size = max_size

    def get(self, kind: str, key: Mapping[str, object], make: Callable[[], Value]) -> Value:
        """Return what `make` returned for this key before, or make it now.

        Parameters
        ----------
        kind : str
            What it is, for people and as the name of a folder.
        key : mapping of str to JSON values
            Everything that the result follows from.
        make : callable
            Its result must be picklable (by cloudpickle).
        """
        if self._folder is None:
            return make()
        name = digest(key)
        path = self._folder / kind / f"{name}.pickle"
        try:
            self._key  # noqa: B018 - without the key of this machine nothing can be kept
            lock = self._lock(kind, name)
        except (OSError, SegError) as error:
            self._useless(error)
            return make()
        try:
            stored = self._read(kind, path)
            if stored is None:
                value = make()
                self._write(path, key, value)
                return value
            return stored[0]
        finally:
            lock.release()

    def digest(self, path: Path) -> bytes:
        """Hash the content of a file (SHA-256), or remember its hash as long as the file was not touched."""
        if self._folder is None:
            return _content(path)
        stat = path.stat()
        state = [str(path.resolve()), stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino]
        note = self._folder / "files" / f"{digest({'path': state[0]})}.json"
        try:
            remembered = json.loads(note.read_text())
            if remembered["file"] == state:
                return bytes.fromhex(remembered["sha256"])
        except (OSError, ValueError, KeyError, TypeError):
            pass  # never hashed, or touched since
        content = _content(path)
        # Clocks of file systems tick: a file that was written just now may change without its times showing it.
        if time.time_ns() - max(stat.st_mtime_ns, stat.st_ctime_ns) > 2 * 10**9:
            try:
                _replace(note, json.dumps({"file": state, "sha256": content.hex()}).encode())
            except OSError as error:
                self._useless(error)
        return content

    def _lock(self, kind: str, name: str):
        from filelock import FileLock, Timeout

        folder = self._folder / "locks"
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / f"{int(name[:8], 16) % LOCKS:02x}")
        try:
            lock.acquire(timeout=1)
        except Timeout:
            log.info("%-22s waiting: another job is computing the same result", kind)
            lock.acquire()
        return lock

    def _read(self, kind: str, path: Path) -> tuple[object] | None:
        start = time.perf_counter()
        try:
            with open(path, "rb") as file:
                head, content = json.loads(file.readline()), file.read()
            # Unpickling runs what is in the file: only what this machine has signed is unpickled.
            if not hmac.compare_digest(self._signature(path, content), str(head.get("hmac"))):
                raise ValueError("it was changed, or another machine wrote it")
            value = pickle.loads(content)
            os.utime(path)
        except FileNotFoundError:
            return None
        except Exception as error:  # whatever a damaged pickle raises
            log.warning("cache: %s is damaged (%s): computed again", path, error)
            return None
        log.info("%-22s %5.1f s: from the cache", kind, time.perf_counter() - start)
        return (value,)

    def _write(self, path: Path, key: Mapping, value: object) -> None:
        import cloudpickle

        content = cloudpickle.dumps(value, protocol=5)
        head = json.dumps({"hmac": self._signature(path, content), "key": key}, default=str)
        try:
            _replace(path, head.encode() + b"\n" + content)
            self._trim(path)
        except OSError as error:
            self._useless(error)

    def _signature(self, path: Path, content: bytes) -> str:
        """Sign an entry with the key of this machine; its place is signed too, so that entries cannot change places."""
        place = f"{path.parent.name}/{path.name}\n".encode()
        return hmac.digest(self._key, place + content, hashlib.sha256).hex()

    @functools.cached_property
    def _key(self) -> bytes:
        return machine_key("cache")

    def _trim(self, newest: Path) -> None:
        """Remove the entries used least recently, and what killed processes left half-written."""
        entries = []
        for path in self._folder.glob("*/*"):
            try:
                stat = path.stat()
            except FileNotFoundError:  # another process trims too
                continue
            if path.name.startswith(".") and time.time() - stat.st_mtime > 3600:
                path.unlink(missing_ok=True)
            elif path.suffix == ".pickle":
                entries.append((stat.st_mtime, stat.st_size, path))
        size = sum(entry[1] for entry in entries)
        for _, freed, path in sorted(entries):
            if size <= self._max_size or path == newest:
                break
            path.unlink(missing_ok=True)
            size -= freed

    def _useless(self, error: OSError | SegError) -> None:
        log.warning(
            "cache: %s cannot be written (%s): working without; choose another cache.folder, or cache=off",
            self._folder,
            getattr(error, "strerror", None) or error,
        )
        self._folder = None


NONE = Cache(None)


def of(settings) -> Cache:
    """Open the cache that the settings ask for (`settings.CacheSettings`)."""
    return Cache(settings.folder if settings.enabled else None, settings.max_size)


def _content(path: Path) -> bytes:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def _replace(path: Path, content: bytes) -> None:
    with replacing(path) as temporary:
        temporary.write_bytes(content)
