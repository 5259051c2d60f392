"""Rows to score: raw files, which are cleaned and turned into features as in training, or a table of features."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from seg.config import compose, load
from seg.config.data_names import data_name, same_data
from seg.config.private import private, resolved
from seg.datasets.customers import ROW
from seg.errors import SegError, listed
from seg.pipeline import check
from seg.preparation import inspection, prepare
from seg.score import replay
from seg.score import scorer as scoring
from seg.sinks.redaction import redact
from seg.sources import locate, tables
from seg.sources.remote import request

if TYPE_CHECKING:
    from seg.config.settings import DatasetSettings, Preparation
    from seg.score.scorer import Scorer

# Options that a table of features takes: it is streamed from its files, whichever engine is named, and no JVM starts.
BESIDE_FEATURES = ("tracking", "sink", "dataset.name=", "engine")


@dataclass(frozen=True)
class Input:
    """What is to be scored.

    Parameters
    ----------
    path : str
        A file, a folder or a pattern.
    kind : {"raw", "features"}, optional
        Found from the columns when left out.
    id : str, optional
        Column of a feature table that names the customers; that of training, or ``customer_id``, when left out.
    as_of : str, optional
        ``"rule"``, ``"frozen"`` or a day, see ``seg score --help``.
    overrides : sequence of str
        Options of the data set and the engine.
    """

    path: str
    kind: str | None = None
    id: str | None = None
    as_of: str | None = None
    overrides: Sequence[str] = field(default=())

    @cached_property
    def paths(self) -> tuple[Path, ...]:
        """The files; none of a database whose table or query only the configuration of the model names."""
        if not request.is_remote(self.path):
            return locate.expand(self.path, "input")
        table, query = (self.value(f"dataset.{name}") for name in ("table", "query"))
        if not (table or query or self.path.startswith("s3://")):
            return ()
        return locate.fetched("", request.Request(self.path, table, query, "input")).paths

    @property
    def names(self) -> list[str]:
        """Names of the files, or the address: what tells one input from another."""
        if request.is_remote(self.path):
            source = request.Request(self.path, self.value("dataset.table"), self.value("dataset.query"))
            return [str(source)]
        return [path.name for path in self.paths]

    def value(self, key: str) -> str | None:
        """Return the value that the overrides set for a key."""
        values = [text.partition("=")[2] for text in self.overrides if text.partition("=")[0] == key]
        return resolved(values[-1]).strip("'\"") if values else None

    @cached_property
    def header(self) -> list[str] | None:
        """Columns of the first file; None if only the data set can read it."""
        if not self.paths or not tables.readable(self.paths):
            return None
        with contextlib.suppress(
            SegError
        ):  # raw rows may have another dialect, which their own reader checks
            return tables.columns(self.paths[0])
        return None


@dataclass(frozen=True)
class Rows:
    """Customers to score.

    Parameters
    ----------
    batches : iterable of (Array, DataFrame)
        Customer ids, and their features.
    notes : list of str
    day : str
        That the customers are of, ISO.
    extract : bool
        Whether they look like a part of the customers of training.
    """

    batches: Iterable
    notes: list[str] = field(default_factory=list)
    day: str = field(default_factory=lambda: f"{date.today()}")
    extract: bool = False


def configured(rows_input: Input, scorer: Scorer, config_yaml: str, trust: bool = False):
    """Compose the configuration of training for the new input; refuse data of another data set.

    Parameters
    ----------
    rows_input : Input
    scorer : Scorer
    config_yaml : str
        The configuration the model was trained with.
    trust : bool
        Whether it may name code that is neither seg's nor scikit-learn's.

    Raises
    ------
    SegError
        The input is of another data set than the model, and the user has not said that it is the same.
    """
    cfg = compose.recompose(config_yaml, rows_input.overrides, trust)
    name = scorer.contract.dataset
    remote = request.is_remote(rows_input.path)
    path = redact(rows_input.path) if remote else rows_input.paths[0]
    _set_place(cfg, rows_input, remote)
    named = any(text.startswith("dataset.name=") for text in rows_input.overrides)
    other = str(cfg.dataset.name) != name
    # A file of one's own names its data set; the files of seg's own data sets are called as they are.
    by_file = "name: ${data_name:" in config_yaml and name not in ("transactions", "customers")
    table = _is_features(rows_input, scorer)
    called = data_name(str(path), "", cfg.dataset.get("table")) if remote else str(path)
    if other or (by_file and not named and not table and not same_data(name, called)):
        which = f"dataset={cfg.dataset.name}" if other else f"input={path}"
        lacking = scorer.lacking(rows_input.header or [])
        near = lacking and set(scorer.features) - set(lacking)
        hint = "" if not near else f". As a table of features it lacks {', '.join(lacking)}"
        raise SegError(
            f"{which}: the model {scorer.label} was trained on the data set {name}, and this file is named like another one; choose "
            f"the model of that data set, or pass dataset.name={name} if these are customers of {name}{hint}"
        )
    return cfg


def _is_features(rows_input: Input, scorer: Scorer) -> bool:
    """Return whether the input is a table of features, computed already; rows that their number names are read as in training."""
    if rows_input.kind is not None:
        return rows_input.kind == "features"
    header = rows_input.header or []
    if not header or scorer.lacking(header):
        return False
    return scorer.contract.id != ROW or bool({rows_input.id, "customer_id"} & {*header})


def _set_place(cfg, rows_input: Input, remote: bool) -> None:
    """Read the input in the place of what the model was trained on."""
    # A secret of the address stays in the environment.
    cfg.dataset.path = private(f"dataset.path={rows_input.path}").partition("=")[2]
    options = {name: rows_input.value(f"dataset.{name}") for name in ("table", "query")}
    if (not remote or any(options.values())) and "table" in cfg.dataset:
        # What training read: another table, or a table where the input is a file.
        for name, value in options.items():
            cfg.dataset[name] = value


def rows(rows_input: Input, scorer: Scorer, cfg) -> Rows:
    """Return ids and features, batch by batch, and notes.

    Parameters
    ----------
    rows_input : Input
    scorer : Scorer
    cfg : DictConfig
        The configuration of training for this input, see `configured`.

    Raises
    ------
    SegError
        The files cannot be read, or lack a column that the model needs.
    """
    if _is_features(rows_input, scorer):
        return Rows(_features(rows_input, scorer))
    return _counted(rows_input, scorer, cfg)


def _features(rows_input: Input, scorer: Scorer) -> Iterable:
    if not rows_input.paths:
        raise SegError("kind=features: which table? Set dataset.table or dataset.query")
    path = rows_input.paths[0]
    if rows_input.as_of:
        raise SegError(
            f"as_of={rows_input.as_of}: {path} is a table of features, computed already; leave as_of out"
        )
    if "evaluation.outlook=true" in rows_input.overrides:
        raise SegError(
            f"evaluation.outlook=true: {path} is a table of features, which does not show when each order was placed; pass the orders"
        )
    further = [text for text in rows_input.overrides if not text.startswith(BESIDE_FEATURES)]
    if further:
        raise SegError(
            f"{further[0]}: {path} is a table of features, which is read without a data set; leave it out"
        )
    if not tables.readable(rows_input.paths):
        raise SegError(
            f"input={path}: expected a table of features in a file that ends in {', '.join(tables.READABLE)}"
        )
    header = tables.columns(path) if rows_input.header is None else rows_input.header
    scorer.check(header, str(path))
    names = [rows_input.id] if rows_input.id else list(dict.fromkeys([scorer.contract.id, "customer_id"]))
    id = next((name for name in names if name in header), None)
    if id is None:
        raise SegError(
            f"{path} has no column {' or '.join(names)} that names the customers; it has {listed(names[0], header, most=20)}: "
            "set id=..."
        )
    return tables.batches(rows_input.paths, id, scorer.features, getattr(scorer, "by", None))


def _counted(rows_input: Input, scorer: Scorer, cfg) -> Rows:
    """Read raw rows and compute features as in training."""
    if rows_input.id:
        raise SegError(
            f"id={rows_input.id}: only for a table of features; for raw rows set the column of the data set (dataset.columns)"
        )
    as_of = rows_input.as_of or "rule"
    settings = replay.for_scoring(load.settings(cfg), scorer.contract, as_of)
    raw = rows_input.header is None or not _needed(settings.dataset, scorer, rows_input) - set(
        rows_input.header
    )
    if rows_input.kind is None and not raw and len(scorer.lacking(rows_input.header)) < len(scorer.features):
        scorer.check(rows_input.header, rows_input.names[0])
    check.check_parts(settings)
    prepared, notes = _prepared(rows_input, scorer, settings.preparation, cfg, raw)
    table = prepared.table
    frame = table.frame if prepared.groups is None else table.frame.assign(**{settings.by: prepared.groups})
    scorer.check(frame.columns, f"the table of features of {settings.dataset.name}")
    chosen = frame[scorer.features if prepared.groups is None else [*scorer.features, settings.by]]
    partial = replay.extract(table, scorer.contract, as_of)
    notes += partial + replay.remarks(settings.preparation)
    if table.as_of:
        day = f"recency is counted from {table.as_of} (as_of={as_of}; newest order {table.newest})"
        notes.insert(0, day)
    day = str((table.newest if as_of == "rule" else table.as_of) or date.today())
    return Rows(scoring.pieces(chosen), notes, day, bool(partial))


def _prepared(rows_input: Input, scorer: Scorer, preparation: Preparation, cfg, raw: bool) -> tuple:
    """Return the prepared table and the warnings of reading; `raw` is whether all columns of the data set are there."""
    parts = compose.instantiate_parts(cfg)
    source, notes = prepare.find(preparation.dataset, cfg.data_dir)
    try:
        prepared = prepare.prepare(preparation, parts, source)
    except SegError as error:
        if raw or rows_input.kind:
            raise
        lacking = ", ".join(scorer.lacking(rows_input.header))
        raise SegError(f"{error}\n  as a table of features for {scorer.label} it lacks {lacking}") from None
    return prepared, [text for level, text in [*notes, *prepared.notes] if level == "warning"]


def _needed(dataset: DatasetSettings, scorer: Scorer, rows_input: Input) -> set[str]:
    """Return the columns that the data set reads from its files."""
    if not dataset.files:
        raise SegError(
            f"input={rows_input.names[0]}: dataset={dataset.name} is generated and reads no file; pass a table of its features "
            f"({', '.join(scorer.features)}), or the data set of the file, such as dataset=transactions"
        )
    return set(inspection.names_in_files(dataset).values())
