"""Run seg's commands as a person does, without paying seconds of imports each time.

A server process imports the heavy libraries once and forks for every command: the command has a process, an
environment, a working directory and file descriptors of its own, as a fresh interpreter would give it.
"""

from __future__ import annotations

import contextlib
import functools
import multiprocessing
import os
import runpy
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from multiprocessing import forkserver
from pathlib import Path

import pytest

# Before the first library asks: threads that wait by spinning turn seconds into minutes where two tests run at a time.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
# Servers that are down are asked as often as ever, without seconds between.
SOON = {"MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "0"}
os.environ.update(SOON)
PRELOADED = [
    "pandas", "pyarrow", "scipy.stats", "sklearn.cluster", "sklearn.mixture", "sklearn.pipeline", "sklearn.decomposition",
    "hydra.main", "omegaconf", "pydantic", "rich.table", "jinja2", "ibis", "ibis.backends.duckdb", "duckdb",
    "matplotlib.figure", "matplotlib.backends.backend_agg", "mlflow", "mlflow.pyfunc", "cloudpickle", "numba", "skops.io",
    "openpyxl", "opentelemetry.sdk.metrics.export", "seg.metrics.kernels.descent", "warm",
]  # fmt: skip


def clean_environment(**more: str) -> dict[str, str]:
    """Give the environment without what would lead a command to a store or to data of one's own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SEG_", "MLFLOW_"))}
    return kept | SOON | more


def run(
    module: str,
    *arguments: str,
    env: Mapping[str, str] | None = None,
    timeout: float = 500,
    cwd: Path | None = None,
    figures: bool = False,
) -> subprocess.CompletedProcess:
    """Run ``python -m module arguments`` and wait; output as text.

    Unless a test looks at its `figures`, a run leaves one prepared picture in the place of each: drawing is a third of a small run.
    """
    with started(module, *arguments, env=env, cwd=cwd, figures=figures) as (process, said):
        process.join(timeout)
        if process.is_alive():
            process.kill()
            process.join()
            raise subprocess.TimeoutExpired([module, *arguments], timeout, said("out"), said("err"))
        return subprocess.CompletedProcess([module, *arguments], process.exitcode, said("out"), said("err"))


@contextlib.contextmanager
def started(
    module: str,
    *arguments: str,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    figures: bool = False,
) -> Iterator[tuple]:
    """Start ``python -m module arguments``: its process, and a function that gives what it has said by now."""
    env = clean_environment() if env is None else dict(env)
    with tempfile.TemporaryDirectory(prefix="seg-command-") as scratch:

        def said(stream: str = "out") -> str:
            path = Path(scratch, stream)
            return path.read_text() if path.exists() else ""

        process = forks().Process(target=_child, args=(module, arguments, env, scratch, cwd, figures))
        process.start()
        yield process, said


def children(process: int) -> list[int]:
    """Return the ids of the processes that a process has started and that are still there."""
    found = []
    for path in Path(f"/proc/{process}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            found += map(int, path.read_text().split())
    return found


@functools.cache
def forks() -> multiprocessing.context.BaseContext:
    """Start the server, unless there is one; it looks for what it imports in PYTHONPATH alone."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(Path(__file__).parent), prepend=os.pathsep)
        forkserver._forkserver.ensure_running()
    return context


def address() -> str:
    """Start the server here, for the processes that run tests side by side; return its address."""
    forks()
    return forkserver._forkserver._forkserver_address


def share(address: str) -> None:
    """Have commands forked by the server at an address, instead of one of this process: each imports for eight seconds."""
    server = forkserver._forkserver
    server._forkserver_address, server.ensure_running = address, lambda: None
    server._forkserver_alive_fd = os.pipe()[
        1
    ]  # by which a server of this process would see that it has ended


def _child(
    module: str,
    arguments: tuple[str, ...],
    env: dict[str, str],
    scratch: str,
    cwd: Path | None,
    figures: bool,
) -> None:
    for name, descriptor in (("out", 1), ("err", 2)):
        os.dup2(os.open(f"{scratch}/{name}", os.O_WRONLY | os.O_CREAT), descriptor)
    sys.stdout, sys.stderr = (os.fdopen(descriptor, "w", closefd=False) for descriptor in (1, 2))
    os.environ.clear()
    os.environ.update(env)
    if cwd is not None:
        os.chdir(cwd)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    _fill(arguments)
    if not figures:
        sys.modules["prepared_picture"].draw_nothing()
    sys.argv = [module, *arguments]
    code = 0
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as stopped:
        code = stopped.code if isinstance(stopped.code, int) else int(stopped.code is not None)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
    raise SystemExit(code)


def _fill(arguments: tuple[str, ...]) -> None:
    """Put an empty store where a command would make one."""
    for argument in arguments:
        store = Path(argument.removeprefix("tracking.uri=sqlite:///"))
        if argument != str(store) and store.parent.is_dir() and not store.exists():
            store.write_bytes(sys.modules["warm"].STORE)
