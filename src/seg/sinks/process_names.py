"""Names of processes that no later process shares: by them a run in the store is known to be alive or dead."""

from __future__ import annotations

import os
import socket
import subprocess
from pathlib import Path


def process_name(pid: int | str = "self") -> str:
    """Return host, process id and ``boot.namespace.start`` of a process; empty where there is none."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
        number, state, *fields = stat.partition(" ")[0], *stat.rpartition(") ")[2].split()
        return (
            "" if state == "Z" else f"{socket.gethostname()} {number} {_boot()}.{_namespace()}.{fields[18]}"
        )
    except OSError:
        return _by_ps(pid) if not Path("/proc/self").exists() else ""


def has_ended(name: str) -> bool:
    """Return True if a process named by `process_name` has ended; False where that cannot be known from here.

    A process of another host, or of a container with process ids of its own, is taken for alive.
    """
    host, _, rest = name.partition(" ")
    number, _, when = rest.partition(" ")
    if host != socket.gethostname() or not number.isdigit():
        return False
    boot, *parts = when.split(".")
    if parts and boot == _boot() and parts[0] != _namespace():
        return False
    return process_name(number) != name


def _boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()[:8]


def _namespace() -> str:
    try:
        return os.readlink("/proc/self/ns/pid").strip("pid:[]")
    except OSError:
        return "0"


def _by_ps(pid: int | str) -> str:
    number = os.getpid() if pid == "self" else pid
    started = subprocess.run(
        ["ps", "-o", "lstart=", "-p", str(number)], capture_output=True, text=True
    ).stdout
    return f"{socket.gethostname()} {number} {'_'.join(started.split())}" if started.strip() else ""
