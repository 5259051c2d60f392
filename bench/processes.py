"""Processes that descend from another one, and the processor seconds they have taken, by the table of processes (Linux)."""

import os
from pathlib import Path


def family(pid: int) -> list[int]:
    """List a process and all that descend from it."""
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        fields = _fields(path)
        if fields:
            parents[int(path.parent.name)] = int(fields[1])
    members = [pid]
    for member in members:
        members += [child for child, parent in parents.items() if parent == member]
    return members


def processor(pid: int) -> float | None:
    """Return the seconds, user and system, that one process has taken; None where it has ended."""
    fields = _fields(Path(f"/proc/{pid}/stat"))
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK") if fields else None


def resident(pid: int) -> float:
    """Return the memory of one process now, GiB; 0 where it has ended."""
    fields = _fields(Path(f"/proc/{pid}/stat"))
    return int(fields[21]) * os.sysconf("SC_PAGE_SIZE") / 2**30 if fields else 0.0


def _fields(path: Path) -> list[str]:
    """Return the fields behind the name of a process, from its state on; none where it has just ended."""
    try:
        return path.read_text().rpartition(")")[2].split()
    except OSError:
        return []
