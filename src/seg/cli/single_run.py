"""One run, from a composed configuration to files and a tracked record.

The command, each job of a sweep, and `seg.segment` do the same here; they differ in where the configuration comes from.
"""

from __future__ import annotations

import platform
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from omegaconf import DictConfig, OmegaConf

from seg import __version__
from seg.config import load
from seg.errors import SegError

if TYPE_CHECKING:
    import pandas as pd

    from seg.config.parts import Parts
    from seg.config.settings import Settings, TrackingSettings
    from seg.pipeline.grouped_result import Grouped
    from seg.pipeline.result import Result
    from seg.track import MLflowTracker, Outcome

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
    tracker = _tracker(request, settings, parts.takes_k, tags or {})
    try:
        finished = Finished(request, settings, _segmented(settings, parts, folder), clock())
        written = write(finished, folder)
        further = {} if job_key is None else {"job.key": job_key(finished.result.fingerprint)}
        outcome = _outcome(finished, clock(), further)
        refused = _track(tracker, settings.tracking, folder, outcome, shared_files.shared_files(written))
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
        _facts(finished),
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
    known = {name: finished.request.chosen[name] for name in ("model", "recipe", "scaler", "cleaning")}
    known |= {"dataset": settings.dataset.name, "k": int(result.k), "customers": int(result.customers)}
    known |= {
        "as_of": result.table.as_of,
        "currency": settings.dataset.currency,
        "fingerprint": result.fingerprint,
    }
    flagged = "; ".join(result.evidence.flags) or "no"
    run_id = tracker.key or uuid.uuid4().hex
    files.write(folder / run_tables.FACTS, run_tables.facts(run_id, kind="train", flagged=flagged, **known))


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
        spark_model.save(model, _example(result), folder / "spark_model", staging)
        for model, staging in result.population.models
    ]
    return [path for paths in saved for path in paths]


# ---- the facts of a run -------------------------------------------------------------------------------------------


def _example(result: Result) -> pd.DataFrame:
    """Build example rows of features for the model: quantiles, so that no row is a customer's."""
    rows = result.table.frame[result.table.features].quantile([0.1, 0.5, 0.9]).reset_index(drop=True)
    by = getattr(result, "by", None)
    return rows.assign(**{by: result.models[0].name}) if by else rows


def _facts(finished: Finished) -> dict[str, str]:
    """Collect the facts that the report shows about its origin: data, configuration, version, machine."""
    from seg.track import git_commit

    settings, result, chosen = finished.settings, finished.result, finished.request.chosen
    files = ", ".join(path.name for path in result.source.all_paths[:3]) or "made in memory"
    as_of = {} if result.table.as_of is None else {"recency counted from": str(result.table.as_of)}
    machine = f"{platform.system()} {platform.machine()}, {load.cores()} cores"
    return {
        "data set": settings.dataset.name,
        "data": f"{result.source.data} ({files})",
        "fingerprint": result.fingerprint[:12] if result.source.paths else "",
        "customers": f"{result.customers:,}",
        **as_of,
        **{name: str(chosen[name]) for name in ("cleaning", "recipe", "scaler", "model", "engine")},
        "k": str(result.k),
        "seed": str(settings.seed),
        "currency": settings.dataset.currency or "",
        "seg": f"{__version__} {git_commit()[:12]}".strip(),
        "made": f"{datetime.now():%Y-%m-%d %H:%M} in {finished.seconds:.1f} s on {machine}",
    }


def _tracker(request: Request, settings: Settings, takes_k: bool, further: Mapping[str, object]):
    from seg.track import MLflowTracker, NoTracker

    tracking, chosen = settings.tracking, request.chosen
    if not tracking.enabled:
        return NoTracker()
    params = chosen | {"dataset": settings.dataset.name, "seed": settings.seed}
    if settings.k != "auto" and takes_k:
        params["k"] = settings.k
    if settings.by is not None:
        params["by"] = settings.by
    # What differs most comes first: MLflow cuts names, and has a column for the data set.
    name = f"{chosen['model']} k={settings.k} {settings.dataset.name} {chosen['recipe']} {chosen['scaler']}"
    tags = {
        "k_requested": settings.k,
        "seg.version": __version__,
        "mlflow.source.name": "seg.run",
        "mlflow.source.type": "LOCAL",
        **further,
    }
    return MLflowTracker(tracking.uri, tracking.experiment, name, params, tags, tracking.model)


def _outcome(finished: Finished, seconds: float, further: Mapping[str, object]) -> Outcome:
    """Collect what MLflow stores about a run."""
    from seg.score import group_card, model_card
    from seg.track import Outcome

    result, settings = finished.result, finished.settings
    card = model_card if settings.by is None else group_card
    # A parameter that MLflow has already cannot change: of many groups each has the k that was asked for.
    k = settings.k if settings.by is not None and settings.k != "auto" else result.k
    return Outcome(
        params={"k": k},
        tags=_tags(finished) | further,
        metrics=result.metrics | {"seconds/total": seconds},
        k_scan=result.scan.table,
        data=(settings.dataset.name, result.fingerprint, *_described(result)),
        placement=card.placement(result, settings.tracking.min_cell),
        example=_example(result),
    )


def _described(result: Result) -> tuple[str, str, str]:
    """Return source, schema and profile of the data."""
    from seg.track import data_input

    files = [str(path) for path in result.source.all_paths]
    rows = None if not len(result.ledger) else int(result.ledger["rows"].iloc[0])
    profile = {
        "rows": rows,
        "customers": int(result.population.count),
        "newest_order": str(result.table.newest or ""),
    }
    return data_input.described(files, result.table.frame[result.table.features], profile)


def _tags(finished: Finished) -> dict[str, object]:
    from seg.pipeline import keys
    from seg.report import note
    from seg.sinks.shared_files import merge_rows
    from seg.track import git_commit

    result, settings, request = finished.result, finished.settings, finished.request
    commit, cut = git_commit(), settings.evaluation.holdout.cut
    plain = OmegaConf.to_container(request.cfg, resolve=False)
    warnings = [text for level, text in result.notes if level == "warning"]
    return {
        "data": result.source.data,
        "data.fingerprint": result.fingerprint,
        "data.files": ", ".join(path.name for path in result.source.all_paths[:20]),
        "k_reason": result.k_reason,
        "as_of": result.table.as_of,
        "flagged": "; ".join(result.evidence.flags) or "no",
        "segments": "; ".join(result.segments["name"]),
        "git.commit": commit,
        "mlflow.source.git.commit": commit.removesuffix("+changes"),
        "mlflow.note.content": note.markdown(
            merge_rows(result.segments, settings.tracking.min_cell), result.table.features, warnings
        ),
        "holdout": f"{cut} and {settings.evaluation.holdout.days} days" if cut else "no",
        **keys.tags(plain, result.table.frame[settings.dataset.common], request.overrides),
    }


def _track(tracker, tracking, folder: Path, outcome: Outcome, files: list[Path]) -> SegError | None:
    """Save the record of the run in its directory, then upload it; return the error of the store, if it refused."""
    from seg import progress
    from seg.sinks import shared_files

    fingerprint = outcome.data[1]
    privacy = shared_files.Privacy(tracking.id_key, tracking.min_cell)
    with progress.step("track"), shared_files.to_share(files, folder, fingerprint, privacy) as shared:
        tracker.keep(folder, files, outcome, privacy)
        try:
            tracker.push(shared)
        except SegError as error:
            return error
    return None
