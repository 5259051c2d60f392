"""What configurations compute: the name of a data set, which models, runs and champions go by, and the columns that are read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PurePosixPath

from omegaconf import OmegaConf

from seg.sinks import redaction

ENDINGS = (
    ".gz",
    ".bz2",
    ".zst",
    ".csv",
    ".tsv",
    ".txt",
    ".parquet",
    ".jsonl",
    ".json",
    ".ndjson",
    ".xlsx",
    ".xls",
    ".db",
    ".sqlite",
)
RESOLVER = "data_name"


def data_name(path: str | None, default: str, table: str | None = None) -> str:
    """Return the name of a data set of one's own: the stem of its file, or the folder where a glob stands for its files.

    Parameters
    ----------
    path : str or None
        File, folder, pattern or address.
    default : str
        Name without a path.
    table : str, optional
        Table of a database, which has its name behind that of the database: brands may share either of them.

    >>> data_name("orders/brand_a.csv.gz", "transactions"), data_name("s3://bucket/brand b/*.csv", "transactions")
    ('brand_a', 'brand_b')
    >>> data_name(None, "transactions"), data_name("postgresql://host/shop", "transactions", "sales.orders")
    ('transactions', 'shop_sales.orders')
    """
    if path is None or not str(path).strip():
        return default
    address = redaction.parse(str(path))
    plain = redaction.redact(address.rest if address else str(path).replace("\\", "/"))
    parts = [part for part in PurePosixPath(plain).parts if not re.search(r"[*?\[\]]", part) and part != "/"]
    name = parts[-1] if parts else ""
    while name.lower().endswith(ENDINGS):
        name = name[: name.rindex(".")]
    if table:
        name = f"{name}_{table}"
    name = re.sub(r"[^\w.-]+", "_", name).strip("._")
    return name or default


def same_data(name: str, path: str) -> bool:
    """Return True if a file is named like more of a data set: its name, perhaps with a date or a number behind it.

    >>> same_data("brand_a", "in/brand_a-2026-11-27.csv"), same_data("brand_a", "brand_b.csv")
    (True, False)
    """
    stem = data_name(path, "").lower()
    return stem == name.lower() or re.match(re.escape(name.lower()) + r"[\W_\d]", stem) is not None


def with_group(columns: Mapping[str, str | None], by: str | None) -> Mapping[str, str | None]:
    """Return a mapping of columns with the one that divides customers into groups, which needs no mapping of its own.

    >>> with_group({"customer_id": "cust", "country": None}, "country")
    {'customer_id': 'cust', 'country': 'country'}
    """
    if not isinstance(columns, Mapping) or not isinstance(by, str) or columns.get(by) is not None:
        return columns
    return {**columns, by: by}


def register() -> None:
    """Make ``${data_name:path,default}`` and ``${with_group:columns,by}`` known to configurations."""
    OmegaConf.register_new_resolver(RESOLVER, data_name, replace=True)
    OmegaConf.register_new_resolver("with_group", with_group, replace=True)
