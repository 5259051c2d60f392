"""Redo a study and write its table into its page.

    python -m seg.study nova_ims              run it, print published / ours, write experiments/nova_ims/README.md
    python -m seg.study models                a study that is a sweep: run its jobs, or take those that are done, write what they found
    python -m seg.study nova_ims rfm_pyspark  several; `all` for every study that has a table

Needs the real files (SEG_DATA_DIR): a sample reproduces nothing, and the page is then left as it is. The exit code is
0 when every figure is within its tolerance, 1 when one is not or a study cannot be redone.
"""

from __future__ import annotations

import logging
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from omegaconf import DictConfig, OmegaConf

from seg.cli import options
from seg.config import compose, load
from seg.config.settings import Settings
from seg.errors import SegError, listed
from seg.evaluation import published
from seg.sources import locate
from seg.sweeps import notes, summary

START, END = "<!-- published and ours -->", "<!-- end -->"


def studies() -> list[str]:
    """Name the studies that have a table: those that compare with published figures, and those that are sweeps."""
    return [name for name in load.choices("experiment") if is_sweep(name) or "published" in _preset(name)]


def is_sweep(name: str) -> bool:
    """Tell a study that is a sweep of its own."""
    return OmegaConf.select(_preset(name), "hydra.mode") == "MULTIRUN"


def _preset(name: str) -> DictConfig:
    return OmegaConf.load(load.CONFIGS / "experiment" / f"{name}.yaml")


def sweep(name: str) -> str:
    """Do the jobs of a study that is a sweep, but for those that are done, and write what they found as Markdown.

    Raises
    ------
    SegError
        Its data set is there as a sample only, or a job failed.
    """
    checked = load.settings(compose.compose([f"experiment={name}"]))
    dataset = checked.dataset
    _real(
        name,
        checked,
        locate.find(dataset.name, checked.data_dir, dataset.files, dataset.path, dataset.sample),
    )
    with tempfile.TemporaryDirectory(prefix="seg-study-") as scratch:
        done = subprocess.run(
            [sys.executable, "-m", "seg.run", f"experiment={name}", f"hydra.sweep.dir={scratch}"]
        )
        if done.returncode:
            raise SegError(f"{name}: its sweep did not end well, see above: its page is left as it is")
        told = notes.read(Path(scratch) / notes.SWEEP)
        jobs = notes.jobs(Path(scratch))
    varied = [one for one in told["varied"] if one != "experiment"]
    table = summary.table(jobs, dict.fromkeys(varied, ()), told["goals"])
    return summary.markdown(table, varied, told["goals"])


def _real(name: str, checked: Settings, source: locate.Source) -> None:
    if source.kind != "file":
        raise SegError(
            f"{name}: the real files of {checked.dataset.name} are not at {source.expected}: nothing was compared; "
            f"to get them: {checked.dataset.source}"
        )


def redo(name: str) -> pd.DataFrame:
    """Run a study and lay its figures beside the published ones.

    Raises
    ------
    SegError
        Its data set is there as a sample only.
    """
    from seg.pipeline import check, flow

    cfg = compose.compose([f"experiment={name}"])
    checked = load.settings(cfg)
    check.check_parts(checked)
    result = flow.segment(checked, compose.instantiate_parts(cfg))
    _real(name, checked, result.source)
    return result.published


def page(name: str, table: str, folder: Path = load.ROOT / "experiments") -> Path:
    """Write a table between the two marks of a study's page.

    Raises
    ------
    SegError
        The page has no such marks.
    """
    from seg.sinks import files

    path = folder / name / "README.md"
    text = path.read_text(encoding="utf-8")
    before, start, rest = text.partition(START)
    _old, end, after = rest.partition(END)
    if not (start and end):
        raise SegError(
            f"{path}: no place for the table; put a line {START} and, after it, a line {END} into the page"
        )
    return files.write(path, f"{before}{START}\n{table}\n{END}{after}")


def _studies(*names: str) -> int:
    from seg.cli import console

    known = studies()
    wanted = known if names == ("all",) else list(names)
    for name in wanted:
        if name not in known:
            raise SegError(f"{name}: no study with a table; expected one of {listed(name, [*known, 'all'])}")
    same = True
    for name in wanted:
        if is_sweep(name):
            print(f"  written to {page(name, sweep(name))}")
            continue
        table = redo(name)
        console.comparison(table, f"{name}: published and ours")
        print(f"  written to {page(name, published.markdown(table))}")
        same &= not table["verdict"].isin([published.DIFFERS, published.UNKNOWN]).any()
    return 0 if same else 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    return options.execute(__doc__, _studies, arguments)


if __name__ == "__main__":
    sys.exit(main())
