"""Change one operator or constant of seg at a time and see whether the tests of its package notice (``make mutants``).

A seeded sample of mutants, drawn and made by cosmic-ray, over the packages that compute what a user reads: a comparison
flipped, ``-`` for ``+``, ``/`` for ``*``, ``or`` for ``and``, True for False, a constant plus or minus one. Each is tested in a copy of
the project, by the tests of its own package and those that import the module, without a JVM and without UMAP. A mutant that no test notices survives; what
each known survivor changes, or why it changes nothing, stands in ``tests/mutants.yaml``. The command fails where less than
``LEAST`` of the mutants are noticed, or where a survivor is not listed.

    python tests/mutants.py [mutants] [seed]
"""

from __future__ import annotations

import ast
import contextlib
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from itertools import zip_longest
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

import yaml
from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.operators.provider import OperatorProvider

PROJECT = Path(__file__).parent.parent
PACKAGES = ["metrics", "evaluation", "features", "cleaning", "selection", "segments", "score", "compare"]
COMPARISONS = ["Lt_Gt", "Gt_Lt", "LtE_GtE", "GtE_LtE", "Eq_NotEq", "NotEq_Eq", "Is_IsNot", "IsNot_Is"]
ARITHMETIC = ["Add_Sub", "Sub_Add", "Mul_Div", "Div_Mul"]
KINDS = {
    "comparison": [f"ReplaceComparisonOperator_{name}" for name in COMPARISONS],
    "arithmetic": [f"ReplaceBinaryOperator_{name}" for name in ARITHMETIC],
    "logic": [
        "ReplaceAndWithOr",
        "ReplaceOrWithAnd",
        "ReplaceTrueWithFalse",
        "ReplaceFalseWithTrue",
        "ReplaceUnaryOperator_Delete_Not",
    ],
    "constant": ["NumberReplacer"],
}
LEAST = 0.85
SECONDS = 120  # for the tests of one mutant; a mutant that hangs is noticed
NOTICED, SURVIVED = "noticed", "survived"


class Mutant(NamedTuple):
    """One change of one module: the operator, which of its occurrences, and the line."""

    module: str
    operator: str
    occurrence: int
    line: int


def mutants_of(module: Path) -> list[Mutant]:
    """List every change that can be made to a module where something computes: not to annotations, decorators and ``strict=``."""
    source = module.read_text()
    tree, aside = get_ast(source), _aside(source)
    name, listed = module.relative_to(PROJECT).as_posix(), []
    for operator in (operator for operators in KINDS.values() for operator in operators):
        made = OperatorProvider()[operator]()
        starts = [start for node in ast_nodes(tree) for start, _end in made.mutation_positions(node)]
        listed += [
            Mutant(name, operator, occurrence, line)
            for occurrence, (line, column) in enumerate(starts)
            if not any(start <= (line, column) < end for start, end in aside)
        ]
    return listed


def _aside(source: str) -> list[tuple]:
    """List where annotations, decorators and the ``strict=`` of ``zip``, which no input reaches, begin and end, as (line, column)."""
    parts = []
    for node in ast.walk(ast.parse(source)):
        parts += [getattr(node, "annotation", None), getattr(node, "returns", None)]
        parts += getattr(node, "decorator_list", [])
        parts += [keyword.value for keyword in getattr(node, "keywords", []) if keyword.arg == "strict"]
    return [
        ((part.lineno, part.col_offset), (part.end_lineno, part.end_col_offset))
        for part in parts
        if part is not None
    ]


def sample(size: int, seed: int) -> list[Mutant]:
    """Draw mutants, the same for a seed as long as the source stays: as many from each package, and from each kind in it."""
    draw, drawn = random.Random(seed), []
    for number, package in enumerate(PACKAGES):
        modules = sorted((PROJECT / "src/seg" / package).rglob("*.py"))
        possible = [mutant for module in modules for mutant in mutants_of(module)]
        draw.shuffle(possible)
        kinds = {kind: [m for m in possible if m.operator in names] for kind, names in KINDS.items()}
        in_turn = [mutant for group in zip_longest(*kinds.values()) for mutant in group if mutant]
        drawn += in_turn[: size // len(PACKAGES) + (number < size % len(PACKAGES))]
    return drawn


def tests_of(module: str) -> list[str]:
    """List the tests of a module's package, those of the module first, and last those elsewhere that import it."""
    parts = Path(module).relative_to("src/seg").with_suffix("").parts
    whole, parent = ".".join(["seg", *parts]), ".".join(["seg", *parts[:-1]])
    imported = re.compile(rf"from {whole} import|from {parent} import .*\b{parts[-1]}\b")
    tests = sorted((PROJECT / "tests" / parts[0]).rglob("test_*.py"))
    tests.sort(key=lambda path: parts[-1] not in path.stem)
    others = (path for path in sorted((PROJECT / "tests").rglob("test_*.py")) if path not in tests)
    tests += [path for path in others if imported.search(path.read_text())]
    return [str(path.relative_to(PROJECT)) for path in tests]


def judge(copy: Path, mutant: Mutant) -> str:
    """Make a mutant in a copy of the project and run its tests in a process of their own."""
    module = copy / mutant.module
    source, stamp = module.read_text(), module.stat()
    module.write_text(
        mutate_code(source, OperatorProvider()[mutant.operator](), mutant.occurrence), encoding="utf-8"
    )
    try:
        child = os.fork()
        if not child:
            _test(copy, tests_of(mutant.module))
        return NOTICED if _exit_code(child) else SURVIVED
    finally:
        module.write_text(source)
        os.utime(module, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))


def _test(copy: Path, tests: list[str]) -> None:
    """Run tests in this process, which ends with their exit code."""
    import pytest

    os.setsid()
    os.chdir(copy)
    sys.path[:0] = [str(copy / "src"), str(copy / "tests")]
    os.environ["PYTHONPATH"] = str(copy / "src")
    out = os.open(os.devnull, os.O_WRONLY)
    os.dup2(out, 1)
    os.dup2(out, 2)
    code = 1
    with contextlib.suppress(BaseException):
        code = pytest.main(["-x", "-p", "no:cacheprovider", "-m", "not spark and not umap", *tests])
    os._exit(int(code))


def _exit_code(child: int) -> int:
    """Wait for a process and return its exit code; one that takes too long is stopped with all that it has started."""
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.05)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return 1


def work(tasks, results) -> None:
    """Judge mutants until none is left, in one copy of the project; heavy libraries are loaded once."""
    import duckdb  # noqa: F401
    import ibis  # noqa: F401
    import matplotlib.figure  # noqa: F401
    import pytest  # noqa: F401
    import sklearn.cluster
    import sklearn.mixture  # noqa: F401

    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch, "seg")
        files = subprocess.run(
            ["git", "ls-files"], cwd=PROJECT, check=True, capture_output=True, text=True
        ).stdout.splitlines()
        for name in files:
            if (PROJECT / name).is_file():
                (copy / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(PROJECT / name, copy / name)
        for mutant in iter(tasks.get, None):
            began = time.monotonic()
            verdict = judge(copy, mutant)
            results.put((mutant, verdict, time.monotonic() - began))


def changed(mutant: Mutant) -> str:
    """Return the line of a mutant as it becomes."""
    source = (PROJECT / mutant.module).read_text()
    mutated = mutate_code(source, OperatorProvider()[mutant.operator](), mutant.occurrence)
    return mutated.splitlines()[mutant.line - 1].strip()


def main() -> int:
    """Judge a sample, print the survivors, and compare them with what is known."""
    size, seed = (*map(int, sys.argv[1:3]), *(64, 1)[len(sys.argv[1:3]) :])
    known = {
        (entry["module"], entry["becomes"]): entry["why"]
        for entry in yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text()) or ()
    }
    mutants, context = sample(size, seed), get_context("fork")
    tasks, results = context.Queue(), context.Queue()
    workers = [context.Process(target=work, args=(tasks, results)) for _core in range(os.cpu_count() or 1)]
    for mutant in [*mutants, *(None for _worker in workers)]:
        tasks.put(mutant)
    for worker in workers:
        worker.start()
    counts, unknown = Counter(), 0
    for number in range(1, len(mutants) + 1):
        mutant, verdict, seconds = results.get()
        counts[mutant.module.split("/")[2], verdict] += 1
        if verdict == SURVIVED:
            line = changed(mutant)
            why = known.get((mutant.module, line))
            unknown += why is None
            print(
                f"survived ({number} of {len(mutants)}, {seconds:.0f} s): {mutant.module}:{mutant.line}: {line}"
            )
            print(f"    {why or 'NOT LISTED in tests/mutants.yaml'}", flush=True)
    for package in PACKAGES:
        noticed, survived = counts[package, NOTICED], counts[package, SURVIVED]
        print(f"{package:12} {noticed:4} noticed, {survived:3} survived")
    share = sum(count for (_, verdict), count in counts.items() if verdict == NOTICED) / len(mutants)
    print(
        f"{share:.1%} of {len(mutants)} mutants (seed {seed}) noticed, at least {LEAST:.0%} expected; {unknown} survivors not listed"
    )
    return int(share < LEAST or unknown > 0)


if __name__ == "__main__":
    sys.exit(main())
