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
CODE = """
import atexit, json, sys
heavy = set({heavy!r})
atexit.register(lambda: print("\\n" + json.dumps([len(sys.modules), sorted(heavy & set(sys.modules))])))
from seg.cli.main import main
sys.exit(main(sys.argv[1:]))
"""
# Command, exit code, and the modules it may import: Hydra alone is about 300.
LIGHT = [
    ("--help", 0, 150),
    ("--version", 0, 150),
    ("rnu", 1, 150),
    ("run --help", 0, 500),
    ("run datset=toy", 1, 500),
    ("run dataset=toyy", 1, 500),
    ("run k=4 --config-dir nowhere", 1, 500),
    ("data list", 0, 500),
    ("data list datset=toy", 1, 500),
    ("data check", 1, 500),
    ("compare --help", 0, 500),
    ("compare promte", 1, 500),
    ("score --help", 0, 500),
    ("score model=x", 1, 500),
    ("migrate --help", 0, 500),
    ("migrate modle=x", 1, 500),
    ("outlook --help", 0, 500),
    ("study --help", 0, 500),
    ("study nova", 1, 500),
    ("track --help", 0, 500),
    ("track list", 0, 500),
    ("track psh", 1, 500),
]


def started(command: str, folder) -> tuple[int, int, list[str], str]:
    """Run a command in a fresh interpreter; return exit code, number of modules, heavy ones among them, and its output."""
    done = subprocess.run(
        [sys.executable, "-c", CODE.format(heavy=HEAVY), *command.split()],
        capture_output=True,
        text=True,
        timeout=60,
        env=command_line.clean_environment(SEG_HOME=str(folder)),
    )
    modules, heavy = json.loads(done.stdout.splitlines()[-1])
    return done.returncode, modules, heavy, done.stdout + done.stderr


@pytest.mark.parametrize(("command", "code", "most"), LIGHT, ids=[command for command, _, _ in LIGHT])
def test_help_errors_and_lists_import_nothing_heavy(command, code, most, tmp_path):
    exit_code, modules, heavy, said = started(command, tmp_path)
    assert exit_code == code, said
    assert heavy == [], said
    assert modules <= most, said
    assert "Traceback" not in said
