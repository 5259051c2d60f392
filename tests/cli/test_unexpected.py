"""An exception that seg does not explain is said to be a bug, with the log and what was kept."""

from __future__ import annotations

from seg.cli import options, unexpected


def test_a_bug_is_named_as_one_with_its_traceback(capsys):
    def action(*_):
        raise ValueError("a slip\nof ours")

    assert options.execute("doc", action, ["x"]) == unexpected.EXIT_CODE
    error = capsys.readouterr().err
    assert "Traceback" in error and "ValueError: a slip" in error
    assert (
        error.strip()
        .splitlines()[-1]
        .startswith("error: this is a bug in seg, not a mistake of yours (ValueError: a slip)")
    )
