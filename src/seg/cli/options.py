"""What the commands share: options as key=value, exit codes, error messages."""

from __future__ import annotations

import difflib
import gc
import json
import os
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence

from seg import progress
from seg.cli import interrupts
from seg.config import folders
from seg.config.private import private, resolved
from seg.errors import SegError, listed
from seg.sinks import redaction


def execute(doc: str, action: Callable[..., int], arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Parameters
    ----------
    doc : str
        Printed for ``--help``, and if there are no arguments.
    action : callable
        From the arguments, one by one, to an exit code.
    arguments : sequence of str, optional
        Those of the process when left out.

    Returns
    -------
    int
        0 when all is well, 1 for what the user can correct, 130 when interrupted.
    """
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    show_every_character()
    if not arguments or {"--help", "-h"} & set(arguments):
        print(doc.strip())
        return 0 if arguments else 1
    own_process()
    interrupts.listen()

    def act(*texts: str) -> int:
        remaining = own_configs(texts)
        folders.prepare_environment()
        hide_arguments()
        return action(*map(private, remaining))

    try:
        return attempt(act, arguments)
    except KeyboardInterrupt:
        print("interrupted: nothing was left behind", file=sys.stderr)
        return 130


def attempt(action: Callable[..., int], arguments: Sequence[str], label: str = "") -> int:
    """Run an action; an error that the user can correct is printed, and so is a bug.

    Parameters
    ----------
    action : callable
        From the arguments, one by one, to an exit code.
    arguments : sequence of str
    label : str
        Begins the message.

    Returns
    -------
    int
        Of the action, or 1 or 70 for an error or a bug.
    """
    try:
        return action(*arguments)
    except KeyboardInterrupt:
        raise
    except Exception as error:
        explained = _explained(error)
        if explained is None and not isinstance(error, SegError | OSError):
            from seg.cli import unexpected

            return unexpected.report(error)
        return _failed(f"{label}{explained or error}")
    except BaseException as error:  # of a library in another language, which is no Exception
        if isinstance(error, SystemExit | GeneratorExit):
            raise
        from seg.cli import unexpected

        return unexpected.report(error)


def own_process() -> None:
    """Set up a process that belongs to a command alone.

    Garbage is looked for far less often than by default, since much lives until the end: 7 % less processor time of a run, at the
    same peak of memory (FLO, k = 4). PySpark's warning of pandas 3 stays off the terminal: what seg asks of the two is tested with
    the versions it pins. That is set before any thread starts: a library that loads in one puts back the filters that it found.
    """
    gc.set_threshold(50_000, 10, 10)
    warnings.filterwarnings("ignore", message="PySpark does not yet fully support pandas")


def show_every_character() -> None:
    """Make a terminal of ASCII show other characters by their number, instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def own_configs(arguments: Sequence[str]) -> list[str]:
    """Take ``--config-dir DIR`` out of the arguments; the folder is passed on as ``SEG_CONFIGS``, to other processes too.

    >>> own_configs(["k=4"])
    ['k=4']

    Raises
    ------
    SegError
        The folder is not named.
    """
    remaining, rest = [], list(arguments)
    while rest:
        argument = rest.pop(0)
        flag, equals, folder = argument.partition("=")
        if flag not in ("--config-dir", "-cd"):
            remaining.append(argument)
            continue
        folder = folder if equals else rest.pop(0) if rest else ""
        if not folder:
            raise SegError("--config-dir: expected a folder after it, such as --config-dir my_configs")
        os.environ[folders.OWN] = folder
    return remaining


def one_of(commands: Mapping[str, Callable[[Sequence[str]], int]]) -> Callable[..., int]:
    """Return the action of a command with sub-commands: the first argument names one, the others are passed to it.

    The action raises a `SegError` for an unknown name.
    """

    def act(name: str, *arguments: str) -> int:
        if name not in commands:
            raise SegError(f"{name}: unknown command; expected one of {listed(name, commands)}, or --help")
        return commands[name](arguments)

    return act


def check_choices(own: Mapping[str, str | None], choices: Mapping[str, Sequence[str]]) -> None:
    """Raise a `SegError` that lists the valid values of an option that has another one; None is an option that is not set."""
    for key, valid in choices.items():
        if own[key] not in (None, *valid):
            raise SegError(f"{key}={own[key]}: expected one of {listed(own[key], valid)}")


def options(
    arguments: Sequence[str], defaults: Mapping[str, str | None]
) -> tuple[dict[str, str | None], list[str]]:
    """Separate a command's own options from overrides of the configuration.

    Parameters
    ----------
    arguments : sequence of str
        As ``key=value``.
    defaults : mapping of str to str or None
        The command's own options with their defaults.

    Returns
    -------
    own : dict
    overrides : list of str
        Everything else, in order.

    Raises
    ------
    SegError
        An argument has no ``=``.
    """
    own, overrides = dict(defaults), []
    for argument in arguments:
        key, equals, value = argument.partition("=")
        if not equals:
            raise SegError(
                f"{argument}: expected key=value, such as {listed(key, [f'{name}=...' for name in defaults])}"
            )
        if key in defaults:
            own[key] = resolved(value)
        else:
            _check_spelling(argument, defaults)
            overrides.append(argument)
    return own, overrides


def _check_spelling(argument: str, defaults: Mapping[str, str | None]) -> None:
    """Refuse a key that is nearly one of a command's own and no key of the configuration."""
    key, _, value = argument.partition("=")
    near = difflib.get_close_matches(key, defaults, 1, 0.7) if key.isidentifier() else []
    if not near or key in folders.GROUPS:
        return
    from seg.config.settings import Settings

    if key not in Settings.model_fields:
        raise SegError(f"{argument}: unknown option; do you mean {near[0]}={value}?")


def print_summary(own: Mapping[str, str | None], summary: Mapping) -> bool:
    """Print a summary for programs; False where people read the terminal.

    Parameters
    ----------
    own : mapping of str to str or None
        The options of the command: ``json`` prints the summary alone, ``log=json`` as the last line of the log.
    summary : mapping

    Returns
    -------
    bool
    """
    if own["json"] == "true":
        print(json.dumps(summary, indent=1, ensure_ascii=False))
    elif own["log"] == "json":
        print(progress.info_line("summary", summary=summary))
    else:
        return False
    return True


def value(overrides: Sequence[str], key: str) -> str | None:
    """Return the value that overrides set for a key; the last one counts."""
    values = [text.partition("=")[2] for text in overrides if text.partition("=")[0] == key]
    return resolved(values[-1]) if values else None


def hide_arguments() -> None:
    """Redact what is logged and printed; start this process anew where its arguments show a secret to every user of the machine.

    The secrets go on in the environment, which other users cannot read.
    """
    redaction.install()
    shown, hidden = sys.argv[1:], [private(argument) for argument in sys.argv[1:]]
    # Where something else than Python started it, such as a test, the arguments are not those of the process.
    own = getattr(sys, "orig_argv", [])
    if shown != hidden and own[len(own) - len(shown) :] == shown:
        sys.stdout.flush()
        sys.stderr.flush()
        os.execv(sys.executable, [*own[: len(own) - len(shown)], *hidden])


def _explained(error: Exception) -> str | None:
    """Return the message for an error of Hydra, which is imported only where it is used; None for any other error."""
    if type(error).__module__.partition(".")[0] not in ("hydra", "omegaconf"):
        return None
    from seg.config.overrides import explain

    return explain(error)


def _failed(error: object) -> int:
    print(progress.error_line(str(error)), file=sys.stderr)
    return 1
