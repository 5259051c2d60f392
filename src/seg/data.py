"""Look at the data before a run: what is there, whether it can be read, how to get it.

    python -m seg.data list                          every data set, and what a run would read
    python -m seg.data check dataset=flo             rows, dates, revenue and every column; seconds
    python -m seg.data fetch dataset=online_retail   download, checksum, unzip; needs the internet
    python -m seg.data fetch dataset=amazon_reviews dataset.category=Electronics      27 GB from Hugging Face
    python -m seg.data generate dataset=amazon_reviews rows=43886944 to=folder seed=0  invented, of the real shape; 3 minutes
    python -m seg.data explore dataset=online_retail to=folder     a page and tables about the data before clustering
    python -m seg.data rfm dataset=online_retail to=folder         customers by rule-based RFM: scores, names, counts
    python -m seg.data glossary                      every feature that a recipe may name

Options are those of seg.run: data_dir=/data, dataset.path=orders.csv, dataset.columns.customer_id=cust, ...
A file that is there already is not fetched again, but for force=true. The exit code is 0 when all is well, 1
when data or options are wrong, 130 when interrupted; an interrupted or failed fetch leaves nothing behind.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from omegaconf import DictConfig, open_dict
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from seg.cli import look
from seg.cli import options as command
from seg.config import compose, load
from seg.config.settings import Settings
from seg.datasets import synthetic
from seg.errors import SegError
from seg.pipeline.check import check_parts, provides
from seg.preparation.inspection import Report, facts, inspect, names_in_files
from seg.preparation.proposals import propose
from seg.sources import archive, hugging_face, locate
from seg.sources.locate import Source

STATES = {"file": "real file", "sample": "SAMPLE", "generated": "generated", "missing": "missing"}


def list_datasets(overrides: Sequence[str]) -> int:
    """Print every data set, what a run would read of it, and how to get the real files."""
    table = _table("data set", "kind", "there is", "what it is, where it is, how to get it", lines=True)
    for name in load.choices("dataset"):
        checked = load.settings(_composed([f"dataset={name}", *overrides]))
        dataset = checked.dataset
        try:
            source = _find(checked)
        except SegError as error:
            source = Source(name, "missing", (), str(error).splitlines()[0])
        found = ", ".join(map(str, source.all_paths[:3])) or source.expected or "made in memory"
        where = f"expected: {_expected(checked)}" if source.kind == "sample" else f"found: {found}"
        lines = [_first_comment(name), where, f"to get it: {dataset.source}"]
        _add(table, name, dataset.kind, STATES[source.kind], "\n".join(lines))
    _console().print(table)
    return 0


def check(overrides: Sequence[str]) -> int:
    """Read a data set as a run would and print what is in it; 1 when a run could not use it."""
    cfg = _composed(_with_dataset("check", overrides), bad_rows="skip")
    checked = load.settings(cfg)
    check_parts(checked)
    source = _find(checked)
    console = _console()
    if source.kind == "sample":
        _say(console, f"{_sample_warning(checked)}\n", "bold red")
    _say_facts(console, _where(checked, source))
    try:
        report = _inspected(cfg, checked, source)
    except SegError as error:
        if not _say_proposal(console, overrides, checked, source, str(error)):
            raise
        return 1
    _say_report(console, report, checked.dataset.currency)
    verdict = "; ".join(report.problems) or "ok"
    if source.kind == "sample":
        verdict += ", for SAMPLE DATA: the real file was not read"
    _say_facts(console, [("verdict", verdict)])
    if len(report.rejects):
        _say_proposal(console, overrides, checked, source)
    return 1 if report.problems else 0


def fetch(overrides: Sequence[str]) -> int:
    """Download the files of a data set to where a run looks for them."""
    force = "force=true" in overrides
    overrides = _with_dataset("fetch", [text for text in overrides if text != "force=true"])
    checked = load.settings(_composed(overrides))
    dataset, console = checked.dataset, _console()
    present = _present(checked)
    if present and not force:
        again = " (force=true fetches it all the same)" if getattr(dataset, "fetch", None) else ""
        _say(console, f"{dataset.name}: {present[0]} is there already, nothing was fetched{again}")
        return 0
    if not dataset.files:
        _say(console, f"{dataset.name}: nothing to fetch, it is {dataset.source}")
        return 0
    what = _fetched_from(checked)
    folder = Path(checked.data_dir) / dataset.name
    if "hub" in what:
        return _fetch_from_hub(checked, what, folder, console, overrides)
    _say(console, f"{dataset.name}: fetching {what['url']}")
    with archive.progress() as progress:
        path = archive.fetch(what["url"], what["sha256"], what["member"], folder, progress)
    _say(console, f"{dataset.name}: {path}, {path.stat().st_size:,} bytes, checksum as expected")
    read = _present(checked)
    if path not in read:
        choose = f"dataset.path={shlex.quote(str(path))}"
        _say(console, f"a run reads {read[0] if read else 'none'} instead: choose the new file with {choose}")
    _say(console, f"next: python -m seg.data check {shlex.join(overrides)}")
    return 0


def _fetch_from_hub(checked: Settings, what: dict, folder: Path, console: Console, overrides) -> int:
    files = what["files"]
    _say(console, f"{checked.dataset.name}: fetching {' and '.join(files)} of {what['hub']}")
    for path in hugging_face.fetch(what["hub"], files, folder, what["chosen_by"]):
        _say(console, f"{checked.dataset.name}: {path}, {path.stat().st_size:,} bytes")
    _say(console, f"next: python -m seg.data check {shlex.join(overrides)}")
    return 0


def generate(overrides: Sequence[str]) -> int:
    """Write invented files of the shape of a data set, at any size."""
    own, rest = command.options(overrides, {"rows": "1000000", "to": "generated/amazon_reviews", "seed": "0"})
    if rest != ["dataset=amazon_reviews"]:
        raise SegError(
            f"generate: got {' '.join(rest) or 'no data set'}, expected dataset=amazon_reviews (the only one that is "
            "generated at any size) and rows=, to=, seed="
        )
    for name in ("rows", "seed"):
        if not own[name].isdecimal():
            raise SegError(f"{name}={own[name]}: expected a whole number, such as {name}=1000000")
    reviews, items = synthetic.reviews_like_amazon.write(own["to"], int(own["rows"]), seed=int(own["seed"]))
    for path in (reviews, items):
        _say(_console(), f"{path}: {path.stat().st_size:,} bytes, invented")
    _say(
        _console(),
        f"next: python -m seg.data check dataset=amazon_reviews dataset.path={shlex.quote(str(reviews))}",
    )
    return 0


def glossary(overrides: Sequence[str]) -> int:
    """Print every feature with its unit, meaning and the columns it needs."""
    from seg.features import catalogue

    if overrides:
        raise SegError(f"glossary: got {' '.join(overrides)}, expected nothing after it")
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
    "explore": look.explore,
    "rfm": look.rfm,
    "glossary": glossary,
}


# ---- from options to settings and files --------------------------------------------------------------------


def _composed(overrides: Sequence[str], bad_rows: str | None = None) -> DictConfig:
    """Compose the configuration as seg.run does, without starting a run."""
    cfg = compose.compose(overrides)
    if bad_rows and "bad_rows" in cfg.dataset:
        cfg.dataset.bad_rows = bad_rows
        with open_dict(cfg):
            cfg.dataset.bad_rows_limit = 1.0
    return cfg


def _with_dataset(command: str, overrides: Sequence[str]) -> list[str]:
    """Insist on a named data set: the default of a run, generated data, is nothing to check or fetch."""
    if not any(text.lstrip("+").startswith(("dataset=", "experiment=")) for text in overrides):
        names = ", ".join(load.choices("dataset"))
        raise SegError(f"{command}: which data set? Expected dataset=<name>, one of {names}")
    return list(overrides)


def _find(checked: Settings) -> Source:
    dataset = checked.dataset
    source = locate.find(dataset.name, checked.data_dir, dataset.files, dataset.path, dataset.sample)
    return locate.with_tables(source, dataset.tables, dataset.source)


def _present(checked: Settings) -> tuple[Path, ...]:
    """List the real files in the data directory that a run would read, or that a fetch has put there."""
    what = getattr(checked.dataset, "fetch", None) or {}
    if "hub" in what:
        folder = Path(checked.data_dir) / checked.dataset.name
        paths = tuple(folder / Path(file).name for file in what["files"])
        return paths if all(path.is_file() for path in paths) else ()
    try:
        return locate.find(checked.dataset.name, checked.data_dir, checked.dataset.files).paths
    except SegError:
        return ()


def _expected(checked: Settings) -> str:
    return f"{Path(checked.data_dir) / checked.dataset.name}: {' or '.join(checked.dataset.files)}"


def _fetched_from(checked: Settings) -> dict:
    dataset = checked.dataset
    what = getattr(dataset, "fetch", None)
    if not what:
        looked = f"a run looks in {_expected(checked)}"
        raise SegError(f"dataset={dataset.name}: cannot be fetched: {dataset.source}; {looked}")
    if "hub" in what:
        return what
    missing = [key for key in ("url", "sha256", "member") if not what.get(key)]
    if missing:
        raise SegError(f"dataset.fetch.{missing[0]}: is needed and was not given")
    return {key: str(what[key]) for key in ("url", "sha256", "member")}


def _first_comment(name: str) -> str:
    """Read what a data set is from the first line of its YAML."""
    first = (load.CONFIGS / "dataset" / f"{name}.yaml").read_text(encoding="utf-8").partition("\n")[0]
    return first.lstrip("# ") if first.startswith("#") else ""


def _inspected(cfg: DictConfig, checked: Settings, source: Source) -> Report:
    """Read and measure a data set as a run would read it."""
    dataset, parts = checked.dataset, compose.instantiate_parts(cfg)
    with parts.connect() as engine:
        loaded, declared = parts.load(engine, source), provides(dataset)
        return inspect(engine, loaded, dataset.kind, declared, names_in_files(dataset))


# ---- what people see ---------------------------------------------------------------------------------------


def _console() -> Console:
    """Print to the width of a terminal; into a file or a pipe as wide as a table is."""
    console = Console()
    return console if console.is_terminal else Console(width=400)


def _table(*columns: str, lines: bool = False) -> Table:
    """Make a table whose last column takes the room that is left."""
    table = Table(header_style="bold", show_lines=lines)
    for name in columns:
        justify = "right" if name == "missing" else "left"
        table.add_column(name, overflow="fold", justify=justify, no_wrap=lines and name != columns[-1])
    return table


def _add(table: Table, *cells: str) -> None:
    table.add_row(*[escape(str(cell)) for cell in cells])


def _say(console: Console, text: str, style: str | None = None) -> None:
    console.print(text, style=style, markup=False, highlight=False, soft_wrap=True)


def _say_facts(console: Console, lines: Sequence[tuple[str, str]]) -> None:
    for name, text in lines:
        _say(console, f"{name:<12} {text}")


def _say_report(console: Console, report: Report, currency: str | None) -> None:
    _say_facts(console, facts(report, currency))
    table = _table("in the files", "in seg", "type", "missing", "verdict")
    for column in report.columns:
        share = f" ({column.missing / report.rows:.1%})" if column.missing else ""
        _add(table, column.source, column.name, column.kind, f"{column.missing:,}{share}", column.verdict)
    console.print(table)


def _say_proposal(
    console: Console, overrides: Sequence[str], checked: Settings, source: Source, error: str | None = None
) -> bool:
    """Print the options that read a file which the settings do not read; False where there are none.

    Parameters
    ----------
    console : Console
    overrides : sequence of str
        What was declared.
    checked : Settings
    source : Source
    error : str, optional
        Why the file could not be read, printed before.
    """
    proposal = propose(checked.dataset, source)
    if proposal is None:
        return False
    if error:
        print(f"error: {error}", file=sys.stderr)
    report = None
    try:
        cfg = _composed([*overrides, *proposal.overrides], bad_rows="skip")
        with_them = load.settings(cfg)
        check_parts(with_them)
        report = _inspected(cfg, with_them, source)
    except SegError as failed:
        _say(
            console,
            f"no options were found that read the file; nearest: {' '.join(proposal.options)}\n  {str(failed).splitlines()[0]}",
        )
    for note in proposal.notes:
        _say(console, f"look at      {note}")
    if report is None:
        return True
    _say(
        console,
        f"{'the file looks like' if report.problems else 'read it with'}\n  {' '.join(proposal.options)}\n",
        "bold",
    )
    _say_facts(console, facts(report, with_them.dataset.currency))
    return True


def _where(checked: Settings, source: Source) -> list[tuple[str, str]]:
    if source.kind == "generated":
        return [("found", f"made in memory: {checked.dataset.source}")]
    shown = [f"{path} ({path.stat().st_size:,} bytes)" for path in source.all_paths[:3]]
    more = [f"and {len(source.all_paths) - 3} more"] if len(source.all_paths) > 3 else []
    expected = [("expected", _expected(checked))] if source.kind == "sample" else []
    return [("found", ", ".join([*shown, *more])), *expected]


def _sample_warning(checked: Settings) -> str:
    dataset = checked.dataset
    return (
        f"SAMPLE DATA: the real file of {dataset.name} is not there. What follows are invented customers; no "
        f"conclusion holds. To get the real file: {dataset.source}"
    )


# ---- command line ------------------------------------------------------------------------------------------


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; 0 when all is well, 1 for what the user can mend, 130 when interrupted."""
    return command.execute(__doc__, command.one_of(COMMANDS), arguments)


if __name__ == "__main__":
    sys.exit(main())
