"""Temporary folders go with their process: at its end, or, where it was killed, with the next command."""

from __future__ import annotations

import pytest

from seg.sinks import scratch
from seg.sinks.process_names import process_name

HOST, _, _ = process_name().partition(" ")
DEAD = f"{process_name().rpartition('.')[0]}.1"  # started at the boot: an earlier process with this number


def left(parent, name: str, owner: str | None):
    folder = parent / name
    (folder / "files").mkdir(parents=True)
    if owner is not None:
        (folder / scratch.OWNER).write_text(owner)
    return folder


def test_folders_of_dead_processes_go_and_those_of_others_stay(tmp_path):
    dead = [left(tmp_path, name, DEAD) for name in ("seg-model-a", ".seg-folder-b")]
    alive = left(tmp_path, "seg-model-c", process_name())
    other_host = left(tmp_path, "seg-model-d", f"elsewhere{DEAD.removeprefix(HOST)}")
    not_of_seg = [
        left(tmp_path, "seg-notes", None),
        left(tmp_path, "mine", DEAD),
        left(tmp_path, "seg-e", ""),
    ]
    (tmp_path / "seg-link").symlink_to(left(tmp_path, "target", DEAD))
    with scratch.folder("seg-new", tmp_path) as made:
        assert not any(path.exists() for path in dead)
        assert not list(made.iterdir()) and made.stat().st_mode & 0o077 in (0, 0o055)
        assert made.parent.stat().st_mode & 0o077 == 0
    assert not made.parent.exists()
    assert all(path.exists() for path in (alive, other_host, *not_of_seg, tmp_path / "target"))


def test_a_folder_goes_where_its_context_fails(tmp_path):
    with pytest.raises(ValueError, match="inside"), scratch.folder("seg-new", tmp_path):
        raise ValueError("inside")
    assert not list(tmp_path.iterdir())
