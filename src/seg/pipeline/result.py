"""A finished segmentation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from sklearn.pipeline import Pipeline

from seg.errors import Note
from seg.evaluation.evidence import Evidence
from seg.features import FeatureTable
from seg.pipeline.interpret import Interpretation
from seg.pipeline.population import Population
from seg.selection.scan import Scan
from seg.sources.locate import Source

if TYPE_CHECKING:
    from seg.outlook.ahead import Outlook


@dataclass(frozen=True)
class Result:
    """A finished segmentation.

    Parameters
    ----------
    table : FeatureTable
        One row per customer in memory.
    ledger, rejects : DataFrame
        Rows, customers and revenue after each cleaning step; rows that could not be read.
    source : Source
        The files.
    fingerprint : str
        Hash of their content.
    pipeline : Pipeline
        From the feature table to segments.
    X : ndarray of shape (n_customers, n_features)
        The scaled features (own space).
    embedded : ndarray of shape (n_customers, n_dimensions)
        What the clusterer was fitted to: `X`, or an embedding of it.
    scan : Scan
        Every k that was tried.
    k : int
        The number of segments, noise not counted.
    k_reason : str
        Why this k.
    votes : DataFrame or None
        One row per rule for k; None where the model finds k itself.
    segments : DataFrame
        One row per segment, see `seg.segments.profile.profile`.
    metrics, meanings : dict
        By the name of the metric.
    evidence : Evidence
    interpretation : Interpretation
        Names, rules and rule-based RFM.
    population : Population
        All customers, in memory or on Spark.
    notes : list of (level, text)
        What a reader has to know; level is ``"warning"`` or ``"info"``.
    published : DataFrame or None
        Figures of the study beside those of this run.
    outlook : Outlook or None
        What customers and segments will do next, if ``evaluation.outlook=true`` asks for it and the data allow it.
    """

    table: FeatureTable
    ledger: pd.DataFrame
    rejects: pd.DataFrame
    source: Source
    fingerprint: str
    pipeline: Pipeline
    X: np.ndarray
    embedded: np.ndarray
    scan: Scan
    k: int
    k_reason: str
    votes: pd.DataFrame | None
    segments: pd.DataFrame
    metrics: dict[str, float]
    meanings: dict[str, str]
    evidence: Evidence
    interpretation: Interpretation
    population: Population
    notes: list[Note]
    published: pd.DataFrame | None = None
    outlook: Outlook | None = None

    @property
    def customers(self) -> int:
        """Return the number of all customers."""
        return self.population.count

    @property
    def labels(self) -> np.ndarray:
        """Return the segment of each customer in memory, in the order of the feature table."""
        return self.scan.fitted[self.k].labels_
