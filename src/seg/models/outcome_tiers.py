"""Segments that know the outcome: tiers of what customers are expected to spend, learned from an earlier day.

A lesson holds customers as they were on earlier days, and what they spent in the days after. From it the model learns two
additive curves a feature: one for the chance to buy (logistic) and one for the logarithm of the spend (least squares), and, for what
curves cannot show, small boosted trees for both. Today's customers are scored by them, and the score is cut into tiers.
"""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral, Real
from typing import ClassVar

import numpy as np
from sklearn.base import BaseEstimator, ClusterMixin
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.tree import DecisionTreeRegressor
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import check_is_fitted, validate_data

from seg.errors import SegError

GRID = 200  # points at which the rank of a value is kept
POINTS = 1000  # of the distribution of scores, between which tiers are cut
LEAST_OF_EACH = 10  # customers who bought, and who did not, to learn from
# Trees of four leaves of at least 100 customers: interactions of two features, and nothing in a small lesson.
TREES = {
    "max_iter": 80, "learning_rate": 0.05, "max_leaf_nodes": 4, "min_samples_leaf": 100, "l2_regularization": 50.0,
    "early_stopping": False, "random_state": 0,
}  # fmt: skip


@dataclass(frozen=True)
class Lesson:
    """Customers on earlier days, and what they did after.

    Parameters
    ----------
    X : ndarray of shape (n, n_features)
        Scaled features, from orders before the day.
    spend : ndarray of shape (n,)
        In the days from then on; 0 for who did not buy.
    customers : ndarray of int of shape (n,)
        Number of the customer: one customer may be there on several days.
    """

    X: np.ndarray
    spend: np.ndarray
    customers: np.ndarray

    def resampled(self, seed: int) -> Lesson:
        """Return a bootstrap sample of the customers; those drawn more than once are used once, as in `clusterboot`."""
        n = int(self.customers.max()) + 1
        drawn = np.zeros(n, dtype=bool)
        drawn[np.random.default_rng(seed).integers(n, size=n)] = True
        return self.rows(drawn[self.customers])

    def rows(self, chosen: np.ndarray) -> Lesson:
        """Return the chosen rows."""
        return Lesson(self.X[chosen], self.spend[chosen], self.customers[chosen])

    def halves(self, seed: int) -> tuple[Lesson, Lesson]:
        """Split the customers at random in two halves."""
        n = int(self.customers.max()) + 1
        first = np.random.default_rng(seed).permutation(n) < n // 2
        return self.rows(first[self.customers]), self.rows(~first[self.customers])


class OutcomeTiers(ClusterMixin, BaseEstimator):
    """Cut customers into tiers of what they are expected to spend.

    Parameters
    ----------
    n_tiers : int
        Greatest number of tiers.
    n_knots : int
        Points between which the curve of a feature is straight; they lie at equal steps of the feature's rank.
    penalty : float
        Shrinks the curves; more is flatter.
    boosted : float
        Share of the boosted trees in the score, 0 to 1; 0 learns none.
    smallest_share : float
        Least share of the customers in a tier.
    ratio : float or None
        Each tier has so many times the customers of the tier below it: such borders move less from sample to sample. None cuts
        where the variance within tiers is least.
    lesson : Lesson or None
        Set by the run. It is not kept with the model: it holds what single customers spent.

    Attributes
    ----------
    labels_ : ndarray of shape (n_customers,)
        0 is the tier of the lowest score.
    borders_ : ndarray of shape (n_tiers - 1,)
        Scores at which a tier begins, rising.

    Notes
    -----
    1. The score is the mean of the expected log1p(spend) and of the chance to buy times the mean log1p(spend) of buyers. The first
       alone orders spend better, the second purchases. Either is `boosted` parts of trees, the rest of the curves.
    2. Tiers are those with the least variance of the score within (Fisher 1958, doi 10.1080/01621459.1958.10501479), found exactly on up to
       1,000 points of its distribution.
    3. Features enter by their ranks among the customers of the lesson: any transform or scaler that keeps their order gives
       the same tiers.
    """

    _parameter_constraints: ClassVar[dict] = {
        "n_tiers": [Interval(Integral, 2, None, closed="left")],
        "n_knots": [Interval(Integral, 2, None, closed="left")],
        "penalty": [Interval(Real, 0, None, closed="neither")],
        "boosted": [Interval(Real, 0, 1, closed="both")],
        "smallest_share": [Interval(Real, 0, 0.5, closed="left")],
        "ratio": [Interval(Real, 0, None, closed="neither"), None],
        "lesson": "no_validation",
    }

    def __init__(
        self, n_tiers=8, n_knots=7, penalty=100.0, boosted=0.3, smallest_share=0.02, ratio=None, lesson=None
    ):
        self.n_tiers = n_tiers
        self.n_knots = n_knots
        self.penalty = penalty
        self.boosted = boosted
        self.smallest_share = smallest_share
        self.ratio = ratio
        self.lesson = lesson

    def __getstate__(self):
        # The lesson holds single customers: no file of a model has it.
        return {**super().__getstate__(), "lesson": None}

    def fit(self, X, y=None):
        """Learn from the lesson, and cut the customers of `X` into tiers."""
        self._validate_params()
        X = validate_data(self, X, dtype=["float64", "float32"], ensure_min_samples=2)
        self._learn(self._checked_lesson(X.shape[1]))
        self._cut(X)
        self.labels_ = self.predict(X)
        return self

    def predict(self, X):
        """Return the tier of each customer."""
        return np.searchsorted(self.borders_, self.score_of(X), side="right")

    def score_of(self, X) -> np.ndarray:
        """Return the score of each customer: the expected log1p(spend)."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=["float64", "float32"], reset=False)
        curves = self._mean(self.purchase_, self.amount_, self._design(X))
        if not hasattr(self, "purchase_trees_"):
            return curves
        trees = self._mean(self.purchase_trees_, self.amount_trees_, X)
        return (1 - self.boosted) * curves + self.boosted * trees

    def _mean(self, purchase, amount, design: np.ndarray) -> np.ndarray:
        """Return the mean of the expected log1p(spend) and of what the chance to buy lets expect."""
        return (amount.predict(design) + purchase.predict_proba(design)[:, 1] * self.log_spend_) / 2

    def resampled(self, seed: int) -> OutcomeTiers:
        """Return the same model with a bootstrap sample of its lesson, not fitted."""
        return type(self)(**{**self.get_params(deep=False), "lesson": self.lesson.resampled(seed)})

    def _checked_lesson(self, columns: int) -> Lesson:
        lesson = self.lesson
        if lesson is None:
            raise SegError(
                "model: the segments learn from what customers bought after an earlier day, and there is no such lesson; "
                "choose a data set with orders, or another model"
            )
        bought = int((lesson.spend > 0).sum())
        others = len(lesson.spend) - bought
        if min(bought, others) < LEAST_OF_EACH:
            raise SegError(
                f"model: of the {len(lesson.spend):,} customers that the segments learn from {bought:,} bought and {others:,} did not; "
                f"at least {LEAST_OF_EACH} of each are needed: choose other model.lesson.days, or another model"
            )
        if lesson.X.shape[1] != columns:
            raise ValueError(f"the lesson has {lesson.X.shape[1]} features, X has {columns}")
        return lesson

    def _learn(self, lesson: Lesson) -> None:
        self.grids_ = [_rank_grid(column) for column in lesson.X.T]
        design, bought = self._design(lesson.X), lesson.spend > 0
        log_spend = np.log1p(lesson.spend)
        self.log_spend_ = float(log_spend[bought].mean())
        self.purchase_ = LogisticRegression(C=1 / self.penalty, max_iter=500).fit(design, bought)
        self.amount_ = Ridge(alpha=self.penalty).fit(design, log_spend)
        if self.boosted:
            # Imported here: every run imports this module, and few need boosted trees.
            from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

            self.purchase_trees_ = HistGradientBoostingClassifier(**TREES).fit(lesson.X, bought)
            self.amount_trees_ = HistGradientBoostingRegressor(**TREES).fit(lesson.X, log_spend)

    def _design(self, X: np.ndarray) -> np.ndarray:
        """Return the weights of the knots, shape (n, n_features * n_knots): piecewise linear in the rank of each feature."""
        knots = np.linspace(0.0, 1.0, self.n_knots)
        ranks = [
            np.interp(column, values, ranks) for column, (values, ranks) in zip(X.T, self.grids_, strict=True)
        ]
        return np.hstack(
            [
                np.maximum(0.0, 1.0 - np.abs(rank[:, None] - knots) * (self.n_knots - 1))
                for rank in np.asarray(ranks, dtype="float64")
            ]
        )

    def _cut(self, X: np.ndarray) -> None:
        scores = self.score_of(X)
        if self.ratio is None:
            self.borders_ = least_variance_borders(scores, self.n_tiers, self.smallest_share)
        else:
            self.borders_ = borders_of_shares(scores, self.n_tiers, self.ratio)


class OutcomeTree(OutcomeTiers):
    """Segments that are the leaves of a small tree, which is grown on the score of `OutcomeTiers`: each has one exact rule.

    Parameters
    ----------
    n_tiers, n_knots, penalty, boosted, smallest_share, ratio, lesson
        As of `OutcomeTiers`; a tier is a leaf.
    """

    def predict(self, X):
        """Return the leaf of each customer, numbered by the score, the lowest first."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=["float64", "float32"], reset=False)
        return self.places_[self.tree_.apply(np.asarray(X, dtype="float32"))]

    def _cut(self, X: np.ndarray) -> None:
        least = max(2, int(np.ceil(self.smallest_share * len(X))))
        tree = DecisionTreeRegressor(max_leaf_nodes=self.n_tiers, min_samples_leaf=least, random_state=0)
        self.tree_ = tree.fit(X, self.score_of(X))
        leaves = np.flatnonzero(self.tree_.tree_.children_left < 0)
        order = leaves[np.argsort(self.tree_.tree_.value[leaves, 0, 0], kind="stable")]
        self.places_ = np.zeros(self.tree_.tree_.node_count, dtype="int64")
        self.places_[order] = np.arange(len(order))


def _rank_grid(column: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return values and their mean ranks (0 to 1), between which ranks are straight lines; ends hold beyond them."""
    values, counts = np.unique(column, return_counts=True)
    ranks = (np.cumsum(counts) - counts / 2) / len(column)
    if len(values) <= GRID:
        return values, ranks
    kept = np.unique(np.searchsorted(ranks, np.linspace(ranks[0], ranks[-1], GRID)))
    return values[kept], ranks[kept]


def borders_of_shares(scores: np.ndarray, n_tiers: int, ratio: float) -> np.ndarray:
    """Cut scores (n,) into tiers of which each has `ratio` times the customers of the one below; return rising borders.

    >>> borders_of_shares(np.arange(7.0), 3, 0.5).tolist()
    [3.5, 5.5]
    """
    shares = np.cumsum(ratio ** np.arange(n_tiers))
    values = np.sort(np.asarray(scores, dtype="float64"))
    at = np.rint(len(values) * shares[:-1] / shares[-1]).astype(int)
    at = at[(at > 0) & (at < len(values))]
    return np.unique((values[at - 1] + values[at]) / 2)


def least_variance_borders(scores: np.ndarray, n_tiers: int, smallest_share: float) -> np.ndarray:
    """Cut scores into the tiers with the least variance within, by dynamic programming.

    Parameters
    ----------
    scores : array of shape (n,)
    n_tiers : int
        Greatest number of tiers; fewer where `smallest_share` allows fewer.
    smallest_share : float
        Least share of the scores in a tier.

    Returns
    -------
    ndarray of shape (at most n_tiers - 1,)
        Rising borders.

    Examples
    --------
    >>> least_variance_borders(np.array([0.0, 0.1, 0.2, 5.0, 5.1, 9.0, 9.2]), 3, 0.1).tolist()
    [2.6, 7.05]
    """
    values = np.sort(np.asarray(scores, dtype="float64"))
    if len(values) > POINTS:
        values = np.quantile(values, (np.arange(POINTS) + 0.5) / POINTS)
    n = len(values)
    least = max(1, int(np.ceil(smallest_share * n)))
    n_tiers = max(1, min(n_tiers, n // least))
    place, first, second = np.arange(n + 1), np.r_[0.0, np.cumsum(values)], np.r_[0.0, np.cumsum(values**2)]
    size = place[None, :] - place[:, None]
    within = second[None, :] - second[:, None] - (first[None, :] - first[:, None]) ** 2 / np.maximum(size, 1)
    cost = np.where(size >= least, np.maximum(within, 0.0), np.inf)
    best, backwards = cost[0], []
    for _ in range(n_tiers - 1):
        total = best[:, None] + cost
        backwards.append(total.argmin(axis=0))
        best = total.min(axis=0)
    cuts, end = [], n
    for step in reversed(backwards):
        end = int(step[end])
        cuts.append(end)
    return np.unique([(values[cut - 1] + values[cut]) / 2 for cut in cuts if 0 < cut < n])
