"""One job of a sweep: done before, or done now; whatever becomes of it is written down and the others go on."""

from __future__ import annotations

import atexit
import functools
import gc
import logging
import math
import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from filelock import FileLock
from hydra.core.hydra_config import HydraConfig
from joblib import cpu_count
from omegaconf import DictConfig

from seg import progress
from seg.cli import options
from seg.cli.sweeps import notes
from seg.cli.sweeps.job_key import fingerprint, key
from seg.config import load
from seg.errors import Impossible, SegError, bug, listed
from seg.sinks import local_files, redaction
from seg.sinks.process_names import process_name
from seg.track.record import PARENT

log = logging.getLogger("seg")
_watched = threading.Event()
SEVERAL = 4  # jobs, for which a second process that draws is worth its start


def job(cfg: DictConfig, action: Callable[[DictConfig, Mapping], dict]) -> float | list[float]:
    """Do one job of a sweep.

    Parameters
    ----------
    cfg : DictConfig
    action : callable
        From the configuration and tags for the run to what the note of the job holds (``metrics``, ``flagged``, ...).

    Returns
    -------
    float or list of float
        What ``sweep.objective`` names, for a search; NaN elsewhere.

    Raises
    ------
    SegError
        The job of a search failed, or has no such metric.
    """
    redaction.install()  # a launcher may have started this process anew
    hydra_config = HydraConfig.get()
    job_folder, folder = Path(hydra_config.runtime.output_dir), Path(hydra_config.sweep.dir)
    sweep = notes.read(folder / notes.SWEEP) or {}
    if sweep.get("process") != process_name():
        _beside_others(sweep, int(hydra_config.job.num))
    elif (sweep.get("jobs") or 0) >= SEVERAL and cpu_count() > 1:
        from seg.report import drawing

        drawing.start_helper()
    choices = hydra_config.runtime.choices
    note = {
        "num": int(hydra_config.job.num),
        "overrides": list(hydra_config.overrides.task),
        "folder": str(job_folder),
        "choices": {name: choices.get(name) for name in sweep.get("varied", ())},
    }
    start = time.perf_counter()
    try:
        note |= _once(cfg, sweep, folder, note, action)
    except KeyboardInterrupt:
        note["status"] = "interrupted"
        raise
    except Impossible as error:
        note |= {"status": "skipped", "reason": str(error)}
    except Exception as error:
        note |= _failure(error, job_folder)
    finally:
        note["seconds"] = time.perf_counter() - start
        notes.write(job_folder / notes.JOB, note)
        _print(note, sweep.get("jobs"))
        _settle()
    if "Optuna" not in str(hydra_config.sweeper.get("_target_", "")):
        return math.nan
    # A search is told by an error: it must not learn from a job that gave no number.
    if "reason" in note:
        raise SegError(note["reason"])
    return objective(cfg.sweep.objective, note["metrics"])


def _failure(error: Exception, job_folder: Path) -> dict:
    """Return what the note of a job that failed holds; log the traceback of what the user cannot correct."""
    if not isinstance(error, SegError):
        text = (
            f"the traceback is below; the other jobs go on, and {job_folder} keeps what this one has written"
        )
        log.exception("%s", bug(error, text))
    return {"status": "failed", "reason": f"{error}" or type(error).__name__}


def _once(cfg: DictConfig, sweep: dict, folder: Path, note: dict, action: Callable) -> dict:
    from seg.pipeline import check

    settings = load.settings(cfg)
    check.check_parts(settings)
    same = key(cfg, fingerprint(settings.dataset, settings.data_dir, settings.cache))
    path = notes.of_job(folder, same)
    path.parent.mkdir(parents=True, exist_ok=True)
    # Two jobs of a sweep may come to the same: the second waits for the first, and takes its result.
    with FileLock(path.with_suffix(".lock")):
        before = notes.read(path)
        if before is not None:
            status = f"as job {before['num']}" if "num" in before else "done before"
            return {**before, **note, "status": status}
        if sweep.get("parent"):
            _make_free(Path(note["folder"]))
        parent = {PARENT: sweep["parent"]} if sweep.get("parent") else {}
        done = action(cfg, {**parent, "sweep.job": note["num"]})
        notes.write(path, {**done, "num": note["num"], "key": same})
        return {**done, "status": "finished", "key": same}


def _make_free(job_folder: Path) -> None:
    """Make the directory of a job free where the same job was killed between its report and the store; a run that was tracked stays as it is."""
    from seg.track import record

    if (job_folder / local_files.LOCK).exists() and not record.state(job_folder).get(
        "pushed"
    ):  # who ends unlocks it
        (job_folder / local_files.FINISHED).unlink(missing_ok=True)


def objective(objectives: str | Sequence[str], metrics: Mapping[str, float]) -> float | list[float]:
    """Look up what ``sweep.objective`` names among the metrics of a run.

    Raises
    ------
    SegError
        The run has no such metric.
    """
    names = [objectives] if isinstance(objectives, str) else list(objectives)
    for name in names:
        if metrics.get(name) is None or math.isnan(metrics[name]):
            raise SegError(
                f"sweep.objective={name}: the run has no such metric; it has {listed(name, metrics, most=8)} "
                "(stability/, null/ and holdout/ are asked for with evaluation.*)"
            )
    values = [float(metrics[name]) for name in names]
    return values[0] if isinstance(objectives, str) else values


def _beside_others(sweep: dict, num: int) -> None:
    """Behave as one process among several: few threads, one line a job, and gone when the sweep is gone."""
    options.own_process()
    os.environ["LOKY_MAX_CPU_COUNT"] = str(sweep.get("cores", 1))  # what joblib.cpu_count answers
    progress.alone = False
    for handler in logging.getLogger().handlers:
        if isinstance(handler, logging.StreamHandler) and not isinstance(handler, logging.FileHandler):
            handler.addFilter(lambda record: record.levelno >= logging.WARNING or hasattr(record, "job"))
            handler.setFormatter(
                logging.Formatter(f"%(asctime)s  job {num}: %(message)s", datefmt="%H:%M:%S")
            )
    if not _watched.is_set():
        _watched.set()
        threading.Thread(target=_follow, args=(os.getppid(),), daemon=True).start()


def _follow(parent: int) -> None:
    # A sweep that was killed is resumed by another process, which must not find its jobs still running.
    while os.getppid() == parent:
        time.sleep(0.3)
    os._exit(1)


@functools.cache
def _settle() -> None:
    """After the first job of a process: the half a million objects that were imported need no garbage collector any more.

    It went over all of them every few jobs, which took 0.4 s.
    """
    gc.collect()
    gc.freeze()
    # The end of Python collects everything, and a library complains of what is left.
    atexit.register(gc.unfreeze)


def _print(note: dict, jobs: int | None) -> None:
    """Log the end of a job as one line; beside other jobs every line has its number already."""
    name = f"job {note['num']}{f' of {jobs}' if jobs else ''}: " if progress.alone else ""
    silhouette = (note.get("metrics") or {}).get("common/silhouette")
    facts = [] if silhouette is None else [f"common/silhouette {silhouette:.3f}"]
    if note.get("reason"):
        facts = [f"error: {note['reason']}" if note["status"] == "failed" else note["reason"]]
    text = "; ".join([f"{note['status']} in {note['seconds']:.1f} s", *facts, notes.shown(note["overrides"])])
    level = logging.ERROR if note["status"] == "failed" else logging.INFO
    log.log(level, "%s%s", name, text, extra={"job": True})
