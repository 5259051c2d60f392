"""The command `seg`: one entry point for all commands.

A command is imported only when it is asked for, so that ``seg --help`` takes a fraction of a second.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from typing import NoReturn

from seg import __version__
from seg.errors import listed

# Name of the command: its module, which has a function `main(arguments)`, and what the command does.
COMMANDS = {
    "run": ("seg.run", "segment the customers of a data set, or run a sweep (-m)"),
    "compare": ("seg.compare.__main__", "rank the runs of a data set, promote one of them"),
    "score": ("seg.score.__main__", "score new customers with a trained model"),
    "migrate": ("seg.migrate", "show who moved between segments, between two days or two models"),
    "retrain": ("seg.retrain", "train a champion again on today's data, promote it if it is not worse"),
    "outlook": ("seg.outlook.__main__", "forecast what each customer and each segment will do next"),
    "study": ("seg.study", "redo a published segmentation"),
    "track": ("seg.track.__main__", "serve MLflow, upload runs that are missing in it"),
    "export": ("seg.export", "write the tables of a run to files, a database or a bucket"),
    "dashboard": ("seg.dashboard", "look at exported tables in the browser, on this machine"),
    "data": ("seg.data", "list, check, fetch and explore data sets; RFM scores; the glossary of features"),
}
EXAMPLES = """\
examples:
  seg run dataset=toy k=4
  seg run dataset=transactions dataset.path=orders.csv dataset.columns.customer_id=cust
  seg compare dataset=toy html=compare.html
  seg data list"""


def usage() -> str:
    """Return the text of ``seg --help``."""
    width = max(map(len, COMMANDS))
    lines = [f"  {name:<{width}}  {what}" for name, (_, what) in COMMANDS.items()]
    return "\n".join(
        [
            "usage: seg <command> [options]",
            "",
            "Customer segments you can trust and act on, with every run comparable.",
            "",
            "commands:",
            *lines,
            "",
            "seg <command> --help shows the options of a command; python -m seg.<command> is the same command.",
            "--config-dir DIR (or SEG_CONFIGS) adds a folder of your own configs, SEG_HOME moves runs, cache and store.",
            "seg --version prints the version.",
            "",
            EXAMPLES,
        ]
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; 0 when all is well, 1 for what the user can correct, 130 when interrupted."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    if not arguments or arguments[0] in ("--help", "-h", "help"):
        print(usage())
        return 0 if arguments else 1
    name, *rest = arguments
    if name in ("--version", "-V"):
        print(f"seg {__version__}")
        return 0
    if name not in COMMANDS:
        expected = listed(name, COMMANDS)
        hint = f"; options follow the command: seg run {name}" if "=" in name else "; see seg --help"
        print(f"error: seg {name}: unknown command; expected one of {expected}{hint}", file=sys.stderr)
        return 1
    # Parts and plugins of the user's own may lie in the current folder; last, so that no file there takes the place of a library.
    if "" not in sys.path:
        sys.path.append("")
    return importlib.import_module(COMMANDS[name][0]).main(rest)


def command() -> NoReturn:
    """Run `seg` as a process of its own: what the installed script calls."""
    from seg.cli import own_end

    own_end.run_alone(main)
