"""Customers as the leaves they fall into: a forest asks what matters for a target, a map shows who is alike in that.

Needs umap-learn for `reducer="umap"`. The first fit on a machine compiles UMAP (about 20 s, kept); later ones start in 2 s.
"""

from __future__ import annotations

from numbers import Integral, Real

import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.decomposition import TruncatedSVD
from sklearn.ensemble import ExtraTreesRegressor, RandomForestRegressor, RandomTreesEmbedding
from sklearn.preprocessing import OneHotEncoder
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted, validate_data

from seg.errors import SegError, listed

FORESTS = {
    "random_forest": RandomForestRegressor,
    "extra_trees": ExtraTreesRegressor,
    "random_trees": RandomTreesEmbedding,
}


class LeafEmbedding(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Embed customers by the leaves of a forest, so that those whom many trees keep together lie together.

    Every tree sorts a customer into one leaf. Leaf ids are categories: the distance of two customers is the share of trees
    that part them (Hamming), one minus the proximity of Breiman (2001, doi 10.1023/A:1010933404324). UMAP (arXiv 1802.03426)
    turns it into a map, from exact neighbours: its own search for them reads ids as numbers.

    Parameters
    ----------
    target : str, int or None, default=None
        The feature that the trees predict from all others, by name or by column; ``random_trees`` have none and use all.
    forest : {"random_trees", "random_forest", "extra_trees"}, default="random_trees"
    n_estimators : int, default=100
        Number of trees.
    min_samples_leaf : int or "auto", default="auto"
        Least customers in a leaf; auto is 20 for the reducer svd and 5 for umap, never more than a tenth of the customers
        but at least 2, and 1 for ``random_trees``, whose depth is 5. Leaves of one customer have nobody in common.
    reducer : {"umap", "svd"}, default="umap"
        A map by UMAP, or the first right singular vectors of the one-hot leaves: linear, quick, without UMAP.
    metric : {"hamming", "euclidean"}, default="hamming"
        Of the neighbours given to UMAP. Euclidean takes ids as numbers, as is often published: renumbering the leaves, which
        changes nothing, changes its result.
    n_neighbors : int, default=15
        Neighbours given to UMAP, itself included; at most one less than there are distinct customers.
    min_dist : float, default=0.1
        How close UMAP may pack points.
    n_components : int, default=2
        Dimensions of the embedding.
    max_landmarks : int, default=20_000
        UMAP maps at most so many distinct customers, drawn at random; the others are placed like new ones.
    random_state : int, RandomState or None, default=None

    Attributes
    ----------
    forest_ : estimator
    leaves_ : ndarray of shape (n_landmarks, n_estimators)
        Distinct leaf ids of the mapped customers.
    embedding_ : ndarray of shape (n_landmarks, n_components)
        Where they lie.

    Notes
    -----
    1. Rows are sorted before anything is drawn and customers who share every leaf are one point: row order changes nothing.
    2. Equally near neighbours are taken by the nearness of what the forest predicts for them, which does not depend on the
       numbers of leaves either.
    3. A new customer gets the place of the landmark that shares most leaves, the mean of several that share equally many: all
       leaves shared gives exactly the same place, and one row alone gets what it gets in a batch (UMAP's own ``transform``
       promises neither). So training customers keep their places; see ``max_landmarks`` for the exception. On Online Retail,
       99.9 % of customers held out got the segment that a vote of the 15 most alike would give.
    4. With the reducer svd, a row is projected, new or not.
    """

    _parameter_constraints = {  # noqa: RUF012 - the name and kind that scikit-learn reads
        "target": [str, Integral, None],
        "forest": [StrOptions(set(FORESTS))],
        "n_estimators": [Interval(Integral, 1, None, closed="left")],
        "min_samples_leaf": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"})],
        "reducer": [StrOptions({"umap", "svd"})],
        "metric": [StrOptions({"hamming", "euclidean"})],
        "n_neighbors": [Interval(Integral, 2, None, closed="left")],
        "min_dist": [Interval(Real, 0, 1, closed="both")],
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "max_landmarks": [Interval(Integral, 10, None, closed="left")],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        target=None,
        forest="random_trees",
        n_estimators=100,
        min_samples_leaf="auto",
        reducer="umap",
        metric="hamming",
        n_neighbors=15,
        min_dist=0.1,
        n_components=2,
        max_landmarks=20_000,
        random_state=None,
    ):
        self.target = target
        self.forest = forest
        self.n_estimators = n_estimators
        self.min_samples_leaf = min_samples_leaf
        self.reducer = reducer
        self.metric = metric
        self.n_neighbors = n_neighbors
        self.min_dist = min_dist
        self.n_components = n_components
        self.max_landmarks = max_landmarks
        self.random_state = random_state

    def fit(self, X, y=None):
        """Grow the forest and map its leaves.

        Parameters
        ----------
        X : DataFrame or array of shape (n_customers, n_features)
            Features; a target given by name needs the names of a DataFrame.

        Raises
        ------
        SegError
            The target is none of the features, or the only one.
        """
        self._validate_params()
        X = validate_data(self, X, dtype="float64", ensure_min_samples=2)
        self._target = self._find_target()
        random = check_random_state(self.random_state)
        X = X[np.lexsort(X.T[::-1])]
        self._grow(X, random)
        leaves = self._leaves(X)
        if self.reducer == "svd":
            self._fit_svd(leaves, random)
        else:
            self._fit_map(X, leaves, random)
        self._n_features_out = self.n_components
        return self

    def transform(self, X):
        """Place customers in the embedding, each without regard to the others.

        Returns
        -------
        embedding : ndarray of shape (n_customers, n_components)
        """
        check_is_fitted(self)
        X = validate_data(self, X, dtype="float64", reset=False)
        leaves = self._leaves(X)
        if self.reducer == "svd":
            coordinates = self.svd_.transform(self.encoder_.transform(leaves))
            return np.pad(coordinates, ((0, 0), (0, self.n_components - coordinates.shape[1])))
        return self._place(leaves)

    # ---- the forest ----------------------------------------------------------------------------------------------

    def _find_target(self) -> int | None:
        """Find the column of the target; None where there is none to predict."""
        if self.forest == "random_trees":
            return None
        names = list(getattr(self, "feature_names_in_", range(self.n_features_in_)))
        column = names.index(self.target) if self.target in names else self.target
        if not isinstance(column, Integral) or not 0 <= column < len(names):
            raise SegError(
                f"embed.target={self.target}: {self.forest} predicts one of the features, expected one of "
                f"{listed(self.target, names)}; or take forest=random_trees, which predicts nothing"
            )
        if len(names) == 1:
            raise SegError(
                f"embed.target={self.target}: it is the only feature, and there is none to predict it from; add features to the "
                "recipe, or take forest=random_trees"
            )
        return int(column)

    def _inputs(self, X: np.ndarray) -> np.ndarray:
        return X if self._target is None else np.delete(X, self._target, axis=1)

    def _grow(self, X: np.ndarray, random: np.random.RandomState) -> None:
        self.forest_ = FORESTS[self.forest](
            n_estimators=self.n_estimators,
            min_samples_leaf=self._least(len(X)),
            random_state=random.randint(2**31 - 1),
            n_jobs=-1,
        )
        self.forest_.fit(self._inputs(X), None if self._target is None else X[:, self._target])
        # The sum over trees is in the order in which threads end.
        self.forest_.set_params(n_jobs=1)

    def _least(self, customers: int) -> int:
        if self.min_samples_leaf != "auto":
            return self.min_samples_leaf
        if self.reducer == "umap" and self.forest == "random_trees":
            return 1
        return min(20 if self.reducer == "svd" else 5, max(2, customers // 10))

    def _leaves(self, X: np.ndarray) -> np.ndarray:
        return self.forest_.apply(self._inputs(X)).astype("int32").reshape(len(X), -1)

    # ---- the embedding -------------------------------------------------------------------------------------------

    def _fit_svd(self, leaves: np.ndarray, random: np.random.RandomState) -> None:
        self.encoder_ = OneHotEncoder(handle_unknown="ignore").fit(leaves)
        hot = self.encoder_.transform(leaves)
        dimensions = min(self.n_components, *hot.shape)
        with np.errstate(invalid="ignore"):  # a share of no variance, where all customers share all leaves
            self.svd_ = TruncatedSVD(dimensions, random_state=random.randint(2**31 - 1)).fit(hot)

    def _fit_map(self, X: np.ndarray, leaves: np.ndarray, random: np.random.RandomState) -> None:
        first = np.sort(np.unique(leaves, axis=0, return_index=True)[1])
        if self._target is not None:
            first = first[np.argsort(self.forest_.predict(self._inputs(X[first])), kind="stable")]
        if len(first) > self.max_landmarks:
            first = first[np.sort(random.choice(len(first), self.max_landmarks, replace=False))]
        self.leaves_ = leaves[first]
        self.encoder_ = OneHotEncoder(handle_unknown="ignore", dtype="int32").fit(self.leaves_)
        self.embedding_ = self._map(X[first], self.leaves_, random.randint(2**31 - 1))

    def _map(self, X: np.ndarray, leaves: np.ndarray, seed: int) -> np.ndarray:
        """Map distinct customers; `X` serves to lay out groups that no neighbour connects, `leaves` for all else."""
        n = len(leaves)
        if n < 4:  # too few for a map: apart on a line
            return np.outer(np.arange(n), np.eye(self.n_components)[0])
        k = min(self.n_neighbors, n - 1)
        # Here, not above: a saved model carries this class but not the map, whose lock cannot be saved.
        from seg.models.leaf_map import euclidean_neighbors, hamming_neighbors, umap_layout

        near = hamming_neighbors if self.metric == "hamming" else euclidean_neighbors
        return umap_layout(X, near(leaves, k), self.n_components, self.min_dist, seed)

    def _place(self, leaves: np.ndarray) -> np.ndarray:
        """Return, for every customer, the mean place of the landmarks that share most leaves."""
        known = {row.tobytes(): place for place, row in enumerate(self.leaves_)}
        at = np.array([known.get(row.tobytes(), -1) for row in leaves])
        embedding, new = self.embedding_[at], np.flatnonzero(at < 0)
        across = self.encoder_.transform(self.leaves_).T.tocsr() if len(new) else None
        # Each row shares leaves with thousands of landmarks: all rows at once would not fit any memory.
        for start in range(0, len(new), 1000):
            block = new[start : start + 1000]
            shared = self.encoder_.transform(leaves[block]) @ across
            for row, first, last in zip(block, shared.indptr, shared.indptr[1:], strict=False):
                counts, landmarks = shared.data[first:last], shared.indices[first:last]
                nearest = np.sort(landmarks[counts == counts.max(initial=0)])
                # Who shares no leaf with anyone is as near to all.
                embedding[row] = (self.embedding_[nearest] if len(nearest) else self.embedding_).mean(axis=0)
        return embedding
