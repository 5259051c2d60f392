from itertools import combinations

import numpy as np
import pytest
from scipy.cluster.hierarchy import fcluster, linkage
from sklearn.cluster import KMeans

from seg.metrics import gap as module
from seg.metrics.gap import GAP_COLUMNS, gap

CENTERS = np.array([[0, 0], [6, 1], [1, 7], [8, 8]])


def blobs(each: int = 60) -> np.ndarray:
    return np.repeat(CENTERS, each, axis=0) + np.random.default_rng(0).normal(0, 0.5, (4 * each, 2))


def kmeans(X, k, seed):
    model = KMeans(k, n_init=3, random_state=seed).fit(X)
    return model.labels_, model.predict


def ward(X, k, seed):
    return fcluster(linkage(X, "ward"), k, "maxclust") - 1, None


def scripted(monkeypatch, logs: np.ndarray) -> None:
    """Let the log of the within sum of squares of data set j at k = i + 1 be logs[i, j]."""
    monkeypatch.setattr(module, "in_threads", lambda task, jobs, rows, workers: logs[::-1].ravel().tolist())


# --- by hand


def test_the_rule_is_the_one_worked_by_hand(monkeypatch):
    # Columns: the data, then two reference sets. Gaps: 0.1, 0.5, 1.0, 0.95; standard deviations 0, 0, 0, 0.1.
    logs = np.array([[5.0, 5.1, 5.1], [4, 4.5, 4.5], [3, 4, 4], [2.8, 3.65, 3.85]])
    scripted(monkeypatch, logs)
    result = gap(blobs(5), None, [2, 3, 4], references=2)
    assert list(result.table) == GAP_COLUMNS and result.table["k"].tolist() == [1, 2, 3, 4]
    assert result.table["gap"].tolist() == pytest.approx([0.1, 0.5, 1.0, 0.95])
    assert result.table["se"].tolist() == pytest.approx([0, 0, 0, 0.1 * np.sqrt(1.5)])
    assert (result.k, result.rising) == (3, False)


def test_within_one_standard_error_the_smaller_k_is_taken(monkeypatch):
    # Gaps 1.00 and 1.05; standard error of the second: 0.1 * sqrt(1 + 1 / 2) = 0.12 > 0.05.
    scripted(monkeypatch, np.array([[3, 4, 4], [2.7, 3.65, 3.85]]))
    assert gap(blobs(5), None, [2], references=2).k == 1


def test_a_dip_at_two_ends_the_rule(monkeypatch):
    # Gaps 1, 0.9, 2, 2.05.
    scripted(monkeypatch, np.array([[3.0, 4, 4], [3, 3.9, 3.9], [2, 4, 4], [1.7, 3.65, 3.85]]))
    assert gap(blobs(5), None, [2, 3, 4], references=2).k == 1


def test_a_gap_that_still_rises_is_said_to_have_not_decided(monkeypatch):
    scripted(monkeypatch, np.array([[3.0, 3, 3], [2, 3, 3], [1, 3, 3]]))
    result = gap(blobs(5), None, [2, 3], references=2)
    assert (result.k, result.rising) == (3, True)


# --- against other implementations


def test_within_sums_agree_with_a_loop_over_pairs():
    X, seen = blobs(6), []

    def recorded(X, k, seed):
        labels = ward(X, k, seed)[0]
        seen.append((k, X, labels))
        return labels, None

    table = gap(X + 1e6, recorded, [2, 3], references=4, workers=1).table.set_index("k")

    def log_within(X, labels):
        clusters = [X[labels == cluster] for cluster in set(labels)]
        return np.log(
            sum(sum(((a - b) ** 2).sum() for a, b in combinations(rows, 2)) / len(rows) for rows in clusters)
        )

    one = log_within(X, np.zeros(len(X)))
    assert table.loc[1, "log_within"] == pytest.approx(one)
    for k in (2, 3):
        first, *references = [log_within(data, labels) for asked, data, labels in seen if asked == k]
        assert table.loc[k, "log_within"] == pytest.approx(first, abs=1e-6)
        assert table.loc[k, "gap"] == pytest.approx(np.mean(references) - first, abs=1e-6)
        assert table.loc[k, "se"] == pytest.approx(np.std(references) * np.sqrt(1 + 1 / 4), abs=1e-6)


def test_gaps_are_those_of_clusgap_in_r():
    # R 4.2.2, cluster 2.1.4: clusGap(X, K.max = 6, B = 10, d.power = 2, spaceH0 = "scaledPCA") with hclust "ward.D2", the
    # random draws of this implementation put in place of R's runif(). Its standard errors (ddof 1) are multiplied
    # by sqrt(9 / 10); its W is half of ours.
    rng = np.random.default_rng(7)
    groups = [((0, 0), 1, 20), ((3, 1), 0.7, 15), ((1, 4), 1.2, 15)]
    X = np.vstack([rng.normal(centre, sd, (n, 2)) for centre, sd, n in groups]).round(3)
    result = gap(X, ward, range(2, 7))
    assert result.table["log_within"].to_numpy() - np.log(2) == pytest.approx(
        [5.123006683, 4.416381323, 3.372192045, 3.167598519, 3.004774905, 2.815762472], abs=1e-8
    )
    assert result.table["gap"].tolist() == pytest.approx(
        [0.1135061205, 0.2575379556, 0.8599469632, 0.6634813237, 0.5262677274, 0.4706860709], abs=1e-8
    )
    assert result.table["se"].tolist() == pytest.approx(
        [0.10133226648, 0.12607374578, 0.09156931783, 0.07390176311, 0.07805730352, 0.08322803716], abs=1e-8
    )
    assert result.k == 3  # as maxSE(method = "Tibs2001SEmax")


# --- known behaviour


def test_four_separated_blobs_are_four():
    result = gap(blobs(), kmeans, range(2, 8))
    assert (result.k, result.rising, result.customers, result.total) == (4, False, 240, 240)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_uniform_noise_is_one(seed):
    X = np.random.default_rng(seed).uniform(size=(300, 2))
    assert gap(X, kmeans, range(2, 6), seed=seed).k == 1


def test_an_elongated_blob_is_one_because_the_box_is_along_the_principal_axes():
    X = np.random.default_rng(0).normal(size=(300, 2)) * [10, 1] @ [[0.8, 0.6], [-0.6, 0.8]]
    assert gap(X, kmeans, range(2, 6)).k == 1


def test_reference_sets_fill_the_box_along_the_principal_axes():
    turn = np.array([[0.8, 0.6], [-0.6, 0.8]])
    X = np.random.default_rng(0).uniform(size=(500, 2)) * [10, 1] @ turn + 50
    (drawn,) = module._references(X, 1, np.random.default_rng(1))
    back = (drawn - 50) @ turn.T
    assert back.min(axis=0) == pytest.approx([0, 0], abs=0.2)
    assert back.max(axis=0) == pytest.approx([10, 1], abs=0.2)


def test_a_seed_gives_one_result_with_any_number_of_workers(side_by_side):
    X = blobs(20)
    one, same, other = (
        gap(X, kmeans, [2, 3], 3, seed, workers).table.to_numpy().tolist()
        for seed, workers in ((1, 1), (1, 2), (2, 2))
    )
    assert one == same != other


def test_many_customers_are_measured_on_a_sample_and_the_result_says_so(monkeypatch):
    monkeypatch.setattr(module, "SAMPLE", 100)
    sizes = set()

    def spy(X, k, seed):
        sizes.add(len(X))
        return kmeans(X, k, seed)

    result = gap(blobs(), spy, range(2, 7))
    assert (result.customers, result.total) == (100, 240) and sizes == {100}


# --- bad input


def test_senseless_arguments_are_errors():
    with pytest.raises(ValueError, match="X has 1 distinct points, expected more than the largest k = 2"):
        gap(np.ones((9, 2)), kmeans, [2])
    with pytest.raises(ValueError, match="X has 3 distinct points, expected more than the largest k = 3"):
        gap(np.repeat(np.arange(3.0), 4)[:, None], kmeans, [2, 3])
    with pytest.raises(ValueError, match="k is 0"):
        gap(blobs(5), kmeans, [0, 2])
    with pytest.raises(ValueError, match="references 0"):
        gap(blobs(5), kmeans, [2], references=0)
    with pytest.raises(ValueError, match=r"fit leaves noise \(-1\)"):
        gap(blobs(5), lambda X, k, seed: (np.full(len(X), -1), None), [2])
