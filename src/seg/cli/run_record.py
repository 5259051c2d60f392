"""The record of a run: the facts on its report, and what MLflow stores about it."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from omegaconf import OmegaConf

from seg import __version__
from seg.config import load
from seg.errors import SegError

if TYPE_CHECKING:
    import pandas as pd

    from seg.cli.single_run import Finished, Request
    from seg.config.settings import Settings, TrackingSettings
    from seg.pipeline.result import Result
    from seg.track import MLflowTracker, NoTracker, Outcome


def example(result: Result) -> pd.DataFrame:
    """Build example rows of features for the model: quantiles, so that no row is a customer's."""
    rows = result.table.frame[result.table.features].quantile([0.1, 0.5, 0.9]).reset_index(drop=True)
    by = getattr(result, "by", None)
    return rows.assign(**{by: result.models[0].name}) if by else rows


def facts(finished: Finished) -> dict[str, str]:
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


def tracker(
    request: Request, settings: Settings, takes_k: bool, further: Mapping[str, object]
) -> MLflowTracker | NoTracker:
    """Return the tracker of a run, with the parameters and tags that are known before the run starts."""
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


def outcome(finished: Finished, seconds: float, further: Mapping[str, object]) -> Outcome:
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
        example=example(result),
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


def upload(
    tracker: MLflowTracker | NoTracker,
    tracking: TrackingSettings,
    folder: Path,
    outcome: Outcome,
    files: list[Path],
) -> SegError | None:
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
