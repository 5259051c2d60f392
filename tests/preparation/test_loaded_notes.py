"""A run stops at dates that are far from all others, and says which lines repeat."""

from __future__ import annotations

import pyarrow as pa
import pytest

import inputs.spellings as sp
from seg.datasets import transactions
from seg.engine import Reading
from seg.errors import SegError
from seg.preparation import loaded_notes
from seg.sources import order_totals
from seg.sources.locate import Source

COLUMNS = {"customer_id": "cust", "order_id": "order", "ordered_at": "date", "amount": "total"}


@pytest.fixture
def load(engine, tmp_path):
    def run(content: str):
        path = tmp_path / "orders.csv"
        path.write_text(content)
        return transactions.load(engine, Source("orders", "file", (path,), ""), COLUMNS, Reading())

    return run


def with_date(day: str) -> str:
    rows = sp.text().splitlines()
    rows[4] = ",".join([*rows[4].split(",")[:2], day, "5"])
    return "\n".join(rows) + "\n"


def test_a_late_date_stops_a_run_and_the_option_that_drops_it_is_spelled(engine, load):
    with pytest.raises(SegError) as error:
        loaded_notes.check(engine, load(with_date("2205-01-01")), ["drop_duplicates"], 1)
    text = str(error.value)
    assert "row 4: date is '2205-01-01'" in text
    assert "'cleaning.steps=[{date_window: {start: 2023-02-01, end: 2024-12-04}}, drop_duplicates]'" in text
    assert "recipe.as_of" not in text  # it may not lie before the newest order


def test_an_early_date_may_be_kept_with_a_day_to_count_from(engine, load):
    loaded = load(with_date("1900-01-01"))
    with pytest.raises(SegError, match=r"row 4: date is '1900-01-01'(.|\n)*recipe\.as_of=20"):
        loaded_notes.check(engine, loaded, [], 1)
    notes = loaded_notes.check(engine, loaded, [], "2025-01-01")
    assert any("1900-01-01" in text for _level, text in notes)


def test_a_window_of_days_is_enough(engine, load):
    window = {"date_window": {"start": "2023-01-01", "end": "2025-01-01"}}
    assert loaded_notes.check(engine, load(with_date("2205-01-01")), [window], 1) == []


def test_repeated_lines_are_said_with_their_money_unless_they_are_dropped(engine, load):
    loaded = load(sp.text(times=2))
    ((level, text),) = loaded_notes.check(engine, loaded, [], 1)
    money = sum(row[3] for row in sp.orders())
    assert (
        level == "warning"
        and f"{sp.ROWS} lines (50.0%)" in text
        and f"{money:,.2f}, +100.0% of the revenue" in text
    )
    assert "'cleaning.steps=[drop_duplicates]'" in text
    assert loaded_notes.check(engine, loaded, ["drop_duplicates"], 1) == []


def test_a_day_to_count_from_that_is_far_ahead_is_said(engine, load):
    loaded = load(sp.text())
    ((level, text),) = loaded_notes.check(engine, loaded, [], "2999-01-01")
    assert level == "warning" and "recipe.as_of=2999-01-01 is 35" in text and "days after today" in text
    assert loaded_notes.check(engine, loaded, [], "2025-01-31") == []


def test_totals_of_orders_that_stand_in_every_line_are_said(engine):
    def notes_of(amount_of) -> str:
        lines = [
            (f"O{order}", f"P{line}", amount_of(order, line)) for order in range(30) for line in range(3)
        ]
        table = engine.register(
            pa.table(
                {
                    name: list(values)
                    for name, values in zip(
                        ("order_id", "product_id", "amount"), zip(*lines, strict=True), strict=True
                    )
                }
            )
        )
        return order_totals.repeated_totals(engine, table) or ""

    said = notes_of(lambda order, line: 10.0 + order)
    assert (
        "30 of 30 orders with several lines have the same amount" in said
        and "count 1,470.00 too much" in said
    )
    assert not notes_of(lambda order, line: 10.0 + order + line)
    assert not notes_of(lambda order, line: 5.0)  # one price
