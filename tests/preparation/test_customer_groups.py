"""The group of each customer, on tables worked by hand."""

import pytest

from seg.errors import SegError
from seg.preparation import customer_groups

LINES = [
    ("ann", "1", "2026-01-01", "p", 1, 10.0),
    ("ann", "1", "2026-01-01", "q", 1, 10.0),
    ("ann", "2", "2026-01-05", "p", 1, 10.0),
    ("ann", "3", "2026-01-09", "p", 1, 10.0),
    ("bob", "4", "2026-01-01", "p", 1, 10.0),
    ("bob", "5", "2026-02-01", "p", 1, 10.0),
    ("cat", "6", "2026-01-01", "p", 1, 10.0),
    ("dan", "7", "2026-01-01", "p", 1, 10.0),
]


def test_a_customer_belongs_to_the_group_of_most_of_its_orders_then_to_that_of_the_latest(engine, lines):
    country = ["FR", "FR", "DE", " DE ", "FR", "DE", " ", None]
    groups = customer_groups.collect(engine, lines(*LINES, country=country), "country")
    # ann: two orders in DE (blanks do not count) and one of two lines in FR; bob: one each, DE later; cat and dan have none.
    assert groups.to_dict() == {"ann": "DE", "bob": "DE"}


def test_returns_do_not_count(engine, lines):
    returned = [False, False, True, True, False, False, False, False]
    country = ["FR", "FR", "DE", "DE", "FR", "FR", "FR", "FR"]
    groups = customer_groups.collect(engine, lines(*LINES, country=country, is_return=returned), "country")
    assert groups["ann"] == "FR"


def test_a_column_that_is_not_there_is_named_with_those_that_are(engine, lines):
    with pytest.raises(SegError, match=r"by=contry: .*expected one of country"):
        customer_groups.collect(engine, lines(*LINES, country=["FR"] * 8), "contry")
