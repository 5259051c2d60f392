"""Rule-based RFM as a clusterer, to be run and compared like any other."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from sklearn.base import BaseEstimator, ClusterMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from seg.errors import SegError
from seg.segments import rfm


class RfmRules(ClusterMixin, BaseEstimator):
    """Segment customers by rules on scores of recency, frequency and money.

    The first three columns are recency (small is good), frequency and money; further ones are not looked at. Quantiles need no
    units: any transform or scaler that keeps the order of the customers gives the same clusters. Fixed bounds do: use
    them with a recipe without transforms and ``scaler=none``.

    Parameters
    ----------
    cuts : mapping, optional
        What parts the scores, see ``configs/rfm/default.yaml``; quintiles by default.
    rules : list of mapping, optional
        The first that fits gives the cluster; the eleven published rules by default.

    Attributes
    ----------
    labels_ : ndarray of shape (n_customers,)
    names_ : dict of int to str
        Name of each cluster that has customers.
    cuts_ : list of ndarray of shape (4,)
        For each column, the values on which a score begins, in rising order.
    """

    _parameter_constraints: ClassVar[dict] = {}  # cuts and rules are checked as a whole, when they are read

    def __init__(self, cuts=None, rules=None):
        self.cuts = cuts
        self.rules = rules

    def fit(self, X, y=None):
        """Learn the cut points and cluster."""
        X = validate_data(self, X, dtype="float64", ensure_min_samples=2)
        if X.shape[1] < 3:
            raise SegError(
                f"model=rfm_rules: got {X.shape[1]} features, expected recency, frequency and money as the first three of the recipe "
                "(recipe=rfm)"
            )
        book = self._book()
        self.cuts_ = [
            _edges(book.cuts[one], X[:, place], one == "recency") for place, one in enumerate(rfm.MEASURES)
        ]
        self.labels_ = self._clusters(X, book)
        self.names_ = {int(cluster): book.names[cluster] for cluster in np.unique(self.labels_)}
        return self

    def predict(self, X):
        """Place customers by the cut points that were learned."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype="float64", reset=False)
        return self._clusters(X, self._book())

    def _book(self) -> rfm.RfmBook:
        if self.rules is None:
            return rfm.DEFAULT
        return rfm.parse({"cuts": dict(self.cuts or {}), "rules": list(self.rules)})

    def _clusters(self, X: np.ndarray, book: rfm.RfmBook) -> np.ndarray:
        scores = []
        for place, (measure, edges) in enumerate(zip(rfm.MEASURES, self.cuts_, strict=True)):
            if measure == "recency":
                scores.append(5 - np.searchsorted(edges, X[:, place], side="left"))
            else:
                scores.append(1 + np.searchsorted(edges, X[:, place], side="right"))
        fits = [rule.fits(*scores) for rule in book.rules]
        return np.select(fits, range(len(fits)), default=0)


def _edges(cut: rfm.Cut, values: np.ndarray, small_is_good: bool) -> np.ndarray:
    """Return the values on which scores begin: the bounds themselves, or the best value that a quantile leaves below it."""
    if cut.kind == "bounds":
        return np.asarray(cut.points)
    scores = cut.scores(values, small_is_good)
    if small_is_good:
        # The largest value of each score; where a score is nobody's, that of the next better one.
        return np.array([values[scores >= score].max(initial=-np.inf) for score in (5, 4, 3, 2)])
    return np.array([values[scores >= score].min(initial=np.inf) for score in (2, 3, 4, 5)])
