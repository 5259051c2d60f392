"""Who moved, how far the population has drifted, which segment of a refit is which: by hand, then as commands."""

import json
from datetime import date
from math import log
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from test_scoring import ORDERS, train

from seg import migrate
from seg.errors import SegError
from seg.metrics import drift, guards
from seg.score import __main__ as score
from seg.score import refit
from seg.segments import matching, movement

# ---- drift by hand -------------------------------------------------------------------------------------------------


def test_the_stability_index_is_as_worked_by_hand():
    # shares 0.5, 0.5 and 0.25, 0.75: -0.25 ln(0.5) + 0.25 ln(1.5)
    assert drift.psi([50, 50], [25, 75]) == pytest.approx(-0.25 * log(0.5) + 0.25 * log(1.5))
    assert drift.psi([5, 5], [500, 500]) == 0
    assert drift.psi([25, 75], [50, 50]) == pytest.approx(drift.psi([50, 50], [25, 75]))


def test_an_empty_cell_counts_as_half_a_customer():
    # shares 0.5, 0.5 and 1.0, 0.05 (half of ten)
    assert drift.psi([5, 5], [10, 0]) == pytest.approx(0.5 * log(2) - 0.45 * log(0.05 / 0.5))
    assert np.isnan(drift.psi([5, 5], [0, 0]))


def test_the_usual_limits_give_the_words():
    assert [drift.verdict(index) for index in (0.0, 0.0999, 0.1, 0.25, 0.2501)] == [
        "stable", "stable", "moved", "moved", "changed",
    ]  # fmt: skip
    assert drift.verdict(1.5, chance=7.8) == "unknown"  # one customer


def test_chance_alone_moves_small_samples_as_far_as_is_said():
    rng = np.random.default_rng(0)
    n, m, cells = 400, 300, 10
    pairs = [(rng.integers(cells, size=n), rng.integers(cells, size=m)) for _ in range(400)]
    found = [drift.psi(np.bincount(a, minlength=cells), np.bincount(b, minlength=cells)) for a, b in pairs]
    assert np.quantile(found, 0.95) == pytest.approx(drift.by_chance(n, m, cells), rel=0.15)


def test_drift_takes_deciles_of_the_reference_and_equal_ones_together():
    then = pd.DataFrame({"orders": [1] * 60 + [2] * 20 + [3] * 10 + [9] * 10, "same": 1.0})
    now = pd.DataFrame({"orders": [1] * 30 + [2] * 20 + [3] * 40 + [9] * 10, "same": 1.0})
    found = drift.drift(then, now, ["orders", "same"]).set_index("feature")
    assert found.at["orders", "cells"] == 4
    assert found.at["orders", "psi"] == pytest.approx(-0.3 * log(0.5) + 0.3 * log(4))
    assert found.at["orders", "shift"] == pytest.approx(
        (now["orders"].mean() - 2.2) / then["orders"].std(ddof=0)
    )
    assert found.at["same", "psi"] == 0 and np.isnan(found.at["same", "shift"])


# ---- matching by hand ------------------------------------------------------------------------------------------------


def test_matching_keeps_most_customers_where_the_greatest_overlap_first_would_not():
    # Greatest first: 10 + 0. Best: 9 + 8.
    counts = pd.DataFrame([[10, 9], [8, 0]], index=[0, 1], columns=[0, 1])
    assert matching.match(counts) == {1: 0, 0: 1}


def test_a_segment_without_a_counterpart_is_new_and_noise_is_noise():
    old = np.array([0, 0, 0, 1, 1, -1, -1])
    new = np.array([2, 2, 1, 0, 0, -1, 0])
    counts = matching.overlap(old, new)
    assert counts.loc[0].tolist() == [0, 0, 1, 2]
    matched = matching.match(counts)
    assert matched == {2: 0, 0: 1, -1: -1}
    names = {0: "champions", 1: "asleep", -1: "noise"}
    assert matching.named_after(matched, [-1, 0, 1, 2], names) == {
        -1: "noise", 0: "asleep", 1: "new segment 1", 2: "champions",
    }  # fmt: skip


def test_segments_that_share_no_customer_are_not_matched():
    counts = pd.DataFrame([[5, 0], [3, 0]], index=[0, 1], columns=[0, 1])
    assert matching.match(counts) == {0: 0}


# ---- movement by hand --------------------------------------------------------------------------------------------------


def test_days_step_by_the_calendar_and_end_where_asked():
    start, end = date(2011, 1, 31), date(2011, 4, 1)
    assert movement.days(start, end, "month") == [start, date(2011, 2, 28), date(2011, 3, 31), end]
    assert movement.days(start, end, "none") == [start, end]
    assert movement.days(start, date(2011, 2, 28), "month") == [start, date(2011, 2, 28)]


def test_customers_get_their_previous_segment_and_the_dates_between_which_it_changed():
    looked = [date(2011, 6, 30), date(2011, 7, 31), date(2011, 8, 31)]
    segments = [
        pd.Series({"a": 0, "b": 1, "c": 0}),
        pd.Series({"a": 0, "b": 0, "c": 1, "d": 1}),
        pd.Series({"a": 0, "b": 0, "d": 0}),
    ]
    on = {
        day: (pd.DataFrame({"orders": 1.0}, index=found.index), found)
        for day, found in zip(looked, segments, strict=True)
    }
    moved = movement.compare_days(on, {0: "good", 1: "poor"})
    table = moved.customers.set_index("customer_id")
    assert table["status"].to_dict() == {"a": "stayed", "b": "moved", "c": "gone", "d": "new"}
    assert table["previous_segment"].fillna(-9).astype(int).to_dict() == {"a": -9, "b": 1, "c": 0, "d": 1}
    assert table.loc["b", ["changed_after", "changed_by"]].dt.date.tolist() == looked[:2]
    assert table.loc["d", ["changed_after", "changed_by"]].dt.date.tolist() == looked[1:]
    assert list(table)[1:3] == ["segment", "segment_name"]
    assert table.at["b", "segment_name"] == "good" and table.at["b", "previous_segment_name"] == "poor"
    counts = moved.transitions.set_index(["from", "to"])
    assert counts.at[("good", "good"), "customers"] == 1 and counts.at[("good", "good"), "share"] == 0.5
    assert counts.at[("good", "gone"), "customers"] == 1
    assert counts.at[("poor", "good"), "share"] == 1.0
    assert counts.at[("new", "good"), "customers"] == 1
    assert moved.index == pytest.approx(drift.psi([2, 1], [3, 0]))


# ---- the command -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return train(tmp_path_factory.mktemp("model"), "dataset=transactions", "k=4")


def test_with_log_json_every_line_is_an_object_and_the_last_one_holds_the_summary(model, tmp_path, capsys):
    from seg.score.__main__ import main as score

    folder, _ = model
    scored = [f"model={folder}", f"input={ORDERS}", f"output={tmp_path / 'scored.parquet'}", "log=json"]
    moved = [
        f"model={folder}",
        f"output={tmp_path / 'moved'}",
        "from=2024-06-30",
        "to=2024-09-30",
        "log=json",
    ]
    for command, arguments, kept in (
        (score, scored, "scored.summary.json"),
        (migrate.main, moved, "moved/summary.json"),
    ):
        assert command(arguments) == 0
        lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        assert len(lines) > 3 and all({"time", "level", "message"} <= line.keys() for line in lines)
        assert lines[-1]["summary"] == json.loads((tmp_path / kept).read_text())
        assert command([*arguments, "if_exists=skip"]) == 0
        assert "skipped" in json.loads(capsys.readouterr().out)["message"]


def test_customers_are_seen_as_they_were_with_nothing_from_later(model, tmp_path, capsys):
    folder, _ = model
    asked = [f"model={folder}", f"output={tmp_path / 'moved'}", "from=2024-06-30", "to=2024-09-30"]
    sink = ["sink=parquet", f"sink.folder={tmp_path / 'out'}"]
    code = migrate.main([*asked, *sink, "--json", "fail_on=drift", "log=json"])
    told = json.loads(capsys.readouterr().out)
    assert code == (3 if told["drift"] == "changed" else 0)
    assert told == json.loads((tmp_path / "moved" / "summary.json").read_text())
    assert told["from"] == "2024-06-30" and told["day"] == "2024-09-30" and told["features"]
    (exported,) = (tmp_path / "out" / "movement").glob(f"{told['run_id']}.parquet")
    assert pd.read_parquet(exported)["customers"].sum() == told["customers"]
    before = exported.stat().st_mtime_ns
    assert migrate.main([*asked, *sink, "if_exists=fail", "log=json"]) == 1
    error = json.loads(capsys.readouterr().err.splitlines()[-1])
    assert error["level"] == "error" and "exists already" in error["message"]
    assert migrate.main([*asked, *sink, "if_exists=skip", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == told and exported.stat().st_mtime_ns == before
    left = {path.name for path in (tmp_path / "moved").iterdir()}
    assert left == {
        "movement.html",
        "movement.png",
        "transitions.csv",
        "customers.parquet",
        "drift.csv",
        "shares.csv",
        "summary.json",
        "run.json",
    }
    customers = pd.read_parquet(tmp_path / "moved" / "customers.parquet").set_index("customer_id")
    transitions = pd.read_csv(tmp_path / "moved" / "transitions.csv")
    assert transitions["customers"].sum() == len(customers)
    assert set(customers["changed_by"].dropna().dt.strftime("%m-%d")) <= {"07-30", "08-30", "09-30"}
    # The same by scoring a file that ends on that day.
    rows = pd.read_csv(ORDERS, dtype=str)
    for day, column in (("2024-06-30", "segment_from"), ("2024-09-30", "segment")):
        rows[rows["ordered_at"].str[:10] <= day].to_csv(tmp_path / "cut.csv", index=False)
        following = str((pd.Timestamp(day) + pd.Timedelta(days=1)).date())
        line = [f"model={folder}", f"input={tmp_path / 'cut.csv'}", f"output={tmp_path / 'cut.parquet'}"]
        assert score.main([*line, f"as_of={following}", "force=true"]) == 0
        alone = pd.read_parquet(tmp_path / "cut.parquet").set_index("customer_id")["segment"]
        found = customers[column].dropna()
        assert found.to_dict() == alone.to_dict()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            ["from=2024-09-30", "to=2024-06-30"],
            "from=2024-09-30 to=2024-06-30: expected from to be before to",
        ),
        (
            ["from=2020-01-01", "to=2024-06-30"],
            "from=2020-01-01: outside the data, whose orders are of 2024-",
        ),
        (["from=2024-02-01", "to=2030-06-30"], "to=2030-06-30: outside the data"),
        (["from=June", "to=2024-06-30"], "from=June: expected a day such as"),
        (["from=2024-02-01"], "to=... is required"),
        (["from=2024-02-01", "to=2024-03-01", "steps=year"], "steps=year: expected one of"),
        (["from=2024-02-01", "to=2024-03-01", "to_model=x"], "either two days or two models"),
        (["to_model=x", "fail_on=drift"], "fail_on=drift: only between two days"),
        (["from=2024-02-01", "to=2024-03-01", "fail_on=rejected"], "fail_on=rejected: expected one of"),
    ],
)
def test_wrong_days_are_refused_and_leave_nothing(model, tmp_path, capsys, given, said):
    assert migrate.main([f"model={model[0]}", f"output={tmp_path / 'moved'}", *given]) == 1
    assert said in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_table_of_customers_has_no_earlier_day(tmp_path, capsys):
    folder, _ = train(tmp_path / "model", "dataset=customers", "k=3")
    assert (
        migrate.main([f"model={folder}", "from=2024-02-01", "to=2024-03-01", f"output={tmp_path / 'x'}"]) == 1
    )
    assert "one row a customer, who cannot be seen as of an earlier day" in capsys.readouterr().err


def test_a_refit_keeps_the_names_of_segments_that_are_the_same(model, tmp_path, capsys):
    folder, result = model
    other, refitted = train(tmp_path / "other", "dataset=transactions", "k=5", "seed=7")
    assert migrate.main([f"model={folder}", f"to_model={other}", f"output={tmp_path / 'moved'}"]) == 0
    table = pd.read_csv(tmp_path / "moved" / "matching.csv").set_index("segment")
    told = json.loads((tmp_path / "moved" / "summary.json").read_text())
    assert told["stayed"] + told["moved"] == told["customers"] and 0 < told["kept"] <= 1
    assert sorted(table["matched"].dropna()) == sorted(result.segments["name"])
    assert table["named"].str.startswith("new segment").sum() == 1
    overlap = pd.crosstab(result.labels, refitted.labels)
    # No other assignment of the segments keeps more customers.
    from itertools import permutations

    best = max(
        sum(overlap.iloc[one, place] for one, place in enumerate(order))
        for order in permutations(range(5), 4)
    )
    assert table["shared"].sum() == best
    assert "adjusted Rand index" in capsys.readouterr().out
    # The names then go with the new model.
    line = [f"model={other}", f"input={ORDERS}", f"output={tmp_path / 's.csv'}"]
    assert score.main([*line, f"names={tmp_path / 'moved' / 'matching.csv'}"]) == 0
    found = pd.read_csv(tmp_path / "s.csv")
    assert found["name"].tolist() == found["segment"].map(table["named"]).tolist()
    assert score.main([*line, "force=true", f"names={ORDERS}"]) == 1
    assert "expected columns segment and named" in capsys.readouterr().err


def test_models_of_different_data_are_not_compared(model, tmp_path, capsys):
    other, _ = train(tmp_path / "other", "dataset=customers", "k=3")
    assert migrate.main([f"model={model[0]}", f"to_model={other}", f"output={tmp_path / 'x'}"]) == 1
    assert "compare models of one data set" in capsys.readouterr().err


def test_a_match_that_shares_few_customers_is_said_to_be_one_by_name_only():
    old, new = pd.Series([0, 0, 0, 1, 1, 1]), pd.Series([0, 1, 1, 1, 1, 1])
    matched = refit.compare_models(old, new, {0: "good", 1: "poor"}, {0: "a", 1: "b"})
    # good: 1 shared of 3; poor: 3 of 5
    assert matched.table["jaccard"].tolist() == pytest.approx([1 / 3, 3 / 5])
    assert matched.kept == pytest.approx(4 / 6)
    assert "by name only: good," in matched.sentence and "poor" not in matched.sentence


def test_customers_of_two_worlds_are_not_matched():
    with pytest.raises(SegError, match="no customer in common"):
        refit.compare_models(pd.Series({"a": 0}), pd.Series({"b": 0}), {0: "x"}, {0: "y"})


@pytest.mark.real
def test_online_retail_between_june_and_september(tmp_path, real_data: Path):
    folder, trained = train(tmp_path / "model", "dataset=online_retail", "k=4", f"data_dir={real_data}")
    features = trained.table.frame[trained.table.features]
    assert guards.guards(trained.X, trained.labels, features) == [], "logarithms and unit variance: no flag"
    asked = [f"model={folder}", "from=2011-06-30", "to=2011-09-30", "steps=none", f"data_dir={real_data}"]
    assert migrate.main([*asked, f"output={tmp_path / 'moved'}"]) == 0
    customers = pd.read_parquet(tmp_path / "moved" / "customers.parquet")
    counts = customers["status"].value_counts()
    # Buyers known by id up to the two days: counted in the file by a direct script.
    assert counts.drop("new").sum() == 2960 and counts.sum() == 3616
