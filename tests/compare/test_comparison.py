"""What may be compared with what, and in which order: on tables of a few runs, worked by hand."""

import io
import json
import shlex

import numpy as np
import pandas as pd
import pytest
from rich.console import Console
from sklearn.metrics import adjusted_rand_score

from seg.compare import attempts, champion, columns, compare_page, order, runs_table
from seg.compare.agreement import agreement
from seg.config import compose, load
from seg.errors import SegError

SOUND = {"stability/jaccard_min": 0.9, "null/permuted_p": 0.02, "null/uniform_p": 0.04, "null/stretched_p": 0.04, "null/draws": 50,
         "holdout/auc": 0.7, "holdout/auc_random": 0.5, "holdout/auc_rule_rfm": 0.72,
         "holdout/deviance_explained": 0.2, "holdout/deviance_explained_se": 0.01, "holdout/over_rule_rfm_high": 0.01}  # fmt: skip
CUT = "2011-09-10 and 90 days"


def run(
    silhouette=0.3, name="a", k=4, seed=0, model="kmeans", when=0, flagged="no", overrides=(), **changed
) -> dict:
    """Make one run as the store gives it; `changed` are metrics by name with _ for /, or tags."""
    tags = {"data": "real", "data.fingerprint": "f00d" * 16, "as_of": "2011-12-10", "flagged": flagged, "holdout": CUT,
            "seg.points": "p1", "seg.configuration": f"{model} {overrides}", "seg.space": "s1",
            "seg.overrides": json.dumps([f"model={model}", *overrides])}  # fmt: skip
    tags |= {key: value for key, value in changed.items() if key in tags}
    metrics = {"common/silhouette": silhouette, "data/customers": 1000.0, "seconds/total": 9.0}
    metrics |= {key: value for key, value in changed.items() if key not in tags}
    params = {"dataset": "online_retail", "cleaning": "orders", "recipe": "rfm", "scaler": "standard", "model": model,
              "engine": "duckdb", "k": str(k), "seed": str(seed)}  # fmt: skip
    return {
        "run_id": f"{name * 8}{when:024d}", "name": name, "status": "FINISHED", "parent": None, "artifacts": "/nowhere", "model": "m-1",
        "started": pd.Timestamp("2026-01-01", tz="UTC") + pd.Timedelta(when, "h"),
        **{f"params.{key}": value for key, value in params.items()},
        **{f"tags.{key}": value for key, value in tags.items()},
        **{f"metrics.{key}": value for key, value in metrics.items()},
    }  # fmt: skip


def grouped(*runs: dict) -> list[attempts.Group]:
    return list(attempts.groups(attempts.tidy(pd.DataFrame(runs))))


def ranked(*runs: dict, holdout: bool = True, sort: str = "rule") -> pd.DataFrame:
    (group,) = grouped(*runs)
    judged = order.judged(group.attempts, order.demand_of(group.attempts, holdout))
    return order.ordered(judged, sort, columns.descending(sort))


def names(frame: pd.DataFrame) -> list[str]:
    return frame["name"].tolist()


# ---- what belongs into one list ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "difference", [{"data.fingerprint": "beef" * 16}, {"seg.points": "p2"}, {"data": "sample"}]
)
def test_runs_on_other_data_other_customers_or_the_sample_stand_in_lists_of_their_own(difference):
    found = grouped(run(0.2, "a"), run(0.9, "b", k=3, **difference), run(0.3, "c", k=5))
    assert [sorted(names(group.attempts)) for group in found] == [["a", "c"], ["b"]]


def test_a_run_without_tags_is_known_by_its_parts_and_the_number_of_its_customers():
    bare = [
        {key: value for key, value in one.items() if not key.startswith("tags.seg.")}
        for one in (run(name="a"), run(name="b", seed=1), run(name="c", **{"data/customers": 999.0}))
    ]
    assert sorted(len(group.every) for group in grouped(*bare)) == [1, 2]


def test_a_run_that_holds_the_jobs_of_a_sweep_is_not_ranked():
    parent, child = run(name="p") | {"run_id": "parent"}, run(name="c", k=3) | {"parent": "parent"}
    empty = run(name="e") | {"params.k": None}
    (group,) = grouped(parent, child, empty)
    assert names(group.every) == ["c"]


def test_flagged_runs_are_listed_apart_with_their_reasons():
    (group,) = grouped(run(0.9, "a", flagged="segment 1 holds 99.4%"), run(0.2, "b", k=3))
    assert names(group.attempts) == ["b"]
    assert group.flagged[["name", "flags"]].to_numpy().tolist() == [["a", "segment 1 holds 99.4%"]]


def test_the_same_run_twice_counts_once_and_the_latest_holds():
    (group,) = grouped(run(0.30, "a"), run(0.31, "b", when=5))
    assert (names(group.attempts), group.repeated) == (["b"], 1)


def test_an_equal_earlier_run_with_more_evidence_is_the_one_that_counts():
    (group,) = grouped(run(0.3, "a", **SOUND), run(0.3, "b", when=5))
    assert (names(group.attempts), group.repeated) == (["a"], 1)


def test_seeds_of_a_configuration_are_one_row_for_the_most_usual_seed_and_not_the_luckiest():
    (group,) = grouped(
        *[
            run(value, name, seed=seed)
            for seed, (value, name) in enumerate([(0.30, "a"), (0.38, "b"), (0.31, "c")])
        ]
    )
    (row,) = group.attempts.to_dict("records")
    assert (row["name"], row["seeds"], row["seeds_flagged"]) == ("c", 3, 0)
    assert [row[f"seeds_{what}"] for what in ("mean", "min", "max")] == pytest.approx([0.33, 0.30, 0.38])


def test_a_flagged_seed_belongs_to_the_spread_all_the_same():
    (group,) = grouped(run(0.3, "a"), run(0.9, "b", seed=1, flagged="tiny"))
    (row,) = group.attempts.to_dict("records")
    assert (row["name"], row["seeds"], row["seeds_flagged"], row["seeds_max"]) == ("a", 2, 1, 0.9)


def test_a_configuration_file_that_gained_a_line_without_effect_makes_no_other_attempt():
    old = [
        run(0.3, "a", **SOUND | {"seg.configuration": "old"}),
        run(0.32, "b", seed=1, **{"seg.configuration": "old"}),
    ]
    (group,) = grouped(*old, run(0.3, "c", when=5, **{"seg.configuration": "new"}))
    (row,) = group.attempts.to_dict("records")
    assert (row["name"], row["seeds"], group.repeated) == ("a", 2, 1)
    (group,) = grouped(*old, run(0.31, "c", when=5, **{"seg.configuration": "new"}))
    assert sorted(names(group.attempts)) == ["a", "c"]


def test_one_overridden_value_makes_another_row_that_says_so():
    found = ranked(run(0.3, "a"), run(0.2, "b", overrides=("recipe.as_of=2",)))
    assert names(found) == ["a", "b"]
    assert found["options"].tolist() == ["", "recipe.as_of=2"]
    assert "with" in [column.head for column in columns.shown(found)]


# ---- the order ---------------------------------------------------------------------------------------------


def test_complete_evidence_comes_first_then_what_lacks_some_then_what_fails():
    fails = SOUND | {"null/uniform_p": 0.5}
    found = ranked(run(0.9, "f", k=2, **fails), run(0.5, "l", k=3), run(0.1, "c", k=4, **SOUND))
    assert names(found) == ["c", "l", "f"]
    assert found["lacks"].tolist() == [[], ["stability", "null", "hold-out"], []]
    assert found["fails"].tolist() == [[], [], ["noise p 0.50"]]
    assert order.best(found)["name"] == "c"


def test_two_segments_do_not_win_where_more_segments_predict_better():
    # Online Retail, k-means on logs of recency, orders and revenue: separation falls with k, what is explained rises.
    table = {2: (0.43, 0.178), 3: (0.36, 0.213), 4: (0.34, 0.226), 6: (0.30, 0.243)}
    runs = [
        run(silhouette, f"k{k}", k=k, **SOUND | {"holdout/deviance_explained": explained})
        for k, (silhouette, explained) in table.items()
    ]
    found = ranked(*runs)
    assert order.best(found)["name"] == "k6" and names(found)[0] == "k6"


def test_the_fewest_segments_within_one_standard_error_of_the_largest_are_best():
    explained = {3: 0.20, 4: 0.245, 6: 0.25, 9: 0.255}
    found = ranked(
        *[
            run(0.3, f"k{k}", k=k, **SOUND | {"holdout/deviance_explained": one})
            for k, one in explained.items()
        ]
    )
    assert order.best(found)["name"] == "k4"
    assert names(found) == ["k4", "k9", "k6", "k3"]


def test_without_a_standard_error_the_largest_is_best_and_runs_that_are_no_candidate_are_off_the_front():
    exact = {name: value for name, value in SOUND.items() if name != "holdout/deviance_explained_se"}
    found = ranked(
        run(0.3, "a", k=4, **exact),
        run(0.3, "b", k=6, **exact | {"holdout/deviance_explained": 0.21}),
        run(0.9, "c", k=2),
    )
    assert order.best(found)["name"] == "b"
    assert not found.set_index("name").loc["c", "front"]


def test_the_sentence_on_the_best_run_counts_the_candidates():
    for runs, words in (
        ([run(0.3, "a", **SOUND)], "the only candidate"),
        ([run(0.3, "a", **SOUND), run(0.3, "b", k=5, **SOUND)], "of 2 candidates"),
    ):
        (group,) = grouped(*runs)
        demand = order.demand_of(group.attempts, True)
        found = order.judged(group.attempts, demand)
        assert runs_table.reason(order.best(found), found, demand).startswith(
            f"{words}: 0.200 of the deviance"
        )


def test_words_stand_left_and_numbers_right():
    words = [column.key for column in columns.COLUMNS if not column.numeric]
    assert words == ["run_id", "model", "recipe", "scaler", "cleaning", "standing", "options"]


def test_a_mixture_that_left_a_cluster_empty_counts_with_the_segments_that_there_are():
    left = run(0.3, "a", k=3, **SOUND) | {"tags.segments": "Champions; Lost customers; noise"}
    full = run(0.3, "b", k=3, model="gmm", **SOUND) | {
        "tags.segments": "Champions; Lost customers; New customers"
    }
    found = ranked(full, left)
    assert order.best(found)["name"] == "a"
    cells = {row["name"]: columns.n_of_segments(row) for row in found.to_dict("records")}
    assert cells == {"a": "3 (2 segments)", "b": "3"}


def test_a_run_that_is_worse_than_rule_rfm_is_no_candidate():
    found = ranked(run(0.3, "a", **SOUND | {"holdout/over_rule_rfm_high": -0.001}))
    assert found["fails"].tolist() == [["worse than rule RFM"]] and order.best(found) is None


def test_the_front_holds_the_runs_that_no_other_beats_everywhere():
    rng = np.random.default_rng(0)
    runs = [
        run(silhouette, str(i), k=2 + i, **SOUND | {"stability/jaccard_min": jaccard, "holdout/auc": auc})
        for i, (silhouette, jaccard, auc) in enumerate(
            rng.uniform([0.1, 0.76, 0.61], [0.6, 1, 0.9], (30, 3)).tolist()
        )
    ]
    found = ranked(*runs)
    values = found[list(order.RANGES)].to_numpy()
    for place, row in enumerate(values):
        beaten = ((values >= row).all(axis=1) & (values > row).any(axis=1)).any()
        assert found["front"][place] == (not beaten)
    assert 1 < found["front"].sum() < 30


def test_a_data_set_without_dates_is_judged_without_a_holdout():
    evidence = {key: value for key, value in SOUND.items() if not key.startswith("holdout")}
    found = ranked(run(0.3, "a", holdout="no", **evidence), holdout=False)
    assert found["standing"].tolist() == ["candidate"]
    assert found["worth"].tolist() == pytest.approx([0.8 * 0.3])


def test_an_auc_after_another_day_is_no_auc_here():
    other = run(0.9, "o", k=3, holdout="2011-06-01 and 30 days", **SOUND | {"holdout/auc": 0.95})
    found = ranked(run(0.3, "a", **SOUND), run(0.3, "b", k=5, **SOUND), other)
    assert found.set_index("name").loc["o", "lacks"] == ["hold-out"]
    assert np.isnan(found.set_index("name").loc["o", "holdout/auc"])


@pytest.mark.parametrize(
    ("changed", "lacks", "fails"),
    [
        ({"stability/jaccard_min": 0.74}, [], ["stability 0.74"]),
        ({"null/permuted_p": 1 / 11, "null/draws": 10}, ["null draws"], []),
        ({"null/permuted_p": 2 / 11, "null/draws": 10}, ["null draws"], []),
        ({"holdout/auc": 0.59}, [], ["hold-out 0.59"]),
        ({"holdout/auc": 0.7, "holdout/auc_random": 0.71}, [], ["hold-out 0.70"]),
    ],
)
def test_each_test_has_its_threshold_and_too_few_draws_are_a_gap_not_a_failure(changed, lacks, fails):
    (row,) = ranked(run(**SOUND | changed)).to_dict("records")
    assert (row["lacks"], row["fails"]) == (lacks, fails)


def test_ranks_count_among_all_and_among_runs_of_the_same_k():
    found = ranked(run(0.5, "a", k=2), run(0.4, "b", k=3), run(0.3, "c", k=3, model="gmm"))
    assert found[["name", "rank", "rank_at_k", "of_at_k"]].to_numpy().tolist() == [
        ["a", 1, 1, 1], ["b", 2, 1, 2], ["c", 3, 2, 2],
    ]  # fmt: skip


def test_another_metric_of_a_shared_space_may_order_and_unmeasured_runs_stand_last():
    runs = [
        run(0.5, "a", k=2),
        run(0.4, "b", k=3, **{"null/permuted_p": 0.9}),
        run(0.3, "c", k=4, **{"null/permuted_p": 0.1}),
    ]
    assert names(ranked(*runs, sort="null/permuted_p")) == ["c", "b", "a"]


@pytest.mark.parametrize("sort", ["own/silhouette", "embedding/silhouette", "scan/inertia"])
def test_an_order_by_a_metric_of_different_spaces_is_refused(sort):
    with pytest.raises(SegError, match=r"not on one scale.*sort=common/silhouette"):
        columns.sortable(sort, attempts.tidy(pd.DataFrame([run()])))


def test_an_unknown_order_names_the_nearest():
    with pytest.raises(SegError, match="sort=common/silhuette: unknown; expected one of common/silhouette"):
        columns.sortable("common/silhuette", attempts.tidy(pd.DataFrame([run()])))


# ---- what is said ------------------------------------------------------------------------------------------


def test_what_is_missing_is_said_as_a_command_that_composes_and_asks_for_all_of_it():
    (group,) = grouped(run(0.3, "a", overrides=("recipe.features=[orders, revenue]", "seed=3")))
    demand = order.demand_of(group.attempts, True)
    found = order.ordered(order.judged(group.attempts, demand))
    first, second = runs_table.verdict(group, found, demand, ["tracking.experiment=other"])
    assert first.startswith("best: not known")
    words = shlex.split(second.strip().removeprefix("seg run "))
    load.prepare_environment()
    cfg = compose.compose([f"dataset={group.dataset}", *words])
    assert (cfg.k, cfg.seed, cfg.evaluation.null, cfg.evaluation.stability) == (4, 3, 20, True)
    assert str(cfg.evaluation.holdout.cut) == "2011-09-11"  # 90 days before as_of, where no run had a cut
    assert list(cfg.recipe.features) == ["orders", "revenue"] and cfg.tracking.experiment == "other"


def test_what_a_study_with_a_sweep_of_its_own_lacks_is_measured_by_one_run():
    (group,) = grouped(run(overrides=["experiment=search"]) | {"tags.sweep.job": "3"})
    demand = order.demand_of(group.attempts, True)
    found = order.ordered(order.judged(group.attempts, demand))
    assert "experiment=search hydra.mode=RUN k=4" in runs_table.verdict(group, found, demand, [])[1]


def test_sample_data_has_no_best_run():
    (group,) = grouped(run(0.3, "a", data="sample", **SOUND))
    demand = order.demand_of(group.attempts, True)
    found = order.ordered(order.judged(group.attempts, demand))
    assert "SAMPLE DATA" in runs_table.verdict(group, found, demand, [])[0]


def test_a_cell_that_was_not_measured_is_a_dash():
    found = ranked(run(0.3, "a"), run(0.4, "b", model="gmm", **{"stability/jaccard_min": 0.9}))
    row = next(row for row in found.to_dict("records") if row["common/silhouette"] == 0.3)
    cells = {column.head: column.text(row) for column in columns.shown(found)}
    assert cells["common silhouette"] == "0.300" and cells["Jaccard min"] == "-"
    assert (
        "over rule RFM" not in cells and "hold-out AUC" not in cells
    )  # measured in no run: no column of dashes
    (row,) = ranked(run(0.3, "a", **{"common/silhouette_se": 0.004})).to_dict("records")
    assert columns.COLUMNS[9].text(row) == "0.300 ± 0.004"


def test_on_a_narrow_terminal_the_ranking_comes_in_parts_and_no_cell_is_cut():
    (group,) = grouped(run(0.3, "a", model="minibatch_kmeans", **SOUND), run(0.2, "b", k=3))
    demand = order.demand_of(group.attempts, True)
    found = order.ordered(order.judged(group.attempts, demand))
    lines = {}
    for width in (80, 300):
        console = Console(width=width, file=io.StringIO())
        runs_table.print_group(console, group, found, demand, "rule", [])
        lines[width] = console.file.getvalue().split("best:")[0].splitlines()[3:]
    assert max(map(len, lines[80])) <= 80
    assert (
        sum("aaaaaaaa" in line for line in lines[80]) >= 3
        and sum("aaaaaaaa" in line for line in lines[300]) == 1
    )
    for cell in ("minibatch_kmeans", "complete, Pareto front", "standard"):
        assert any(cell in line for line in lines[80]), cell


# ---- agreement ---------------------------------------------------------------------------------------------


def test_runs_are_compared_on_the_customers_whom_both_segmented():
    one = pd.Series([0, 0, 1, 1], index=list("abcd"))
    same_but_for_names = pd.Series([5, 5, 2, -1], index=list("dcba"))
    fewer = pd.Series([3, 3], index=["d", "x"])
    found = agreement([one, same_but_for_names, fewer])
    assert found.shared.tolist() == [[4, 4, 1], [4, 4, 1], [1, 1, 2]]
    assert found.index[0, 1] == pytest.approx(adjusted_rand_score([0, 0, 1, 1], [-1, 2, 5, 5]))
    assert np.isnan(found.index[0, 2])


def test_what_a_name_holds_cannot_become_part_of_the_page():
    (group,) = grouped(run(0.3, "</script><img src=x>", overrides=("recipe.note=<b>",)))
    demand = order.demand_of(group.attempts, True)
    listed = compare_page.Listed(group, order.ordered(order.judged(group.attempts, demand)), demand)
    html = compare_page.render([listed], [], {"store": "<i>"}, [], "rule")
    assert "<img" not in html and "<b>" not in html and "<i>" not in html
    assert html.count("</script>") == 2


def test_the_lift_is_how_much_more_the_segments_tell_than_rule_based_rfm():
    table = attempts.tidy(pd.DataFrame([run(**SOUND)], index=[7]))
    assert table["holdout/lift"].tolist() == pytest.approx([0.7 - 0.72])
    assert list(table.index) == [0] and "index" not in table


def test_the_best_of_two_lists_is_no_champion_since_their_ranks_are_not_comparable():
    lists = [
        (group, order.ordered(order.judged(group.attempts, demand), "rule", True), demand)
        for group in grouped(run(name="a", **SOUND), run(name="b", **{"seg.points": "p2"}, **SOUND))
        for demand in [order.demand_of(group.attempts, True)]
    ]
    assert champion.best(lists[:1], [])[0]["name"] == "a"
    with pytest.raises(SegError, match="2 lists with different customers"):
        champion.best(lists, [])


def test_a_flagged_run_is_on_no_front():
    (group,) = grouped(run(name="a", **SOUND), run(name="b", k=5, flagged="one giant segment", **SOUND))
    demand = order.demand_of(group.attempts, True)
    listed = compare_page.Listed(group, order.ordered(order.judged(group.attempts, demand)), demand)
    shown = {one["name"]: compare_page._run(one, 0)["front"] for one in listed.runs}
    assert shown == {"a": True, "b": False}


def test_nothing_that_qualifies_is_said_with_what_each_list_lacks():
    with pytest.raises(SegError, match="best=true: nothing qualifies"):
        champion.best([], [])


def test_one_run_that_left_its_segments_is_compared_with_nobody(tmp_path):
    (group,) = grouped(run())
    judged = ranked(run())
    left = {(run()["run_id"], compare_page.ASSIGNMENTS): tmp_path / "assignments.parquet"}
    assert (
        compare_page._matrix(compare_page.Listed(group, judged, order.demand_of(judged, True), left)) is None
    )


def test_runs_of_several_seeds_are_listed_with_their_spread():
    console = Console(file=io.StringIO(), width=200)
    runs_table._print_seeds(console, ranked(run(0.2), run(0.4, "b", seed=1), run(0.5, "c", model="gmm")))
    printed = console.file.getvalue()
    assert "0.300" in printed and "0.200" in printed and "0.400" in printed and "gmm" not in printed
    runs_table._print_seeds(alone := Console(file=io.StringIO()), ranked(run(0.5, "c", model="gmm")))
    assert not alone.file.getvalue()


def test_attempts_keep_the_order_of_their_first_runs():
    every = grouped(run(0.2), run(0.4, "b", model="gmm", when=1), run(0.3, "c", model="birch", when=2))[
        0
    ].attempts
    for some in (every, every[::-1]):
        assert names(attempts._over_seeds(some)) == names(some)


def test_options_that_all_runs_share_tell_none_of_them_apart():
    runs = pd.DataFrame({"options": [["a=1", "b=2"], ["a=1", "c=3"]]})
    assert attempts.without_common_options(runs)["options"].tolist() == ["b=2", "c=3"]
    assert attempts.without_common_options(runs[:1])["options"].tolist() == ["a=1 b=2"]
