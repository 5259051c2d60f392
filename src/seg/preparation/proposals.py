"""Options that read a file which the settings do not read: worked out from a look at it, for `seg data check`."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from seg.config.quoting import quoted
from seg.config.settings import DatasetSettings
from seg.engine.files import Reading, checked
from seg.sources import file_look, number_formats
from seg.sources.file_look import Look, option
from seg.sources.format_advice import LEVELS
from seg.sources.locate import Source
from seg.sources.number_formats import NumberFormat
from seg.sources.typed_values import MISSING_WORDS


@dataclass(frozen=True)
class Proposal:
    """Options, as a shell takes them, and what has to be decided by a person."""

    options: tuple[str, ...]
    notes: tuple[str, ...] = ()

    @property
    def overrides(self) -> list[str]:
        """The options as a command receives them."""
        return shlex.split(" ".join(self.options))


def propose(dataset: DatasetSettings, source: Source) -> Proposal | None:
    """Look at the first file of a data set and propose the options that read it.

    Returns
    -------
    Proposal or None
        None where the file cannot be read in any layout, or the options that are set are those.
    """
    if not source.paths or not (hasattr(dataset, "columns") or hasattr(dataset, "id")):
        return None
    reading = Reading(
        delimiter=dataset.delimiter,
        quote=getattr(dataset, "quote", "double"),
        encoding=getattr(dataset, "encoding", "utf-8"),
        sheet=getattr(dataset, "sheet", None),
        skip_rows=getattr(dataset, "skip_rows", 0),
        max_bytes=getattr(dataset, "max_bytes", None),
        names=getattr(dataset, "names", None),
    )
    declared = checked(reading)
    file = file_look.look(source.paths[0], declared)
    if file is None or not any(file.header):
        return None
    layout = file_look.layout_options(file, declared)
    numbers = NumberFormat(getattr(dataset, "decimal", "."), getattr(dataset, "thousands", None))
    of_kind = _orders if hasattr(dataset, "columns") else _customers
    options_of_kind = of_kind(dataset, file, numbers)
    options, notes = (*layout, *options_of_kind.options), options_of_kind.notes
    if file.reading.names and not declared.names:
        notes = (
            "the file has no header: the names are a guess; correct dataset.names where it is wrong",
            *notes,
        )
    if file.reading.encoding != declared.encoding and file.reading.encoding in (
        *file_look.GUESSED,
        "latin-1",
    ):
        guess = (
            f"the file is not {declared.encoding}, and {file.reading.encoding} is a guess: windows-1250 (Central Europe), windows-1251 "
            "(Cyrillic), windows-1252 (Western Europe), windows-1254 (Turkish) and others may read it too; look whether ids and texts are right"
        )
        notes = (guess, *notes)
    return Proposal(options, notes) if options or notes else None


def _orders(dataset: DatasetSettings, file: Look, numbers: NumberFormat) -> Proposal:
    options, columns = file_look.column_options(file, dataset.columns)
    money = [columns[name] for name in ("amount", "quantity", "unit_price") if name in columns]
    formats, notes = file_look.format_options(
        file, columns.get("ordered_at"), money, (dataset.date_format, numbers)
    )
    return Proposal((*options, *formats), (*file_look.unread(file, columns), *notes))


def _customers(dataset: DatasetSettings, file: Look, numbers: NumberFormat) -> Proposal:
    options = []
    id = dataset.id
    if id not in file.header and id != "row":
        id = next((name for name in file.header if _names_customers(file, name)), "row")
        options.append(option("dataset.id", id))
    features, notes = _features(dataset, file, id)
    if features and features != list(dataset.features):
        options.append(option("dataset.features", f"[{','.join(map(_in_list, features))}]"))
    formats, unsure = file_look.format_options(
        file, None, [name for name in features if name in file.values], (None, numbers)
    )
    gaps = [name for name in features if _has_gaps(file, name)]
    if gaps and getattr(dataset, "missing", "fail") == "fail":
        options.append("dataset.missing=median")
        notes.append(
            f"{', '.join(gaps)}: some values are missing; dataset.missing=drop leaves such customers out instead"
        )
    return Proposal((*options, *formats), (*notes, *unsure))


def _names_customers(file: Look, name: str) -> bool:
    values = file.values[name]
    return (
        bool(values)
        and len(set(values)) == len(values)
        and name.lower().replace(" ", "_").endswith(("id", "no", "number", "key"))
    )


def _features(dataset: DatasetSettings, file: Look, id: str) -> tuple[list[str], list[str]]:
    """Keep the features that are numbers; put columns of zeros and ones in the place of texts."""
    wanted = [name for name in dataset.features if name in file.header or "=" in name]
    if not wanted:
        wanted = [name for name in file.header if name not in ("", id) and _is_numeric(file, name)]
    features, notes = [], []
    for name in wanted:
        if name not in file.values or _is_numeric(file, name):
            features.append(name)
            continue
        levels = sorted({value.strip() for value in file.values[name] if value.strip()})
        if not levels:
            notes.append(f"{name}: no row has a value, and it is left out")
        elif len(levels) <= LEVELS:
            features += [f"{name}={level}" for level in levels]
            notes.append(f"{name}: holds texts; each value becomes a column of zeros and ones")
        else:
            notes.append(f"{name}: holds {len(levels):,} different texts and is left out")
    return features, notes


def _is_numeric(file: Look, name: str) -> bool:
    values = _filled(file.values[name])
    return bool(values) and bool(number_formats.proposals(values))


def _has_gaps(file: Look, name: str) -> bool:
    return name in file.values and len(_filled(file.values[name])) < len(file.values[name])


def _filled(values: Sequence[str]) -> list[str]:
    return [value for value in values if value.strip() and value.strip().lower() not in MISSING_WORDS]


def _in_list(name: str) -> str:
    """Quote a name for a list in an override where the grammar needs that."""
    return name if name.replace("_", "").isalnum() and not name[:1].isdigit() else quoted(name)
