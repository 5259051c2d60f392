"""Options of the JVM: for a machine of few cores, never for one elsewhere."""

import pytest

from seg.engine import jvm_options


@pytest.mark.parametrize(
    ("master", "late", "serial"),
    [
        ("local", True, True),
        ("local[2]", True, True),
        ("local[2,3]", True, True),
        ("local[8]", True, False),
        ("local-cluster[2,1,1024]", False, False),
        ("spark://server:7077", False, False),
        ("yarn", False, False),
    ],
)
def test_the_options_follow_the_master(master, late, serial):
    options = jvm_options.options(master)
    assert ("Tier4" in options) == late and ("SerialGC" in options) == serial


def test_all_cores_are_those_of_this_machine(monkeypatch):
    monkeypatch.setattr(jvm_options, "cpu_count", lambda: 16)
    assert "SerialGC" not in jvm_options.options("local[*]")
