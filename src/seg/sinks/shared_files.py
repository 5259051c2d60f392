"""The files of a run that may leave its directory, with hashed customer ids."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.dataset
import pyarrow.parquet as pq

ASSIGNMENTS = "assignments.parquet"
# Rows of the data, lists of customers, and a model that no store keeps.
NOT_SHARED = (
    "bad_rows.csv",
    "model.pkl",
    "customers.parquet",
    "customers.csv",
    "segments.xlsx",
    "customer_outlook.parquet",
)


def shared_files(written: list[Path]) -> list[Path]:
    """Leave out what stays in the directory of a run."""
    return [path for path in written if path.name not in NOT_SHARED]


@contextmanager
def to_share(files: list[Path], folder: Path, salt: str) -> Iterator[Path]:
    """Gather in a temporary folder what may leave the directory of a run, for as long as the context lasts.

    Customer ids do not leave it: in the assignments they are hashed with the fingerprint of the data, so that runs on
    the same data can be compared.
    """
    with tempfile.TemporaryDirectory(prefix="seg-share-") as scratch:
        for path in files:
            target = Path(scratch) / path.relative_to(folder)
            target.parent.mkdir(parents=True, exist_ok=True)
            if path.name == ASSIGNMENTS:
                _hash_customers(path, target, salt)
            else:
                shutil.copyfile(path, target)
        yield Path(scratch)


def _hash_customers(source: Path, target: Path, salt: str) -> None:
    """Copy assignments, a file or a folder of them, with hashed customers, without ever having all of them in memory."""
    table = pyarrow.dataset.dataset(source, format="parquet")
    place = table.schema.get_field_index("customer_id")
    schema = table.schema.set(place, pa.field("customer_id", pa.string()))  # pandas writes large strings
    with pq.ParquetWriter(target, schema) as writer:
        for batch in table.to_batches():
            hashed = pa.array([_hashed(salt, one) for one in batch.column(place).to_pylist()], pa.string())
            writer.write_batch(batch.set_column(place, schema.field(place), hashed))


def _hashed(salt: str, customer_id: str) -> str:
    return hashlib.sha256(f"{salt} {customer_id}".encode()).hexdigest()[:16]
