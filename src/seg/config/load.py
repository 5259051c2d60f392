"""The validated settings, and what a person reads when one is wrong.

Checked before any data is read: names and values by `Settings`, steps and features by their own modules, and whether
the data set can serve the recipe and the cleaning.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import InterpolationKeyError, OmegaConfBaseException
from pydantic import ValidationError

from seg.config.settings import ENGINES, DatasetSettings, Settings
from seg.errors import Impossible, SegError, listed

ROOT = Path(__file__).resolve().parents[3]
CONFIGS = ROOT / "configs"
GROUPS = (
    "dataset",
    "cleaning",
    "recipe",
    "scaler",
    "model",
    "engine",
    "selection",
    "evaluation",
    "tracking",
    "cache",
    "playbook",
    "rfm",
    "experiment",
)
# Keys of a data set that commands read beside its adapter.
DATASET_KEYS = ("load", "fetch")
# As Spark has it, which hides them in its logs.
SECRET = re.compile("secret|password|token|access[.]?key", re.IGNORECASE)


def prepare_environment() -> None:
    """Tell the YAML files where the project is (an interpolation of Hydra's own breaks every sweep)."""
    if not CONFIGS.is_dir():
        raise SegError(f"{CONFIGS} is missing: seg runs from its checkout; install it with pip install -e .")
    try:
        os.getcwd()
    except OSError as error:
        raise SegError(
            f"the current folder cannot be used ({error.strerror}): change to one that exists, and start again"
        ) from None
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a terminal of ASCII shows other characters by their number
            stream.reconfigure(errors="backslashreplace")
    os.environ["SEG_ROOT"] = str(ROOT)
    # Threads that wait by spinning turn seconds into minutes where another process wants the core.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    # Errors come to `overrides.explain` as they are, instead of being printed by Hydra.
    os.environ.setdefault("HYDRA_FULL_ERROR", "1")


def settings(cfg: DictConfig) -> Settings:
    """Check a composed configuration.

    Raises
    ------
    SegError
        Names every wrong key with its value and what is valid.
    """
    try:
        plain = OmegaConf.to_container(cfg, resolve=True)
    except OmegaConfBaseException as error:
        # One part speaks of another that has not what it names, as recipe=columns of a data set without columns.
        kind = Impossible if isinstance(error, InterpolationKeyError) else SegError
        raise kind(f"configuration: {str(error).splitlines()[0]} (at {error.full_key})") from None
    plain.pop("hydra", None)
    plain.pop("experiment", None)
    _check_empty(plain)
    _check_dataset_keys(cfg)
    _check_secrets(OmegaConf.to_container(cfg.engine, resolve=False).get("conf"))
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


def _check_dataset_keys(cfg: DictConfig) -> None:
    """Refuse a key of the data set that nothing refers to: it would have no effect."""
    used = set(re.findall(r"[$][{]dataset[.](\w+)", OmegaConf.to_yaml(cfg, resolve=False)))
    known = {*DatasetSettings.model_fields, *DATASET_KEYS, *used}
    for key in cfg.dataset:
        if key not in known:
            raise SegError(
                f"dataset.{key}: unknown key; expected one of {listed(key, {*known} & {*cfg.dataset} - {'load'}, most=8)}"
            )


def _check_secrets(conf: object) -> None:
    """Refuse a secret that is written out: the files of a run and the store keep the configuration as it came."""
    if not isinstance(conf, Mapping):
        return
    from seg.engine.spark_session import spelled

    written = {key: value for key, value in spelled(conf).items() if value not in ("", "None")}
    shown = [key for key, value in written.items() if SECRET.search(key) and "${" not in value]
    if shown:
        raise SegError(
            f"engine.conf: {', '.join(shown)}: a secret would stand in config.yaml and in the store for all to read; set it as a "
            "variable of the environment, and give ${oc.env:NAME_OF_THE_VARIABLE} here"
        )


def cores() -> int:
    """Count the cores this process may use."""
    from joblib import cpu_count

    return cpu_count()


def choices(group: str) -> list[str]:
    """List the YAML files of a group."""
    return sorted(path.stem for path in (CONFIGS / group).glob("*.yaml"))


def _wrong(item: dict, plain: dict) -> str:
    place = [str(part) for part in item["loc"]]
    if place[0] == "engine" and len(place) > 1:
        del place[1]  # which of the engines' settings they are
    # Pydantic adds the branch of a union to the place of an error: only what the configuration has is a key.
    value, depth = plain, 0
    for part in place if place[0] == "engine" else item["loc"]:
        if not (isinstance(value, dict) and part in value):
            break
        value, depth = value[part], depth + 1
    key = ".".join(place[: max(depth, 1)])
    if item["type"] == "extra_forbidden":
        known = _known(place[:-1], plain)
        return f"{'.'.join(place)}={item['input']}: unknown key; expected one of {listed(place[-1], known)}"
    if item["type"] == "missing":
        return f"{'.'.join(place)}: is needed and was not given"
    expected = str(item.get("ctx", {}).get("error") or item["msg"])
    if item["type"] == "literal_error":
        expected = f"expected {item['ctx']['expected']}"
    return f"{key}={item['input']}: {expected}"


def _known(place: list[str], plain: dict) -> list[str]:
    model: Any = Settings
    for part in place:
        model = ENGINES[plain["engine"]["name"]] if part == "engine" else model.model_fields[part].annotation
    return list(model.model_fields)
