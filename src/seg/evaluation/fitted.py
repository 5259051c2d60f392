"""A fitted segmentation, as evaluation takes it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn.pipeline import Pipeline

from seg.models.segmenter import Segmenter
from seg.preparation.prepare import Prepared
from seg.selection.scan import Scan


@dataclass(frozen=True)
class FittedSegmentation:
    """The chosen segmentation with all that led to it.

    Parameters
    ----------
    prepared : Prepared
        The feature table, the ledger and, where it was asked for, the hold-out.
    pipeline : Pipeline
        From the feature table to segments.
    X : ndarray of shape (n_customers, n_features)
        The scaled features (own space).
    embedded : ndarray of shape (n_customers, n_dimensions)
        What the clusterer was fitted to: `X`, or an embedding of it.
    scan : Scan
        Every k that was tried.
    k : int
        The chosen one.
    """

    prepared: Prepared
    pipeline: Pipeline
    X: np.ndarray
    embedded: np.ndarray
    scan: Scan
    k: int

    @property
    def segmenter(self) -> Segmenter:
        """Return the fitted model with k segments."""
        return self.scan.fitted[self.k]

    @property
    def labels(self) -> np.ndarray:
        """Return the segment of each customer, in the order of the feature table."""
        return self.segmenter.labels_
