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


def test_too_little_memory_is_no_bug(capsys):
    assert unexpected.report(MemoryError("Unable to allocate 745. GiB")) == 1
    said = capsys.readouterr().err
    assert (
        said.startswith("error: the memory of this machine is not enough (Unable to allocate 745. GiB)")
        and said.count("\n") == 1
    )


def test_the_log_of_a_bug_holds_no_secret(tmp_path, monkeypatch):
    monkeypatch.setattr(unexpected, "_begun", [tmp_path])
    assert (
        unexpected.report(ValueError("postgresql://ana:geheim-1@db/shop is no URI")) == unexpected.EXIT_CODE
    )
    written = (tmp_path / "run.log").read_text()
    assert "ValueError: postgresql://...@db/shop" in written and "geheim" not in written
