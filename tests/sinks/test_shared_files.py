"""What leaves the directory of a run: ids under a key that nobody can guess, and no segment of a few customers."""

import hashlib
import json

import pandas as pd
import pytest

from seg.errors import SegError
from seg.sinks.shared_card import inner_bounds, merged_cells, shared_card
from seg.sinks.shared_files import Privacy, merge_rows, merged_segments, shared_files, to_share

KEY = "0f" * 20


@pytest.fixture
def folder(tmp_path):
    """A run of 16 customers, one of them alone in the best segment."""
    segments = [0, *[1] * 6, *[2] * 9]
    ids = [f"{10_000 + i}" for i in range(16)]
    table = pd.DataFrame({"customer_id": ids, "segment": segments, "probability_0": 0.5})
    table.to_parquet(tmp_path / "assignments.parquet", index=False)
    rows = pd.DataFrame(
        {
            "segment": [0, 1, 2],
            "name": ["giant", "good", "rest"],
            "size": [1, 6, 9],
            "share": [1 / 16, 6 / 16, 9 / 16],
        }
    )
    rows.assign(revenue=[7000.0, 10.0, 1.0]).to_csv(tmp_path / "segments.csv", index=False)
    (tmp_path / "report.html").write_text("giant: 7,000")
    (tmp_path / "k_scan.csv").write_text("k\n2\n")
    table.to_csv(tmp_path / "list.csv", index=False)
    return tmp_path


def shared(folder, privacy, fingerprint="f1"):
    files = [path for path in folder.iterdir() if path.is_file()]
    with to_share(files, folder, fingerprint, privacy) as scratch:
        there = {path.name for path in scratch.iterdir()}
        table = pd.read_parquet(scratch / "assignments.parquet") if "assignments.parquet" in there else None
        segments = pd.read_csv(scratch / "segments.csv")
    return there, table, segments


def test_hashed_ids_cannot_be_turned_back_by_trying_every_id(folder):
    _, table, _ = shared(folder, Privacy(KEY))
    tried = {hashlib.sha256(f"f1 {i}".encode()).hexdigest()[:16] for i in range(20_000)}
    assert not set(table["customer_id"]) & tried and table["customer_id"].str.fullmatch("[0-9a-f]{16}").all()
    _, other, _ = shared(folder, Privacy("1e" * 20))
    assert not set(table["customer_id"]) & set(other["customer_id"])
    _, again, _ = shared(folder, Privacy(KEY))
    assert again["customer_id"].tolist() == table["customer_id"].tolist(), "the same data can be compared"


def test_without_a_key_the_key_of_this_machine_is_used_or_no_ids_at_all(folder):
    assert len(shared(folder, Privacy())[1]) == 16
    assert "assignments.parquet" not in shared(folder, Privacy("none"))[0]
    with pytest.raises(SegError, match=r"tracking.id_key: expected at least 16 characters .* got 5"):
        shared(folder, Privacy("short"))


def test_a_small_segment_is_merged_and_what_shows_it_stays(folder):
    there, table, segments = shared(folder, Privacy(KEY))
    assert there == {"assignments.parquet", "segments.csv", "k_scan.csv"}
    assert segments["size"].tolist() == [7, 9] and segments["name"].tolist() == ["giant + good", "rest"]
    assert segments["revenue"].tolist() == [pytest.approx((7000 + 6 * 10) / 7), 1.0]
    assert table["segment"].value_counts().to_dict() == {0: 7, 2: 9} and "probability_0" not in table
    there, table, segments = shared(folder, Privacy(KEY, min_cell=1))
    assert there >= {"report.html"} and segments["size"].tolist() == [1, 6, 9]


def test_a_list_of_customers_never_leaves(folder):
    assert "list.csv" not in shared(folder, Privacy(KEY, min_cell=1))[0]
    names = ("bad_rows.csv", "customers.parquet", "model.skops", "segments.csv")
    assert [path.name for path in shared_files([folder / name for name in names])] == ["segments.csv"]


@pytest.mark.parametrize(
    ("sizes", "merged"),
    [
        ({0: 5, 1: 5}, {}),
        ({0: 4, 1: 6}, {0: 0, 1: 0}),
        ({0: 1, 1: 2, 2: 1, 3: 50}, {0: 0, 1: 0, 2: 0, 3: 0}),
        ({}, {}),
    ],
)
def test_the_smallest_are_merged_until_nobody_stands_out(sizes, merged):
    assert merged_segments(pd.Series(sizes, dtype=int), 5) == merged


def test_nothing_is_merged_where_all_are_large_enough():
    table = pd.DataFrame({"segment": [0, -1], "size": [9, 7], "name": ["a", "noise"]})
    assert merge_rows(table, 5) is table


def card(**further) -> dict:
    """A card of 16 customers whose one giant has spent 7,000."""
    segments = pd.DataFrame({"segment": [0, 1, 2], "size": [1, 6, 9], "share": [1 / 16, 6 / 16, 9 / 16]})
    spent = pd.DataFrame({"spent": [7000.0, *range(1, 16)]})
    quantiles = {f"{one:g}": float(spent["spent"].quantile(one)) for one in (0, 0.05, 0.5, 0.95, 1)}
    return {
        "customers": 16,
        "segments": segments.to_dict("records"),
        "ranges": {"spent": quantiles},
        "cells": {"spent": {"edges": [2.0, 8.0, 14.0], "counts": [2, 6, 6, 2]}},
        **further,
    }


def test_the_card_that_leaves_has_no_value_and_no_count_of_a_few_customers(folder):
    (folder / "scoring.json").write_text(json.dumps(card(inner={"spent": [5.0, 12.0]})))
    with to_share([folder / "scoring.json"], folder, "f1", Privacy(KEY)) as scratch:
        shared = json.loads((scratch / "scoring.json").read_text())
    assert [row["size"] for row in shared["segments"]] == [4, 3, 9]
    assert sum(row["share"] for row in shared["segments"]) == pytest.approx(1)
    assert 5 <= shared["ranges"]["spent"]["0"] <= shared["ranges"]["spent"]["1"] <= 12
    assert shared["cells"]["spent"] == {"edges": [8.0], "counts": [8, 8]}
    assert shared["inner"] == {}, "they are the ends of the ranges"
    assert shared_card(card(), {}, 1) == card(), "min_cell=1 shares everything"


def test_bounds_are_values_that_enough_customers_reach():
    frame = pd.DataFrame({"orders": [1, 1, 2, 3, 90], "spent": [5.0, 4.0, 3.0, 2.0, 1.0]})
    assert inner_bounds(frame, 2) == {"orders": [1.0, 3.0], "spent": [2.0, 4.0]}
    assert inner_bounds(frame, 0) == {"orders": [1.0, 90.0], "spent": [1.0, 5.0]}
    assert inner_bounds(frame, 50) == {"orders": [2.0, 2.0], "spent": [3.0, 3.0]}, "at most the median"


@pytest.mark.parametrize(
    ("counts", "merged"),
    [([2, 9, 8, 1], [11, 9]), ([0, 9, 0, 9], [0, 9, 0, 9]), ([1, 1, 1, 1], [4]), ([7, 7, 0, 2], [7, 9])],
)
def test_small_cells_are_merged_with_their_neighbours(counts, merged):
    found = merged_cells([1.0, 2.0, 3.0], counts, 5)
    assert found["counts"] == merged and len(found["edges"]) == len(merged) - 1
