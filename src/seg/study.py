"""Redo a study and write its table into its page.

    seg study nova_ims              run it, print published / ours, write experiments/nova_ims/README.md
    seg study models                a study that is a sweep: run its unfinished jobs, write their table
    seg study nova_ims rfm_pyspark  several; `all` for every study that has a table

The real files are needed (SEG_DATA_DIR): a sample reproduces nothing, and the page stays as it is. An installed package has no
pages and prints the table only. The exit code is 0 when every figure is within its tolerance, 1 when one is not or a study
cannot be redone.
"""

# The pipeline and its libraries are imported inside the functions: unknown names are reported without them.

from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from omegaconf import DictConfig, OmegaConf

from seg.cli import options, own_end
from seg.config import folders
from seg.errors import SegError, listed

if TYPE_CHECKING:
    import pandas as pd

    from seg.config.settings import DatasetSettings
    from seg.sources.locate import Source

START, END = "<!-- published and ours -->", "<!-- end -->"


def studies() -> list[str]:
    """List the studies that have a table: those with published figures, and those that are sweeps."""
    return [name for name in folders.choices("experiment") if is_sweep(name) or "published" in _preset(name)]


def is_sweep(name: str) -> bool:
    """Return True for a study that is a sweep."""
    return OmegaConf.select(_preset(name), "hydra.mode") == "MULTIRUN"


def _preset(name: str) -> DictConfig:
    return OmegaConf.load(folders.config_file("experiment", name))


def sweep(name: str) -> str:
    """Run the unfinished jobs of a study that is a sweep.

    Parameters
    ----------
    name : str

    Returns
    -------
    str
        The table of the jobs, as Markdown.

    Raises
    ------
    SegError
        Only a sample of the data set exists, or a job failed.
    """
    from seg.cli.sweeps import notes, summary
    from seg.config import load
    from seg.config.compose import compose
    from seg.sinks import scratch
    from seg.sources import locate

    checked = load.settings(compose([f"experiment={name}"]))
    dataset = checked.dataset
    _real(name, dataset, locate.of(dataset, checked.data_dir))
    with scratch.folder("seg-study") as jobs_folder:
        done = subprocess.run(
            [sys.executable, "-m", "seg.run", f"experiment={name}", f"hydra.sweep.dir={jobs_folder}"]
        )
        if done.returncode:
            raise SegError(f"{name}: jobs of the sweep failed, see above; the page stays as it is")
        plan = notes.read(jobs_folder / notes.SWEEP)
        jobs = notes.jobs(jobs_folder)
    varied = [one for one in plan["varied"] if one != "experiment"]
    table = summary.table(summary.gather(jobs, varied, plan["goals"]))
    return summary.markdown(table, varied, plan["goals"])


def _real(name: str, dataset: DatasetSettings, source: Source) -> None:
    if source.kind != "file":
        raise SegError(
            f"{name}: the real files of {dataset.name} are missing ({source.expected}): nothing was compared; "
            f"to get them: {dataset.source}"
        )


def redo(name: str) -> pd.DataFrame:
    """Run a study and compare its figures with the published ones.

    Parameters
    ----------
    name : str

    Returns
    -------
    DataFrame
        Columns figure, published, ours, tolerance, verdict.

    Raises
    ------
    SegError
        Only a sample of the data set exists.
    """
    from seg.config import load
    from seg.config.compose import compose, instantiate_parts
    from seg.pipeline import check, flow

    cfg = compose([f"experiment={name}"])
    checked = load.settings(cfg)
    check.check_parts(checked)
    result = flow.segment(checked, instantiate_parts(cfg))
    _real(name, checked.dataset, result.source)
    return result.published


def page(name: str, table: str, folder: Path = folders.ASSETS / "experiments") -> Path | None:
    """Write a table between the two marks of a study's page.

    Parameters
    ----------
    name : str
        Of the study.
    table : str
        Markdown.
    folder : Path
        Holds a folder for each study.

    Returns
    -------
    Path or None
        The page; None if there are no pages, as in an installed package.

    Raises
    ------
    SegError
        The page has no such marks.
    """
    from seg.sinks import local_files as files

    path = folder / name / "README.md"
    if not path.is_file():
        return None
    text = path.read_text(encoding="utf-8")
    before, start, rest = text.partition(START)
    _old, end, after = rest.partition(END)
    if not (start and end):
        raise SegError(f"{path}: no place for the table; add a line {START} and, below it, a line {END}")
    return files.write(path, f"{before}{START}\n{table}\n{END}{after}")


def _studies(*names: str) -> int:
    valid = studies()
    chosen = valid if names == ("all",) else list(names)
    for name in chosen:
        if name not in valid:
            raise SegError(f"{name}: no study with a table; expected one of {listed(name, [*valid, 'all'])}")
    from seg.cli import console
    from seg.evaluation import published

    same = True
    for name in chosen:
        if is_sweep(name):
            _written(name, sweep(name))
            continue
        table = redo(name)
        console.comparison(table, f"{name}: published and ours")
        _written(name, published.markdown(table))
        same &= not table["verdict"].isin([published.DIFFERS, published.UNKNOWN]).any()
    return 0 if same else 1


def _written(name: str, table: str) -> None:
    path = page(name, table)
    print(
        f"  written to {path}"
        if path
        else f"{table}\n  not written: the pages of studies are in a checkout of seg"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    return options.execute(__doc__, _studies, arguments)


if __name__ == "__main__":
    own_end.run_alone(main)
