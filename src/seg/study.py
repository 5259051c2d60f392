"""Redo a published segmentation and write the comparison into its page.

    python -m seg.study nova_ims              run it, print published / ours, write experiments/nova_ims/README.md
    python -m seg.study nova_ims rfm_pyspark  several; `all` for every study that compares with published figures

Needs the real files (SEG_DATA_DIR): a sample reproduces nothing, and the page is then left as it is. The exit code is
0 when every figure is within its tolerance, 1 when one is not or a study cannot be redone.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from seg import command, composition, config, outputs, progress, published
from seg.errors import SegError, listed

START, END = "<!-- published and ours -->", "<!-- end -->"


def studies() -> list[str]:
    """Name the studies that compare with published figures."""
    return [
        name for name in config.choices("experiment") if composition.compose([f"experiment={name}"]).published
    ]


def redo(name: str) -> pd.DataFrame:
    """Run a study and lay its figures beside the published ones.

    Raises
    ------
    SegError
        Its data set is there as a sample only.
    """
    from seg import flow

    cfg = composition.compose([f"experiment={name}"])
    checked = config.settings(cfg)
    config.check_parts(checked)
    result = flow.segment(checked, composition.instantiate_parts(cfg))
    if result.source.kind != "file":
        raise SegError(
            f"{name}: the real files of {checked.dataset.name} are not at {result.source.expected}: nothing was compared; "
            f"to get them: {checked.dataset.source}"
        )
    return result.published


def page(name: str, table: pd.DataFrame, folder: Path = config.ROOT / "experiments") -> Path:
    """Write the comparison between the two marks of a study's page.

    Raises
    ------
    SegError
        The page has no such marks.
    """
    path = folder / name / "README.md"
    text = path.read_text(encoding="utf-8")
    before, start, rest = text.partition(START)
    _old, end, after = rest.partition(END)
    if not (start and end):
        raise SegError(
            f"{path}: no place for the table; put a line {START} and, after it, a line {END} into the page"
        )
    return outputs.write(path, f"{before}{START}\n{published.markdown(table)}\n{END}{after}")


def _studies(*names: str) -> int:
    known = studies()
    wanted = known if names == ("all",) else list(names)
    for name in wanted:
        if name not in known:
            raise SegError(
                f"{name}: no study with published figures; expected one of {listed(name, [*known, 'all'])}"
            )
    same = True
    for name in wanted:
        table = redo(name)
        progress.comparison(table, f"{name}: published and ours")
        print(f"  written to {page(name, table)}")
        same &= not table["verdict"].isin([published.DIFFERS, published.UNKNOWN]).any()
    return 0 if same else 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    return command.execute(__doc__, _studies, arguments)


if __name__ == "__main__":
    sys.exit(main())
