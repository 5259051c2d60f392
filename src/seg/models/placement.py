"""Place customers in the segments of a fitted pipeline: each row by itself, so that one row gets what it gets in a batch.

A served model carries this module inside itself: it imports nothing of seg.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd


class Placement:
    """A fitted pipeline with the names of its segments and the ranges of its training.

    Parameters
    ----------
    pipeline : Pipeline
        From features to segments; its last step is a `seg.models.segmenter.Segmenter`.
    features : sequence of str
        Columns in the order that the pipeline was fitted with.
    least, greatest : sequence of float
        Range of each feature in training.
    names : mapping of int to str
        Names of the segments.
    fills : mapping of str to float, optional
        What stands for a missing value of a feature.
    """

    def __init__(
        self,
        pipeline,
        features: Sequence[str],
        least: Sequence[float],
        greatest: Sequence[float],
        names: Mapping[int, str],
        fills: Mapping[str, float] | None = None,
    ):
        self.pipeline = pipeline
        self.features = list(features)
        self.least = np.asarray(least, dtype="float64")
        self.greatest = np.asarray(greatest, dtype="float64")
        self.fills = dict(fills or {})
        self.names = {int(segment): str(name) for segment, name in names.items()}

    @property
    def has_probabilities(self) -> bool:
        """Whether the model gives the probability of each segment."""
        return hasattr(self.pipeline[-1].clusterer_, "predict_proba")

    def portable(self, change: Callable) -> Placement:
        """Return the same with a pipeline that `change` gives."""
        return Placement(
            change(self.pipeline), self.features, self.least, self.greatest, self.names, self.fills
        )

    def place(self, X: pd.DataFrame) -> pd.DataFrame:
        """Place customers in segments.

        Parameters
        ----------
        X : DataFrame of shape (n_customers, n_features)
            The features as float64, NaN where missing.

        Returns
        -------
        DataFrame of shape (n_customers, 6 or 7), index as that of `X`
            ``segment`` (noise is -1) and its ``name``; ``distance`` to the centre of the segment, in the space that the model
            clusters in (NaN for noise); for a mixture the ``probability`` of that segment; ``outside`` where a feature lies
            beyond its range in training, and ``outside_features`` with their names; ``reason`` why there is no segment.
        """
        X = X.fillna(self.fills) if self.fills else X
        values = X.to_numpy(dtype="float64")
        known = np.isfinite(values)
        complete = known.all(axis=1)
        segments, measures = self._cluster(X[complete])
        outside = known & ((values < self.least) | (values > self.greatest))
        return pd.DataFrame(
            {
                "segment": spread(segments, complete, "Int64"),
                "name": spread(self._names(segments), complete, "str"),
                **{name: spread(column, complete, "Float64") for name, column in measures.items()},
                "outside": outside.any(axis=1),
                "outside_features": flagged_names(outside, self.features),
                "reason": flagged_names(~known, self.features, "missing or not finite: "),
            },
            index=X.index,
        )

    def _names(self, segments: np.ndarray):
        every = [self.names.get(one, f"segment {one}") for one in range(int(segments.max(initial=-1)) + 1)]
        # The last, where -1 points, is noise.
        return pd.array([*every, self.names.get(-1, "noise")], dtype="str").take(segments)

    def _cluster(self, X: pd.DataFrame) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Return segments, distances and, of a mixture, probabilities."""
        segmenter = self.pipeline[-1]
        if not len(X):
            empty = {"distance": np.empty(0)} | (
                {"probability": np.empty(0)} if self.has_probabilities else {}
            )
            return np.empty(0, "int64"), empty
        at = np.asarray(self.pipeline[:-1].transform(X), dtype="float64")
        labels = segmenter.predict(at)
        distance = np.linalg.norm(at - segmenter.centers_[labels], axis=1)
        measures = {"distance": np.where(labels < 0, np.nan, distance)}
        probabilities = segmenter.memberships(at)
        if probabilities is not None:
            measures["probability"] = probabilities[np.arange(len(labels)), labels]
        return labels, measures


def flagged_names(flags: np.ndarray, names: Sequence[str], prefix: str = ""):
    """Return for each row the names whose flag is set, joined by commas; missing where none is.

    Parameters
    ----------
    flags : ndarray of bool of shape (n, m)
    names : sequence of str
        One for each of the m columns.
    prefix : str
        Written before the names of a row.

    Returns
    -------
    pandas array of str of shape (n,)

    Examples
    --------
    >>> list(flagged_names(np.array([[True, True], [False, False]]), ["orders", "revenue"]))
    ['orders, revenue', nan]
    """
    if not flags.any():
        return pd.array([None], dtype="str").take(np.zeros(len(flags), dtype="int64"))
    _rows, first, inverse = np.unique(
        np.packbits(flags, axis=1), axis=0, return_index=True, return_inverse=True
    )
    texts = [", ".join(np.asarray(names, dtype=object)[flags[row]]) for row in first]
    written = pd.array([prefix + text if text else None for text in texts], dtype="str")
    return written.take(inverse.reshape(-1))


def spread(values, where: np.ndarray, dtype: str):
    """Return an array with the values where `where` is true, missing elsewhere.

    Parameters
    ----------
    values : array of shape (m,)
    where : ndarray of bool of shape (n,)
        True for m rows.
    dtype : str
        Of pandas, one that can be missing.

    Returns
    -------
    pandas array of shape (n,)
    """
    places = np.full(len(where), -1)
    places[where] = np.arange(len(values))
    return pd.array(values, dtype=dtype).take(places, allow_fill=True)
