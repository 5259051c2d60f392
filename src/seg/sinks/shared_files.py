"""What may leave the directory of a run: no customer ids but under a secret key, no segment of a few customers."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset
import pyarrow.parquet as pq

from seg.errors import SegError
from seg.sinks import scratch
from seg.sinks.machine_key import derived, machine_key
from seg.sinks.redaction import redact
from seg.sinks.shared_card import shared_card

ASSIGNMENTS, SEGMENTS, CARD = "assignments.parquet", "segments.csv", "scoring.json"
# Rows of the data, lists of customers, and a model that no store keeps.
NEVER = (
    "bad_rows.csv", "customers.parquet", "customers.csv", "segments.xlsx", "customer_outlook.parquet", "model.pkl", "model.skops", "run.json",
)  # fmt: skip
# Files without a figure of a single segment: they may leave even where a segment is very small.
WITHOUT_SEGMENTS = {
    "config.yaml", "k_scan.csv", "ledger.csv", "evidence.csv", "votes.csv", "published.csv", CARD,
    "figures/elbow.png", "figures/silhouette.png", "figures/votes.png", ASSIGNMENTS, SEGMENTS,
}  # fmt: skip
PURPOSE = "customer ids"
SHORTEST_KEY = 16  # bytes
TEXT = (".csv", ".html", ".json", ".md", ".txt", ".yaml")


@dataclass(frozen=True)
class Privacy:
    """How customers are kept private in what is uploaded.

    Parameters
    ----------
    id_key : str or None
        Secret that customer ids are hashed with; None: the key of this machine. ``"none"``: no ids leave at all.
    min_cell : int
        Segments with fewer customers are merged with the next smallest in tables, and files with figures of each segment stay.
    """

    id_key: str | None = None
    min_cell: int = 5

    @property
    def keeps_ids(self) -> bool:
        """Whether hashed ids are uploaded."""
        return self.id_key != "none"

    def key(self) -> bytes:
        """Return the key that ids are hashed with.

        Raises
        ------
        SegError
            The key is too short to be one, or that of the machine cannot be read.
        """
        if self.id_key is None:
            return machine_key(PURPOSE)
        if len(self.id_key.encode()) < SHORTEST_KEY:
            raise SegError(
                f"tracking.id_key: expected at least {SHORTEST_KEY} characters that nobody can guess, got {len(self.id_key)}; make "
                "one with: python -c 'import secrets; print(secrets.token_hex())'"
            )
        return derived(_decoded(self.id_key), PURPOSE)


def shared_files(written: Sequence[Path]) -> list[Path]:
    """Leave out the files that stay in the directory of a run."""
    return [path for path in written if path.name not in NEVER]


@contextmanager
def to_share(files: Sequence[Path], folder: Path, fingerprint: str, privacy: Privacy) -> Iterator[Path]:
    """Gather in a temporary folder what may leave the directory of a run, for as long as the context lasts.

    Customer ids are hashed with a secret key and the fingerprint of the data: runs on the same data can be compared, and
    nobody without the key can try ids until one fits.

    Parameters
    ----------
    files : sequence of Path
        In `folder`.
    folder : Path
        The directory of the run.
    fingerprint : str
        Of the data.
    privacy : Privacy
    """
    merged = merged_segments(_sizes(folder), privacy.min_cell)
    with scratch.folder("seg-share") as shared:
        for path in files:
            name = path.relative_to(folder).as_posix()
            if path.name in NEVER or (merged and not _harmless(name)) or _has_customers(path):
                continue
            target = shared / name
            target.parent.mkdir(parents=True, exist_ok=True)
            if path.name == ASSIGNMENTS:
                if privacy.keeps_ids:
                    _hash_customers(path, target, fingerprint, privacy.key(), merged)
            elif name == SEGMENTS and merged:
                merge_rows(pd.read_csv(path), privacy.min_cell).to_csv(
                    target, index=False, lineterminator="\n"
                )
            elif name == CARD:
                card = shared_card(json.loads(path.read_text(encoding="utf-8")), merged, privacy.min_cell)
                text = json.dumps(card, indent=1, ensure_ascii=False)
                target.write_text(redact(text) + "\n", encoding="utf-8")
            elif path.suffix in TEXT:
                target.write_text(redact(path.read_text(encoding="utf-8")), encoding="utf-8")
            else:
                shutil.copyfile(path, target)
        yield shared


def merged_segments(sizes: pd.Series, min_cell: int) -> dict[int, int]:
    """Return which segment each merged one becomes: empty where all have at least `min_cell` customers.

    The smallest are merged until they are large enough together: one alone could be told from the total.

    >>> merged_segments(pd.Series({0: 2, 1: 40, 2: 7, 3: 90}), 5)
    {0: 0, 2: 0}
    """
    if sizes.empty or sizes.min() >= min_cell:
        return {}
    ordered = sizes.sort_values(kind="stable")
    total, few = 0, []
    for segment, size in ordered.items():
        # At least two, or the merged one is still the small one.
        if total >= min_cell and len(few) > 1 and size >= min_cell:
            break
        few.append(int(segment))
        total += int(size)
    return dict.fromkeys(few, min(few))


def merge_rows(segments: pd.DataFrame, min_cell: int) -> pd.DataFrame:
    """Merge the rows of segments that are too small: sizes and shares add up, means are weighted by size, text is joined.

    Parameters
    ----------
    segments : DataFrame
        ``segment``, ``size``, and further columns; those called ``share`` or ending in ``_share`` add up.
    min_cell : int
    """
    merged = merged_segments(segments.set_index("segment")["size"], min_cell)
    small = segments["segment"].isin(list(merged))
    if not small.any():
        return segments
    few = segments[small].sort_values("segment")
    row = {name: _joined(name, few[name], few["size"]) for name in segments}
    row["segment"] = min(merged)
    rest = segments[~small]
    joined = pd.concat([rest, pd.DataFrame([row])[list(segments)].astype(object)], ignore_index=True)
    return joined.sort_values(
        "segment", key=lambda one: one.where(one >= 0, len(joined) + 1), ignore_index=True
    )


def _joined(name: str, column: pd.Series, sizes: pd.Series) -> object:
    if name in ("size", "share") or name.endswith(("_share", "_sum")):
        return column.sum()
    if not pd.api.types.is_numeric_dtype(column):
        return " + ".join(dict.fromkeys(column.dropna().astype(str))) or None
    present = column.notna()
    return float(np.average(column[present], weights=sizes[present])) if present.any() else np.nan


def _sizes(folder: Path) -> pd.Series:
    try:
        table = pd.read_csv(folder / SEGMENTS, usecols=["segment", "size"])
        return table.set_index("segment")["size"].astype(int)
    except (OSError, ValueError):
        return pd.Series(dtype=int)


def _has_customers(path: Path) -> bool:
    """Return True for a table of customers by id; the assignments are no such file, their ids are hashed."""
    if path.name == ASSIGNMENTS:
        return False
    if path.suffix == ".csv":
        with open(path, encoding="utf-8-sig") as file:
            return "customer_id" in file.readline()
    if path.suffix == ".parquet" and path.is_file():
        return "customer_id" in pq.read_schema(path).names
    return path.suffix in (".xlsx", ".jsonl")


def _harmless(name: str) -> bool:
    # Those of a model on Spark, and the parts of a folder of assignments.
    return name in WITHOUT_SEGMENTS or name.startswith("spark_model/")


def _hash_customers(source: Path, target: Path, fingerprint: str, key: bytes, merged: dict[int, int]) -> None:
    """Copy assignments, a file or a folder of them, with hashed customers, without having all of them in memory."""
    table = pyarrow.dataset.dataset(source, format="parquet")
    place = table.schema.get_field_index("customer_id")
    schema = table.schema.set(place, pa.field("customer_id", pa.string()))  # pandas writes large strings
    names = [name for name in schema.names if not (merged and name.startswith("probability_"))]
    shared_schema = pa.schema([schema.field(name) for name in names])
    with pq.ParquetWriter(target, shared_schema) as writer:
        for batch in table.to_batches():
            hashed = [hashed_id(key, fingerprint, one) for one in batch.column(place).to_pylist()]
            batch = batch.set_column(place, schema.field(place), pa.array(hashed, pa.string()))
            writer.write_batch(_with_merged(batch.select(names), merged))


def _with_merged(batch: pa.RecordBatch, merged: dict[int, int]) -> pa.RecordBatch:
    if not merged or "segment" not in batch.schema.names:
        return batch
    place = batch.schema.get_field_index("segment")
    small = pc.is_in(batch.column(place), pa.array(list(merged), batch.schema.field(place).type))
    becomes = pa.scalar(min(merged.values()), batch.schema.field(place).type)
    return batch.set_column(place, batch.schema.field(place), pc.if_else(small, becomes, batch.column(place)))


def hashed_id(key: bytes, fingerprint: str, customer_id: str) -> str:
    """Return 16 hexadecimal digits for a customer, the same for the same key and data (HMAC-SHA-256).

    Parameters
    ----------
    key : bytes
        The secret.
    fingerprint : str
        Of the data: ids of two data sets cannot be joined.
    customer_id : str

    Returns
    -------
    str
    """
    return hmac.digest(key, f"{fingerprint} {customer_id}".encode(), hashlib.sha256).hex()[:16]


def _decoded(text: str) -> bytes:
    """Read a key as hexadecimal or Base64 where it is, else as it stands."""
    for read in (bytes.fromhex, lambda one: base64.b64decode(one, validate=True)):
        try:
            if len(read(text)) >= SHORTEST_KEY:
                return read(text)
        except (ValueError, binascii.Error):
            continue
    return os.fsencode(text)
