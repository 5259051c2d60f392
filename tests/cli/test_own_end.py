"""A process of a command ends at once, and still does all that was promised for its end."""

from __future__ import annotations

import os
import subprocess
import sys

CODE = """
import atexit, sys, threading, time
from seg.cli.own_end import run_alone

class Kept:
    def __del__(self):
        print("destroyed")

kept = Kept()

def main():
    atexit.register(print, "registered")
    threading.Thread(target=lambda: (time.sleep(0.1), print("thread"))).start()
    print("done")
    {end}

run_alone(main)
"""


def ended(end: str, **streams) -> subprocess.CompletedProcess:
    buffered = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    return subprocess.run([sys.executable, "-c", CODE.format(end=end)], text=True, env=buffered, **streams)


def test_threads_and_what_was_registered_are_finished_and_objects_are_left():
    done = ended("return 130", capture_output=True)

    assert (done.returncode, done.stderr) == (130, "")
    assert done.stdout.split() == ["done", "thread", "registered"]


def test_a_main_that_raises_ends_as_python_does():
    done = ended("raise ValueError('broken')", capture_output=True)

    assert done.returncode == 1
    assert "ValueError: broken" in done.stderr
    assert done.stdout.split() == ["done", "thread", "registered", "destroyed"]


def test_output_that_cannot_be_written_is_no_success():
    with open("/dev/full", "w") as full:
        done = ended("return 0", stdout=full, stderr=subprocess.PIPE)

    assert done.returncode == 120
    assert "No space left" in done.stderr
