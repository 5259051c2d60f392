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
print(json.dumps(outcomes))
"""
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
def outcomes(tmp_path_factory) -> dict[str, tuple[int, int, list[str], str]]:
    """Exit code, number of modules, heavy ones among them, and output of each command."""
    commands = [command for command, _, _ in LIGHT]
    done = subprocess.run(
        [sys.executable, "-c", CODE.format(heavy=HEAVY, commands=commands)],
        capture_output=True,
        text=True,
        timeout=240,
        env=command_line.clean_environment(SEG_HOME=str(tmp_path_factory.mktemp("home"))),
    )
    assert done.returncode == 0, done.stderr
    return dict(zip(commands, json.loads(done.stdout.splitlines()[-1]), strict=True))


@pytest.mark.parametrize(("command", "code", "most"), LIGHT, ids=[command for command, _, _ in LIGHT])
def test_help_errors_and_lists_import_nothing_heavy(outcomes, command, code, most):
    exit_code, modules, heavy, said = outcomes[command]
    assert exit_code == code, said
    assert heavy == [], said
    assert modules <= most, said
    assert "Traceback" not in said


def test_a_comparison_needs_no_library_that_fits_models():
    code = "import sys, seg.cli.compare_runs, seg.compare.compare_page; print({'sklearn', 'scipy', 'duckdb'} & {*sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
