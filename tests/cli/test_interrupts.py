"""A signal ends a command where that is safe, and ends it in any case."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

# What started the tests may ignore signals, as nohup does.
START = """
import signal, sys
for name in ("SIGINT", "SIGTERM", "SIGHUP"):
    signal.signal(getattr(signal, name), signal.SIG_DFL)
from seg.cli import interrupts
interrupts.listen()
"""
# Half an import is none: the signal waits until the module is there.
IMPORTS = """
try:
    import slow
    for _ in range(10**9): pass
except KeyboardInterrupt:
    print(sys.modules["slow"].whole)
"""
SLOW = "import time\nprint('ready', flush=True)\nfor _ in range(10): time.sleep(0.05)\nwhole = 'whole'\n"
# Threads that a library has started are waited for.
JOINS = """
import threading, time
ended = []
def work():
    time.sleep(0.3)
    print("ready", flush=True)  # by then it is waited for
    time.sleep(0.5)
    ended.append(True)
thread = threading.Thread(target=work)
try:
    thread.start()
    thread.join()
    for _ in range(10**9): pass
except KeyboardInterrupt:
    print(ended)
"""
# Code of someone else that never ends.
STUCK = """
interrupts.PATIENCE = 0.5
import stuck
stuck.wait()
"""
FOREVER = "import time\ndef wait():\n    print('ready', flush=True)\n    while True: time.sleep(0.01)\n"


def ended(tmp_path, code: str, modules: dict[str, str], number: signal.Signals) -> tuple[int, str, str]:
    for name, text in modules.items():
        (tmp_path / f"{name}.py").write_text(text)
    line = [sys.executable, "-c", START + code]
    process = subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path)
    assert process.stdout.readline() == "ready\n", process.stderr.read()
    process.send_signal(number)
    out, err = process.communicate(timeout=30)
    return process.returncode, out, err


@pytest.mark.parametrize(
    "number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP], ids=lambda number: number.name
)
def test_no_import_is_left_half_done(tmp_path, number):
    assert ended(tmp_path, IMPORTS, {"slow": SLOW}, number) == (0, "whole\n", "")


def test_threads_of_a_library_are_waited_for(tmp_path):
    assert ended(tmp_path, JOINS, {}, signal.SIGTERM) == (0, "[True]\n", "")


def test_a_command_ends_that_does_not_come_to_where_it_may_be_left(tmp_path):
    assert ended(tmp_path, STUCK, {"stuck": FOREVER}, signal.SIGTERM) == (130, "", "interrupted\n")
