"""A new store is made once, whole, and by one process; what died is ended, what lives is left alone."""

import errno
import sqlite3
import subprocess
import sys
import time
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest
from mlflow import MlflowClient

import command_line
from seg.errors import SegError
from seg.sinks import local_files
from seg.sinks.process_names import has_ended, process_name
from seg.track import dead_runs, sqlite_store, store


def maker(path) -> BaseProcess:
    """Start a process that makes a store."""
    process = command_line.forks().Process(target=sqlite_store.make_store, args=(path,))
    process.start()
    return process


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A store that was made after its first maker was killed in the middle, by four processes at once."""
    path = tmp_path_factory.mktemp("store") / "mlflow.db"
    first = maker(path)
    until = time.monotonic() + 120
    while not list(path.parent.glob(".mlflow.db.*.new")) and time.monotonic() < until:
        time.sleep(0.05)
    first.kill()
    first.join()
    assert not path.exists()
    four = [maker(path) for _ in range(4)]
    for one in four:
        one.join(200)
    assert [one.exitcode for one in four] == [0, 0, 0, 0]
    return path


def test_a_store_whose_maker_was_killed_is_made_by_the_next_one(made):
    assert [one.name for one in MlflowClient(f"sqlite:///{made}").search_experiments()] == ["Default"]
    assert not sqlite_store.is_half_made(made) and not list(made.parent.glob("*.new*"))


def test_a_store_that_an_older_version_left_half_made_is_named(tmp_path):
    path = tmp_path / "mlflow.db"
    with sqlite3.connect(path) as opened:
        opened.execute("create table experiments (a int)")
    with pytest.raises(SegError, match=r"were never finished, .* delete the file"):
        store.check(f"sqlite:///{path}")


@pytest.mark.parametrize(
    "error",
    [OSError(errno.ENOSPC, "No space left on device"), sqlite3.OperationalError("database or disk is full")],
)
def test_a_full_disk_is_named_and_leaves_no_store(tmp_path, monkeypatch, error):
    def fill(path):
        path.write_bytes(b"half")
        raise error

    monkeypatch.setattr(sqlite_store, "_fill", fill)
    with pytest.raises(
        SegError, match=r"the disk of the store is full; free space, or choose another tracking\.uri"
    ):
        store.client(f"sqlite:///{tmp_path}/mlflow.db")
    assert [path.name for path in tmp_path.iterdir() if not path.name.endswith(".lock")] == []


def test_a_file_that_does_not_fit_is_named_and_not_left_half_written(tmp_path, monkeypatch):
    def write(path, content):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", write)
    with pytest.raises(
        SegError, match=r"names\.csv: cannot be written \(No space left on device\); free space"
    ):
        local_files.write(tmp_path / "names.csv", "a,b")
    assert not list(tmp_path.iterdir())


def test_a_folder_is_refused_at_once(tmp_path):
    with pytest.raises(SegError, match=r"is a folder; expected a file in it, such as sqlite:///.*/mlflow.db"):
        store.check_possible(f"sqlite:///{tmp_path}")
    with pytest.raises(SegError, match="unknown kind of store 'ftp'; expected one of sqlite://"):
        store.check_possible("ftp://here")
    for possible in (
        "http://127.0.0.1:9",
        "postgresql+psycopg://here/db",
        "runs",
        f"sqlite:///{tmp_path}/no/new.db",
    ):
        store.check_possible(possible)


def test_runs_of_dead_processes_are_ended_and_those_of_live_ones_are_not(made):
    client = MlflowClient(f"sqlite:///{made}")
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    names = {"dead": process_name(child.pid), "alive": process_name(), "elsewhere": "other-host 1 abc.1.2"}
    child.kill()
    child.wait()
    runs = {
        name: client.create_run("0", tags={"process": value}).info.run_id for name, value in names.items()
    }
    assert dead_runs.end_dead_runs(client, ["0"]) == [runs["dead"]]
    status = {name: client.get_run(run_id).info.status for name, run_id in runs.items()}
    assert status == {"dead": "KILLED", "alive": "RUNNING", "elsewhere": "RUNNING"}


def test_a_process_of_another_container_is_taken_for_alive():
    host, number, when = process_name().split(" ")
    boot, _namespace, start = when.split(".")
    assert not has_ended(f"{host} {number} {boot}.1.{start}")
    assert has_ended(f"{host} {number} {boot}.{_namespace}.{int(start) + 1}")
