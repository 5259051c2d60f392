"""Whether compiled kernels can be used on this machine, and their one-off compilation."""

from __future__ import annotations

import hashlib
import importlib
import logging
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

log = logging.getLogger("seg")

# Modules with kernels; each has a function `warm` that calls every kernel once. None calls a kernel of another one:
# numba's cache does not notice a change in another file.
MODULES = ("ordering", "lloyd_blocks", "seeding", "descent", "distance_sums", "mixture_steps")
SWITCH = "SEG_KERNELS"  # environment: "off" uses scikit-learn and SciPy everywhere

_lock = threading.Lock()
_usable: bool | None = None


def kernel(function: Callable) -> Callable:
    """Compile a function with numba on its first call, and keep the machine code on disk.

    Inputs must be finite and C-contiguous. `fastmath` lets sums be taken in any order, but always in the same one.
    """
    import numba

    return numba.njit(fastmath=True, nogil=True, cache=True, error_model="numpy")(function)


def exact_kernel(function: Callable) -> Callable:
    """Compile a function as `kernel` does, but with every operation as it is written: quotients stay quotients."""
    import numba

    return numba.njit(nogil=True, cache=True, error_model="numpy")(function)


def part(function: Callable) -> Callable:
    """Make a function a part of the kernels of its module that call it: copied into them before they are compiled.

    A call that is not copied counts references to every array handed over, which costs more than the few dozen operations within.
    """
    import numba

    return numba.njit(fastmath=True, nogil=True, error_model="numpy", inline="always")(function)


def ready() -> bool:
    """Return True if the kernels can be used; compile them if this machine has not done so yet.

    The answer is the same for the whole process. Where it is False, one line in the log says why.
    """
    global _usable
    with _lock:
        if _usable is None:
            reason = _unusable()
            _usable = not reason
            if reason:
                log.info(
                    "fast kernels are off (%s): scikit-learn and SciPy are used, which are slower", reason
                )
        return _usable


def _unusable() -> str:
    """Return the reason why the kernels cannot be used, or an empty text once all are compiled."""
    if os.environ.get(SWITCH, "on").lower() in ("off", "0", "false"):
        return f"{SWITCH}=off"
    if os.environ.get("NUMBA_DISABLE_JIT", "0") not in ("", "0"):
        return "NUMBA_DISABLE_JIT is set"
    try:
        modules = [importlib.import_module(f"seg.metrics.kernels.{name}") for name in MODULES]
        _compile(modules)
    except ImportError as error:
        return f"numba cannot be imported: {error}"
    except (RuntimeError, OSError) as error:  # numba raises RuntimeError where no cache folder can be written
        return f"numba cannot keep compiled code: {error}; set NUMBA_CACHE_DIR to a writable folder"
    return ""


def _compile(modules: list) -> None:
    """Call every kernel once, one process at a time, unless a stamp in the cache says that this was done."""
    stamp = _stamp(modules)
    if stamp.exists():
        return
    from filelock import FileLock

    with FileLock(stamp.with_suffix(".lock")):
        if stamp.exists():
            return
        log.info("compiling fast kernels, once on this machine (about 20 s), into %s", stamp.parent)
        start = time.perf_counter()
        for module in modules:
            module.warm()
        stamp.write_text("")
        log.info("compiled fast kernels in %.1f s", time.perf_counter() - start)


def _stamp(modules: list) -> Path:
    """Return the file that exists once these sources were compiled with this numba for this processor."""
    import numba
    from llvmlite.binding import get_host_cpu_name

    state = [numba.__version__, np.__version__, get_host_cpu_name()]
    for module in modules:
        source = Path(module.__file__)
        state += [str(source), str(source.stat().st_mtime_ns), str(source.stat().st_size)]
    folder = Path(modules[0].CACHED.stats.cache_path)
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"seg-kernels-{hashlib.sha256(' '.join(state).encode()).hexdigest()[:16]}.compiled"
