"""The clusterers of MLlib: how each is fitted, and which small model has its parameters."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from sklearn import cluster

from seg.errors import SegError
from seg.models.block_kmeans import BlockKMeans
from seg.models.mixture import SafeGaussianMixture
from seg.models.mllib.lloyd_passes import CLUSTER, FEATURES, Centers, Stand, means_of, optimum
from seg.models.mllib.without_jvm import CenterTree, GaussianPosterior, NearestCenter

PROBABILITY, RAISED = "cluster_probability", "raised"
MOST_JOBS = 5  # starts by MLlib, each of which is dozens of jobs
IN_MEMORY = threading.Lock()  # compiled kernels are no work for two threads at once
# Read from what MLlib saves: its Python class does not show the tree.
TREE = "index int, center struct<values: array<double>>, children array<int>"


@dataclass(frozen=True)
class KMeans:
    """k-means on Spark: solved in memory for weighted points, then moved to its optimum over all customers.

    Parameters
    ----------
    k : int
    n_init : int, default=20
        Starts in memory; the start of the least inertia is kept. Of MLlib's own starts at most five are made.
    max_iter : int, default=300
        Most passes over all customers.
    tol : float, default=1e-8
        A centre that a pass moves less, in scaled units, stands still.
    init_steps : int, default=2
        Rounds of k-means|| (Bahmani et al. 2012), by which MLlib starts where the sample has fewer than k distinct points.
    seed : int, default=0

    Notes
    -----
    Each pass is one job of Spark; MLlib's own starts on all customers take one for each of their rounds and iterations, some
    hundreds for each k. Here two to four are left, see `seg.models.mllib.lloyd_passes.optimum`.
    """

    k: int
    n_init: int = 20
    max_iter: int = 300
    tol: float = 1e-8
    init_steps: int = 2
    seed: int = 0

    soft: ClassVar[bool] = False
    weighted: ClassVar[bool] = True  # fits weighted points that stand for all customers

    def __post_init__(self):
        _check_whole(self, n_init=1, max_iter=1, init_steps=1)
        _positive(self, "tol", zero=True)

    def fit(self, points, stand: Stand):
        """Fit all customers.

        Parameters
        ----------
        points : pyspark.sql.DataFrame
            With a column of vectors.
        stand : Stand
            Its rows, some of them, or points that stand for all of them.

        Returns
        -------
        Centers, or MLlib's model where MLlib had to start
        """
        if len(np.unique(stand.points, axis=0)) < self.k:
            return self._fit_by_mllib(points)
        with IN_MEMORY:
            started = BlockKMeans(
                self.k, n_init=self.n_init, tol=0, max_iter=1000, random_state=self.seed
            ).fit(stand.points, sample_weight=stand.weights)

        def model(centers: np.ndarray) -> Centers:
            return Centers(centers, lambda: self._placed(points, centers))

        start = started.cluster_centers_.astype("float64")
        if stand.complete:
            return model(start)
        return model(
            optimum(lambda centers: means_of(points, centers, model), start, stand, self.tol, self.max_iter)
        )

    def _estimator(self, **changed):
        from pyspark.ml.clustering import KMeans

        options = {"initSteps": self.init_steps, "tol": self.tol, "maxIter": self.max_iter} | changed
        return KMeans(featuresCol=FEATURES, predictionCol=CLUSTER, k=self.k, **options)

    def _fit_by_mllib(self, points):
        """Return the best of several starts by MLlib, with seeds one apart."""
        estimator = self._estimator()
        starts = [
            estimator.setSeed(self.seed + start).fit(points) for start in range(min(self.n_init, MOST_JOBS))
        ]
        return min(starts, key=lambda model: model.summary.trainingCost)

    def _placed(self, points, centers: np.ndarray):
        """Return MLlib's model of these centres: k random ones of k rows are all of them."""
        from pyspark.ml.linalg import Vectors

        rows = points.sparkSession.createDataFrame([(Vectors.dense(row),) for row in centers], [FEATURES])
        return self._estimator(initMode="random", seed=self.seed, maxIter=1).fit(rows.coalesce(1))

    def without_jvm(self, model, folder: str) -> NearestCenter:
        """Return the small model of the same centres."""
        return NearestCenter(np.array(model.clusterCenters()))

    def in_memory(self) -> cluster.KMeans:
        """Return scikit-learn's clusterer of this kind, to refit on samples."""
        return cluster.KMeans(self.k, n_init=10, tol=0, max_iter=1000, random_state=self.seed)


@dataclass(frozen=True)
class BisectingKMeans:
    """k-means by MLlib that splits the largest groups in two, level by level (Steinbach, Karypis & Kumar 2000).

    Parameters
    ----------
    k : int
        Fewer come out where nothing is left to split.
    max_iter : int, default=100
        Of each level.
    min_divisible_cluster_size : float, default=1.0
        Customers (from 1) or share of them (below 1) that a group needs to be split.
    seed : int, default=0

    Notes
    -----
    MLlib parts a group by moving its centre by a ten-thousandth of its length: a group around the origin, as every standardised
    table is, is never parted. So each vector gets one more coordinate, 1 for everyone, which changes no distance.
    """

    k: int
    max_iter: int = 100
    min_divisible_cluster_size: float = 1.0
    seed: int = 0

    soft: ClassVar[bool] = False
    weighted: ClassVar[bool] = False

    def __post_init__(self):
        _check_whole(self, max_iter=1)
        _positive(self, "min_divisible_cluster_size")

    def fit(self, points, stand: Stand | None = None):
        """Fit a DataFrame with a column of vectors; what stands for it is not needed."""
        from pyspark.ml import PipelineModel
        from pyspark.ml.clustering import BisectingKMeans
        from pyspark.ml.feature import SQLTransformer, VectorAssembler

        raised = [
            SQLTransformer(statement="SELECT *, 1.0D AS _one FROM __THIS__"),
            VectorAssembler(inputCols=[FEATURES, "_one"], outputCol=RAISED),
            SQLTransformer(statement="SELECT * EXCEPT (_one) FROM __THIS__"),
        ]
        clusterer = BisectingKMeans(
            featuresCol=RAISED, predictionCol=CLUSTER, k=self.k, maxIter=self.max_iter, seed=self.seed,
            minDivisibleClusterSize=float(self.min_divisible_cluster_size),
        )  # fmt: skip
        fitted = clusterer.fit(PipelineModel(stages=raised).transform(points))
        drop = SQLTransformer(statement=f"SELECT * EXCEPT ({RAISED}) FROM __THIS__")
        return PipelineModel(stages=[*raised, fitted, drop])

    def without_jvm(self, model, folder: str) -> CenterTree:
        """Return the small model of the same tree, by way of a new `folder` that executors can write to."""
        from pyspark.sql import SparkSession

        model.stages[-2].write().save(folder)
        nodes = SparkSession.active().read.schema(TREE).parquet(f"{folder}/data/data").collect()
        return _tree({node["index"]: (node["center"]["values"][:-1], node["children"]) for node in nodes})

    def in_memory(self) -> cluster.BisectingKMeans:
        """Return scikit-learn's clusterer of this kind, to refit on samples."""
        return cluster.BisectingKMeans(self.k, n_init=10, random_state=self.seed)


@dataclass(frozen=True)
class GaussianMixture:
    """Gaussian mixture by MLlib, full covariances, the likeliest of several starts.

    Parameters
    ----------
    k : int
    n_init : int, default=5
        Starts, with seeds one apart: MLlib draws five customers for each component, and one draw is often poor.
    max_iter : int, default=200
    tol : float, default=1e-3
        A gain in log-likelihood below it, summed over customers, ends the fit.
    seed : int, default=0

    Notes
    -----
    MLlib has no least variance: on many equal values a component can collapse, which is flagged. So there is no BIC.
    """

    k: int
    n_init: int = 5
    max_iter: int = 200
    tol: float = 1e-3
    seed: int = 0

    soft: ClassVar[bool] = True
    weighted: ClassVar[bool] = False

    def __post_init__(self):
        _check_whole(self, n_init=1, max_iter=1)
        _positive(self, "tol", zero=True)

    def fit(self, points, stand: Stand | None = None):
        """Fit a DataFrame with a column of vectors; what stands for it is not needed."""
        from pyspark.errors import PySparkException
        from pyspark.ml.clustering import GaussianMixture

        estimator = GaussianMixture(
            featuresCol=FEATURES, predictionCol=CLUSTER, probabilityCol=PROBABILITY, k=self.k, tol=self.tol, maxIter=self.max_iter
        )  # fmt: skip
        try:
            starts = [estimator.setSeed(self.seed + start).fit(points) for start in range(self.n_init)]
        except PySparkException as error:
            if "singular" not in str(error):
                raise
            raise SegError(
                f"model: MLlib's mixture of {self.k} components cannot be fitted: one has fallen onto equal customers; choose fewer "
                "segments (k, selection.k_range), or model=mllib_kmeans"
            ) from error
        return max(starts, key=lambda model: model.summary.logLikelihood)

    def without_jvm(self, model, folder: str) -> GaussianPosterior:
        """Return the small model of the same components."""
        parts = model.gaussians
        means = np.array([part.mean.toArray() for part in parts])
        return GaussianPosterior(
            np.array(model.weights), means, np.array([part.cov.toArray() for part in parts])
        )

    def in_memory(self) -> SafeGaussianMixture:
        """Return the mixture of seg, to refit on samples."""
        return SafeGaussianMixture(self.k, random_state=self.seed)


def _tree(nodes: dict[int, tuple[list[float], list[int]]]) -> CenterTree:
    """Make a tree whose root is row 0; MLlib counts leaves from 0 up and splits from -1 down."""
    root = -1 if -1 in nodes else next(iter(nodes))
    names = [root, *(name for name in nodes if name != root)]
    rows = {name: row for row, name in enumerate(names)}
    # A split may have left one side empty: then both ways lead to the other.
    children = [([rows[child] for child in nodes[name][1]] * 2 or [-1, -1])[:2] for name in names]
    leaves = [-1 if nodes[name][1] else name for name in names]
    return CenterTree(np.array([nodes[name][0] for name in names]), np.array(children), np.array(leaves))


def _check_whole(settings, **least: int) -> None:
    for name, bound in {"k": 2, "seed": 0, **least}.items():
        value = getattr(settings, name)
        if isinstance(value, bool) or not isinstance(value, int) or value < bound:
            raise SegError(f"model.{name}={value}: expected a whole number of at least {bound}")


def _positive(settings, name: str, zero: bool = False) -> None:
    value = getattr(settings, name)
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or value < 0
        or (value == 0 and not zero)
    ):
        raise SegError(f"model.{name}={value}: expected a number {'of at least' if zero else 'above'} 0")
