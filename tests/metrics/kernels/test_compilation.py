import json
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


# Each in a process of its own, forked where scikit-learn is loaded, and neither numba nor seg.
CASES = {
    "off": "import os; os.environ['SEG_KERNELS'] = 'off'",
    "nowhere": "import numba.core.caching as c; c.CacheImpl._locator_classes = []",
    "no numba": "import sys; sys.modules['numba'] = None",
    "compiled": "",
}
FORKS = """
import json, os, sys
import scipy.sparse.csgraph, sklearn.cluster, sklearn.metrics
assert not {"seg", "numba"} & set(sys.modules)
for code in json.load(sys.stdin):
    print("----", flush=True)
    child = os.fork()
    if not child:
        exec(code, {"__name__": "__main__"})
        sys.stdout.flush()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
"""


@pytest.fixture(scope="module")
def printed() -> dict[str, list[str]]:
    """Return the lines that a fit prints in each case."""
    assert kernels.ready()
    done = subprocess.run(
        [sys.executable, "-c", FORKS],
        input=json.dumps([f"{case}\n{FIT}" for case in CASES.values()]),
        capture_output=True,
        text=True,
        check=True,
    )
    texts = done.stdout.split("----\n")[1:]
    return {case: text.splitlines() for case, text in zip(CASES, texts, strict=True)}


def test_switched_off_scikit_learn_does_the_work_and_one_line_says_so(printed):
    assert printed["off"] == [
        "fast kernels are off (SEG_KERNELS=off): scikit-learn and SciPy are used, which are slower",
        "3 clusters; False",
        "3 clusters; False",
    ]


def test_without_a_folder_for_compiled_code_scikit_learn_does_the_work(printed):
    lines = printed["nowhere"]
    assert lines[0].startswith("fast kernels are off (numba cannot keep compiled code: cannot cache function")
    assert "set NUMBA_CACHE_DIR to a writable folder" in lines[0]
    assert lines[1:] == ["3 clusters; False"] * 2


def test_without_numba_scikit_learn_does_the_work(printed):
    lines = printed["no numba"]
    assert lines[0].startswith("fast kernels are off (numba cannot be imported")
    assert lines[1:] == ["3 clusters; False"] * 2


def test_kernels_compiled_before_are_used_without_a_word(printed):
    assert printed["compiled"] == ["3 clusters; True"] * 2
