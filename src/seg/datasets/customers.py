"""Anyone's own table of customers, one row a customer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import ibis

from seg.engine import Engine, Reading, column_names
from seg.errors import SegError
from seg.sources import schema, stand_ins
from seg.sources.bad_rows import any_of
from seg.sources.locate import Source
from seg.sources.schema import Field, Loaded

ROW = "row"  # dataset.id: the number of the row names the customer
MISSING = ("fail", "drop", "median")
GAPS = "set dataset.missing=median to fill them, or dataset.missing=drop to leave out such customers"


@dataclass(frozen=True)
class Level:
    """A feature that is 1 where a column of text holds one value, and 0 elsewhere: ``gender=Female``."""

    name: str
    column: str
    value: str

    @classmethod
    def of(cls, name: str, header: Sequence[str]) -> Level | None:
        """Read a feature as a level; None where it names a column, or no column comes before an equals sign."""
        if name in header:
            return None
        for place, sign in enumerate(name):
            column = name[:place]
            if sign == "=" and (column in header or not header):
                return cls(name, column, name[place + 1 :])
        return None


def load(
    engine: Engine,
    source: Source,
    id: str,
    features: Sequence[str],
    reading: Reading,
    decimal: str = ".",
    bad_rows: str = "fail",
    value: str | None = None,
    by: str | None = None,
    truth: str | None = None,
) -> Loaded:
    """Read one row a customer with numeric features.

    A missing, NaN or infinite value makes a bad row, unless `reading.missing` says otherwise. An id that comes twice is an
    error, whatever `bad_rows` says: which of the two rows is the customer cannot be known.

    Parameters
    ----------
    engine : Engine
    source : Source
    id : str
        Column that names each customer once, or ``row`` for the number of the row.
    features : sequence of str
        Numeric columns; ``gender=Female`` is 1 where the column ``gender`` holds ``Female`` and 0 elsewhere.
    reading : Reading
        How the files are written.
    decimal : {".", ","}
    bad_rows : {"fail", "skip"}
    value : str, optional
        Numeric column that says what a customer is worth.
    by : str, optional
        Column of the groups that get a model each; read as text.
    truth : str, optional
        Column of the true segments, read as text; new customers need none.

    Returns
    -------
    Loaded
        ``customer_id``, the chosen columns, `by` and `truth` under their own names; missing numbers are NULL with
        ``reading.missing="median"``.
    """
    _check(id, features, reading)
    _check_value(value, id)
    features = [*features, *([value] if value and value not in features else [])]
    reading = replace(reading, named_by="dataset.id, dataset.features, dataset.value, by")
    header = column_names(source.paths[0], reading)
    levels = [level for name in features if (level := Level.of(name, header))]
    fields = _fields(id, features, levels, reading)
    known = truth if truth in header else None
    groups = [name for name in dict.fromkeys((by, known)) if name and name not in (id, *features)]
    fields += [
        Field(_text(name), name, "text", False)
        for name in groups
        if _text(name) not in [f.name for f in fields]
    ]
    loaded = schema.load_fields(engine, source, fields, reading, bad_rows, decimal)
    table = loaded.table.select(
        "customer_id",
        **{name: _feature(loaded.table, name, levels) for name in features},
        **{name: loaded.table[_text(name)] for name in groups},
    )
    loaded = replace(loaded, table=table)
    check_unique(engine, loaded, id)
    numbers = [name for name in features if name not in [level.name for level in levels]]
    more = stand_ins.notes(engine, table, numbers) if numbers else []
    loaded = replace(loaded, notes=(*loaded.notes, *more, *_about_levels(engine, loaded, levels)))
    return _without_missing(engine, loaded, features, reading.missing)


def _check(id: str, features: Sequence[str], reading: Reading) -> None:
    if not isinstance(id, str) or not id:
        raise SegError(
            f"dataset.id={'null' if id is None else repr(id)}: expected the column that names each customer once, or {ROW} where the "
            "table has none"
        )
    if isinstance(features, str):
        raise SegError(
            f"dataset.features={features}: expected a list of columns, such as dataset.features=[{features}]"
        )
    if id in features:
        raise SegError(
            f"dataset.features: {id!r} is the id of the customers (dataset.id) and not a feature; remove it"
        )
    if "customer_id" in features:
        raise SegError(
            f"dataset.features: 'customer_id' is what seg calls the id of the customers, here dataset.id={id}; rename the column in the file"
        )
    if reading.missing not in MISSING:
        raise SegError(f"dataset.missing={reading.missing}: expected one of {', '.join(MISSING)}")


def _check_value(value: str | None, id: str) -> None:
    if value is not None and (not isinstance(value, str) or value in ("", id, "customer_id")):
        raise SegError(
            f"dataset.value={value!r}: expected a numeric column that says what a customer is worth, or null"
        )


def _fields(id: str, features: Sequence[str], levels: Sequence[Level], reading: Reading) -> list[Field]:
    required = reading.missing == "fail"
    names = {level.name for level in levels}
    numbers = [
        Field(name, name, "number", required, missing_words=not required, if_missing=GAPS, percent=True)
        for name in features
        if name not in names
    ]
    texts = [
        Field(_text(column), column, "text", required)
        for column in dict.fromkeys(level.column for level in levels)
    ]
    if id == ROW:
        return [Field("customer_id", (numbers or texts)[0].source, "row"), *numbers, *texts]
    return [Field("customer_id", id, "id", True), *numbers, *texts]


def _text(column: str) -> str:
    return f"_text {column}"


def _feature(table: ibis.Table, name: str, levels: Sequence[Level]) -> ibis.Value:
    level = next((level for level in levels if level.name == name), None)
    if level is None:
        return table[name]
    return (table[_text(level.column)].strip() == level.value.strip()).cast("float64")


def _about_levels(engine: Engine, loaded: Loaded, levels: Sequence[Level]) -> list[tuple[str, str]]:
    """Return a note on each column of zeros and ones that is zero for everybody."""
    if not levels:
        return []
    sums = {f"of {place}": loaded.table[level.name].sum() for place, level in enumerate(levels)}
    row = engine.collect(loaded.table.aggregate(**sums)).iloc[0]
    return [
        (
            "warning",
            f"{level.name}: no customer has {level.value!r} in {level.column}, so the feature is 0 for everybody; check the spelling",
        )
        for place, level in enumerate(levels)
        if not row[f"of {place}"] > 0
    ]


def _without_missing(engine: Engine, loaded: Loaded, features: Sequence[str], missing: str) -> Loaded:
    """Count missing numbers, and drop their rows where that is asked for."""
    if missing == "fail":
        return loaded
    table = loaded.table
    gone = any_of([table[name].isnull() for name in features])
    counts = engine.collect(
        table.aggregate(
            rows=table.count(),
            gone=gone.sum(),
            **{f"of {place}": table[name].isnull().sum() for place, name in enumerate(features)},
        )
    ).iloc[0]
    rows, lacking = int(counts["rows"]), int(counts["gone"] or 0)
    if not lacking:
        return loaded
    named = ", ".join(
        f"{name} ({int(counts[f'of {place}']):,})"
        for place, name in enumerate(features)
        if counts[f"of {place}"]
    )
    if missing == "median":
        empty = [name for place, name in enumerate(features) if counts[f"of {place}"] == rows]
        if empty:
            raise SegError(
                f"dataset.missing=median: no customer has a number in {', '.join(empty)}; leave such a column out of dataset.features"
            )
        text = f"missing numbers of {lacking:,} customers ({lacking / rows:.1%}) are filled with the median: {named}"
        return replace(loaded, notes=(*loaded.notes, ("info", text)))
    if lacking == rows:
        raise SegError(
            f"dataset.missing=drop: every customer lacks a number: {named}; leave such a column out of dataset.features"
        )
    text = f"{lacking:,} of {rows:,} customers ({lacking / rows:.1%}) lack a number and were dropped (dataset.missing=drop): {named}"
    return replace(loaded, table=table.filter(~gone), notes=(*loaded.notes, ("warning", text)))


def check_unique(engine: Engine, loaded: Loaded, column: str) -> None:
    """Raise a `SegError` that names ids which come more than once.

    Parameters
    ----------
    engine : Engine
    loaded : Loaded
        A table of customers.
    column : str
        The name that ``customer_id`` has in the file, for the message.

    Raises
    ------
    SegError
        An id comes more than once; the first five are named.
    """
    counts = loaded.table.group_by("customer_id").aggregate(times=loaded.table.count())
    twice = engine.collect(counts.filter(counts.times > 1).order_by("customer_id").limit(6))
    if len(twice):
        shown = ", ".join(f"{row.customer_id!r} ({row.times} times)" for row in twice.head(5).itertuples())
        more = " and more" if len(twice) > 5 else ""
        raise SegError(
            f"column {column!r} must name each customer once; it repeats {shown}{more}: "
            "remove or merge those rows"
        )
