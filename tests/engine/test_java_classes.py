"""The archive of Spark's classes: made once, taken by every JVM that seg starts, and nothing that anything waits for."""

from __future__ import annotations

import os
import subprocess

import pytest

import command_line
from seg.engine import java_classes


@pytest.fixture
def cache(monkeypatch, tmp_path):
    monkeypatch.setattr("pooch.os_cache", lambda name: tmp_path / name)
    return tmp_path / "seg" / "spark"


def test_without_an_archive_a_jvm_gets_no_option(cache):
    assert java_classes.option("openjdk 17") == "" and not cache.exists()


def test_an_archive_is_made_once_for_a_java_and_a_spark(cache, monkeypatch):
    made = []

    def run(command, **_options):
        made.append(command[-1])
        open(command[-1], "w").close()

    monkeypatch.setattr(subprocess, "run", run)
    path = java_classes.make("openjdk 17")
    assert path.parent == cache and java_classes.make("openjdk 17") == path != java_classes.make("openjdk 21")
    assert len(made) == 2 and not [name for name in made if name == str(path)], "renamed when it is whole"
    assert f"-XX:SharedArchiveFile={path}" in java_classes.option("openjdk 17")
    assert java_classes.option("openjdk 24") == ""


def test_a_java_that_keeps_none_leaves_nothing(cache, monkeypatch):
    monkeypatch.setattr(subprocess, "run", lambda command, **_options: None)
    assert java_classes.make("openjdk 11") is None
    assert [path.suffix for path in cache.iterdir()] in ([], [".lock"])


def test_without_java_the_command_says_so_and_does_not_fail():
    elsewhere = {name: value for name, value in os.environ.items() if name != "JAVA_HOME"}
    done = command_line.run("seg.engine.java_classes", env=elsewhere | {"PATH": "/nowhere"})
    assert done.returncode == 0 and "not prepared" in done.stdout and "no java on the PATH" in done.stdout
