"""What people wait for is short: a command imports heavy libraries only when it is about to use them."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

import command_line

HEAVY = (
    "numpy",
    "pandas",
    "pyarrow",
    "scipy",
    "sklearn",
    "ibis",
    "duckdb",
    "matplotlib",
    "mlflow",
    "numba",
    "umap",
    "pyspark",
)
# One interpreter for all commands, the lightest first: what one of them imports would show at the next one too.
CODE = """
import contextlib, io, json, os, sys
from seg.cli.main import main
heavy, outcomes, environment = set({heavy!r}), [], dict(os.environ)
for command in {commands!r}:
    sys.argv, said = ["seg", *command.split()], io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        try:
            code = main(sys.argv[1:])
        except SystemExit as stopped:
            code = stopped.code
    os.environ.clear()
    os.environ.update(environment)
    outcomes.append([code, len(sys.modules), sorted(heavy & set(sys.modules)), said.getvalue()])
late = []
for code, libraries in {late!r}:
    exec(code)
    late.append(sorted({{*libraries.split()}} & set(sys.modules)))
print(json.dumps([outcomes, late]))
"""
# What is done next in the same interpreter, and the modules that are not imported by then.
LATE = {
    "a comparison": ("import seg.cli.compare_runs, seg.compare.compare_page", "sklearn scipy duckdb"),
    "names and numbers of figures": (
        "from seg.report import figures, plots; plots.segment_colour(9); plots.percent(0.2)",
        "matplotlib",
    ),
    "a linear embedding": (
        "import numpy as np; from seg.models.leaf_embedding import LeafEmbedding; "
        "LeafEmbedding(reducer='svd', random_state=0).fit_transform(np.eye(30))",
        "numba",
    ),
    "saving a model": (
        "from seg.models import skops_file; skops_file.skops_io()",
        "sklearn.gaussian_process",  # as all of scikit-learn
    ),
    "a figure": (
        "import pandas; plots.png(plots.elbow(pandas.DataFrame({'k': [2, 3], 'inertia': [2.0, 1.0]}), 2))",
        "matplotlib.pyplot",
    ),
}
# Command, exit code, and the modules that may be imported by then: Hydra alone is about 300.
LIGHT = [
    ("--help", 0, 150),
    ("--version", 0, 150),
    ("rnu", 1, 150),
    ("run --help", 0, 600),
    ("run datset=toy", 1, 600),
    ("run dataset=toyy", 1, 600),
    ("run k=4 --config-dir nowhere", 1, 600),
    ("run -m datset=toy,flo", 1, 600),
    ("run -m dataset=toy,toyy", 1, 600),
    ("run -m dataset=toy k=2,x", 1, 600),
    ("data list", 0, 600),
    ("data list datset=toy", 1, 600),
    ("data check", 1, 600),
    ("compare --help", 0, 600),
    ("compare promte", 1, 600),
    ("score --help", 0, 600),
    ("score model=x", 1, 600),
    ("migrate --help", 0, 600),
    ("migrate modle=x", 1, 600),
    ("outlook --help", 0, 600),
    ("study --help", 0, 600),
    ("study nova", 1, 600),
    ("track --help", 0, 600),
    ("track list", 0, 600),
    ("track psh", 1, 600),
]


@pytest.fixture(scope="module")
def told(tmp_path_factory) -> tuple[dict, dict]:
    """Exit code, number of modules, heavy ones among them, and output of each command; what was imported too early after it."""
    commands = [command for command, _, _ in LIGHT]
    done = subprocess.run(
        [sys.executable, "-c", CODE.format(heavy=HEAVY, commands=commands, late=[*LATE.values()])],
        capture_output=True,
        text=True,
        timeout=240,
        env=command_line.clean_environment(SEG_HOME=str(tmp_path_factory.mktemp("home"))),
    )
    assert done.returncode == 0, done.stderr
    outcomes, late = json.loads(done.stdout.splitlines()[-1])
    return dict(zip(commands, outcomes, strict=True)), dict(zip(LATE, late, strict=True))


@pytest.mark.parametrize(("command", "code", "most"), LIGHT, ids=[command for command, _, _ in LIGHT])
def test_help_errors_and_lists_import_nothing_heavy(told, command, code, most):
    exit_code, modules, heavy, said = told[0][command]
    assert exit_code == code, said
    assert heavy == [], said
    assert modules <= most, said
    assert "Traceback" not in said


@pytest.mark.parametrize("what", LATE)
def test_libraries_are_imported_when_they_are_needed(told, what):
    assert told[1][what] == []
