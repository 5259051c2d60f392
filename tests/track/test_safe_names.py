"""Any column name becomes a name that MLflow takes, and two stay two."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seg.track.safe_names import safe_names


def test_a_name_that_is_taken_stays_and_others_are_spelled_with_underscores():
    names = ["explained/Annual Income (k$)", "own/silhouette", "explained/日本 💥", "explained/a:b"]
    assert safe_names(names) == {
        "own/silhouette": "own/silhouette",
        "explained/Annual Income (k$)": "explained/Annual Income _k__",
        "explained/日本 💥": "explained/日本 _",
        "explained/a:b": "explained/a_b",
    }


def test_names_that_would_become_one_stay_two():
    assert safe_names(["a%b", "a?b", "a_b"]) == {"a_b": "a_b", "a%b": "a_b_2", "a?b": "a_b_3"}


@pytest.mark.parametrize("name", ["/a", "a//b", "a/../b", "..", "a/", ".", "", " ", "a" * 400])
def test_no_part_is_empty_or_leads_upwards(name):
    from mlflow.utils.validation import _validate_metric_name

    _validate_metric_name(safe_names([name])[name])


@settings(max_examples=200, deadline=None)
@given(st.lists(st.text(max_size=12), unique=True, max_size=12))
def test_any_names_are_taken_by_mlflow_and_stay_apart(names):
    from mlflow.utils.validation import _validate_metric_name

    safe = safe_names(names)
    assert set(safe) == set(names)
    assert len(set(safe.values())) == len(names)
    for unique in safe.values():
        _validate_metric_name(unique)
