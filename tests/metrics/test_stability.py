import threading
from itertools import combinations

import numpy as np
import pytest
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import cdist
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_info

from seg.metrics import stability
from seg.metrics.labeling import encode
from seg.metrics.stability import Resampling, bootstrap, prediction_strength, seed_agreement

CENTERS = np.array([[0, 0], [6, 1], [1, 7], [8, 8]])


def blobs(each: int = 80, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    truth = np.repeat(np.arange(4), each)
    return CENTERS[truth] + np.random.default_rng(seed).normal(0, 0.5, (4 * each, 2)), truth


def kmeans(X, k, seed):
    model = KMeans(k, n_init=2, random_state=seed).fit(X)
    return model.labels_, model.predict


def ward(X, k, seed):
    """Cluster without chance, so that another program can be asked to do the same."""
    labels = fcluster(linkage(X, "ward"), k, "maxclust") - 1
    centres = np.array([X[labels == cluster].mean(axis=0) for cluster in range(k)])
    return labels, lambda Y: cdist(Y, centres).argmin(axis=1)


def three_groups() -> np.ndarray:
    rng = np.random.default_rng(7)
    groups = [((0, 0), 1, 20), ((3, 1), 0.7, 15), ((1, 4), 1.2, 15)]
    return np.vstack([rng.normal(centre, sd, (n, 2)) for centre, sd, n in groups]).round(3)


def cut(X, k, seed):
    """Cut customers, who are numbered by their only feature, in three at random, with some noise."""
    first, second = np.sort(np.random.default_rng(seed).choice(np.arange(2, 18), 2, replace=False))

    def place(Y):
        return np.where(Y[:, 0] % 7 == 6, -1, np.digitize(Y[:, 0], [first, second]))

    return place(X), place


# --- by hand


def jaccard(original: list[int], found: list[int]) -> list[float]:
    a, b = (encode(np.array(labels), len(labels)) for labels in (original, found))
    return stability._best_jaccard(a.codes, b.codes, a, b).tolist()


def test_the_jaccards_of_six_customers_are_those_worked_by_hand():
    # {0, 1, 2} with {0, 1}: 2 of 3, with {2, 3, 4, 5}: 1 of 6. {3, 4} with {2, 3, 4, 5}: 2 of 4.
    assert jaccard([0, 0, 0, 1, 1, -1], [0, 0, 1, 1, 1, 1]) == pytest.approx([2 / 3, 2 / 4])
    # {0, 1} with {0}, the other of them lost to noise: 1 of 2. {2, 3} all noise: 0.
    assert jaccard([0, 0, 1, 1], [0, -1, -1, -1]) == pytest.approx([1 / 2, 0])
    assert jaccard([0, 0, 1, 1], [-1, -1, -1, -1]) == [0, 0]
    assert jaccard([5, 5, 9, 9], [1, 1, 0, 0]) == [1, 1]


def test_the_prediction_strength_of_a_split_is_the_one_worked_by_hand():
    def weakest(test, placed):
        return stability._weakest(np.array(test), np.array(placed))

    # Pairs of {0, 1, 2}: only 0 and 1 are placed together, 1 of 3. The pair {3, 4} is.
    assert weakest([0, 0, 0, 1, 1], [0, 0, 1, 1, 1]) == pytest.approx(1 / 3)
    # Pairs of {0, 1, 2, 3}: {0, 1} and {2, 3}, 2 of 6. A cluster of one counts as predicted.
    assert weakest([0, 0, 0, 0, 1], [0, 0, 1, 1, 1]) == pytest.approx(2 / 6)
    # What the placement calls noise is not together.
    assert weakest([0, 0, 0], [-1, -1, 2]) == 0
    assert weakest([-1, 0, 0, -1], [0, 1, 1, 2]) == 1
    assert weakest([-1, -1], [0, 0]) == 0


def test_the_agreement_of_two_partitions_of_five_customers_is_the_one_worked_by_hand():
    # Pairs together in both: 2. In the first 4, in the second 4, of 10: (2 - 1.6) / (4 - 1.6).
    labelings = iter([[0, 0, 0, 1, 1], [0, 0, 1, 1, 1]])
    X = np.arange(5.0)[:, None]
    agreement = seed_agreement(X, lambda X, k, seed: (np.array(next(labelings)), None), 2, 2, workers=1)
    assert agreement == pytest.approx(1 / 6)


def test_a_mean_jaccard_has_the_name_of_its_band():
    values = [1, 0.85, 0.849, 0.75, 0.749, 0.6, 0.599, 0, np.nan]
    names = ["highly stable"] * 2 + ["valid"] * 2 + ["pattern"] * 2 + ["unstable"] * 2 + ["not measured"]
    assert [stability.band(value) for value in values] == names


def test_a_segment_is_dissolved_where_at_most_half_of_it_is_left():
    jaccards = np.array([[0.5, 0.51, np.nan], [1, 0.9, np.nan]])
    result = stability.Stability(np.array([0, 1, 4]), jaccards, np.array([0.4, 0.8]), 1, 50, 100)
    assert result.dissolved == pytest.approx({0: 0.5, 1: 0, 4: np.nan}, nan_ok=True)
    assert result.jaccard == pytest.approx({0: 0.75, 1: 0.705, 4: np.nan}, nan_ok=True)
    assert result.bands == {0: "valid", 1: "pattern", 4: "not measured"}
    assert (result.rand, result.rand_se) == pytest.approx((0.6, 0.2))  # sd 0.2828 / sqrt(2)
    assert result.scope == "2 bootstrap samples of 50 customers, drawn at random from 100; 1 left out"


# --- against other implementations


def rand_by_pairs(a, b) -> float:
    pairs = list(combinations(range(len(a)), 2))
    in_a, in_b = ([labels[i] == labels[j] for i, j in pairs] for labels in (a, b))
    both = sum(x and y for x, y in zip(in_a, in_b, strict=True))
    expected = sum(in_a) * sum(in_b) / len(pairs)
    return (both - expected) / ((sum(in_a) + sum(in_b)) / 2 - expected)


def test_the_bootstrap_agrees_with_sets_and_pairs():
    X, calls = np.arange(20.0)[:, None], []

    def recorded(X, k, seed):
        labels, place = cut(X, k, seed)
        calls.append((X[:, 0].astype(int).tolist(), labels, place))
        return labels, place

    original = cut(X, 3, 0)[0]
    result = bootstrap(X, original, recorded, 3, Resampling(15, workers=1))
    for (drawn, labels, place), jaccards, rand in zip(calls, result.jaccards, result.rands, strict=True):
        assert len(set(drawn)) == len(drawn)
        clusters = [{i for i, c in zip(drawn, labels, strict=True) if c == cluster} for cluster in range(3)]
        for segment, value in zip(result.segments, jaccards, strict=True):
            own = {i for i in drawn if original[i] == segment}
            assert value == pytest.approx(max(len(own & c) / max(1, len(own | c)) for c in clusters))
        assert rand == pytest.approx(rand_by_pairs(original, place(X)))


def test_prediction_strength_agrees_with_a_loop_over_pairs():
    X, calls = np.arange(20.0)[:, None], []

    def recorded(X, k, seed):
        labels, place = cut(X, k, seed)
        calls.append((X, labels, place))
        return labels, place

    mean, _ = prediction_strength(X, recorded, [3], splits=6, workers=1)[3]
    minima = []
    for one, other in zip(calls[::2], calls[1::2], strict=True):
        for (half, labels, _), (*_, place) in ((one, other), (other, one)):
            placed, shares = place(half), []
            for cluster in set(labels[labels >= 0]):
                pairs = list(combinations(np.flatnonzero(labels == cluster), 2))
                together = sum(placed[i] == placed[j] != -1 for i, j in pairs)
                shares.append(together / len(pairs) if pairs else 1)
            minima.append(min(shares))
    assert mean == pytest.approx(np.mean(minima))


# R 4.2.2 with fpc 2.2-10 on `three_groups`: hclust(dist(X), "ward.D2"), placed by the nearest centroid, with the
# random draws of this implementation put in place of R's sample().


def test_jaccards_are_those_of_clusterboot_in_r():
    X = three_groups()
    sizes = {14: (0.7689103217, 3), 7: (0.6306818182, 7), 16: (1, 0), 13: (0.9777777778, 0)}
    labels = ward(X, 4, 0)[0]
    result = bootstrap(X, labels, ward, 4, Resampling(20))
    counts = np.bincount(labels).tolist()
    assert result.jaccard == pytest.approx({i: sizes[n][0] for i, n in enumerate(counts)}, abs=1e-9)
    assert result.dissolved == pytest.approx({i: sizes[n][1] / 20 for i, n in enumerate(counts)})


def test_prediction_strengths_are_those_of_fpc_in_r():
    # fpc itself has 0.3784523810 at k = 5: its classifnp takes the mean over both features as each coordinate of the
    # centroid of a single point (`data[clustering == j, ]` drops a dimension). This is fpc with `drop = FALSE` there.
    expected = {1: 1, 2: 0.7830546414, 3: 0.9690476190, 4: 0.4596031746, 5: 0.3617857143}
    strengths = prediction_strength(three_groups(), ward, range(1, 6))
    assert {k: mean for k, (mean, _) in strengths.items()} == pytest.approx(expected, abs=1e-9)


# --- known behaviour


def test_four_separated_blobs_come_back_and_five_do_not():
    X, truth = blobs()
    result = bootstrap(X, truth, kmeans, 4, Resampling(20))
    assert min(result.jaccard.values()) > 0.95 and result.rand > 0.95
    assert set(result.bands.values()) == {"highly stable"} and set(result.dissolved.values()) == {0}
    five = bootstrap(X, kmeans(X, 5, 0)[0], kmeans, 5, Resampling(20))
    assert min(five.jaccard.values()) < 0.85 and five.rand < result.rand
    strengths = prediction_strength(X, kmeans, [4, 5, 3, 1])
    assert list(strengths) == [1, 3, 4, 5] and strengths[1] == (1, 0)
    assert strengths[4][0] > 0.95 and strengths[5][0] < 0.8
    assert seed_agreement(X, kmeans, 4, 4) == pytest.approx(1)


def test_segments_of_uniform_data_are_unstable_over_seeds_and_samples():
    X = np.random.default_rng(0).uniform(size=(300, 2))
    assert seed_agreement(X, kmeans, 7, 4) < 0.95
    assert bootstrap(X, kmeans(X, 7, 0)[0], kmeans, 7, Resampling(10)).rand < 0.8


def test_a_seed_gives_one_result_with_any_number_of_workers(side_by_side):
    X = np.random.default_rng(0).uniform(size=(200, 2))
    labels = kmeans(X, 5, 0)[0]

    def measured(seed, workers):
        result = bootstrap(X, labels, kmeans, 5, Resampling(6, seed, workers))
        strength = prediction_strength(X, kmeans, [3, 5], 3, seed, workers)
        return result.jaccards.tolist(), result.rands.tolist(), strength

    assert measured(1, 1) == measured(1, 2)
    assert measured(1, 2) != measured(2, 2)


def test_every_fit_starts_anew_in_a_thread_with_one_core(side_by_side):
    X, truth = blobs(10)
    starts, cores, threads = [], set(), set()

    def spy(X, k, seed):
        starts.append(seed)
        threads.add(threading.get_ident())
        cores.update(pool["num_threads"] for pool in threadpool_info())
        return kmeans(X, k, seed)

    bootstrap(X, truth, spy, 4, Resampling(8, workers=2))
    prediction_strength(X, spy, [4], splits=4, workers=2)
    seed_agreement(X, spy, 4, 4)
    assert len(set(starts)) == len(starts) == 8 + 2 * 4 + 4
    assert cores == {1} and threading.get_ident() not in threads


def test_fits_run_side_by_side_where_they_are_of_many_rows_only():
    both = threading.Barrier(2)
    assert stability.in_threads(lambda _: both.wait(30), range(2), stability.FEW, 2) != []
    assert (
        len(set(stability.in_threads(lambda _: threading.get_ident(), range(50), stability.FEW - 1, 2))) == 1
    )


def test_many_customers_are_measured_on_a_sample_and_the_result_says_so(monkeypatch):
    monkeypatch.setattr(stability, "LARGE", 100)
    monkeypatch.setattr(stability, "SAMPLE", 60)
    X, truth = blobs()
    truth[17] = 7  # alone, and not in the sample
    seen = set()

    def spy(X, k, seed):
        seen.add(len(X))
        return kmeans(X, k, seed)

    result = bootstrap(X, truth, spy, 4, Resampling(3))
    assert result.scope == "3 bootstrap samples of 60 customers, drawn at random from 320"
    assert result.bands[7] == "not measured" and result.bands[0] == "highly stable"
    prediction_strength(X, spy, [4], 2)
    seed_agreement(X, spy, 4, 2)
    assert max(seen) == 60


# --- bad input


def test_samples_with_fewer_distinct_points_than_k_are_left_out_and_counted():
    X = np.repeat([0.0, 1, 2, 9], 3)[:, None]
    labels = np.repeat(np.arange(4), 3)
    result = bootstrap(X, labels, ward, 4, Resampling(40))
    assert 0 < result.skipped < 40 and len(result.rands) == 40 - result.skipped
    assert f"{result.skipped} left out" in result.scope and set(result.jaccard.values()) == {1}


def test_too_few_distinct_points_are_an_error_that_says_what_to_do():
    X = np.arange(3.0)[:, None]
    with pytest.raises(ValueError, match=r"each of the 2 bootstrap samples .* k = 3: choose a smaller k"):
        bootstrap(X, np.arange(3), ward, 3, Resampling(2, seed=1))
    with pytest.raises(ValueError, match="in each of the 10 splits a half of the 3 customers has fewer"):
        prediction_strength(X, ward, [3])
    equal = np.ones((9, 2))
    for call in (
        lambda: bootstrap(equal, np.zeros(9, int), ward, 2),
        lambda: prediction_strength(equal, ward, [2]),
        lambda: seed_agreement(equal, ward, 2),
    ):
        with pytest.raises(ValueError, match="X has 1 distinct points, expected at least k = 2"):
            call()


def test_senseless_arguments_are_errors():
    X, truth = blobs(5)
    with pytest.raises(ValueError, match="all labels are noise"):
        bootstrap(X, np.full(20, -1), kmeans, 4)
    with pytest.raises(ValueError, match=r"labels have shape \(3,\), expected \(20,\)"):
        bootstrap(X, truth[:3], kmeans, 4)
    missing = X.copy()
    missing[3, 1] = np.nan
    with pytest.raises(ValueError, match="1 values that are not finite"):
        bootstrap(missing, truth, kmeans, 4)
    with pytest.raises(ValueError, match="repeats is 0"):
        bootstrap(X, truth, kmeans, 4, Resampling(0))
    with pytest.raises(ValueError, match="k is 0"):
        prediction_strength(X, kmeans, [0, 2])
    with pytest.raises(ValueError, match="splits is 0"):
        prediction_strength(X, kmeans, [2], splits=0)
    with pytest.raises(ValueError, match="seeds is 1, expected at least 2"):
        seed_agreement(X, kmeans, 2, seeds=1)


def test_what_goes_wrong_in_a_fit_reaches_the_caller():
    def broken(X, k, seed):
        raise RuntimeError("no convergence")

    X, truth = blobs(5)
    with pytest.raises(RuntimeError, match="no convergence"):
        bootstrap(X, truth, broken, 4)
