"""What a recipe asks for, and whether a data set can serve it: checked before any data is read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from seg.errors import Impossible, SegError, listed
from seg.features.glossary import GLOSSARY

TRANSFORMS = ("log1p", "iqr_cap")


def parse(entries: Sequence) -> dict[str, tuple[str, ...]]:
    """Read the features of a recipe: a name, or one name with its transforms.

    Raises
    ------
    SegError
        A transform is unknown or a feature comes twice.
    """
    parsed: dict[str, tuple[str, ...]] = {}
    for entry in entries or []:
        name, chosen = next(iter(entry.items())) if isinstance(entry, Mapping) else (entry, ())
        transforms = (chosen,) if isinstance(chosen, str) else tuple(chosen or ())
        for transform in transforms:
            if transform not in TRANSFORMS:
                raise SegError(
                    f"recipe.features: {name} has an unknown transform {transform!r}; expected "
                    f"{listed(transform, TRANSFORMS)}"
                )
        if name in parsed:
            raise SegError(f"recipe.features: {name} is listed twice; remove one of them")
        parsed[str(name)] = transforms
    return parsed


def check(
    wanted: Iterable[str], provides: Iterable[str], dataset: str, counted: bool, key: str = "recipe.features"
) -> None:
    """Check that a data set can serve all features, before any data is read.

    Parameters
    ----------
    wanted : iterable of str
        Features, by the glossary's names or a column that the data set itself provides.
    provides : iterable of str
        Columns of the data set.
    counted : bool
        Whether it holds order lines, from which features can be counted.
    key : str
        Setting that names the features, for errors.

    Raises
    ------
    Impossible
        A feature is unknown for this data set, or needs a column that the data set has not.
    """
    # Of order lines without an order_id each is an order of its own.
    provides = {*provides, "order_id"} if counted else set(provides)
    for name in wanted:
        if name not in GLOSSARY and (counted or name not in provides):
            valid = set(GLOSSARY) | (set() if counted else provides)
            raise Impossible(f"{key}: unknown feature {name!r}; expected one of {listed(name, valid)}")
        lacking = sorted(_lacking(name, provides, counted))
        if lacking:
            raise Impossible(
                f"{key}: dataset={dataset} cannot serve the feature {name!r}: it needs "
                f"{', '.join(lacking)}, and the data set "
                f"provides {', '.join(sorted(provides))}; choose another recipe, or map the column "
                "(dataset.columns)"
            )


def serves(name: str, provides: Iterable[str], counted: bool) -> bool:
    """Return True if a data set can serve a feature.

    Parameters
    ----------
    name : str
    provides : iterable of str
        Columns of the data set.
    counted : bool
        Whether it holds order lines.
    """
    return not _lacking(name, {*provides, "order_id"} if counted else set(provides), counted)


def _lacking(name: str, provides: set[str], counted: bool) -> set[str]:
    if not counted and name in provides:
        return set()
    if name not in GLOSSARY or (GLOSSARY[name].counted and not counted):
        return {name} - provides
    feature = GLOSSARY[name]
    if feature.counted:
        return set(feature.needs) - provides
    return {lacking for need in feature.needs for lacking in _lacking(need, provides, counted)}


def check_as_of(as_of: object) -> int | date:
    """Read the day to count from: a number of days after the newest order, or a date.

    Raises
    ------
    SegError
        It is neither.
    """
    # 20111210 is a date without its dashes, not a number of days: read below.
    if isinstance(as_of, int) and not isinstance(as_of, bool) and 0 <= as_of <= 36_500:
        return as_of
    try:
        return date.fromisoformat(str(as_of))
    except ValueError:
        raise SegError(
            f"recipe.as_of={as_of}: expected days after the newest order (0, 1, ...) or a date such as "
            "2011-12-10"
        ) from None
