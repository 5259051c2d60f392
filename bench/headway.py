"""Progress of the long benches."""

import sys
import time
from collections.abc import Iterable, Iterator

EVERY = 30  # seconds between two lines


def reported(results: Iterable, total: int, what: str) -> Iterator:
    """Pass results on, with a line on standard error every half minute: how many of `total` there are, and how long the rest takes."""
    start = last = time.perf_counter()
    for number, result in enumerate(results, 1):
        now = time.perf_counter()
        if now - last >= EVERY or number == total:
            last, left = now, (now - start) / number * (total - number)
            print(
                f"{what}: {number:,} of {total:,} after {now - start:.0f} s, about {left / 60:.1f} minutes left",
                file=sys.stderr,
                flush=True,
            )
        yield result
