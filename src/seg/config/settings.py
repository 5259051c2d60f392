"""The settings of a run: every key of the configuration, its type and its limits."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

BAD_ROWS = ("fail", "skip")
MOST_KS = 1_000  # numbers of segments to try: each is a fit
SIZES = {"KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}


# Locales by language and region as systems write them; other regions of a language write numbers differently.
REGIONS = {"en_us": "en", "en_gb": "en", "de_de": "de", "tr_tr": "tr", "pt_br": "pt"}
LARGEST_SEED = 2**32 - 1  # of NumPy's generators


def _whole_number(least: int, other: str = "", most: int | None = None):
    bound = f"of at least {least}" if most is None else f"from {least} to {most:,}"
    expected = f"expected a whole number {bound}" + (f", or {other}" if other else "")

    def check(value: Any) -> Any:
        if other and value == (None if other == "null" else other):
            return value
        is_whole = isinstance(value, int) and not isinstance(value, bool)
        if not is_whole or value < least or (most is not None and value > most):
            raise ValueError(expected)
        return value

    return BeforeValidator(check)


def _language(value: Any) -> Any:
    """Return the language of a locale with a region: de for de_DE, de-DE and de_DE.UTF-8."""
    text = str(value).partition(".")[0].replace("-", "_").lower()
    return REGIONS.get(text, value)


def _ks(value: Any) -> Any:
    expected = 'expected whole numbers of at least 2, such as [2, 3, 4] or "2..10"'
    if isinstance(value, str):
        first, dots, last = value.partition("..")
        if not (dots and first.strip().isdecimal() and last.strip().isdecimal()):
            raise ValueError(expected)
        # Bounded before the range is laid out in memory.
        if max(len(first.strip()), len(last.strip())) > 9 or int(last) - int(first) >= MOST_KS:
            raise ValueError(f"expected at most {MOST_KS:,} numbers of segments")
        value = list(range(int(first), int(last) + 1))
    if not isinstance(value, list) or not value:
        raise ValueError(expected)
    if any(isinstance(k, bool) or not isinstance(k, int) or k < 2 for k in value):
        raise ValueError(expected)
    if len(value) > MOST_KS:
        raise ValueError(f"expected at most {MOST_KS:,} numbers of segments")
    return sorted(set(value))


class Strict(BaseModel):
    """A section whose keys are all known."""

    model_config = ConfigDict(extra="forbid")


class TableSettings(Strict):
    """A further table that a data set is made of: its path, else patterns beside the first table's files."""

    path: str | None = None
    files: list[str]
    sample: str | None = None


def _name(value: Any) -> Any:
    text = str(value)
    if not text.strip(". ") or re.search(r"[/\\:@'\"`\x00-\x1f]", text):
        raise ValueError(
            "expected a name without / \\ : @ and quotes: models and directories are called by it"
        )
    return text


class DatasetSettings(BaseModel):
    """What every data set declares; its further keys are the arguments of its adapter."""

    model_config = ConfigDict(extra="allow")

    name: Annotated[str, BeforeValidator(_name)]
    kind: Literal["transactions", "customers"]
    files: list[str]
    path: str | None = None
    table: str | None = None
    query: str | None = None
    sample: str | None = None
    source: str = ""
    currency: str | None = None
    provides: list[str] | None = None
    truth: str | None = None
    value: str | None = None
    common: list[str] = Field(min_length=1)
    levels: dict[str, list[str]] = {}
    bad_rows: Literal[BAD_ROWS] = "fail"
    tables: dict[str, TableSettings] = {}
    limits: list[str] = []


def _window(value: Any) -> Any:
    text = str(value).strip()
    days = int(text[:-1]) if text.endswith("d") and text[:-1].isdecimal() and len(text) < 8 else 0
    if value is not None and days < 1:
        raise ValueError("expected a number of days such as 365d, or null")
    return None if value is None else days


class CleaningSettings(BaseModel):
    """Steps in the order they are applied; further keys are what its steps refer to.

    A `window` of so many days up to the newest order becomes a step: behind the last `date_window`, which removes impossible dates, else
    the first one.
    """

    model_config = ConfigDict(extra="allow")

    steps: list[str | dict[str, Any]]
    ledger: Literal["auto", "full"] = "auto"
    window: Annotated[int | None, BeforeValidator(_window)] = None

    @model_validator(mode="after")
    def _with_window(self) -> CleaningSettings:
        if self.window is None:
            return self
        step = {"newest_days": {"days": self.window - 1}}  # both ends are included
        if step in self.steps:
            return self
        names = [one if isinstance(one, str) else next(iter(one), "") for one in self.steps]
        if "newest_days" in names:
            raise ValueError("the cleaning has the step newest_days already; leave one of them out")
        place = len(names) - names[::-1].index("date_window") if "date_window" in names else 0
        self.steps = [*self.steps[:place], step, *self.steps[place:]]
        return self


class RecipeSettings(Strict):
    """Features to cluster on and to describe with."""

    as_of: Any = 1
    features: list[str | dict[str, Any]] = Field(min_length=1)
    profile: list[str] = []


class DuckDBSettings(Strict):
    """DuckDB and its limits."""

    name: Literal["duckdb"]
    memory_limit: str | None = None
    threads: Annotated[int | None, _whole_number(1, "null")] = None
    spill_dir: str | None = None
    connect: dict[str, Any]


class SparkSettings(Strict):
    """Spark: where its session comes from, and its limits."""

    name: Literal["spark"]
    master: str | None = None
    remote: str | None = None
    conf: dict[str, Any] | None = None
    driver_memory: str | None = None
    shuffle_partitions: Annotated[int | None, _whole_number(1, "null")] = None
    timeout: Annotated[int, _whole_number(1)] = 60
    collect_limit: Annotated[int, _whole_number(1)] = 5_000_000
    staging_dir: str | None = None
    connect: dict[str, Any]


ENGINES = {"duckdb": DuckDBSettings, "spark": SparkSettings}


class SelectionSettings(Strict):
    """The numbers of segments that are tried."""

    k_range: Annotated[list[int], BeforeValidator(_ks)]
    k_max: Annotated[int, _whole_number(2, most=1000)] = 20
    panel: bool = False

    @model_validator(mode="after")
    def _in_order(self) -> SelectionSettings:
        # A range that is set to reach farther is tried whole; k_max only bounds its extension.
        self.k_max = max(self.k_max, *self.k_range)
        return self


def _day(value: Any) -> Any:
    try:
        return None if value is None else date.fromisoformat(str(value))
    except ValueError:
        raise ValueError("expected a day such as 2011-09-10, or null") from None


class HoldoutSettings(Strict):
    """The temporal hold-out: the newest cut, and earlier ones that show the spread."""

    cut: Annotated[date | None, BeforeValidator(_day)] = None
    days: Annotated[int, _whole_number(1, most=3650)] = 90
    earlier: list[Annotated[date, BeforeValidator(_day)]] = []

    @model_validator(mode="before")
    @classmethod
    def _several(cls, section: Any) -> Any:
        """Take a list of cuts, rising; the last is the one that decides."""
        cuts = section.get("cut") if isinstance(section, dict) else None
        if not isinstance(cuts, list):
            return section
        days = [_day(one) for one in cuts]
        if not days or None in days or any(a >= b for a, b in pairwise(days)):
            raise ValueError(
                f"cut={[str(one) for one in cuts]}: expected rising days, such as [2011-03-10, 2011-06-10, 2011-09-10]"
            )
        return {**section, "cut": days[-1], "earlier": days[:-1]}


class LessonSettings(Strict):
    """Earlier days that a model of outcomes learns from; its section of the model."""

    days: Annotated[int, _whole_number(1)] = 90
    cuts: Annotated[int, _whole_number(1)] = 3
    step: Annotated[int, _whole_number(1)] = 30


def _horizons(value: Any) -> Any:
    days = value if isinstance(value, list) else [value]
    if not days or any(
        isinstance(one, bool) or not isinstance(one, int) or not 1 <= one <= 3650 for one in days
    ):
        raise ValueError("expected whole numbers of days, 1 to 3650, such as [30, 90, 180]")
    return sorted(set(days))


class EvaluationSettings(Strict):
    """How the result is measured, and what evidence is gathered."""

    silhouette_sample: Annotated[int, _whole_number(100)]
    silhouette_error: float = Field(default=0.0005, ge=0)
    stability: bool = False
    repeats: Annotated[int, _whole_number(2, most=10_000)] = 100
    null: Annotated[int, _whole_number(0, most=10_000)] = 0
    holdout: HoldoutSettings = HoldoutSettings()
    outlook: bool = False


class OutlookSettings(Strict):
    """What customers and segments will do next."""

    horizons: Annotated[list[int], BeforeValidator(_horizons)] = [30, 90, 180]
    cut: Annotated[date | None, BeforeValidator(_day)] = None
    training_cuts: Annotated[int, _whole_number(1, most=100)] = 3
    period: Literal["month", "week"] = "month"
    months: Annotated[int, _whole_number(1, most=120)] = 6
    weeks: Annotated[int, _whole_number(1, most=520)] = 13
    classical: bool = True
    text: str | None = None


class GroupsSettings(Strict):
    """Groups of customers that get a model each, with ``by``."""

    min_customers: Annotated[int, _whole_number(10)] = 500


class TrackingSettings(Strict):
    """The store of runs, and what is uploaded to it."""

    enabled: bool
    uri: str | None = None
    experiment: str
    model: bool = True
    id_key: str | None = None
    min_cell: Annotated[int, _whole_number(1)] = 5


class PublishedFigure(Strict):
    """A figure of a study: what it is, where a run has it, its value, where the value comes from, and how far off still counts.

    `source`: ``printed`` stands in the publication; ``rebuilt`` is what a direct script of its method gives; a figure without a
    value was not published.

    A tolerance of null: the data of the study are not available, so its figure and ours are only shown side by side.
    """

    figure: str
    key: str
    value: float | list[float] | None = None
    tolerance: float | str | None = 0
    source: Literal["printed", "rebuilt", "not published"] = "not published"

    @model_validator(mode="after")
    def _source_goes_with_the_value(self) -> PublishedFigure:
        if (self.value is None) != (self.source == "not published"):
            raise ValueError(
                "expected source: printed or rebuilt with a value, and not published without one"
            )
        return self


def _bytes(value: Any) -> Any:
    number, unit = str(value)[:-2].strip(), str(value)[-2:].upper()
    if unit not in SIZES or not number.replace(".", "", 1).isdigit():
        raise ValueError(f"expected a number and a unit ({', '.join(SIZES)}), such as 500MB or 5GB")
    return int(float(number) * SIZES[unit])


class CacheSettings(Strict):
    """The cache: whether, where and how large."""

    enabled: bool = False
    folder: str | None = None
    max_size: Annotated[int, BeforeValidator(_bytes)] = 5 * 10**9


class SweepSettings(Strict):
    """How jobs of a sweep are repeated, and what a search is to improve."""

    resume: bool = True
    objective: str | list[str] = "common/silhouette"


class PlaybookSettings(Strict):
    """Rules that name the segments and say what to do for them; checked by `seg.segments.playbook`."""

    name: str = "none"
    within: Any = 0.0
    actions: dict[str, Any] = {}
    rules: list[Any] = []
    outlook: list[Any] = []


class RfmSettings(Strict):
    """Cut points and rules of rule-based RFM; checked by `seg.segments.rfm`."""

    name: str = "default"
    cuts: dict[str, Any] = {}
    rules: list[Any] = []


class SegmentsSettings(Strict):
    """What people read: names of their own, rules, and lists of customers."""

    names: Annotated[dict[int, str], BeforeValidator(lambda value: value or {})] = {}
    names_from: str | None = None
    rule_levels: Literal[1, 2, 3, 4] = 4
    lists: Literal["auto", "always", "never"] = "auto"


class ReportSettings(Strict):
    """How the report is written."""

    locale: Annotated[Literal["en", "de", "tr", "pt"], BeforeValidator(_language)] = "en"


@dataclass(frozen=True)
class Preparation:
    """The sections that decide what a feature table holds."""

    dataset: DatasetSettings
    cleaning: CleaningSettings
    recipe: RecipeSettings
    holdout: HoldoutSettings
    lesson: LessonSettings | None = None
    by: str | None = None
    beside: tuple[
        str, ...
    ] = ()  # features that are neither clustered on nor shown: the names of the segments need them


@dataclass(frozen=True)
class Meaning:
    """The sections that decide how segments are named and explained."""

    playbook: PlaybookSettings
    rfm: RfmSettings
    segments: SegmentsSettings
    seed: int


class Settings(Strict):
    """All settings of a run."""

    k: Annotated[int | Literal["auto"], _whole_number(2, "auto")]
    seed: Annotated[int, _whole_number(0, most=LARGEST_SEED)]
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
    sink: dict[str, Any] = {}
    published: list[PublishedFigure] = []
    cache: CacheSettings
    sweep: SweepSettings = SweepSettings()
    playbook: PlaybookSettings = PlaybookSettings()
    rfm: RfmSettings = RfmSettings()
    segments: SegmentsSettings = SegmentsSettings()
    report: ReportSettings = ReportSettings()
    plugins: list[str] = []
    outlook: OutlookSettings = OutlookSettings()
    by: str | None = None
    groups: GroupsSettings = GroupsSettings()

    @property
    def preparation(self) -> Preparation:
        """Return the sections that decide what a feature table holds."""
        lesson = self.model.get("lesson")
        return Preparation(
            self.dataset,
            self.cleaning,
            self.recipe,
            self.evaluation.holdout,
            None if lesson is None else LessonSettings(**lesson),
            self.by,
        )

    @model_validator(mode="after")
    def _lesson_is_valid(self) -> Settings:
        try:
            if "lesson" in self.model:
                LessonSettings.model_validate(self.model["lesson"])
        except ValidationError as error:
            found = [{**one, "loc": ("model", "lesson", *one["loc"])} for one in error.errors()]
            raise ValidationError.from_exception_data("Settings", found) from None
        return self

    @property
    def meaning(self) -> Meaning:
        """Return the sections that decide how segments are named and explained."""
        return Meaning(self.playbook, self.rfm, self.segments, self.seed)
