"""The wheel holds all that a run needs: it works from an empty folder, without the checkout."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BUILD = "from setuptools import build_meta; build_meta.build_wheel('dist')"


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """Build the wheel from a copy of the sources, and unpack it as pip does."""
    work = tmp_path_factory.mktemp("wheel")
    for name in ("src", "configs", "datasets"):
        ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
        shutil.copytree(ROOT / name, work / name, ignore=ignored)
    for name in ("pyproject.toml", "setup.py", "MANIFEST.in", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, work / name)
    (work / "datasets" / "flo" / "flo_data_20k.csv").write_text("real rows\n")
    done = subprocess.run(
        [sys.executable, "-c", BUILD], cwd=work, capture_output=True, text=True, timeout=240
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (wheel,) = (work / "dist").glob("seg-*.whl")
    site = work / "site-packages"
    zipfile.ZipFile(wheel).extractall(site)
    return site


def test_configs_samples_and_cards_travel_in_the_wheel_and_real_data_does_not(installed):
    def inside(folder: Path, *patterns: str) -> set[str]:
        return {str(path.relative_to(folder)) for pattern in patterns for path in folder.glob(pattern)}

    patterns = (
        "configs/**/*.yaml",
        "datasets/*/README.md",
        "datasets/*/sample*.csv",
        "datasets/*/sample*.jsonl",
    )
    assert inside(installed / "seg" / "assets", *patterns) == inside(ROOT, *patterns)
    assert not list(installed.rglob("flo_data_20k.csv"))
    assert inside(installed / "seg", "**/*.jinja", "**/*.css", "**/*.js") == inside(
        ROOT / "src" / "seg", "**/*.jinja", "**/*.css", "**/*.js"
    )


def test_a_run_from_an_empty_folder_needs_no_checkout_and_keeps_everything_there(installed, tmp_path):
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("SEG_", "MLFLOW_", "PYTHONPATH"))
    }
    environment = {
        **kept,
        "PYTHONPATH": str(installed),
        "SEG_KERNELS": "off",
    }  # compiling takes half a minute
    code = (
        "import sys, seg; from seg.cli.main import main; print(seg.__file__, flush=True)\n"
        "sys.exit(main(sys.argv[1:]) or main(['data', 'list']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "run", "dataset=toy", "dataset.customers=200", "k=4", "selection.k_range=[4]"],
        cwd=tmp_path, capture_output=True, text=True, timeout=240, env=environment,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert Path(done.stdout.splitlines()[0]).is_relative_to(installed)
    assert sorted(path.name for path in tmp_path.iterdir() if path.name[0] != ".") == [
        "cache",
        "mlartifacts",
        "mlflow.db",
        "runs",
    ]
    assert len(list((tmp_path / "runs").rglob("report.html"))) == 1
    assert str(tmp_path / "datasets" / "flo") in done.stdout.partition("data set")[2]
