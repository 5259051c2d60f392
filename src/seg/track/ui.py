"""MLflow's UI on this machine, and the address at which it shows what is worth comparing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote

from seg.errors import SegError
from seg.track import view

HOST = "127.0.0.1"
PATIENCE = 120  # seconds; a busy machine takes a while to import MLflow
# MLflow's runners of jobs serve its GenAI pages: eight processes beside two, which take more than half of the start.
LEAN = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}


@contextmanager
def served(uri: str, port: int) -> Iterator[subprocess.Popen]:
    """Serve a store on loopback for as long as the context lasts.

    Raises
    ------
    SegError
        The port is taken, or the server does not come up.
    """
    line = [sys.executable, "-m", "mlflow", "ui", "--host", HOST, "--port", str(port), "--workers", "1"]
    # By the environment, since every user of the machine can read the command line of a process.
    environment = LEAN | os.environ | {"MLFLOW_BACKEND_STORE_URI": uri}
    # A group of its own: MLflow leaves its workers behind when only its first process ends.
    process = subprocess.Popen(line, env=environment, start_new_session=True)
    try:
        _wait(process, port)
        yield process
    finally:
        try:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(20)
        except ProcessLookupError:
            pass
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)


def address(server: str, experiment: str) -> str:
    """Return the page to open: the runs of an experiment with their saved view, or the server where it has none."""
    try:
        address = f"{server}/api/2.0/mlflow/experiments/get-by-name?experiment_name={quote(experiment)}"
        with urllib.request.urlopen(address, timeout=20) as answer:
            return view.link(server, json.load(answer)["experiment"]["experiment_id"])
    except (urllib.error.URLError, KeyError, ValueError):
        return server


def _wait(process: subprocess.Popen, port: int) -> None:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if process.poll() is not None:
            raise SegError(
                f"port={port}: MLflow did not start, see above; where the port is taken choose another: make ui PORT=5001"
            )
        try:
            urllib.request.urlopen(f"http://{HOST}:{port}/health", timeout=5).close()
            return
        except OSError:
            time.sleep(0.3)
    raise SegError(f"port={port}: MLflow did not answer within {PATIENCE} seconds; try again")
