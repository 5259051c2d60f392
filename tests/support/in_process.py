"""Segment in the process of the tests: what a run does before it writes and tracks, with the errors of the command.

A command costs seconds more than that, so only what is written, printed or tracked is tested through one.
"""

from __future__ import annotations

import pytest

import seg
from seg.errors import SegError


def segmented(*overrides: str) -> seg.Segmentation:
    """Segment by the overrides of ``seg run``, without the cache: no test is served what another has made."""
    return seg.segment(overrides=["cache=off", *overrides])


def notes(result: seg.Segmentation) -> str:
    """Return what a run says beside its numbers."""
    return "\n".join(text for _level, text in result.notes)


def refusal(*overrides: str) -> str:
    """Return the error that overrides end with."""
    with pytest.raises(SegError) as refused:
        segmented(*overrides)
    return str(refused.value)
