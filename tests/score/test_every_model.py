"""`seg score` on the raw file of the training gives every customer the segment of the training, whatever the model."""

from pathlib import Path

import pandas as pd
import pytest
from omegaconf import OmegaConf

from seg.config import compose, load
from seg.pipeline import flow
from seg.score import __main__ as score
from seg.score import model_card

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


@pytest.mark.parametrize("model", EMBEDDED)
def test_scoring_the_raw_training_file_reproduces_the_segments(model, orders, tmp_path):
    load.prepare_environment()
    light = next((keys for start, keys in LIGHT.items() if model.startswith(start)), [])
    options = ["dataset=transactions", f"dataset.path={orders}", f"model={model}", "tracking=none"]
    cfg = compose.compose([*options, "k=4", "selection.k_range=[4]", *light])
    settings = load.settings(cfg)
    result = flow.segment(settings, compose.instantiate_parts(cfg))
    model_card.write(result, settings.preparation, settings.tracking, tmp_path)
    (tmp_path / "config.yaml").write_text(OmegaConf.to_yaml(cfg, resolve=False))

    target = tmp_path / "scored.parquet"
    assert score.main([f"model={tmp_path}", f"input={orders}", f"output={target}"]) == 0

    scored = pd.read_parquet(target).set_index("customer_id")["segment"].astype("int64")
    assert scored.nunique() > 1
    assert scored.sort_index().to_dict() == dict(zip(result.table.frame.index, result.labels, strict=True))
