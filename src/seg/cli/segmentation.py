"""What `seg.segment` and `seg.load` return: the tables of a segmentation, its figures, and the model that scores customers."""

from __future__ import annotations

import contextlib
import html
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from seg.errors import SegError, listed, undamaged

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from seg.cli.single_run import Finished
    from seg.score.scorer import Scorer

SHOWN = 6  # features in the table that a notebook shows
FILES = (
    "segments.csv",
    "assignments.parquet",
    "ledger.csv",
    "k_scan.csv",
    "evidence.csv",
    "metrics.csv",
    "notes.csv",
)


@dataclass(frozen=True, repr=False)
class Segmentation:
    """The segments of the customers of one data set.

    Attributes
    ----------
    title : str
        Data set and number of segments.
    segments : DataFrame
        One row a segment, the most valuable first where customers have a value: ``segment``, ``name``, ``size``, ``share``, ``revenue_share``, and mean, median
        and index (100 is the average customer) of every feature.
    customers : DataFrame
        One row a customer: ``customer_id``, ``segment``, ``name``, and the features where they are known.
    metrics : Series
        All metrics by name; `meanings` says what each one means.
    ledger : DataFrame
        One row a cleaning step: rows, customers and revenue after it.
    notes : list of (str, str)
        Level (``"warning"`` or ``"info"``) and text.
    k_scan, evidence : DataFrame
        One row for each number of segments that was tried; one row a verdict.
    folder : Path or None
        The run directory, where there is one.
    """

    title: str
    segments: pd.DataFrame
    customers: pd.DataFrame
    metrics: pd.Series
    meanings: Mapping[str, str]
    ledger: pd.DataFrame
    notes: Sequence[tuple[str, str]]
    k_scan: pd.DataFrame
    evidence: pd.DataFrame
    folder: Path | None = None
    _finished: Finished | None = field(default=None, compare=False)

    @property
    def k(self) -> int:
        """Number of segments, noise not counted."""
        return int((self.segments["segment"] >= 0).sum())

    def figure(self, name: str) -> Figure:
        """Draw a figure of the report.

        Parameters
        ----------
        name : str
            Such as ``"map"``, ``"profile"``, ``"sizes"``, ``"silhouette"`` or ``"elbow"``.

        Returns
        -------
        Figure
            It shows itself in a notebook; ``figure.savefig("map.png")`` saves it.

        Raises
        ------
        SegError
            There is no such figure.
        """
        from seg.report import figures, plots

        if self._finished is not None:
            drawn = {key: make for key, (_, make) in figures.drawings(self._finished.result).items()}
        else:
            saved = sorted((self.folder / "figures").glob("*.png"))
            drawn = {path.stem: partial(plots.picture, path) for path in saved}
        if name not in drawn:
            raise SegError(f"figure {name!r}: unknown; expected one of {listed(name, drawn)}")
        figure = drawn[name]()
        figure._repr_png_ = partial(plots.png, figure)
        return figure

    def save(self, folder: str | os.PathLike) -> Path:
        """Write what a run leaves: the report, tables, figures, and the model.

        Parameters
        ----------
        folder : str or Path
            A new or empty folder.

        Returns
        -------
        Path
            The folder.

        Raises
        ------
        SegError
            The folder is not empty or cannot be written to, or the segmentation was loaded from a folder.
        """
        from seg.cli import single_run

        target = Path(folder).expanduser()
        if self._finished is None:
            raise SegError(f"save: this segmentation lies in {self.folder} already; copy that folder")
        if target.is_file() or (target.is_dir() and any(target.iterdir())):
            raise SegError(f"save: {target} exists; choose a new folder, or remove it first")
        from seg.sinks import local_files as files

        files.writable(target)
        single_run.write(self._finished, target)
        return target

    def score(self, data: object, as_of: str | None = None) -> pd.DataFrame:
        """Return the segment of new customers.

        Parameters
        ----------
        data : DataFrame (pandas, Polars, Arrow), str or Path
            Rows as the data set has them, with the columns that `segment` was given; or a table of features.
        as_of : str, optional
            The day from which recency is counted: ``"rule"`` (as in the recipe, the default), ``"frozen"`` (the day of
            training), or a date.

        Returns
        -------
        DataFrame
            One row a customer: ``customer_id``, ``segment``, ``name``, ``distance`` to the centre, ``outside`` (whether a
            feature lies outside the range of training), and the ``reason`` why there is no segment.

        Raises
        ------
        SegError
            The data lack a column, or there is no model.
        """
        from seg.cli.notebook import isolated
        from seg.score import input_rows
        from seg.sources.frames import as_file

        scorer, config_yaml = self._model()
        with contextlib.ExitStack() as stack:
            stack.enter_context(isolated())
            if isinstance(data, str | os.PathLike):
                path = os.fspath(data)
            else:
                path = str(stack.enter_context(as_file(data, scorer.contract.dataset)))
            rows_input = input_rows.Input(path, as_of=as_of)
            cfg = input_rows.configured(rows_input, scorer, config_yaml, self._finished is not None)
            placed = [
                scorer.place(frame).assign(customer_id=pd.array(ids, dtype="str"))
                for ids, frame in input_rows.rows(rows_input, scorer, cfg).batches
            ]
        table = pd.concat(placed, ignore_index=True)
        return table[["customer_id", *table.columns.drop("customer_id")]]

    def _model(self) -> tuple[Scorer, str]:
        """Return what places customers, and the configuration it was trained with."""
        from seg.score import model_card, scorer

        if self._finished is not None:
            finished = self._finished
            settings = finished.settings
            card = model_card.of(finished.result, settings.preparation, settings.tracking.min_cell)
            return scorer.Scorer(finished.result.pipeline, card, self.title), finished.request.yaml
        from seg.config import compose
        from seg.track import find_model

        files = find_model.find(str(self.folder), None, self.folder)
        return scorer.load(files), compose.read_saved(files.config)

    def __repr__(self) -> str:
        sizes = ", ".join(f"{row.name} ({row.size:,})" for row in self.segments.itertuples(index=False))
        return f"<seg.Segmentation {self.title}: {sizes}>"

    def _repr_html_(self) -> str:
        means = [name for name in self.segments if name.startswith("mean_")][:SHOWN]
        columns = ["name", "size", "share", "revenue_share", *means]
        shown = self.segments[[name for name in columns if name in self.segments]]
        table = shown.to_html(index=False, border=0, float_format=lambda number: f"{number:,.3g}")
        marked = [f"<b>Warning:</b> {html.escape(text)}" for level, text in self.notes if level == "warning"]
        notes = "".join(f"<p>{text}</p>" for text in marked)
        return f"<div><h3>{html.escape(self.title)}</h3>{table}{notes}</div>"


def of(finished: Finished, folder: Path | None = None) -> Segmentation:
    """Return the tables of a segmentation in memory."""
    result = finished.result
    return Segmentation(
        title=finished.title,
        segments=result.segments,
        customers=_customers(result),
        metrics=pd.Series(result.metrics, name="value", dtype="float64"),
        meanings=result.meanings,
        ledger=result.ledger,
        notes=list(result.notes),
        k_scan=result.scan.table,
        evidence=pd.DataFrame(result.evidence.verdicts),
        folder=folder,
        _finished=finished,
    )


def read(folder: Path) -> Segmentation:
    """Read a run directory.

    Raises
    ------
    SegError
        The folder is missing, or a file of it is.
    """
    example = "a run directory, such as runs/2026-11-22/19-04-02-flo"
    if not folder.is_dir():
        raise SegError(f"{folder}: no such folder; expected {example}")
    missing = [name for name in FILES if not (folder / name).exists()]
    if missing:
        raise SegError(f"{folder}: {', '.join(missing)} is missing; expected {example}")
    with undamaged(folder):
        return _read(folder)


def _read(folder: Path) -> Segmentation:
    segments, ledger, k_scan, evidence = (
        pd.read_csv(folder / f"{name}.csv") for name in ("segments", "ledger", "k_scan", "evidence")
    )
    metrics = pd.read_csv(folder / "metrics.csv", index_col="metric", keep_default_na=False, na_values=[""])
    notes = pd.read_csv(folder / "notes.csv", keep_default_na=False)
    customers = pd.read_parquet(folder / "assignments.parquet")
    return Segmentation(
        title=f"{folder.name}: {len(segments)} segments",
        segments=segments,
        customers=_named(customers, segments),
        metrics=metrics["value"],
        meanings=metrics["meaning"].fillna("").to_dict(),
        ledger=ledger,
        notes=list(notes.itertuples(index=False, name=None)),
        k_scan=k_scan,
        evidence=evidence,
        folder=folder,
    )


def _customers(result) -> pd.DataFrame:
    """Join each customer's segment with the features."""
    frame = result.table.frame
    segments = pd.DataFrame({"customer_id": frame.index.astype(str), "segment": result.labels})
    features = frame[[*result.table.features, *result.table.profile]].reset_index(drop=True)
    named = _named(segments, result.segments)
    return named.join(features.rename(columns=lambda name: f"{name} (feature)" if name in named else name))


def _named(customers: pd.DataFrame, segments: pd.DataFrame) -> pd.DataFrame:
    names = segments.set_index("segment")["name"]
    return customers.assign(name=customers["segment"].map(names))
