"""Reviews: sentiment against stars, languages that are not guessed, and words that set a segment apart."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from seg.errors import SegError
from seg.outlook import review_texts as reading
from seg.sources.locate import Source

GOOD = "I love this product, it works great and makes me very happy"
BAD = "Terrible quality, it broke on the first day and I hate the cable"
SPANISH = "Muy buen producto, lo recomiendo a todos mis amigos y a mi familia"


def reviews_of(*rows: tuple) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["customer_id", "rating", "text"])
    return frame.assign(ordered_at=pd.Timestamp("2023-01-15"))


@pytest.fixture(scope="module")
def read():
    rows = [(f"g{n}", 5.0, GOOD) for n in range(100)] + [(f"b{n}", 1.0, BAD) for n in range(100)]
    rows += [
        ("g0", 4.0, SPANISH),
        ("g1", 3.0, "ok"),
        ("g2", 5.0, "  "),
        ("g3", 5.0, None),
        ("nobody", 1.0, BAD),
    ]
    segments = pd.Series({f"{kind}{n}": int(kind == "b") for n in range(100) for kind in "gb"})
    return reading.read_reviews(reviews_of(*rows), segments, {0: "happy", 1: "unhappy"})


def test_sentiment_follows_the_stars_by_segment(read):
    table = read.segments.set_index("name")
    assert table.loc["happy", "sentiment"] > 0.5 and table.loc["unhappy", "sentiment"] < -0.5
    assert table["stars"].to_dict() == {"happy": 5, "unhappy": 1}
    assert table["negative_share"].to_dict() == {"happy": 0, "unhappy": 1}
    assert read.agreement == pytest.approx(1) and read.right == 1


def test_text_that_is_not_english_or_too_short_is_counted_and_left_out(read):
    counts = read.languages.set_index("language")["reviews"].to_dict()
    assert counts == {"en": 200, "es": 1, "unknown": 1}  # blank texts and unknown customers are no reviews
    assert read.segments["reviews"].sum() == 200
    assert read.sentence.startswith(
        "200 of 202 reviews are English and were read, 2 are not or cannot be told"
    )


def test_words_are_those_of_the_own_segment(read):
    words = read.words.groupby("name")["word"].agg(set)
    assert "love" in words["happy"] and "hate" in words["unhappy"]
    assert not words["happy"] & words["unhappy"]


def test_the_log_odds_are_those_of_the_formula():
    here, there, prior = np.array([30.0, 70.0]), np.array([10.0, 90.0]), np.array([2.0, 8.0])
    ratio = np.log(32 / 78) - np.log(12 / 98)
    assert reading.log_odds(here, there, prior)[0] == pytest.approx(ratio / np.sqrt(1 / 32 + 1 / 12))


def test_equal_use_is_no_difference():
    same = np.array([5.0, 50.0])
    assert reading.log_odds(same, same, np.ones(2)) == pytest.approx([0, 0])


def test_reviews_without_english_are_refused():
    with pytest.raises(SegError, match="none of the 1 reviews of segmented customers is in English"):
        reading.read_reviews(reviews_of(("a", 5.0, SPANISH)), pd.Series({"a": 0}), {})


def test_a_column_that_is_not_there_is_an_error_with_its_name(engine, tmp_path):
    path = tmp_path / "reviews.jsonl"
    row = {"user_id": "a", "timestamp": 1_600_000_000_000, "rating": 5.0, "text": GOOD}
    path.write_text(json.dumps(row) + "\n")
    source = Source("amazon_reviews", "file", (path,), "")
    assert reading.load_texts(engine, source, "text")["text"].tolist() == [GOOD]
    with pytest.raises(SegError, match=r"outlook\.text=txet: .*txet"):
        reading.load_texts(engine, source, "txet")
