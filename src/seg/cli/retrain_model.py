"""What ``seg retrain`` does: fit the champion's configuration to today's data, judge both, and promote the challenger if it may be."""

from __future__ import annotations

import contextlib
import json
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path

import pandas as pd
from omegaconf import DictConfig, OmegaConf

from seg import features, progress
from seg.cli import options, retrain_groups, single_run, trained_model
from seg.cli.trained_model import Placed, TrainedModel
from seg.compare import challenge
from seg.config import compose, folders, load
from seg.config.parts import Parts
from seg.config.settings import Settings
from seg.errors import SegError
from seg.metrics import common_space
from seg.metrics.null_result import NEEDED
from seg.models.mllib import is_mllib
from seg.pipeline import check
from seg.pipeline.result import Result
from seg.preparation import as_of, customer_groups, prepare
from seg.score import nightly, refit
from seg.sinks import local_files as files
from seg.track import promotion

SUMMARY = "summary.json"


def retrain(own: Mapping[str, str | None], overrides: Sequence[str]) -> int:
    """Train the challenger, compare, promote; return the exit code.

    Parameters
    ----------
    own : mapping of str to str or None
        The options of the command, see `seg.retrain`.
    overrides : sequence of str
        Options of the data set, the engine, the store and the sink.
    """
    quiet, trust = own["json"] == "true", own["trust"] == "true"
    progress.listen(as_json=own["log"] == "json", stream=sys.stderr if quiet else sys.stdout)
    uri = options.value(overrides, "tracking.uri")
    champion = trained_model.load(own["model"], uri, trust)
    cfg = compose.recompose(champion.config, overrides, trust)
    if str(cfg.dataset.name) != champion.scorer.contract.dataset:
        raise SegError(
            f"dataset={cfg.dataset.name}: {champion.scorer.label} was trained on {champion.scorer.contract.dataset}; choose the model of "
            "that data set"
        )
    settings = load.settings(cfg)
    _check_possible(own["model"], settings)
    folder = folders.result("retrain", settings.dataset.name, own, SUMMARY)
    check.check_parts(settings)
    with _new(folder):
        placed, notes = _place_champion(champion, settings, cfg, folder)
        tags = {"retrain.of": champion.scorer.label}
        done = single_run.tracked(_request(champion, cfg, uri), folder / "run", tags)
        duel, remarks, figures = _judged(placed, done.result, settings, folder)
        summary = _summary(champion, done, duel, [*notes, *remarks]) | {"output": str(folder)} | figures
        summary |= promoted(own, uri, done, duel, summary)
        files.write(folder / SUMMARY, json.dumps(summary, indent=1, ensure_ascii=False) + "\n")
    if not options.print_summary(own, summary):
        _close(summary)
    if done.refused is not None:
        print(progress.error_line(str(done.refused)), file=sys.stderr)
        return 1
    return nightly.ALERT if own["fail_on"] == "refused" and not duel.may_win else 0


def _check_possible(reference: str, settings: Settings) -> None:
    """Refuse models that cannot be judged on the customers of a hold-out."""
    if is_mllib(settings.model):
        raise SegError(
            f"model={reference}: models of Spark's MLlib are not retrained by this command; run seg run again"
        )


@contextlib.contextmanager
def _new(folder: Path) -> Iterator[None]:
    """Make the directory of a result in the place of an earlier one; it goes again where the command fails."""
    shutil.rmtree(folder, ignore_errors=True)
    files.writable(folder)
    try:
        yield
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _judged(placed: Placed, result: Result, settings: Settings, folder: Path) -> tuple:
    """Compare both models, and match their segments; return the comparison, notes, and figures of the summary."""
    if settings.by is not None:
        return retrain_groups.compared(placed, result, settings, folder)
    return _compared(placed, result, settings), [], _matched(placed, result, folder)


def _place_champion(
    champion: TrainedModel, settings: Settings, cfg: DictConfig, folder: Path
) -> tuple[Placed, list[str]]:
    """Place today's customers with the champion, and configure the challenger: names that stay, and the evidence of "best"."""
    parts = compose.instantiate_parts(cfg)
    frame, first, last = _today(settings, parts)
    placed = Placed.once(champion, frame)
    before = folder / "champion"
    before.mkdir()
    evaluation = settings.evaluation
    if settings.by is not None:
        retrain_groups.write_champion(placed, before)
        evidence = {}
    else:
        _write_segments(placed, before)
        evidence = {"stability": True, "null": max(evaluation.null, NEEDED)}
    notes, cut = [], None
    if last is not None:
        cut = last - timedelta(days=evaluation.holdout.days - 1)
        if (cut - first).days < evaluation.holdout.days:
            notes.append(
                f"the orders from {first} to {last} are too short for a hold-out of {evaluation.holdout.days} days"
            )
            cut = None
    evidence["holdout.cut"] = None if cut is None else str(cut)
    for key, value in evidence.items():
        OmegaConf.update(cfg, f"evaluation.{key}", value)
    OmegaConf.update(cfg, "segments.names_from", str(before), force_add=True)
    newest = champion.scorer.contract.date("newest")
    if cut is not None and newest is not None and newest >= cut:
        notes.append(
            f"the champion was trained on orders up to {newest}, after the cut ({cut}): it has seen some of the customers' later orders, "
            "which the challenger of the hold-out has not"
        )
    return placed, notes


def _write_segments(placed: Placed, folder: Path) -> None:
    """Write today's segments of the champion and their names."""
    assigned = placed.known[["segment"]].rename_axis("customer_id").reset_index()
    files.write_parquet(folder / "assignments.parquet", assigned)
    names = placed.model.scorer.contract.names
    files.write_csv(folder / "segments.csv", pd.DataFrame(names.items(), columns=["segment", "name"]))


def _today(settings: Settings, parts: Parts) -> tuple:
    """Return the features of today's customers, and the days of the first and the last order, None without dates."""
    source, _notes = prepare.find(settings.dataset, settings.data_dir)
    with parts.connect() as engine:
        cleaned = prepare.read(settings.preparation, parts, engine, source)
        with progress.step("features") as detail:
            table = features.build(engine, cleaned.table, prepare.requested(settings.preparation))
            detail(f"{len(table.frame):,} customers")
        frame = table.frame
        if settings.by is not None:
            groups = customer_groups.collect(engine, cleaned.table, settings.by)
            frame = frame.assign(**{settings.by: groups.reindex(frame.index)})
        dated = settings.dataset.kind == "transactions"
        return frame, *(as_of.first_and_last(engine, cleaned.table) if dated else (None, None))


def _request(champion: TrainedModel, cfg: DictConfig, uri: str | None) -> single_run.Request:
    """Return the request of the challenger: named and tagged as the run of the champion is."""
    params, overrides = promotion.trained_with(uri, champion.run_id) if champion.run_id else ({}, [])
    choices = {group: params.get(group) or _named(cfg, group) for group in single_run.COMPARED}
    return single_run.Request(cfg, choices, overrides)


def _named(cfg: DictConfig, group: str) -> str:
    section = cfg[group]
    return str(section.get("name") or section.get("_target_", group)).rpartition(".")[2]


def _compared(placed: Placed, result: Result, settings: Settings) -> challenge.Duel:
    """Judge both models on the same customers."""
    holdout = result.evidence.holdout
    with progress.step("challenge") as detail:
        if holdout is not None:
            before_cut = placed.model.place(holdout.parted.table.frame).to_numpy()
            basis, values = challenge.HOLDOUT, challenge.by_holdout(holdout, before_cut, settings.seed)
        else:
            points = common_space.rank_normal(result.table.frame[settings.dataset.common])
            sides = result.labels, placed.of(result.table.frame)["segment"].to_numpy()
            sample = settings.evaluation.silhouette_sample
            basis = challenge.SEPARATION
            values = challenge.by_separation(points, *sides, sample, settings.seed)
        against = challenge.gates(result.metrics, result.evidence.flags, holdout is not None)
        if result.source.data == "sample":
            against.append("SAMPLE DATA, invented customers")
        duel = challenge.Duel(basis, *values, against)
        detail(duel.verdict)
    return duel


def _matched(placed: Placed, result: Result, folder: Path) -> dict:
    """Write which new segment is which old one; return how far the two models agree."""
    frame = result.table.frame
    names = dict(zip(result.segments["segment"], result.segments["name"], strict=True))
    new = pd.Series(result.labels, index=frame.index.astype(str))
    old = placed.of(frame)["segment"].set_axis(new.index)
    matched = refit.compare_models(old, new, placed.model.scorer.contract.names, names)
    files.write_csv(folder / "matching.csv", matched.table)
    return {"adjusted_rand": round(matched.adjusted_rand, 6), "kept": round(matched.kept, 6)}


def _summary(
    champion: TrainedModel, done: single_run.Done, duel: challenge.Duel, notes: Sequence[str]
) -> dict:
    """Return what came of it, as plain values."""
    contract, result = champion.scorer.contract, done.result
    same = result.fingerprint == contract.fingerprint
    return {
        "dataset": contract.dataset,
        "champion": champion.scorer.label,
        "challenger": done.tracker.run_id,
        "day": str(result.table.newest or ""),
        "customers": int(result.customers),
        "k": int(result.k),
        "k_champion": contract.k,
        "basis": duel.basis,
        "challenger_value": nightly.number(duel.challenger),
        "champion_value": nightly.number(duel.champion),
        "difference": nightly.number(duel.difference),
        "low": nightly.number(duel.low),
        "high": nightly.number(duel.high),
        "verdict": duel.verdict,
        "against": list(duel.against),
        "may_be_promoted": duel.may_win,
        "sentence": duel.sentence,
        "notes": [*notes, *(["the data have not changed since the champion was trained"] if same else [])],
    }


def promoted(
    own: Mapping, uri: str | None, done: single_run.Done, duel: challenge.Duel, summary: Mapping
) -> dict:
    """Promote the challenger if it was asked for and may be; return the versions."""
    if own["promote"] != "true":
        return {"promoted": False, "why_not": "promote=true was not passed"}
    if not duel.may_win:
        return {
            "promoted": False,
            "why_not": "it does not pass the gates" if duel.against else f"it is {duel.verdict}",
        }
    if done.refused is not None or done.tracker.run_id is None:
        return {"promoted": False, "why_not": "its run is in no tracking store"}
    facts = {
        "champion.forced": "no",
        "data.fingerprint": done.result.fingerprint,
        "data": done.result.source.data,
    }
    why = f"retrained on data up to {summary['day'] or 'today'}; {duel.sentence}"
    version, previous = promotion.promote(uri, summary["dataset"], done.tracker.run_id, why, facts)
    return {"promoted": True, "version": version, "previous_version": previous, "why": why}


def _close(summary: Mapping) -> None:
    """Print what came of it."""
    lines = [("verdict", summary["sentence"])]
    lines.append(
        (
            "names",
            f"{summary['kept']:.0%} of the customers keep their segment (adjusted Rand {summary['adjusted_rand']:.3f})",
        )
    )
    if "groups" in summary:
        counts = ", ".join(f"{count} {verdict}" for verdict, count in summary["groups_by_verdict"].items())
        lines.append(("groups", f"{summary['groups']}: {counts}; see by_group.csv"))
    lines += [("note", text) for text in summary["notes"]]
    state = (
        f"version {summary['version']} is the champion of {summary['dataset']}"
        if summary["promoted"]
        else f"no: {summary['why_not']}"
    )
    lines += [("promoted", state), ("output", summary["output"])]
    for name, text in lines:
        print(f"  {name:<9} {text}")
