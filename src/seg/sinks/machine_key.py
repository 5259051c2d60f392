"""A key that never leaves this machine: customer ids are hashed with it, and what the cache keeps is signed with it.

The key lies in ``~/.config/seg/key`` (``SEG_KEY_FILE`` names another file), readable by its owner only. It is made on first use.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import stat
from pathlib import Path

from seg.errors import SegError

VARIABLE = "SEG_KEY_FILE"
BYTES = 32


def key_file() -> Path:
    """Return the path of the key of this user on this machine."""
    if os.environ.get(VARIABLE):
        return Path(os.environ[VARIABLE]).expanduser()
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "seg" / "key"


def machine_key(purpose: str) -> bytes:
    """Return the key of this machine for one purpose; made, with mode 0600, where there is none.

    Parameters
    ----------
    purpose : str
        Such as ``"customer ids"``: keys of different purposes say nothing of each other.

    Raises
    ------
    SegError
        The file cannot be read or made, others can read it, or it is too short.
    """
    return derived(_read(key_file()), purpose)


def derived(key: bytes, purpose: str) -> bytes:
    """Return the key of one purpose, made of a key for all."""
    return hmac.digest(key, purpose.encode(), hashlib.sha256)


def _read(path: Path) -> bytes:
    try:
        if not path.exists():
            _make(path)
        mode, key = path.stat().st_mode, path.read_bytes()
    except OSError as error:
        raise SegError(
            f"{path}: the key of this machine cannot be read or made ({error.strerror}); name another file with {VARIABLE}"
        ) from None
    if os.name == "posix" and mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise SegError(
            f"{path}: other users may read the key of this machine (mode {stat.S_IMODE(mode):04o}); delete it (hashed "
            "customer ids change) or, if nobody has read it, run chmod 600 on it"
        )
    if len(key) < BYTES:
        raise SegError(
            f"{path}: expected a key of {BYTES} bytes, found {len(key)}; delete the file, and seg creates a new key"
        )
    return key


def _make(path: Path) -> None:
    """Write a new key; of several processes that do so at once, the first one's key stays."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(secrets.token_bytes(BYTES))
        os.link(temporary, path)
    except FileExistsError:
        pass
    finally:
        temporary.unlink(missing_ok=True)
