"""Distances to the own and to the next segment, and the features that decided: worked by hand."""

from __future__ import annotations

import numpy as np
import pytest

from seg.segments.deciding import decided, most_probable, nearest

CENTRES = np.array([[0.0, 0.0], [4.0, 0.0], [0.0, 10.0]])


def test_distances_are_to_the_own_and_to_the_nearest_other_centre():
    points = np.array([[1.0, 0.0], [0.0, 6.0]])
    table = nearest(points, np.array([0, 2]), CENTRES)
    assert table["distance"].tolist() == pytest.approx([1.0, 4.0])
    assert table["next_segment"].tolist() == [1, 0]
    assert table["next_distance"].tolist() == pytest.approx([3.0, 6.0])


def test_noise_has_no_own_distance_but_a_next_segment():
    table = nearest(np.array([[1.0, 0.0]]), np.array([-1]), CENTRES)
    assert np.isnan(table["distance"][0])
    assert table["next_segment"].tolist() == [0]


def test_a_single_segment_has_no_next_one():
    table = nearest(np.array([[1.0, 0.0]]), np.array([0]), CENTRES[:1])
    assert table["next_segment"].tolist() == [-1]
    assert np.isnan(table["next_distance"][0])


def test_of_a_mixture_the_next_segment_is_the_most_probable_other_one():
    table = most_probable(np.array([[0.5, 0.2, 0.3], [0.1, 0.8, 0.1]]), np.array([0, 1]))
    assert table["probability"].tolist() == [0.5, 0.8]
    assert table["next_segment"].tolist() == [2, 0]
    assert table["next_probability"].tolist() == [0.3, 0.1]


def test_the_features_that_decided_are_those_that_bring_the_customer_nearest():
    X = np.array([[0.0, 0.0, 0.0], [0.0, 3.0, 1.0], [9.0, 3.0, 1.0]])
    # Between segments 0 and 1 lie 9 in a, nothing in b and c; between 0 and the mean of 0 nothing at all.
    text = decided(X, np.array([0, 0, 1]), np.array([1, 1, 0]), ["a", "b", "c"])
    assert text[0].startswith("a, ")
    assert text[2].startswith("a, ")


def test_who_has_no_segment_or_no_next_one_has_no_deciding_feature():
    text = decided(np.zeros((2, 2)), np.array([-1, 0]), np.array([0, -1]), ["a", "b"])
    assert text.tolist() == ["", ""]


def test_one_feature_decides_alone():
    assert decided(np.array([[0.0], [1.0]]), np.array([0, 1]), np.array([1, 0]), ["a"]).tolist() == ["a", "a"]
