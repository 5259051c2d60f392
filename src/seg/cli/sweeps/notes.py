"""What the processes of a sweep tell each other: small JSON files in its directory, each whole or not there."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from seg.sinks.atomic import replacing
from seg.sinks.redaction import redacted

PLACES = ("tracking", "sink", "cache", "data_dir", "hydra", "sweep.resume")
SWEEP, JOB, DONE = "sweep.json", "job.json", "done"


def write(path: Path, content: dict) -> None:
    """Write a note under a temporary name and rename it."""
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(redacted(content), default=str))


def read(path: Path) -> dict | None:
    """Read a note; None where there is none."""
    try:
        return json.loads(path.read_text())
    except FileNotFoundError:
        return None


def jobs(folder: Path) -> list[dict]:
    """Read the notes of all jobs of a sweep, in their order."""
    noted = [read(path) for path in folder.rglob(JOB)]
    return sorted((note for note in noted if note), key=lambda note: note["num"])


def of_job(folder: Path, key: str) -> Path:
    """Return the note that says that a job is done, by whichever sweep."""
    return folder / DONE / f"{key}.json"


def shown(overrides: Sequence[str]) -> str:
    """Write overrides for people, without those that say where things are kept."""
    return " ".join(text for text in overrides if not text.lstrip("+").startswith(PLACES))
