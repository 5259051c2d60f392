"""Scalers on Spark: those of scikit-learn by the same arithmetic, and MLlib's own.

What a scaler has to know is computed by Spark; it is kept in a scikit-learn scaler either way, for the small model.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn import preprocessing

from seg.errors import SegError


@dataclass(frozen=True)
class StandardScaler:
    """MLlib's StandardScaler: zero mean, unit sample variance (divided by n - 1; scikit-learn divides by n)."""

    with_mean: bool = True
    with_std: bool = True

    def fit(self, frame, source: str, target: str):
        """Fit a column of vectors.

        Parameters
        ----------
        frame : pyspark.sql.DataFrame
        source : str
            Column of vectors to scale.
        target : str
            Name of the column of scaled vectors.

        Returns
        -------
        pyspark.ml.feature.StandardScalerModel
        """
        from pyspark.ml.feature import StandardScaler

        columns = {"inputCol": source, "outputCol": target}
        return StandardScaler(withMean=self.with_mean, withStd=self.with_std, **columns).fit(frame)

    def in_memory(self) -> preprocessing.StandardScaler:
        """Return scikit-learn's scaler of this kind, not fitted."""
        return preprocessing.StandardScaler(with_mean=self.with_mean, with_std=self.with_std)

    def without_jvm(self, model) -> preprocessing.StandardScaler:
        """Return scikit-learn's scaler of the same numbers."""
        scaler = self.in_memory()
        scaler.mean_, deviation = model.mean.toArray(), model.std.toArray()
        scaler.var_, scaler.scale_ = deviation**2, _or_nothing(deviation) if self.with_std else None
        scaler.n_features_in_ = len(deviation)
        return scaler


@dataclass(frozen=True)
class MinMaxScaler:
    """MLlib's MinMaxScaler: to [0, 1]; a feature of one value becomes 0.5 (0 in scikit-learn)."""

    def fit(self, frame, source: str, target: str):
        """Fit a column of vectors.

        Parameters
        ----------
        frame : pyspark.sql.DataFrame
        source : str
            Column of vectors to scale.
        target : str
            Name of the column of scaled vectors.

        Returns
        -------
        pyspark.ml.feature.MinMaxScalerModel
        """
        from pyspark.ml.feature import MinMaxScaler

        return MinMaxScaler(inputCol=source, outputCol=target).fit(frame)

    def in_memory(self) -> preprocessing.MinMaxScaler:
        """Return scikit-learn's scaler of this kind, not fitted."""
        return preprocessing.MinMaxScaler()

    def without_jvm(self, model) -> preprocessing.MinMaxScaler:
        """Return scikit-learn's scaler of the same numbers."""
        scaler = self.in_memory()
        scaler.data_min_, scaler.data_max_ = model.originalMin.toArray(), model.originalMax.toArray()
        scaler.data_range_ = scaler.data_max_ - scaler.data_min_
        moving = scaler.data_range_ > 0
        scaler.scale_ = np.where(moving, 1 / np.where(moving, scaler.data_range_, 1), 0.0)
        scaler.min_ = np.where(moving, -scaler.data_min_ * scaler.scale_, 0.5)
        scaler.n_features_in_ = len(moving)
        return scaler


@dataclass(frozen=True)
class RobustScaler:
    """MLlib's RobustScaler: median 0, interquartile range 1; quantiles are approximate by `relative_error`."""

    relative_error: float = 0.001

    def __post_init__(self):
        if not 0 < self.relative_error < 1:
            raise SegError(f"scaler.relative_error={self.relative_error}: expected a number between 0 and 1")

    def fit(self, frame, source: str, target: str):
        """Fit a column of vectors.

        Parameters
        ----------
        frame : pyspark.sql.DataFrame
        source : str
            Column of vectors to scale.
        target : str
            Name of the column of scaled vectors.

        Returns
        -------
        pyspark.ml.feature.RobustScalerModel
        """
        from pyspark.ml.feature import RobustScaler

        columns = {"inputCol": source, "outputCol": target}
        return RobustScaler(withCentering=True, relativeError=self.relative_error, **columns).fit(frame)

    def in_memory(self) -> preprocessing.RobustScaler:
        """Return scikit-learn's scaler of this kind, not fitted."""
        return preprocessing.RobustScaler()

    def without_jvm(self, model) -> preprocessing.RobustScaler:
        """Return scikit-learn's scaler of the same numbers."""
        scaler = self.in_memory()
        scaler.center_, scaler.scale_ = model.median.toArray(), _or_nothing(model.range.toArray())
        scaler.n_features_in_ = len(scaler.center_)
        return scaler


def _or_nothing(scale: np.ndarray) -> np.ndarray:
    """MLlib turns a feature without spread into 0, whatever a new customer has: divided by infinity."""
    return np.where(scale > 0, scale, np.inf)
