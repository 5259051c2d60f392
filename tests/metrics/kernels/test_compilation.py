import os
import subprocess
import sys

import pytest

from seg.metrics import kernels

FIT = """
import logging, sys
logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
import numpy as np
from seg.metrics import kernels
from seg.models.block_kmeans import BlockKMeans
X = np.random.default_rng(0).normal(size=(300, 2))
for _ in range(2):
    print(len(set(BlockKMeans(3, random_state=0).fit(X).labels_.tolist())), "clusters;", kernels.ready())
"""


def output(environment: dict, code: str = FIT) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True
    )
    return done.stdout


@pytest.fixture
def environment():
    return dict(os.environ)


def test_switched_off_scikit_learn_does_the_work_and_one_line_says_so(environment):
    lines = output(environment | {"SEG_KERNELS": "off"}).splitlines()
    assert lines == [
        "fast kernels are off (SEG_KERNELS=off): scikit-learn and SciPy are used, which are slower",
        "3 clusters; False",
        "3 clusters; False",
    ]


def test_without_a_folder_for_compiled_code_scikit_learn_does_the_work(environment):
    nowhere = "import numba.core.caching as c; c.CacheImpl._locator_classes = []\n"
    lines = output(environment, nowhere + FIT).splitlines()
    assert lines[0].startswith("fast kernels are off (numba cannot keep compiled code: cannot cache function")
    assert "set NUMBA_CACHE_DIR to a writable folder" in lines[0]
    assert lines[1:] == ["3 clusters; False"] * 2


def test_without_numba_scikit_learn_does_the_work(environment):
    lines = output(environment, "import sys; sys.modules['numba'] = None\n" + FIT).splitlines()
    assert lines[0].startswith("fast kernels are off (numba cannot be imported")
    assert lines[1:] == ["3 clusters; False"] * 2


def test_kernels_compiled_before_are_used_without_a_word(environment):
    assert kernels.ready()
    assert output(environment).splitlines() == ["3 clusters; True"] * 2
