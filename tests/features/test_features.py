"""Every entry of the glossary on a table worked by hand, and how a recipe becomes a table of numbers."""

from __future__ import annotations

from datetime import date, datetime

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_windows import WORKED

from seg import features
from seg.errors import SegError
from seg.features.glossary import GLOSSARY

# Newest purchase: 2011-03-10 23:59 of b; newest line: the return of 2011-04-01.
ORDERS = [
    ("b", "20", "2011-01-31 23:59", "x", 2, 5.0),  # 10, the last minute of January
    ("b", "21", "2011-03-10 23:59", "x", 1, 6.0),  # 6
    ("b", "21", "2011-03-10 23:59", "y", 4, 1.0),  # 4, the same order
    ("b", "22", "2011-04-01 08:00", "x", -1, 6.0),  # -6, a return
    ("a", "10", "2011-02-01 00:00", "x", 3, 2.0),  # 6, the first minute of February
    ("c", "30", "2011-03-09 00:00", "y", 1, 1.0),  # 1
    ("c", "31", "2011-03-09 12:00", "y", 1, 1.0),  # 1, a second order of the same day
    ("c", "32", "2011-03-10 09:00", "y", -1, 1.0),  # -1, a return
    ("c", "33", "2011-03-10 10:00", "z", -2, 1.0),  # -2, another return
    ("d", "40", "2011-01-01 09:00", "x", -1, 9.0),  # returns only: no customer to segment
    (None, "50", "2011-01-15 09:00", "x", 1, 9.0),  # nobody known
]
RETURNS = [quantity < 0 for *_, quantity, _price in ORDERS]

# feature -> of a, b, c
COUNTED = {
    "orders": [1, 2, 2],
    "revenue": [6, 10 + 6 + 4, 1 + 1],
    "quantity": [3, 2 + 1 + 4, 1 + 1],
    "products": [1, 2, 1],
    "average_unit_price": [2, (5 + 6 + 1) / 3, 1],
    "returns": [0, 1, 2],
    "returned_revenue": [0, 6, 1 + 2],
    "active_days": [1, 2, 1],
}
DERIVED = {
    # as_of is 2011-03-11, a day after the newest purchase.
    "recency_days": [28 - 1 + 11, 1, 2],
    # Whole 24 hours up to 2011-03-10 23:59.
    "elapsed_days": [28 - 1 + 10, 0, 1],
    "tenure_days": [28 - 1 + 11, 28 + 11, 2],
    "span_days": [0, 28 + 10, 0],
    "net_revenue": [6 - 0, 20 - 6, 2 - 3],
    "average_basket": [6 / 1, 20 / 2, 2 / 2],
    "quantity_per_order": [3 / 1, 7 / 2, 2 / 2],
    "order_rate": [0, 2 / 38, 0],  # 0 for a customer of one day
    "days_between_orders": [0, 38 / 1, 0 / 1],
    "return_rate": [0 / 1, 1 / 2, 2 / 2],
}
# One a line of ORDERS; those of returns do not count, and a missing rating is in no mean.
RATED = {
    "rating": [5.0, 1.0, None, 1.0, 4.0, 5.0, 5.0, 1.0, 1.0, 1.0, 1.0],
    "helpful_votes": [2.0, None, 3.0, 9.0, None, 0.0, 1.0, 9.0, 9.0, 9.0, 9.0],
}
RATINGS = {
    "mean_rating": [4, (5 + 1) / 2, 5],
    "one_star_share": [0, 1 / 2, 0],
    "five_star_share": [0, 1 / 2, 1],
    "helpful_votes": [0, 2 + 3, 0 + 1],
}
FAMILIES = {
    "revenue_by_month": {
        "revenue_2011-01": [0, 10, 0],
        "revenue_2011-02": [6, 0, 0],
        "revenue_2011-03": [0, 6 + 4, 1 + 1],
        "revenue_2011-04": [0, 0, 0],  # a return only
    },
    "orders_by_month": {
        "orders_2011-01": [0, 1, 0],
        "orders_2011-02": [1, 0, 0],
        "orders_2011-03": [0, 1, 2],
        "orders_2011-04": [0, 0, 0],
    },
}
TIMES = {
    "first_order_at": ["2011-02-01 00:00", "2011-01-31 23:59", "2011-03-09 00:00"],
    "last_order_at": ["2011-02-01 00:00", "2011-03-10 23:59", "2011-03-09 12:00"],
}

CUSTOMERS = {
    "customer_id": ["f", "e", "g"],
    "first_order_at": [datetime(2020, 1, 1, 23, 59), datetime(2021, 1, 1), datetime(2021, 5, 30)],
    "last_order_at": [datetime(2020, 2, 1), datetime(2021, 1, 1, 12), datetime(2021, 5, 30)],
    "orders": [4.0, 1.0, 0.0],
    "revenue": [100.0, 50.0, 0.0],
    "orders_online": [1.0, 1.0, 0.0],
    "orders_offline": [3.0, 0.0, 0.0],
    "revenue_online": [25.0, 50.0, 0.0],
    "revenue_offline": [75.0, 0.0, 0.0],
    "channel": ["Mobile", "Desktop", "Mobile"],
    "last_channel": ["Offline", "Desktop", "Mobile"],
    "categories": ["|KADIN|COCUK|", "||", "|AKTIFCOCUK|"],
}
LEVELS = {
    "channel": ["Desktop", "Mobile"],
    "last_channel": ["Desktop", "Mobile", "Offline"],
    "categories": ["AKTIFCOCUK", "COCUK", "KADIN"],
}
# feature -> of e, f, g; as_of is 2021-06-01, two days after the newest order
OF_CUSTOMERS = {
    "orders": {"orders": [1, 4, 0]},
    "revenue": {"revenue": [50, 100, 0]},
    "revenue_offline": {"revenue_offline": [0, 75, 0]},  # a column of the data set, in no glossary
    "recency_days": {"recency_days": [31 + 28 + 31 + 30 + 31, 366 + 31 + 28 + 31 + 30 + 31 - 31, 2]},
    "elapsed_days": {"elapsed_days": [148, 366 + 31 + 28 + 31 + 30 + 29 - 31, 0]},
    "tenure_days": {"tenure_days": [151, 366 + 151, 2]},
    "span_days": {"span_days": [0, 31, 0]},
    "average_basket": {"average_basket": [50, 25, 0]},
    "order_rate": {"order_rate": [0, 4 / 31, 0]},
    "days_between_orders": {"days_between_orders": [0, 31 / 3, 0]},
    "online_share": {"online_share": [1, 1 / 4, 0]},
    "online_revenue_share": {"online_revenue_share": [1, 25 / 100, 0]},
    "channels": {"channel_Desktop": [1, 0, 0], "channel_Mobile": [0, 1, 1]},
    "last_channels": {
        "last_channel_Desktop": [1, 0, 0],
        "last_channel_Mobile": [0, 0, 1],
        "last_channel_Offline": [0, 1, 0],
    },
    "category_interests": {
        "category_AKTIFCOCUK": [0, 0, 1],
        "category_COCUK": [0, 1, 0],  # AKTIFCOCUK is not COCUK
        "category_KADIN": [0, 1, 0],
    },
    "category_count": {"category_count": [0, 2, 1]},
}


@pytest.fixture(scope="module")
def shop(lines):
    return lines(*ORDERS, is_return=RETURNS)


@pytest.fixture(scope="module")
def members(engine):
    return engine.register(
        pd.DataFrame(CUSTOMERS).astype(
            {"first_order_at": "datetime64[us]", "last_order_at": "datetime64[us]"}
        )
    )


@pytest.fixture(scope="module")
def build(engine):
    def run(table, *names, **options):
        return features.build(engine, table, features.FeatureRequest(features.parse(names), **options))

    return run


def frame(index: str, **columns) -> pd.DataFrame:
    return pd.DataFrame(
        columns, index=pd.Index(list(index), name="customer_id", dtype="str"), dtype="float64"
    )


def assert_same(found: pd.DataFrame, expected: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(
        found, expected, rtol=1e-11, atol=0, check_index_type=False, check_column_type=False
    )


# ---- the glossary ------------------------------------------------------------------------------------------


def test_every_entry_has_a_table_worked_by_hand():
    assert (
        set(GLOSSARY)
        - set(COUNTED)
        - set(DERIVED)
        - set(FAMILIES)
        - set(TIMES)
        - set(OF_CUSTOMERS)
        - set(RATINGS)
        - set(WORKED)  # tests/features/test_windows.py
        == set()
    )


def test_every_entry_has_a_unit_and_a_meaning_of_one_line():
    assert [
        name for name, entry in GLOSSARY.items() if not entry.unit or not entry.meaning.endswith(".")
    ] == []
    catalogue = features.catalogue().set_index("feature")
    assert catalogue.loc["recency_days"].tolist() == [
        "days",
        GLOSSARY["recency_days"].meaning,
        "last_order_at",
    ]


@pytest.mark.parametrize("name", [*COUNTED, *DERIVED])
def test_a_feature_is_counted_from_order_lines(shop, build, name):
    assert_same(build(shop, name).frame, frame("abc", **{name: (COUNTED | DERIVED)[name]}))


def test_all_features_together_are_what_each_is_alone(shop, build):
    whole = build(shop, *COUNTED, *DERIVED, *FAMILIES).frame
    months = {name: values for family in FAMILIES.values() for name, values in family.items()}
    assert_same(whole, frame("abc", **COUNTED, **DERIVED, **months))


@pytest.mark.parametrize("name", FAMILIES)
def test_months_are_columns_from_the_oldest_line_to_the_newest_the_empty_ones_too(shop, build, name):
    assert_same(build(shop, name).frame, frame("abc", **FAMILIES[name]))


def test_ratings_are_counted_from_reviews_and_nobody_is_guessed_who_gave_none(lines, build):
    table = lines(*ORDERS, is_return=RETURNS, **RATED)
    assert_same(build(table, *RATINGS).frame, frame("abc", **RATINGS))
    unrated = lines(
        *ORDERS, is_return=RETURNS, rating=[None, *RATED["rating"][1:4], None, *RATED["rating"][5:]]
    )
    with pytest.raises(SegError, match="mean_rating is not a number for 1 customers, such as 'a'"):
        build(unrated, "mean_rating")


def test_months_go_over_the_turn_of_the_year(lines, build):
    table = lines(("a", "1", "2010-11-30 23:59:59", "x", 1, 1), ("a", "2", "2011-02-01", "x", 1, 2))
    expected = {
        "revenue_2010-11": [1],
        "revenue_2010-12": [0],
        "revenue_2011-01": [0],
        "revenue_2011-02": [2],
    }
    assert_same(build(table, "revenue_by_month").frame, frame("a", **expected))


@pytest.mark.parametrize("name", TIMES)
def test_times_of_orders_are_those_of_purchases(engine, shop, name):
    values = GLOSSARY[name].build(shop, None)
    found = engine.collect(shop.group_by("customer_id").aggregate(time=values).order_by("customer_id"))
    times = dict(zip(found["customer_id"], found["time"], strict=True))
    assert [times[customer] for customer in "abc"] == [pd.Timestamp(time) for time in TIMES[name]]
    assert pd.isna(times["d"])


@pytest.mark.parametrize("name", OF_CUSTOMERS)
def test_a_feature_is_derived_from_a_table_of_customers(members, build, name):
    found = build(members, name, as_of=2, levels=LEVELS)
    assert_same(found.frame, frame("efg", **OF_CUSTOMERS[name]))
    assert found.features == list(OF_CUSTOMERS[name])


def test_a_level_that_nobody_has_is_a_column_of_zeros(members, build):
    found = build(members, "channels", levels={"channel": ["Desktop", "Fax"]}).frame
    assert_same(found, frame("efg", channel_Desktop=[1, 0, 0], channel_Fax=[0, 0, 0]))


def test_midnight_parts_two_days_and_a_minute_before_it_does_not(lines, build):
    table = lines(
        ("a", "1", "2011-01-01 23:59", "x", 1, 1),
        ("a", "2", "2011-01-02 00:00", "x", 1, 1),  # a minute later, the next day
        ("b", "3", "2011-01-01 00:00", "x", 1, 1),
        ("b", "4", "2011-01-01 23:59:59.999", "x", 1, 1),  # a day later, the same day
        ("c", "5", "2011-01-02 23:59", "x", 1, 1),
    )
    found = build(table, "recency_days", "elapsed_days", "span_days", "active_days", as_of=0).frame
    # From 2011-01-02 23:59: to 00:00 of the day 23 h 59, to 23:59:59 of the day before 23 h 59 min 0.001 s.
    expected = {
        "recency_days": [0, 1, 0],
        "elapsed_days": [0, 0, 0],
        "span_days": [1, 0, 0],
        "active_days": [2, 1, 1],
    }
    assert_same(found, frame("abc", **expected))


def test_what_is_divided_by_nothing_is_zero(lines, build):
    table = lines(("a", "1", "2011-01-01", "x", 0, 0.0), ("b", "2", "2011-01-01", "x", 1, 1.0))
    names = ["average_basket", "quantity_per_order", "order_rate", "days_between_orders", "return_rate"]
    found = build(table, *names).frame
    assert_same(found, frame("ab", **dict(zip(names, [[0, 1], [0, 1], [0, 0], [0, 0], [0, 0]], strict=True))))


def test_lines_without_price_or_quantity_count_as_nothing(lines, build):
    table = lines(
        ("a", "1", "2011-01-01", None, None, None), ("b", "2", "2011-01-01", "x", 1, 2.0), amount=[3.0, 2.0]
    )
    found = build(table, "revenue", "quantity", "average_unit_price", "products").frame
    assert_same(
        found, frame("ab", revenue=[3, 2], quantity=[0, 1], average_unit_price=[0, 2], products=[0, 1])
    )


# ---- from a recipe to a table ------------------------------------------------------------------------------


def test_features_profile_and_extra_are_told_apart(shop, build):
    found = build(
        shop,
        {"orders": "log1p"},
        {"revenue": ["log1p", "iqr_cap"]},
        "recency_days",
        profile=["revenue", "average_basket", "orders_by_month"],
        extra=["recency_days", "span_days"],
    )
    assert found.features == ["orders", "revenue", "recency_days"]
    assert found.profile == ["average_basket", *FAMILIES["orders_by_month"], "span_days"]
    assert list(found.frame) == found.features + found.profile
    assert found.transforms == {"orders": ("log1p",), "revenue": ("log1p", "iqr_cap"), "recency_days": ()}
    assert found.as_of == date(2011, 3, 11) and found.truth is None


def test_features_beside_are_of_the_same_customers_and_in_no_column_of_the_table(shop, build):
    table = build(shop, "orders", beside=["tenure_days", "orders"])
    assert table.frame.columns.tolist() == ["orders"]
    assert table.beside.columns.tolist() == ["tenure_days"]
    assert table.everything.columns.tolist() == ["orders", "tenure_days"]
    first = table.rows(np.arange(len(table.frame)) == 0)
    assert first.everything.index.tolist() == table.frame.index[:1].tolist()


def test_transforms_of_a_family_are_those_of_its_columns(shop, build):
    found = build(shop, {"orders_by_month": "log1p"})
    assert found.transforms == dict.fromkeys(FAMILIES["orders_by_month"], ("log1p",))


@pytest.mark.parametrize(
    "as_of, day",
    [
        (0, date(2011, 3, 10)),
        (1, date(2011, 3, 11)),
        (30, date(2011, 4, 9)),
        ("2011-03-10", date(2011, 3, 10)),
        (date(2011, 12, 31), date(2011, 12, 31)),
        (20111231, date(2011, 12, 31)),
    ],
)
def test_recency_is_counted_from_as_of(shop, build, as_of, day):
    found = build(shop, "recency_days", "tenure_days", as_of=as_of)
    assert found.as_of == day
    last = [date(2011, 2, 1), date(2011, 3, 10), date(2011, 3, 9)]
    assert found.frame["recency_days"].tolist() == [(day - each).days for each in last]


def test_as_of_before_the_newest_order_is_an_error_that_says_how_to_cut(shop, build):
    with pytest.raises(
        SegError,
        match=r"as_of=2011-03-09: the newest order \(2011-03-10\) is later than `as_of`.*\{end: 2011-03-09\}",
    ):
        build(shop, "recency_days", as_of="2011-03-09")


@pytest.mark.parametrize("as_of", ["soon", -1, 1.5, True, None, "2011-13-01", 99_999_999])
def test_as_of_that_is_neither_days_nor_a_date_is_an_error(as_of):
    with pytest.raises(SegError, match=rf"recipe\.as_of={as_of}: expected days after the newest order"):
        features.check_as_of(as_of)


def test_customers_are_sorted_and_once_each(lines, build):
    table = lines(
        *[(id, str(n), "2011-01-01", "x", 1, 1) for n, id in enumerate(["10", "9", "a", "B", "10", "é"])]
    )
    assert list(build(table, "orders").frame.index) == ["10", "9", "B", "a", "é"]


def test_a_customer_with_two_rows_is_an_error(engine, build):
    table = engine.register(pd.DataFrame({"customer_id": ["a", "b", "a"], "orders": [1.0, 2.0, 3.0]}))
    with pytest.raises(SegError, match="1 customers have more than one row, such as 'a'"):
        build(table, "orders")


def test_a_table_of_customers_without_dates_has_no_as_of(engine, build):
    table = engine.register(pd.DataFrame({"customer_id": ["b", "a"], "age": [30.0, 20.0]}))
    found = build(table, "age")
    assert_same(found.frame, frame("ab", age=[20, 30]))
    assert found.as_of is None


def test_nobody_left_is_an_error(lines, build, engine):
    with pytest.raises(SegError, match="no order is left after cleaning; look at the ledger"):
        build(lines(("a", "1", "2011-01-01", "x", -1, 1), is_return=[True]), "orders")
    with pytest.raises(SegError, match="no customer is left; look at the ledger"):
        build(lines((None, "1", "2011-01-01", "x", 1, 1)), "orders")
    nobody = pd.DataFrame({"customer_id": pd.Series([], dtype=str), "age": pd.Series([], dtype=float)})
    with pytest.raises(SegError, match="no customer is left"):
        build(engine.register(nobody), "age")


def test_a_feature_that_is_missing_or_no_number_is_an_error_that_names_a_customer(engine, members, build):
    table = engine.register(pd.DataFrame({"customer_id": ["b", "a"], "age": [30.0, None]}))
    with pytest.raises(SegError, match="age is not a number for 1 customers, such as 'a'; drop such rows"):
        build(table, "age")
    with pytest.raises(
        SegError, match=r"channel is not a number but 'Desktop'; choose a feature .*: channels, "
    ):
        build(members, "channel")
    with pytest.raises(SegError, match="last_order_at is not a number but Timestamp"):
        build(members, "last_order_at")


def test_the_planted_segment_comes_along_as_truth(lines, build):
    table = lines(
        ("b", "1", "2011-01-01", "x", 1, 1),
        ("b", "2", "2011-01-01", "x", 1, 1),
        ("a", "3", "2011-01-01", "x", 1, 1),
        planted=[3, 3, 1],
    )
    found = build(table, "orders", truth="planted")
    assert list(found.frame) == ["orders"]
    assert found.truth.to_dict() == {"a": 1, "b": 3}


def test_the_planted_segment_of_a_table_of_customers_comes_along_too(engine, build):
    table = engine.register(pd.DataFrame({"customer_id": ["b", "a"], "age": [30.0, 20.0], "kind": [1, 0]}))
    assert build(table, "age", truth="kind").truth.to_dict() == {"a": 0, "b": 1}


def test_a_recipe_with_an_unknown_transform_or_a_feature_twice_is_an_error():
    with pytest.raises(SegError, match="orders has an unknown transform 'log'; expected log1p, iqr_cap"):
        features.parse([{"orders": "log"}])
    with pytest.raises(SegError, match="orders is listed twice; remove one"):
        features.parse(["orders", {"orders": "log1p"}])


def test_an_unknown_feature_is_an_error_that_lists_the_nearest_first():
    with pytest.raises(SegError, match="unknown feature 'recency'; expected one of recency_days, "):
        features.check(["orders", "recency"], ["customer_id", "ordered_at", "order_id"], "shop", counted=True)
    with pytest.raises(SegError, match="unknown feature 'spent'; expected one of spend, "):
        features.check(["spent"], ["customer_id", "spend"], "club", counted=False)


@pytest.mark.parametrize(
    "name, provides, counted, lacking",
    [
        ("products", ["customer_id", "order_id", "ordered_at", "amount"], True, "product_id"),
        ("quantity_per_order", ["customer_id", "order_id", "ordered_at", "amount"], True, "quantity"),
        ("online_share", ["customer_id", "order_id", "ordered_at", "amount"], True, "orders_online"),
        ("recency_days", ["customer_id", "orders", "revenue"], False, "last_order_at"),
        ("order_rate", ["customer_id", "orders", "last_order_at"], False, "first_order_at"),
        ("orders", ["customer_id", "revenue"], False, "orders"),
    ],
)
def test_a_data_set_that_cannot_serve_a_feature_is_told_what_it_lacks(name, provides, counted, lacking):
    with pytest.raises(
        SegError, match=f"dataset=shop cannot serve the feature '{name}': it needs {lacking}, and"
    ):
        features.check([name], provides, "shop", counted)
    features.check([name], [*provides, lacking], "shop", counted)


# ---- what changes nothing ----------------------------------------------------------------------------------


@settings(
    max_examples=5,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.permutations(range(len(ORDERS))))
def test_the_order_of_the_rows_changes_nothing(lines, build, order):
    table = lines(*[ORDERS[place] for place in order], is_return=[RETURNS[place] for place in order])
    found = build(table, *COUNTED, *DERIVED, *FAMILIES).frame
    months = {name: values for family in FAMILIES.values() for name, values in family.items()}
    assert_same(found, frame("abc", **COUNTED, **DERIVED, **months))


def test_every_number_is_float_and_finite(shop, build):
    found = build(shop, *COUNTED, *DERIVED, *FAMILIES).frame
    assert set(found.dtypes) == {np.dtype("float64")}
    assert np.isfinite(found.to_numpy()).all()


def test_dates_that_cannot_be_are_refused_where_each_month_is_a_column_or_no_day_follows(build, lines):
    table = lines(("a", "1", "0001-01-01", "x", 1, 1.0), ("a", "2", "2024-01-01", "x", 1, 1.0))
    with pytest.raises(
        SegError, match=r"years 1 to 2024, 24,277 months, and each would be a column; .*date_window"
    ):
        build(table, "revenue_by_month")
    with pytest.raises(
        SegError, match=r"recipe.as_of=1: the newest order is on 9999-12-31, and no day is that much later"
    ):
        build(lines(("a", "1", "9999-12-31", "x", 1, 1.0)), "recency_days")
