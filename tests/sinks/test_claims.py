"""One run a directory: a second one is refused, while the first is writing and after it."""

from __future__ import annotations

import pytest

from seg.errors import SegError
from seg.sinks import local_files as files


def test_a_directory_that_a_run_is_writing_to_is_refused(tmp_path):
    lock = files.claim(tmp_path / "run")
    with pytest.raises(SegError, match="another run is writing to this directory"):
        files.claim(tmp_path / "run")
    files.release(lock)
    assert list((tmp_path / "run").iterdir()) == []
    files.release(files.claim(tmp_path / "run"))


def test_a_directory_of_a_finished_run_is_refused(tmp_path):
    (tmp_path / "report.html").write_text("done")
    with pytest.raises(SegError, match="holds a finished run; choose another directory"):
        files.claim(tmp_path)
