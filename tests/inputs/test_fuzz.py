"""A short fuzz over bytes; `make fuzz` does a thousand."""

from __future__ import annotations

import pytest

from inputs import fuzz_reading


@pytest.mark.parametrize("seed", range(36))
def test_damaged_bytes_are_read_as_pandas_reads_them_or_refused(engine, tmp_path, seed):
    assert fuzz_reading.outcome(engine, seed, tmp_path)
