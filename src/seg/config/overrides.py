"""What a person writes on the command line: how it is read, what of it is kept private, and what is wrong with it."""

from __future__ import annotations

import os
import re
import sys

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import (
    ConfigCompositionException,
    HydraException,
    MissingConfigException,
    OverrideParseException,
)
from omegaconf.errors import OmegaConfBaseException

from seg.config.load import GROUPS, SECRET, choices
from seg.errors import SegError, listed

# A property of Spark and its value, where that is not taken from elsewhere already.
PROPERTY = re.compile(r"""([\w.-]+)(['"]?\s*[:=]\s*)('(?!\$\{)[^']+'|"(?!\$\{)[^"]+"|(?!\$\{)[^\s,{}'"]+)""")


def readable(argument: str) -> str:
    """Quote the value of an override that Hydra's grammar cannot read: ``delimiter=;`` or a path with brackets.

    >>> readable("dataset.delimiter=;")
    "dataset.delimiter=';'"
    """
    key, equals, value = argument.partition("=")
    if not equals or argument.startswith("-"):
        return argument
    _check_value(key.lstrip("+"), value.strip("'\""))
    parser = OverridesParser.create()
    quoted = key + "='" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
    for candidate in (argument, quoted):
        try:
            parser.parse_override(candidate)
            return candidate
        except HydraException:
            # A list that was not closed is a slip, not a text.
            if value.startswith(("[", "{")):
                break
    return argument


def _check_value(key: str, value: str) -> None:
    """Refuse a choice that leads out of its group, and a directory without a name."""
    if key in GROUPS and (".." in value.split("/") or value.startswith("/")):
        raise SegError(f"{key}={value}: unknown; expected one of {listed(value, choices(key))}")
    if key in ("hydra.run.dir", "hydra.sweep.dir") and not value:
        raise SegError(f"{key}= is empty (is a variable not set?): expected a directory")


def private(argument: str) -> str:
    """Move what is secret in an override into the environment, so that no file and no log gets it.

    Hydra writes every override as it came into the directory of a run, and so does MLflow.

    >>> private("tracking.uri=postgresql://ana:secret@db/mlflow")
    'tracking.uri=${oc.env:SEG_TRACKING_URI}'
    >>> private("engine.conf={spark.hadoop.fs.s3a.secret.key: abc, spark.cores.max: 4}")
    'engine.conf={spark.hadoop.fs.s3a.secret.key: ${oc.env:SEG_SPARK_HADOOP_FS_S3A_SECRET_KEY}, spark.cores.max: 4}'
    """
    key, equals, value = argument.partition("=")
    if equals and re.search(r"://[^\s]*:[^\s]*@|[?&]password=|;token=", value):
        return f"{key}={_moved(key, value)}"
    if key.lstrip("+").startswith("engine.conf"):
        return PROPERTY.sub(
            lambda found: (
                found[0] if not SECRET.search(found[1]) else found[1] + found[2] + _moved(found[1], found[3])
            ),
            argument,
        )
    return argument


def _moved(key: str, value: str) -> str:
    name, value = "SEG_" + re.sub(r"\W+", "_", key).strip("_").upper(), value.strip("'\"")
    while os.environ.get(name, value) != value:
        name += "_"
    os.environ[name] = value
    return f"${{oc.env:{name}}}"


def explain(error: Exception) -> str | None:
    """Say what is wrong with an override: the key, the value, the valid ones; None where it is not about one."""
    if isinstance(error, MissingConfigException) and error.missing_cfg_file:
        group, _, name = str(error.missing_cfg_file).rpartition("/")
        return f"{group}={name}: unknown; expected one of {listed(name, error.options or choices(group))}"
    if isinstance(error, OverrideParseException):
        said = str(error).splitlines()[0]
        return f"{error.override}: cannot be read as key=value ({said}); close its brackets, or put the value into quotes of its own"
    if isinstance(error, ConfigCompositionException):
        cause = error.__cause__
        if isinstance(cause, OmegaConfBaseException) and cause.parent_node is not None:
            key = str(cause.full_key)
            section = key.rpartition(".")[0]
            keys = [f"{section}.{name}".strip(".") for name in cause.parent_node if name != "hydra"]
            given = next((text for text in sys.argv[1:] if text.partition("=")[0] == key), key)
            return f"{given}: unknown key; expected one of {listed(key, keys)}"
        return str(error)
    if isinstance(error, HydraException):
        return str(error)
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {error.strerror}; choose another directory with hydra.run.dir=..."
    return None
