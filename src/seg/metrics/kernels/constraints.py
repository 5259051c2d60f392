"""The kinds of covariance that a Gaussian mixture may have (no numba here: scikit-learn's fall-back starts from them too)."""

from __future__ import annotations

import numpy as np


def constrained(covariances: np.ndarray, weights: np.ndarray, kind: str, floor: float) -> np.ndarray:
    """Return covariances (k, d, d) of the kind asked for, with the floor added to variances.

    Parameters
    ----------
    covariances : ndarray of shape (k, d, d)
        Of each component, full.
    weights : ndarray of shape (k,)
        Shares of the components, with sum 1.
    kind : {"full", "tied", "diag", "spherical"}
        As `covariance_type` of scikit-learn's `GaussianMixture`.
    floor : float
        Added to each variance.

    Returns
    -------
    ndarray of shape (k, d, d)
    """
    identity = np.eye(covariances.shape[1])
    if kind == "tied":
        covariances = np.broadcast_to(np.tensordot(weights, covariances, axes=1), covariances.shape)
    elif kind == "diag":
        covariances = covariances * identity
    elif kind == "spherical":
        covariances = np.trace(covariances, axis1=1, axis2=2)[:, None, None] / len(identity) * identity
    return covariances + floor * identity
