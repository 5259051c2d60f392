"""Two runs are the same attempt, or comparable, exactly when their tags say so."""

import json

import pandas as pd
import pytest
from omegaconf import OmegaConf

from seg.config import compose, load
from seg.pipeline import keys


@pytest.fixture(scope="module")
def tags():
    def make(*overrides: str, points: pd.DataFrame | None = None) -> dict[str, str]:
        load.prepare_environment()
        plain = OmegaConf.to_container(compose.compose(overrides), resolve=False)
        return keys.tags(plain, POINTS if points is None else points, overrides)

    return make


POINTS = pd.DataFrame({"recency_days": [3.0, 9.0], "orders": [2, 1]}, index=["a", "b"])


@pytest.mark.parametrize("same", ["seed=7", "k=4", "evaluation.null=20", "tracking.experiment=other"])
def test_seed_k_and_evidence_are_no_other_configuration(tags, same):
    assert tags("dataset=toy", same)["seg.configuration"] == tags("dataset=toy")["seg.configuration"]


@pytest.mark.parametrize("other", ["model.n_init=50", "recipe.as_of=2", "scaler=robust", "cleaning=none"])
def test_one_overridden_value_is_another_configuration_under_the_same_names(tags, other):
    assert tags("dataset=toy", other)["seg.configuration"] != tags("dataset=toy")["seg.configuration"]


def test_models_share_an_own_space_and_scalers_do_not(tags):
    plain = tags("dataset=toy")["seg.space"]
    assert tags("dataset=toy", "model=gmm")["seg.space"] == plain
    assert tags("dataset=toy", "scaler=robust")["seg.space"] != plain


def test_the_points_of_the_common_space_are_customers_and_their_values():
    known = keys.customers(POINTS)
    assert keys.customers(POINTS.copy()) == known
    assert keys.customers(POINTS.assign(recency_days=POINTS["recency_days"] + 30)) == known
    assert keys.customers(POINTS.rename(index={"b": "c"})) != known
    assert keys.customers(POINTS.assign(orders=[2, 2])) != known


def test_overrides_are_kept_without_places_of_tracking_and_sinks(tags):
    kept = tags(
        "dataset=toy", "tracking.uri=postgresql://u:secret@h/db", "hydra.run.dir=/x", "+recipe.note=1"
    )
    assert json.loads(kept["seg.overrides"]) == ["dataset=toy", "+recipe.note=1"]
