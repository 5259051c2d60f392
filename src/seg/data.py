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

import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from seg.cli import options
from seg.config import folders
from seg.errors import SegError
from seg.sources import locate
from seg.sources.locate import Source

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from seg.config.settings import DatasetSettings
    from seg.preparation.inspection import Report

STATES = {"file": "real file", "sample": "SAMPLE", "generated": "generated", "missing": "missing"}


def list_datasets(overrides: Sequence[str]) -> int:
    """Print every data set, what a run would read, and how to get the real files."""
    table = _table("data set", "kind", "state", "what it is, where it is, how to get it", lines=True)
    for name in folders.choices("dataset"):
        dataset, data_dir = _described(name, overrides)
        try:
            source = _located(dataset, data_dir)
        except SegError as error:
            source = Source(name, "missing", (), str(error).splitlines()[0])
        files = ", ".join(map(source.shown, source.all_paths[:3])) or source.expected or "made in memory"
        where = f"expected: {_expected(dataset, data_dir)}" if source.kind == "sample" else f"read: {files}"
        lines = [folders.summary("dataset", name), where, f"to get it: {dataset.source}"]
        _add(table, name, dataset.kind, STATES[source.kind], "\n".join(lines))
    _console().print(table)
    return 0


def check(overrides: Sequence[str]) -> int:
    """Read a data set as a run would and print what is in it; 1 when a run could not use it."""
    cfg = _composed(_with_dataset("check", overrides), bad_rows="skip")
    from seg.config import load
    from seg.pipeline.check import check_parts

    checked = load.settings(cfg)
    check_parts(checked)
    source = _located(checked.dataset, checked.data_dir)
    console = _console()
    if source.kind == "sample":
        _print(console, f"{_sample_warning(checked.dataset)}\n", "bold red")
    _print_facts(console, _where(checked.dataset, checked.data_dir, source))
    try:
        report = _inspected(cfg, checked.dataset, source)
    except SegError as error:
        text = _without_look(str(error))
        if not _print_proposal(console, overrides, checked.dataset, source, text):
            raise type(error)(text) from None
        return 1
    _print_report(console, report, checked.dataset.currency)
    verdict = "; ".join(report.problems) or "ok"
    if source.kind == "sample":
        verdict += ", for SAMPLE DATA: the real file was not read"
    _print_facts(console, [("verdict", verdict)])
    if len(report.rejects):
        _print_proposal(console, overrides, checked.dataset, source)
    return 1 if report.problems else 0


def fetch(overrides: Sequence[str]) -> int:
    """Download the files of a data set to where a run looks for them."""
    force = "force=true" in overrides
    overrides = _with_dataset("fetch", [text for text in overrides if text != "force=true"])
    from seg.config import load

    checked = load.settings(_composed(overrides))
    dataset, console = checked.dataset, _console()
    present = _present(checked.dataset, checked.data_dir)
    if present and not force:
        again = "; pass force=true to download it again" if getattr(dataset, "fetch", None) else ""
        _print(console, f"{dataset.name}: {present[0]} exists, nothing was downloaded{again}")
        return 0
    if not dataset.files:
        _print(console, f"{dataset.name}: nothing to download, it is {dataset.source}")
        return 0
    fetch_options = _fetched_from(checked.dataset, checked.data_dir)
    folder = Path(checked.data_dir) / dataset.name
    if "hub" in fetch_options:
        return _fetch_from_hub(checked.dataset.name, fetch_options, folder, console, overrides)
    from seg.sources import archive

    _print(console, f"{dataset.name}: downloading {fetch_options['url']}")
    with archive.progress() as progress:
        path = archive.fetch(
            fetch_options["url"], fetch_options["sha256"], fetch_options["member"], folder, progress
        )
    _print(console, f"{dataset.name}: {path}, {path.stat().st_size:,} bytes, checksum as expected")
    read = _present(checked.dataset, checked.data_dir)
    if path not in read:
        choose = f"dataset.path={shlex.quote(str(path))}"
        _print(
            console, f"a run reads {read[0] if read else 'none'} instead: choose the new file with {choose}"
        )
    _print(console, f"next: seg data check {shlex.join(overrides)}")
    return 0


def _fetch_from_hub(dataset: str, fetch_options: dict, folder: Path, console: Console, overrides) -> int:
    from seg.sources import hugging_face

    files = fetch_options["files"]
    _print(console, f"{dataset}: downloading {' and '.join(files)} of {fetch_options['hub']}")
    for path in hugging_face.fetch(fetch_options["hub"], files, folder, fetch_options["chosen_by"]):
        _print(console, f"{dataset}: {path}, {path.stat().st_size:,} bytes")
    _print(console, f"next: seg data check {shlex.join(overrides)}")
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
        _print(_console(), f"{path}: {path.stat().st_size:,} bytes, synthetic")
    _print(
        _console(),
        f"next: seg data check dataset=amazon_reviews dataset.path={shlex.quote(str(reviews))}",
    )
    return 0


def explore(overrides: Sequence[str]) -> int:
    """Write a page and tables about a data set before clustering."""
    from seg.cli import look

    return look.explore(_with_dataset("explore", overrides))


def rfm(overrides: Sequence[str]) -> int:
    """Write the customers of a data set with the scores and names of rule-based RFM."""
    from seg.cli import look

    return look.rfm(_with_dataset("rfm", overrides))


def glossary(overrides: Sequence[str]) -> int:
    """Print every feature with its unit, meaning and the columns it needs."""
    if overrides:
        raise SegError(f"glossary: got {' '.join(overrides)}, expected nothing after it")
    from seg.features import catalogue

    table = _table("feature", "unit", "meaning", "needs")
    for row in catalogue().itertuples(index=False):
        _add(table, *row)
    _console().print(table)
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


# ---- from options to settings and files --------------------------------------------------------------------


def _composed(overrides: Sequence[str], bad_rows: str | None = None) -> DictConfig:
    """Compose the configuration as ``seg run`` does, without starting a run."""
    from seg.config.compose import compose

    cfg = compose(overrides)
    from seg.config.settings import BAD_ROWS
    from seg.sources.reading_options import is_share

    # Values that are no choice stay, to be refused.
    if (
        bad_rows
        and cfg.dataset.get("bad_rows") in BAD_ROWS
        and is_share(cfg.dataset.get("bad_rows_limit", 1.0))
    ):
        cfg.dataset.bad_rows = bad_rows
        from omegaconf import open_dict

        with open_dict(cfg):
            cfg.dataset.bad_rows_limit = 1.0
    return cfg


def _described(name: str, overrides: Sequence[str]) -> tuple[DatasetSettings | SimpleNamespace, str]:
    """Return the section of a data set, and the folder of real files.

    Without overrides the YAML file of one of seg's data sets is enough: composing all of them with Hydra takes a second.
    """
    path = folders.config_file("dataset", name)
    if overrides or not path.is_relative_to(folders.CONFIGS):
        from seg.config import load

        checked = load.settings(_composed([f"dataset={name}", *overrides]))
        return checked.dataset, checked.data_dir
    from omegaconf import OmegaConf

    from seg.config import data_names

    data_names.register()
    data_dir = os.environ.get("SEG_DATA_DIR") or str(folders.home() / "datasets")
    cfg = OmegaConf.create({"dataset": OmegaConf.load(path), "data_dir": data_dir})
    for key in ("load", "defaults"):
        del cfg.dataset[key]
    section = OmegaConf.to_container(cfg, resolve=True)["dataset"]
    section["tables"] = {key: SimpleNamespace(**one) for key, one in section.get("tables", {}).items()}
    return SimpleNamespace(**section), data_dir


def _with_dataset(command: str, overrides: Sequence[str]) -> list[str]:
    """Raise a `SegError` if no data set is named: the default of a run is generated data."""
    if not any(text.lstrip("+").startswith(("dataset=", "experiment=")) for text in overrides):
        names = ", ".join(folders.choices("dataset"))
        from seg.config.overrides import own_file

        hint = next(filter(None, map(own_file, overrides)), "")
        raise SegError(f"{command}: which data set? Expected dataset=<name>, one of {names}{hint}")
    return list(overrides)


def _located(dataset: DatasetSettings | SimpleNamespace, data_dir: str) -> Source:
    return locate.of(dataset, data_dir)


def _present(dataset: DatasetSettings, data_dir: str) -> tuple[Path, ...]:
    """List the real files in the data folder that a run would read, or that a download has put there."""
    fetch_options = getattr(dataset, "fetch", None) or {}
    if "hub" in fetch_options:
        folder = Path(data_dir) / dataset.name
        paths = tuple(folder / Path(file).name for file in fetch_options["files"])
        return paths if all(path.is_file() for path in paths) else ()
    try:
        return locate.find(dataset.name, data_dir, dataset.files).paths
    except SegError:
        return ()


def _expected(dataset: DatasetSettings | SimpleNamespace, data_dir: str) -> str:
    return f"{Path(data_dir) / dataset.name}: {' or '.join(dataset.files)}"


def _fetched_from(dataset: DatasetSettings, data_dir: str) -> dict:
    fetch_options = getattr(dataset, "fetch", None)
    if not fetch_options:
        searched = f"a run searches {_expected(dataset, data_dir)}"
        raise SegError(f"dataset={dataset.name}: cannot be downloaded: {dataset.source}; {searched}")
    if "hub" in fetch_options:
        return fetch_options
    missing = [key for key in ("url", "sha256", "member") if not fetch_options.get(key)]
    if missing:
        raise SegError(f"dataset.fetch.{missing[0]}: is required; set it in the YAML file of the data set")
    return {key: str(fetch_options[key]) for key in ("url", "sha256", "member")}


def _inspected(cfg: DictConfig, dataset: DatasetSettings, source: Source) -> Report:
    """Read and measure a data set as a run would read it."""
    from seg.config.compose import instantiate_parts
    from seg.pipeline.check import provides
    from seg.preparation.inspection import inspect, names_in_files

    parts = instantiate_parts(cfg)
    with parts.connect() as engine:
        loaded, declared = parts.load(engine, source), provides(dataset)
        return inspect(engine, loaded, dataset.kind, declared, names_in_files(dataset))


# ---- what people see ---------------------------------------------------------------------------------------


def _console() -> Console:
    """Return a console as wide as the terminal; for a file or a pipe, as wide as any table."""
    console = Console()
    return console if console.is_terminal else Console(width=400)


def _table(*columns: str, lines: bool = False) -> Table:
    """Build a table whose last column takes the remaining width."""
    table = Table(header_style="bold", show_lines=lines)
    for name in columns:
        justify = "right" if name == "missing" else "left"
        table.add_column(name, overflow="fold", justify=justify, no_wrap=lines and name != columns[-1])
    return table


def _add(table: Table, *cells: str) -> None:
    table.add_row(*[escape(str(cell)) for cell in cells])


def _print(console: Console, text: str, style: str | None = None) -> None:
    console.print(text, style=style, markup=False, highlight=False, soft_wrap=True)


def _print_facts(console: Console, lines: Sequence[tuple[str, str]]) -> None:
    for name, text in lines:
        _print(console, f"{name:<12} {text}")


def _print_report(console: Console, report: Report, currency: str | None) -> None:
    from seg.preparation.inspection import facts

    _print_facts(console, facts(report, currency))
    table = _table("in the files", "in seg", "type", "missing", "verdict")
    for column in report.columns:
        share = f" ({column.missing / report.rows:.1%})" if column.missing else ""
        _add(table, column.source, column.name, column.kind, f"{column.missing:,}{share}", column.verdict)
    console.print(table)


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
        cfg = _composed([*overrides, *proposal.overrides], bad_rows="skip")
        with_them = load.settings(cfg)
        check_parts(with_them)
        report = _inspected(cfg, with_them.dataset, source)
    except SegError as failed:
        nearest = (
            f"; nearest: {' '.join(proposal.options)}\n  {_without_look(str(failed).splitlines()[0])}"
            if proposal.options
            else ""
        )
        _print(console, f"no options were found that read the file{nearest}")
    for note in proposal.notes:
        _print(console, f"look at      {note}")
    if report is None or not proposal.options:
        return True
    _print(
        console,
        f"{'the file looks like' if report.problems else 'read it with'}\n  {' '.join(proposal.options)}\n",
        "bold",
    )
    _print_facts(console, facts(report, with_them.dataset.currency))
    if report.problems:
        _print_facts(console, [("verdict", "; ".join(report.problems))])
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
    expected = [("expected", _expected(dataset, data_dir))] if source.kind == "sample" else []
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
    sys.exit(main())
