"""Amazon Reviews: raw files to transactions, what is refused, the study's cleaning, and the stand-in at any size."""

from __future__ import annotations

import functools
import gzip
import json
from datetime import datetime

import duckdb
import numpy as np
import pandas as pd
import pytest
from omegaconf import OmegaConf

from seg import cleaning, features
from seg.cleaning import ledger
from seg.config import compose
from seg.config import load as config
from seg.config.settings import Settings
from seg.datasets import amazon_reviews
from seg.datasets.synthetic import reviews_like_amazon
from seg.engine import Reading
from seg.errors import SegError
from seg.preparation import prepare
from seg.sources import locate

NEWEST = 1694649599123  # 2023-09-13 23:59:59.123
DAY = 86_400_000
REVIEW = {
    "rating": 5.0, "title": "t", "text": "x", "images": [], "asin": "V1", "parent_asin": "P1", "user_id": "U1",
    "timestamp": NEWEST, "helpful_vote": 2, "verified_purchase": True,
}  # fmt: skip
ITEM = {"parent_asin": "P1", "main_category": "Computers", "title": "t", "price": "19.99", "features": ["f"]}


@pytest.fixture
def files(tmp_path):
    """Write reviews and items as JSON Lines; a row is what differs from `REVIEW` or `ITEM`."""

    def write(reviews=({},), items=({},), folder=tmp_path, name="reviews.jsonl"):
        rows = {name: [REVIEW | row for row in reviews], "items.jsonl": [ITEM | row for row in items]}
        for file, records in rows.items():
            opened = gzip.open if file.endswith(".gz") else open
            with opened(folder / file, "wt") as out:
                out.writelines(json.dumps(record) + "\n" for record in records)
        return folder / name

    return write


@pytest.fixture
def load(engine):
    def run(path, bad_rows="fail", **options):
        cfg = OmegaConf.create(composed())
        cfg.dataset.path = str(path)
        cfg.dataset.update({key: str(value) for key, value in options.items()})
        found = config.settings(cfg)
        return amazon_reviews.load(
            engine, prepare.find(found.dataset, found.data_dir)[0], Reading(), bad_rows
        )

    return run


def settings(*overrides: str) -> Settings:
    return config.settings(OmegaConf.create(composed(*overrides)))


@functools.cache
def composed(*overrides: str) -> str:
    config.prepare_environment()
    cfg = compose.compose(["dataset=amazon_reviews", "tracking=none", *overrides])
    return OmegaConf.to_yaml(cfg, resolve=False)


def as_parquet(path, name="reviews.parquet"):
    target = path.with_name(name)
    duckdb.sql(f"COPY (SELECT * FROM '{path}') TO '{target}' (FORMAT parquet)")
    path.unlink()
    return target


# ---- reading -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["jsonl", "jsonl.gz", "parquet", "folder"])
def test_a_review_is_an_order_at_the_list_price_of_its_item(files, load, rows, tmp_path, kind):
    reviews = [
        {},
        {"user_id": "U2", "asin": "V2", "parent_asin": "P2", "verified_purchase": False},
        {"asin": "V9", "parent_asin": "P9"},
    ]
    path = files(
        reviews,
        [{}, {"parent_asin": "P2", "price": "None"}],
        name=f"reviews.{kind.replace('folder', 'jsonl')}" if kind != "parquet" else "reviews.jsonl",
    )
    if kind == "parquet":
        path = as_parquet(path)
        as_parquet(tmp_path / "items.jsonl", "items.parquet")
    table = load(tmp_path if kind == "folder" else path).table
    found = rows(table, "customer_id", "product_id", "amount", "verified", "category", "helpful_votes")
    assert found == [
        ("U1", "P1", 19.99, True, "Computers", 2.0),
        ("U1", "P9", None, True, None, 2.0),
        ("U2", "P2", None, False, "Computers", 2.0),
    ]
    assert rows(table, "ordered_at")[0] == (datetime(2023, 9, 13, 23, 59, 59, 123000),)
    assert "order_id" not in table.columns
    assert not {"title", "text", "images"} & set(table.columns)


def test_a_price_is_a_number_as_text_and_anything_else_is_missing(files, load, rows):
    prices = ["7", " 8.50 ", "", "N/A", "from 14.99", None, 3.25, "1e400"]
    items = [{"parent_asin": f"P{place}", "price": price} for place, price in enumerate(prices)]
    path = files([{"parent_asin": f"P{place}"} for place in range(len(prices))], items)
    amounts = dict(rows(load(path).table, "product_id", "amount"))
    assert [amounts[f"P{place}"] for place in range(len(prices))] == [
        7,
        8.5,
        None,
        None,
        None,
        None,
        3.25,
        None,
    ]


# ---- what is refused ---------------------------------------------------------------------------------------


def test_reviews_without_their_items_are_refused_and_told_where_to_get_them(files, tmp_path, load):
    path = files()
    (tmp_path / "items.jsonl").unlink()
    expected = r"reviews.jsonl has no items beside it: searched for meta_Electronics.jsonl\*, items.parquet.*set dataset.items=<file>.*seg.data fetch"
    with pytest.raises(SegError, match=expected):
        load(path)
    with pytest.raises(SegError, match=r"dataset.items=.*nowhere.jsonl: no such file"):
        load(path, items=tmp_path / "nowhere.jsonl")


def test_an_item_that_comes_twice_is_refused_by_its_name(files, load):
    with pytest.raises(SegError, match=r"items.jsonl: 'P1' \(2 times\): each parent_asin must come once"):
        load(files(items=[{}, {"price": "3"}]))


def test_items_of_another_category_are_refused(files, load):
    with pytest.raises(SegError, match=r"none of the items of the first 1,000 reviews .* another category"):
        load(files(items=[{"parent_asin": "X"}]))


@pytest.mark.parametrize("parquet", [False, True])
@pytest.mark.parametrize(
    "stamp, follows",
    [
        (
            1694649599,
            "as milliseconds it would be of 1970-01-20, as seconds of 2023-09-13; if they are seconds, multiply by 1000",
        ),
        (1694649599123456, ": as microseconds of 2023-09-13; if they are microseconds, divide by 1000"),
        (1694649599123456789, ": as nanoseconds of 2023-09-13; if they are nanoseconds, divide by 1000000"),
    ],
)
def test_times_in_another_unit_are_refused_with_the_days_that_would_follow(
    files, load, parquet, stamp, follows
):
    path = files([{"timestamp": stamp}] * 2)
    path = as_parquet(path) if parquet else path
    with pytest.raises(SegError, match=f"2 of 2 rows cannot be read\n.*{follows}"):
        load(path)
    if not parquet:
        with pytest.raises(SegError, match="so none is left to use"):
            load(path, bad_rows="skip")


def test_a_truncated_archive_and_another_schema_in_a_folder_are_named(files, load, tmp_path):
    path = files([{}] * 50, name="reviews.jsonl.gz")
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(SegError, match=r"reviews.jsonl.gz: a damaged or truncated gzip file"):
        load(path)
    path.unlink()
    folder = tmp_path / "parts"
    folder.mkdir()
    for name in "abc":
        as_parquet(files([{"user_id": name}], folder=folder), f"{name}.parquet")
    pd.DataFrame({"user_id": ["U1"], "stars": [5.0]}).to_parquet(folder / "b.parquet")
    with pytest.raises(SegError, match=r"b.parquet: missing column 'asin' .*'timestamp'"):
        load(folder)


def test_a_missing_flag_is_an_error_only_where_verified_purchases_are_asked_for(files, load, engine):
    table = load(files([{}, {"verified_purchase": None, "user_id": "U2"}])).table

    def customers(**arguments):
        return cleaning.clean(engine, table, cleaning.parse([{"verified_purchases": arguments}]))[
            1
        ].customers.iloc[-1]

    with pytest.raises(
        SegError, match=r"of 2 rows 1 have no flag .* cleaning.verified=any, or .* unknown: drop"
    ):
        customers()
    assert customers(verified="any") == 2 and customers(unknown="drop") == 1


# ---- the study's rules -------------------------------------------------------------------------------------


# The study's reviews: what a table of any size gives, one of many millions must give, though it looks up prices late.
REVIEWS = [
    {"user_id": "A"},
    {"user_id": "A"},  # the same once more
    {"user_id": "A", "timestamp": NEWEST - 365 * DAY, "asin": "V2"},  # 2022-09-13, the first day
    {"user_id": "A", "timestamp": NEWEST - 366 * DAY},  # a day too early
    {"user_id": "B", "timestamp": NEWEST + 40 * DAY, "verified_purchase": False},  # opens no window
    {"user_id": "C", "parent_asin": "BOOK"},
    {"user_id": "D", "parent_asin": "CHEAP"},
    {"user_id": "E", "parent_asin": "UNPRICED"},
    {"user_id": "F", "parent_asin": "PLAIN", "rating": 0.0, "helpful_vote": -3},
]
ITEMS = [
    {},
    {"parent_asin": "BOOK", "main_category": "Books"},
    {"parent_asin": "CHEAP", "price": "0.25"},
    {"parent_asin": "UNPRICED", "price": "None"},
    {"parent_asin": "PLAIN", "price": "0.26", "main_category": "N/A"},
]


def test_the_rules_of_the_study_on_a_table_worked_by_hand(files, load, engine):
    checked = settings()
    table, lines = cleaning.clean(
        engine, load(files(REVIEWS, ITEMS)).table, cleaning.parse(checked.cleaning.steps)
    )
    assert list(zip(lines.step, lines.rows, lines.customers, strict=True)) == [
        ("loaded", 9, 6),
        ("raise_zero_ratings", 9, 6),
        ("raise_negative_votes", 9, 6),
        ("verified_purchases", 8, 5),
        ("newest_days", 7, 5),
        ("drop_duplicates", 6, 5),
        ("blank_placeholders", 6, 5),
        ("drop_categories", 5, 4),
        ("amount_above", 3, 2),
    ]
    everything = [{"newest_days": {"days": 999_999_999}}]  # no day is so long ago
    assert (
        cleaning.clean(engine, load(files(REVIEWS, ITEMS)).table, cleaning.parse(everything))[1].rows.iloc[-1]
        == 9
    )
    names = ["recency_days", "orders", "revenue", "mean_rating", "helpful_votes"]
    frame = features.build(engine, table, features.FeatureRequest(dict.fromkeys(names, ()), as_of=1)).frame
    assert frame.loc["A"].tolist() == [1, 2, 39.98, 5, 4]
    assert frame.loc["F"].tolist() == [1, 1, 0.26, 1, 0]


STUDY = ["raise_zero_ratings", "verified_purchases", {"newest_days": {"days": 365}}, "drop_duplicates",
         {"drop_categories": {"categories": ["Books"]}}, {"amount_above": {"above": 0.25}}]  # fmt: skip


@pytest.mark.parametrize(
    "steps",
    [
        [],
        STUDY,
        STUDY[:4],
        STUDY[:3],
        ["drop_duplicates", *STUDY],
        [*STUDY, "drop_duplicates"],
        [*STUDY[:4], "drop_duplicates", *STUDY[4:]],
        [*STUDY[:4], {"newest_days": {"days": 30}}, "drop_duplicates"],
        [STUDY[5], *STUDY[:5]],
        ["verified_purchases", {"shift_years": {"years": 1}}, *STUDY[2:]],
        ["verified_purchases", {"blank_placeholders": {"columns": ["product_id"], "placeholders": ["BOOK"]}}, *STUDY[3:]],
        [{"verified_purchases": {"verified": "any"}}, {"newest_days": {"days": None}}, *STUDY[3:]],
    ],
)  # fmt: skip
def test_what_is_looked_up_late_gives_the_same_table_and_ledger(
    files, load, engine, rows, monkeypatch, steps
):
    loaded = load(files(REVIEWS, ITEMS))
    parsed = cleaning.parse(steps)
    whole, counted = cleaning.clean(engine, loaded.table, parsed)
    lines = rows(whole, *whole.columns)
    for large in (0, 7):
        monkeypatch.setattr(ledger, "LARGE", large)
        late, part = cleaning.clean(engine, loaded.table, parsed, lookup=loaded.lookup)
        assert set(late.columns) == set(whole.columns)
        assert rows(late, *whole.columns) == lines
        assert list(part["rows"]) == list(counted["rows"]) and part["customers"].iloc[-1:].notna().all()
        known = part["customers"].notna()
        pd.testing.assert_frame_equal(part[known], counted[known])
    full = cleaning.clean(engine, loaded.table, parsed, full=True, lookup=loaded.lookup)[1]
    pd.testing.assert_frame_equal(full, counted)


@pytest.mark.real
def test_the_flagged_sample_gives_the_known_counts(real_data, engine):
    for days, expected in (("null", (13_321, 9_383)), ("365", (1_843, 1_594))):
        checked = settings(f"data_dir={real_data}", f"cleaning.days={days}")
        loaded = amazon_reviews.load(engine, prepare.find(checked.dataset, checked.data_dir)[0], Reading())
        last = cleaning.clean(engine, loaded.table, cleaning.parse(checked.cleaning.steps))[1].iloc[-1]
        assert (last.rows, last.customers) == expected


# ---- the stand-in ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def stand_in(tmp_path_factory):
    reviews, items = reviews_like_amazon.write(tmp_path_factory.mktemp("stand-in"), rows=300_000, seed=1)
    return pd.read_parquet(reviews), pd.read_parquet(items)


def test_the_stand_in_has_the_proportions_of_the_real_category(stand_in):
    reviews, items = stand_in
    assert len(reviews) == 300_000 and items.parent_asin.is_unique
    assert set(reviews.parent_asin) <= set(items.parent_asin)
    counts = reviews.user_id.value_counts()
    assert 2.1 < counts.mean() < 2.6 and 0.6 < (counts == 1).mean() < 0.75 and counts.max() > 100
    assert reviews.verified_purchase.mean() == pytest.approx(0.902, abs=0.005)
    assert pd.to_datetime(reviews.timestamp.max(), unit="ms").date().isoformat() == "2023-09-13"
    priced = pd.to_numeric(items.price, errors="coerce")
    assert set(items.price[priced.isna()]) == set(cleaning.PLACEHOLDERS)
    window = reviews[reviews.verified_purchase & (reviews.timestamp > NEWEST - 366 * DAY)].drop_duplicates()
    assert window.merge(items, on="parent_asin").price.isin(cleaning.PLACEHOLDERS).mean() == pytest.approx(
        0.16, abs=0.03
    )
    assert 0.002 < reviews.duplicated().mean() < 0.008
    assert reviews.asin.str.len().eq(10).all() and reviews.user_id.str.fullmatch("SYN[A-Z2-7]{25}").all()


def test_the_stand_in_is_the_same_for_the_same_seed_and_crosses_chunks(monkeypatch, tmp_path):
    monkeypatch.setattr(reviews_like_amazon, "CHUNK", 1000)
    tables = [
        pd.read_parquet(reviews_like_amazon.write(tmp_path / name, 2500, seed=seed)[0])
        for name, seed in (("a", 0), ("b", 0), ("c", 1))
    ]
    pd.testing.assert_frame_equal(tables[0], tables[1])
    assert len(tables[0]) == 2500 and not tables[0].equals(tables[2])
    assert not list(tmp_path.glob("*/.*"))
    assert np.diff(tables[0].user_id.factorize()[0]).min() >= 0  # a user's reviews stand together
    assert locate.fingerprint(list((tmp_path / "a").iterdir())) == locate.fingerprint(
        list((tmp_path / "b").iterdir())
    )


def test_invented_reviews_take_the_place_of_invented_ones_only(tmp_path):
    for _again in range(2):
        reviews_like_amazon.write(tmp_path / "a", 1000)
    (tmp_path / "a" / "reviews.parquet").unlink()
    with pytest.raises(SegError, match=r"it has items.parquet, not invented here; choose another folder"):
        reviews_like_amazon.write(tmp_path / "a", 1000)
    pd.DataFrame({"user_id": ["AE"]}).to_parquet(tmp_path / "a" / "reviews.parquet")
    with pytest.raises(SegError, match=r"it has reviews.parquet and items.parquet, not invented here"):
        reviews_like_amazon.write(tmp_path / "a", 1000)
    (tmp_path / "file").touch()
    with pytest.raises(SegError, match=r"file: cannot be written \(File exists\); choose another folder"):
        reviews_like_amazon.write(tmp_path / "file", 1000)


@pytest.mark.parametrize(
    "column, value", [("timestamp", 1694649599), ("timestamp", None), ("rating", float("inf"))]
)
def test_what_the_footer_of_a_parquet_file_does_not_vouch_for_is_looked_at(
    files, load, tmp_path, column, value
):
    # A file of one good row and one that is none: its statistics must not hide it.
    path = as_parquet(files())
    as_parquet(tmp_path / "items.jsonl", "items.parquet")
    good = pd.read_parquet(path)
    both = pd.concat([good, good.astype({column: object}).assign(**{column: [value]})], ignore_index=True)
    both[column] = both[column].astype("Int64" if column == "timestamp" else "float64")
    both.to_parquet(path)
    with pytest.raises(SegError, match=f"1 of 2 rows cannot be read\n.*{column} is"):
        load(path)
