"""What a model needs beside itself to be used tomorrow: `scoring.json`, an artifact of every run.

It names the features in order with their transforms, the range each had in training, the segments with their names and
shares, and the day that recency was counted from together with the rule that gave it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
from pydantic import TypeAdapter, ValidationError

from seg import __version__
from seg.errors import SegError
from seg.models.placement import Placement
from seg.score import feature_shift
from seg.sinks import local_files as files
from seg.sinks.shared_card import inner_bounds

if TYPE_CHECKING:
    from seg.config.settings import Preparation, TrackingSettings
    from seg.pipeline.result import Result

FILE = "scoring.json"
QUANTILES = (0.0, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 1.0)


@dataclass(frozen=True)
class Contract:
    """What scoring has to know of a training.

    Parameters
    ----------
    id : str
        Column that names the customers, in a table of customers of one's own.
    features : dict of str to list of str
        Columns that the model needs, in order, each with its transforms (which the model itself applies).
    profile : list of str
        Columns that only describe.
    ranges : dict of str to dict of str to float
        Per feature its quantiles in training, by their share as text: ``"0"`` the least value, ``"1"`` the greatest.
    segments : list of dict
        ``segment``, ``name``, ``size`` and ``share`` of each, noise (-1) last.
    cells : dict
        Per feature how many customers lay between its deciles in training, see `seg.score.feature_shift`.
    as_of : dict
        ``rule`` as the recipe has it, ``day`` that it gave, ``oldest`` and ``newest`` day of an order; None without dates.
    fills : dict of str to float
        What stands for a missing number of a feature; empty where none may be missing.
    inner : dict of str to list of float
        Per feature the values that ``tracking.min_cell`` customers reach at both ends: what is uploaded goes no further.
    outlook : dict or None
        Of the scores that travel with the customers: first ``day`` that is forecast, ``horizons`` in days, ``lost_after`` in
        days, and the last day that they were trained on (``trained_until``).
    groups : dict or None
        Where each group has a model: its column ``by``, the ``first`` segment of each model, and the ``cards`` of the models.
    """

    dataset: str
    id: str
    currency: str | None
    fingerprint: str
    seg: str
    k: int
    customers: int
    features: dict[str, list[str]]
    profile: list[str]
    ranges: dict[str, dict[str, float]]
    segments: list[dict]
    as_of: dict
    fills: dict[str, float] = field(default_factory=dict)
    outlook: dict | None = None
    cells: dict[str, dict[str, list]] = field(default_factory=dict)
    inner: dict[str, list[float]] = field(default_factory=dict)
    groups: dict | None = None

    @property
    def names(self) -> dict[int, str]:
        """Return the name of each segment."""
        return {int(row["segment"]): str(row["name"]) for row in self.segments}

    @property
    def shares(self) -> dict[int, float]:
        """Share of each segment in training."""
        return {int(row["segment"]): float(row["share"]) for row in self.segments}

    def date(self, name: str) -> date | None:
        """Return the `day` that recency was counted from, or that of the `oldest` or the `newest` order."""
        return None if self.as_of[name] is None else date.fromisoformat(self.as_of[name])

    @property
    def days_after(self) -> int:
        """Return how many days after the newest order of training recency was counted from."""
        return (self.date("day") - self.date("newest")).days

    def bounds(self) -> pd.DataFrame:
        """Return the least and the greatest value of each feature in training, columns ``least`` and ``greatest``."""
        table = pd.DataFrame(self.ranges).T.loc[list(self.features), ["0", "1"]]
        return table.set_axis(["least", "greatest"], axis=1)


def of(result: Result, settings: Preparation, min_cell: int) -> Contract:
    """Write down what the model of a run needs to be used later.

    Parameters
    ----------
    result : Result
    settings : Preparation
        Data set and recipe.
    min_cell : int
        Customers that the bounds of features which may be uploaded must reach.

    Returns
    -------
    Contract
    """
    table = result.table
    chosen = table.frame[table.features]
    ranges = chosen.quantile(list(QUANTILES))
    ranges.index = [f"{share:g}" for share in QUANTILES]
    # Quantiles may be of a sample; the ends are of all customers.
    ranges.loc[["0", "1"]] = result.population.ends[table.features].to_numpy()
    days = {"day": table.as_of, "oldest": table.oldest, "newest": table.newest}
    return Contract(
        dataset=settings.dataset.name,
        id=getattr(settings.dataset, "id", "customer_id"),
        currency=settings.dataset.currency,
        fingerprint=result.fingerprint,
        seg=__version__,
        k=int(result.k),
        customers=result.customers,
        features={name: list(table.transforms.get(name, ())) for name in table.features},
        profile=list(table.profile),
        ranges=ranges.to_dict(),
        fills={name: value for name, value in table.fills.items() if name in table.features},
        cells=feature_shift.cells(chosen),
        inner=inner_bounds(chosen, min_cell),
        segments=result.segments[["segment", "name", "size", "share"]].to_dict("records"),
        as_of={"rule": _plain(settings.recipe.as_of)} | {name: _plain(day) for name, day in days.items()},
        outlook=None if result.outlook is None else result.outlook.card,
    )


def placement(result: Result, min_cell: int) -> Placement:
    """Return the model of a run as it is uploaded: the pipeline, names of segments, ranges that `min_cell` customers reach."""
    features = result.table.features
    bounds = inner_bounds(result.table.frame[features], min_cell)
    least, greatest = zip(*(bounds[name] for name in features), strict=True)
    names = dict(zip(result.segments["segment"], result.segments["name"], strict=True))
    fills = {name: value for name, value in result.table.fills.items() if name in features}
    return Placement(result.pipeline, features, least, greatest, names, fills)


def write(result: Result, settings: Preparation, tracking: TrackingSettings, folder: Path) -> list[Path]:
    """Write `scoring.json` into the directory of a run, and the model where no tracking store keeps it.

    Parameters
    ----------
    result : Result
    settings : Preparation
        Data set and recipe.
    tracking : TrackingSettings
        Whether a store keeps the model, and the fewest customers of a cell.
    folder : Path
        Directory of the run.

    Returns
    -------
    list of Path
        What was written.
    """
    text = json.dumps(asdict(of(result, settings, tracking.min_cell)), indent=1, ensure_ascii=False)
    return write_card(text, lambda: result.pipeline, tracking, folder)


def write_card(
    card: str, fitted: Callable[[], object], tracking: TrackingSettings, folder: Path
) -> list[Path]:
    """Write a card into the directory of a run, and the model where no tracking store keeps it.

    Parameters
    ----------
    card : str
        As JSON.
    fitted : callable
        Returns what is saved as the model.
    tracking : TrackingSettings
    folder : Path

    Returns
    -------
    list of Path
        What was written.
    """
    from seg.models import skops_file

    written = [files.write(folder / FILE, card + "\n")]
    if tracking.model and not tracking.enabled:
        name, content = skops_file.save(fitted())
        written.append(files.write(folder / name, content))
    return written


def read(path: Path) -> Contract:
    """Read a contract.

    Raises
    ------
    SegError
        The file is missing or is not one.
    """
    try:
        return _checked(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise SegError(
            f"{path}: missing; choose the directory of a run that kept its model, or train the model again"
        ) from None
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise SegError(
            f"{path}: not what seg {__version__} writes ({error}); train the model again"
        ) from None


def _checked(card: object) -> Contract:
    """Return the contract of a card; a ValueError or TypeError names the part of a damaged one that is not what it has to be."""
    try:
        contract = TypeAdapter(Contract).validate_python(card)
    except ValidationError as error:
        first = error.errors()[0]
        raise ValueError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    if not contract.features or set(contract.features) - set(contract.ranges):
        raise ValueError("its features and their ranges do not match")
    names, shares, bounds = contract.names, contract.shares, contract.bounds()
    if not names or set(names) != set(shares) or bounds.isna().any(axis=None):
        raise ValueError("its segments or ranges are incomplete")
    for name in ("day", "oldest", "newest"):
        contract.date(name)
    dict(contract.fills)
    if contract.groups is not None:
        for card in contract.groups["cards"].values():
            _checked(card)
        if set(contract.groups["first"]) != set(contract.groups["cards"]) or not contract.groups["by"]:
            raise ValueError("its groups and their models do not match")
    return contract


def _plain(value: object) -> int | str | None:
    return value if value is None or isinstance(value, int) else str(value)
