"""The panel of rules for k: each rule by hand, the chosen k by known data, the picture of the votes."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score
from sklearn.mixture import GaussianMixture

from seg.errors import SegError
from seg.metrics import separation
from seg.models.mixture import SafeGaussianMixture
from seg.report.plots.style import png
from seg.report.plots.vote_chart import votes as plot_votes
from seg.selection import rules
from seg.selection.borders import borders
from seg.selection.choose import PANEL_COLUMNS, RULES, VOTE_COLUMNS, Measuring, choose, panel, votes
from seg.selection.groups import groups
from seg.selection.peaks import _saddle, _uphill, peaks

KS = range(2, 9)


def kmeans(X, k, seed):
    model = KMeans(k, n_init=3, random_state=seed).fit(X)
    return model.labels_, model.predict


def four_blobs(n=800, seed=0):
    rng = np.random.default_rng(seed)
    return np.array([[0, 0], [6, 1], [1, 7], [8, 8]])[rng.integers(4, size=n)] + rng.normal(
        0, 0.7, size=(n, 2)
    )


NOISE = {
    "uniform": lambda rng: rng.uniform(size=(500, 2)),
    "one blob": lambda rng: rng.normal(size=(500, 3)),
    "log-normal": lambda rng: np.exp(rng.normal(0, 0.8, size=(500, 3))),
}


def scan_of(X, mixture=False):
    """Make the scan table and the labels of each k."""
    labelings = {k: KMeans(k, n_init=5, random_state=0).fit(X).labels_ for k in KS}
    silhouettes = separation.silhouettes(X, labelings, sample=len(X), seed=0)
    rows = [
        {
            "k": k,
            "inertia": separation.inertia(X, labels),
            "silhouette": silhouettes[k].value,
            "calinski_harabasz": separation.calinski_harabasz(X, labels),
            "davies_bouldin": separation.davies_bouldin(X, labels),
            "bic": SafeGaussianMixture(k, n_init=1, random_state=0).fit(X).bic(X) if mixture else np.nan,
            "smallest_segment": separation.sizes(labels)["smallest_segment"],
        }
        for k, labels in labelings.items()
    ]
    return pd.DataFrame(rows), labelings


def panel_of(X, mixture=False, **options):
    measuring = Measuring(**{"repeats": 5, "splits": 3, "references": 5} | options)
    return panel(X, *scan_of(X, mixture), kmeans, measuring)


@pytest.fixture(scope="module")
def four():
    return panel_of(four_blobs(), mixture=True)


def table_of(**columns):
    """Make a panel by hand for k = 1 to 6, with sensible values where none are given; lists start at k = 2."""
    ks = np.arange(1, 7)
    table = pd.DataFrame({"k": ks, "inertia": np.nan, "bic": np.nan, "smallest_segment": [1000, *[100] * 5]})
    for name in ("silhouette", "calinski_harabasz", "davies_bouldin", *PANEL_COLUMNS):
        table[name] = np.nan
    for name, values in columns.items():
        table.loc[6 - len(values) :, name] = values
    return table


def answer(rule, **columns):
    return votes(table_of(**columns)).set_index("rule")["k"][rule]


# --- each rule by hand


@pytest.mark.parametrize(
    ("rule", "columns", "k"),
    [
        ("silhouette", {"silhouette": [0.3, 0.5, 0.4, 0.2, 0.1]}, 3),
        ("Calinski-Harabasz", {"calinski_harabasz": [10, 20, 40, 30, np.nan]}, 4),
        ("Davies-Bouldin", {"davies_bouldin": [0.9, 0.8, 0.7, 0.6, 0.65]}, 5),
        ("prediction strength", {"prediction_strength": [0.9, 0.7, 0.81, 0.79, 0.2]}, 4),
        ("prediction strength", {"prediction_strength": [0.79, 0.7, 0.6, 0.5, 0.2]}, 1),
        ("stability", {"stability": [0.95, 0.91, 0.89, 0.8, 0.8]}, 3),
        ("stability", {"stability": [0.5] * 5}, 1),
        ("density's peaks", {"peaks_likely": [4.0] * 6}, 4),
        ("borders", {"weakest_border": [9, 8, 3.0, 2.9, 0]}, 4),
        ("borders", {"weakest_border": [2.9, 0, 0, 0, 0]}, 1),
        # 0.9 >= 1 - 0.1 at k = 3.
        ("gap statistic", {"gap": [0.2, 0.5, 0.9, 1.0, 1.3, 1.2], "gap_se": [0.01, 0.1, 0.1, 0.1, 0.1, 0.1]}, 3),
        ("gap statistic", {"gap": [0.9, 0.95, 1, 1, 1, 1], "gap_se": [0.1] * 6}, 1),
        # The line from (2, 100) to (6, 0): (3, 40) is 35 of 100 below it, (4, 20) 30.
        ("knee of inertia", {"inertia": [100, 40, 20, 10, 0]}, 3),
        ("BIC", {"bic": [50, 40, 30, 35, 38]}, 4),
        ("BIC", {"bic": [10, 50, 40, 30, 35, 38]}, 1),
        ("BIC", {"mixture_bic": [50, 40, 30, 35, 38]}, 4),
        ("BIC", {"mixture_bic": [50, 40, 30, 35, 38], "bic": [30, 40, 50, 60, 70]}, 2),
        ("mixture's peaks", {"mixture_bic": [60, 50, 40, 30, 35, 38], "mixture_groups": [1, 2, 2, 3, 4, 4]}, 3),
        ("mixture's peaks", {"mixture_bic": [60, 50, 40, np.nan, 35, 38], "mixture_groups": [1, 2, 2, 9, 4, 4]}, 4),
    ],
)  # fmt: skip
def test_a_rule_is_the_one_worked_by_hand(rule, columns, k):
    assert answer(rule, **columns) == k


@pytest.mark.parametrize(
    ("rule", "columns"),
    [
        ("gap statistic", {"gap": [1, 2, 3, 4, 5, 6], "gap_se": [0.1] * 6}),
        ("BIC", {"bic": [50, 40, 30, 20, 10]}),
        ("BIC", {"bic": [50, 40, np.nan, 45, 46]}),
        ("knee of inertia", {"inertia": [5, 5, 5, 5, 5]}),
        ("knee of inertia", {"inertia": [100, 90, 75, 50, 0]}),
    ],
    ids=["gap still rises", "BIC still falls", "a component collapsed", "inertia is flat", "inertia bends the other way"],
)  # fmt: skip
def test_a_rule_without_ground_has_no_answer(rule, columns):
    assert np.isnan(answer(rule, **columns))


def test_no_rule_answers_about_nothing():
    assert votes(table_of())["k"].isna().all()


def test_the_votes_have_a_row_a_rule_with_its_threshold_and_source(four):
    frame = votes(four)
    assert list(frame.columns) == VOTE_COLUMNS and frame["rule"].tolist() == list(RULES)
    assert frame["k"].dtype == frame["value"].dtype == float
    assert frame["source"].str.contains(r"\d{4}").all() and frame["threshold"].str.len().gt(5).all()
    by_rule = frame.set_index("rule")["value"]
    assert by_rule["silhouette"] == four.set_index("k")["silhouette"][4]


# --- the chosen k, by hand


NO_VOTES = pd.DataFrame({"rule": ["borders", "gap statistic"], "k": [1.0, 1.0]})


def peaks_of(possible, likely, sure, certain, **columns):
    """Make a panel by hand for k = 2 to 6 of a density with so many peaks; silhouettes are largest at k = 3."""
    counts = dict(
        zip(("possible", "likely", "sure", "certain"), (possible, likely, sure, certain), strict=True)
    )
    base = {
        "calinski_harabasz": [50, 40, 60, 20, 10],
        "silhouette": [0.4, 0.5, 0.45, 0.2, 0.1],
        "prediction_strength": [0.7] * 5,
        "agreement": [0.9] * 5,
        "spike": [0.0] * 5,
    }
    return table_of(
        **base | {f"peaks_{name}": [float(count)] * 6 for name, count in counts.items()} | columns
    )


@pytest.mark.parametrize(
    ("peaks", "columns", "k", "why"),
    [
        ((3, 3, 3, 3), {}, 3, "2 rules vote for 3 segments"),
        ((4, 3, 3, 2), {}, 3, "density of the customers has 3 peaks"),
        ((1, 1, 1, 1), {}, None, "may be one group, their density has one peak"),
        ((3, 2, 1, 1), {}, None, "2 peaks that stand out too little"),
        ((4, 4, 3, 3), {}, None, "the density has 3 to 4 peaks, the division used has 4 segments"),
        ((3, 3, 3, 3), {"agreement": [0.9, 0.5, 0.9, 0.9, 0.9]}, None, "groups that are not round"),
        ((3, 3, 3, 3), {"spike": [0, 0.9, 0, 0, 0]}, None, "share one value of a single feature"),
        ((3, 3, 3, 3), {"prediction_strength": [0.7, 0.6, 0.7, 0.7, 0.7]}, None, "hardly predict each other"),
        ((3, 3, 3, 3), {"smallest_segment": [199, *[50] * 5]}, None, "too few customers to tell (199, fewer than 200)"),
        ((6, 6, 6, 6), {}, None, "the largest k that was tried (6)"),
        ((9, 9, 9, 9), {}, None, "customers form 9 groups, and so many segments were not tried"),
        ((3, 3, 3, 3), {"prediction_strength": [0.9, 0.9, 0.9, 0.95, 0.7]}, None, "the division used has 5 segments"),
    ],
)  # fmt: skip
def test_the_choice_is_the_one_worked_by_hand(peaks, columns, k, why):
    choice = choose(NO_VOTES.assign(k=[1.0, float(k or 1)]), peaks_of(*peaks, **columns))
    assert choice.clear == (k is not None) and why.replace("2 rules", "1 of 2 rules") in choice.reason
    assert choice.k == k if k else choice.reason.startswith("no clear k: ")


@pytest.mark.parametrize(
    ("peaks", "columns", "k"),
    [
        ((1, 1, 1, 1), {}, 3),  # the largest silhouette
        ((1, 1, 1, 1), {"prediction_strength": [0.9, 0.7, 0.8, 0.79, 0.1]}, 4),
        ((5, 4, 3, 3), {}, 4),  # of 4 and 5 peaks the one with the larger silhouette
        ((5, 4, 3, 3), {"prediction_strength": [0.9, 0.8, 0.7, 0.7, 0.8]}, 6),
        (
            (3, 3, 3, 3),
            {"prediction_strength": [0.9, 0.9, 0.85, 0.7, 0.7]},
            3,
        ),  # 3 is settled, 0.85 does not overrule it
        # ... but with the smallest BIC it does
        ((3, 3, 3, 3), {"prediction_strength": [0.9, 0.9, 0.85, 0.7, 0.7], "bic": [9, 8, 5, 6, 7]}, 4),
        # Of a mixture, peaks that are not settled and predict worse than 0.6 give way to a k that predicts, or stay where there is none.
        ((5, 4, 3, 3), {"prediction_strength": [0.9, 0.7, 0.59, 0.5, 0.5]}, 4),
        ((5, 4, 3, 3), {"prediction_strength": [0.9, 0.7, 0.59, 0.5, 0.5], "bic": [9, 8, 7, 6, 5]}, 2),
        ((5, 4, 3, 3), {"prediction_strength": [0.9, 0.7, 0.6, 0.5, 0.5], "bic": [9, 8, 7, 6, 5]}, 4),
        ((5, 4, 3, 3), {"prediction_strength": [0.7, 0.7, 0.59, 0.5, 0.5], "bic": [9, 8, 7, 6, 5]}, 4),
        # A mixture: BIC and ICL agree; ICL differs and no peaks; BIC falls to the end of the range.
        ((5, 4, 3, 3), {"bic": [9, 8, 7, 5, 6], "icl": [19, 18, 17, 15, 16]}, 5),
        ((5, 4, 3, 3), {"bic": [9, 8, 7, 5, 6], "icl": [9, 8, 17, 15, 16]}, 4),
        ((1, 1, 1, 1), {"bic": [9, 8, 7, 5, 6], "icl": [9, 8, 17, 15, 16]}, 5),
        ((1, 1, 1, 1), {"bic": [9, 8, 7, 6, 5], "icl": [9, 8, 7, 6, 5]}, 3),
        ((1, 1, 1, 1), {"bic": [9, 8, 7, 5, np.nan]}, 3),
    ],
)
def test_the_k_that_is_used_is_the_one_worked_by_hand(peaks, columns, k):
    assert choose(NO_VOTES, peaks_of(*peaks, **columns)).k == k


def test_a_k_with_a_tiny_segment_is_left_aside_while_there_is_another():
    choice = choose(NO_VOTES, peaks_of(3, 3, 3, 3, smallest_segment=[1000, 50, 9, 9, 50, 50]))
    assert (choice.k, choice.clear) == (2, False) and "3 segments have one below 1%" in choice.reason
    assert choose(NO_VOTES, peaks_of(3, 3, 3, 3, smallest_segment=[1000, *[9] * 5])).clear


def test_no_k_with_two_segments_is_an_error():
    with pytest.raises(SegError, match=r"no k of selection\.k_range gives two segments"):
        choose(NO_VOTES, table_of())


# --- known data


def test_on_four_separated_blobs_all_rules_vote_4(four):
    frame = votes(four)
    assert frame["k"].tolist() == [4.0] * len(RULES)
    choice = choose(frame, four)
    assert (choice.k, choice.clear) == (4, True) and choice.reason.startswith("11 of 11 rules vote for 4")


@pytest.mark.parametrize("name", NOISE)
def test_on_noise_there_is_no_clear_k_and_the_reason_says_so(name):
    X = NOISE[name](np.random.default_rng(0))
    table = panel_of((X - X.mean(axis=0)) / X.std(axis=0))
    choice = choose(votes(table), table)
    assert not choice.clear and choice.k >= 2 and choice.reason.startswith("no clear k")
    assert votes(table).set_index("rule")["k"]["borders"] == 1


def test_groups_that_the_segments_cut_through_are_no_clear_k():
    # Two cigars side by side: k-means cuts both in the middle.
    X = np.random.default_rng(0).normal(size=(500, 2)) * [6, 0.5] + [0, 5] * np.repeat(
        [[0], [1]], 250, axis=0
    )
    table = panel_of(X)
    choice = choose(votes(table), table)
    assert not choice.clear and "2 groups whose borders these segments do not follow" in choice.reason


def test_a_seed_gives_one_panel_with_any_number_of_workers_and_the_table_is_kept(side_by_side):
    X = four_blobs(300)
    table, labelings = scan_of(X)
    before = table.copy()
    one, two = (panel(X, table, labelings, kmeans, Measuring(2, 2, 2, workers=workers)) for workers in (1, 2))
    pd.testing.assert_frame_equal(one, two)
    pd.testing.assert_frame_equal(table, before)
    assert one["k"].tolist() == [1, *KS] and one["smallest_segment"][0] == 300


def test_a_measure_that_cannot_be_had_is_a_warning_and_no_answer():
    X = four_blobs(300)
    table, labelings = scan_of(X)

    def noisy(X, k, seed):
        labels = kmeans(X, k, seed)[0].copy()
        labels[0] = -1
        return labels, lambda Y: np.zeros(len(Y), dtype=int)

    with pytest.warns(UserWarning, match=r"no gap statistic: fit leaves noise"):
        result = panel(X, table, labelings, noisy, Measuring(2, 2, 2))
    assert np.isnan(votes(result).set_index("rule")["k"]["gap statistic"])


# --- borders


def test_two_blobs_thin_out_between_them_and_one_blob_cut_in_two_does_not():
    rng = np.random.default_rng(0)
    one = rng.normal(size=(1000, 2))
    two = one + [5, 0] * rng.integers(2, size=(1000, 1))
    for X, low, high in ((one, 0, 2), (two, 5, 99)):
        labels = kmeans(X, 2, 0)[0]
        weakest, typical = borders(X, {2: labels})[2]
        assert low <= weakest == typical < high


def test_a_group_cut_in_two_is_the_weakest_border():
    X = four_blobs()
    labels = KMeans(5, n_init=5, random_state=0).fit(X).labels_
    weakest, typical = borders(X, {5: labels})[5]
    assert weakest < 3 < typical


def test_the_steps_of_whole_numbers_are_no_borders():
    orders = np.log1p(np.random.default_rng(0).poisson(1.5, size=1000).astype(float))[:, None]
    assert borders(orders, {2: (orders[:, 0] > np.log(2.5)).astype(int)})[2][0] < 3


def test_row_order_and_noise_change_nothing_at_borders():
    X = four_blobs().round(1)
    labels = kmeans(X, 4, 0)[0]
    order = np.random.default_rng(1).permutation(len(X))
    expected = borders(X, {4: labels})[4]
    assert borders(X[order], {4: labels[order]})[4] == pytest.approx(expected)
    noisy = borders(np.vstack([X, [[3.5, 3.5]] * 50]), {4: np.r_[labels, np.full(50, -1)]})[4]
    assert noisy == pytest.approx(expected, rel=0.3)


def test_more_customers_than_5000_do_not_make_a_border_deeper():
    X = four_blobs(3000)
    once, twice = (
        borders(rows, {4: kmeans(rows, 4, 0)[0]})[4][0] for rows in (four_blobs(5000), four_blobs(20_000))
    )
    assert twice == pytest.approx(once, rel=0.15)
    assert borders(X, {4: kmeans(X, 4, 0)[0]})[4][0] < once


def test_less_than_two_segments_have_no_border():
    assert np.isnan(borders(four_blobs(50), {1: np.zeros(50, int)})[1]).all()


# --- groups


def best(found):
    return min((of for of in found.values() if np.isfinite(of.bic)), key=lambda of: of.bic)


def test_groups_are_found_among_columns_of_noise_and_beside_collinear_and_constant_ones():
    X = four_blobs()
    noise = np.random.default_rng(1).normal(size=(len(X), 3)) * 3
    for extra in (noise, np.c_[X[:, :1] * 2, np.ones(len(X))]):
        found = best(groups(np.c_[X, extra], range(1, 7)))
        assert found.count == 4 and found.border > 3 and found.labels.max() == 3


def test_a_skewed_kind_of_customer_takes_several_components_and_is_no_group():
    X = np.exp(np.random.default_rng(0).normal(0, 0.8, size=(800, 3)))
    found = groups(X, range(1, 7))
    assert best(found) is not found[1] and not best(found).border >= 3


def test_groups_follow_neither_the_order_of_rows_nor_their_units_nor_workers(side_by_side):
    X = four_blobs(400).round(1)
    order = np.random.default_rng(1).permutation(len(X))
    one = groups(X, [3, 4], workers=1)
    two = groups(X[order] * [100, 0.01] + 5, [4, 3], workers=2)
    for k in (3, 4):
        assert two[k].bic == pytest.approx(one[k].bic)
        assert adjusted_rand_score(one[k].labels[order], two[k].labels) == 1


def test_of_many_customers_a_sample_is_fitted_and_all_are_placed():
    found = groups(four_blobs(8000), [4])[4]
    assert found.count == 4 and found.border > 3 and np.bincount(found.labels).sum() == 8000


def test_nothing_to_tell_apart_has_no_groups():
    assert groups(np.ones((50, 2)), range(1, 4)) == {}


# --- peaks


def normals(means, variances):
    """Make a mixture of equal weights by hand, in the plane."""
    made = GaussianMixture(len(means))
    made.weights_, made.means_ = np.full(len(means), 1 / len(means)), np.array(means, float)
    made.covariances_ = np.array([np.eye(2) * variance for variance in variances])
    made.precisions_ = np.linalg.inv(made.covariances_)
    made.precisions_cholesky_ = np.sqrt(made.precisions_)
    return made


@pytest.mark.parametrize(
    ("means", "variances", "count"),
    [
        ([[0, 0], [1.9, 0]], [1, 1], 1),  # two normals are one peak up to a distance of 2
        ([[0, 0], [2.1, 0]], [1, 1], 1),  # two peaks with hardly a saddle
        ([[0, 0], [3, 0]], [1, 1], 2),
        ([[0, 0], [0.5, 0]], [1, 30], 1),  # one in another
        ([[0, 0], [10, 0], [5, 3]], [1, 1, 100], 2),  # a broad one links no peaks
    ],
)
def test_peaks_are_those_of_the_density(means, variances, count):
    assert len(set(peaks(normals(means, variances)))) == count


# --- the picture


def test_the_votes_are_a_figure_with_the_chosen_k_and_a_column_for_no_structure(four):
    frame = votes(four)
    frame.loc[frame["rule"] == "BIC", "k"] = np.nan
    frame.loc[frame["rule"] == "gap statistic", "k"] = 1
    figure = plot_votes(frame, 4, list(KS))
    assert isinstance(figure, Figure) and png(figure)[:4] == b"\x89PNG"
    (ax,) = figure.axes
    texts = [text.get_text() for text in ax.texts]
    assert texts.count("no answer") == 1 and "chosen k = 4" in texts
    assert "structure" in ax.get_xticklabels()[0].get_text() and ax.get_xlabel()
    dots = [line for line in ax.lines if line.get_marker() == "o"]
    assert len(dots) == len(RULES) - 1
    assert sum(line.get_xdata()[0] < 0.5 for line in dots) == 1


def test_no_votes_still_give_a_figure():
    assert isinstance(plot_votes(pd.DataFrame(columns=VOTE_COLUMNS), None, [2, 3]), Figure)
    assert isinstance(plot_votes(votes(table_of()), None, range(2, 31)), Figure)


def test_a_segment_of_one_value_is_found_where_a_tenth_share_it():
    values = np.r_[np.zeros(10), np.arange(1, 91)]
    labels = {2: (values > 0).astype(int)}
    assert rules._spikes(values[:, None], labels, [2]) == {2: 1.0}
    assert rules._spikes(np.arange(100.0)[:, None], labels, [2]) == {2: 0.0}


def test_the_way_between_two_peaks_follows_their_ridges():
    """Two long groups at a right angle meet in the corner; the straight line between their peaks leaves both."""
    mixture = GaussianMixture(2)
    mixture.weights_, mixture.means_ = np.array([0.5, 0.5]), np.array([[5.0, 5.0], [8.0, 8.0]])
    mixture.covariances_ = np.array([np.diag([9.0, 0.1]), np.diag([0.1, 9.0])])
    mixture.precisions_ = np.linalg.inv(mixture.covariances_)
    mixture.precisions_cholesky_ = np.sqrt(mixture.precisions_)
    straight = mixture.score_samples(np.linspace([5, 5], [8, 8], 41)).min()
    assert _saddle(mixture, mixture.means_, np.array([0, 0])) == straight  # two peaks of one group
    assert _saddle(mixture, mixture.means_, np.array([0, 1])) > straight + 3


def test_the_knee_is_as_deep_as_it_lies_below_the_line_from_the_first_to_the_last_inertia():
    """The line goes from (2, 120) to (6, 20): at (3, 40) it is at 95, which is 55 of 100 above."""
    row = votes(table_of(inertia=[120, 40, 35, 30, 20])).set_index("rule").loc["knee of inertia"]
    assert row["k"] == 3 and row["value"] == pytest.approx(0.55)


def test_a_border_is_looked_for_along_the_line_between_two_centres_and_not_beside_it():
    """On the line two groups of 300 with nothing between; far on both sides 280 of each, all the way from one to the other."""
    rng = np.random.default_rng(0)
    parts = []
    for side in (0, 1):
        near = np.column_stack([side + 0.05 * rng.normal(size=300), 0.05 * rng.normal(size=300)])
        beside = np.column_stack([rng.uniform(side / 2, (side + 1) / 2, 280), np.repeat([3.0, -3.0], 140)])
        parts += [near, beside]
    labels = np.repeat([0, 1], 580)
    assert borders(np.vstack(parts), {2: labels})[2][0] > 10


def test_the_way_uphill_ends_on_a_peak():
    """Two unequal components that overlap: each peak lies between their means, where one more step stays."""
    mixture = GaussianMixture(2, means_init=[[0.0], [2.4]], random_state=0)
    X = np.random.default_rng(0).normal(size=(2000, 1)) + np.repeat([0.0, 2.4], [1500, 500])[:, None]
    tops, reached = _uphill(mixture.fit(X))
    for top in tops:
        around = mixture.score_samples(top + np.array([[-0.01], [0.0], [0.01]]))
        assert around.argmax() == 1
    assert len(reached) == 2
