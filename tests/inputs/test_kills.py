"""Commands killed at three moments; `make kills` does thirty."""

from __future__ import annotations

import pytest

from inputs import kill_commands


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return kill_commands.Place(tmp_path_factory.mktemp("kills"))


@pytest.mark.parametrize(("seed", "again"), [(0, False), (3, False), (4, True)], ids=["run", "score", "push"])
def test_a_killed_command_leaves_nothing_half_written_and_nothing_running(place, seed, again):
    assert kill_commands.outcome(place, seed, again)
