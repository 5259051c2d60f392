"""Secrets on the command line: moved into the environment, so that no file, no log and no list of processes shows them."""

from __future__ import annotations

import os
import re

from seg.sinks import redaction

# The words by which Spark itself recognises a secret.
SECRET = re.compile("secret|password|token|access[.]?key", re.IGNORECASE)
# A property of Spark and its value, unless the value is an interpolation already.
PROPERTY = re.compile(r"""([\w.-]+)(['"]?\s*[:=]\s*)('(?!\$\{)[^']+'|"(?!\$\{)[^"]+"|(?!\$\{)[^\s,{}'"]+)""")
VARIABLE = re.compile(r"\$\{oc\.env:(\w+)\}")


def private(argument: str) -> str:
    """Move what is secret in an override into the environment, so that no file and no log contains it.

    Hydra writes every override into the run directory, and so does MLflow.

    >>> private("tracking.uri=postgresql://ana:secret@db/mlflow")
    'tracking.uri=${oc.env:SEG_TRACKING_URI}'
    >>> private("engine.conf={spark.hadoop.fs.s3a.secret.key: abc, spark.cores.max: 4}")
    'engine.conf={spark.hadoop.fs.s3a.secret.key: ${oc.env:SEG_SPARK_HADOOP_FS_S3A_SECRET_KEY}, spark.cores.max: 4}'
    """
    key, equals, value = argument.partition("=")
    if key.lstrip("+").startswith("engine.conf"):
        return PROPERTY.sub(_property, argument)
    if equals and not value.startswith("${"):
        named = _is_secret(key, value)
        if named:
            redaction.remember_secret(_unquoted(value))
        if named or redaction.secrets_in(value):
            return f"{key}={_moved(key, value)}"
    return argument


def resolved(text: str) -> str:
    """Return a text, or the variable of the environment that `private` has put in its place."""
    named = VARIABLE.fullmatch(text)
    return os.environ.get(named[1], text) if named else text


def _property(match: re.Match) -> str:
    if not SECRET.search(match[1]):
        return match[0]
    redaction.remember_secret(_unquoted(match[3]))
    return match[1] + match[2] + _moved(match[1], match[3])


def _is_secret(key: str, value: str) -> bool:
    """Return True for an option that holds a secret itself, such as ``sink.password`` or ``tracking.id_key``."""
    path, _, name = key.lstrip("+~").rpartition(".")
    named = redaction.is_secret_name(name, words=frozenset()) and path != "dataset.columns"
    return named and value not in ("", "null", "none")


def _unquoted(value: str) -> str:
    pair = len(value) > 1 and value[0] == value[-1] and value[0] in "'\""
    return value[1:-1] if pair else value


def _moved(key: str, value: str) -> str:
    name, value = "SEG_" + re.sub(r"\W+", "_", key).strip("_").upper(), _unquoted(value)
    redaction.remember(value)
    while os.environ.get(name, value) != value:
        name += "_"
    os.environ[name] = value
    return f"${{oc.env:{name}}}"
