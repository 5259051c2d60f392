"""The space that a clusterer sees: transformed, scaled and, for some models, embedded features."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from sklearn.pipeline import Pipeline

from seg.errors import Note, SegError
from seg.features import FeatureTable
from seg.models.transforms import preparation


def scale(
    table: FeatureTable, scaler: object, named: bool = False
) -> tuple[Pipeline, np.ndarray, list[Note]]:
    """Fit transforms and scaler, once for every k.

    Parameters
    ----------
    named : bool
        Whether the pipeline hands on the names of the features, as an embedding with a target needs.

    Returns
    -------
    pipeline : Pipeline
        From the feature table to scaled features.
    X : ndarray of shape (n_customers, n_features)
    notes : list of (level, text)
        Features that do not vary.

    Raises
    ------
    SegError
        There are fewer than 3 customers, all are alike, or a scaled value is not finite.
    """
    chosen = table.frame[table.features]
    notes = check_varied({name: chosen[name].nunique() == 1 for name in table.features}, len(chosen))
    pipeline = Pipeline([("transform", preparation(table.transforms, table.fills)), ("scale", scaler)])
    if named:
        pipeline.set_output(transform="pandas")
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        X = np.asarray(pipeline.fit_transform(chosen), dtype="float64")
    check_finite(table.features, np.isfinite(X).all(axis=0))
    return pipeline, X, notes


def check_varied(constant: Mapping[str, bool], customers: int) -> list[Note]:
    """Check that there are customers to part, and features that tell them apart.

    Parameters
    ----------
    constant : mapping of str to bool
        Whether a feature has one value for all customers.
    """
    if customers < 3:
        raise SegError(f"features: customers left after cleaning: {customers}; segments need at least 3")
    same = [name for name, one in constant.items() if one]
    if len(same) == len(constant):
        raise SegError(
            f"features: every customer has the same {', '.join(same)}; nothing tells them apart, so there are no segments"
        )
    if not same:
        return []
    return [
        ("warning", f"{', '.join(same)}: the same for every customer, so without influence on the segments")
    ]


def check_finite(features: Sequence[str], finite: Sequence[bool]) -> None:
    """Check that every feature is finite after scaling."""
    wrong = [name for name, good in zip(features, finite, strict=True) if not good]
    if wrong:
        raise SegError(
            f"scaler: {', '.join(wrong)} is not finite after scaling; choose scaler=robust or scaler=quantile"
        )


def embed(transformer, features: list[str], X: np.ndarray) -> np.ndarray:
    """Fit the embedding of a model, if it has one, to the scaled features; without one they are the space themselves.

    Parameters
    ----------
    transformer : transformer or None
    features : list of str
        Names of the columns of `X`.
    X : ndarray of shape (n_customers, n_features)
        Scaled features.

    Returns
    -------
    ndarray of shape (n_customers, n_dimensions)
    """
    if transformer is None:
        return X
    return np.asarray(transformer.fit_transform(pd.DataFrame(X, columns=features)), dtype="float64")
