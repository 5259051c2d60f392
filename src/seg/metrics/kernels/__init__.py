"""Compiled inner loops of clustering and its measures, for tables of few features.

Arrays in, arrays out. Callers ask `ready` first, and use scikit-learn or SciPy where it returns False.
"""

from seg.metrics.kernels.compilation import ready

__all__ = ["ready"]
