"""Check the trees of a model from a file: scikit-learn follows their nodes without looking where these point."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from seg.models.outcome_tiers import OutcomeTiers


def check_trees(pipeline) -> None:
    """Check that no tree points outside itself or its features.

    Parameters
    ----------
    pipeline : Pipeline, or dict of str to Pipeline

    Raises
    ------
    ValueError
        A tree of a forest, of a model of outcomes or of its boosted part is damaged.
    """
    pipelines = pipeline.values() if isinstance(pipeline, dict) else [pipeline]
    for step in (step for one in pipelines for step in getattr(one, "named_steps", {}).values()):
        for tree in _trees(step):
            inner = tree.children_left >= 0
            children = np.where(inner, tree.children_left, -1), np.where(inner, tree.children_right, -1)
            if (tree.children_right[~inner] >= 0).any():
                raise ValueError("a tree of the model is damaged")
            _check(inner, children, tree.feature, tree.n_features)
        for nodes, features in _boosted(step):
            inner = nodes["is_leaf"] == 0
            if nodes["is_categorical"].any():
                raise ValueError("a tree of the model is damaged")
            _check(inner, (nodes["left"], nodes["right"]), nodes["feature_idx"], features)


def _check(inner: np.ndarray, children: tuple[np.ndarray, ...], feature: np.ndarray, n_features: int) -> None:
    """Check the inner nodes: children come later in the tree, and features exist."""
    places = np.arange(len(inner))[inner]
    for child in (one[inner].astype("int64") for one in children):
        if ((child <= places) | (child >= len(inner))).any():
            raise ValueError("a tree of the model is damaged")
    chosen = feature[inner].astype("int64")
    if ((chosen < 0) | (chosen >= n_features)).any():
        raise ValueError("a tree of the model is damaged")


def _outcome_model(step) -> OutcomeTiers | None:
    clusterer = getattr(step, "clusterer_", step)
    return clusterer if isinstance(clusterer, OutcomeTiers) else None


def _trees(step) -> Iterator:
    """Yield the trees of a forest, and that of a tree of outcomes."""
    for one in getattr(getattr(step, "forest_", None), "estimators_", ()):
        yield one.tree_
    if hasattr(_outcome_model(step), "tree_"):
        yield _outcome_model(step).tree_.tree_


def _boosted(step) -> Iterator[tuple[np.ndarray, int]]:
    """Yield the nodes of each boosted tree, and the number of its features."""
    model = _outcome_model(step)
    for name in ("purchase_trees_", "amount_trees_"):
        boosted = getattr(model, name, None)
        for round_ in getattr(boosted, "_predictors", ()):
            for predictor in round_:
                yield predictor.nodes, boosted.n_features_in_
