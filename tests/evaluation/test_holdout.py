"""The temporal hold-out: no knowledge of the future, and the figures of Online Retail."""

from __future__ import annotations

from datetime import date
from types import SimpleNamespace

import ibis
import numpy as np
import pandas as pd
import pytest
from hydra import compose, initialize_config_dir
from sklearn.cluster import KMeans
from sklearn.preprocessing import StandardScaler

from seg import cleaning
from seg.config import load
from seg.datasets import synthetic
from seg.errors import SegError
from seg.evaluation import holdout
from seg.metrics.guards import guards
from seg.preparation import as_of
from seg.sources import locate

# ---- parting orders at the cut -----------------------------------------------------------------------------------


def held_out(asked, parts, engine, table, cut, days: int, k: int) -> holdout.Holdout:
    """Split the orders at the cut and judge k segments, as a run does."""
    parted = as_of.part(asked.preparation, engine, table, cut, days)
    return holdout.judge(parts, parted, k, asked.evaluation.silhouette_sample, asked.seed)


@pytest.fixture(scope="module")
def settings():
    load.prepare_environment()
    with initialize_config_dir(str(load.CONFIGS), version_base="1.3"):

        def make(*overrides: str):
            return load.settings(compose("run", overrides=["tracking=none", *overrides]))

        yield make


@pytest.fixture(scope="module")
def parts():
    return SimpleNamespace(
        scaler=StandardScaler(),
        make_clusterer=lambda k: KMeans(k, n_init=3, random_state=0),
        takes_k=True,
        embed=None,
    )


@pytest.fixture(scope="module")
def orders(lines):
    """Five customers before 10 June, and what happened around that day."""
    return lines(
        ("a", "1", "2024-06-01 10:00", "p", 1, 10),
        ("b", "2", "2024-06-09 23:59:59", "p", 2, 10),  # the last moment before the cut
        ("c", "3", "2024-06-02 10:00", "p", 1, 5),
        ("d", "4", "2024-05-01 10:00", "p", 4, 5),
        ("e", "5", "2024-05-03 10:00", "p", 3, 5),
        ("a", "6", "2024-06-10 00:00", "p", 3, 10),  # the first moment of the outcome
        ("b", "C7", "2024-06-12 10:00", "p", -2, 10),  # a return is no purchase
        ("c", "8", "2024-06-19 23:59:59", "p", 1, 7),  # the last day of ten
        ("c", "9", "2024-06-20 00:00", "p", 1, 100),  # too late
        ("n", "10", "2024-06-11 10:00", "p", 1, 500),  # nobody knew n before
        ("e", "11", "2024-06-13 10:00", "p", 1, 0),  # a gift
        (None, "12", "2024-06-13 10:00", "p", 1, 9),
    )


def test_orders_are_parted_at_the_cut_by_the_day(engine, settings, orders):
    parted = as_of.part(settings("dataset=toy").preparation, engine, orders, "2024-06-10", 10)
    assert parted.table.frame.index.tolist() == ["a", "b", "c", "d", "e"]
    assert parted.table.as_of == date(2024, 6, 10)
    assert parted.table.frame["recency_days"].tolist() == [9, 1, 8, 40, 38]
    assert parted.table.frame["revenue"].tolist() == [10, 20, 5, 20, 15]
    assert parted.outcome["bought"].tolist() == [1, 0, 1, 0, 0]
    assert parted.outcome["spend"].tolist() == [30, 0, 7, 0, 0]
    assert parted.outcome["known"].all() and parted.notes == ()


def test_pseudo_customers_are_segmented_and_not_judged(engine, settings, orders, lines):
    # Numbered anew after the cut, order 12 would be customer 100 again, who then seems to have come back.
    before = [("x", "21", "2024-06-03 10:00", "p", 1, 3), (None, "22", "2024-06-04 10:00", "p", 1, 4)]
    steps = ["pseudo_customers: {first_id: 100}", "cancellations"]
    asked = settings(
        "dataset=toy", f"cleaning.steps=[{','.join('{' + s + '}' if ':' in s else s for s in steps)}]"
    )
    both = orders.union(lines(*before))
    parted = as_of.part(asked.preparation, engine, both, "2024-06-10", 10)
    assert parted.outcome.index.tolist() == ["100", "a", "b", "c", "d", "e", "x"]
    assert parted.outcome["known"].tolist() == [False, *[True] * 6]
    assert parted.outcome["bought"].tolist() == [0, 1, 0, 1, 0, 0, 0]
    assert parted.notes == (
        "1 pseudo-customers of one order each cannot come back: segmented, and left out of the scores",
    )


def test_a_cleaning_that_moves_the_years_moves_the_cut_with_them(engine, settings, orders):
    asked = settings("dataset=toy", "cleaning.steps=[{shift_years: {years: 13}}, cancellations]")
    parted = as_of.part(asked.preparation, engine, orders, date(2024, 6, 10), 10)
    assert parted.table.as_of == date(2037, 6, 10)
    assert parted.table.frame["recency_days"].tolist() == [9, 1, 8, 40, 38]
    assert parted.outcome["bought"].tolist() == [1, 0, 1, 0, 0]


def test_an_outcome_that_the_data_do_not_fill_is_said(engine, settings, orders):
    parted = as_of.part(settings("dataset=toy").preparation, engine, orders, "2024-06-10", 30)
    assert parted.notes == ("the data end on 2024-06-20: the outcome covers only 11 of the 30 days",)


def test_segments_are_judged_by_the_outcome(engine, settings, parts, orders):
    found = held_out(settings("dataset=toy"), parts, engine, orders, "2024-06-10", 10, k=2)
    answer = found.sentence
    assert answer.startswith(
        "5 customers known before 2024-06-10, 40.0% of whom bought in the 10 days from then on: AUC "
    )
    assert len(found.labels) == len(found.X) == 5
    names = found.scores.baselines["name"].tolist()
    assert names[:3] == ["segments", "random", "rule RFM"]
    assert names[3:] == ["deciles of recency_days", "deciles of orders", "deciles of revenue"]
    assert found.metrics["holdout/customers"] == 5 and found.metrics["holdout/bought"] == 0.4
    assert not hasattr(parts.scaler, "mean_"), "the scaler of the run was fitted again"


# ---- a planted future --------------------------------------------------------------------------------------------

CUT = pd.Timestamp("2024-09-01")


def told(engine, frame: pd.DataFrame):
    """Make transactions of a frame of order lines."""
    frame = frame.assign(
        quantity=frame["quantity"].astype("float64"),
        amount=frame["quantity"] * frame["unit_price"],
        is_return=False,
        ordered_at=frame["ordered_at"].astype("datetime64[us]"),
    )
    return engine.register(frame.sort_values(["ordered_at", "order_id"], kind="stable", ignore_index=True))


@pytest.fixture(scope="module")
def futures(engine):
    """Two tables of one past, in which every cleaning step finds work: garbage after it, and one order after it."""
    rng = np.random.default_rng(0)
    lines = synthetic.toy(customers=300, seed=0).drop(columns="planted").assign(description="thing")
    lines["customer_id"] = (20_000_000 + lines["customer_id"].str[1:].astype(int)).astype(str)
    past = lines[lines["ordered_at"] < CUT].copy()
    past.loc[rng.random(len(past)) < 0.05, "unit_price"] = 0.0
    past.loc[rng.random(len(past)) < 0.05, "customer_id"] = None
    past = pd.concat([past, past.sample(50, random_state=0)])
    garbage = past.sample(4000, replace=True, random_state=1)
    garbage = garbage.assign(
        ordered_at=CUT + pd.to_timedelta(rng.integers(0, 500 * 24, 4000), unit="h"),
        quantity=rng.choice([-9e5, -1, 1, 7e6], 4000),
        unit_price=rng.choice([0, 0.99, 1e7], 4000),
        country=rng.choice(["Nowhere", "Spain"], 4000),
        order_id=[f"0{n}" for n in rng.integers(0, 900, 4000)],
    )
    one = (
        past[past["customer_id"].notna()]
        .tail(1)
        .assign(ordered_at=CUT, order_id="one", quantity=5, unit_price=1.0)
    )
    return told(engine, pd.concat([past, garbage])), told(engine, pd.concat([past, one]))


@pytest.mark.parametrize("clean", ["known_customers", "rfm_pyspark", "insiders", "nova_ims", "none"])
def test_nothing_after_the_cut_changes_the_segments(engine, settings, parts, futures, clean):
    asked = settings("dataset=online_retail", f"cleaning={clean}")
    one, other = (as_of.part(asked.preparation, engine, table, CUT.date(), 60) for table in futures)
    pd.testing.assert_frame_equal(one.table.frame, other.table.frame)
    rates = [parted.outcome.loc[parted.outcome["known"], "bought"].mean() for parted in (one, other)]
    assert rates[0] > rates[1], "the outcome is what may differ"
    if clean == "none":  # of equal features, whichever cleaning they follow from
        one, other = (holdout.judge(parts, parted, 3, 100, asked.seed) for parted in (one, other))
        assert (one.X == other.X).all() and (one.labels == other.labels).all()
        assert one.silhouette == other.silhouette and [one.scores.rate, other.scores.rate] == rates


def _at(time: pd.Timestamp):
    return ibis.literal(time.to_pydatetime()).cast("timestamp(6)")


def test_the_planted_future_would_be_seen_by_a_cleaning_of_all_lines(engine, settings, futures):
    # What the test above would miss if its garbage were harmless.
    steps = cleaning.parse(settings("dataset=online_retail", "cleaning=rfm_pyspark").cleaning.steps)
    revenue = []
    for table in futures:
        lines, _ledger = cleaning.clean(engine, table, steps)
        revenue.append(lines.filter(lines.ordered_at < _at(CUT)).amount.sum().execute())
    assert abs(revenue[0] / revenue[1] - 1) > 0.05


# ---- bad input ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cut", "days", "message"),
    [
        ("2024-05-01", 10, "cut=2024-05-01: outside the data, whose orders are of 2024-05-01 to 2024-06-20; choose a day from 2024-05-02 to 2024-06-20"),
        ("2024-06-21", 10, "outside the data, whose orders are of 2024-05-01 to 2024-06-20"),
        ("10.06.2024", 10, "cut=10.06.2024: expected a day such as 2011-09-10"),
        (None, 10, "cut=None: expected a day such as"),
        ("2024-06-10", 0, "days=0: expected a whole number of at least 1"),
        ("2024-06-10", 1.5, "days=1.5: expected a whole number of at least 1"),
        ("2024-06-10", 10**9, "days=1000000000: too many"),
        ("2024-05-02", 10, "cut=2024-05-02: before it: only 1 with an id among the customers; at least 2"),
        ("2024-05-10", 5, "cut=2024-05-10: nobody bought in the 5 days from it on"),
        ("2024-06-11", 2, "cut=2024-06-11: none of the 5 customers known before it bought from 2024-06-11 to 2024-06-12"),
    ],
)  # fmt: skip
def test_a_cut_that_cannot_be_is_explained(engine, settings, parts, orders, cut, days, message):
    with pytest.raises(SegError, match=r"^evaluation\.holdout\.") as error:
        held_out(settings("dataset=toy"), parts, engine, orders, cut, days, k=2)
    assert message in str(error.value)


def test_nobody_left_before_the_cut_is_explained(engine, settings, parts, orders):
    asked = settings("dataset=toy", "cleaning.steps=[{date_window: {start: 2024-06-10}}]")
    with pytest.raises(
        SegError, match="cut=2024-06-10: before it: features: no order is left after cleaning"
    ):
        held_out(asked, parts, engine, orders, "2024-06-10", 10, k=2)


def test_orders_without_customers_before_the_cut_are_explained(engine, settings, parts, lines):
    nameless = lines(
        *((None, str(n), f"2024-06-0{n} 10:00", "p", n, 5) for n in range(1, 6)),
        ("a", "6", "2024-06-10 10:00", "p", 1, 1),
    )
    asked = settings("dataset=toy", "cleaning.steps=[pseudo_customers]")
    with pytest.raises(SegError, match="before it: only 0 with an id among the customers"):
        held_out(asked, parts, engine, nameless, "2024-06-10", 10, k=2)


def test_more_segments_than_customers_before_the_cut_are_explained(engine, settings, parts, orders):
    with pytest.raises(
        SegError, match="k=6, and the 5 customers before it have only 5 distinct rows of features"
    ):
        held_out(settings("dataset=toy"), parts, engine, orders, "2024-06-10", 10, k=6)


def test_a_table_of_customers_has_no_holdout_and_says_why():
    assert as_of.impossible("customers") == "not possible: one row per customer, no orders"
    assert as_of.impossible("transactions") is None


# ---- the real files ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def online_retail(engine, settings, real_data):
    """Online Retail, cut 2011-09-10, 90 days, for any recipe."""
    from hydra.utils import instantiate

    with_load = compose("run", overrides=["dataset=online_retail"])
    dataset = settings("dataset=online_retail").dataset
    source = locate.find(dataset.name, str(real_data), dataset.files)
    table = engine.checkpoint(instantiate(with_load.dataset.load)(engine, source).table)

    def judge(k: int, features: str) -> holdout.Holdout:
        asked = settings("dataset=online_retail", "cleaning=known_customers", f"recipe.features={features}")
        made = SimpleNamespace(
            scaler=StandardScaler(),
            make_clusterer=lambda k: KMeans(k, n_init=10, random_state=0, tol=0, max_iter=1000),
            takes_k=True,
            embed=None,
        )
        return held_out(asked, made, engine, table, "2011-09-10", 90, k)

    return judge


def flagged(found: holdout.Holdout) -> list[str]:
    table = found.parted.table
    return guards(found.X, found.labels, table.frame[table.features])


@pytest.mark.real
def test_raw_rfm_has_the_best_silhouette_and_knows_nothing_of_the_future(online_retail):
    found = online_retail(2, "[recency_days,orders,revenue]")
    assert found.scores.customers == 3370
    assert found.scores.rate == pytest.approx(0.569, abs=0.001)
    assert found.silhouette == pytest.approx(0.88, abs=0.005)
    assert np.bincount(found.labels).max() / 3370 == pytest.approx(0.992, abs=0.001)
    assert found.scores.auc == pytest.approx(0.51, abs=0.01)
    assert found.scores.eta_squared == pytest.approx(0.023, abs=0.002)
    assert len(flagged(found)) == 2 and "99.2%" in flagged(found)[0]


@pytest.mark.real
def test_log_and_standard_has_less_than_half_that_silhouette_and_tells_who_buys_again(online_retail):
    found = online_retail(4, "[{recency_days: log1p},{orders: log1p},{revenue: log1p}]")
    # 0.378 where recency is counted from the day before the cut: log1p is steep there.
    assert found.silhouette == pytest.approx(0.38, abs=0.01)
    assert found.scores.auc == pytest.approx(0.712, abs=0.006)
    assert found.scores.eta_squared == pytest.approx(0.229, abs=0.006)
    assert found.scores.r_squared == pytest.approx(found.scores.eta_squared, abs=0.01)
    random = found.scores.baselines.set_index("name").loc["random"]
    assert random["auc"] == pytest.approx(0.5, abs=0.01) and abs(random["r_squared"]) < 0.005
    assert found.scores.auc > found.scores.random["auc"].max() + 0.15
    rates = found.scores.segments["rate"]
    assert rates.max() > 0.9 and rates.min() < 0.4
    assert flagged(found) == []
