"""Segments for customers that the model has not seen: each row by itself, so that one row gets what it gets in a batch."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from seg.errors import SegError, listed
from seg.metrics import drift
from seg.models import skops_file
from seg.models.placement import Placement
from seg.score import model_card as contracts
from seg.score.feature_shift import FeatureShift
from seg.score.model_card import Contract
from seg.sinks.csv_guard import guard_frame
from seg.sources import tables

CHUNK = 65_536  # rows placed at a time


@dataclass(frozen=True)
class Scorer:
    """A fitted pipeline and what it was trained on.

    Parameters
    ----------
    pipeline : Pipeline
        From features to segments.
    contract : Contract
    label : str
        What the model is, for people.
    remarks : tuple of str
        What was noticed while it was loaded.
    names : dict of int to str
        Of the segments; those of training when left out.
    """

    pipeline: object
    contract: Contract
    label: str
    remarks: tuple[str, ...] = ()
    names: dict[int, str] = field(default_factory=dict)

    @property
    def features(self) -> list[str]:
        """Columns that the model needs, in order."""
        return list(self.contract.features)

    def lacking(self, columns: Iterable[str]) -> list[str]:
        """Return the features that are not among the columns."""
        there = set(columns)
        return [name for name in self.features if name not in there]

    def check(self, columns: Iterable[str], what: str) -> None:
        """Raise a `SegError` that names the features which `what` lacks, and what it has."""
        lacking = self.lacking(columns)
        if lacking:
            raise SegError(
                f"{what} has no {', '.join(lacking)}; {self.label} needs {', '.join(self.features)}, and there is "
                f"{listed(lacking[0], columns, most=20)}: choose a model of the recipe that made the table, or make "
                "the table with the recipe of the model"
            )

    def shares(self, sizes: Mapping[int, int]) -> pd.DataFrame:
        """Compare the shares of segments with those of training: segment, name, customers, share, training; noise last."""
        then, placed = self.contract.shares, max(sum(sizes.values()), 1)
        order = sorted({*then, *sizes}, key=lambda segment: (segment < 0, segment))
        rows = [
            (
                one,
                (self.contract.names | self.names).get(one, "noise"),
                sizes.get(one, 0),
                sizes.get(one, 0) / placed,
                then.get(one, 0.0),
            )
            for one in order
        ]
        return pd.DataFrame(rows, columns=["segment", "name", "customers", "share", "training"])

    def share_index(self, sizes: Mapping[int, int]) -> tuple[float, float]:
        """Return the population stability index of the shares of the segments against training, and what chance reaches."""
        then = {int(row["segment"]): int(row["size"]) for row in self.contract.segments}
        order = self.shares(sizes)["segment"]
        index = drift.psi([then.get(one, 0) for one in order], [sizes.get(one, 0) for one in order])
        return index, drift.by_chance(sum(then.values()), sum(sizes.values()), len(order))

    def share_drift(self, sizes: Mapping[int, int]) -> str:
        """Return in words how far the shares of the segments have moved since training."""
        index, chance = self.share_index(sizes)
        if not sum(sizes.values()):
            return "unknown: no customer has a segment"
        return (
            f"population stability index of the shares {index:.3f} against training: {drift.verdict(index, chance)} "
            f"(stable below {drift.MODERATE}, changed above {drift.LARGE}; chance alone reaches {chance:.3f})"
        )

    def place(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Place customers in segments.

        Parameters
        ----------
        frame : DataFrame of shape (n_customers, n_columns)
            Holds the features, in the units of training; its index and further columns do not matter.

        Returns
        -------
        DataFrame of shape (n_customers, 6 or 7), index as that of `frame`
            ``segment`` (noise is -1) and its ``name``; ``distance`` to the centre of the segment, in the space that the model
            clusters in (NaN for noise); for a mixture the ``probability`` of that segment; ``outside`` where a feature lies beyond
            its range in training, and ``outside_features`` with their names; ``reason`` why there is no segment: a feature
            is missing or not finite. All that is missing is so as Arrow has it.

        Raises
        ------
        SegError
            A feature is missing as a column.
        """
        self.check(frame.columns, "the table")
        chosen, placement = frame[self.features].astype("float64"), self.placement
        starts = range(0, max(len(chosen), 1), CHUNK)
        return pd.concat([placement.place(chosen.iloc[start : start + CHUNK]) for start in starts])

    @functools.cached_property
    def placement(self) -> Placement:
        """The pipeline with the names of its segments and the ranges of its training."""
        bounds = self.contract.bounds()
        names = self.contract.names | self.names
        ends = bounds["least"], bounds["greatest"]
        return Placement(self.pipeline, self.features, *ends, names, self.contract.fills)


def load(files, label: str | None = None, trust: bool = False) -> Scorer:
    """Load a model and its card from the files that `seg.track.find_model.find` has found.

    Parameters
    ----------
    files : seg.track.find_model.Found
    label : str, optional
        What the model is, for people.
    trust : bool, default=False
        Whether a model may be loaded that runs code when it is loaded.
    """
    contract = contracts.read(files.contract)
    pipeline, remarks = skops_file.load(files.model, trust)
    if contract.groups is not None:
        from seg.score.group_scorer import GroupScorer

        if not isinstance(pipeline, dict) or set(pipeline) != set(contract.groups["cards"]):
            raise SegError(
                f"{files.model}: does not hold the models that {contracts.FILE} names; take both files of one run"
            )
        return GroupScorer(pipeline, contract, label or files.label, tuple(remarks))
    return Scorer(pipeline, contract, label or files.label, tuple(remarks))


# ---- to a file -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Summary:
    """What scoring a file came to: customers per segment, those outside the range of training, those without a segment."""

    sizes: dict[int, int]
    outside: int
    unplaced: int
    features: FeatureShift

    @property
    def customers(self) -> int:
        """All of them."""
        return sum(self.sizes.values()) + self.unplaced


def write(
    scorer: Scorer,
    rows: Iterable[tuple[pa.Array, pd.DataFrame]],
    target: Path,
    guard: bool = True,
    outlook: pd.DataFrame | None = None,
) -> Summary:
    """Score batches of customers and write them to a file, which appears whole or not at all.

    Parameters
    ----------
    scorer : Scorer
    rows : iterable of (Array, DataFrame)
        Customer ids, and their features.
    target : Path
    guard : bool
        Whether text that a spreadsheet would run gets an apostrophe in front.
    outlook : DataFrame, optional
        Further columns by customer, index customer_id; missing for a customer without a row.

    Parameters
    ----------
    scorer : Scorer
    rows : iterable of (pa.Array, DataFrame)
        Ids and features of a batch of customers.
    target : Path
        A CSV or Parquet file.
    guard : bool
        Whether texts in a CSV file that a spreadsheet would take for formulas are made harmless.

    Returns
    -------
    Summary

    Raises
    ------
    SegError
        A customer comes twice, or there is none.
    """
    ids, sizes, outside, unplaced = [], {}, 0, 0
    features = FeatureShift(scorer.contract.cells)
    with tables.writer(target) as out, ThreadPoolExecutor(1) as pool:
        written = []
        for batch, frame in rows:
            placed = scorer.place(frame)
            features.add(frame)
            placed.insert(0, "customer_id", pd.array(batch, dtype="str"))
            if outlook is not None:
                placed = placed.join(outlook.set_axis(outlook.index.astype("str")), on="customer_id")
            if guard and target.suffix == ".csv":
                placed, _ = guard_frame(placed)
            # One batch is written while the next is placed.
            for before in written:
                before.result()
            written = [pool.submit(out, placed)]
            ids.append(batch)
            for segment, size in placed["segment"].value_counts().items():
                sizes[int(segment)] = sizes.get(int(segment), 0) + int(size)
            outside += int(placed["outside"].sum())
            unplaced += int(placed["segment"].isna().sum())
        for last in written:
            last.result()
        _check_once(ids)
    return Summary(dict(sorted(sizes.items())), outside, unplaced, features)


def _check_once(ids: list[pa.Array]) -> None:
    # Eight bytes a customer: a table of all ids would take ten times as much, and of 100 million more than the machine has.
    hashes = np.concatenate([_hashed(batch) for batch in ids]) if ids else np.empty(0, np.uint64)
    hashes.sort()
    if (hashes[1:] != hashes[:-1]).all():
        return
    every = pa.chunked_array(ids, type=pa.string())
    counts = pc.value_counts(every)
    if len(counts) == len(every):
        return
    twice = [row["values"] for row in counts.to_pylist() if row["counts"] > 1]
    raise SegError(
        f"input: {len(twice):,} customers come more than once, such as {', '.join(map(repr, twice[:3]))}; one row a customer "
        "is expected: remove or merge the others"
    )


def _hashed(ids: pa.Array) -> np.ndarray:
    return pd.util.hash_array(ids.to_numpy(zero_copy_only=False), categorize=False)


def pieces(frame: pd.DataFrame) -> Iterator[tuple[pa.Array, pd.DataFrame]]:
    """Part a feature table, whose index names the customers, into batches as they come from a file."""
    for start in range(0, len(frame), CHUNK):
        piece = frame.iloc[start : start + CHUNK]
        yield pa.array(piece.index.astype(str), pa.string()), piece.reset_index(drop=True)
