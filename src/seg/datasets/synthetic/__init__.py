"""Seeded stand-ins for the data sets: a toy with known segments, and samples with the quirks of real files.

    python -m seg.datasets.synthetic datasets

rewrites the samples in `datasets/<name>/` in about a second, byte for byte as they are under version control. No
row comes from a real file: codes, names, prices and people are drawn; only formats and rates are theirs.
"""

from seg.datasets.synthetic import reviews_like_amazon
from seg.datasets.synthetic.customers_like_flo import flo
from seg.datasets.synthetic.orders_like_retail import online_retail, online_retail_ii
from seg.datasets.synthetic.own_files import own_customers, own_orders
from seg.datasets.synthetic.samples import SAMPLES, write_samples
from seg.datasets.synthetic.toy_orders import toy

__all__ = [
    "SAMPLES",
    "flo",
    "online_retail",
    "online_retail_ii",
    "own_customers",
    "own_orders",
    "reviews_like_amazon",
    "toy",
    "write_samples",
]
