"""A whole run on a real file; published studies: tests/evaluation/test_published.py. Skipped where SEG_DATA_DIR is not set."""

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
    assert "SAMPLE" not in done.stdout and "FLAGGED" not in done.stdout
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
