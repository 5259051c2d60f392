"""What a run does with the oddities of the rows that it has read: it stops, or passes them on as notes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date

from seg import cleaning, features
from seg.engine import Engine
from seg.sources import odd_ids, oddities, order_totals
from seg.sources.oddities import LARGE, Suspects
from seg.sources.schema import Loaded

FAR = 366  # days after today


def check(engine: Engine, loaded: Loaded, steps: Sequence, as_of: object) -> list[tuple[str, str]]:
    """Check dates and repeated lines of a table that was read.

    Parameters
    ----------
    engine : Engine
    loaded : Loaded
    steps : sequence
        Cleaning steps, as the settings have them.
    as_of : int or str or date
        `recipe.as_of`.

    Returns
    -------
    list of (level, text)
        Notes for the report.

    Raises
    ------
    SegError
        A few dates are far from all others, and neither a window of days nor a day to count from is set.
    """
    names = [step.name for step, _arguments in cleaning.parse(steps)]
    notes = list(loaded.notes)
    suspects = loaded.suspects
    if suspects is not None and "date_window" not in names:
        if not isinstance(features.check_as_of(as_of), date):
            raise suspects.error(_window(suspects, steps))
        notes.append(("warning", suspects.text))
    notes += _about_as_of(as_of, date.today())
    if "amount" not in loaded.table.columns or loaded.lookup is not None:
        return notes
    rows = int(engine.collect(loaded.table.aggregate(rows=loaded.table.count())).rows[0])
    texts = _about_lines(engine, loaded, steps, names) if rows <= LARGE else []
    return [*notes, *(("warning", text) for text in texts)]


def _about_as_of(as_of: object, today: date) -> list[tuple[str, str]]:
    """Return a note on a day to count recency from that is most likely mistyped: everybody would have been away for so long."""
    day = features.check_as_of(as_of)
    ahead = (day - today).days if isinstance(day, date) else 0
    if ahead <= FAR:
        return []
    return [
        (
            "warning",
            f"recipe.as_of={day} is {ahead:,} days after today, and the recency of every customer counts up to it: check the year",
        )
    ]


def _about_lines(engine: Engine, loaded: Loaded, steps: Sequence, names: Sequence[str]) -> list[str]:
    texts = []
    if "drop_customers" not in names:
        nobody = odd_ids.placeholders(engine, loaded.table)
        step = {"drop_customers": {"customers": [*nobody]}}
        texts.append(odd_ids.about_placeholders(nobody, _with_step(steps, step)))
    if "drop_duplicates" not in names:
        texts.append(oddities.repeated_lines(engine, loaded.table, _with_step(steps, "drop_duplicates")))
    texts.append(order_totals.repeated_totals(engine, loaded.table))
    return [text for text in texts if text]


def _window(suspects: Suspects, steps: Sequence) -> str:
    return _with_step(steps, {"date_window": {"start": str(suspects.first), "end": str(suspects.last)}})


def _with_step(steps: Sequence, step: object) -> str:
    """Spell the steps with one before them, as an option of a run; the step alone where a shell would need more quotes."""
    spelled = _spelled([step, *steps])
    if set(spelled) & set("'\\$^"):
        return f"one more entry of cleaning.steps: {_spelled(step)}"
    return f"'cleaning.steps={spelled}'"


def _spelled(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_spelled(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_spelled, value)) + "]"
    text = json.dumps(value, default=str, ensure_ascii=False)
    plain = isinstance(value, str) and value.replace("_", "").replace("-", "").isalnum()
    return value if plain else text
