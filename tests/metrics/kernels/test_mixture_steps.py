import numpy as np
import pytest
from sklearn.mixture import GaussianMixture

from seg.metrics.kernels.constraints import constrained
from seg.metrics.kernels.lloyd_blocks import Blocks
from seg.metrics.kernels.mixture_steps import expectation_maximisation


@pytest.fixture(scope="module")
def X() -> np.ndarray:
    rng = np.random.default_rng(0)
    turn = np.array([[1.0, 0.5, 0.0], [0.0, 0.6, 0.2], [0.0, 0.0, 0.8]])
    return np.concatenate([rng.normal(size=(700, 3)) @ turn, rng.normal(size=(500, 3)) * 0.5 + [3, 0, 1]])


@pytest.mark.parametrize("kind", ["full", "tied", "diag", "spherical"])
@pytest.mark.parametrize("steps", [1, 5])
def test_steps_are_those_of_scikit_learn(X, kind, steps):
    blocks = Blocks(X.astype(np.float32), np.ones(len(X), np.float32))
    start = np.array([0.5, 0.5]), np.array([[0.0, 0.0, 0.0], [2.0, 0.0, 1.0]]), np.array([np.eye(3)] * 2)
    (weights, means, covariances), score = expectation_maximisation(blocks, start, kind, 1e-3, 0.0, steps)
    precisions = {"full": start[2], "tied": np.eye(3), "diag": np.ones((2, 3)), "spherical": np.ones(2)}[kind]
    with pytest.warns(UserWarning, match="did not converge"):
        theirs = GaussianMixture(
            2, covariance_type=kind, reg_covar=1e-3, tol=0.0, max_iter=steps,
            weights_init=start[0], means_init=start[1], precisions_init=precisions,
        ).fit(X)  # fmt: skip
    np.testing.assert_allclose(weights, theirs.weights_, rtol=1e-5)
    np.testing.assert_allclose(means, theirs.means_, rtol=1e-4, atol=1e-5)
    full = {
        "full": lambda c: c,
        "tied": lambda c: np.array([c, c]),
        "diag": lambda c: np.array([np.diag(v) for v in c]),
        "spherical": lambda c: np.array([np.eye(3) * v for v in c]),
    }[kind](theirs.covariances_)
    np.testing.assert_allclose(covariances, full, rtol=1e-4, atol=1e-5)
    assert score == pytest.approx(theirs.lower_bound_, rel=1e-5)


def test_weights_count_points():
    X = np.random.default_rng(1).normal(size=(300, 2))
    counts = np.random.default_rng(2).integers(1, 4, 300)
    start = np.array([0.4, 0.6]), X[:2].copy(), np.array([np.eye(2)] * 2)
    weighted = Blocks(X.astype(np.float32), counts.astype(np.float32))
    repeated = np.repeat(X, counts, axis=0)
    copies = Blocks(repeated.astype(np.float32), np.ones(len(repeated), np.float32))
    ours, theirs = (expectation_maximisation(b, start, "full", 1e-3, 0.0, 8) for b in (weighted, copies))
    for a, b in zip(ours[0], theirs[0], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-4)
    assert ours[1] == pytest.approx(theirs[1], rel=1e-5)


def test_constraints_of_two_covariances_worked_by_hand():
    both = np.array([[[1.0, 0.5], [0.5, 3.0]], [[3.0, 0.1], [0.1, 1.0]]])
    weights = np.array([0.5, 0.5])
    assert constrained(both, weights, "tied", 0.0)[1] == pytest.approx(np.array([[2.0, 0.3], [0.3, 2.0]]))
    assert constrained(both, weights, "diag", 0.5)[0] == pytest.approx(np.array([[1.5, 0.0], [0.0, 3.5]]))
    assert constrained(both, weights, "spherical", 0.0)[1] == pytest.approx(
        np.array([[2.0, 0.0], [0.0, 2.0]])
    )
