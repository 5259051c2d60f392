"""A new store is made once, whole, and by one process; what died is ended, what lives is left alone."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from mlflow import MlflowClient

from seg.errors import SegError
from seg.tracking import dead_runs, sqlite_store, store
from seg.tracking.process_names import has_ended, process_name

SRC = Path(__file__).resolve().parents[2] / "src"
MAKE = f"import sys; sys.path.insert(0, {str(SRC)!r}); from pathlib import Path; from seg.tracking.sqlite_store import make_store; make_store(Path(sys.argv[1]))"


def maker(path) -> subprocess.Popen:
    return subprocess.Popen([sys.executable, "-c", MAKE, str(path)], stderr=subprocess.PIPE, text=True)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A store that was made after its first maker was killed in the middle, by two processes at once."""
    path = tmp_path_factory.mktemp("store") / "mlflow.db"
    first = maker(path)
    until = time.monotonic() + 120
    while not list(path.parent.glob(".mlflow.db.*.new")) and time.monotonic() < until:
        time.sleep(0.05)
    first.send_signal(signal.SIGKILL)
    first.wait()
    assert not path.exists()
    both = [maker(path), maker(path)]
    assert [one.wait(200) for one in both] == [0, 0], [one.stderr.read()[-500:] for one in both]
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


def test_a_folder_is_refused_at_once(tmp_path):
    with pytest.raises(SegError, match=r"is a folder; expected a file in it, such as sqlite:///.*/mlflow.db"):
        store.client(f"sqlite:///{tmp_path}")


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
    assert not has_ended(f"{host} {os.getpid()} {boot}.{start}"), "as older versions wrote it"
