import numpy as np
import pytest
from sklearn.cluster import KMeans
from sklearn.metrics import silhouette_score
from sklearn.preprocessing import StandardScaler

from seg.metrics import null
from seg.metrics.null import null_test
from seg.metrics.null_result import NullTest, passed, sentence

CENTERS = np.array([[0, 0], [6, 1], [1, 7], [8, 8]])


def blobs() -> np.ndarray:
    return np.repeat(CENTERS, 40, axis=0) + np.random.default_rng(0).normal(0, 0.5, (160, 2))


def score(X, seed) -> float:
    """Scale, cluster, measure: the whole pipeline."""
    X = StandardScaler().fit_transform(X)
    return silhouette_score(X, KMeans(4, n_init=2, random_state=seed).fit_predict(X))


# --- by hand


def test_the_statistics_of_four_draws_are_those_worked_by_hand():
    test = NullTest(3.0, np.array([1.0, 2.0, 3.0, 2.0]))
    assert (test.mean, test.sd) == pytest.approx((2, np.sqrt(2 / 3)))
    assert test.z == pytest.approx(np.sqrt(3 / 2))
    assert test.p == pytest.approx((1 + 1) / (1 + 4))  # the draw of 3 is as high as the observed 3
    assert test.draws == 4


def test_without_spread_there_is_no_z():
    assert np.isnan(NullTest(1.0, np.array([0.5, 0.5])).z)
    assert np.isnan(NullTest(1.0, np.array([0.5])).z)


def test_the_sentence_is_about_the_weakest_evidence():
    above, within = (
        NullTest(1.0, np.linspace(0, 0.5, 20)),
        NullTest(1.0, np.array([*np.zeros(10), *np.full(10, 2)])),
    )
    assert sentence({"uniform": above}) == "better than evenly spread customers (p = 0.048, 20 draws)"
    both = {"stretched": above, "bent": above}
    assert sentence(both) == "better than one stretched cloud and one bent cloud (p = 0.048, 20 draws each)"
    mixed = {"stretched": within, "uniform": above}
    assert sentence(mixed) == "no better than one stretched cloud (p = 0.52, 20 draws)"


@pytest.mark.parametrize(("draws", "answer"), [(18, None), (19, True)])
def test_too_few_draws_leave_the_verdict_open_and_the_sentence_says_how_many_it_takes(draws, answer):
    tests = {"uniform": NullTest(1.0, np.zeros(draws))}
    assert passed(tests) is answer
    assert ("pass evaluation.null=19 or more" in sentence(tests)) is (answer is None)


def test_two_peaks_of_a_feature_are_enough_with_a_score_above_the_median_of_one_cloud():
    four_above = np.r_[np.zeros(16), np.full(4, 2.0)]
    plain, peaked, low = (
        NullTest(1.0, four_above),
        NullTest(1.0, four_above, True),
        NullTest(-1.0, four_above, True),
    )
    assert [test.better for test in (plain, peaked, low)] == [False, True, False]
    assert (
        sentence({"bent": peaked})
        == "better than one bent cloud (p = 0.24, 20 draws, features have two peaks by themselves)"
    )


def test_permuting_keeps_every_column_and_breaks_the_rows():
    X = np.arange(40.0).reshape(20, 2)
    shuffled = null.permuted(X, np.random.default_rng(0))
    assert np.array_equal(np.sort(shuffled, axis=0), X)
    assert (shuffled[:, 1] - shuffled[:, 0] == 1).sum() < 5
    assert X[0].tolist() == [0, 1]


def test_uniform_data_fill_the_range_of_each_column():
    X = np.column_stack([np.r_[0.0, np.ones(999)], np.r_[np.full(999, -7.0), 100], np.full(1000, 3.0)])
    drawn = null.uniform(X, np.random.default_rng(0))
    assert drawn.min(axis=0) == pytest.approx([0, -7, 3], abs=1) and (drawn >= X.min(axis=0)).all()
    assert drawn.mean(axis=0) == pytest.approx([0.5, 46.5, 3], rel=0.05) and (drawn <= X.max(axis=0)).all()


# --- against a plain loop


def test_draws_are_those_of_a_plain_loop():
    X, seen = np.random.default_rng(0).uniform(size=(160, 2)), []

    def first_row(X, seed):
        seen.append((X.copy(), seed))
        return X[0].sum()

    result = null_test(X, first_row, draws=6, seed=3, kinds=["permuted", "uniform"])
    assert np.array_equal(seen[0][0], X) and seen[0][1] == 3
    assert len({seed for _, seed in seen}) == 1 + 2 * 6
    observed = X[0].sum()
    for kind, part in (("permuted", seen[1:7]), ("uniform", seen[7:])):
        values = [drawn[0].sum() for drawn, _ in part]
        test = result[kind]
        assert test.scores.tolist() == values
        mean = sum(values) / 6
        sd = (sum((value - mean) ** 2 for value in values) / 5) ** 0.5
        assert (test.mean, test.sd) == pytest.approx((mean, sd))
        assert test.z == pytest.approx((observed - mean) / sd)
        assert test.p == (1 + sum(value >= observed for value in values)) / 7


# --- known behaviour


def test_blobs_are_better_than_null_data_of_every_kind():
    result = null_test(blobs(), score)
    assert all(test.z > 3 and test.p == 1 / 21 for test in result.values())
    assert result["stretched"].mean < 0.9 * result["stretched"].observed
    assert sentence(result).startswith("better than ") and passed(result)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_uniform_noise_is_indistinguishable_from_noise(seed):
    X = np.random.default_rng(seed + 100).uniform(size=(160, 3))
    result = null_test(X, score, seed=seed)
    assert all(abs(test.z) < 3 for test in result.values())
    assert passed(result) is False and sentence(result).startswith("no better than ")


def correlated(rng, n=300, rho=0.6):
    return rng.normal(size=(n, 2)) @ np.linalg.cholesky([[1, rho], [rho, 1]]).T


def banana(rng, n=300):
    x = rng.normal(size=n)
    return np.column_stack([x, 0.5 * x**2 + 0.5 * rng.normal(size=n)])


@pytest.mark.parametrize(
    "cloud", [correlated, lambda rng: np.exp(correlated(rng)), banana], ids=["stretched", "skewed", "bent"]
)
def test_one_cloud_is_no_better_than_null_data(cloud):
    results = [null_test(cloud(np.random.default_rng(seed)), score, seed=seed) for seed in range(3)]
    assert sum(passed(result) for result in results) <= 1


def test_permuted_and_uniform_data_do_not_apply_where_a_column_has_two_peaks_by_itself():
    rng = np.random.default_rng(0)
    square = np.array([[0, 0], [6, 0], [0, 6], [6, 6]])[rng.integers(4, size=400)] + rng.normal(size=(400, 2))
    result = null_test(square, score)
    assert list(result) == ["stretched", "bent"] and passed(result)


def test_evenly_spread_customers_do_not_apply_where_no_column_is_evenly_spread():
    rng = np.random.default_rng(8)
    skewed, even = rng.gamma(2, size=(300, 2)), rng.uniform(size=(300, 1))
    assert "uniform" not in null_test(skewed, lambda X, seed: X.sum(), 1)
    assert "uniform" in null_test(np.column_stack([skewed, even]), lambda X, seed: X.sum(), 1)


def test_permuted_blobs_are_indistinguishable_from_permuted_data():
    destroyed = null.permuted(correlated(np.random.default_rng(3)), np.random.default_rng(5))
    test = null_test(destroyed, score, kinds=["permuted"])["permuted"]
    assert test.p > 0.05 and abs(test.z) < 3


def test_a_seed_gives_one_result_with_any_number_of_workers(side_by_side):
    X = blobs()
    runs = [null_test(X, score, 5, seed, workers=workers) for seed, workers in ((1, 1), (1, 2), (2, 2))]
    one, same, other = ([test.scores.tolist() for test in run.values()] for run in runs)
    assert one == same != other


def test_permuting_is_left_out_where_one_column_varies():
    X = np.column_stack([np.arange(9.0), np.ones(9)])
    assert list(null_test(X, lambda X, seed: X.sum(), 3)) == ["uniform", "stretched"]
    with pytest.raises(ValueError, match="do not apply to X"):
        null_test(X, lambda X, seed: X.sum(), 3, kinds=["permuted"])


def test_null_data_in_which_nothing_is_found_have_the_lowest_score():
    values = iter([1.0, np.nan, 0.5, 2.0])
    test = null_test(blobs(), lambda X, seed: next(values), 3, kinds=["stretched"])["stretched"]
    assert test.scores.tolist() == [-1.0, 0.5, 2.0] and test.p == 2 / 4


# --- bad input


def test_senseless_arguments_are_errors():
    X = blobs()
    with pytest.raises(
        ValueError, match=r"unknown kinds of null data \['normal'\], expected some of permuted"
    ):
        null_test(X, score, kinds=["uniform", "normal"])
    with pytest.raises(ValueError, match="draws is 0"):
        null_test(X, score, draws=0)
    with pytest.raises(ValueError, match="all 9 rows of X are equal"):
        null_test(np.ones((9, 2)), score)
    with pytest.raises(ValueError, match="not finite"):
        null_test(np.array([[1, np.inf], [2, 3]]), score)
    with pytest.raises(ValueError, match="the score of the data is nan"):
        null_test(X, lambda X, seed: np.nan)
