"""Guards on tables made by hand: what they flag, at which threshold, and what they must leave alone."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hydra import compose, initialize_config_dir

from seg.config import load
from seg.metrics.guards import guards


def table(sizes: list[int], columns: int = 2, seed: int = 0):
    """Segments of so many customers, far from each other."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(len(sizes)), sizes)
    X = rng.normal(size=(len(labels), columns)) + 10 * labels[:, None]
    return X, labels


def reasons(X, labels, frame=None, floor: int = 0) -> list[str]:
    frame = pd.DataFrame(X).rename(columns="f{}".format) if frame is None else frame
    return guards(X, labels, frame, floor)


def test_sound_segments_raise_nothing():
    assert reasons(*table([500, 300, 200])) == []


def test_a_segment_of_more_than_four_in_five_is_flagged():
    assert reasons(*table([800, 200])) == []
    (reason,) = reasons(*table([801, 199]))
    assert reason == "segment 0 holds 80.1% of the customers (threshold: at most 80%)"


def test_a_segment_below_fifty_customers_is_flagged():
    assert reasons(*table([600, 50, 400])) == []
    (reason,) = reasons(*table([700, 49, 400]))
    assert reason == "segment 1 has 49 customers (threshold: at least 50 of 1,149)"


def test_fewer_than_a_thousand_customers_may_have_segments_of_one_in_twenty():
    assert reasons(*table([120, 70, 10])) == []
    (reason,) = reasons(*table([120, 71, 9]))
    assert reason == "segment 2 has 9 customers (threshold: at least 10 of 200)"


def test_a_segment_below_one_in_a_hundred_is_flagged():
    assert reasons(*table([5_000, 4_900, 100])) == []
    (reason,) = reasons(*table([5_000, 4_901, 99]))
    assert reason == "segment 2 has 99 customers (threshold: at least 100 of 10,000)"


def test_several_small_segments_are_one_reason():
    (reason,) = reasons(*table([14, 300, 26, 300, 7]))
    assert reason.startswith(
        "segments 0, 2 and 4 have 14, 26 and 7 customers (threshold: each at least 33 of 647"
    )


def test_noise_is_no_segment_and_counts_among_all_customers():
    X, labels = table([700, 200, 100])
    labels = np.where(labels == 2, -1, labels)
    assert reasons(X, labels) == []
    assert reasons(X, np.full(1000, -1)) == [
        "no segment: every customer is noise (threshold: at least one segment)"
    ]


def test_a_feature_of_one_value_is_flagged():
    X, labels = table([300, 300])
    frame = pd.DataFrame({"orders": np.ones(600), "revenue": X[:, 1]})
    X[:, 0] = 0
    assert reasons(X, labels, frame) == [
        "orders: zero variance, one value for all 600 customers (threshold: two values)"
    ]


def test_a_feature_that_its_transform_has_levelled_is_flagged():
    X, labels = table([300, 300])
    frame = pd.DataFrame({"orders": np.r_[np.ones(599), 50], "revenue": X[:, 1]})
    X[:, 0] = 0
    (reason,) = reasons(X, labels, frame)
    assert reason.startswith("orders: zero variance after transforms and scaling, one value for all 600")


def test_mixture_components_on_the_floor_are_flagged():
    (reason,) = reasons(*table([300, 300]), floor=2)
    assert reason == (
        "2 of the mixture's components have a covariance at the regularisation floor (threshold: 0)"
    )


def test_a_segment_on_a_line_is_flagged():
    X, labels = table([300, 300], columns=3)
    X[labels == 1, 1] = 2 * X[labels == 1, 0] + 1
    (reason,) = reasons(X, labels)
    assert reason.startswith("segment 1: degenerate covariance, its smallest variance is ")
    assert reason.endswith("in 1 of 3 directions (threshold: more than 1e-12 in each)")


def test_the_scale_of_a_feature_does_not_make_a_segment_degenerate():
    X, labels = table([300, 300], columns=3)
    assert reasons(X * [1e-9, 1.0, 1e9], labels) == []


def test_features_that_depend_on_each_other_for_everyone_are_not_a_fault_of_a_segment():
    X, labels = table([300, 300], columns=2)
    assert reasons(np.c_[X, X.sum(axis=1)], labels) == []


def test_customers_of_one_order_each_are_a_segment_and_not_a_fault():
    X, labels = table([300, 300], columns=3)
    orders = np.where(labels == 0, np.random.default_rng(0).integers(2, 30, 600), 1)
    X[:, 1] = np.log1p(orders)
    assert reasons(X, labels) == []


def test_flags_and_counts_are_not_a_fault():
    rng = np.random.default_rng(0)
    X, labels = table([300, 300], columns=2)
    # Within a segment of two channels, one flag is the opposite of the other.
    channel = np.where(labels == 0, rng.integers(0, 4, 600), rng.integers(0, 2, 600))
    flags = np.eye(4)[channel]
    assert reasons(np.c_[X, flags, rng.integers(1, 9, (600, 2))], labels) == []


def test_a_segment_of_one_repeated_point_is_flagged():
    X, labels = table([300, 200, 100])
    X[labels == 2] = X[-1]
    assert reasons(X, labels) == [
        "segment 2: all its 100 customers are one and the same point (threshold: two points)"
    ]


def test_more_than_half_of_all_customers_at_one_point_are_flagged():
    X, labels = table([600, 400])
    X[:500] = X[0]
    assert reasons(X, labels) == []
    X[:501] = X[0]
    assert reasons(X, labels) == [
        "501 of 1,000 customers, 50.1%, are one and the same point (threshold: at most 50%)"
    ]


def test_labels_of_another_length_are_refused():
    X, labels = table([60, 60])
    with pytest.raises(ValueError, match="one label a customer"):
        reasons(X, labels[:-1])


# ---- whole runs --------------------------------------------------------------------------------------------------


def run(*overrides: str):
    from seg.config.compose import instantiate_parts
    from seg.pipeline import flow

    load.prepare_environment()
    with initialize_config_dir(str(load.CONFIGS), version_base="1.3"):
        cfg = compose("run", overrides=["tracking=none", "k=4", "selection.k_range=[4]", *overrides])
        result = flow.segment(load.settings(cfg), instantiate_parts(cfg))
    return guards(result.X, result.labels, result.table.frame[result.table.features])


def test_the_toy_is_not_flagged():
    assert run("dataset=toy") == []
