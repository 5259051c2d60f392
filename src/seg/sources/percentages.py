"""Columns of percentages in a table of customers: ``12,5 %`` is read as the fraction 0.125."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from seg.engine import Engine, Raw
from seg.errors import SegError
from seg.sources.number_formats import PERCENT_SIGN, number
from seg.sources.typed_values import MISSING_WORDS, PERCENT, Field


def with_percent(
    engine: Engine, raw: Raw, fields: Sequence[Field], plain: frozenset[str], where: str
) -> list[Field]:
    """Mark the features that are columns of percentages.

    Parameters
    ----------
    engine : Engine
    raw : Raw
    fields : sequence of Field
    plain : frozenset of str
        Columns of the files that hold plain numbers only: they are not looked at.
    where : str
        Name of the files, for errors.

    Raises
    ------
    SegError
        A column mixes percentages with plain numbers: whether 7 is 7 % cannot be known.
    """
    texts = {
        field.source: raw.table[field.source]
        for field in fields
        if field.percent and field.source not in plain and raw.table[field.source].type().is_string()
    }
    if not texts:
        return list(fields)
    flags = {}
    for place, text in enumerate(texts.values()):
        word, signed = text.strip().lower(), text.re_search(PERCENT_SIGN)
        flags[f"signed_{place}"] = signed.sum().fill_null(0)
        other = ~signed & (word != "") & ~word.isin(MISSING_WORDS) & number(text).notnull()
        flags[f"other_{place}"] = other.sum().fill_null(0)
    counts = engine.collect(raw.table.aggregate(**flags)).iloc[0]
    marked = set()
    for place, source in enumerate(texts):
        signed, other = int(counts[f"signed_{place}"]), int(counts[f"other_{place}"])
        if signed and other:
            raise SegError(
                f"{where}: column {source!r} mixes percentages ({signed:,} values end in %) and numbers without a sign ({other:,}); "
                "write all of them in one way"
            )
        marked |= {source} if signed else set()
    return [replace(field, format=PERCENT) if field.source in marked else field for field in fields]


def notes(fields: Sequence[Field]) -> list[tuple[str, str]]:
    """Return a note that names the columns of percentages."""
    named = ", ".join(field.source for field in fields if field.format == PERCENT)
    return [("info", f"percentages are read as fractions, 12.5% as 0.125: {named}")] if named else []
