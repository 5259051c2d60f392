"""What a recipe does to a feature before scaling, as fitted steps that a saved model replays on new customers."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.validation import check_is_fitted, validate_data


def signed_log1p(X: np.ndarray) -> np.ndarray:
    """Take sign(x) log(1 + |x|): log1p for what is not negative, and defined for net revenue below zero too."""
    return np.sign(X) * np.log1p(np.abs(X))


class IQRCap(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Cap each column to [Q1 - factor IQR, Q3 + factor IQR] of the data it was fitted on.

    Parameters
    ----------
    factor : float, default=1.5
        Reach of the whiskers, in interquartile ranges (Tukey 1977).

    Attributes
    ----------
    lower_, upper_ : ndarray of shape (n_features,)
        Bounds, in the units of the columns; quartiles are exact and interpolated linearly.
    """

    def __init__(self, factor: float = 1.5):
        self.factor = factor

    def fit(self, X, y=None):
        """Learn the bounds."""
        X = validate_data(self, X, dtype="float64")
        first, third = np.quantile(X, [0.25, 0.75], axis=0)
        self.lower_ = first - self.factor * (third - first)
        self.upper_ = third + self.factor * (third - first)
        return self

    def transform(self, X):
        """Cap to the bounds."""
        check_is_fitted(self)
        return np.clip(validate_data(self, X, dtype="float64", reset=False), self.lower_, self.upper_)


def preparation(
    transforms: Mapping[str, tuple[str, ...]], fills: Mapping[str, float] | None = None
) -> ColumnTransformer:
    """Make the transformer that applies its transforms to each named column, in the order given.

    Parameters
    ----------
    transforms : mapping of str to tuple of str
        Per column the transforms, ``log1p`` or ``iqr_cap``.
    fills : mapping of str to float, optional
        Per column what stands for a missing number, before its transforms.
    """
    fills = fills or {}
    makers = {
        "log1p": lambda: FunctionTransformer(signed_log1p, feature_names_out="one-to-one"),
        "iqr_cap": IQRCap,
    }
    steps = [
        (
            name,
            make_pipeline(*_filled(fills.get(name)), *(makers[transform]() for transform in chosen))
            if chosen or name in fills
            else "passthrough",
            [name],
        )
        for name, chosen in transforms.items()
    ]
    return ColumnTransformer(steps, verbose_feature_names_out=False)


def _filled(value: float | None) -> list[SimpleImputer]:
    return [] if value is None else [SimpleImputer(strategy="constant", fill_value=value)]
