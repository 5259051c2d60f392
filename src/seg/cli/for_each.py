"""One command for many brands: ``{name}`` in its options stands for the name of each; one that fails does not stop the others."""

from __future__ import annotations

import glob
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from seg.cli import options
from seg.errors import SegError

PLACE = "{name}"
FILES = ("input", "dataset.path")  # options that may name the files of the brands
WORST = (70, 1, 3, 0)  # exit codes: a bug, an error, drift, all is well


def named(action: Callable[..., int]) -> Callable[..., int]:
    """Return the action of a command that is done for each brand where its options hold ``{name}``, and once otherwise.

    The names are those of ``each=brand_a,brand_b``, or what the files that match ``input=orders/{name}.csv`` have in that place.
    """

    def act(*arguments: str) -> int:
        values = [text.partition("=")[2] for text in arguments if text.startswith("each=")]
        others = [text for text in arguments if not text.startswith("each=")]
        if not any(PLACE in text for text in others):
            if values:
                raise SegError(
                    f"each={values[-1]}: no option holds {PLACE}, such as input=orders/{PLACE}.csv"
                )
            return action(*others)
        names = _listed(values[-1]) if values else _matching(others)
        _check_output(others, names)
        return several({name: (action, [text.replace(PLACE, name) for text in others]) for name in names})

    return act


def several(tasks: dict[str, tuple[Callable[..., int], Sequence[str]]]) -> int:
    """Do one task after another, whatever becomes of those before.

    Parameters
    ----------
    tasks : dict of str to (callable, sequence of str)
        From a name for people to an action, which returns an exit code, and its arguments.

    Returns
    -------
    int
        The worst exit code; of a single task its own.

    Raises
    ------
    SegError
        Of a single task.
    """
    if len(tasks) == 1:
        action, arguments = next(iter(tasks.values()))
        return action(*arguments)
    codes = {}
    for name, (action, arguments) in tasks.items():
        codes[name] = options.attempt(action, arguments, f"{name}: ")
    failed = [name for name, code in codes.items() if code in (1, 70)]
    alerts = [name for name, code in codes.items() if code == 3]
    texts = [f"{len(codes)} in all, {len(codes) - len(failed)} done"]
    texts += [f"failed: {', '.join(failed)}"] if failed else []
    texts += [f"exit code 3: {', '.join(alerts)}"] if alerts else []
    print("; ".join(texts), file=sys.stderr)
    return next(code for code in WORST if code in codes.values())


def jobs_of(references: str) -> list[dict] | list[str]:
    """Return the runs that ``run=`` names: several with commas, or the notes of the jobs of a sweep by its directory.

    Raises
    ------
    SegError
        No job of the sweep has finished.
    """
    from seg.cli.sweeps import notes

    folder = Path(references).expanduser()
    if notes.read(folder / notes.SWEEP) is None:
        return references.split(",")
    done = [note for note in notes.jobs(folder) if note.get("run_id")]
    if not done:
        raise SegError(
            f"run={references}: no job of this sweep has finished; start the sweep again, finished jobs are skipped"
        )
    return done


def _listed(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",")]
    if not all(re.fullmatch(r"[\w.-]+", name) and name.strip(".") for name in names):
        raise SegError(f"each={text}: expected names with commas between, such as each=brand_a,brand_b")
    return list(dict.fromkeys(names))


def _matching(arguments: Sequence[str]) -> list[str]:
    """Return the names of the brands whose files match."""
    patterns = [text for text in arguments if text.partition("=")[0] in FILES and PLACE in text]
    if not patterns:
        raise SegError(
            f"{PLACE}: expected it in input= or dataset.path= too, or the names as each=brand_a,brand_b"
        )
    pattern = patterns[0].partition("=")[2]
    if "://" in pattern:
        raise SegError(
            f"{pattern}: seg does not list the files of an address; the names for {PLACE} are needed; expected each=brand_a,brand_b"
        )
    shape = (
        re.escape(pattern)
        .replace(re.escape(PLACE), "(?P<name>[^/]+)", 1)
        .replace(re.escape(PLACE), "(?P=name)")
    )
    matches = [
        re.fullmatch(shape, path)
        for path in sorted(glob.glob(PLACE.join(map(glob.escape, pattern.split(PLACE))).replace(PLACE, "*")))
    ]
    names = [match["name"] for match in matches if match]
    if not names:
        raise SegError(
            f"{pattern}: no file matches; expected a file for each brand, with its name in the place of {PLACE}"
        )
    return names


def _check_output(arguments: Sequence[str], names: Sequence[str]) -> None:
    """Refuse an output that every brand would write to."""
    for text in arguments:
        if text.startswith("output=") and PLACE not in text and len(names) > 1:
            raise SegError(
                f"{text}: {len(names)} brands would write to it; expected {PLACE} in it, such as output=out/{PLACE}.parquet"
            )
