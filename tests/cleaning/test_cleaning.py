"""Every cleaning step on a table worked by hand, the ledger, and the counts of the real files."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from omegaconf import OmegaConf

from seg import cleaning, features
from seg.cleaning import ledger
from seg.config.load import CONFIGS
from seg.datasets import transactions
from seg.engine import Reading
from seg.errors import SegError
from seg.sources import locate

T = "2011-01-02 12:00"
TESTED: set[str] = set()


def by_hand(*steps: str):
    """Say which steps a test works through; one without is found below."""
    TESTED.update(steps)
    return lambda test: test


@pytest.fixture
def clean(engine):
    def run(table, *steps):
        return cleaning.clean(engine, table, cleaning.parse(steps))

    return run


def priced(lines, *prices, **further):
    """Make one line a price, of orders 1, 2, ..."""
    return lines(
        *[("a", str(place), T, "x", 1, price) for place, price in enumerate(prices, start=1)], **further
    )


# ---- filters -----------------------------------------------------------------------------------------------


@by_hand("drop_missing")
def test_drop_missing_drops_missing_blank_and_placeholder_text(lines, rows, clean):
    table = lines(
        ("a", "1", T, "x", 1, 1),
        (None, "2", T, "x", 1, 1),
        ("  ", "3", T, "x", 1, 1),
        ("b", "4", T, "x", 1, 1),
        ("c", "5", T, "x", None, 1),
        amount=[1.0] * 5,
        description=["mug", "mug", "mug", "Unknown", "unknown"],
    )
    kept, _ledger = clean(table, {"drop_missing": {"columns": ["customer_id"]}})
    assert rows(kept, "order_id") == [("1",), ("4",), ("5",)]
    kept, _ledger = clean(table, {"drop_missing": {"columns": ["description"], "placeholders": ["Unknown"]}})
    assert rows(kept, "order_id") == [("1",), ("2",), ("3",), ("5",)]
    kept, _ledger = clean(table, {"drop_missing": {"columns": ["customer_id", "quantity"]}})
    assert rows(kept, "order_id") == [("1",), ("4",)]


@by_hand("drop_products")
def test_drop_products_drops_codes_that_match_and_keeps_missing_ones(lines, rows, clean):
    codes = ["POST", "m", "85123A", "D49", None, "BANK CHARGES"]
    table = lines(*[("a", "1", T, code, 1, 1) for code in codes])
    kept, _ledger = clean(table, {"drop_products": {"pattern": "^[A-Za-z]+$"}})
    assert rows(kept, "product_id") == [(None,), ("85123A",), ("BANK CHARGES",), ("D49",)]


@by_hand("drop_countries")
def test_drop_countries_drops_the_named_and_keeps_missing_ones(lines, rows, clean):
    countries = ["France", "Unspecified", None, "unspecified"]
    table = priced(lines, 1, 1, 1, 1, country=countries)
    kept, _ledger = clean(table, {"drop_countries": {"countries": ["Unspecified", "Atlantis"]}})
    assert rows(kept, "country") == [(None,), ("France",), ("unspecified",)]


@by_hand("minimum_price")
def test_minimum_price_keeps_the_price_itself(lines, rows, clean):
    kept, _ledger = clean(priced(lines, 0.039, 0.04, 5, -5, 0), {"minimum_price": {"price": 0.04}})
    assert rows(kept, "unit_price") == [(0.04,), (5.0,)]


@by_hand("drop_zero_price")
def test_drop_zero_price_keeps_negative_prices(lines, rows, clean):
    table = priced(lines, 0, 0.001, -11062.06, None, amount=[0.0] * 4)
    kept, _ledger = clean(table, "drop_zero_price")
    assert rows(kept, "unit_price") == [(-11062.06,), (0.001,)]


@by_hand("drop_customers")
def test_drop_customers_takes_ids_as_text_or_number_and_keeps_the_nameless(lines, rows, clean):
    table = lines(*[(id, "1", T, "x", 1, 1) for id in ("16446", "16447", "16448", None)])
    kept, _ledger = clean(table, {"drop_customers": {"customers": ["16446", 16447]}})
    assert rows(kept, "customer_id") == [(None,), ("16448",)]


@by_hand("date_window")
def test_date_window_includes_both_days_whole(lines, rows, clean):
    times = ["2011-01-01 23:59:59", "2011-01-02 00:00", "2011-01-03 23:59:59", "2011-01-04 00:00"]
    table = lines(*[("a", str(place), time, "x", 1, 1) for place, time in enumerate(times)])
    for arguments, orders in [
        ({"start": "2011-01-02", "end": "2011-01-03"}, "12"),
        ({"start": "2011-01-02"}, "123"),
        ({"end": date(2011, 1, 3)}, "012"),
        ({}, "0123"),
    ]:
        kept, _ledger = clean(table, {"date_window": arguments})
        assert rows(kept, "order_id") == [(order,) for order in orders]


# ---- changes -----------------------------------------------------------------------------------------------


@by_hand("drop_duplicates")
def test_drop_duplicates_compares_every_column_and_counts_missing_as_equal(lines, rows, clean):
    same = (None, "1", T, "x", 1, 1)
    table = lines(same, same, same, ("a", *same[1:]), same, description=["mug", "mug", None, "mug", "mug "])
    kept, _ledger = clean(table, "drop_duplicates")
    assert rows(kept, "customer_id", "description") == [
        (None, None),
        (None, "mug"),
        (None, "mug "),
        ("a", "mug"),
    ]


@by_hand("pseudo_customers")
def test_pseudo_customers_are_one_an_order_numbered_in_the_order_of_the_orders(lines, rows, clean):
    table = lines(
        ("a", "10", T, "x", 1, 1),
        (None, "12", T, "x", 1, 1),
        (None, "12", T, "y", 1, 1),
        ("", "11", T, "x", 1, 1),
        ("b", "13", T, "x", 1, 1),
        (None, "C14", T, "x", -1, 1),
    )
    numbered, _ledger = clean(table, {"pseudo_customers": {"first_id": 19000}})
    assert rows(numbered, "customer_id", "order_id", "product_id") == [
        ("19000", "11", "x"),
        ("19001", "12", "x"),
        ("19001", "12", "y"),
        ("19002", "C14", "x"),
        ("a", "10", "x"),
        ("b", "13", "x"),
    ]
    named, _ledger = clean(table, "pseudo_customers")
    assert {row[0] for row in rows(named, "customer_id")} == {"a", "b", "order 11", "order 12", "order C14"}


@pytest.mark.parametrize(
    "customer, arguments, free",
    [("19001", {"first_id": 19000}, 19002), ("19001", {"first_id": 18999}, 19002), ("order 12", {}, None)],
)
def test_a_pseudo_customer_never_takes_the_id_of_a_customer(lines, rows, clean, customer, arguments, free):
    nameless = [(None, str(order), T, "x", 1, 1) for order in (10, 11, 12)]
    table = lines(*nameless, (customer, "13", T, "x", 1, 1))
    with pytest.raises(SegError, match=f"pseudo_customers: '{customer}': a customer has the id .* first_id"):
        clean(table, {"pseudo_customers": arguments})
    numbered, _ledger = clean(table, {"pseudo_customers": {"first_id": free or 1}})
    assert numbered.customer_id.nunique().execute() == 4


@by_hand("fill_zero_price")
def test_a_zero_price_becomes_the_most_frequent_one_of_the_product_and_the_lowest_of_a_tie(
    lines, rows, clean
):
    table = lines(
        ("a", "1", T, "x", 2, 5.0),
        ("a", "1", T, "x", 2, 3.0),
        ("a", "1", T, "x", 2, 5.0),
        ("a", "2", T, "x", 4, 0.0),  # 5 twice, 3 once: 4 * 5 = 20
        ("a", "1", T, "y", 1, 9.0),
        ("a", "1", T, "y", 1, 8.0),
        ("a", "1", T, "y", 1, -1.0),
        ("a", "1", T, "y", 1, -1.0),
        ("a", "3", T, "y", -2, 0.0),  # 8 and 9 once each, negative prices do not count: -2 * 8 = -16
        ("a", "4", T, "z", 3, 0.0),  # never sold at a price
        ("a", "5", T, None, 3, 0.0),
    )
    filled, _ledger = clean(table, "fill_zero_price")
    assert filled.columns == table.columns
    repaired = filled.filter(filled.order_id != "1")
    assert rows(repaired, "order_id", "unit_price", "amount") == [
        ("2", 5.0, 20.0),
        ("3", 8.0, -16.0),
        ("4", 0.0, 0.0),
        ("5", 0.0, 0.0),
    ]
    assert filled.filter(filled.order_id == "1").amount.sum().execute() == 10 + 6 + 10 + 9 + 8 - 1 - 1


def test_an_amount_that_was_given_stays_where_no_price_is_known(lines, rows, clean):
    table = lines(("a", "1", T, "z", 3, 0.0), amount=[7.0])
    assert rows(clean(table, "fill_zero_price")[0], "unit_price", "amount") == [(0.0, 7.0)]


@by_hand("cancellations")
def test_cancellations_are_kept_apart_dropped_or_matched(lines, rows, clean):
    table = lines(
        ("a", "1", "2011-01-01", "x", 2, 5),
        ("a", "2", "2011-01-02", "x", -2, 5),  # takes order 1 back
        ("a", "3", "2011-01-03", "x", -2, 5),  # nothing left to take back
        ("a", "4", "2011-01-04", "y", 1, 5),
        ("b", "5", "2011-01-05", "y", -1, 5),  # of another customer
    )
    kept, _ledger = clean(table, "cancellations")
    assert rows(kept, "order_id", "is_return") == [
        ("1", False), ("2", True), ("3", True), ("4", False), ("5", True),
    ]  # fmt: skip
    dropped, _ledger = clean(table, {"cancellations": {"policy": "drop"}})
    assert rows(dropped, "order_id") == [("1",), ("4",)]
    matched, ledger = clean(table, {"cancellations": {"policy": "match"}})
    assert rows(matched, "order_id", "is_return") == [("1", False), ("2", True), ("4", False)]
    assert matched.columns == table.columns
    assert list(ledger["revenue"]) == [10 - 10 - 10 + 5 - 5, 10 - 10 + 5]


def test_a_line_without_quantity_takes_back_where_its_amount_is_negative(lines, rows, clean):
    rows_ = [("a", "1", T, "x", None, 1), ("a", "2", T, "x", None, 1), ("a", "3", T, "x", -1, 1)]
    kept, _ledger = clean(lines(*rows_, amount=[3.0, -3.0, 1.0]), "cancellations")
    assert rows(kept, "order_id", "is_return") == [("1", False), ("2", True), ("3", True)]
    amounts_only = lines(*rows_, amount=[3.0, -3.0, None]).drop("quantity", "product_id", "unit_price")
    kept, _ledger = clean(amounts_only, "cancellations")
    assert rows(kept, "order_id", "is_return") == [("1", False), ("2", True), ("3", False)]


@by_hand("iqr_cap")
def test_iqr_cap_caps_at_one_and_a_half_ranges_beyond_the_quartiles(lines, rows, clean):
    # Quartiles of 1, 2, 3, 4, 100 are 2 and 4: from 2 - 1.5 * 2 = -1 to 4 + 1.5 * 2 = 7.
    capped, _ledger = clean(priced(lines, 1, 2, 3, 4, 100), {"iqr_cap": {"columns": ["unit_price"]}})
    assert rows(capped, "order_id", "unit_price", "amount") == [
        ("1", 1.0, 1.0), ("2", 2.0, 2.0), ("3", 3.0, 3.0), ("4", 4.0, 4.0), ("5", 7.0, 7.0),
    ]  # fmt: skip
    narrow, _ledger = clean(
        priced(lines, 1, 2, 3, 4, 100), {"iqr_cap": {"columns": ["unit_price"], "factor": 0}}
    )
    assert rows(narrow, "unit_price") == [(2.0,), (2.0,), (3.0,), (4.0,), (4.0,)]


def test_iqr_cap_leaves_missing_values_and_amounts_of_lines_within_as_they_are(lines, rows, clean):
    prices = [1, 2, 3, 4, 100, None]
    table = priced(lines, *prices, amount=[0.9, 1.9, 2.9, 3.9, 99.0, 8.0])
    capped, _ledger = clean(table, {"iqr_cap": {"columns": ["unit_price"]}})
    assert rows(capped, "order_id", "unit_price", "amount") == [
        ("1", 1.0, 0.9), ("2", 2.0, 1.9), ("3", 3.0, 2.9), ("4", 4.0, 3.9), ("5", 7.0, 7.0), ("6", None, 8.0),
    ]  # fmt: skip


@pytest.mark.parametrize("seed", range(3))
def test_iqr_cap_is_that_of_numpy(lines, clean, seed):
    draw = np.random.default_rng(seed)
    quantity, price = draw.geometric(0.2, 101), draw.lognormal(1, 1, 101).round(2)
    table = lines(
        *[
            ("a", str(i), T, "x", int(q), float(p))
            for i, (q, p) in enumerate(zip(quantity, price, strict=True))
        ]
    )
    capped, _ledger = clean(table, {"iqr_cap": {"columns": ["quantity", "unit_price"]}})
    found = capped.to_pandas().sort_values("order_id", key=lambda s: s.astype(int))
    for column, values in (("quantity", quantity), ("unit_price", price)):
        first, third = np.quantile(values, [0.25, 0.75])
        bounds = first - 1.5 * (third - first), third + 1.5 * (third - first)
        np.testing.assert_allclose(found[column], np.clip(values, *bounds), rtol=1e-12)
    np.testing.assert_allclose(found["amount"], found["quantity"] * found["unit_price"], rtol=1e-12)


@by_hand("shift_years")
def test_shift_years_moves_dates_and_a_leap_day_to_the_last_of_february(lines, rows, clean):
    table = lines(
        *[("a", time[:4], time, "x", 1, 1) for time in ("2009-12-01 07:45", "2012-02-29", "2011-02-28")]
    )
    moved, _ledger = clean(table, {"shift_years": {"years": 13}})
    assert rows(moved, "order_id", "ordered_at") == [
        ("2009", datetime(2022, 12, 1, 7, 45)),
        ("2011", datetime(2024, 2, 28)),
        ("2012", datetime(2025, 2, 28)),
    ]


@by_hand("drop_customers_without_purchases")
def test_customers_with_returns_only_are_dropped_and_so_are_the_nameless(lines, rows, clean):
    table = lines(
        ("a", "1", T, "x", 1, 1),
        ("a", "2", T, "x", -1, 1),
        ("b", "3", T, "x", -1, 1),
        (None, "4", T, "x", 1, 1),
    )
    kept, _ledger = clean(table, "cancellations", "drop_customers_without_purchases")
    assert rows(kept, "customer_id", "order_id") == [("a", "1"), ("a", "2")]


def test_every_step_has_a_table_worked_by_hand():
    assert set(cleaning.STEPS) - TESTED == set()


def test_every_step_says_what_it_does():
    assert [name for name, step in cleaning.STEPS.items() if not step.apply.__doc__] == []


@by_hand("raise_zero_ratings", "raise_negative_votes", "blank_placeholders")
def test_repairs_change_values_and_no_rows(lines, rows, clean):
    table = priced(
        lines,
        1,
        1,
        1,
        rating=[0.0, None, 4.0],
        helpful_votes=[-2.0, 3.0, None],
        category=["N/A", "", "None left"],
    )
    repaired, ledger = clean(
        table, "raise_zero_ratings", "raise_negative_votes", {"blank_placeholders": {"columns": ["category"]}}
    )
    expected = [("1", 1.0, 0.0, None), ("2", None, 3.0, None), ("3", 4.0, None, "None left")]
    assert rows(repaired, "order_id", "rating", "helpful_votes", "category") == expected
    assert list(ledger["rows"]) == [3] * 4 and list(ledger["revenue"]) == [3] * 4


@by_hand("verified_purchases", "drop_categories", "amount_above")
def test_what_is_not_known_is_not_verified_has_no_category_and_no_amount(lines, rows, clean):
    table = priced(
        lines,
        1,
        1,
        1,
        amount=[0.25, 0.26, None],
        verified=[True, False, None],
        category=["Books", None, "books"],
    )
    for step, orders in [
        ({"verified_purchases": {"unknown": "drop"}}, "1"),
        ({"verified_purchases": {"verified": "any"}}, "123"),
        ({"drop_categories": {"categories": ["Books"]}}, "23"),
        ({"amount_above": {"above": 0.25}}, "2"),
    ]:
        assert rows(clean(table, step)[0], "order_id") == [(order,) for order in orders], step


@by_hand("newest_days")
def test_newest_days_counts_back_from_the_newest_line_that_is_left(lines, rows, clean):
    times = ["2022-09-12 23:59", "2022-09-13 00:00", "2023-09-13 08:00", "2023-09-20 08:00"]
    table = lines(*[("a", str(place), time, "x", 1, place) for place, time in enumerate(times)])
    window = {"newest_days": {"days": 365}}
    assert rows(clean(table, {"date_window": {"end": "2023-09-19"}}, window)[0], "order_id") == [
        ("1",),
        ("2",),
    ]
    assert rows(clean(table, window)[0], "order_id") == [("2",), ("3",)]
    assert len(rows(clean(table, {"newest_days": {"days": None}})[0], "order_id")) == 4
    assert rows(clean(table, {"drop_customers": {"customers": ["a"]}}, window)[0], "order_id") == []


# ---- one-to-one matching -----------------------------------------------------------------------------------


def matched_by_hand(lines: list[tuple]) -> int:
    """Give each cancellation, in the order of time, one purchase that is not later and not taken yet."""
    free, matched = defaultdict(int), 0
    for customer, _time, product, quantity in sorted(lines, key=lambda line: (line[1], line[3] < 0)):
        if customer is None or product is None:
            continue
        key = customer, product, abs(quantity)
        if quantity > 0:
            free[key] += 1
        elif quantity < 0 and free[key]:
            free[key] -= 1
            matched += 1
    return matched


def matches(lines, events: list[tuple]) -> list[bool]:
    table = lines(
        *[(customer, str(i), time, product, n, 1) for i, (customer, time, product, n) in enumerate(events)]
    )
    found = cleaning.match_cancellations(table).to_pandas()
    return list(found.sort_values("order_id", key=lambda s: s.astype(int))["matched"])


NOON = datetime(2011, 1, 1, 12)


@pytest.mark.parametrize(
    "events, expected",
    [
        ([("a", 1, "x", 2), ("a", 2, "x", -2), ("a", 3, "x", -2)], [False, True, False]),  # two cancel one
        (
            [("a", 1, "x", -2), ("a", 2, "x", 2), ("a", 3, "x", -2)],
            [False, False, True],
        ),  # cancelled before bought
        ([("a", 1, "x", -2), ("a", 1, "x", 2)], [True, False]),  # at the same time
        ([("a", 1, "x", -2), ("a", 1, "x", -2), ("a", 1, "x", 2)], None),  # one of the two, by a full order
        ([("a", 1, "x", 2), ("b", 2, "x", -2)], [False, False]),  # another customer
        ([("a", 1, "x", 2), ("a", 2, "y", -2)], [False, False]),  # another product
        ([("a", 1, "x", 2), ("a", 2, "x", -1)], [False, False]),  # another quantity
        ([(None, 1, "x", 2), (None, 2, "x", -2)], [False, False]),  # nobody known
        ([("a", 1, None, 2), ("a", 2, None, -2)], [False, False]),  # no product known
        (
            [("a", 1, "x", 2), ("a", 2, "x", 2), ("a", 3, "x", -2), ("a", 4, "x", -2)],
            [False, False, True, True],
        ),
        ([("a", 1, "x", 0), ("a", 2, "x", 0)], [False, False]),
        (
            [("a", 1, "x", -2), ("a", 2, "x", -2), ("a", 3, "x", 2), ("a", 4, "x", -2)],
            [False, False, False, True],
        ),
    ],
)
def test_cancellations_are_matched_one_to_one(lines, events, expected):
    timed = [(customer, NOON + timedelta(hours=hour), product, n) for customer, hour, product, n in events]
    found = matches(lines, timed)
    assert sum(found) == matched_by_hand(timed)
    if expected is not None:
        assert found == expected


event = st.tuples(
    st.sampled_from(["a", "b", None]),
    st.integers(0, 4).map(lambda hour: NOON + timedelta(hours=hour)),
    st.sampled_from(["x", "y", None]),
    st.sampled_from([-2, -1, 0, 1, 2]),
)


@settings(
    max_examples=30,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(event, min_size=1, max_size=14))
def test_as_many_cancellations_are_matched_as_a_matcher_in_python_finds(lines, events):
    found = matches(lines, events)
    assert sum(found) == matched_by_hand(events)
    assert not any(hit for hit, one in zip(found, events, strict=True) if one[3] >= 0 or None in one)
    # One to one in each prefix of time: never more matched cancellations than purchases so far.
    for now in {one[1] for one in events}:
        so_far = [place for place, one in enumerate(events) if one[1] <= now]
        assert sum(found[place] for place in so_far) <= sum(events[place][3] > 0 for place in so_far)


# ---- the ledger --------------------------------------------------------------------------------------------

CHAIN = [
    {"drop_missing": {"columns": ["customer_id"]}},
    "drop_zero_price",
    {"minimum_price": {"price": 0.5}},
    "drop_duplicates",
    {"drop_customers": {"customers": ["c"]}},
    "cancellations",
    "drop_customers_without_purchases",
]


@pytest.fixture
def shop(lines):
    return lines(
        ("a", "1", "2011-01-01", "x", 2, 5.0),
        ("a", "1", "2011-01-01", "x", 2, 5.0),
        ("a", "2", "2011-01-02", "x", -1, 5.0),
        ("b", "3", "2011-01-03", "x", 1, 0.0),
        ("b", "4", "2011-01-03", "y", -3, 1.0),
        ("c", "5", "2011-01-04", "y", 7, 1.0),
        ("d", "6", "2011-01-04", "y", 1, 0.25),
        (None, "7", "2011-01-04", "y", 1, 4.0),
    )


def test_the_ledger_tells_rows_customers_and_revenue_after_each_step(shop, clean):
    _kept, ledger = clean(shop, *CHAIN)
    expected = [
        ("loaded", 8, 4, 10 + 10 - 5 + 0 - 3 + 7 + 0.25 + 4),
        ("drop_missing", 7, 4, 19.25),
        ("drop_zero_price", 6, 4, 19.25),
        ("minimum_price", 5, 3, 19.0),
        ("drop_duplicates", 4, 3, 9.0),
        ("drop_customers", 3, 2, 2.0),
        ("cancellations", 3, 2, 2.0),
        ("drop_customers_without_purchases", 2, 1, 5.0),
    ]
    expected = pd.DataFrame(expected, columns=cleaning.LEDGER_COLUMNS)
    pd.testing.assert_frame_equal(ledger, expected.astype({"customers": "Int64"}))


def test_each_line_of_the_ledger_is_the_table_after_that_step_alone(engine, shop, clean):
    _kept, fused = clean(shop, *CHAIN)
    table, states = shop, []
    for step in CHAIN:
        table, ledger = clean(table, step)  # one step a run: filters are not counted together
        states.append(ledger.iloc[-1])
        assert [int(ledger.rows.iloc[-1]), int(ledger.customers.iloc[-1])] == [
            table.count().execute(), table.customer_id.nunique().execute(),
        ]  # fmt: skip
    pd.testing.assert_frame_equal(
        fused.iloc[1:].reset_index(drop=True),
        pd.DataFrame(states).reset_index(drop=True).astype({"customers": "Int64"}),
    )


def test_of_a_large_table_customers_are_counted_of_what_is_left_or_of_everything_where_asked(
    engine, shop, clean, monkeypatch
):
    whole = clean(shop, *CHAIN)[1]
    monkeypatch.setattr(ledger, "LARGE", 3)
    part = clean(shop, *CHAIN)[1]
    assert list(part["rows"]) == list(whole["rows"])
    # drop_missing, drop_zero_price and minimum_price stand in a row: what the last of them leaves is counted.
    assert list(part["customers"].isna()) == [True, True, True, False, True, False, False, False]
    known = part["customers"].notna()
    pd.testing.assert_frame_equal(part[known], whole[known])
    full = cleaning.clean(engine, shop, cleaning.parse(CHAIN), full=True)[1]
    pd.testing.assert_frame_equal(full, whole)


def test_a_large_table_is_counted_alike_where_a_window_is_looked_up_and_equal_rows_are_merged(
    lines, clean, monkeypatch
):
    table = lines(
        ("a", "1", "2024-01-01", "p", 1, 1.0), ("a", "2", "2024-03-01", "p", 1, 2.0), ("b", "3", "2024-03-02", "p", 1, 3.0),
        ("b", "3", "2024-03-02", "p", 1, 3.0), ("c", "4", "2024-03-03", "p", -1, 4.0),
    )  # fmt: skip
    steps = [{"newest_days": {"days": 2}}, "drop_duplicates", {"amount_above": {"above": 0}}]
    whole_left, whole = clean(table, *steps)
    assert list(whole["rows"]) == [5, 4, 3, 2] and list(whole["revenue"]) == [5, 4, 1, 5]
    monkeypatch.setattr(ledger, "LARGE", 4)
    left, part = clean(table, *steps)
    assert list(part["rows"]) == [5, 4, 3, 2] and left.columns == whole_left.columns
    pd.testing.assert_frame_equal(part.iloc[1:], whole.iloc[1:])


def test_steps_are_applied_in_the_order_that_is_given(lines, clean):
    table = priced(lines, 0, 2, 2)
    filled = clean(table, "fill_zero_price", "drop_zero_price")[1]
    dropped = clean(table, "drop_zero_price", "fill_zero_price")[1]
    assert list(filled["rows"]) == [3, 3, 3] and list(filled["revenue"]) == [4, 6, 6]
    assert list(dropped["rows"]) == [3, 2, 2] and list(dropped["revenue"]) == [4, 4, 4]


@pytest.mark.parametrize("name", sorted(path.stem for path in (CONFIGS / "cleaning").glob("*.yaml")))
def test_steps_of_a_yaml_keep_their_order(name):
    # A step may refer to a key beside the steps.
    entries = OmegaConf.to_container(
        OmegaConf.create({"cleaning": yaml.safe_load((CONFIGS / "cleaning" / f"{name}.yaml").read_text())}),
        resolve=True,
    )["cleaning"]["steps"]
    names = [entry if isinstance(entry, str) else next(iter(entry)) for entry in entries]
    assert [step.name for step, _arguments in cleaning.parse(entries)] == names


def test_without_steps_the_ledger_is_the_loaded_table(shop, clean):
    kept, ledger = clean(shop)
    assert kept is shop
    assert ledger.to_dict("list") == {"step": ["loaded"], "rows": [8], "customers": [4], "revenue": [23.25]}


def test_an_empty_table_and_a_table_without_money_are_counted(engine, lines, clean):
    _kept, ledger = clean(priced(lines, 1), {"drop_customers": {"customers": ["a"]}}, "drop_duplicates")
    assert ledger.iloc[-1].tolist() == ["drop_duplicates", 0, 0, 0.0]
    table = engine.register(pd.DataFrame({"customer_id": ["a", "b"], "age": [1.0, 2.0]}))
    ledger = clean(table, {"drop_missing": {"columns": ["age"]}})[1]
    assert ledger["rows"].tolist() == [2, 2] and ledger["revenue"].isna().all()


def test_returns_that_stay_are_remarked_upon(engine, shop, clean):
    kept, _ledger = clean(shop, "cancellations")
    assert cleaning.remarks(engine, kept) == [
        "2 lines of 2 customers are returns: kept apart from orders and revenue"
    ]
    assert cleaning.remarks(engine, shop) == []


# ---- what is wrong in a YAML -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "steps, message",
    [
        (["drop_missin"], r"unknown step 'drop_missin'; expected one of drop_missing, "),
        ([{"drop_products": {"patern": "x"}}], r"drop_products has no argument 'patern'; it takes pattern"),
        (["drop_products"], r"drop_products needs the argument 'pattern'"),
        ([{"drop_products": {"pattern": "["}}], r"drop_products: pattern='\[': not a regular expression"),
        (
            [{"drop_missing": {"columns": "customer_id"}}],
            r"drop_missing: columns='customer_id': .*[Ss]equence",
        ),
        ([{"minimum_price": {"price": "cheap"}}], r"minimum_price: price='cheap': .*number"),
        ([{"minimum_price": {"price": float("nan")}}], r"minimum_price: price=nan: .*finite"),
        ([{"minimum_price": 3}], r"minimum_price: 3: expected arguments by name, price"),
        (
            [{"date_window": {"start": "soon"}}],
            r"date_window: start='soon': expected a day such as 2011-12-09",
        ),
        ([{"date_window": {"start": 2011}}], r"date_window: start=2011: expected a day such as 2011-12-09"),
        (
            [{"cancellations": {"policy": "ignore"}}],
            r"policy='ignore': Input should be 'keep', 'drop' or 'match'",
        ),
        ([{"pseudo_customers": {"first_id": "many"}}], r"first_id='many': .*integer"),
        (
            [{"drop_duplicates": {}, "drop_zero_price": {}}],
            r"drop_duplicates, drop_zero_price: expected one step",
        ),
    ],
)
def test_a_wrong_step_or_argument_is_an_error_before_any_data_is_read(steps, message):
    with pytest.raises(SegError, match=message):
        cleaning.parse(steps)


def test_steps_need_the_columns_of_their_arguments_too():
    parsed = cleaning.parse(
        [{"drop_missing": {"columns": ["description"]}}, {"cancellations": {"policy": "match"}}]
    )
    assert cleaning.needs(parsed) == {
        "description", "amount", "customer_id", "product_id", "quantity", "ordered_at",
    }  # fmt: skip


# ---- the real files ----------------------------------------------------------------------------------------


def steps_of(name: str) -> list:
    return yaml.safe_load((CONFIGS / "cleaning" / f"{name}.yaml").read_text())["steps"]


@pytest.fixture(scope="module")
def online_retail(engine, real_data):
    """The lines, read once: a table that is not kept is read from its file by every question."""
    config = yaml.safe_load((CONFIGS / "dataset" / "online_retail.yaml").read_text())
    source = locate.find("online_retail", str(real_data), config["files"])
    reading = Reading(delimiter=config["delimiter"], encoding=config["encoding"])
    loaded = transactions.load(engine, source, config["columns"], reading, config["date_format"])
    return engine.checkpoint(loaded.table)


@pytest.fixture(scope="module")
def insiders(engine, online_retail):
    """The lines before the last step and after it, and the ledger of all steps."""
    steps = cleaning.parse(steps_of("insiders"))
    before, ledger = cleaning.clean(engine, online_retail, steps[:-1])
    kept, last = cleaning.clean(engine, before, steps[-1:])
    return before, kept, pd.concat([ledger, last.iloc[1:]], ignore_index=True)


@pytest.mark.real
def test_insiders_has_the_published_counts(online_retail, insiders):
    before, kept, ledger = insiders
    assert online_retail.customer_id.isnull().sum().execute() == 135_080
    assert dict(zip(ledger["step"], ledger["rows"], strict=True)) == {
        "loaded": 541_909,
        "pseudo_customers": 541_909,
        "drop_missing": 540_455,
        "drop_products": 537_701,
        "drop_countries": 537_197,
        "minimum_price": 536_143,
        "drop_customers": 536_139,
        "cancellations": 536_139,
        "drop_customers_without_purchases": kept.count().execute(),
    }
    assert ledger["customers"].iloc[1] == 8_082
    back = before.filter(before.is_return)
    assert (back.count().execute(), back.customer_id.nunique().execute()) == (8_728, 1_595)
    assert before.filter(~before.is_return).count().execute() == 527_411
    assert before.customer_id.nunique().execute() - kept.customer_id.nunique().execute() == 91
    pseudo = kept.filter(kept.customer_id.cast("int64") >= 19_000)
    assert (kept.customer_id.nunique().execute(), pseudo.customer_id.nunique().execute()) == (5_695, 1_366)


@pytest.mark.real
def test_insiders_has_the_published_customers_without_returns(engine, insiders):
    _before, kept, _ledger = insiders
    recipe = features.parse(["revenue", "elapsed_days", "quantity", "order_rate", "returns"])
    table = features.build(engine, kept, features.FeatureRequest(recipe)).frame
    assert len(table) == 5_695
    assert (table["returns"] == 0).sum() == 4_191


@pytest.mark.real
def test_rfm_pyspark_has_the_published_counts(online_retail, clean):
    steps = steps_of("rfm_pyspark")
    known, ledger = clean(online_retail, *steps[:2])
    assert list(ledger["rows"]) == [541_909, 406_829, 401_604]
    cancelled = known.filter(known.quantity < 0)
    assert (cancelled.order_id.nunique().execute(), known.order_id.nunique().execute()) == (3_654, 22_190)
    assert known.filter(known.unit_price == 0).count().execute() == 40
    matched = cleaning.match_cancellations(known)
    assert (cancelled.count().execute(), matched.matched.sum().execute()) == (8_872, 2_882)
    # What is left, 401,604 - 8,872 + 2,882 rows of 4,339 customers: tests/evaluation/test_published.py.
