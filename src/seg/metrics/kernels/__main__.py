"""Compile the kernels now instead of during the first run: `python -m seg.metrics.kernels` (about 20 s, once on a machine)."""

import logging
import sys

from seg.metrics.kernels import ready

logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
if ready():
    print("fast kernels are compiled and can be used")
