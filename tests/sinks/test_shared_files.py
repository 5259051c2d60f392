"""What leaves the directory of a run: ids under a key that nobody can guess, and no segment of a few customers."""

import hashlib

import pandas as pd
import pytest

from seg.errors import SegError
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
