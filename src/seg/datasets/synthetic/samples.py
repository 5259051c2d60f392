"""The sample file that ships with each data set."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from seg.datasets.synthetic import reviews_like_amazon
from seg.datasets.synthetic.customers_like_flo import flo
from seg.datasets.synthetic.orders_like_retail import online_retail, online_retail_ii
from seg.datasets.synthetic.own_files import own_customers, own_orders
from seg.sinks.atomic import replacing


class Sample(NamedTuple):
    """How the sample file of a data set is made."""

    generate: Callable[[], pd.DataFrame]
    file_name: str
    encoding: str
    beside: tuple["Sample", ...] = ()  # files of its further tables


SAMPLES = {
    "amazon_reviews": Sample(
        reviews_like_amazon.sample_reviews,
        "sample.jsonl",
        "utf-8",
        (Sample(reviews_like_amazon.sample_items, "sample_items.jsonl", "utf-8"),),
    ),
    "customers": Sample(own_customers, "sample.csv", "utf-8"),
    "flo": Sample(flo, "sample.csv", "utf-8"),
    "online_retail": Sample(online_retail, "sample.csv", "windows-1252"),
    "online_retail_ii": Sample(partial(online_retail_ii, customers=300), "sample.csv", "utf-8"),
    "transactions": Sample(own_orders, "sample.csv", "utf-8"),
}


def write_samples(folder: str | Path = "datasets") -> list[Path]:
    """Write the sample file of every data set to `<folder>/<data set>/`, each under a temporary name first.

    Parameters
    ----------
    folder : str or pathlib.Path
        Folder of the data sets; it is made if it is not there.

    Returns
    -------
    list of pathlib.Path
        The files written; their bytes depend on nothing but the generators' seeds.
    """
    return [
        _write_sample(Path(folder) / name, one)
        for name, sample in SAMPLES.items()
        for one in (sample, *sample.beside)
    ]


def _write_sample(folder: Path, sample: Sample) -> Path:
    table = sample.generate()
    if sample.file_name.endswith(".jsonl"):
        text = table.to_json(orient="records", lines=True)
    else:
        text = table.to_csv(index=False, lineterminator="\n")
    path = folder / sample.file_name
    with replacing(path) as unfinished:
        unfinished.write_bytes(text.encode(sample.encoding))
    return path
