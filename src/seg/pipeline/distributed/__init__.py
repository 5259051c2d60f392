"""A segmentation whose customers stay on Spark: fitted, measured, described and written there.

What comes back is aggregates, and one sample of customers for what is drawn or needs them in memory: figures, Euclidean
silhouettes, the rules for k, stability and null data. The sample is chosen by a hash of the customer's id, so that every
run on the same data has the same one.
"""

from seg.pipeline.distributed.spark_assignments import workplace, write_segments
from seg.pipeline.distributed.spark_customers import Customers, in_memory, prepare
from seg.pipeline.distributed.spark_measure import Described, describe
from seg.pipeline.distributed.spark_scan import Fits, scan

__all__ = [
    "Customers",
    "Described",
    "Fits",
    "describe",
    "in_memory",
    "prepare",
    "scan",
    "workplace",
    "write_segments",
]
