"""Numbers that stand for a missing value, such as -999: as numbers they would make segments of their own."""

from __future__ import annotations

from collections.abc import Sequence

from ibis.expr import types as ir

from seg.engine import Engine

STAND_INS = (-1, -9, -99, -999, -9999, -99999)
LARGE = 10  # of other values: -1 beside 0 and 1 is a code
FEW = 2  # rows


def notes(engine: Engine, table: ir.Table, names: Sequence[str]) -> list[tuple[str, str]]:
    """Return a note on each column whose only negative value is one that systems write for a missing number.

    Parameters
    ----------
    engine : Engine
    table : ir.Table
    names : sequence of str
        Columns of numbers.

    Returns
    -------
    list of (level, text)
    """
    ends = {
        f"{end} {place}": getattr(table[name], end)()
        for place, name in enumerate(names)
        for end in ("min", "max")
    }
    row = engine.collect(table.aggregate(**ends)).iloc[0]
    suspects = [
        name
        for place, name in enumerate(names)
        if row[f"min {place}"] in STAND_INS and row[f"max {place}"] >= LARGE
    ]
    return [("warning", text) for name in suspects if (text := _note(engine, table, name))]


def _note(engine: Engine, table: ir.Table, name: str) -> str | None:
    below = table.filter(table[name] < 0)
    negative = engine.collect(below.group_by(below[name]).aggregate(rows=below.count()).limit(2))
    if len(negative) != 1 or negative["rows"][0] < FEW:
        return None
    return (
        f"{name}: the only value below zero is {negative[name][0]:g}, in {negative['rows'][0]:,} rows; if it stands for a missing value, leave "
        "those cells empty and choose dataset.missing=median or drop: as a number it makes segments of its own"
    )
