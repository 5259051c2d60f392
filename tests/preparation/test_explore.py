"""A data set before clustering: tables worked by hand, and no row of a customer."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from seg.preparation import explore, explored_lines
from seg.preparation import feature_statistics as statistics
from seg.report import explore_page
from seg.segments.formats import LOCALES
from seg.sources.schema import Lookup


@pytest.fixture(scope="module")
def looked(engine, lines):
    table = lines(
        ("a", "1", "2011-01-03 10:00", "p", 2.0, 5.0),
        ("a", "2", "2011-02-07 11:00", "q", 1.0, 3.0),
        ("a", "2", "2011-02-07 11:00", "q", 1.0, 3.0),
        ("a", "3", "2011-02-08 09:00", "p", -2.0, 5.0),
        ("b", "4", "2011-02-09 10:00", "p", 1.0, 0.0),
        ("b", "5", "2011-03-01 10:00", "r", 4.0, 2.5),
        (None, "6", "2011-03-02 10:00", "r", 1.0, 2.5),
        country=["DE", "DE", "DE", "DE", "FR", None, "FR"],
    )
    return explore.look(engine, table)


def fact(looked, what: str):
    return looked.facts.set_index("what").loc[what, "value"]


def test_facts_count_customers_days_gaps_returns_and_prices(looked):
    assert [fact(looked, one) for one in ("rows", "customers", "products", "orders")] == [7, 2, 3, 6]
    assert (fact(looked, "first order"), fact(looked, "last order")) == ("2011-01-03", "2011-03-02")
    assert fact(looked, "lines without a customer") == 1
    assert fact(looked, "lines with price 0") == 1
    assert fact(looked, "duplicate lines") == 1


def test_a_return_has_a_counterpart_if_the_customer_bought_as_many_pieces_of_the_product(looked):
    assert fact(looked, "lines with a negative quantity") == 1
    assert fact(looked, "negative lines with a counterpart") == 1


def test_missing_values_are_counted_by_column_most_first(looked):
    assert looked.missing.head(2)["missing"].tolist() == [1, 1]
    assert set(looked.missing.head(2)["column"]) == {"customer_id", "country"}
    assert looked.missing["share"].iloc[0] == pytest.approx(1 / 7)


def test_statistics_of_the_lines_are_those_of_numpy(looked):
    quantities = np.array([2, 1, 1, -2, 1, 4, 1.0])
    row = looked.described.loc["quantity"]
    assert row["mean"] == pytest.approx(quantities.mean())
    assert row["std"] == pytest.approx(quantities.std())
    assert row["range"] == 6
    assert row["median"] == 1
    assert row["skewness"] == pytest.approx(
        ((quantities - quantities.mean()) ** 3).mean() / quantities.std() ** 3
    )
    assert row["p75"] == np.quantile(quantities, 0.75)


def test_statistics_of_features_are_the_same_ones():
    frame = pd.DataFrame({"orders": [1.0, 2.0, 9.0]})
    row = statistics.describe(frame).loc["orders"]
    values = frame["orders"].to_numpy()
    assert row["variance"] == pytest.approx(values.var())
    assert row["variation"] == pytest.approx(values.std() / values.mean())
    assert row["skewness"] == pytest.approx(((values - values.mean()) ** 3).mean() / values.std() ** 3)


def test_divisions_count_lines_customers_and_money(looked):
    country = looked.divisions["country"].set_index("country")
    assert country.loc["DE", ["rows", "customers", "revenue"]].tolist() == [4, 1, 6.0]
    assert country.loc["(none)", "revenue"] == 10.0
    assert country["share"].to_dict() == pytest.approx(
        {"DE": 6 / 18.5, "(none)": 10 / 18.5, "FR": 2.5 / 18.5}
    )
    months = looked.divisions["month"]
    assert months["month"].tolist() == ["2011-01", "2011-02", "2011-03"]
    assert looked.divisions["week_day"]["week_day"].tolist()[0] == "Monday"


def test_a_share_is_of_all_revenue_and_a_product_goes_by_its_most_frequent_description(engine, lines):
    rows = [("a", str(at), "2011-01-03 10:00", f"p{at % 30}", 1.0, 1.0) for at in range(60)]
    texts = [None if at % 30 == 1 else "cup" if at != 30 else "damaged" for at in range(60)]
    table = lines(*rows, ("b", "61", "2011-01-04 10:00", "p0", 1.0, 1.0), description=[*texts, "cup"])
    products = explore.look(engine, table).divisions["product_id"].set_index("product_id")
    assert len(products) == 20 and products["share"].sum() < 0.7
    assert products.loc["p0", ["description", "revenue"]].tolist() == ["cup", 3.0]
    assert products.loc["p0", "share"] == pytest.approx(3 / 61)
    assert products.loc["p1", "description"] == ""


def test_cohorts_follow_customers_from_their_first_month(looked):
    table = looked.cohorts
    # A line of price 0 is no purchase: b comes in March, and February has no new customer.
    assert table.index.tolist() == ["2011-01", "2011-02", "2011-03"]
    assert table.loc["2011-01"].tolist() == [1, 1, 0]
    assert table.loc["2011-02"].tolist()[:2] == [0, 0]
    assert table.loc["2011-03", 0] == 1
    assert table.loc["2011-03", [1, 2]].isna().all()


def test_a_histogram_counts_what_lies_between_the_percentiles(looked):
    table = looked.histograms["amount"]
    assert len(table) == statistics.BINS
    assert (table["to"] > table["from"]).all()
    assert table["rows"].sum() <= 7


def test_the_order_of_the_customers_changes_neither_the_correlations_nor_what_is_dropped():
    rng = np.random.default_rng(0)
    first = rng.gamma(1, 1, 500)
    frame = pd.DataFrame(
        {"a": first, "b": first * 2, "c": first + rng.normal(0, 0.05, 500), "d": rng.normal(size=500)}
    )
    for made, again in zip(
        statistics.alike(frame, []), statistics.alike(frame.sample(frac=1, random_state=1), []), strict=True
    ):
        pd.testing.assert_frame_equal(made, again, check_exact=True)


def test_pairs_that_order_customers_alike_are_listed_and_one_of_them_is_to_be_dropped():
    orders = np.arange(50.0)
    frame = pd.DataFrame(
        {"orders": orders, "quantity": orders**2, "recency_days": np.tile([1.0, 5.0], 25), "still": 1.0}
    )
    correlations, pairs = statistics.alike(frame, ["orders"])
    assert correlations.columns.tolist() == ["orders", "quantity", "recency_days"]
    assert pairs[["first", "second", "drop"]].to_numpy().tolist() == [["orders", "quantity", "quantity"]]
    assert pairs["spearman"].tolist() == pytest.approx([1.0])


def test_the_curve_of_revenue_and_its_gini_coefficient():
    curve, gini = statistics.lorenz(pd.Series([1.0, 1.0, 1.0, 1.0]))
    assert gini == pytest.approx(0)
    assert curve["share_of_revenue"].tolist() == pytest.approx(curve["share_of_customers"].tolist())
    _, one = statistics.lorenz(pd.Series([0.0, 0.0, 0.0, 9.0]))
    assert one == pytest.approx(0.75)
    assert statistics.lorenz(pd.Series([0.0, 0.0]))[1] == 0


@pytest.fixture(scope="module")
def reviews(engine):
    """Make 6,000 reviews of 1,500 customers, and how their category and amount are looked up by product."""
    rng = np.random.default_rng(0)
    n, products = 6000, [f"p{number}" for number in range(50)]
    own = engine.register(
        pd.DataFrame(
            {
                "customer_id": [f"c{number}" for number in rng.integers(0, 1500, n)],
                "ordered_at": pd.Timestamp("2011-01-01")
                + pd.to_timedelta(rng.integers(0, 4800, n), unit="h"),
                "product_id": rng.choice([*products, "unknown"], n),
                "rating": rng.choice([1.0, 4.0, 5.0, np.nan], n),
            }
        )
    )
    amounts = rng.gamma(2, 10, 50)
    items = engine.register(
        pd.DataFrame({"item": products, "category": ["a", None] * 25, "amount": amounts, "is_return": False})
    )
    lookup = Lookup(
        own, "product_id", lambda some: some.left_join(items, some.product_id == items.item).drop("item")
    )
    table = lookup.join(own)
    return table, lookup, explore.look(engine, table)


@pytest.mark.parametrize("looked_up", [True, False])
def test_a_large_table_is_exact_but_for_customers_and_quantiles(engine, reviews, monkeypatch, looked_up):
    table, lookup, exact = reviews
    monkeypatch.setattr(explored_lines, "LARGE", 1000)
    monkeypatch.setattr(explored_lines, "SAMPLED", 3)
    rough = explore.look(engine, table, lookup if looked_up else None)
    assert (rough.factor, exact.factor) == (3, 1)
    pd.testing.assert_frame_equal(rough.missing, exact.missing)
    pd.testing.assert_frame_equal(rough.ratings, exact.ratings)
    moments = ["count", "min", "max", "mean", "std", "variance", "variation", "skewness"]
    pd.testing.assert_frame_equal(rough.described[moments], exact.described[moments])
    assert rough.described["p75"].to_numpy() == pytest.approx(exact.described["p75"].to_numpy(), rel=0.1)
    assert fact(rough, "revenue") == pytest.approx(fact(exact, "revenue"))
    for what in ("rows", "first order", "last order", "lines with amount 0", "lines without a customer"):
        assert fact(rough, what) == fact(exact, what)
    assert fact(rough, "customers") == pytest.approx(fact(exact, "customers"), rel=0.1)
    for name, division in exact.divisions.items():
        pd.testing.assert_frame_equal(
            rough.divisions[name].drop(columns="customers"),
            division.drop(columns="customers"),
            check_dtype=False,
        )
    pd.testing.assert_frame_equal(
        rough.divisions["product_id"], exact.divisions["product_id"], check_dtype=False
    )  # its customers are counted
    months = [one.divisions["month"]["customers"].to_numpy() for one in (rough, exact)]
    assert months[0] == pytest.approx(months[1], rel=0.2)  # some 130 customers of each are looked at
    assert rough.cohorts[0].sum() == pytest.approx(exact.cohorts[0].sum(), rel=0.1)
    assert rough.histograms["amount"]["rows"].sum() == pytest.approx(
        exact.histograms["amount"]["rows"].sum(), rel=0.1
    )


def test_ratings_are_split_by_verified(engine, lines):
    table = lines(
        ("a", "1", "2011-01-03", "p", 1.0, 5.0),
        ("a", "2", "2011-01-04", "p", 1.0, 5.0),
        ("b", "3", "2011-01-05", "p", 1.0, 5.0),
        rating=[5.0, 5.0, 1.0],
        verified=[True, False, True],
    )
    ratings = explore.look(engine, table).ratings.set_index("rating")
    assert ratings.loc[5.0, ["verified", "not verified"]].tolist() == [1, 1]
    assert ratings.loc[1.0, "verified"] == 1


def test_the_page_has_every_part_and_no_customer(looked):
    frame = pd.DataFrame(
        {"orders": [1.0, 2.0, 9.0], "revenue": [5.0, 1.0, 7.0]}, index=["cust-1", "cust-2", "cust-3"]
    )
    correlations, pairs = statistics.alike(frame, [])
    curve, gini = statistics.lorenz(frame["revenue"])
    content = explore_page.ExplorePage(
        title="<b>x</b>", subtitle="s", notes=["n"], facts=looked.facts, missing=looked.missing,
        described={"order lines": looked.described, "features": statistics.describe(frame)},
        histograms={"order lines": looked.histograms}, divisions=looked.divisions, ratings=None, cohorts=looked.cohorts,
        correlations=correlations, pairs=pairs, curve=curve, gini=gini, advice="recipe.features=[orders]",
    )  # fmt: skip
    html = explore_page.render(content, LOCALES["de"])
    for part in (
        "Missing values",
        "How unequal",
        "Who comes back",
        "Features that go together",
        "Quantity and price",
        "Statistics of the",
    ):
        assert part in html
    assert "&lt;b&gt;x&lt;/b&gt;" in html
    assert "cust-1" not in html
    assert "<script" not in html
