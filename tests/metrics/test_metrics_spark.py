import numpy as np
import pytest
from sklearn.cluster import KMeans

from seg.metrics.separation import silhouette_squared

pytestmark = pytest.mark.spark


def evaluated(spark, X: np.ndarray, labels: np.ndarray) -> float:
    from pyspark.ml.evaluation import ClusteringEvaluator
    from pyspark.ml.linalg import Vectors

    rows = [(Vectors.dense(row), float(label)) for row, label in zip(X, labels, strict=True)]
    frame = spark.session.createDataFrame(rows, ["features", "prediction"])
    return ClusteringEvaluator(metricName="silhouette", distanceMeasure="squaredEuclidean").evaluate(frame)


def customers(n: int) -> np.ndarray:
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.gamma(2, 100, n), 1 + rng.poisson(3, n), rng.lognormal(5, 1.4, n)])
    return (X - X.mean(axis=0)) / X.std(axis=0)


@pytest.mark.parametrize("k", [2, 10])
def test_the_squared_silhouette_is_the_one_of_spark(spark, k):
    X = customers(300)
    labels = KMeans(k, n_init=1, random_state=0).fit_predict(X)
    assert silhouette_squared(X, labels) == pytest.approx(evaluated(spark, X, labels), rel=1e-9)


def test_a_customer_alone_in_its_cluster_counts_as_in_spark(spark):
    X = customers(200)
    labels = KMeans(3, n_init=1, random_state=0).fit_predict(X)
    labels[17], labels[40] = 3, 4
    assert silhouette_squared(X, labels) == pytest.approx(evaluated(spark, X, labels), rel=1e-9)


def test_equal_customers_count_as_in_spark(spark):
    X = np.repeat([[0.0, 0.0], [3.0, 4.0], [3.0, 4.0], [6.0, 0.0]], 3, axis=0)
    labels = np.repeat([0, 1, 2, 3], 3)
    assert silhouette_squared(X, labels) == pytest.approx(evaluated(spark, X, labels), rel=1e-9)
