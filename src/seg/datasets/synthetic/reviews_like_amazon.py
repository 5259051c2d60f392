"""A stand-in for Amazon Reviews 2023, Electronics: reviews and items in the raw form, at any size in constant memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from seg.errors import SegError
from seg.sinks.atomic import replacing

REVIEWS, ITEMS = "reviews.parquet", "items.parquet"
ROWS, CATALOGUE = 43_886_944, 1_610_012  # of the real category
SAMPLE_ITEMS = 150
CHUNK = 1 << 20  # reviews drawn, and written as one row group, at a time
TAIL = (
    1.57  # P(at least n reviews) = n ** -TAIL, which gives 2.3 reviews a user and a few users with hundreds
)
AT_ONCE = 0.15  # share of a user's reviews that fall into the weeks of the first
END = np.datetime64("2023-09-14", "ms").astype("int64")
# Share of the reviews of each year; a year counts back from the last day, so the first entry is the last twelve months.
YEARS = (0.080, 0.100, 0.112, 0.125, 0.130, 0.108, 0.100, 0.095, 0.080, 0.060, 0.037, 0.020, 0.060)
YEAR_MS, DAY_MS = 365 * 86_400_000, 86_400_000
VERIFIED, DUPLICATED, VARIANT = 0.902, 0.004, 0.2
STARS, STAR_SHARES = (0.0, 1.0, 2.0, 3.0, 4.0, 5.0), (0.00001, 0.094, 0.050, 0.075, 0.151, 0.62999)
CENTS = (99, 99, 99, 99, 99, 99, 95, 49, 0)  # of seven prices in ten
PLACEHOLDERS = ("None", "none", "N/A", "n/a", "null", "NULL", "")
CATEGORIES = (
    "Computers", "All Electronics", "Cell Phones & Accessories", "Camera & Photo", "Home Audio & Theater", "Amazon Devices",
    "Car Electronics", "Portable Audio & Accessories", "GPS & Navigation", "Industrial & Scientific", "Office Products",
    "Video Games", "Musical Instruments", "Apple Products", "Appliances",
)  # fmt: skip
MISPLACED = (
    "Books",
    "Toys & Games",
    "AMAZON FASHION",
    "Tools & Home Improvement",
    "Sports & Outdoors",
    "Automotive",
)
WORDS = (
    "Works as described.",
    "Stopped after a month.",
    "Good for the price.",
    "Five stars",
    "Would buy again.",
    "Too quiet.",
)
LETTERS = np.frombuffer(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", dtype="uint8")
DIGITS = np.frombuffer(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", dtype="uint8")


def write(folder: str | Path, rows: int = ROWS, items: int | None = None, seed: int = 0) -> tuple[Path, Path]:
    """Write reviews and their items as Parquet, both under a temporary name until they are whole.

    Parameters
    ----------
    folder : str or Path
        Made where it is missing; gets ``reviews.parquet`` and ``items.parquet``.
    rows : int
        Reviews, at least 1,000.
    items : int, optional
        As many for each review as in the real category (1,610,012 for 43,886,944) when left out.
    seed : int

    Returns
    -------
    tuple of Path
        The reviews and the items.

    Raises
    ------
    SegError
        Too few rows, a folder that cannot be written, or one that has other reviews.
    """
    if rows < 1000:
        raise SegError(f"got rows={rows}, expected at least 1,000: ask for more reviews")
    items = max(100, round(rows * CATALOGUE / ROWS)) if items is None else items
    folder = Path(folder)
    _check_nothing_real(folder)
    try:
        with replacing(folder / ITEMS) as item_path, replacing(folder / REVIEWS) as review_path:
            pq.write_table(catalogue(items, seed), item_path)
            with pq.ParquetWriter(review_path, SCHEMA) as out:
                for chunk in reviews(rows, items, seed):
                    out.write_table(chunk, row_group_size=CHUNK)
    except OSError as error:
        raise SegError(
            f"{folder}: cannot be written ({error.strerror or error}); choose another folder, or free space"
        ) from None
    return folder / REVIEWS, folder / ITEMS


def _check_nothing_real(folder: Path) -> None:
    """Refuse to put invented reviews in the place of others: what was invented before may be invented again."""
    there = [path.name for path in (folder / REVIEWS, folder / ITEMS) if path.exists()]
    if not there or _invented(folder / REVIEWS):
        return
    raise SegError(
        f"{folder}: it has {' and '.join(there)}, not invented here; choose another folder with to="
    )


def _invented(path: Path) -> bool:
    try:
        first = next(pq.ParquetFile(path).iter_batches(1, columns=["user_id"]))
        return str(first.column(0)[0]).startswith("SYN")
    except (OSError, pa.ArrowException, LookupError, StopIteration):
        return False


def sample_reviews(rows: int = 1200, seed: int = 0) -> pd.DataFrame:
    """Draw reviews in the raw form, all ten fields, three in five of them of the last twelve months."""
    table = pa.Table.from_batches(next(reviews(rows, SAMPLE_ITEMS, seed, (0.6, 0.4))).to_batches())
    frame = table.to_pandas()
    frame.insert(3, "images", [[] for _ in range(rows)])
    return frame


def sample_items(seed: int = 0) -> pd.DataFrame:
    """Draw the items of `sample_reviews`."""
    return catalogue(SAMPLE_ITEMS, seed).to_pandas()


# ---- items -------------------------------------------------------------------------------------------------


def catalogue(items: int, seed: int = 0) -> pa.Table:
    """Invent items, the most reviewed first.

    Returns
    -------
    pa.Table
        ``parent_asin``, ``main_category`` (some misplaced, some missing), ``title``, ``store`` and ``price`` as text,
        a placeholder where it is not known: for one popular item in six, and half of the others.
    """
    rng = np.random.default_rng([seed, 1])
    place = np.arange(items) / items
    cents = np.where(rng.random(items) < 0.3, rng.integers(0, 100, items), rng.choice(CENTS, items))
    price = np.maximum(np.floor(np.exp(rng.normal(3.2, 1.15, items))), 1) + cents / 100
    price = np.where(rng.random(items) < 0.002, 0.01, price)
    unknown = rng.random(items) < 0.05 + 0.25 * np.sqrt(place)
    text = np.where(
        unknown, rng.choice(PLACEHOLDERS, items, p=[0.94, *[0.01] * 6]), np.char.mod("%.2f", price)
    )
    names = np.array([*CATEGORIES, *MISPLACED, None], dtype=object)
    shares = np.r_[0.6 ** np.arange(len(CATEGORIES)), np.full(len(MISPLACED), 0.008), 0.12]
    return pa.table(
        {
            "parent_asin": _codes("B0", np.arange(items)),
            "main_category": pa.array(
                names[rng.choice(len(names), items, p=shares / shares.sum())], pa.string()
            ),
            "title": pa.array(np.char.add("Item ", np.arange(items).astype(str))),
            "store": pa.array(np.char.add("Store ", (np.arange(items) % 977).astype(str))),
            "price": pa.array(text, pa.string()),
        }
    )


def _codes(prefix: str, numbers: np.ndarray) -> pa.Array:
    """Spell numbers as codes of ten characters: equal numbers, equal codes."""
    # An odd multiplier permutes the numbers below 2 ** 40, so that neighbours look unlike.
    scrambled = (numbers.astype("uint64") * np.uint64(0x5DEECE66D)) % np.uint64(2**40)
    return _text(
        prefix, scrambled[:, None] // np.uint64(36) ** np.arange(8, dtype="uint64") % np.uint64(36), DIGITS
    )


def _text(prefix: str, places: np.ndarray, alphabet: np.ndarray) -> pa.Array:
    """Make texts of one length from the places of their characters in an alphabet."""
    length = len(prefix) + places.shape[1]
    characters = np.empty((len(places), length), dtype="uint8")
    characters[:, : len(prefix)] = np.frombuffer(prefix.encode(), dtype="uint8")
    characters[:, len(prefix) :] = alphabet[places]
    offsets = np.arange(len(places) + 1, dtype="int32") * np.int32(length)
    return pa.StringArray.from_buffers(len(places), pa.py_buffer(offsets), pa.py_buffer(characters))


# ---- reviews -----------------------------------------------------------------------------------------------

SCHEMA = pa.schema(
    [
        ("rating", pa.float64()),
        ("title", pa.dictionary(pa.int32(), pa.string())),
        ("text", pa.dictionary(pa.int32(), pa.string())),
        ("asin", pa.string()),
        ("parent_asin", pa.string()),
        ("user_id", pa.string()),
        ("timestamp", pa.int64()),
        ("helpful_vote", pa.int64()),
        ("verified_purchase", pa.bool_()),
    ]
)


def reviews(rows: int, items: int, seed: int = 0, years: Sequence[float] = YEARS) -> Iterator[pa.Table]:
    """Draw reviews, a chunk at a time; the reviews of a user stand together, as in the real file.

    Parameters
    ----------
    years : sequence of float
        Share of the reviews of the last twelve months, of the twelve before, and so on.

    Notes
    -----
    Of the real category are the sizes: 2.3 reviews a user, 90 % of them verified, 7 % in the last twelve months, of which
    83 % have a price. 0.4 % of the rows come twice, exactly. Negative helpful votes and ratings of 0 are rare.
    """
    codes, done, part = _codes("B0", np.arange(items)), 0, 0
    while done < rows:
        rng = np.random.default_rng([seed, 2, part])
        chunk = _chunk(rng, min(CHUNK, rows - done), codes, years, last=done == 0)
        done, part = done + len(chunk), part + 1
        yield chunk


def _chunk(
    rng: np.random.Generator, size: int, codes: pa.Array, years: Sequence[float], last: bool
) -> pa.Table:
    counts = np.minimum(np.floor((1 - rng.random(size)) ** (-1 / TAIL)), 2000).astype("int64")
    counts = counts[: np.searchsorted(np.cumsum(counts), size) + 1]
    user = np.repeat(np.arange(len(counts)), counts)[:size]
    people = _text("SYN", rng.integers(0, 32, (len(counts), 25)), LETTERS)
    item = (len(codes) * rng.random(size) ** 3).astype("int64")  # few items have most reviews
    own = codes.take(pa.array(item))
    variant = rng.random(size) < VARIANT
    asin = np.asarray(own, dtype=object)
    asin[variant] = np.asarray(
        _codes("B1", item[variant] * 5 + rng.integers(0, 5, variant.sum())), dtype=object
    )
    stamp = _times(rng, user, years)
    if last:
        stamp[0] = END - 1  # someone reviews on the last day
    table = pa.table(
        {
            "rating": np.asarray(STARS)[
                np.searchsorted(np.cumsum(STAR_SHARES), rng.random(size)).clip(max=5)
            ],
            "title": _words(rng, size),
            "text": _words(rng, size),
            "asin": pa.array(asin, pa.string()),
            "parent_asin": own,
            "user_id": people.take(pa.array(user)),
            "timestamp": stamp,
            "helpful_vote": _votes(rng, size),
            "verified_purchase": rng.random(size) < VERIFIED,
        },
        schema=SCHEMA,
    )
    again = np.arange(size) - (rng.random(size) < DUPLICATED)
    return table.take(pa.array(again.clip(0)))


def _times(rng: np.random.Generator, user: np.ndarray, years: Sequence[float]) -> np.ndarray:
    """Draw milliseconds since 1970; a part of a user's reviews lies within weeks of the first."""
    edges = np.r_[0, np.cumsum(years) / np.sum(years)]
    ago = np.interp(rng.random(len(user)), edges, np.arange(len(edges)))
    first = ago[np.searchsorted(user, user)]
    beside = np.abs(first + rng.normal(0, 0.08, len(user)))
    ago = np.where(rng.random(len(user)) < AT_ONCE, beside, ago)
    return END - 1 - (ago * YEAR_MS).astype("int64")


def _votes(rng: np.random.Generator, size: int) -> np.ndarray:
    votes = np.floor(0.55 / np.maximum(rng.random(size), 1e-4)).astype("int64")
    return np.where(rng.random(size) < 0.00002, -1, votes)


def _words(rng: np.random.Generator, size: int) -> pa.Array:
    places = pa.array(rng.integers(0, len(WORDS), size, dtype="int32"))
    return pa.DictionaryArray.from_arrays(places, pa.array(WORDS))
