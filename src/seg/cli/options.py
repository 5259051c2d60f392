"""What the commands beside seg.run share: options as key=value, exit codes, how an error is said."""

from __future__ import annotations

import contextlib
import signal
import sys
from collections.abc import Callable, Mapping, Sequence

from hydra.errors import HydraException

from seg.config import load
from seg.config.overrides import explain
from seg.errors import SegError, listed


def execute(doc: str, action: Callable[..., int], arguments: Sequence[str] | None = None) -> int:
    """Run a command; 0 when all is well, 1 for what the user can mend, 130 when interrupted.

    Parameters
    ----------
    doc : str
        Printed for ``--help``, and when nothing is given.
    action : callable
        From the arguments, one by one, to an exit code.
    arguments : sequence of str, optional
        Those of the process when left out.
    """
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    if not arguments or {"--help", "-h"} & set(arguments):
        print(doc.strip())
        return 0 if arguments else 1
    with contextlib.suppress(ValueError):  # only the main thread may listen
        signal.signal(signal.SIGTERM, _interrupt)
    try:
        load.prepare_environment()
        return action(*arguments)
    except KeyboardInterrupt:
        print("interrupted: nothing was left behind", file=sys.stderr)
        return 130
    except HydraException as error:
        explained = explain(error)
        # Hydra's own advice is about its sweeps; there are none here.
        if explained.startswith("Ambiguous value"):
            explained = f"{explained.splitlines()[0]}: one value at a time; quote a text that has a comma"
        return _failed(explained)
    except (SegError, OSError) as error:
        return _failed(error)


def one_of(commands: Mapping[str, Callable[[Sequence[str]], int]]) -> Callable[..., int]:
    """Make the action of a command that has several: its first argument names one, the others are that one's own.

    The action raises a `SegError` for a name that is none of them.
    """

    def act(name: str, *arguments: str) -> int:
        if name not in commands:
            raise SegError(f"{name}: unknown command; expected one of {listed(name, commands)}, or --help")
        return commands[name](arguments)

    return act


def options(
    arguments: Sequence[str], known: Mapping[str, str | None]
) -> tuple[dict[str, str | None], list[str]]:
    """Part a command's own options from the overrides of a run.

    Parameters
    ----------
    arguments : sequence of str
        As ``key=value``.
    known : mapping of str to str or None
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
    own, overrides = dict(known), []
    for argument in arguments:
        key, equals, value = argument.partition("=")
        if not equals:
            raise SegError(
                f"{argument}: expected key=value, such as {listed(key, [f'{name}=...' for name in known])}"
            )
        if key in known:
            own[key] = value
        else:
            overrides.append(argument)
    return own, overrides


def value(overrides: Sequence[str], key: str) -> str | None:
    """Find the value that overrides give a key; the last one counts."""
    found = [text.partition("=")[2] for text in overrides if text.partition("=")[0] == key]
    return found[-1] if found else None


def _failed(error: object) -> int:
    print(f"error: {error}", file=sys.stderr)
    return 1


def _interrupt(signum, frame) -> None:
    raise KeyboardInterrupt(f"signal {signum}")
