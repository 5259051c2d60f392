"""Sweeps: many jobs under one parent run, each done once, whatever happens to some of them.

    seg run -m dataset=flo,online_retail model=kmeans,gmm k='range(2,11)' hydra/launcher=joblib

Before the first job every combination is composed and checked, the store is opened and what has finished before is looked
up. A job leaves a note (``job.json``) in its directory; at the end the notes become a table, in the terminal and on the
parent run. Nothing else passes between the processes, so that any launcher of Hydra will do.
"""

from __future__ import annotations

import importlib

# Imported where they are used: a misspelt key of a sweep is answered before a library for tables is imported.
_HOMES = {
    "Sweep": "seg.cli.sweeps.sweep",
    "close": "seg.cli.sweeps.sweep",
    "explain": "seg.cli.sweeps.sweep",
    "job": "seg.cli.sweeps.jobs",
    "key": "seg.cli.sweeps.job_key",
}
__all__ = ["Sweep", "close", "explain", "job", "key"]


def __getattr__(name: str) -> object:
    """Import a name of this package when it is asked for."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
