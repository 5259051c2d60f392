"""Seeded stand-ins for the data sets: a toy with known segments, and samples with the quirks of real files.

    python -m seg.synthetic datasets

rewrites the samples in `datasets/<name>/` in about a second, byte for byte as they are under version control. No
row comes from a real file: codes, names, prices and people are drawn; only formats and rates are theirs.
"""

from seg.synthetic import amazon
from seg.synthetic.flo import flo
from seg.synthetic.own import own_customers, own_orders
from seg.synthetic.retail import online_retail, online_retail_ii
from seg.synthetic.samples import SAMPLES, write_samples
from seg.synthetic.toy import toy

__all__ = [
    "SAMPLES",
    "amazon",
    "flo",
    "online_retail",
    "online_retail_ii",
    "own_customers",
    "own_orders",
    "toy",
    "write_samples",
]
