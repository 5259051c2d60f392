import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.cluster import KMeans
from sklearn.metrics import (
    calinski_harabasz_score,
    davies_bouldin_score,
    silhouette_samples,
    silhouette_score,
)

from seg.metrics import separation
from seg.metrics.common_space import rank_normal

# Four customers on a line: 0, 1 | 4, 6.
LINE = np.array([[0.0], [1.0], [4.0], [6.0]])
PAIRS = np.array([0, 0, 1, 1])


def rfm(n: int, seed: int = 0) -> np.ndarray:
    """Make skewed customers: recency, orders and revenue, z-scored but not logged."""
    rng = np.random.default_rng(seed)
    orders = 1 + rng.poisson(rng.gamma(0.7, 4, n))
    X = np.column_stack([rng.gamma(2, 100, n).round(), orders, rng.lognormal(5, 1.4, n)])
    return (X - X.mean(axis=0)) / X.std(axis=0)


def kmeans(X: np.ndarray, k: int) -> np.ndarray:
    return KMeans(k, n_init=2, random_state=0).fit_predict(X)


def single(X: np.ndarray, labels: np.ndarray, **kwargs) -> separation.SilhouetteResult:
    return separation.silhouettes(X, {"only": labels}, **kwargs)["only"]


def everything(X: np.ndarray, labels: np.ndarray) -> np.ndarray:
    result = single(X, labels)
    values = [result.value, *sorted(result.per_cluster.values()), separation.silhouette_squared(X, labels)]
    values += [score(X, labels) for score in (separation.inertia, separation.calinski_harabasz)]
    values += [separation.davies_bouldin(X, labels), *separation.sizes(labels).values()]
    return np.array(values + list(separation.variance_explained(pd.DataFrame(X), labels).values()))


# --- against tables worked by hand


def test_the_silhouette_of_four_customers_is_the_one_worked_by_hand():
    # a: 1, 1, 2, 2; b: mean(4, 6), mean(3, 5), mean(4, 3), mean(6, 5)
    expected = [1 - 1 / 5, 1 - 1 / 4, 1 - 2 / 3.5, 1 - 2 / 5.5]
    result = single(LINE, PAIRS)
    assert result.samples == pytest.approx(expected)
    assert result.value == pytest.approx(np.mean(expected))
    assert result.per_cluster == pytest.approx({0: np.mean(expected[:2]), 1: np.mean(expected[2:])})
    assert (result.se, result.n, result.index.tolist()) == (0.0, 4, [0, 1, 2, 3])


def test_the_squared_silhouette_of_four_customers_is_the_one_worked_by_hand():
    # a: 1, 1, 4, 4; b: mean(16, 36), mean(9, 25), mean(16, 9), mean(36, 25)
    expected = [1 - 1 / 26, 1 - 1 / 17, 1 - 4 / 12.5, 1 - 4 / 30.5]
    assert separation.silhouette_squared_samples(LINE, PAIRS) == pytest.approx(expected)


def test_inertia_and_the_indices_of_four_customers_are_those_worked_by_hand():
    assert separation.inertia(LINE, PAIRS) == pytest.approx(0.5 + 2)  # means 0.5 and 5
    between = 2 * 2.25**2 + 2 * 2.25**2  # overall mean 2.75
    assert separation.calinski_harabasz(LINE, PAIRS) == pytest.approx(between / (2.5 / 2))
    assert separation.davies_bouldin(LINE, PAIRS) == pytest.approx((0.5 + 1) / 4.5)


def test_sizes_count_customers_and_shares_of_all_customers():
    expected = {"smallest_segment": 1, "largest_share": 0.5, "noise_share": 0.25}
    assert separation.sizes(np.array([0, 0, 0, 0, 3, -1, -1, 7])) == expected
    assert separation.sizes(np.array([-1, -1])) == {
        "smallest_segment": 0,
        "largest_share": 0.0,
        "noise_share": 1.0,
    }


def test_variance_explained_is_one_for_the_cause_and_zero_for_a_balanced_column():
    frame = pd.DataFrame(
        {"cause": [1, 1, 9, 9], "balanced": [0, 2, 0, 2], "line": [0, 1, 4, 6], "constant": 5}
    )
    shares = separation.variance_explained(frame, PAIRS)
    assert shares["cause"] == pytest.approx(1)
    assert shares["balanced"] == pytest.approx(0, abs=1e-12)
    assert shares["line"] == pytest.approx(1 - 2.5 / 22.75)
    assert np.isnan(shares["constant"])


def test_variance_explained_leaves_out_missing_values_and_noise():
    frame = pd.DataFrame({"line": [0, np.nan, 1, 4, 6, 1e9], "empty": np.nan})
    shares = separation.variance_explained(frame, np.array([0, 0, 0, 1, 1, -1]))
    assert shares["line"] == pytest.approx(1 - 2.5 / 22.75)
    assert np.isnan(shares["empty"])


# --- against scikit-learn


def test_many_labelings_in_one_pass_agree_with_scikit_learn_one_by_one():
    X = rfm(1500)
    labelings = {k: kmeans(X, k) for k in range(2, 8)}
    results = separation.silhouettes(X, labelings)
    for k, labels in labelings.items():
        assert results[k].samples == pytest.approx(silhouette_samples(X, labels), abs=1e-9)
        assert results[k].value == pytest.approx(silhouette_score(X, labels), abs=1e-9)


def test_the_squared_silhouette_agrees_with_scikit_learn():
    X = rfm(1000)
    labels = kmeans(X, 5)
    expected = silhouette_samples(X, labels, metric="sqeuclidean")
    assert separation.silhouette_squared_samples(X, labels) == pytest.approx(expected, abs=1e-9)


def test_inertia_and_the_indices_agree_with_scikit_learn():
    X = rfm(1000)
    model = KMeans(4, n_init=1, random_state=0, tol=0).fit(X)
    assert separation.inertia(X, model.labels_) == pytest.approx(model.inertia_, rel=1e-9)
    assert separation.calinski_harabasz(X, model.labels_) == pytest.approx(
        calinski_harabasz_score(X, model.labels_)
    )
    assert separation.davies_bouldin(X, model.labels_) == pytest.approx(
        davies_bouldin_score(X, model.labels_)
    )


# --- noise, singletons, too few clusters, duplicates


def test_noise_is_as_if_those_customers_were_not_there():
    X = rfm(600)
    labels = kmeans(X, 4)
    noisy = np.where(np.arange(600) % 7 == 0, -1, labels)
    inside = noisy >= 0
    for score in (separation.inertia, separation.silhouette_squared):
        assert score(X, noisy) == pytest.approx(score(X[inside], labels[inside]))
    for score in (separation.calinski_harabasz, separation.davies_bouldin):
        assert score(X, noisy) == pytest.approx(score(X[inside], labels[inside]))
    result = separation.silhouettes(X, {"noisy": noisy, "all": labels})["noisy"]
    assert result.index.tolist() == np.flatnonzero(inside).tolist()
    assert result.samples == pytest.approx(silhouette_samples(X[inside], labels[inside]), abs=1e-9)
    assert np.isnan(separation.silhouette_squared_samples(X, noisy)[~inside]).all()


def test_a_customer_alone_in_its_cluster_has_silhouette_zero():
    labels = np.array([0, 0, 0, 9])
    assert single(LINE, labels).per_cluster[9] == 0
    assert separation.silhouette_squared_samples(LINE, labels)[3] == 0
    assert single(LINE, labels).samples == pytest.approx(silhouette_samples(LINE, labels), abs=1e-12)


@pytest.mark.parametrize("labels", [[0, 0, 0, 0], [-1, 2, 2, -1], [-1, -1, -1, -1]])
def test_fewer_than_two_clusters_have_no_separation(labels):
    labels = np.array(labels)
    result = separation.silhouettes(LINE, {"one": labels, "two": PAIRS})["one"]
    assert np.isnan(result.value) and np.isnan(result.se) and result.per_cluster == {} and result.n == 0
    for score in (separation.silhouette_squared, separation.calinski_harabasz, separation.davies_bouldin):
        assert np.isnan(score(LINE, labels))


def test_inertia_of_nothing_but_noise_is_not_zero_but_unknown():
    assert np.isnan(separation.inertia(LINE, np.full(4, -1)))


def test_as_many_clusters_as_customers_have_no_indices():
    assert np.isnan(separation.calinski_harabasz(LINE, np.arange(4)))
    assert np.isnan(separation.davies_bouldin(LINE, np.arange(4)))


@pytest.mark.parametrize("value", [0.0, 0.1, 1e6 + 0.1])
def test_equal_customers_in_two_clusters_score_zero_not_rounding_noise(value):
    X = np.full((7, 2), value)
    labels = np.array([0, 0, 0, 1, 1, 1, 1])
    assert single(X, labels).value == 0
    assert separation.silhouette_squared(X, labels) == 0


def test_data_far_from_the_origin_score_as_they_do_at_it():
    X = rfm(500)
    labels = kmeans(X, 4)
    # Adding 1e6 rounds the data to 1e-10, so not better than that.
    assert everything(X + 1e6, labels) == pytest.approx(everything(X, labels), rel=1e-8)


# --- the sampled estimate


def skewed() -> tuple[np.ndarray, dict[int, np.ndarray]]:
    X = rfm(6000, seed=1)
    tiny = np.zeros(6000, dtype=int)
    tiny[np.argsort(X[:, 2])[-5:]] = 1
    return X, {1: tiny, 3: kmeans(X, 3), 6: kmeans(X, 6)}


def test_a_sampled_silhouette_is_within_four_standard_errors_of_the_exact_one():
    X, labelings = skewed()
    exact = separation.silhouettes(X, labelings)
    for seed in range(5):
        sampled = separation.silhouettes(X, labelings, sample=800, seed=seed)
        for key, result in sampled.items():
            assert 0 < result.se < 0.005
            assert abs(result.value - exact[key].value) < 4 * result.se
            # One side is of float32 distances, the other of float64.
            assert result.samples == pytest.approx(exact[key].samples[result.index], abs=5e-6)


def test_the_standard_error_is_the_spread_of_the_estimates():
    X, labelings = skewed()
    runs = [separation.silhouettes(X, labelings, sample=400, seed=seed) for seed in range(60)]
    for key in labelings:
        spread = np.std([run[key].value for run in runs], ddof=1)
        # 60 runs know the spread to 9 %: 0.7 to 1.35 is more than three of those to either side.
        assert 0.7 < spread / np.mean([run[key].se for run in runs]) < 1.35


def test_a_sample_has_thirty_of_each_cluster_or_all_there_are():
    X, labelings = skewed()
    for key, result in separation.silhouettes(X, labelings, sample=200).items():
        there = np.bincount(labelings[key])
        assert (np.bincount(labelings[key][result.index]) >= np.minimum(there, 30)).all()
    tiny = separation.silhouettes(X, labelings, sample=200)[1]
    assert np.isfinite(tiny.per_cluster[1])


def test_a_sample_is_the_same_for_the_same_seed():
    X, labelings = skewed()
    first, second = (separation.silhouettes(X, labelings, sample=300, seed=3)[6] for _ in range(2))
    assert (first.value, first.se, first.index.tolist()) == (second.value, second.se, second.index.tolist())


def test_labelings_that_share_few_cells_are_sampled_in_passes_of_their_own():
    X = rfm(3000)
    rng = np.random.default_rng(0)
    labelings = {key: np.r_[np.arange(40), rng.integers(0, 40, 2960)] for key in "abc"}
    exact = separation.silhouettes(X, labelings)
    for key, result in separation.silhouettes(X, labelings, sample=400).items():
        assert abs(result.value - exact[key].value) < 4 * result.se


def test_noise_is_left_out_of_a_sample_too():
    X, labelings = skewed()
    noisy = np.where(np.arange(6000) % 3 == 0, -1, labelings[6])
    exact = single(X, noisy).value
    both = separation.silhouettes(X, {"noisy": noisy, "all": labelings[6]}, sample=600)
    assert (noisy[both["noisy"].index] >= 0).all()
    assert abs(both["noisy"].value - exact) < 4 * both["noisy"].se


# --- properties

CUSTOMERS = st.lists(
    st.tuples(st.integers(-50, 50), st.integers(-50, 50), st.integers(0, 3)), min_size=8, max_size=40
)


@settings(max_examples=60, deadline=None)
@given(CUSTOMERS, st.randoms(use_true_random=False))
def test_order_of_rows_and_numbers_of_clusters_do_not_matter(customers, random):
    table = np.array(customers)
    X, labels = table[:, :2] / 7, table[:, 2]
    order = np.array(random.sample(range(len(X)), len(X)))
    renumbered = np.array(random.sample(range(20), 4))[labels]
    expected = everything(X, labels)
    assert everything(X[order], renumbered[order]) == pytest.approx(expected, rel=1e-9, abs=1e-9, nan_ok=True)


@settings(max_examples=60, deadline=None)
@given(CUSTOMERS)
def test_silhouettes_agree_with_scikit_learn_whatever_the_table(customers):
    table = np.array(customers)
    X, labels = table[:, :2].astype(float), table[:, 2] - 1
    X_in, labels_in = X[labels >= 0], labels[labels >= 0]
    if not 2 <= len(set(labels_in)) < len(labels_in):
        return
    assert single(X, labels).samples == pytest.approx(silhouette_samples(X_in, labels_in), abs=1e-9)
    squared = silhouette_samples(X_in, labels_in, metric="sqeuclidean")
    assert separation.silhouette_squared_samples(X, labels)[labels >= 0] == pytest.approx(squared, abs=1e-9)


# --- the common space


def test_ranks_become_normal_scores_with_unit_variance_whatever_the_unit():
    frame = pd.DataFrame({"revenue": [1, 10, 100, 1000], "orders": [1, 1, 1, 2], "constant": 3})
    scores = rank_normal(frame)
    # ndtri of 1/8, 3/8, 5/8, 7/8 over its standard deviation
    expected = np.array([-1.150349, -0.318639, 0.318639, 1.150349])
    assert scores[:, 0] == pytest.approx(expected / expected.std(), rel=1e-6)
    assert scores[:3, 1] == pytest.approx(scores[0, 1])
    assert scores[:, :2].std(axis=0) == pytest.approx(1)
    assert (scores[:, 2] == 0).all()
    assert rank_normal(np.log(frame)) == pytest.approx(scores)


# --- errors


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (
            pd.DataFrame({"recency_days": [1, 2], "revenue": [1, np.nan]}),
            "'revenue' has 1 missing values of 2",
        ),
        (pd.DataFrame({"country": ["FR", "DE"]}), "'country' has dtype .* expected numbers"),
        (pd.DataFrame({"orders": []}), "no rows"),
    ],
)
def test_the_common_space_names_the_column_it_cannot_rank(frame, message):
    with pytest.raises(ValueError, match=message):
        rank_normal(frame)


@pytest.mark.parametrize(
    ("X", "labels", "message"),
    [
        (LINE, np.zeros(3, dtype=int), r"shape \(3,\), expected \(4,\)"),
        (LINE, np.zeros(4), "dtype float64, expected integers"),
        (LINE, np.array([0, 1, 1, -2]), "go down to -2"),
        (LINE[:, 0], PAIRS, r"shape \(4,\), expected \(customers, features\)"),
        (np.array([[0.0], [np.nan], [1.0], [np.inf]]), PAIRS, "2 values that are not finite"),
    ],
)
def test_input_that_cannot_be_scored_is_an_error_in_every_metric(X, labels, message):
    functions = (single, separation.silhouette_squared, separation.inertia, separation.davies_bouldin)
    for function in functions:
        with pytest.raises(ValueError, match=message):
            function(X, labels)


def test_a_sample_of_one_is_an_error():
    with pytest.raises(ValueError, match="sample is 1"):
        single(LINE, PAIRS, sample=1)


def test_features_that_are_not_finite_numbers_are_an_error():
    with pytest.raises(ValueError, match="'revenue' has infinite"):
        separation.variance_explained(pd.DataFrame({"revenue": [1, np.inf, 2, 3]}), PAIRS)
    with pytest.raises(ValueError, match="'country' has dtype"):
        separation.variance_explained(pd.DataFrame({"country": list("abcd")}), PAIRS)
