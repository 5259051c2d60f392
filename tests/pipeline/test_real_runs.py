"""Published segmentations on the real files, whole runs; skipped where SEG_DATA_DIR is not set."""

import os
from pathlib import Path

import pandas as pd
import pytest

import command_line

pytestmark = pytest.mark.real


def run(folder: Path, *overrides: str) -> Path:
    done = command_line.run(
        "seg.run", *overrides, "tracking=none", f"hydra.run.dir={folder}", env=os.environ, timeout=280
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "SAMPLE" not in done.stdout
    return folder


@pytest.fixture(autouse=True)
def real_files():
    if not os.environ.get("SEG_DATA_DIR"):
        pytest.skip("SEG_DATA_DIR is not set: no real files")


def test_flo_has_19945_customers_in_four_segments(tmp_path):
    folder = run(tmp_path, "dataset=flo", "model=kmeans", "k=4")
    segments = pd.read_csv(folder / "segments.csv")
    assert segments["size"].sum() == 19_945 and len(segments) == 4
    assert segments["share"].max() < 0.5
    scan = pd.read_csv(folder / "k_scan.csv").set_index("k")
    # As measured by scikit-learn's exact silhouette on the same features.
    assert scan.loc[2, "silhouette"] == pytest.approx(0.3513, abs=5e-4)
    assert scan.loc[2, "silhouette_sq"] == pytest.approx(0.5296, abs=5e-4)


def test_flo_omnichannel_recipe_runs(tmp_path):
    folder = run(tmp_path, "dataset=flo", "recipe=omnichannel", "k=4")
    assert "mean_category_KADIN" in pd.read_csv(folder / "segments.csv")


def test_nova_ims_lands_in_one_of_the_four_known_optima(tmp_path):
    folder = run(
        tmp_path,
        "dataset=online_retail_ii",
        "cleaning=nova_ims",
        "recipe=behaviour",
        "scaler=minmax",
        "model=kmeans",
        "k=3",
    )
    segments = pd.read_csv(folder / "segments.csv")
    optima = {
        (2109, 2810, 4524): 0.7685253,  # published, with 0.7685266695 from Spark
        (2097, 2820, 4526): 0.7687730,
        (2092, 2817, 4534): 0.7690050,
        (2096, 2815, 4532): 0.7688990,
    }
    sizes = tuple(sorted(segments["size"]))
    assert sum(sizes) == 9443
    assert sizes in optima
    scan = pd.read_csv(folder / "k_scan.csv").set_index("k")
    assert scan.loc[3, "silhouette_sq"] == pytest.approx(optima[sizes], abs=1e-5)
    months = [column for column in segments if column.startswith("mean_revenue_2")]
    assert (months[0], months[-1], len(months)) == ("mean_revenue_2022-12", "mean_revenue_2024-12", 25)


def test_insiders_segments_5695_customers(tmp_path):
    folder = run(
        tmp_path, "dataset=online_retail", "cleaning=insiders", "recipe=insiders", "scaler=minmax", "k=11"
    )
    ledger = pd.read_csv(folder / "ledger.csv").set_index("step")
    assert ledger["rows"].tolist()[:7] == [541_909, 541_909, 540_455, 537_701, 537_197, 536_143, 536_139]
    assignments = pd.read_parquet(folder / "assignments.parquet")
    assert len(assignments) == 5695
    assert (assignments["customer_id"].astype(int) >= 19_000).sum() == 1366


def test_rfm_pyspark_is_near_what_a_direct_script_gave(tmp_path):
    """Raw R, F, M: about 11 wholesale giants, 260 frequent, 1,060 churned (R 249 days), 3,005 small buyers; k = 2: 0.891 / 0.982."""
    folder = run(
        tmp_path,
        "dataset=online_retail",
        "cleaning=rfm_pyspark",
        "recipe.features=[recency_days,orders,revenue]",
        "k=4",
    )
    segments = pd.read_csv(folder / "segments.csv").sort_values("size")
    assert segments["size"].tolist() == pytest.approx([11, 260, 1060, 3005], rel=0.15)
    assert segments["mean_recency_days"].iloc[2] == pytest.approx(249, abs=2)
    scan = pd.read_csv(folder / "k_scan.csv").set_index("k")
    assert scan.loc[2, ["silhouette", "silhouette_sq"]].tolist() == pytest.approx([0.891, 0.982], abs=0.003)
    assert scan.loc[4, ["silhouette", "silhouette_sq"]].tolist() == pytest.approx([0.596, 0.769], abs=0.006)
