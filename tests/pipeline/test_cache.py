"""Work is done once, found again only where nothing it follows from has changed, and made anew where it is damaged."""

import os
import pickle
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest

from seg.config import compose, load
from seg.pipeline import flow
from seg.pipeline.cache import Cache
from seg.preparation import prepare as preparing
from seg.selection import scan as selection


@pytest.fixture
def kept(tmp_path):
    return Cache(tmp_path / "cache")


def entry(tmp_path, kind="features"):
    (path,) = (tmp_path / "cache" / kind).glob("*.pickle")
    return path


def test_a_result_is_made_once_a_key(kept):
    made = []
    for key in ({"k": 3}, {"k": 3}, {"k": 4}):
        value = kept.get("features", key, lambda key=key: made.append(key) or key["k"] * 10)
        assert value == key["k"] * 10
    assert made == [{"k": 3}, {"k": 4}]


def test_a_cache_that_is_off_makes_everything_and_keeps_nothing(tmp_path):
    made = []
    for _ in range(2):
        Cache(None).get("features", {}, lambda: made.append(1))
    assert len(made) == 2 and not list(tmp_path.iterdir())


@pytest.mark.parametrize("damage", [lambda b: b[: len(b) // 2], lambda b: b[:-1] + b"?", lambda b: b""])
def test_a_damaged_entry_is_made_anew_loudly(kept, tmp_path, caplog, damage):
    kept.get("features", {}, lambda: "first")
    path = entry(tmp_path)
    path.write_bytes(damage(path.read_bytes()))
    assert kept.get("features", {}, lambda: "second") == "second"
    assert "is damaged" in caplog.text and path.name in caplog.text
    assert kept.get("features", {}, lambda: "third") == "second"


def test_jobs_at_the_same_time_make_the_same_thing_once(tmp_path):
    made = []

    def job(_):
        return Cache(tmp_path).get("scan", {}, lambda: time.sleep(0.3) or made.append(1) or "done")

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(job, range(4))) == ["done"] * 4
    assert len(made) == 1


def test_what_fails_is_not_kept_and_holds_nobody_up(kept):
    with pytest.raises(ValueError, match="broken"):
        kept.get("scan", {}, lambda: (_ for _ in ()).throw(ValueError("broken")))
    assert kept.get("scan", {}, lambda: 1) == 1


def test_above_its_size_the_entry_not_used_for_longest_goes(tmp_path):
    kept = Cache(tmp_path, max_size=2500)
    for age, name in ((30, "a"), (20, "b")):
        kept.get("scan", {"name": name}, lambda: b"." * 1000)
        newest = max(tmp_path.glob("scan/*"), key=lambda path: path.stat().st_mtime)
        os.utime(newest, (time.time() - age,) * 2)
    kept.get("scan", {"name": "a"}, lambda: pytest.fail("it was there"))  # now b is the oldest
    kept.get("scan", {"name": "c"}, lambda: b"." * 1000)
    assert kept.get("scan", {"name": "a"}, lambda: "anew") != "anew"
    assert kept.get("scan", {"name": "b"}, lambda: "anew") == "anew"


def test_a_folder_that_cannot_be_written_is_said_and_the_work_is_done(tmp_path, caplog):
    (tmp_path / "file").write_text("")
    assert Cache(tmp_path / "file" / "cache").get("scan", {}, lambda: 1) == 1
    assert "cannot be written" in caplog.text


def test_a_file_is_hashed_again_only_when_it_was_touched(kept, tmp_path, monkeypatch):
    path = tmp_path / "orders.csv"
    path.write_text("a")
    os.utime(path, ns=(10**9, 10**9))
    monkeypatch.setattr(
        time, "time_ns", lambda: path.stat().st_ctime_ns + 10**10
    )  # long ago, as far as it knows
    first = kept.digest(path)
    monkeypatch.setattr("seg.pipeline.cache._content", lambda path: pytest.fail("it was read again"))
    assert kept.digest(path) == first
    monkeypatch.undo()
    path.write_text("b")
    os.utime(path, ns=(10**9, 10**9))  # the same size and age, another content
    assert kept.digest(path) != first


@pytest.fixture
def counted(monkeypatch):
    """Count how often orders were read and how many k were fitted."""
    calls = {"read": 0, "fitted": []}
    prepare, scan = preparing.prepare, selection.scan

    def counting_prepare(*arguments):
        calls["read"] += 1
        return prepare(*arguments)

    def counting_scan(X, parts, ks, *rest):
        calls["fitted"] += ks
        return scan(X, parts, ks, *rest)

    monkeypatch.setattr(preparing, "prepare", counting_prepare)
    monkeypatch.setattr(selection, "scan", counting_scan)
    return calls


def segment(tmp_path, *overrides: str):
    load.prepare_environment()
    cfg = compose.compose(
        [
            "dataset=transactions", f"dataset.path={tmp_path}/orders.csv", f"cache.folder={tmp_path}/cache",
            "selection.k_range=[2,3,4]", "tracking=none", *overrides,
        ]
    )  # fmt: skip
    return flow.segment(load.settings(cfg), compose.instantiate_parts(cfg))


def write_orders(path, seed: int = 0) -> None:
    draw = np.random.default_rng(seed)
    table = pd.DataFrame({"customer_id": draw.integers(0, 120, 600)})
    table["ordered_at"] = pd.Timestamp("2024-01-01") + pd.to_timedelta(draw.integers(0, 300, 600), "D")
    table["amount"] = draw.lognormal(3, 1, 600).round(2)
    table.to_csv(path / "orders.csv", index=False)


def test_runs_share_features_and_scan_and_find_what_a_run_without_the_cache_finds(tmp_path, counted):
    write_orders(tmp_path)
    segment(tmp_path, "k=2")
    again = segment(tmp_path, "k=4")
    assert counted == {"read": 1, "fitted": [2, 3, 4]}
    beyond = segment(tmp_path, "k=6")
    assert counted == {"read": 1, "fitted": [2, 3, 4, 6]}, "only the k outside the range is new"
    assert beyond.scan.table["k"].tolist() == [2, 3, 4, 6] and beyond.k == 6
    fresh = segment(tmp_path, "k=4", "cache.enabled=false")
    pd.testing.assert_frame_equal(again.segments, fresh.segments)
    assert again.metrics == pytest.approx(fresh.metrics, abs=0, rel=0, nan_ok=True)
    np.testing.assert_array_equal(again.labels, fresh.labels)
    assert again.notes == fresh.notes


def test_whatever_the_result_follows_from_makes_a_cached_one_useless(tmp_path, counted, monkeypatch):
    monkeypatch.setattr(flow, "interpreted", lambda *_: None)  # names and rules are not in the cache
    write_orders(tmp_path)
    segment(tmp_path, "k=3")
    for override, read, fitted in (
        ("engine.threads=1", 0, 0),  # no influence
        ("model.n_init=3", 0, 3),
        ("scaler=robust", 0, 3),
        ("seed=1", 0, 3),
        ("recipe.features=[orders,revenue]", 1, 3),
        ("cleaning.steps=[drop_duplicates]", 1, 3),
    ):
        before = counted["read"], len(counted["fitted"])
        segment(tmp_path, "k=3", override)
        assert (counted["read"] - before[0], len(counted["fitted"]) - before[1]) == (read, fitted), override
    write_orders(tmp_path, seed=1)
    before = counted["read"], len(counted["fitted"])
    segment(tmp_path, "k=3")
    assert (counted["read"] - before[0], len(counted["fitted"]) - before[1]) == (1, 3)


def test_automatic_k_asks_the_panel_once(tmp_path, monkeypatch):
    write_orders(tmp_path)
    first = segment(tmp_path)
    monkeypatch.setattr("seg.selection.choose.panel", lambda *_, **__: pytest.fail("it was asked again"))
    again = segment(tmp_path)
    assert (first.k, first.k_reason, first.notes) == (again.k, again.k_reason, again.notes)
    pd.testing.assert_frame_equal(first.votes, again.votes)


def test_an_entry_is_a_line_of_json_that_says_what_it_follows_from_and_a_pickle(kept, tmp_path):
    kept.get("features", {"data": "x"}, lambda: [1])
    head, content = entry(tmp_path).read_bytes().split(b"\n", 1)
    assert b'"data": "x"' in head and pickle.loads(content) == [1]
