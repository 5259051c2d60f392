"""A sweep from before its first job to after its last, seen from the process that was started."""

from __future__ import annotations

import logging
import sys
import time
import traceback
from collections.abc import Mapping
from pathlib import Path

from hydra.errors import HydraException
from hydra.experimental.callback import Callback
from omegaconf import DictConfig, OmegaConf

from seg.cli.sweeps import notes, planning
from seg.cli.sweeps.planning import Plan
from seg.config import load, overrides
from seg.config.settings import Settings
from seg.errors import SegError, bug
from seg.pipeline import keys
from seg.sinks.process_names import process_name
from seg.track.local_runs import LocalRuns

log = logging.getLogger("seg")
BUG = 70  # exit code, EX_SOFTWARE of sysexits.h
_current: _Running | None = None


class Sweep(Callback):
    """Hydra's hook: opens a sweep before its first job. `close` ends it, also where Hydra would not say."""

    def on_run_start(self, config: DictConfig, **_) -> None:
        """Stop a single run whose configuration shows a secret, before Hydra writes it into the directory of the run."""
        try:
            load.check_written_secrets(config)
        except SegError as error:
            _stop(f"error: {error}")

    def on_multirun_start(self, config: DictConfig, **_) -> None:
        """Check every combination, open the store, look up what has finished; stop here where that is not possible."""
        # Hydra turns an exception of a callback into a warning and goes on: only an exit stops it.
        try:
            load.check_written_secrets(config)
            _begin(config)
        except HydraException as error:
            _stop(f"error: {_explained(error)}")
        except SegError as error:
            _stop(f"error: {error}")
        except Exception as error:
            traceback.print_exc()
            _stop(bug(error, "the traceback is above, and no job was started"), code=BUG)


class _Running:
    def __init__(self, folder: Path, plan: Plan, store, title: str):
        self.folder, self.plan, self.store, self.title = folder, plan, store, title
        self.started = time.perf_counter()


def _begin(cfg: DictConfig) -> None:
    global _current
    planning.improve(cfg)
    plan = planning.plan(cfg, _finished_before)
    settings, folder = plan.settings, Path(str(OmegaConf.select(cfg, "hydra.sweep.dir")))
    title = "sweep: " + notes.shown(plan.command)
    store, finished = _store(settings, plan)
    resume = settings.sweep.resume and store is not None
    for one, done in finished.items():
        if plan.open or one in plan.keys:
            notes.write(notes.of_job(folder, one), done)
    done = [one for one in plan.jobs if one.key in finished]
    todo = [one for one in plan.jobs if one.key not in finished and one.reason is None]
    if resume and not plan.open:
        log.info("%d jobs: %d to do, %d done before, %d impossible", len(plan.jobs), len(todo), len(done),
                 len(plan.jobs) - len(todo) - len(done))  # fmt: skip
    if store is not None:
        store.open(
            title, plan.key, plan.varied, {"process": process_name()}, resume, not todo and not plan.open
        )
    _current = _Running(folder, plan, store, title)
    from joblib import cpu_count

    share = 1 if plan.side_by_side is None else max(1, cpu_count() // plan.side_by_side)
    sweep = {"parent": store and store.run_id, "process": process_name(), "cores": share}
    notes.write(
        folder / notes.SWEEP, sweep | {"jobs": plan.count, "varied": list(plan.varied), "goals": plan.goals}
    )
    if resume and not plan.open and not todo:
        _note_done(folder, plan, finished)
        sys.exit(close())


def _finished_before(settings: Settings) -> Mapping[str, dict]:
    """Return the notes of jobs that finished before, as far as they can be looked up without MLflow."""
    tracking = settings.tracking
    if not (tracking.enabled and settings.sweep.resume):
        return {}
    return LocalRuns(tracking.uri, tracking.experiment).finished(keys.code()[:8])


def _store(settings: Settings, plan: Plan):
    """Open the store, and look up what has finished; of a sweep that is complete its parent run is enough."""
    tracking = settings.tracking
    if not tracking.enabled:
        return None, {}
    if not plan.open and all(job.key in plan.finished for job in plan.jobs):
        complete = LocalRuns(tracking.uri, tracking.experiment).sweep(plan.key)
        if complete is not None:
            return complete, plan.finished
    from seg.track.sweep_run import SweepStore  # late: it imports MLflow

    store = SweepStore(tracking.uri, tracking.experiment)
    store.end_dead_runs()
    return store, store.finished(keys.code()[:8]) if settings.sweep.resume else {}


def _note_done(folder: Path, plan: Plan, finished: Mapping[str, Mapping]) -> None:
    """Leave a note for every job of a sweep in which nothing is left to do."""
    for job in plan.jobs:
        status = (
            {"status": "skipped", "reason": job.reason}
            if job.reason
            else {**finished[job.key], "status": "done before"}
        )
        notes.write(folder / str(job.num) / notes.JOB, {**status, "num": job.num, "overrides": job.overrides})


def close(status: str | None = None, error: BaseException | None = None) -> int:
    """End the sweep of this process, if there is one: table, parent run; return its exit code.

    Parameters
    ----------
    status : str, optional
        ``"KILLED"`` where it was interrupted, ``"FAILED"`` where it broke down; found from its jobs when left out.
    error : BaseException, optional
        Why.
    """
    global _current
    running, _current = _current, None
    if running is None:
        return 0
    from seg.cli.sweeps import summary

    jobs = notes.jobs(running.folder)
    if not running.plan.open:
        there = {note["num"] for note in jobs}
        jobs += [
            {"num": one.num, "overrides": one.overrides, "status": "not done"}
            for one in running.plan.jobs
            if one.num not in there
        ]
        jobs.sort(key=lambda note: note["num"])
    rows = summary.gather(jobs, running.plan.varied, running.plan.goals)
    failed = [note for note in jobs if note["status"] == "failed"]
    summary.show(rows, jobs, running.title, running.folder, running.plan.goals)
    if running.store is not None and not running.store.as_it_is:
        table = summary.table(rows)
        with summary.shared(table, running.folder) as folder:
            running.store.close(
                status or ("FAILED" if failed else "FINISHED"),
                table,
                folder,
                {"sweep/seconds": time.perf_counter() - running.started},
                error or (failed[0]["reason"] if failed else None),
            )
    if running.store is not None:
        print(f"  tracked as {running.store.where}")
    return 1 if {note["status"] for note in jobs} & {"failed", "interrupted", "not done"} else 0


def explain(error: Exception) -> str | None:
    """Describe what it means that a job's process died; None of any other error."""
    if type(error).__name__ not in ("TerminatedWorkerError", "BrokenProcessPool"):
        return None
    return (
        "the process of a job ended unexpectedly, most likely out of memory: start the sweep again, finished jobs are skipped; fewer jobs at a "
        "time need less (hydra.launcher.n_jobs=1)"
    )


def _explained(error: HydraException) -> str:
    return overrides.explain(error) or str(error)


def _stop(text: str, code: int = 1) -> None:
    print(text, file=sys.stderr)
    sys.exit(code)
