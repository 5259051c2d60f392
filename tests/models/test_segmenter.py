"""Scoring agrees with training: for clusterers without a rule of their own, shuffled rows and float32."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.cluster import HDBSCAN, AgglomerativeClustering, Birch, BisectingKMeans, KMeans
from sklearn.metrics import adjusted_rand_score
from sklearn.pipeline import Pipeline

from seg.models import skops_file
from seg.models.block_kmeans import BlockKMeans
from seg.models.mixture import SafeGaussianMixture
from seg.models.segmenter import Segmenter

CLUSTERERS = [
    AgglomerativeClustering(4),
    HDBSCAN(min_cluster_size=20, copy=True),
    Birch(n_clusters=4, threshold=0.3),
    BisectingKMeans(4, random_state=0),
    KMeans(4, n_init=2, random_state=0),
    BlockKMeans(n_clusters=4, random_state=0),
    SafeGaussianMixture(4, random_state=0),
]


@pytest.fixture(scope="module")
def cloud() -> np.ndarray:
    """One stretched cloud and a dense knot in it: borders everywhere, and noise for HDBSCAN."""
    rng = np.random.default_rng(0)
    return np.vstack([rng.normal(size=(500, 3)) * [3, 1, 1], rng.normal([2, 0, 0], 0.1, (100, 3))])


@pytest.mark.parametrize("clusterer", CLUSTERERS, ids=lambda one: type(one).__name__)
def test_customers_of_the_training_keep_their_segments_also_one_by_one_and_as_float32(cloud, clusterer):
    segmenter = Segmenter(clusterer).fit(cloud)
    np.testing.assert_array_equal(segmenter.predict(cloud), segmenter.labels_)
    np.testing.assert_array_equal(segmenter.predict(cloud[:1]), segmenter.labels_[:1])
    assert (segmenter.predict(cloud.astype("float32")) == segmenter.labels_).mean() > 0.99


@pytest.mark.parametrize("clusterer", [CLUSTERERS[0], CLUSTERERS[1]], ids=["agglomerative", "hdbscan"])
def test_a_saved_model_without_a_rule_of_its_own_agrees_too(cloud, clusterer, tmp_path):
    pipeline = Pipeline([("cluster", Segmenter(clusterer).fit(cloud))])
    (tmp_path / "model.skops").write_bytes(skops_file.dumps(pipeline))
    loaded, _remarks = skops_file.load(tmp_path / "model.skops")
    np.testing.assert_array_equal(loaded.predict(cloud), pipeline[-1].labels_)


def test_birch_does_not_depend_on_the_order_of_rows(cloud):
    order = np.random.default_rng(1).permutation(len(cloud))
    first, second = (
        Segmenter(Birch(n_clusters=4, threshold=0.3)).fit(rows) for rows in (cloud, cloud[order])
    )
    np.testing.assert_array_equal(first.labels_[order], second.labels_)
    assert adjusted_rand_score(first.labels_, second.predict(cloud)) == 1
