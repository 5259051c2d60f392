"""Look at the data before a run: which files a run would read, whether they can be read, how to get them.

    seg data list                          every data set, and the file that a run would read
    seg data check dataset=flo             rows, dates, revenue and every column; seconds
    seg data fetch dataset=online_retail   download, check and unzip; needs the internet
    seg data fetch dataset=amazon_reviews dataset.category=Electronics      27 GB from Hugging Face
    seg data generate dataset=amazon_reviews rows=43886944 to=folder seed=0  synthetic files of the real shape; 3 minutes
    seg data explore dataset=online_retail to=folder     a page and tables about the data before clustering
    seg data rfm dataset=online_retail to=folder         customers by rule-based RFM: scores, names, counts
    seg data glossary                      every feature that a recipe may name

Options are those of seg run: data_dir=/data, dataset.path=orders.csv, dataset.columns.customer_id=cust, ...
A file that exists is not downloaded again, unless you pass force=true. The exit code is 0 when all is well, 1
when data or options are wrong, 130 when interrupted; an interrupted or failed download leaves nothing behind.
"""

# Libraries for tables and the modules that use them are imported inside the functions: `list` and errors need none of them.

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from seg.cli import data_request, data_screen, options, own_end
from seg.config import folders
from seg.errors import SegError
from seg.sources import locate
from seg.sources.locate import Source

if TYPE_CHECKING:
    from seg.config.settings import DatasetSettings

STATES = {"file": "real file", "sample": "SAMPLE", "generated": "generated", "missing": "missing"}


def list_datasets(overrides: Sequence[str]) -> int:
    """Print every data set, what a run would read, and how to get the real files."""
    table = data_screen.table(
        "data set", "kind", "state", "what it is, where it is, how to get it", lines=True
    )
    for name in folders.choices("dataset"):
        dataset, data_dir = data_request.described(name, overrides)
        try:
            source = locate.of(dataset, data_dir)
        except SegError as error:
            source = Source(name, "missing", (), str(error).splitlines()[0])
        files = ", ".join(map(source.shown, source.all_paths[:3])) or source.expected or "made in memory"
        where = (
            f"expected: {data_request.expected(dataset, data_dir)}"
            if source.kind == "sample"
            else f"read: {files}"
        )
        lines = [folders.summary("dataset", name), where, f"to get it: {dataset.source}"]
        data_screen.add_row(table, name, dataset.kind, STATES[source.kind], "\n".join(lines))
    data_screen.console().print(table)
    return 0


def check(overrides: Sequence[str]) -> int:
    """Read a data set as a run would and print what is in it; 1 when a run could not use it."""
    cfg = data_request.composed(data_request.with_dataset("check", overrides), bad_rows="skip")
    from seg.config import load
    from seg.pipeline.check import check_parts

    checked = load.settings(cfg)
    check_parts(checked)
    source = locate.of(checked.dataset, checked.data_dir)
    console = data_screen.console()
    if source.kind == "sample":
        data_screen.show(console, f"{_sample_warning(checked.dataset)}\n", "bold red")
    data_screen.show_facts(console, _where(checked.dataset, checked.data_dir, source))
    try:
        report = data_request.inspected(cfg, checked.dataset, source)
    except SegError as error:
        text = _without_look(str(error))
        if not _print_proposal(console, overrides, checked.dataset, source, text):
            raise type(error)(text) from None
        return 1
    data_screen.show_report(console, report, checked.dataset.currency)
    verdict = "; ".join(report.problems) or "ok"
    if source.kind == "sample":
        verdict += ", for SAMPLE DATA: the real file was not read"
    data_screen.show_facts(console, [("verdict", verdict)])
    if len(report.rejects):
        _print_proposal(console, overrides, checked.dataset, source)
    return 1 if report.problems else 0


def fetch(overrides: Sequence[str]) -> int:
    """Download the files of a data set to where a run looks for them."""
    force = "force=true" in overrides
    overrides = data_request.with_dataset("fetch", [text for text in overrides if text != "force=true"])
    from seg.config import load

    checked = load.settings(data_request.composed(overrides))
    dataset, console = checked.dataset, data_screen.console()
    present = data_request.present(checked.dataset, checked.data_dir)
    if present and not force:
        again = "; pass force=true to download it again" if getattr(dataset, "fetch", None) else ""
        data_screen.show(console, f"{dataset.name}: {present[0]} exists, nothing was downloaded{again}")
        return 0
    if not dataset.files:
        data_screen.show(console, f"{dataset.name}: nothing to download, it is {dataset.source}")
        return 0
    fetch_options = data_request.download(checked.dataset, checked.data_dir)
    folder = Path(checked.data_dir) / dataset.name
    if "hub" in fetch_options:
        return _fetch_from_hub(checked.dataset.name, fetch_options, folder, console, overrides)
    from seg.sources import archive

    data_screen.show(console, f"{dataset.name}: downloading {fetch_options['url']}")
    with archive.progress() as progress:
        path = archive.fetch(
            fetch_options["url"], fetch_options["sha256"], fetch_options["member"], folder, progress
        )
    data_screen.show(console, f"{dataset.name}: {path}, {path.stat().st_size:,} bytes, checksum as expected")
    read = data_request.present(checked.dataset, checked.data_dir)
    if path not in read:
        choose = f"dataset.path={shlex.quote(str(path))}"
        data_screen.show(
            console, f"a run reads {read[0] if read else 'none'} instead: choose the new file with {choose}"
        )
    data_screen.show(console, f"next: seg data check {shlex.join(overrides)}")
    return 0


def _fetch_from_hub(dataset: str, fetch_options: dict, folder: Path, console: Console, overrides) -> int:
    from seg.sources import hugging_face

    files = fetch_options["files"]
    data_screen.show(console, f"{dataset}: downloading {' and '.join(files)} of {fetch_options['hub']}")
    for path in hugging_face.fetch(fetch_options["hub"], files, folder, fetch_options["chosen_by"]):
        data_screen.show(console, f"{dataset}: {path}, {path.stat().st_size:,} bytes")
    data_screen.show(console, f"next: seg data check {shlex.join(overrides)}")
    return 0


def generate(overrides: Sequence[str]) -> int:
    """Write synthetic files of the shape of a data set, at any size."""
    own, rest = options.options(overrides, {"rows": "1000000", "to": "generated/amazon_reviews", "seed": "0"})
    if rest != ["dataset=amazon_reviews"]:
        raise SegError(
            f"generate: got {' '.join(rest) or 'no data set'}, expected dataset=amazon_reviews (the only one that is "
            "generated at any size) and rows=, to=, seed="
        )
    for name in ("rows", "seed"):
        if not own[name].isdecimal():
            raise SegError(f"{name}={own[name]}: expected a whole number, such as {name}=1000000")
    from seg.datasets import synthetic

    reviews, items = synthetic.reviews_like_amazon.write(own["to"], int(own["rows"]), seed=int(own["seed"]))
    for path in (reviews, items):
        data_screen.show(data_screen.console(), f"{path}: {path.stat().st_size:,} bytes, synthetic")
    data_screen.show(
        data_screen.console(),
        f"next: seg data check dataset=amazon_reviews dataset.path={shlex.quote(str(reviews))}",
    )
    return 0


def explore(overrides: Sequence[str]) -> int:
    """Write a page and tables about a data set before clustering."""
    from seg.cli import look

    return look.explore(data_request.with_dataset("explore", overrides))


def rfm(overrides: Sequence[str]) -> int:
    """Write the customers of a data set with the scores and names of rule-based RFM."""
    from seg.cli import look

    return look.rfm(data_request.with_dataset("rfm", overrides))


def glossary(overrides: Sequence[str]) -> int:
    """Print every feature with its unit, meaning and the columns it needs."""
    if overrides:
        raise SegError(f"glossary: got {' '.join(overrides)}, expected nothing after it")
    from seg.features import catalogue

    table = data_screen.table("feature", "unit", "meaning", "needs")
    for row in catalogue().itertuples(index=False):
        data_screen.add_row(table, *row)
    data_screen.console().print(table)
    return 0


COMMANDS = {
    "list": list_datasets,
    "check": check,
    "fetch": fetch,
    "generate": generate,
    "explore": explore,
    "rfm": rfm,
    "glossary": glossary,
}


def _print_proposal(
    console: Console,
    overrides: Sequence[str],
    dataset: DatasetSettings,
    source: Source,
    error: str | None = None,
) -> bool:
    """Print the options that read a file which the settings do not read; False where there are none.

    Parameters
    ----------
    console : Console
    overrides : sequence of str
        What was declared.
    dataset : DatasetSettings
    source : Source
    error : str, optional
        Why the file could not be read, printed before.
    """
    from seg.config import load
    from seg.pipeline.check import check_parts
    from seg.preparation.inspection import facts
    from seg.preparation.proposals import propose

    proposal = propose(dataset, source)
    if proposal is None:
        return False
    if error:
        print(f"error: {error}", file=sys.stderr)
    report = None
    try:
        cfg = data_request.composed([*overrides, *proposal.overrides], bad_rows="skip")
        with_them = load.settings(cfg)
        check_parts(with_them)
        report = data_request.inspected(cfg, with_them.dataset, source)
    except SegError as failed:
        nearest = (
            f"; nearest: {' '.join(proposal.options)}\n  {_without_look(str(failed).splitlines()[0])}"
            if proposal.options
            else ""
        )
        data_screen.show(console, f"no options were found that read the file{nearest}")
    for note in proposal.notes:
        data_screen.show(console, f"look at      {note}")
    if report is None or not proposal.options:
        return True
    data_screen.show(
        console,
        f"{'the file looks like' if report.problems else 'read it with'}\n  {' '.join(proposal.options)}\n",
        "bold",
    )
    data_screen.show_facts(console, facts(report, with_them.dataset.currency))
    if report.problems:
        data_screen.show_facts(console, [("verdict", "; ".join(report.problems))])
    return True


def _without_look(text: str) -> str:
    """Return an error without the advice to run the command that prints it."""
    from seg.engine.files import LOOK

    return text.replace(f"; {LOOK}", "")


def _where(dataset: DatasetSettings, data_dir: str, source: Source) -> list[tuple[str, str]]:
    if source.kind == "generated":
        return [("read", f"made in memory: {dataset.source}")]
    sizes = [
        "" if isinstance(path, str) else f" ({path.stat().st_size:,} bytes)" for path in source.all_paths[:3]
    ]
    shown = [f"{source.shown(path)}{size}" for path, size in zip(source.all_paths[:3], sizes, strict=True)]
    more = [f"and {len(source.all_paths) - 3} more"] if len(source.all_paths) > 3 else []
    expected = [("expected", data_request.expected(dataset, data_dir))] if source.kind == "sample" else []
    return [("read", ", ".join([*shown, *more])), *expected]


def _sample_warning(dataset: DatasetSettings) -> str:
    return (
        f"SAMPLE DATA: the real file of {dataset.name} is missing. These are synthetic customers: do not draw conclusions. "
        f"To get the real file: {dataset.source}"
    )


# ---- command line ------------------------------------------------------------------------------------------


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; 0 when all is well, 1 for what the user can correct, 130 when interrupted."""
    return options.execute(__doc__, options.one_of(COMMANDS), arguments)


if __name__ == "__main__":
    own_end.run_alone(main)
