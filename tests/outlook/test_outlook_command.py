"""The outlook of a run and of the command, from a file of orders to the page; what cannot be is refused with the reason."""

from __future__ import annotations

import json
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

import command_line
from seg.config import compose, load
from seg.errors import SegError
from seg.outlook import __main__ as command
from seg.outlook import ahead
from seg.score import __main__ as score

START = date(2022, 1, 1)
DAYS = 730  # 2022 and 2023
SMALL = ["dataset=transactions", "dataset.columns.order_id=order_id", "dataset.columns.amount=amount", "k=2", "tracking=none",
         "tracking.model=true", "cache=off", "selection.k_range=[2]", "outlook.classical=false", "outlook.training_cuts=1"]  # fmt: skip


def orders_file(folder, days: int = DAYS, customers: int = 120):
    """Write orders of customers who buy at rates of their own until they are lost."""
    rng, rows = np.random.default_rng(0), []
    for customer in range(customers):
        rate, value, first = rng.gamma(1.0, 1 / 25), rng.gamma(2.0, 40.0), rng.integers(0, days // 2)
        lost = first + rng.geometric(1 / 400)
        for day in range(first, min(lost, days)):
            if day == first or rng.random() < rate:
                rows.append(
                    (
                        f"c{customer}",
                        f"o{len(rows)}",
                        START + timedelta(days=day),
                        round(value * rng.uniform(0.5, 1.5), 2),
                    )
                )
    frame = pd.DataFrame(rows, columns=["customer_id", "order_id", "ordered_at", "amount"])
    ends = [("c0", "first", START, 1.0), ("c0", "last", START + timedelta(days=days - 1), 1.0)]
    path = folder / "orders.csv"
    pd.concat([frame, pd.DataFrame(ends, columns=frame.columns)]).to_csv(path, index=False)
    return path


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Run with an outlook: the directory of the run, and the file of orders."""
    folder = tmp_path_factory.mktemp("outlook")
    path = orders_file(folder)
    done = command_line.run(
        "seg.run",
        *SMALL,
        f"dataset.path={path}",
        "evaluation.outlook=true",
        "outlook.horizons=[30,400]",
        f"hydra.run.dir={folder / 'run'}",
    )
    assert done.returncode == 0, done.stderr
    return folder / "run", path


def test_scores_travel_with_the_customers_of_a_run(made):
    run, _path = made
    customers = pd.read_parquet(run / "customers.parquet")
    scores = pd.read_parquet(run / "outlook" / "customer_outlook.parquet")
    assert customers["probability_30"].between(0, 1).all() and (customers["spend_30"] >= 0).all()
    assert customers["probability_lost"].tolist() == pytest.approx((1 - customers["probability_30"]).tolist())
    assert set(customers["customer_id"]) == set(scores["customer_id"])
    # Who bought in the last days is likelier to come back than who has not for half a year.
    late = customers["recency_days"] > 180
    assert customers.loc[~late, "probability_30"].mean() > 2 * customers.loc[late, "probability_30"].mean()


def test_the_model_card_says_the_horizon_and_the_day_of_training(made):
    card = json.loads((made[0] / "scoring.json").read_text())["outlook"]
    assert card == {"day": "2024-01-01", "horizons": [30], "lost_after": 30, "trained_until": "2023-12-31"}


def test_the_page_shows_value_tests_and_forecasts_and_says_what_is_not_possible(made):
    page = (made[0] / "outlook" / "outlook.html").read_text()
    for words in (
        "Value at stake",
        "What a test can show",
        "Expected and observed",
        "Revenue by month",
        "Movement of a month",
    ):
        assert words in page
    assert "400 days: not possible: the history is too short" in page
    report = (made[0] / "report.html").read_text()
    assert "What is at stake" in report and "What an A/B test of the actions can show" in report
    book = pd.ExcelFile(made[0] / "segments.xlsx")
    assert book.sheet_names[-2:] == ["value at stake", "A-B tests"]
    assert {"expected to buy", "value at stake"} <= set(pd.read_excel(book, "value at stake").columns)


def test_scoring_gives_the_same_scores_if_it_is_asked_for_them(made, tmp_path, capsys):
    run, path = made
    target = tmp_path / "scored.parquet"
    asked = [f"model={run}", f"input={path}", f"output={target}", "evaluation.outlook=true", "track=false"]
    assert score.main(asked) == 0, capsys.readouterr().err
    columns = ["customer_id", "probability_30", "spend_30", "probability_lost"]
    here = pd.read_parquet(target)[columns].sort_values("customer_id", ignore_index=True)
    then = pd.read_parquet(run / "customers.parquet")[columns].sort_values("customer_id", ignore_index=True)
    pd.testing.assert_frame_equal(here, then, check_dtype=False)


def test_a_table_of_features_has_no_outlook(made, tmp_path, capsys):
    table = f"input={made[0] / 'customers.parquet'}"
    asked = [f"model={made[0]}", table, f"output={tmp_path / 'x.parquet'}", "evaluation.outlook=true"]
    assert score.main(asked) == 1
    assert "does not show when each order was placed; pass the orders" in capsys.readouterr().err


def test_tables_add_up(made):
    folder = made[0] / "outlook"
    stakes, scores = (
        pd.read_csv(folder / "value_at_stake.csv"),
        pd.read_parquet(folder / "customer_outlook.parquet"),
    )
    assert stakes["customers"].sum() == len(scores)
    assert stakes["expected_spend"].sum() == pytest.approx(scores["spend_30"].sum())
    future = pd.read_csv(folder / "forecast.csv").pivot_table(
        index=["measure", "month"], columns="segment", values="mean"
    )
    # Most segments of this small shop buy too little for forecasts of their own, which the page says; the total has one.
    assert list(future.columns) == ["Loyal customers", "all"]
    assert (future["Loyal customers"] > 0).all() and (future["Loyal customers"] <= future["all"]).all()
    page = (folder / "outlook.html").read_text()
    assert (
        "which also includes “" in page
        and "no forecast of “new customers” alone: in the last 6 months" in page
    )
    assert sorted(future.index.get_level_values("month").unique())[0] == "2024-01"


def test_the_command_gives_what_the_run_gave(made, tmp_path, capsys):
    run, path = made
    asked = [
        f"model={run}",
        f"input={path}",
        *SMALL[-2:],
        "horizons=30",
        f"output={tmp_path / 'made'}",
    ]
    assert command.main(asked) == 0, capsys.readouterr().err
    here = pd.read_parquet(tmp_path / "made" / "customer_outlook.parquet")
    pd.testing.assert_frame_equal(here, pd.read_parquet(run / "outlook" / "customer_outlook.parquet"))
    assert command.main(asked) == 1
    assert "exists already" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("horizons=0", "expected whole numbers of days"),
        ("cut=2011", "expected a day such as"),
        ("outlook.mnths=3", "unknown key"),
        ("k=3", "is part of the model"),
    ],
)
def test_wrong_options_are_refused_and_leave_nothing(made, tmp_path, capsys, given, words):
    assert command.main([f"model={made[0]}", f"input={made[1]}", f"output={tmp_path / 'made'}", given]) == 1
    assert words in capsys.readouterr().err
    assert not (tmp_path / "made").exists()


def test_a_short_history_leaves_a_page_that_says_why(made, tmp_path, capsys):
    path = orders_file(tmp_path, days=60, customers=30)
    asked = [f"model={made[0]}", f"input={path}", "outlook.classical=false", f"output={tmp_path / 'made'}"]
    assert command.main(asked) == 0, capsys.readouterr().err
    page = (tmp_path / "made" / "outlook.html").read_text()
    for horizon in (30, 400):  # as the run asked for
        assert f"{horizon} days: not possible: the history is too short" in page
    assert "at least 18 are needed" in page
    assert list(pd.read_parquet(tmp_path / "made" / "customer_outlook.parquet")) == ["customer_id", "segment"]


def test_a_table_of_customers_has_no_outlook():
    settings = load.settings(compose.compose(["dataset=flo", "tracking=none"]))
    assert ahead.impossible(settings.dataset).startswith("not possible: dataset=flo has one row a customer")
    with pytest.raises(SegError, match="outlook: not possible: dataset=flo has one row a customer"):
        ahead.compute(settings, None, [], None, 1, {})


def test_a_command_without_a_model_says_so(capsys):
    assert command.main(["horizons=30"]) == 1
    assert "model=... is required" in capsys.readouterr().err
