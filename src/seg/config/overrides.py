"""Overrides as people type them: quoting for Hydra, secrets moved to the environment, and messages for mistakes."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import (
    ConfigCompositionException,
    HydraException,
    MissingConfigException,
    OverrideParseException,
)
from omegaconf.errors import OmegaConfBaseException

from seg.config.data_names import ENDINGS
from seg.config.folders import GROUPS, choices
from seg.config.private import private
from seg.config.quoting import quoted
from seg.errors import SegError, listed, own_orders

__all__ = ["explain", "own_file", "private", "readable"]


def readable(argument: str) -> str:
    """Quote the value of an override that Hydra's grammar cannot parse, such as ``delimiter=;`` or a path with brackets.

    >>> readable("dataset.delimiter=;")
    "dataset.delimiter=';'"
    """
    key, equals, value = argument.partition("=")
    if not equals or argument.startswith("-"):
        return argument
    if not key.strip("+~"):
        raise SegError(f"{argument}: has no key; expected key=value, such as k=4")
    _check_value(key.lstrip("+"), value.strip("'\""))
    parser = OverridesParser.create()
    as_text = f"{key}={quoted(value)}"
    plain = _is_text(key.lstrip("+"), value)
    for candidate in (as_text,) if plain else (argument, as_text):
        try:
            parser.parse_override(candidate)
            return candidate
        except HydraException:
            # An unclosed list is a mistake, not a text.
            if value.startswith(("[", "{")):
                break
    return argument


def _is_text(key: str, value: str) -> bool:
    """Return True for a value that is one text whatever signs it has: SQL, a date format, the name of a column.

    Hydra's grammar takes a comma for several values, brackets for a list, parentheses for a function and digits for a number.
    """
    if value.startswith(("'", '"', "${")) or value == "null":
        return False
    if key in ("dataset.query", "dataset.date_format"):
        return True
    named = key.startswith("dataset.columns.") or key in (
        "dataset.id",
        "dataset.sheet",
        "dataset.value",
        "by",
    )
    # Without a blank behind it a comma may part the values of a sweep; a column may be called 2024 or true.
    return named and bool(re.search(r", |[][(){}]|^[+-]?[0-9][0-9._eE]*$|^(?i:true|false|nan|inf)$", value))


def _check_value(key: str, value: str) -> None:
    """Refuse a choice that leads out of its group, and a directory without a name."""
    if key in GROUPS and (".." in value.split("/") or value.startswith("/")):
        raise SegError(f"{key}={value}: unknown; expected one of {listed(value, choices(key))}")
    if key in ("hydra.run.dir", "hydra.sweep.dir") and not value:
        raise SegError(f"{key}= is empty (is a variable not set?): expected a directory")


def explain(error: Exception, arguments: Sequence[str] | None = None, sweeps: bool = False) -> str | None:
    """Return what is wrong with an override: the key, the value, what is valid.

    Parameters
    ----------
    error : Exception
        Raised by Hydra, OmegaConf or the file system.
    arguments : sequence of str, optional
        The overrides; those of the command line when left out.
    sweeps : bool
        Whether the command has sweeps.

    Returns
    -------
    str or None
        None for an error that is not about an override.
    """
    if isinstance(error, MissingConfigException) and error.missing_cfg_file:
        group, name = _choice(str(error.missing_cfg_file))
        hint = own_file(name) if group == "dataset" else ""
        return (
            f"{group}={name}: unknown; expected one of {listed(name, error.options or choices(group))}{hint}"
        )
    if isinstance(error, OverrideParseException):
        reason = str(error).splitlines()[0]
        if "=" not in error.override:
            return (
                f"{error.override}: has no value; expected key=value, such as k=4{own_file(error.override)}"
            )
        if error.override.startswith("-"):
            return (
                f"{error.override}: options are written without dashes, such as {error.override.lstrip('-')}"
            )
        return f"{error.override}: cannot be read as key=value ({reason}); close the brackets, or quote the value"
    if isinstance(error, ConfigCompositionException):
        cause = error.__cause__
        if isinstance(cause, OmegaConfBaseException) and cause.parent_node is not None:
            key = str(cause.full_key)
            section = key.rpartition(".")[0]
            keys = [f"{section}.{name}".strip(".") for name in cause.parent_node if name != "hydra"]
            override = next(
                (
                    text
                    for text in (sys.argv[1:] if arguments is None else arguments)
                    if text.partition("=")[0] == key
                ),
                key,
            )
            return f"{override}: unknown key; {_in_a_section(key, cause.parent_node)}expected one of {listed(key, keys)}"
        return _several(str(error), sweeps) or str(error)
    if isinstance(error, HydraException):
        return _several(str(error), sweeps) or str(error)
    if isinstance(error, OmegaConfBaseException):
        return f"configuration: {str(error).splitlines()[0]}; a key that seg needs was removed or replaced: leave that override out"
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {error.strerror}; choose another directory with hydra.run.dir=..."
    return None


def own_file(text: str) -> str:
    """Return how a file of one's own is read, for the end of a message about a text that names one; empty for any other text."""
    named = "://" in text or text.lower().endswith(ENDINGS) or os.path.exists(text)
    return f"; {own_orders(text)}" if named else ""


def _choice(path: str) -> tuple[str, str]:
    """Return the group and the name in it of a config that is missing; a name may be a path, typed by mistake."""
    group, _, name = path.partition("/")
    return (group, name) if group in GROUPS else path.rpartition("/")[::2]


def _in_a_section(key: str, node: Mapping) -> str:
    """Return where a key without a section belongs: people write decimal=, for dataset.decimal=,."""
    sections = (
        []
        if "." in key
        else [
            name for name in node if isinstance(node, Mapping) and name != "hydra" and _has(node, name, key)
        ]
    )
    return (
        f"do you mean {' or '.join(f'{section}.{key}' for section in sections)}? If not, " if sections else ""
    )


def _has(node: Mapping, section: str, key: str) -> bool:
    with suppress(OmegaConfBaseException):
        return isinstance(node[section], Mapping) and key in node[section]
    return False


def _several(message: str, sweeps: bool) -> str | None:
    """Return what to write instead of Hydra's three pieces of advice about `key=a,b`; None for other messages."""
    match = re.match(r"Ambiguous value for argument '(.*?)=(.*)'", message)
    if match is None:
        return None
    key, values = match.groups()
    otherwise = (
        ", or add -m for one run of each"
        if sweeps
        else "; otherwise one value at a time, a text with a comma in quotes"
    )
    return f"{key}={values}: several values; write {key}=[{values}] for a list{otherwise}"
