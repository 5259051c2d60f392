"""Options of a JVM that computes on this machine: made for runs of some minutes, not for a server.

The second compiler competes with the work for the same cores, so it takes up only what is called ten times as often as it waits for
by default. On two cores the JVM took 87 processor seconds instead of 95 to 106 for FLO with ``mllib_kmeans``, and 89 instead of 112 for the
features of five million reviews (ours; two runs and one run each). On a quiet machine the elapsed time is the same.
"""

from __future__ import annotations

import re

from joblib import cpu_count

COMPILED_LATER = (
    "-XX:Tier4InvocationThreshold=50000 -XX:Tier4MinInvocationThreshold=6000 "
    "-XX:Tier4CompileThreshold=150000 -XX:Tier4BackEdgeThreshold=400000"
)
FEW_CORES = 2  # on which threads that collect garbage beside the work slow it down


def options(master: str) -> str:
    """Return the options for a master; none for one that computes elsewhere.

    >>> options("spark://server:7077")
    ''
    """
    local = re.fullmatch(r"local(?:\[(\d+|\*)(?:,\d+)?\])?", master)
    if local is None:
        return ""
    cores = cpu_count() if local[1] == "*" else int(local[1] or 1)
    return COMPILED_LATER + (" -XX:+UseSerialGC" if cores <= FEW_CORES else "")
