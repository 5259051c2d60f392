"""Segment the customers of a data set: from raw files to tracked, described segments.

    python -m seg.run                                     the toy data set, seconds
    python -m seg.run dataset=flo model=kmeans k=4        FLO, about ten seconds
    python -m seg.run -m dataset=flo,online_retail model=kmeans,gmm k=3,4,5

Leaves a directory under runs/ with report.html, and a run in MLflow. Options: configs/run.yaml.
"""

from __future__ import annotations

import logging
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from seg import __version__, sweeps
from seg.config import compose, load
from seg.config.overrides import explain, private, readable
from seg.config.settings import Settings
from seg.errors import SegError

if TYPE_CHECKING:
    from seg import tracking
    from seg.pipeline import flow

log = logging.getLogger("seg")
COMPARED = ("dataset", "cleaning", "recipe", "scaler", "model", "engine")
# What ended the single run, and was said: raised through Hydra, it would be said twice.
_ended: list[SegError] = []


@dataclass(frozen=True)
class Done:
    """A run that has finished: what it found, where it left it, and why MLflow did not take it, if it did not."""

    result: flow.Result
    tracker: tracking.MLflowTracker
    folder: Path
    title: str
    seconds: float
    refused: SegError | None


def run(cfg: DictConfig, tags: Mapping[str, object] | None = None) -> Done:
    """Do one job: check, segment, write, track; `tags` are for its run in MLflow."""
    from seg.pipeline import check
    from seg.sinks import files, shared_files

    settings = load.settings(cfg)
    check.check_parts(settings)
    hydra_config = HydraConfig.get()
    folder = Path(hydra_config.runtime.output_dir)
    from seg import progress
    from seg.pipeline import flow
    from seg.report import run_directory
    from seg.scoring import model_card

    clock = progress.clock()
    files.writable(folder)
    parts = compose.instantiate_parts(cfg)
    chosen = {group: hydra_config.runtime.choices.get(group) for group in COMPARED}
    tracker = _tracker(settings, chosen, parts.takes_k, tags or {})
    try:
        result = flow.segment(settings, parts, folder)
        title = f"{settings.dataset.name}: {result.k} segments"
        subtitle = f"{chosen['model']} on {', '.join(result.table.features)} ({chosen['scaler']} scaler)"
        facts = _facts(settings, chosen, result, clock())
        about = run_directory.About(
            title, subtitle, facts, settings.dataset.currency, settings.report.locale, settings.segments.lists
        )
        written = run_directory.leave(result, folder, OmegaConf.to_yaml(cfg, resolve=False), about)
        written += model_card.leave(result, settings, folder)
        written += _on_spark(settings, result, folder)
        refused = _track(
            tracker, _record(settings, cfg, result, folder, clock()), shared_files.shared_files(written)
        )
    except KeyboardInterrupt as error:
        tracker.fail(folder, "KILLED", error)
        raise
    except BaseException as error:
        tracker.fail(folder, "FAILED", error)
        raise
    return Done(result, tracker, folder, title, clock(), refused)


def _on_spark(settings: Settings, result, folder: Path) -> list[Path]:
    """Save the model as Spark has it, beside the one that needs no JVM; return its files."""
    if result.spread is None or not (settings.tracking.enabled and settings.tracking.model):
        return []
    from seg.tracking import spark_model

    return spark_model.save(
        result.spread.model, _example(result), folder / "spark_model", result.spread.staging
    )


def _example(result):
    """Make up feature rows: shown to whoever opens the model, so no customers."""
    return result.table.frame[result.table.features].quantile([0.1, 0.5, 0.9]).reset_index(drop=True)


def _track(tracker, record: dict, files: list[Path]) -> SegError | None:
    """Keep what MLflow is to know in the directory of the run, then upload it; return why the store refused."""
    from seg import progress
    from seg.sinks import shared_files

    folder, fingerprint = record["folder"], record["data"][1]
    with progress.step("track"), shared_files.to_share(files, folder, fingerprint) as shared:
        tracker.keep(files=files, **record)
        try:
            tracker.push(shared)
        except SegError as error:
            return error
    return None


def _job(cfg: DictConfig, tags: Mapping[str, object]) -> dict:
    """Do one job of a sweep, and tell the sweep what it was."""
    done = run(cfg, tags)
    if done.refused is not None:
        raise done.refused
    values = {name: float(value) for name, value in done.result.metrics.items()}
    return {
        "run_id": done.tracker.run_id,
        "metrics": values,
        "flagged": "; ".join(done.result.evidence.flags) or "no",
        "dataset": HydraConfig.get().runtime.choices.get("dataset"),
        "model": HydraConfig.get().runtime.choices.get("model"),
    }


def _tracker(settings: Settings, chosen: dict, takes_k: bool, further: Mapping[str, object]):
    from seg.tracking import MLflowTracker, NoTracker

    tracking = settings.tracking
    if not tracking.enabled:
        return NoTracker()
    params = chosen | {"seed": settings.seed}
    if settings.k != "auto" and takes_k:
        params["k"] = settings.k
    # What differs most comes first: MLflow cuts names, and has a column for the data set.
    name = f"{chosen['model']} k={settings.k} {chosen['dataset']} {chosen['recipe']} {chosen['scaler']}"
    tags = {
        "k_requested": settings.k,
        "seg.version": __version__,
        "mlflow.source.name": "seg.run",
        "mlflow.source.type": "LOCAL",
        "process": sweeps.process(),
        **further,
    }
    return MLflowTracker(tracking.uri, tracking.experiment, name, params, tags, tracking.model)


def _record(settings: Settings, cfg: DictConfig, result, folder: Path, seconds: float) -> dict:
    from seg.pipeline import keys
    from seg.report import note
    from seg.tracking import git_commit

    commit, cut = git_commit(), settings.evaluation.holdout.cut
    plain = OmegaConf.to_container(cfg, resolve=False)
    asked = OmegaConf.to_container(HydraConfig.get().overrides.task, resolve=False)
    points = result.table.frame[settings.dataset.common]
    warnings = [text for level, text in result.notices if level == "warning"]
    return {
        "folder": folder,
        "params": {"k": result.k},
        "tags": {
            "data": result.source.data,
            "data.fingerprint": result.fingerprint,
            "data.files": ", ".join(path.name for path in result.source.all_paths[:20]),
            "k_reason": result.k_reason,
            "as_of": result.table.as_of,
            "flagged": "; ".join(result.evidence.flags) or "no",
            "segments": "; ".join(result.segments["name"]),
            "git.commit": commit,
            "mlflow.source.git.commit": commit.removesuffix("+changes"),
            "mlflow.note.content": note.markdown(result.segments, result.table.features, warnings),
            "holdout": f"{cut} and {settings.evaluation.holdout.days} days" if cut else "no",
            "job.key": sweeps.key(cfg, result.fingerprint),
            **keys.tags(plain, points, asked),
        },
        "metrics": result.metrics | {"seconds/total": seconds},
        "k_scan": result.scan.table,
        "data": (settings.dataset.name, result.fingerprint),
        "pipeline": result.pipeline,
        "example": _example(result),
    }


def _facts(settings: Settings, chosen: dict, result, seconds: float) -> dict[str, str]:
    """Collect what a reader of the report has to know about where it came from."""
    import platform
    from datetime import datetime

    from seg.tracking import git_commit

    as_of = {} if result.table.as_of is None else {"recency counted from": str(result.table.as_of)}
    return {
        "data set": settings.dataset.name,
        "data": f"{result.source.data} ({', '.join(path.name for path in result.source.all_paths[:3]) or 'made in memory'})",
        "fingerprint": result.fingerprint[:12] if result.source.paths else "",
        "customers": f"{result.customers:,}",
        **as_of,
        **{name: chosen[name] for name in ("cleaning", "recipe", "scaler", "model", "engine")},
        "k": str(result.k),
        "seed": str(settings.seed),
        "currency": settings.dataset.currency or "",
        "seg": f"{__version__} {git_commit()[:12]}".strip(),
        "made": f"{datetime.now():%Y-%m-%d %H:%M} in {seconds:.1f} s on {platform.system()} {platform.machine()}, {load.cores()} cores",
    }


def _close(result, folder: Path, tracker, seconds: float, title: str) -> None:
    from seg.cli import console

    if result.published is not None:
        console.comparison(result.published)
    values = result.metrics
    lines = [("warning" if level == "warning" else "note", text) for level, text in result.notices]
    for verdict in result.evidence.verdicts:
        answer = {True: "yes", False: "NO", None: "?"}[verdict.passed]
        lines.append((verdict.criterion, f"{answer:<4} {verdict.number}"))
    explained = {
        name.split("/", 1)[1]: value
        for name, value in values.items()
        if name.startswith("explained/") and value == value  # NaN of a feature that is the same for everyone
    }
    most = sorted(explained.items(), key=lambda item: -item[1])[:6]
    shares = ", ".join(f"{name} {share:.0%}" for name, share in most)
    lines.append(("explains", f"{shares} (share of the variance of a feature between segments)"))
    for name in (
        "own/silhouette",
        "embedding/silhouette",
        "common/silhouette",
        "own/silhouette_sq",
        "truth/adjusted_rand",
    ):
        if name in values:
            lines.append((name, f"{values[name]:.3f}  {result.meanings[name]}"))
    lines += [
        ("k", f"{result.k}  {result.k_reason}"),
        ("report", str(folder / "report.html")),
        ("tracked", tracker.where),
        ("seconds", f"{seconds:.1f}"),
    ]
    console.closing(result.segments, result.table.features, lines, title)


@hydra.main(version_base="1.3", config_path=str(load.CONFIGS), config_name="run")
def _command(cfg: DictConfig) -> float | None:
    if HydraConfig.get().mode == RunMode.MULTIRUN:
        return sweeps.job(cfg, _job)
    try:
        done = run(cfg)
        _close(done.result, done.folder, done.tracker, done.seconds, done.title)
        if done.refused is not None:
            raise done.refused
    except SegError as error:
        log.error("error: %s", error)  # into the log of the run too
        _ended.append(error)
    finally:
        for handler in logging.getLogger().handlers:
            handler.flush()


def main() -> int:
    """Run the command line; 0 when all is well, 1 for a mistake that the user can mend, 130 when interrupted."""
    signal.signal(signal.SIGTERM, _interrupt)
    logging.raiseExceptions = False  # a reader such as head may stop listening: no reason for a traceback
    try:
        load.prepare_environment()
        sys.argv[1:] = [readable(private(argument)) for argument in sys.argv[1:]]
        _ended.clear()
        _command()
        return 1 if _ended else sweeps.close()
    except KeyboardInterrupt as error:
        sweeps.close("KILLED", error)
        print("interrupted", file=sys.stderr)
        return 130
    except SegError as error:
        sweeps.close("FAILED", error)
        print(f"error: {error}", file=sys.stderr)
        return 1
    except Exception as error:
        sweeps.close("FAILED", error)
        explained = explain(error) or sweeps.explain(error)
        if explained is None:
            raise
        print(f"error: {explained}", file=sys.stderr)
        return 1


def _interrupt(signum, frame) -> None:
    raise KeyboardInterrupt(f"signal {signum}")


if __name__ == "__main__":
    sys.exit(main())
