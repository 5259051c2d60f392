import numpy as np
import pytest

from seg.metrics import kernels, silhouette
from seg.metrics.silhouette import silhouettes


@pytest.fixture
def customers():
    """Return 6,000 customers, some equal and some far out, with labels of two, of three, and of five clusters, the last with noise."""
    rng = np.random.default_rng(0)
    X = np.concatenate([rng.normal(size=(4000, 3)), rng.normal(size=(2000, 3)) * 0.2 + [3, 0, 0]]).round(2)
    X[:1500] = X[1500:3000]
    X[:4] *= 50
    two = (X[:, 0] > 1.5).astype(int)
    five = two + 2 * (X[:, 1] > 0) + (X[:, 2] > 1.2)
    three = two + (X[:, 2] > 1.2)
    return X, {"two": two, "three": three, "five": np.where(np.arange(len(X)) % 50, five, -1)}


def test_compiled_distances_give_the_silhouettes_of_scipy(customers, monkeypatch):
    X, labelings = customers
    assert kernels.ready()
    monkeypatch.setattr(silhouette, "MANY_PAIRS", 0)
    compiled = silhouettes(X, labelings)
    sampled = silhouettes(X, labelings, sample=900)
    monkeypatch.setattr(silhouette, "MANY_PAIRS", np.inf)
    for key, exact in silhouettes(X, labelings).items():
        np.testing.assert_array_equal(compiled[key].index, exact.index)
        np.testing.assert_allclose(compiled[key].samples, exact.samples, atol=1e-5)
        assert compiled[key].value == pytest.approx(exact.value, abs=1e-7)
        np.testing.assert_allclose(
            sampled[key].samples, exact.samples[np.isin(exact.index, sampled[key].index)], atol=1e-5
        )


def test_clusters_much_closer_than_their_distance_from_the_rest_are_told_apart(monkeypatch):
    monkeypatch.setattr(silhouette, "MANY_PAIRS", 0)
    rng = np.random.default_rng(0)
    near = rng.normal(size=(200, 2)) * 1e-8 + np.repeat([[1.0, 1.0], [1.0, 1.0 + 2e-7]], 100, axis=0)
    X = np.concatenate([near, rng.normal(size=(300, 2)) * 1e-8])
    labels = np.repeat([0, 1, 2], [100, 100, 300])
    assert min(silhouettes(X, {"": labels})[""].per_cluster.values()) > 0.8


def test_a_sample_grows_until_the_error_asked_for_is_reached(customers):
    X, labelings = customers
    X = np.concatenate([X, X + 0.01])
    labelings = {key: np.concatenate([labels, labels]) for key, labels in labelings.items()}
    exact = silhouettes(X, labelings)
    rough, fine, all_asked = (
        silhouettes(X, labelings, sample=8000, error=error) for error in (0.1, 0.001, 0.0)
    )
    for key in labelings:
        assert rough[key].n < fine[key].n < all_asked[key].n
        assert fine[key].se < 0.0011
        assert set(rough[key].index) <= set(fine[key].index)
        assert abs(fine[key].value - exact[key].value) < 4 * fine[key].se


def test_many_labelings_share_samples_of_the_size_asked_for():
    """Six unrelated labelings part the customers into thousands of cells, of which a sample needs two customers each."""
    rng = np.random.default_rng(0)
    X, labelings = rng.normal(size=(6_000, 2)), {k: rng.integers(0, 9, 6_000) for k in range(6)}
    assert all(result.n <= 2_500 for result in silhouettes(X, labelings, sample=2_500).values())
