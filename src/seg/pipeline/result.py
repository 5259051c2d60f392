"""A finished segmentation."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from sklearn.pipeline import Pipeline

from seg.evaluation.evidence import Evidence
from seg.features import FeatureTable
from seg.pipeline.distributed import Spread
from seg.pipeline.interpret import Interpretation
from seg.selection.scan import Scan
from seg.sources.locate import Source


@dataclass
class Result:
    """A finished segmentation.

    `X` holds the scaled features (own space), `seen` what the clusterer saw: the same, or an embedding of it. Where the
    customers stayed on Spark, `spread` says so, and all that has a row a customer is of a sample.
    """

    table: FeatureTable
    ledger: pd.DataFrame
    rejects: pd.DataFrame
    source: Source
    pipeline: Pipeline
    X: np.ndarray
    seen: np.ndarray
    scan: Scan
    k: int
    k_reason: str
    votes: pd.DataFrame | None
    segments: pd.DataFrame
    metrics: dict[str, float]
    meanings: dict[str, str]
    fingerprint: str
    evidence: Evidence
    notices: list[tuple[str, str]] = field(default_factory=list)
    published: pd.DataFrame | None = None
    spread: Spread | None = None
    interpretation: Interpretation | None = None

    @property
    def customers(self) -> int:
        """All customers."""
        return len(self.table.frame) if self.spread is None else self.spread.count

    @property
    def labels(self) -> np.ndarray:
        """Segment of each customer, in the order of the feature table."""
        return self.scan.fitted[self.k].labels_
