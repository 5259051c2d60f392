"""Damage the bytes of files, and read them: no traceback, no hang, and no other totals than pandas reads.

    python tests/inputs/fuzz_reading.py 1000        # seeded mutations; the command of `make fuzz`, about three minutes

Each mutation is a seed: `python tests/inputs/fuzz_reading.py 1 417` repeats number 417.
"""

from __future__ import annotations

import io
import json
import random
import signal
import sys
import tempfile
from collections import Counter
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from seg.datasets import transactions
from seg.engine import DuckDBEngine, Reading
from seg.errors import SegError
from seg.sources.locate import Source

COLUMNS = {"customer_id": "cust", "ordered_at": "at", "amount": "paid"}
SECONDS = 20  # one file may take
FORMATS = ("csv", "jsonl", "parquet")
SPLICES = [
    b"\x00",
    b'"',
    b"\n",
    b"\r",
    b",",
    b";",
    b"\xff",
    b"\xef\xbb\xbf",
    b"1e400",
    b"nan",
    b"-",
    b"(",
    b"{",
    b"]",
    b"9999",
    b"\\",
]


def orders(random: random.Random) -> pd.DataFrame:
    """Make a small table of orders."""
    rows = random.randint(3, 40)
    return pd.DataFrame(
        {
            "cust": [f"c{random.randint(1, 9)}" for _ in range(rows)],
            "at": [
                f"202{random.randint(0, 4)}-0{random.randint(1, 9)}-1{random.randint(0, 9)}"
                for _ in range(rows)
            ],
            "paid": [round(random.uniform(-50, 500), 2) for _ in range(rows)],
        }
    )


def written(table: pd.DataFrame, format: str) -> bytes:
    """Write a table in a format."""
    if format == "csv":
        return table.to_csv(index=False).encode()
    if format == "jsonl":
        return "".join(json.dumps(row) + "\n" for row in table.to_dict("records")).encode()
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_pandas(table, preserve_index=False), buffer)
    return buffer.getvalue()


def damaged(content: bytes, random: random.Random) -> bytes:
    """Flip, splice, drop or repeat some bytes."""
    data = bytearray(content)
    for _ in range(random.choice([1, 1, 1, 2, 4])):
        place, kind = random.randrange(len(data) + 1), random.randrange(5)
        if kind == 0 and place < len(data):
            data[place] ^= 1 << random.randrange(8)
        elif kind == 1:
            data[place:place] = random.choice(SPLICES)
        elif kind == 2:
            del data[place : place + random.choice([1, 1, 2, 8])]
        elif kind == 3:
            data[place:place] = data[place : place + random.choice([1, 2, 4, 30])]
        elif place < len(data):  # another digit in the place of one, which both may read
            digits = [at for at, byte in enumerate(data) if chr(byte).isdigit()]
            data[random.choice(digits or [place])] = random.choice(b"0123456789")
    return bytes(data)


@contextmanager
def time_limit(seconds: int):
    """Raise a TimeoutError where something hangs."""

    def stop(signum, frame):
        raise TimeoutError(f"more than {seconds} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def totals_of_pandas(path: Path, format: str) -> tuple[int, float] | None:
    """Read rows and the sum of the amounts plainly; None where pandas does not read them as numbers and dates."""
    try:
        readers = {
            "csv": pd.read_csv,
            "jsonl": lambda one: pd.read_json(one, lines=True, dtype=False),
            "parquet": pd.read_parquet,
        }
        table = readers[format](path)
        if (
            not pd.api.types.is_numeric_dtype(table["paid"])
            or pd.api.types.is_bool_dtype(table["paid"])
            or table.isna().any(axis=None)
        ):
            return None
        pd.to_datetime(table["at"], format="%Y-%m-%d", exact=True)
        return len(table), float(table["paid"].sum())
    except Exception:  # whatever pandas does not read is nothing to compare with
        return None


def outcome(engine: DuckDBEngine, seed: int, folder: Path) -> str:
    """Damage one file and read it; a word for what came, an error where seg is at fault."""
    chance = random.Random(seed)
    format = FORMATS[seed % len(FORMATS)]
    path = folder / f"{seed}.{format}"
    path.write_bytes(damaged(written(orders(chance), format), chance))
    try:
        with time_limit(SECONDS):
            loaded = transactions.load(engine, Source("orders", "file", (path,), ""), COLUMNS, Reading())
            frame = engine.collect(loaded.table.select("customer_id", "amount"))
    except SegError as error:
        assert str(error).strip(), f"seed {seed}: an error without a word"
        return "refused"
    expected = totals_of_pandas(path, format)
    if expected is None:
        return "read, not by pandas"
    read = len(frame), float(frame["amount"].sum())
    blank = sum(
        int(text.split()[0].replace(",", ""))
        for _level, text in loaded.notes
        if "nothing but delimiters" in text
    )
    same = read[0] + blank in (expected[0], read[0]) and abs(read[1] - expected[1]) <= 1e-6 * max(
        1.0, abs(expected[1])
    )
    assert same, f"seed {seed} ({format}): seg reads {read}, pandas {expected}"
    return "read as pandas does"


def main(count: int, first: int = 0) -> int:
    """Try many seeds; print what came and how often; 1 where seg was at fault."""
    outcomes, faults = Counter(), []
    with tempfile.TemporaryDirectory() as folder, DuckDBEngine(threads=1) as engine:
        for seed in range(first, first + count):
            try:
                outcomes[outcome(engine, seed, Path(folder))] += 1
            except BaseException as error:
                if isinstance(error, KeyboardInterrupt):
                    raise
                faults.append(
                    f"seed {seed} ({FORMATS[seed % len(FORMATS)]}): {type(error).__name__}: {str(error)[:300]}"
                )
    print(
        f"{count} files: "
        + ", ".join(f"{name} {times}" for name, times in outcomes.most_common())
        + f", faults {len(faults)}"
    )
    print("\n".join(faults))
    return int(bool(faults))


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:] or ["1000"])))
