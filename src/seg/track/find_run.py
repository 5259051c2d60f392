"""From the id of a run to its directory on this machine."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from seg.errors import SegError
from seg.track import record

SHORTEST = 6  # characters of an id


def directory(reference: str, roots: Sequence[Path]) -> Path:
    """Find the directory of a run.

    Parameters
    ----------
    reference : str
        A directory, or the first characters of the id of the run in MLflow or of its own.
    roots : sequence of Path
        Folders below which runs are.

    Raises
    ------
    SegError
        There is none, or several begin like that.
    """
    folder = Path(reference).expanduser()
    if folder.is_dir():
        return folder
    looked = " and ".join(str(root) for root in roots)
    if len(reference) < SHORTEST:
        raise SegError(f"run={reference}: no such directory, and an id needs {SHORTEST} characters or more")
    folders = [path.parent for root in roots for path in root.rglob("run.json") if _matches(path, reference)]
    if len(folders) != 1:
        many = ", ".join(str(path) for path in folders[:3])
        raise SegError(
            f"run={reference}: {f'several run ids begin with it ({many}): add characters' if folders else f'no such run below {looked}; give its directory'}"
        )
    return folders[0]


def _matches(path: Path, reference: str) -> bool:
    try:
        known = [json.loads(path.read_text(encoding="utf-8")).get("run_id")]
    except (OSError, ValueError, AttributeError):
        return False
    known.append(record.state(path.parent).get("run_id"))
    return any(str(one).startswith(reference) for one in known if one)
