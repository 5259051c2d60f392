"""What ``seg retrain`` does with one model a group: who is placed by which model today and before the cut, and how both routers compare."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from seg import progress
from seg.cli.trained_model import Placed, TrainedModel
from seg.compare import challenge, group_challenge
from seg.compare.challenge import Duel
from seg.compare.group_challenge import GroupDuel
from seg.config.settings import Settings
from seg.evaluation.holdout import Holdout
from seg.metrics import common_space
from seg.pipeline.grouped_result import COMMON, Grouped, GroupModel
from seg.score import refit
from seg.sinks import local_files as files

FEWEST = 20  # customers with a known outcome; with fewer, two models are not compared


def write_champion(placed: Placed, folder: Path) -> None:
    """Write today's segments of the champion as the directory of a run has them, for the names of the challenger's."""
    assigned = placed.known[["segment", "model"]].rename_axis("customer_id").reset_index()
    files.write_parquet(folder / "assignments.parquet", assigned)
    segments = pd.DataFrame(placed.model.scorer.contract.segments)[["segment", "name", "model"]]
    # Names as the model of one group has them: "FR: Champions" is "Champions" of FR.
    bare = [row.name.removeprefix(f"{row.model}: ") for row in segments.itertuples(index=False)]
    files.write_csv(folder / "segments.csv", segments.assign(name=bare))


def compared(
    placed: Placed, result: Grouped, settings: Settings, folder: Path
) -> tuple[Duel, list[str], dict]:
    """Judge both routers on the same customers, group by group and together; write `by_group.csv` and `matching.csv`.

    Parameters
    ----------
    placed : Placed
        Today's customers, as the champion places them.
    result : Grouped
        The challenger.
    settings : Settings
    folder : Path
        Of the result.

    Returns
    -------
    duel : Duel
        Over all customers, with what the groups have against it.
    notes : list of str
    figures : dict
        Numbers of groups by verdict, and how far both agree over all customers.
    """
    with progress.step("challenge") as detail:
        rows = [
            _of_group(placed, result, model, chosen, settings)
            for model, chosen in result.members()
            if len(chosen)
        ]
        duels = group_challenge.widened([duel for duel, _ in rows])
        overall = _overall(placed.model, result, duels, settings)
        duel = group_challenge.decided(overall, duels)
        detail(duel.verdict)
    files.write_csv(folder / "by_group.csv", group_challenge.table(duels))
    matched = pd.concat([one.assign(model=duel.group) for duel, one in rows], ignore_index=True)
    files.write_csv(folder / "matching.csv", matched)
    return duel, [*_changed(placed.model, result), *group_challenge.notes(duels)], _figures(duels)


def _figures(duels: list[GroupDuel]) -> dict:
    verdicts = pd.Series([one.duel.verdict for one in duels]).value_counts().to_dict()
    sizes = np.array([one.customers for one in duels], dtype="float64")
    kept, agreement = (
        float(np.average([getattr(one, name) for one in duels], weights=sizes))
        for name in ("kept", "adjusted_rand")
    )
    return {
        "groups": len(duels),
        "groups_by_verdict": verdicts,
        "kept": round(kept, 6),
        "adjusted_rand": round(agreement, 6),
    }


def _of_group(
    today: Placed, result: Grouped, model: GroupModel, chosen: np.ndarray, settings: Settings
) -> tuple[GroupDuel, pd.DataFrame]:
    """Compare on the customers of one model of the challenger; return that, and which segment is which."""
    frame = _with_groups(result, result.table.frame.iloc[chosen])
    own = pd.Series(result.labels[chosen], index=frame.index.astype(str))
    placed = today.of(frame)
    old = placed["segment"].set_axis(own.index)
    names = {int(model.numbered(one)): name for one, name in _names(model).items()}
    matched = refit.compare_models(
        old, own, today.model.scorer.contract.names, {one: names[one] for one in own.unique() if one in names}
    )
    judged = _judged(result, model)
    if judged is not None:
        basis, values = challenge.HOLDOUT, _by_holdout(today.model, result, judged, settings.seed)
    else:
        basis, values = (
            challenge.SEPARATION,
            _by_separation(frame, own.to_numpy(), old.to_numpy(), settings),
        )
    one = model.result
    against = challenge.gates(one.metrics, one.evidence.flags, judged is not None)
    # What was not asked for is not held against a group: only tests that it fails.
    against = [reason for reason in against if not reason.startswith("lacks")]
    routes = placed["model"].value_counts()
    duel = GroupDuel(
        model.name, len(chosen), int(own[own >= 0].nunique()), int(old[old >= 0].nunique()), str(routes.index[0]),
        Duel(basis, *values, against), matched.kept, matched.adjusted_rand,
    )  # fmt: skip
    return duel, matched.table


def _names(model: GroupModel) -> dict[int, str]:
    segments = model.result.segments
    return dict(zip(segments["segment"], segments["name"], strict=True))


def _with_groups(result: Grouped, frame: pd.DataFrame) -> pd.DataFrame:
    """Return features with the column of the groups, which the champion's router needs."""
    return frame.assign(**{result.by: result.prepared.groups.reindex(frame.index)})


def _judged(result: Grouped, model: GroupModel) -> Holdout | None:
    """Return the hold-out of a model; of the common one, only of the customers whom it places."""
    judged = model.result.evidence.holdout
    if judged is None or model.name != COMMON:
        return judged
    routed = result.routed.reindex(judged.parted.table.frame.index)
    return _restricted(judged, (routed == COMMON).to_numpy())


def _restricted(judged: Holdout, kept: np.ndarray) -> Holdout:
    table, outcome = judged.parted.table, judged.parted.outcome
    parted = replace(
        judged.parted, table=replace(table, frame=table.frame[kept], truth=None), outcome=outcome[kept]
    )
    return replace(judged, parted=parted, X=judged.X[kept], labels=judged.labels[kept])


def _by_holdout(champion: TrainedModel, result: Grouped, judged: Holdout, seed: int) -> tuple:
    has_outcome = judged.parted.outcome["known"]
    if has_outcome.sum() < FEWEST or judged.parted.outcome.loc[has_outcome, "bought"].nunique() < 2:
        return (np.nan,) * 4
    placed = champion.place(_with_groups(result, judged.parted.table.frame)).to_numpy()
    return challenge.by_holdout(judged, placed, seed)


def _by_separation(frame: pd.DataFrame, own: np.ndarray, old: np.ndarray, settings: Settings) -> tuple:
    several = [len(np.unique(labels[labels >= 0])) > 1 for labels in (own, old)]
    if len(frame) < FEWEST or not all(several):
        return (np.nan,) * 4
    points = common_space.rank_normal(frame[settings.dataset.common])
    sample = settings.evaluation.silhouette_sample
    return challenge.by_separation(points, own, old, sample, settings.seed)


def _overall(champion: TrainedModel, result: Grouped, duels: list[GroupDuel], settings: Settings) -> Duel:
    """Compare over all customers: by the hold-out, else the mean of the groups."""
    parted = result.prepared.parted
    if parted is None:
        return group_challenge.averaged(duels)
    labels = pd.Series(-1, index=parted.table.frame.index, dtype="int64")
    for model, chosen in result.members():
        judged = _judged(result, model)
        if judged is not None and len(chosen):
            labels[judged.parted.table.frame.index] = model.numbered(judged.labels)
    common = result.common.result.evidence.holdout
    if common is None:
        return group_challenge.averaged(duels)
    every = replace(common, parted=parted, labels=labels.to_numpy())
    return Duel(challenge.HOLDOUT, *_by_holdout(champion, result, every, settings.seed))


def _changed(champion: TrainedModel, result: Grouped) -> list[str]:
    """Return which groups have gained or lost a model of their own."""
    before = set(champion.scorer.contract.groups["first"]) - {COMMON}
    now = {one.name for one in result.models} - {COMMON}
    texts = []
    if now - before:
        texts.append(
            f"groups with a model of their own for the first time: {', '.join(sorted(now - before))}"
        )
    if before - now:
        texts.append(
            f"groups that have no model of their own any more (see groups.min_customers and the notes of the run): "
            f"{', '.join(sorted(before - now))}"
        )
    return texts
