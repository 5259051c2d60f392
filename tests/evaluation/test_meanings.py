"""Every metric of a run has a meaning that is true; a name without one is an error."""

from __future__ import annotations

import numpy as np
import pytest

from seg.evaluation import meanings
from seg.metrics.silhouette import SilhouetteResult
from seg.selection.rules import PANEL_COLUMNS
from seg.selection.scan import K_SCAN_COLUMNS


@pytest.fixture
def silhouette():
    return SilhouetteResult(0.5, 0.0, 3, {}, np.zeros(3), np.arange(3))


def test_every_column_of_the_scan_and_the_panel_has_a_meaning_of_its_own(silhouette):
    beside = {"k", "seconds", "smallest_segment", "largest_share"}
    names = [f"own/{name}" for name in [*K_SCAN_COLUMNS, *PANEL_COLUMNS] if name not in beside]
    found = meanings.of(names, silhouette, silhouette, ["orders"])
    assert len(set(found.values())) == len(names)
    assert not [name for name, text in found.items() if "share of the variance" in text]


def test_a_share_of_variance_is_said_of_features_only(silhouette):
    found = meanings.of(["explained/orders"], silhouette, silhouette, ["orders"])
    assert found["explained/orders"].startswith("share of the variance of orders")
    with pytest.raises(KeyError, match="own/unheard_of"):
        meanings.of(["own/unheard_of"], silhouette, silhouette, ["orders"])
