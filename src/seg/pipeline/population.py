"""All customers of a run, wherever they are: one interface for those in memory and those that stay on Spark.

A result holds tables with one row per customer. In memory these are all customers; on Spark they are a sample, and what is
true of all customers comes from here.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pandas as pd

from seg.sinks import local_files as files

ASSIGNMENTS = "assignments.parquet"


class Population(Protocol):
    """All customers of a run.

    Attributes
    ----------
    count : int
        Number of customers.
    sampled : str
        Description of the sample that is in memory; empty where everyone is.
    ends : DataFrame, index ``least`` and ``greatest``
        Range of each feature over all customers.
    models : tuple of (model, staging folder)
        Spark models, to be stored beside the one that needs no JVM; empty in memory.
    """

    count: int
    sampled: str
    ends: pd.DataFrame
    models: tuple[tuple[object, Path], ...]

    def write_assignments(self, folder: Path, rows: pd.DataFrame) -> Path:
        """Write the segment of every customer into the directory of the run; return the file or folder.

        Parameters
        ----------
        folder : Path
            Directory of the run.
        rows : DataFrame
            One row per customer in memory, written where these are all customers.
        """
        ...


@dataclass(frozen=True)
class InMemory:
    """Customers that are all in memory; see `Population`.

    Parameters
    ----------
    features : DataFrame
        One row per customer, one column per feature.
    """

    features: pd.DataFrame
    sampled: str = ""
    models: tuple[tuple[object, Path], ...] = ()

    @property
    def count(self) -> int:
        """Return the number of customers."""
        return len(self.features)

    @property
    def ends(self) -> pd.DataFrame:
        """Return the range of each feature."""
        return self.features.agg(["min", "max"]).set_axis(["least", "greatest"])

    def write_assignments(self, folder: Path, rows: pd.DataFrame) -> Path:
        """Write the rows as Parquet."""
        return files.write_parquet(folder / ASSIGNMENTS, rows)


@dataclass(frozen=True)
class OnSpark:
    """Customers that stayed on Spark; see `Population`.

    Parameters
    ----------
    written : Path or None
        Folder of Parquet files that executors wrote; None where the run has no directory.
    """

    count: int
    sampled: str
    ends: pd.DataFrame
    models: tuple[tuple[object, Path], ...]
    written: Path | None

    def write_assignments(self, folder: Path, rows: pd.DataFrame) -> Path:
        """Return the folder that executors wrote; without one, write the rows of the sample."""
        return self.written or files.write_parquet(folder / ASSIGNMENTS, rows)
