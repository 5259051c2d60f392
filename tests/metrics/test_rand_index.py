import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import adjusted_rand_score

from seg.metrics.rand_index import adjusted_rand


def test_the_adjusted_rand_index_is_scikit_learns():
    rng = np.random.default_rng(0)
    for kinds in (1, 2, 5, 40):
        a, b = rng.integers(0, kinds, 200), rng.integers(0, 3, 200)
        assert adjusted_rand(pd.crosstab(a, b)) == pytest.approx(adjusted_rand_score(a, b))


def test_one_segment_beside_one_segment_is_the_same_partition():
    assert adjusted_rand(np.array([[5]])) == 1.0
