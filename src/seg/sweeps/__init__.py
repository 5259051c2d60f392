"""Sweeps: many jobs under one parent run, each done once, whatever happens to some of them.

    python -m seg.run -m dataset=flo,online_retail model=kmeans,gmm k='range(2,11)' hydra/launcher=joblib

Before the first job every combination is composed and checked, the store is opened and what has finished before is looked
up. A job leaves a note (``job.json``) in its directory; at the end the notes become a table, in the terminal and on the
parent run. Nothing else passes between the processes, so that any launcher of Hydra will do.
"""

from seg.sweeps.job_key import key
from seg.sweeps.jobs import job
from seg.sweeps.sweep import Sweep, close, explain

__all__ = ["Sweep", "close", "explain", "job", "key"]
