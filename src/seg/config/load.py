"""From a composed configuration to checked settings, and the message for a setting that is wrong."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import InterpolationKeyError, OmegaConfBaseException
from pydantic import ValidationError

from seg.config import data_names
from seg.config.folders import CONFIGS, choices, prepare_environment
from seg.config.private import SECRET
from seg.config.settings import ENGINES, DatasetSettings, Settings
from seg.errors import Impossible, SegError, listed
from seg.sinks import redaction

__all__ = ["CONFIGS", "choices", "cores", "prepare_environment", "settings"]

data_names.register()
# Keys of a data set that commands read beside its adapter.
DATASET_KEYS = ("load", "fetch")


def settings(cfg: DictConfig) -> Settings:
    """Check a composed configuration.

    Parameters
    ----------
    cfg : DictConfig
        With or without Hydra's own section.

    Returns
    -------
    Settings

    Raises
    ------
    SegError
        A key is unknown, or a value is not valid; the text lists all of them.
    """
    try:
        plain = OmegaConf.to_container(cfg, resolve=True)
    except OmegaConfBaseException as error:
        # One part refers to a key that another one lacks, as recipe=columns does for a data set without features.
        kind = Impossible if isinstance(error, InterpolationKeyError) else SegError
        raise kind(f"configuration: {str(error).splitlines()[0]} (at {error.full_key})") from None
    plain.pop("hydra", None)
    plain.pop("experiment", None)
    _check_empty(plain)
    _check_features(plain.get("dataset") or {})
    written = OmegaConf.to_container(cfg, resolve=False)
    _check_dataset_keys(written)
    _check_secrets(written)
    try:
        checked = Settings(**plain)
    except ValidationError as error:
        raise SegError("\n".join(_wrong(item, plain) for item in error.errors())) from None
    return checked


# Settings that a shell leaves empty where a variable is not set; null is how they are left out.
NOT_EMPTY = (
    "data_dir", "tracking.uri", "tracking.experiment", "cache.folder", "dataset.path", "dataset.name", "dataset.encoding",
    "dataset.sheet", "dataset.time_zone", "engine.spill_dir", "engine.staging_dir", "engine.master", "engine.remote",
    "engine.memory_limit",
)  # fmt: skip


def _check_empty(plain: Mapping) -> None:
    """Refuse an empty text where one is meant to name something."""
    for key in NOT_EMPTY:
        section, _, name = key.rpartition(".")
        value = (plain.get(section) or {}).get(name) if section else plain.get(name)
        if isinstance(value, str) and not value.strip():
            raise SegError(
                f"{key}= is empty (is a variable not set?): expected a value, or null to leave it out"
            )


def _check_features(dataset: Mapping) -> None:
    """Refuse a value of ``dataset.features`` that is no list: other keys refer to it, and would be blamed."""
    if "features" not in dataset:
        return
    features = dataset["features"]
    if not isinstance(features, list) or not features or not all(isinstance(one, str) for one in features):
        shown = "null" if features is None else features
        example = features if isinstance(features, str) and features else "age,spend"
        raise SegError(
            f"dataset.features={shown}: expected a list of columns, such as dataset.features=[{example}]; a name that is a number "
            "needs quotes within the list"
        )


def _check_dataset_keys(written: Mapping) -> None:
    """Refuse a key of the data set that nothing refers to: it would have no effect."""
    texts = (text for _, text in _leaves(written))
    used = {key for text in texts for key in re.findall(r"[$][{]dataset[.](\w+)", text)}
    valid = {*DatasetSettings.model_fields, *DATASET_KEYS, *used}
    for key in written["dataset"]:
        if key not in valid:
            raise SegError(
                f"dataset.{key}: unknown key; expected one of {listed(key, {*valid} & {*written['dataset']} - {'load'}, most=8)}"
            )


def check_written_secrets(cfg: DictConfig) -> None:
    """Raise a `SegError` for a secret in plain text: run directory and store keep the configuration unresolved."""
    _check_secrets(OmegaConf.to_container(cfg, resolve=False))


def _check_secrets(written: Mapping) -> None:
    for key, value in _leaves({name: section for name, section in written.items() if name != "hydra"}):
        if redaction.secrets_in(value):
            raise SegError(
                f"{key}: a secret in plain text would be saved in config.yaml and in the tracking store; set it as an environment "
                "variable, and write ${oc.env:NAME_OF_THE_VARIABLE} here"
            )
    _check_spark_secrets((written.get("engine") or {}).get("conf"))


def _leaves(node: object, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(node, str):
        yield path, node
    parts = node.items() if isinstance(node, Mapping) else enumerate(node) if isinstance(node, list) else ()
    for name, value in parts:
        yield from _leaves(value, f"{path}.{name}".strip("."))


def _check_spark_secrets(conf: object) -> None:
    """Raise a `SegError` for a secret among the properties of Spark, which are known by their names."""
    if not isinstance(conf, Mapping):
        return
    from seg.engine.spark_session import spelled

    written = {key: value for key, value in spelled(conf).items() if value not in ("", "None")}
    shown = [key for key, value in written.items() if SECRET.search(key) and "${" not in value]
    if shown:
        raise SegError(
            f"engine.conf: {', '.join(shown)}: a secret in plain text would be saved in config.yaml and in the tracking store; set it "
            "as an environment variable, and write ${oc.env:NAME_OF_THE_VARIABLE} here"
        )


def cores() -> int:
    """Return the number of cores that this process may use."""
    from joblib import cpu_count

    return cpu_count()


def _wrong(item: dict, plain: dict) -> str:
    """Return the message for one error of Pydantic: key, value, what was expected."""
    place = [str(part) for part in item["loc"]]
    if place[0] == "engine" and len(place) > 1:
        del place[1]  # Pydantic adds the name of the engine
    # Pydantic adds the branch of a union to the location: only parts that exist in the configuration are keys.
    value, depth = plain, 0
    for part in place if place[0] == "engine" else item["loc"]:
        if not (isinstance(value, dict) and part in value):
            break
        value, depth = value[part], depth + 1
    key = ".".join(place[: max(depth, 1)])
    if item["type"] == "extra_forbidden":
        valid = _known(place[:-1], plain)
        return f"{'.'.join(place)}={item['input']}: unknown key; expected one of {listed(place[-1], valid)}"
    if item["type"] == "missing":
        return f"{'.'.join(place)}: is required; set it"
    expected = str(item.get("ctx", {}).get("error") or _expected(key, item))
    if item["type"] == "literal_error":
        expected = f"expected {item['ctx']['expected']}"
    return f"{key}={item['input']}: {expected}"


def _expected(key: str, item: dict) -> str:
    """Return what was expected of a value, as it is written in an override."""
    kinds = {
        "string_type": f"expected a text (a number in quotes: \"{key}='{item['input']}'\")",
        "dict_type": f"expected a mapping, such as '{key}={{name: value}}'",
        "list_type": f"expected a list, such as {key}=[{item['input']}]",
        "bool_parsing": "expected true or false",
        "bool_type": "expected true or false",
        "int_parsing": "expected a whole number",
        "float_parsing": "expected a number",
        "too_short": "expected at least one entry",
    }
    return kinds.get(item["type"], item["msg"])


def _known(place: list[str], plain: dict) -> list[str]:
    model: Any = Settings
    for part in place:
        model = ENGINES[plain["engine"]["name"]] if part == "engine" else model.model_fields[part].annotation
    return list(model.model_fields)
