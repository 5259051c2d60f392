"""A router trained again is compared with the champion: by group, all together, and where groups are new or worse."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from seg.cli import retrain_groups, single_run
from seg.cli.trained_model import Placed, TrainedModel
from seg.config import folders, load
from seg.config.compose import instantiate_parts
from seg.pipeline import group_models
from seg.pipeline.grouped_result import COMMON
from seg.score import group_card
from seg.score.group_scorer import GroupScorer


@pytest.fixture(scope="module")
def routers():
    """A router by country on the toy orders with a hold-out, as the champion and as its challenger."""
    folders.prepare_environment()
    options = [
        "dataset=toy", "dataset.customers=240", "k=2", "selection.k_range=[2]", "by=country", "groups.min_customers=65",
        "tracking=none", "cache=off", "evaluation.holdout.cut=2024-10-01",
    ]  # fmt: skip
    request = single_run.compose(options)
    settings = load.settings(request.cfg)
    challenger = group_models.segment(settings, instantiate_parts(request.cfg))
    card = group_card.of(challenger, settings.preparation, 5)
    scorer = GroupScorer(group_card.placement(challenger, 5).pipeline, card, "the champion")
    return TrainedModel(scorer, "", None), challenger, settings


def compared(champion, challenger, settings, folder):
    """Place the challenger's customers with the champion, and compare both."""
    groups = challenger.prepared.groups
    frame = challenger.table.frame.assign(**{challenger.by: groups.reindex(challenger.table.frame.index)})
    return retrain_groups.compared(Placed.once(champion, frame), challenger, settings, folder)


def test_groups_and_all_together_are_judged_by_what_the_customers_bought_afterwards(routers, tmp_path):
    champion, challenger, settings = routers
    duel, _notes, figures = compared(champion, challenger, settings, tmp_path)
    table = pd.read_csv(tmp_path / "by_group.csv").set_index("group")
    assert table["basis"].str.startswith("deviance").all() and duel.basis.startswith("deviance")
    assert set(table.index) == {one.name for one in challenger.models}
    assert np.isfinite([duel.challenger, duel.champion, duel.low, duel.high]).all()
    assert figures["groups"] == len(table) and sum(figures["groups_by_verdict"].values()) == len(table)


def test_a_group_whose_segments_no_longer_tell_who_buys_stands_against_the_router(routers, tmp_path):
    champion, challenger, settings = routers
    large = challenger.models[0]
    judged = large.result.evidence.holdout
    # The champion's segments here are who bought, which no challenger can know.
    outcome = judged.parted.outcome.assign(known=True)
    frame = judged.parted.table.frame
    knows = np.asarray(outcome["bought"] == 1)
    blind = replace(
        judged,
        parted=replace(judged.parted, outcome=outcome),
        labels=np.random.default_rng(0).integers(0, 2, len(frame)),
    )
    model = replace(
        large, result=replace(large.result, evidence=replace(large.result.evidence, holdout=blind))
    )
    changed = replace(challenger, models=(model, *challenger.models[1:]))

    class Knowing(TrainedModel):
        def place(self, table):
            placed = super().place(table)
            mine = table.index.intersection(frame.index)
            placed[mine] = pd.Series(knows.astype(int), index=frame.index)[mine]
            return placed

    duel, _notes, figures = compared(Knowing(champion.scorer, "", None), changed, settings, tmp_path)
    assert f"worse in {large.name}" in duel.against and not duel.may_win
    assert figures["groups_by_verdict"]["worse"] == 1


def test_a_group_that_is_new_is_named_and_compared_with_the_common_model(routers, tmp_path):
    champion, challenger, settings = routers
    renamed_from = challenger.models[0].name
    renamed = replace(challenger.models[0], name="Atlantis")
    groups = challenger.prepared.groups.replace({renamed_from: "Atlantis"})
    changed = replace(
        challenger,
        models=(renamed, *challenger.models[1:]),
        prepared=replace(challenger.prepared, groups=groups),
    )
    _duel, notes, _figures = compared(champion, changed, settings, tmp_path)
    table = pd.read_csv(tmp_path / "by_group.csv").set_index("group")
    assert table.loc["Atlantis", "model_champion"] == COMMON
    assert any("for the first time: Atlantis" in text for text in notes)
    assert any("no model of their own any more" in text and text.endswith(renamed_from) for text in notes)
