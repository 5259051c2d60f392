"""`seg score` on the raw file of the training gives every customer the segment of the training, whatever the model."""

from pathlib import Path

import pandas as pd
import pytest
from omegaconf import OmegaConf

from seg.config import compose, load
from seg.pipeline import flow
from seg.score import __main__ as score
from seg.score import model_card
from seg.score import scorer as scoring
from seg.track import find_model

ROOT = Path(__file__).resolve().parents[2]
EMBEDDED = sorted(
    path.stem for path in (ROOT / "configs" / "model").glob("*.yaml") if not path.stem.startswith("mllib_")
)
LIGHT = {
    "tree_": ["model.embed.n_estimators=5"],
    "outcome_": ["model.lesson.cuts=1"],
    "hdbscan": ["model.min_cluster_size=10"],
}


@pytest.fixture(scope="module")
def orders(tmp_path_factory):
    """Orders of 100 customers in one file."""
    rows = pd.read_csv(ROOT / "datasets" / "transactions" / "sample.csv", dtype=str)
    few = rows["customer_id"].drop_duplicates().head(100)
    path = tmp_path_factory.mktemp("orders") / "orders.csv"
    rows[rows["customer_id"].isin(few)].to_csv(path, index=False)
    return path


@pytest.fixture(scope="module")
def trained(orders, tmp_path_factory):
    """Train a model once: its directory, and the result."""
    done = {}

    def train(model: str) -> tuple[Path, flow.Result]:
        if model not in done:
            load.prepare_environment()
            light = next((keys for start, keys in LIGHT.items() if model.startswith(start)), [])
            options = ["dataset=transactions", f"dataset.path={orders}", f"model={model}", "tracking=none"]
            cfg = compose.compose([*options, "k=4", "selection.k_range=[4]", *light])
            settings, folder = load.settings(cfg), tmp_path_factory.mktemp(model)
            result = flow.segment(settings, compose.instantiate_parts(cfg))
            model_card.write(result, settings.preparation, settings.tracking, folder)
            (folder / "config.yaml").write_text(OmegaConf.to_yaml(cfg, resolve=False))
            done[model] = folder, result
        return done[model]

    return train


MODELS = [
    pytest.param(name, marks=[pytest.mark.umap] if "umap" in name else [], id=name) for name in EMBEDDED
]


@pytest.mark.parametrize("model", MODELS)
def test_scoring_the_raw_training_file_reproduces_the_segments(model, trained, orders, tmp_path):
    folder, result = trained(model)
    target = tmp_path / "scored.parquet"
    assert score.main([f"model={folder}", f"input={orders}", f"output={target}"]) == 0
    scored = pd.read_parquet(target).set_index("customer_id")["segment"].astype("int64")
    assert scored.nunique() > 1
    assert scored.sort_index().to_dict() == dict(zip(result.table.frame.index, result.labels, strict=True))


@pytest.mark.parametrize("model", MODELS)
def test_one_row_gets_what_it_gets_in_a_batch(model, trained, tmp_path):
    folder, result = trained(model)
    scorer = scoring.load(find_model.find(str(folder), None, tmp_path))
    batch = scorer.place(result.table.frame)
    for row in range(0, len(batch), 23):
        alone = scorer.place(result.table.frame.iloc[[row]])
        pd.testing.assert_frame_equal(alone, batch.iloc[[row]], rtol=1e-9)
    assert ("probability" in batch) == (model == "gmm")
    if model == "gmm":
        assert batch["probability"].between(0.25, 1).all()
