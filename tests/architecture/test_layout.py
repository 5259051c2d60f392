"""The layout explains itself: what may lie at the top, names that are unique, functions of a size that can be read."""

import ast
import functools
import re
from collections import Counter
from pathlib import Path

import pytest
import yaml
from hydra.utils import get_class, get_method

from seg.config import load

SOURCE = Path(load.__file__).parents[1]
COMMANDS = {"run", "migrate", "study", "data", "export", "retrain", "dashboard"}
GROUND = {"__init__", "errors", "progress"}


LONGEST_BODY = 40  # lines, without the docstring
MOST_ARGUMENTS = 6  # without self and cls


@functools.cache
def modules() -> dict[str, ast.Module]:
    paths = sorted(SOURCE.rglob("*.py"))
    return {path.relative_to(SOURCE).as_posix(): ast.parse(path.read_text()) for path in paths}


@functools.cache
def functions() -> list[tuple[str, ast.FunctionDef]]:
    return [
        (path, node)
        for path, tree in modules().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]


def arguments(function: ast.FunctionDef) -> list[str]:
    """List the names of the arguments, without `self` and `cls`."""
    declared = function.args
    names = [argument.arg for argument in (*declared.posonlyargs, *declared.args, *declared.kwonlyargs)]
    return [name for name in names if name not in ("self", "cls")]


def length(function: ast.FunctionDef) -> int:
    """Count the lines of the body, without the docstring."""
    body = function.body[1:] if ast.get_docstring(function) else function.body
    return function.end_lineno - body[0].lineno + 1 if body else 0


def is_kernel(function: ast.FunctionDef) -> bool:
    """Return True for a part of a compiled kernel: numba takes plain arrays, and copies parts into one loop."""
    return any(
        isinstance(node, ast.Name) and node.id in ("kernel", "part") for node in function.decorator_list
    )


def test_a_file_at_the_top_is_a_command_or_the_ground_that_all_stand_on():
    files = {path.stem for path in SOURCE.glob("*.py")}
    assert files <= COMMANDS | GROUND, files - COMMANDS - GROUND
    folders = [path for path in SOURCE.iterdir() if any(path.glob("*.py"))]  # not what an older version left
    assert len(files) <= 10 and len(folders) <= 20, [path.name for path in folders]


def test_no_two_modules_share_a_name_unless_one_is_the_command_of_the_other():
    stems = Counter(path.stem for path in SOURCE.rglob("*.py") if not path.stem.startswith("__"))
    shared = {name for name, times in stems.items() if times > 1 and not (times == 2 and name in COMMANDS)}
    assert not shared


def test_a_folder_is_a_package_whose_docstring_says_what_it_is():
    for path in SOURCE.rglob("*"):
        if path.is_dir() and any(path.glob("*.py")):
            init = path / "__init__.py"
            assert init.is_file() and ast.get_docstring(ast.parse(init.read_text())), path


def targets(node: object) -> list[str]:
    if isinstance(node, dict):
        own = [node["_target_"]] if "_target_" in node else []
        return own + [target for value in node.values() for target in targets(value)]
    return [target for value in node for target in targets(value)] if isinstance(node, list) else []


def all_targets() -> list[str]:
    configs = [yaml.safe_load(path.read_text()) for path in sorted(load.CONFIGS.rglob("*.yaml"))]
    return sorted({target for config in configs for target in targets(config) if "${" not in target})


@pytest.mark.parametrize("target", all_targets())
def test_every_target_of_the_configuration_can_be_imported(target):
    if ".mllib." in target or "spark" in target:
        pytest.importorskip("pyspark")
    try:
        assert get_class(target)
    except ValueError:
        assert get_method(target)


def test_a_function_has_a_body_that_fits_on_a_screen():
    long = {
        f"{path}:{node.lineno} {node.name}": length(node)
        for path, node in functions()
        if length(node) > LONGEST_BODY and not is_kernel(node)
    }
    assert not long


def test_a_function_takes_six_arguments_at_most():
    # Exempt: what a configuration calls, whose keys are its arguments, and kernels.
    called = {target.rsplit(".", 1)[-1] for target in all_targets()}
    many = {}
    owners = {
        node: owner.name
        for tree in modules().values()
        for owner in ast.walk(tree)
        if isinstance(owner, ast.ClassDef)
        for node in owner.body
    }
    for path, node in functions():
        name = owners.get(node, "") if node.name == "__init__" else node.name
        if len(arguments(node)) > MOST_ARGUMENTS and name not in called and not is_kernel(node):
            many[f"{path}:{node.lineno} {name}"] = len(arguments(node))
    assert not many


def public(tree: ast.Module):
    """Yield public functions and the public methods of public classes, each with its docstring; a constructor has its class's."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            yield node, ast.get_docstring(node) or ""
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            for method in node.body:
                if isinstance(method, ast.FunctionDef) and method.name == "__init__":
                    yield method, ast.get_docstring(node) or ""
                elif isinstance(method, ast.FunctionDef) and not method.name.startswith("_"):
                    yield method, ast.get_docstring(method) or ""


def test_public_functions_of_three_arguments_describe_their_parameters():
    described, lacking = 0, []
    for path, tree in modules().items():
        for node, text in public(tree):
            if len(arguments(node)) >= 3 and re.search(r"^Parameters\n-+$", text, re.MULTILINE):
                described += 1
            elif len(arguments(node)) >= 3:
                lacking.append(f"{path}:{node.lineno} {node.name}")
    assert described / (described + len(lacking)) >= 0.87, lacking


def test_a_docstring_begins_with_a_verb_of_the_field():
    speech = ("Say ", "Give ", "Tell ", "Lay ", "Let ", "Name ")
    found = [
        f"{path}: {node.name}"
        for path, node in functions()
        if (ast.get_docstring(node) or "").startswith(speech)
    ]
    assert not found
