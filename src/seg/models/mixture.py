"""A Gaussian mixture that integers do not break."""

from __future__ import annotations

from numbers import Integral, Real

import numpy as np
from scipy.special import entr
from sklearn.base import BaseEstimator, DensityMixin
from sklearn.mixture import GaussianMixture
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted, validate_data
from threadpoolctl import threadpool_limits

from seg.metrics import kernels
from seg.metrics.kernels.constraints import constrained
from seg.models.block_kmeans import BlockKMeans


class SafeGaussianMixture(DensityMixin, BaseEstimator):
    """Fit a Gaussian mixture to z-scored features whose repeated values are spread out.

    The number of orders is an integer: thousands of customers have exactly two. A component that shrinks onto them gains
    likelihood without end, so BIC falls with every k and says nothing. Likelihoods of discrete data compare only after
    uniform noise of one unit (de-quantisation: Theis, van den Oord & Bethge 2016, arXiv 1511.01844, section 3.1).

    Parameters
    ----------
    n_components : int, default=1
    covariance_type : {"full", "tied", "diag", "spherical"}, default="full"
    reg_covar : float, default=1e-3
        Added to variances, in units of each feature's own variance: the same on any scaler.
    n_init : int, default=3
        Starts, each from k-means; the likeliest is kept.
    max_iter : int, default=300
    random_state : int, RandomState or None, default=None

    Attributes
    ----------
    mixture_ : GaussianMixture
        Fitted in z-scores of the training data.
    means_ : ndarray of shape (n_components, n_features)
        In the units of `X`.
    weights_ : ndarray of shape (n_components,)
    labels_ : ndarray of shape (n_customers,)
        Component of each customer of the training data.
    n_iter_ : int
    n_floor_components_ : int
        Components with a variance below twice `reg_covar` in some direction: collapsed onto equal customers, such as a spike
        at zero within a continuous feature, which no noise of one unit can cure.

    Notes
    -----
    1. Noise of one unit is, after any transform, a draw between the midpoints to the next smaller and the next larger value.
       Only values that occur more than once get it.
    2. It serves to fit (and in `bic`) alone. Who is placed, new or not, is placed as given: one row alone gets what it gets in
       a batch, and a saved model agrees with its training labels.
    3. Rows are sorted before noise and starts are drawn: row order changes nothing.
    4. Steps of EM are compiled (`seg.metrics.kernels`), and scikit-learn takes the last ones; without numba it takes them all.
    """

    _parameter_constraints = {  # noqa: RUF012 - the name and kind that scikit-learn reads
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "covariance_type": [StrOptions({"full", "tied", "diag", "spherical"})],
        "reg_covar": [Interval(Real, 0, None, closed="neither")],
        "n_init": [Interval(Integral, 1, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        n_components=1,
        covariance_type="full",
        reg_covar=1e-3,
        n_init=3,
        max_iter=300,
        random_state=None,
    ):
        self.n_components = n_components
        self.covariance_type = covariance_type
        self.reg_covar = reg_covar
        self.n_init = n_init
        self.max_iter = max_iter
        self.random_state = random_state

    def fit(self, X, y=None):
        """Fit the mixture.

        Parameters
        ----------
        X : array of shape (n_customers, n_features)
        """
        self._validate_params()
        X = validate_data(self, X, dtype=["float64", "float32"], ensure_min_samples=2).astype("float64")
        random = check_random_state(self.random_state)
        self._noise_seed, seed = random.randint(2**31 - 1, size=2)
        self.mean_, scale = X.mean(axis=0), X.std(axis=0)
        self.scale_ = np.where(scale > 0, scale, 1.0)
        Z, model = self._spread(X), self._model(int(seed))
        # The matrices of components are of a few features: more threads of BLAS wait for each other, a third of the time.
        with threadpool_limits(1, user_api="blas"):
            self.mixture_ = likeliest(Z, model) if _compiled(Z, self.n_components) else model.fit(Z)
        self.means_ = self.mixture_.means_ * self.scale_ + self.mean_
        self.weights_, self.n_iter_ = self.mixture_.weights_, self.mixture_.n_iter_
        self.n_floor_components_ = int((least_variances(self.mixture_) < 2 * self.reg_covar).sum())
        self.labels_ = self.predict(X)
        return self

    def _model(self, seed: int) -> GaussianMixture:
        return GaussianMixture(
            self.n_components,
            covariance_type=self.covariance_type,
            reg_covar=self.reg_covar,
            n_init=self.n_init,
            max_iter=self.max_iter,
            random_state=seed,
        )

    def fit_predict(self, X, y=None):
        """Fit, and return the component of each customer."""
        return self.fit(X).labels_

    def predict(self, X):
        """Return the likeliest component of each customer."""
        Z = self._scaled(X)
        return self.mixture_.predict(Z)

    def predict_proba(self, X):
        """Return the probability of each component for each customer, shape (n_customers, n_components)."""
        Z = self._scaled(X)
        return self.mixture_.predict_proba(Z)

    def score_samples(self, X):
        """Return the log-likelihood of each customer, per unit of `X`."""
        Z = self._scaled(X)
        return self.mixture_.score_samples(Z) - np.log(self.scale_).sum()

    def score(self, X, y=None):
        """Return the mean log-likelihood per customer."""
        return float(self.score_samples(X).mean())

    def bic(self, X) -> float:
        """Return the Bayesian information criterion in z-scores; NaN where a component collapsed, as it then means nothing."""
        return self._criterion("bic", X)

    def aic(self, X) -> float:
        """Return the Akaike information criterion in z-scores; NaN where a component collapsed."""
        return self._criterion("aic", X)

    def icl(self, X) -> float:
        """Return the integrated completed likelihood in z-scores: BIC plus twice the entropy of who belongs to which component.

        References
        ----------
        Biernacki, Celeux and Govaert (2000), "Assessing a mixture model for clustering with the integrated completed likelihood", IEEE TPAMI 22,
        doi 10.1109/34.865189.
        """
        return self.bic(X) + 2 * float(entr(self.predict_proba(X)).sum())

    def _criterion(self, name: str, X) -> float:
        check_is_fitted(self)
        X = validate_data(self, X, dtype=["float64", "float32"], reset=False).astype("float64")
        return (
            float(getattr(self.mixture_, name)(self._spread(X))) if not self.n_floor_components_ else np.nan
        )

    def _scaled(self, X) -> np.ndarray:
        check_is_fitted(self)
        X = validate_data(self, X, dtype=["float64", "float32"], reset=False)
        return (X.astype("float64") - self.mean_) / self.scale_

    def _spread(self, X: np.ndarray) -> np.ndarray:
        """Z-score and sort rows, with repeated values spread out."""
        Z = (X[np.lexsort(X.T[::-1])] - self.mean_) / self.scale_
        draw = np.random.RandomState(self._noise_seed).uniform(size=Z.shape)
        return np.column_stack([dequantised(*column) for column in zip(Z.T, draw.T, strict=True)])


def _compiled(Z: np.ndarray, k: int) -> bool:
    """Return True if the kernels can be used, and k-means has more points than clusters to start from."""
    if not kernels.ready():
        return False
    from seg.metrics.kernels.ordering import ordered

    return len(ordered(Z).values) > k


def likeliest(Z: np.ndarray, model: GaussianMixture) -> GaussianMixture:
    """Fit a mixture from several k-means: compiled steps, of which scikit-learn takes the last.

    Parameters
    ----------
    Z : ndarray of shape (n, d)
        With more distinct rows than components.
    model : GaussianMixture
        Unfitted; its settings are used.

    Returns
    -------
    GaussianMixture
        Fitted from the likeliest of `model.n_init` ends.
    """
    ends = []
    for number in range(model.n_init):
        seed = (model.random_state + number) % 2**31
        labels = BlockKMeans(model.n_components, n_init=1, random_state=seed).fit(Z).labels_
        ends.append(_stepped(Z, labels, model))
    return _polished(Z, model, max(ends, key=lambda end: end[1])[0])


def fitted_from(Z: np.ndarray, labels: np.ndarray, model: GaussianMixture) -> GaussianMixture:
    """Fit a mixture (its settings are those of `model`) from groups: labels (n,) from 0, none of them empty.

    Parameters
    ----------
    Z : ndarray of shape (n, d)
    labels : ndarray of shape (n,)
        From 0, no group empty.
    model : GaussianMixture
        Its settings; it is not fitted.

    Returns
    -------
    GaussianMixture
        Fitted.
    """
    if kernels.ready() and Z.shape[1]:
        return _polished(Z, model, _stepped(Z, labels, model)[0])
    return _polished(Z, model, _moments(Z, labels, model.covariance_type, model.reg_covar))


def _stepped(Z: np.ndarray, labels: np.ndarray, model: GaussianMixture) -> tuple[tuple, float]:
    """Return the parameters that compiled EM ends at, and their mean log-likelihood."""
    from seg.metrics.kernels.lloyd_blocks import Blocks
    from seg.metrics.kernels.mixture_steps import expectation_maximisation

    blocks = Blocks(Z.astype(np.float32), np.ones(len(Z), np.float32))
    kind, floor = model.covariance_type, model.reg_covar
    start = _moments(Z, labels, kind, floor)
    return expectation_maximisation(blocks, start, kind, floor, model.tol, model.max_iter)


def _moments(
    Z: np.ndarray, labels: np.ndarray, kind: str, floor: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return weights (k,), means (k, d) and covariances (k, d, d) of groups."""
    members = [Z[labels == label] for label in range(labels.max() + 1)]
    weights = np.array([len(rows) for rows in members]) / len(Z)
    means = np.array([rows.mean(axis=0) for rows in members])
    covariances = [np.cov(rows.T, bias=True).reshape(Z.shape[1], -1) for rows in members]
    return weights, means, constrained(np.array(covariances), weights, kind, floor)


def _polished(Z: np.ndarray, model: GaussianMixture, parameters: tuple) -> GaussianMixture:
    """Run the last steps in scikit-learn, in float64."""
    weights, means, covariances = parameters
    precisions = np.linalg.inv(covariances)
    diagonals = np.diagonal(precisions, axis1=1, axis2=2)
    as_given = {
        "full": precisions,
        "tied": precisions[0],
        "diag": diagonals,
        "spherical": diagonals.mean(axis=1),
    }
    start = {
        "n_init": 1,
        "weights_init": weights / weights.sum(),
        "means_init": means,
        "precisions_init": as_given[model.covariance_type],
    }
    return GaussianMixture(**model.get_params() | start).fit(Z)


def dequantised(values: np.ndarray, draw: np.ndarray) -> np.ndarray:
    """Spread each value that occurs more than once between the midpoints to its neighbours.

    Parameters
    ----------
    values : ndarray of shape (n,)
    draw : ndarray of shape (n,)
        Where in its interval each lands, in [0, 1).

    Notes
    -----
    The smallest and the largest value reach as far out as in; a column of one value stays.

    >>> dequantised(np.array([1.0, 1.0, 2.0, 4.0, 4.0]), np.array([0.0, 0.5, 0.9, 0.0, 0.5]))
    array([0.5, 1. , 2. , 3. , 4. ])
    """
    distinct, at, counts = np.unique(values, return_inverse=True, return_counts=True)
    if len(distinct) == 1:
        return values
    half = np.diff(distinct) / 2
    below, above = np.r_[half[0], half], np.r_[half, half[-1]]
    moved = values - below[at] + draw * (below + above)[at]
    return np.where(counts[at] > 1, moved, values)


def least_variances(mixture: GaussianMixture) -> np.ndarray:
    """Variance of each component in the direction where it has least."""
    covariances = mixture.covariances_
    if mixture.covariance_type in ("full", "tied"):
        least = np.linalg.eigvalsh(covariances).min(axis=-1)
    else:
        least = covariances.reshape(mixture.n_components, -1).min(axis=1)
    return np.broadcast_to(least, mixture.n_components)
