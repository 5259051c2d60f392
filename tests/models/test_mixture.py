from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score
from sklearn.mixture import GaussianMixture
from sklearn.utils.estimator_checks import parametrize_with_checks

from seg.models.mixture import SafeGaussianMixture, dequantised


@parametrize_with_checks(
    [SafeGaussianMixture(n_init=1), SafeGaussianMixture(2, covariance_type="tied", n_init=1)]
)
def test_the_mixture_keeps_the_contract_of_an_estimator(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def orders() -> np.ndarray:
    """Days since the last order and the log of the number of orders, both of integers; money is continuous."""
    draw = np.random.default_rng(0)
    n = 1500
    return np.column_stack(
        [draw.integers(0, 60, n), np.log1p(1 + draw.geometric(0.5, n)), draw.normal(5, 1, n)]
    ).astype(float)


def test_a_repeated_value_is_spread_to_the_midpoints_and_a_single_one_stays():
    values, draw = np.array([1.0, 1.0, 2.0, 4.0, 4.0]), np.array([0.0, 0.5, 0.9, 0.0, 0.5])
    np.testing.assert_allclose(dequantised(values, draw), [0.5, 1.0, 2.0, 3.0, 4.0])
    np.testing.assert_array_equal(dequantised(np.full(3, 7.0), draw[:3]), np.full(3, 7.0))


def test_integers_no_longer_make_components_collapse(orders):
    Z = (orders - orders.mean(axis=0)) / orders.std(axis=0)
    bare = GaussianMixture(6, reg_covar=1e-3, random_state=0).fit(Z)
    assert (np.linalg.eigvalsh(bare.covariances_).min(axis=1) < 2e-3).any()
    curve = []
    for k in (2, 4, 6, 8):
        mixture = SafeGaussianMixture(k, n_init=1, random_state=0).fit(orders)
        assert mixture.n_floor_components_ == 0
        curve.append(mixture.bic(orders) / len(orders))
    assert np.ptp(curve) < 1


@pytest.mark.parametrize("covariance_type", ["full", "diag", "spherical"])
def test_a_collapsed_component_is_counted_and_has_no_criterion(covariance_type):
    draw = np.random.default_rng(1)
    X = np.vstack([np.zeros((300, 2)), draw.normal(size=(300, 2))])  # a spike within continuous features
    mixture = SafeGaussianMixture(2, covariance_type=covariance_type, random_state=0).fit(X)
    assert mixture.n_floor_components_ == 1
    assert np.isnan(mixture.bic(X)) and np.isnan(mixture.aic(X)) and np.isnan(mixture.icl(X))


def test_icl_adds_what_it_costs_that_components_overlap():
    draw = np.random.default_rng(3).normal(size=200)
    # Far apart, nobody is in doubt; of two components on the same customers, each has half: n log 2 of entropy.
    for distance, cost in ((100, 0.0), (0, 2 * 200 * np.log(2))):
        mixture = SafeGaussianMixture(2, covariance_type="tied", n_init=1, random_state=0).fit(draw[:, None])
        mixture.mixture_.means_ = np.array([[0.0], [distance]])
        mixture.mixture_.weights_ = np.array([0.5, 0.5])
        assert mixture.icl(draw[:, None]) - mixture.bic(draw[:, None]) == pytest.approx(cost, abs=1e-6)


@pytest.mark.parametrize("covariance_type", ["full", "tied", "diag", "spherical"])
def test_criteria_and_density_agree_with_scikit_learn_where_nothing_repeats(covariance_type):
    X = np.random.default_rng(2).normal(size=(400, 3)) * [1, 10, 100]
    ours = SafeGaussianMixture(2, covariance_type=covariance_type, random_state=0).fit(X)
    Z = (X - X.mean(axis=0)) / X.std(axis=0)
    assert ours.bic(X) == pytest.approx(ours.mixture_.bic(Z))
    assert ours.aic(X) == pytest.approx(ours.mixture_.aic(Z))
    per_unit_of_x = ours.mixture_.score(Z) - np.log(X.std(axis=0)).sum()
    assert ours.score(X) == pytest.approx(per_unit_of_x)


def test_the_order_of_rows_and_the_scale_of_features_change_nothing(orders):
    X = orders[:600]
    labels = SafeGaussianMixture(3, random_state=0).fit_predict(X)
    shuffle = np.random.default_rng(3).permutation(len(X))
    np.testing.assert_array_equal(
        SafeGaussianMixture(3, random_state=0).fit_predict(X[shuffle]), labels[shuffle]
    )
    squeezed = X * 2.0**-20  # as MinMax squeezes skewed money
    np.testing.assert_array_equal(SafeGaussianMixture(3, random_state=0).fit_predict(squeezed), labels)


def test_training_labels_are_what_prediction_gives_one_row_at_a_time(orders):
    X = orders[:300]
    mixture = SafeGaussianMixture(3, random_state=0).fit(X)
    np.testing.assert_array_equal([mixture.predict(row[None])[0] for row in X], mixture.labels_)
    probabilities = mixture.predict_proba(X)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    np.testing.assert_array_equal(probabilities.argmax(axis=1), mixture.labels_)


@pytest.mark.parametrize("kind", ["full", "tied", "diag", "spherical"])
def test_compiled_steps_choose_the_k_of_scikit_learn_and_are_as_likely(kind, monkeypatch):
    rng = np.random.default_rng(0)
    X = np.concatenate([rng.normal(size=(400, 2)) + centre for centre in ([0, 0], [8, 0], [0, 8], [8, 8])])
    compiled = [SafeGaussianMixture(k, kind, random_state=0).fit(X) for k in range(2, 7)]
    monkeypatch.setattr("seg.models.mixture.kernels.ready", lambda: False)
    theirs = [SafeGaussianMixture(k, kind, random_state=0).fit(X) for k in range(2, 7)]
    assert np.argmin([one.bic(X) for one in compiled]) == np.argmin([one.bic(X) for one in theirs]) == 2
    assert compiled[2].score(X) == pytest.approx(theirs[2].score(X), abs=2e-3)
    assert adjusted_rand_score(compiled[2].labels_, theirs[2].labels_) > 0.99
