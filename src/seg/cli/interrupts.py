"""End a command on Ctrl-C, SIGTERM, SIGHUP and SIGXCPU: cleanly where that is possible, soon in any case.

Python would raise KeyboardInterrupt wherever the signal finds it: in the middle of an import, which leaves half a module, in compiled code that
loses the exception, or beside threads that go on in memory that is freed. Of 24 runs that were ended at random moments, five did not
end as interrupted for such reasons. So it is raised where seg's own code or one that waits is at work; anywhere else the signal waits.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
from types import FrameType

SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP", "SIGXCPU")
# Packages whose code may be left at any line; whatever stands in the stack, never within an import or a compilation.
OPEN = {
    "__main__", "seg", "concurrent", "duckdb", "ibis", "joblib", "numpy", "pandas", "py4j", "queue", "scipy", "selectors", "sklearn", "socket", "ssl",
    "subprocess", "threading", "umap",
}  # fmt: skip
CLOSED = {"importlib", "_frozen_importlib", "_frozen_importlib_external", "llvmlite", "numba"}
# A library that started threads itself, as SciPy's trees do, waits here for them: they would go on in memory that is freed.
JOINING = {"join", "_wait_for_tstate_lock"}
PATIENCE = 5.0  # seconds until a command ends that has not come to such a place
GRACE = 30.0  # seconds that a command then may take to put things in order
RETRY = 0.05  # seconds until the signal is sent again
_state = {"asked": False, "raised": False}


def listen() -> None:
    """Have the signals end this process; what the parent process ignores, as nohup does, stays ignored."""
    for name in SIGNALS:
        number = getattr(signal, name, None)
        # Only the main thread may set handlers.
        with contextlib.suppress(ValueError):
            if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, _handle)


def _handle(number: int, frame: FrameType | None) -> None:
    if _state["raised"]:
        return
    if not _state["asked"]:
        _state["asked"] = True
        threading.Thread(target=_watch, args=(number,), daemon=True).start()
    if _may_be_left(frame):
        _state["raised"] = True
        raise KeyboardInterrupt(f"signal {number}")


def _may_be_left(frame: FrameType | None) -> bool:
    if _package(frame) not in OPEN or (_package(frame) == "threading" and frame.f_code.co_name in JOINING):
        return False
    while frame is not None:
        if _package(frame) in CLOSED:
            return False
        frame = frame.f_back
    return True


def _package(frame: FrameType | None) -> str:
    return "" if frame is None else str(frame.f_globals.get("__name__")).partition(".")[0]


def _watch(number: int) -> None:
    """Send the signal again until it is taken; end the process where it never is, or where putting in order takes too long."""
    start = time.monotonic()
    while not _state["raised"] and time.monotonic() - start < PATIENCE:
        time.sleep(RETRY)
        os.kill(os.getpid(), number)
    if _state["raised"]:
        time.sleep(GRACE)
    # Nothing is half-written, as after kill -9: files are renamed when they are whole, and the next command ends the run in the store.
    with contextlib.suppress(OSError, ValueError):
        print("interrupted", file=sys.stderr, flush=True)
    os._exit(130)
