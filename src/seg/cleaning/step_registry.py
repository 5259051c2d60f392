"""What a cleaning step is, and how a YAML names it."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Literal, get_type_hints

from pydantic import AfterValidator, BeforeValidator, ConfigDict, TypeAdapter, ValidationError

from seg.errors import SegError, listed


def _pattern(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"not a regular expression: {error}") from None
    return text


def _day(value: object) -> date:
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        raise ValueError("expected a day such as 2011-12-09") from None


def _days(value: object) -> int | None:
    if value is None or (isinstance(value, int) and not isinstance(value, bool) and value >= 0):
        return value
    raise ValueError("expected a whole number of days such as 365, or null")


Days = Annotated[int | None, BeforeValidator(_days)]
Pattern = Annotated[str, AfterValidator(_pattern)]
Day = Annotated[date, BeforeValidator(_day)]


@dataclass(frozen=True)
class Step:
    """A cleaning rule: its function, its kind, the columns that it needs, and what it refuses."""

    name: str
    apply: Callable
    kind: Literal["filter", "repair", "change"]
    needs: tuple[str, ...]
    refuses: Callable | None = None  # from table and arguments to a table that must be empty, and why
    learns: Callable | None = (
        None  # from table and arguments to scalars of it that `apply` takes too, by name
    )
    undecided: str | None = None  # of a filter: what to say where it is NULL; without it such rows go
    distinct: bool = False  # of a change: it keeps one of equal rows, and does nothing else

    @property
    def arguments(self) -> dict[str, inspect.Parameter]:
        """Arguments that the YAML may give: the table, and what is learned from it (keyword only), left out."""
        parameters = list(inspect.signature(self.apply).parameters.items())[1:]
        return {name: one for name, one in parameters if one.kind is not inspect.Parameter.KEYWORD_ONLY}


STEPS: dict[str, Step] = {}


def _step(kind: str, needs: tuple[str, ...], **further) -> Callable:
    def register(function: Callable) -> Callable:
        registered = STEPS.get(function.__name__)
        if registered is not None:
            raise SegError(
                f"cleaning step {function.__name__!r}: registered by {registered.apply.__module__} and again by "
                f"{function.__module__}; rename one of them"
            )
        STEPS[function.__name__] = Step(function.__name__, function, kind, needs, **further)
        return function

    return register


def keeps(*needs: str, learns: Callable | None = None, undecided: str | None = None) -> Callable:
    """Register a filter: a function from a table to the rows to keep."""
    return _step("filter", needs, learns=learns, undecided=undecided)


def repairs(*needs: str) -> Callable:
    """Register a repair: a function from a table to new values of some columns, row by row, money left alone."""
    return _step("repair", needs)


def changes(*needs: str, refuses: Callable | None = None, distinct: bool = False) -> Callable:
    """Register a change: a function from a table to a table."""
    return _step("change", needs, refuses=refuses, distinct=distinct)


def parse(steps: Sequence) -> list[tuple[Step, dict]]:
    """Read the steps of a YAML (a name, or one name with its arguments) and check them before any data is read.

    Raises
    ------
    SegError
        A step or an argument is unknown, an argument without a default is not given, or has a wrong value.
    """
    parsed = []
    for entry in steps or []:
        if isinstance(entry, Mapping) and len(entry) != 1:
            raise SegError(
                f"cleaning.steps: {', '.join(map(str, entry)) or 'an empty entry'}: expected one step "
                "an entry, "
                "each with a dash of its own"
            )
        name, arguments = next(iter(entry.items())) if isinstance(entry, Mapping) else (entry, None)
        if name not in STEPS:
            raise SegError(f"cleaning.steps: unknown step {name!r}; expected one of {listed(name, STEPS)}")
        if arguments is not None and not isinstance(arguments, Mapping):
            raise SegError(
                f"cleaning.steps: {name}: {arguments!r}: expected arguments by name, "
                f"{', '.join(STEPS[name].arguments)}"
            )
        parsed.append((STEPS[name], _arguments(STEPS[name], dict(arguments or {}))))
    return parsed


def _arguments(step: Step, arguments: dict) -> dict:
    for key in arguments:
        if key not in step.arguments:
            takes = listed(key, step.arguments)
            raise SegError(f"cleaning.steps: {step.name} has no argument {key!r}; it takes {takes}")
    for key, parameter in step.arguments.items():
        if parameter.default is inspect.Parameter.empty and key not in arguments:
            raise SegError(f"cleaning.steps: {step.name} needs the argument {key!r}")
    hints, checked = get_type_hints(step.apply, include_extras=True), {}
    for key, value in arguments.items():
        try:
            adapter = TypeAdapter(hints[key], config=ConfigDict(allow_inf_nan=False))
            checked[key] = adapter.validate_python(value)
        except ValidationError as error:
            expected = error.errors()[0]["msg"].removeprefix("Value error, ")
            raise SegError(f"cleaning.steps: {step.name}: {key}={value!r}: {expected}") from None
    return checked


def needs(parsed: Sequence[tuple[Step, dict]]) -> set[str]:
    """Return the columns that the steps need, those that their arguments ask for with them."""
    return {column for step, arguments in parsed for column in (*step.needs, *_columns_asked_for(arguments))}


def _columns_asked_for(arguments: Mapping) -> tuple[str, ...]:
    matching = ("customer_id", "product_id", "quantity", "ordered_at")
    return (*arguments.get("columns", ()), *(matching if arguments.get("policy") == "match" else ()))
