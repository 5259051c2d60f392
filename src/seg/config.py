"""The validated settings, and what a person reads when one is wrong.

Checked before any data is read: names and values by `Settings`, steps and features by their own modules, and whether
the data set can serve the recipe and the cleaning.
"""

from __future__ import annotations

import os
import re
import sys
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import (
    ConfigCompositionException,
    HydraException,
    MissingConfigException,
    OverrideParseException,
)
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import InterpolationKeyError, OmegaConfBaseException
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from seg.errors import Impossible, SegError, listed

ROOT = Path(__file__).resolve().parents[2]
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
    "experiment",
)
BAD_ROWS = ("fail", "skip")
SIZES = {"KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}


def prepare_environment() -> None:
    """Tell the YAML files where the project is (an interpolation of Hydra's own breaks every sweep)."""
    if not CONFIGS.is_dir():
        raise SegError(f"{CONFIGS} is missing: seg runs from its checkout; install it with pip install -e .")
    os.environ["SEG_ROOT"] = str(ROOT)
    # Threads that wait by spinning turn seconds into minutes where another process wants the core.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    # Errors come to `explain` as they are, instead of being printed by Hydra.
    os.environ.setdefault("HYDRA_FULL_ERROR", "1")


def readable(argument: str) -> str:
    """Quote the value of an override that Hydra's grammar cannot read: ``delimiter=;`` or a path with brackets.

    >>> readable("dataset.delimiter=;")
    "dataset.delimiter=';'"
    """
    key, equals, value = argument.partition("=")
    if not equals or argument.startswith("-"):
        return argument
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


def private(argument: str) -> str:
    """Move the value of an override that holds a password into the environment, so that no file and no log gets it.

    Hydra writes every override as it came into the directory of a run, and so does MLflow.

    >>> private("tracking.uri=postgresql://ana:secret@db/mlflow")
    'tracking.uri=${oc.env:SEG_TRACKING_URI}'
    """
    key, equals, value = argument.partition("=")
    if not equals or not re.search(r"://[^\s]*:[^\s]*@|[?&]password=|;token=", value):
        return argument
    name = "SEG_" + re.sub(r"\W+", "_", key).strip("_").upper()
    os.environ[name] = value.strip("'\"")
    return f"{key}=${{oc.env:{name}}}"


def _whole(least: int, other: str = ""):
    expected = f"expected a whole number of at least {least}" + (f", or {other}" if other else "")

    def check(value: Any) -> Any:
        if other and value == (None if other == "null" else other):
            return value
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise ValueError(expected)
        return value

    return BeforeValidator(check)


def _ks(value: Any) -> Any:
    expected = 'expected whole numbers of at least 2, such as [2, 3, 4] or "2..10"'
    if isinstance(value, str):
        first, dots, last = value.partition("..")
        if not (dots and first.strip().isdigit() and last.strip().isdigit()):
            raise ValueError(expected)
        value = list(range(int(first), int(last) + 1))
    if not isinstance(value, list) or not value:
        raise ValueError(expected)
    if any(isinstance(k, bool) or not isinstance(k, int) or k < 2 for k in value):
        raise ValueError(expected)
    return sorted(set(value))


class Strict(BaseModel):
    """A section whose keys are all known."""

    model_config = ConfigDict(extra="forbid")


class TableSettings(Strict):
    """A further table that a data set is made of: its path, else patterns beside the first table's files."""

    path: str | None = None
    files: list[str]
    sample: str | None = None


class DatasetSettings(BaseModel):
    """What every data set says of itself; its further keys are the arguments of its adapter."""

    model_config = ConfigDict(extra="allow")

    name: str
    kind: Literal["transactions", "customers"]
    files: list[str]
    path: str | None = None
    sample: str | None = None
    source: str = ""
    currency: str | None = None
    provides: list[str] | None = None
    truth: str | None = None
    common: list[str]
    levels: dict[str, list[str]] = {}
    bad_rows: Literal[BAD_ROWS] = "fail"
    tables: dict[str, TableSettings] = {}
    limits: list[str] = []


class CleaningSettings(BaseModel):
    """Steps in the order they are applied; further keys are what its steps refer to."""

    model_config = ConfigDict(extra="allow")

    steps: list[str | dict[str, Any]]
    ledger: Literal["auto", "full"] = "auto"


class RecipeSettings(Strict):
    """Features to cluster on and to describe with."""

    as_of: Any = 1
    features: list[str | dict[str, Any]] = Field(min_length=1)
    profile: list[str] = []


class DuckDBSettings(Strict):
    """DuckDB and its limits."""

    name: Literal["duckdb"]
    memory_limit: str | None = None
    threads: Annotated[int | None, _whole(1, "null")] = None
    spill_dir: str | None = None
    connect: dict[str, Any]


class SparkSettings(Strict):
    """Spark: where its session comes from, and its limits."""

    name: Literal["spark"]
    master: str | None = None
    remote: str | None = None
    conf: dict[str, Any] | None = None
    driver_memory: str | None = None
    shuffle_partitions: Annotated[int | None, _whole(1, "null")] = None
    timeout: Annotated[int, _whole(1)] = 60
    collect_limit: Annotated[int, _whole(1)] = 5_000_000
    staging_dir: str | None = None
    connect: dict[str, Any]


ENGINES = {"duckdb": DuckDBSettings, "spark": SparkSettings}


class SelectionSettings(Strict):
    """The numbers of segments that are tried."""

    k_range: Annotated[list[int], BeforeValidator(_ks)]
    panel: bool = False


def _day(value: Any) -> Any:
    try:
        return None if value is None else date.fromisoformat(str(value))
    except ValueError:
        raise ValueError("expected a day such as 2011-09-10, or null") from None


class HoldoutSettings(Strict):
    """The temporal hold-out."""

    cut: Annotated[date | None, BeforeValidator(_day)] = None
    days: Annotated[int, _whole(1)] = 90


class EvaluationSettings(Strict):
    """How the result is measured, and what evidence is gathered."""

    silhouette_sample: Annotated[int, _whole(100)]
    stability: bool = False
    repeats: Annotated[int, _whole(2)] = 100
    null: Annotated[int, _whole(0)] = 0
    holdout: HoldoutSettings = HoldoutSettings()


class TrackingSettings(Strict):
    """Where runs are kept."""

    enabled: bool
    uri: str | None = None
    experiment: str
    model: bool = True


class PublishedFigure(Strict):
    """A figure that a study has published: what it is, where a run has it, its value, and how far off is the same.

    A tolerance of null: the study's data are not to be had, ours are others, and the two are only laid side by side.
    """

    figure: str
    key: str
    value: float | list[float] | None = None
    tolerance: float | str | None = 0


def _bytes(value: Any) -> Any:
    number, unit = str(value)[:-2].strip(), str(value)[-2:].upper()
    if unit not in SIZES or not number.replace(".", "", 1).isdigit():
        raise ValueError(f"expected a number and a unit ({', '.join(SIZES)}), such as 500MB or 5GB")
    return int(float(number) * SIZES[unit])


class CacheSettings(Strict):
    """What is kept for later runs, and how much of it."""

    enabled: bool = False
    folder: str | None = None
    max_size: Annotated[int, BeforeValidator(_bytes)] = 5 * 10**9


class SweepSettings(Strict):
    """How jobs of a sweep are repeated, and what a search is to improve."""

    resume: bool = True
    objective: str | list[str] = "common/silhouette"


class Settings(Strict):
    """Everything a run was asked to do."""

    k: Annotated[int | Literal["auto"], _whole(2, "auto")]
    seed: Annotated[int, _whole(0)]
    data_dir: str
    dataset: DatasetSettings
    cleaning: CleaningSettings
    recipe: RecipeSettings
    scaler: dict[str, Any]
    model: dict[str, Any]
    engine: Annotated[DuckDBSettings | SparkSettings, Field(discriminator="name")]
    selection: SelectionSettings
    evaluation: EvaluationSettings
    tracking: TrackingSettings
    published: list[PublishedFigure] = []
    cache: CacheSettings
    sweep: SweepSettings = SweepSettings()


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
    try:
        checked = Settings(**plain)
    except ValidationError as error:
        raise SegError("\n".join(_wrong(item, plain) for item in error.errors())) from None
    return checked


def provides(dataset: DatasetSettings) -> set[str]:
    """Name the columns that a data set gives, from its YAML alone."""
    if dataset.provides is not None:
        return set(dataset.provides)
    if dataset.kind == "transactions":
        from seg.datasets.transactions import mapping

        return set(mapping(dataset.columns)) | {"customer_id", "order_id", "ordered_at", "amount"}
    return {"customer_id", *dataset.features}


def check_parts(checked: Settings) -> None:
    """Check steps, features and whether the data set can serve them, before any data is read."""
    from seg import cleaning, features, published
    from seg.models import mllib

    dataset, given = checked.dataset, provides(checked.dataset)
    _check_format(getattr(dataset, "date_format", None))
    steps = cleaning.parse(checked.cleaning.steps)
    lacking = sorted(cleaning.needs(steps) - given)
    if lacking:
        raise Impossible(
            f"cleaning: dataset={dataset.name} has no {', '.join(lacking)}, which a step needs; it provides "
            f"{', '.join(sorted(given))}; choose another cleaning ({listed(dataset.name, choices('cleaning'))})"
        )
    wanted = [*features.parse(checked.recipe.features), *checked.recipe.profile]
    counted = dataset.kind == "transactions"
    features.check(wanted, given, dataset.name, counted)
    features.check(dataset.common, given, dataset.name, counted)
    features.check_as_of(checked.recipe.as_of)
    mllib.check(
        checked.model, checked.scaler, checked.engine.name, checked.evaluation.holdout.cut is not None
    )
    for entry in checked.published:
        published.reach(entry.tolerance or 0, 1.0)


def cores() -> int:
    """Count the cores this process may use."""
    from joblib import cpu_count

    return cpu_count()


def choices(group: str) -> list[str]:
    """List the YAML files of a group."""
    return sorted(path.stem for path in (CONFIGS / group).glob("*.yaml"))


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


def _check_format(date_format: str | None) -> None:
    """Refuse a format without a directive: it would quietly fit no date at all."""
    if date_format is not None and "%" not in date_format:
        raise SegError(
            f"dataset.date_format={date_format}: expected the spelling of strptime, such as %d.%m.%Y or %Y-%m-%d %H:%M:%S"
        )
    if date_format is not None and ("%z" in date_format or "%Z" in date_format):
        raise SegError(
            f"dataset.date_format={date_format}: time zones are read from ISO 8601 text only; leave date_format out"
        )
