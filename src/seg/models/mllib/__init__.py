"""Models that are fitted on Spark by MLlib, without bringing customers into this process.

Beside each stands a small model of the same parameters that needs no JVM. Spark is imported when something is fitted,
not before.
"""

from seg.models.mllib.estimators import BisectingKMeans, GaussianMixture, KMeans
from seg.models.mllib.pairing import check, is_mllib
from seg.models.mllib.scalers import MinMaxScaler, RobustScaler, StandardScaler

__all__ = [
    "BisectingKMeans",
    "GaussianMixture",
    "KMeans",
    "MinMaxScaler",
    "RobustScaler",
    "StandardScaler",
    "check",
    "is_mllib",
]
