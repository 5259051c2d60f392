"""Examples that hypothesis draws, all at once: an engine reads a thousand values as fast as one."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis.strategies import SearchStrategy


def drawn(strategy: SearchStrategy, examples: int) -> list:
    """Return different values of a strategy, the same in every run."""
    values = []

    @settings(max_examples=examples, deadline=None, derandomize=True, database=None)
    @given(strategy)
    def collect(value):
        values.append(value)

    collect()
    return list(dict.fromkeys(values))
