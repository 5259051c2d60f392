"""An empty store of MLflow, made once for all tests: its hundred statements take most of a second."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from filelock import FileLock

from seg.track import sqlite_store


def at(folder: Path) -> str:
    """Put an empty store into a folder, and return its address."""
    made = Path(os.environ["SEG_CACHE_DIR"]).with_name("empty.db")
    with FileLock(f"{made}.lock"):
        if not made.exists():
            sqlite_store.make_store(made)
    shutil.copyfile(made, folder / "mlflow.db")
    return f"sqlite:///{folder}/mlflow.db"
