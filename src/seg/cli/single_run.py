"""One run, from a composed configuration to files and a tracked record.

The command, each job of a sweep, and `seg.segment` do the same here; they differ in where the configuration comes from.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from omegaconf import DictConfig, OmegaConf

from seg.cli import run_record
from seg.config import load
from seg.errors import SegError

if TYPE_CHECKING:
    from seg.config.parts import Parts
    from seg.config.settings import Settings, TrackingSettings
    from seg.pipeline.grouped_result import Grouped
    from seg.pipeline.result import Result
    from seg.track import MLflowTracker

COMPARED = ("dataset", "cleaning", "recipe", "scaler", "model", "engine")


@dataclass(frozen=True)
class Request:
    """The configuration of a run, and what was chosen on the command line.

    Parameters
    ----------
    cfg : DictConfig
        The composed configuration, without the section of Hydra.
    choices : mapping of str to str
        The name that was chosen in each group.
    overrides : sequence of str
        What was asked for on the command line.
    """

    cfg: DictConfig
    choices: Mapping[str, str | None]
    overrides: Sequence[str]

    @property
    def yaml(self) -> str:
        """The configuration, unresolved: what comes from the environment is not written to a file."""
        return OmegaConf.to_yaml(self.cfg, resolve=False)

    @property
    def chosen(self) -> dict[str, str | None]:
        """The choices that tables of runs show."""
        return {group: self.choices.get(group) for group in COMPARED}


@dataclass(frozen=True)
class Finished:
    """A segmentation with its request.

    Parameters
    ----------
    request : Request
    settings : Settings
    result : Result
    seconds : float
        Since the start of the run.
    """

    request: Request
    settings: Settings
    result: Result
    seconds: float

    @property
    def title(self) -> str:
        """Data set and number of segments."""
        if self.settings.by is not None:
            return f"{self.settings.dataset.name}: {self.result.k_reason}"
        return f"{self.settings.dataset.name}: {int((self.result.segments['segment'] >= 0).sum())} segments"

    @property
    def subtitle(self) -> str:
        """Model, features and scaler."""
        chosen, features = self.request.chosen, ", ".join(self.result.table.features)
        return f"{chosen['model']} on {features} ({chosen['scaler']} scaler)"


@dataclass(frozen=True)
class Done:
    """A finished run: its segmentation, its directory, and the error of the store, if it refused the run."""

    finished: Finished
    tracker: MLflowTracker
    folder: Path
    seconds: float
    refused: SegError | None

    @property
    def result(self) -> Result:
        """The segmentation."""
        return self.finished.result

    @property
    def title(self) -> str:
        """Data set and number of segments."""
        return self.finished.title


def compose(overrides: Sequence[str]) -> Request:
    """Compose a request from overrides."""
    from seg.config.compose import compose_with_choices

    cfg, choices = compose_with_choices(overrides)
    return Request(cfg, choices, list(overrides))


def segmented(request: Request, folder: Path | None = None) -> Finished:
    """Segment, without writing or tracking anything.

    Parameters
    ----------
    request : Request
    folder : Path, optional
        Run directory, into which Spark's executors write the segments of an MLlib model.

    Raises
    ------
    SegError
        The settings or the data are wrong.
    """
    settings, parts, clock = _prepared(request)
    if settings.by is not None:
        raise SegError(f"by={settings.by}: one model a group is for seg run; leave by out here")
    return Finished(request, settings, _segmented(settings, parts, folder), clock())


def tracked(
    request: Request,
    folder: Path,
    tags: Mapping[str, object] | None = None,
    job_key: Callable[[str], str] | None = None,
) -> Done:
    """Segment, write the run directory, and log the run to MLflow.

    Parameters
    ----------
    request : Request
    folder : Path
        Run directory.
    tags : mapping, optional
        Further tags of the run in MLflow.
    job_key : callable, optional
        From the fingerprint of the data to the key by which a sweep recognises a job that has finished.

    Returns
    -------
    Done

    Raises
    ------
    SegError
        The settings or the data are wrong, or the folder cannot be written to; the run is marked as failed.
    """
    from seg.sinks import local_files as files
    from seg.sinks import shared_files
    from seg.track import store

    settings, parts, clock = _prepared(request)
    from seg.config.compose import instantiate_sink

    # Errors about a place to write to come before the work.
    sink = instantiate_sink(request.cfg)
    if settings.tracking.enabled:
        store.check_possible(store.address(settings.tracking.uri))
    claim = files.claim(folder)
    tracker = run_record.tracker(request, settings, parts.takes_k, tags or {})
    try:
        finished = Finished(request, settings, _segmented(settings, parts, folder), clock())
        written = write(finished, folder)
        further = {} if job_key is None else {"job.key": job_key(finished.result.fingerprint)}
        outcome = run_record.outcome(finished, clock(), further)
        refused = run_record.upload(
            tracker, settings.tracking, folder, outcome, shared_files.shared_files(written)
        )
        _keep_facts(finished, tracker, folder)
        refused = _export(folder, sink, settings, parts) or refused
    except KeyboardInterrupt as error:
        tracker.fail(folder, "KILLED", error)
        raise
    except BaseException as error:
        tracker.fail(folder, "FAILED", error)
        raise
    finally:
        files.release(claim)
    return Done(finished, tracker, folder, clock(), refused)


def write(finished: Finished, folder: Path) -> list[Path]:
    """Write the files of a run: report, tables, figures, configuration, and what scoring needs."""
    from seg.pipeline import cache as run_cache
    from seg.report import group_directory, run_directory
    from seg.score import group_card, model_card

    result, settings = finished.result, finished.settings
    about = run_directory.About(
        finished.title,
        finished.subtitle,
        run_record.facts(finished),
        settings.dataset.currency,
        settings.report.locale,
        settings.segments.lists,
    )
    if settings.by is not None:
        written = group_directory.write(result, folder, finished.request.yaml, about)
        return written + group_card.write(result, settings.preparation, settings.tracking, folder)
    written = run_directory.write(result, folder, finished.request.yaml, about, run_cache.of(settings.cache))
    written += model_card.write(result, settings.preparation, settings.tracking, folder)
    if result.outlook is not None:
        from seg.outlook import outlook_files

        data = settings.dataset
        on = outlook_files.About(
            data.name, f"Segments: {finished.subtitle}", settings.report.locale, data.currency
        )
        written += outlook_files.write(result.outlook, folder / "outlook", on)
    return written + _spark_models(settings.tracking, result, folder)


def _segmented(settings: Settings, parts: Parts, folder: Path | None) -> Result | Grouped:
    """Segment all customers with one model, or each group with its own; add the outlook, if the run is asked for it."""
    if settings.by is not None:
        from seg.pipeline import group_models

        return group_models.segment(settings, parts)
    from seg.pipeline import flow

    result = flow.segment(settings, parts, folder)
    if not settings.evaluation.outlook:
        return result
    from seg.outlook import ahead

    return ahead.of_run(settings, parts, result)


def _prepared(request: Request) -> tuple:
    """Check the settings, then make the parts; also start the clock."""
    settings = load.settings(request.cfg)
    from seg import progress
    from seg.config.compose import instantiate_parts
    from seg.pipeline import check

    clock = progress.clock()
    check.check_parts(settings)
    return settings, instantiate_parts(request.cfg), clock


def _keep_facts(finished: Finished, tracker, folder: Path) -> None:
    """Write the facts of a run that its exported tables need."""
    from seg.sinks import local_files as files
    from seg.sinks import run_tables

    result, settings = finished.result, finished.settings
    facts = {name: finished.request.chosen[name] for name in ("model", "recipe", "scaler", "cleaning")}
    facts |= {"dataset": settings.dataset.name, "k": int(result.k), "customers": int(result.customers)}
    facts |= {
        "as_of": result.table.as_of,
        "currency": settings.dataset.currency,
        "fingerprint": result.fingerprint,
    }
    flagged = "; ".join(result.evidence.flags) or "no"
    run_id = tracker.key or uuid.uuid4().hex
    files.write(folder / run_tables.FACTS, run_tables.facts(run_id, kind="train", flagged=flagged, **facts))


def _export(folder: Path, sink, settings: Settings, parts) -> SegError | None:
    """Write the tables of a run to its sink; return the error of the sink, if it failed: the run itself is kept."""
    if sink is None:
        return None
    from seg.pipeline.export_run import export_run

    try:
        export_run(folder, sink, settings.sink.get("tables"), settings.preparation, settings.data_dir, parts)
    except SegError as error:
        return SegError(
            f"{error}. Nothing is lost: {folder} keeps the run; export it later with: seg export run={folder} sink=..."
        )
    return None


def _spark_models(tracking: TrackingSettings, result: Result, folder: Path) -> list[Path]:
    """Save the models that Spark fitted, beside the one that needs no JVM; return their files."""
    if not (tracking.enabled and tracking.model and result.population.models):
        return []
    from seg.track import spark_model

    saved = [
        spark_model.save(model, run_record.example(result), folder / "spark_model", staging)
        for model, staging in result.population.models
    ]
    return [path for paths in saved for path in paths]
