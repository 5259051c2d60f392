"""The entry point `seg`: its commands, its help, and mistakes in the name of a command."""

import re
import tomllib
from importlib import import_module

import pytest

import seg
from seg.cli import main, options, own_end
from seg.config import folders
from seg.errors import SegError


def test_the_console_script_is_the_entry_point(monkeypatch):
    scripts = tomllib.loads((folders.ASSETS / "pyproject.toml").read_text())["project"]["scripts"]
    module, function = scripts["seg"].split(":")
    alone = []
    monkeypatch.setattr(own_end, "run_alone", alone.append)
    getattr(import_module(module), function)()
    assert alone == [main.main]


@pytest.mark.parametrize("name", main.COMMANDS)
def test_every_command_has_a_main_and_a_help_with_examples(name, capsys):
    module = import_module(main.COMMANDS[name][0])
    assert module.main(["--help"]) == 0
    text = capsys.readouterr().out
    assert f"seg {name} " in text
    assert not re.search(r"python -m seg\.", text)


def test_help_lists_every_command(capsys):
    assert main.main(["--help"]) == 0
    text = capsys.readouterr().out
    assert all(f"  {name}" in text and what in text for name, (_, what) in main.COMMANDS.items())
    assert main.main([]) == 1


def test_version_is_that_of_the_package(capsys):
    assert main.main(["--version"]) == 0
    assert capsys.readouterr().out == f"seg {seg.__version__}\n"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("scoer", "seg scoer: unknown command; expected one of score, compare"),
        ("dataset=toy", "seg dataset=toy: unknown command; .*: seg run dataset=toy"),
    ],
)
def test_a_mistyped_command_lists_the_nearest_first(name, message, capsys):
    assert main.main([name]) == 1
    assert re.search(message, capsys.readouterr().err)


def test_the_folder_of_own_configs_is_taken_out_of_the_arguments(monkeypatch):
    monkeypatch.setenv(folders.OWN, "before")
    assert options.own_configs(["k=4", "--config-dir", "mine", "seed=1"]) == ["k=4", "seed=1"]
    assert options.own_configs(["--config-dir=other", "k=4"]) == ["k=4"]
    with pytest.raises(SegError, match="--config-dir: expected a folder after it"):
        options.own_configs(["--config-dir"])
