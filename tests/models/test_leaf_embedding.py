from __future__ import annotations

import contextlib
import logging

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score
from sklearn.utils.estimator_checks import parametrize_with_checks

from seg.errors import SegError
from seg.models import leaf_map
from seg.models.leaf_embedding import LeafEmbedding


def svd(**given) -> LeafEmbedding:
    return LeafEmbedding(reducer="svd", n_components=4, n_estimators=20, random_state=0, **given)


def mapped(**given) -> LeafEmbedding:
    return LeafEmbedding(**{"n_estimators": 20, "random_state": 0, **given})


@pytest.fixture(scope="module")
def customers() -> pd.DataFrame:
    """Three groups of customers, integers among their features, some of them equal in everything."""
    draw = np.random.default_rng(0)
    group = draw.integers(0, 3, 240)
    frame = pd.DataFrame(
        {
            "recency_days": draw.poisson([5, 60, 200], (240, 3))[np.arange(240), group],
            "orders": 1 + draw.poisson([12, 5, 1], (240, 3))[np.arange(240), group],
            "revenue": np.array([900.0, 250.0, 30.0])[group] * draw.lognormal(0, 0.2, 240),
        }
    ).astype(float)
    return pd.concat([frame, frame[:20]], ignore_index=True).assign(group=[*group, *group[:20]])


@pytest.fixture(scope="module")
def X(customers) -> pd.DataFrame:
    return customers.drop(columns="group")


# ---- the contract ------------------------------------------------------------------------------------------------


def refused_checks(estimator: LeafEmbedding) -> dict[str, str]:
    alone = "nothing is left to predict the only feature from, and a SegError says so"
    return {"check_fit2d_1feature": alone} if estimator.target is not None else {}


@parametrize_with_checks(
    [
        LeafEmbedding(reducer="svd", n_estimators=10),
        LeafEmbedding(0, "random_forest", reducer="svd", n_estimators=10),
    ],
    expected_failed_checks=refused_checks,
)
def test_the_linear_embedding_keeps_the_contract_of_an_estimator(estimator, check):
    check(estimator)


@pytest.mark.umap
@parametrize_with_checks([LeafEmbedding(n_estimators=10)])
def test_the_map_keeps_the_contract_of_an_estimator(estimator, check):
    """A forest that predicts a target keeps it above; what such a forest changes in the map is tested below."""
    check(estimator)


# ---- the target --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", ["revenu", None, 3, -1])
def test_a_target_that_is_no_feature_is_refused_with_the_features(X, target):
    with pytest.raises(
        SegError, match=rf"embed.target={target}: random_forest predicts .* expected one of .*revenue"
    ):
        svd(target=target, forest="random_forest").fit(X)


def test_a_target_without_other_features_is_refused(X):
    with pytest.raises(SegError, match=r"embed.target=revenue: it is the only feature"):
        svd(target="revenue", forest="extra_trees").fit(X[["revenue"]])


def test_a_target_may_be_named_or_counted_and_does_not_enter_its_own_forest(X):
    named = svd(target="revenue", forest="random_forest").fit(X)
    np.testing.assert_array_equal(
        named.transform(X), svd(target=2, forest="random_forest").fit(X.to_numpy()).transform(X.to_numpy())
    )
    np.testing.assert_array_equal(named.transform(X), named.transform(X.assign(revenue=0.0)))


@pytest.mark.parametrize("forest", ["random_forest", "extra_trees", "random_trees"])
def test_every_forest_tells_groups_apart(customers, X, forest):
    embedding = svd(target="revenue", forest=forest).fit_transform(X)
    labels = KMeans(3, n_init=10, random_state=0).fit_predict(embedding)
    assert adjusted_rand_score(customers["group"], labels) > 0.8


@pytest.mark.parametrize("forest", ["random_forest", "random_trees"])
def test_rows_in_another_order_get_the_same_linear_embedding_alone_or_together(X, forest):
    shuffle = np.random.default_rng(1).permutation(len(X))
    model = svd(target="revenue", forest=forest)
    embedding = model.fit_transform(X)
    np.testing.assert_array_equal(clone(model).fit(X.iloc[shuffle]).transform(X), embedding)
    alone = np.vstack([model.transform(X.iloc[[row]]) for row in range(40)])
    np.testing.assert_array_equal(alone, embedding[:40])


def test_few_customers_and_equal_customers_have_an_embedding():
    for frame in (np.zeros((5, 2)), np.arange(6.0).reshape(3, 2), np.arange(10.0).reshape(5, 2)):
        for model in (svd(), mapped()) if len(np.unique(frame, axis=0)) < 4 else (svd(),):
            assert np.isfinite(model.fit_transform(frame)).all()


# ---- neighbours --------------------------------------------------------------------------------------------------


def test_neighbours_are_exactly_those_of_the_hamming_distance():
    leaves = np.random.default_rng(2).integers(0, 6, (600, 15))
    neighbors, distances = leaf_map.hamming_neighbors(leaves, 10)
    every = (leaves[:, None] != leaves[None]).mean(axis=2)
    np.testing.assert_array_equal(neighbors[:, 0], np.arange(600))
    np.testing.assert_allclose(distances, np.sort(every, axis=1)[:, :10], atol=1e-6)
    np.testing.assert_allclose(distances, np.take_along_axis(every, neighbors, axis=1), atol=1e-6)


def test_equally_near_neighbours_are_the_nearest_in_order_and_numbers_of_leaves_do_not_matter():
    leaves = np.array([[0, 0], [1, 1], [2, 2], [3, 3], [0, 4]])
    neighbors, distances = leaf_map.hamming_neighbors(leaves, 3)
    assert neighbors.tolist() == [[0, 4, 1], [1, 0, 2], [2, 1, 3], [3, 2, 4], [4, 0, 3]]
    assert distances.tolist() == [[0, 0.5, 1], [0, 1, 1], [0, 1, 1], [0, 1, 1], [0, 0.5, 1]]
    renumbered = np.array([7, 3, 9, 1, 0])[leaves]
    np.testing.assert_array_equal(leaf_map.hamming_neighbors(renumbered, 3)[0], neighbors)


# ---- the map -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def supervised(X) -> LeafEmbedding:
    return mapped(target="revenue", forest="random_forest").fit(X)


@pytest.mark.umap
def test_the_map_tells_groups_apart_and_keeps_the_places_of_training_customers(customers, X, supervised):
    embedding = supervised.transform(X)
    assert (
        adjusted_rand_score(customers["group"], KMeans(3, n_init=10, random_state=0).fit_predict(embedding))
        > 0.8
    )
    np.testing.assert_array_equal(np.unique(embedding, axis=0), np.unique(supervised.embedding_, axis=0))
    np.testing.assert_array_equal(embedding[:20], embedding[-20:])  # equal customers


@pytest.mark.umap
@pytest.mark.parametrize("metric", ["hamming", "euclidean"])
def test_rows_in_another_order_get_the_same_map(X, metric):
    model = mapped(target="revenue", forest="random_forest", metric=metric)
    shuffle = np.random.default_rng(3).permutation(len(X))
    embedding = model.fit_transform(X)
    np.testing.assert_array_equal(clone(model).fit_transform(X.iloc[shuffle]), embedding[shuffle])


@pytest.mark.umap
def test_one_new_customer_gets_what_the_batch_gets(X, supervised):
    new = X * [1.1, 1.0, 1.0] + [3, 1, 0]
    together = supervised.transform(new)
    alone = np.vstack([supervised.transform(new.iloc[[row]]) for row in range(60)])
    np.testing.assert_array_equal(alone, together[:60])
    low, high = supervised.embedding_.min(axis=0), supervised.embedding_.max(axis=0)
    assert (together >= low).all() and (together <= high).all()


@pytest.mark.umap
def test_numbering_leaves_anew_changes_the_euclidean_map_and_not_the_hamming_map(X, supervised):
    draw = np.random.default_rng(4)
    leaves, features = supervised.leaves_, np.zeros((len(supervised.leaves_), 2))
    renumbered = np.column_stack([draw.permutation(column.max() + 1)[column] for column in leaves.T])
    np.testing.assert_array_equal(
        supervised._map(features, leaves, 0), supervised._map(features, renumbered, 0)
    )
    ordinal = mapped(metric="euclidean")
    assert not np.allclose(ordinal._map(features, leaves, 0), ordinal._map(features, renumbered, 0))


@pytest.mark.umap
def test_beyond_the_landmarks_customers_are_placed_among_those_like_them(customers, X):
    model = mapped(target="revenue", forest="random_forest", max_landmarks=100)
    embedding = model.fit_transform(X)
    assert len(model.embedding_) == 100
    labels = KMeans(3, n_init=10, random_state=0).fit_predict(embedding)
    assert adjusted_rand_score(customers["group"], labels) > 0.8


@pytest.mark.umap
def test_a_handful_of_customers_is_mapped_without_a_word(recwarn):
    for n in (4, 6, 9):
        frame = np.random.default_rng(n).normal(size=(n, 2))
        assert np.isfinite(mapped().fit_transform(frame)).all()
    assert not [warning for warning in recwarn if "umap" in str(warning.filename)]


@pytest.mark.umap
def test_the_first_use_on_a_machine_says_that_it_compiles(tmp_path, caplog, monkeypatch):
    with caplog.at_level(logging.INFO, logger="seg"):
        leaf_map._umap()
        caplog.clear()
        leaf_map._umap()
        assert not caplog.text
        monkeypatch.setattr(leaf_map, "_own_cache", lambda numba: contextlib.nullcontext(tmp_path))
        leaf_map._umap()
    assert "UMAP is compiled: about 20 s, once on this machine" in caplog.text
