"""Features and cleaning steps from modules of one's own."""

import sys

import pytest

from seg.cleaning import STEPS
from seg.errors import SegError
from seg.features import GLOSSARY
from seg.pipeline import keys, plugins

FEATURE = '''
from seg.features.glossary import from_lines


@from_lines("share", "amount")
def {name}(lines, context):
    """Share of the order lines above ten, 0 to 1."""
    return (lines.amount > 10).cast("float64").mean()
'''
STEP = '''
from seg.cleaning.step_registry import keeps


@keeps("amount")
def {name}(lines, above: float = 0.0):
    """Drop lines with an amount of at most `above`."""
    return lines.amount > above
'''


@pytest.fixture
def module(tmp_path, monkeypatch):
    """Write a module into the current folder; what it registers is gone after the test."""
    monkeypatch.chdir(tmp_path)
    written = []

    def write(name: str, text: str) -> str:
        (tmp_path / f"{name}.py").write_text(text)
        written.append(name)
        return name

    with plugins.unchanged():
        yield write
    for name in written:
        sys.modules.pop(name, None)
        plugins._entries.pop(name, None)


def test_a_plugin_registers_features_and_steps(module):
    text = FEATURE.format(name="large_share") + STEP.format(name="drop_small")
    plugins.load([module("shop_parts", text)])
    assert GLOSSARY["large_share"].meaning == "Share of the order lines above ten, 0 to 1."
    assert STEPS["drop_small"].kind == "filter"


def test_what_a_plugin_registers_is_gone_after_the_context_and_comes_back_when_named_again(module):
    name = module("shop_again", FEATURE.format(name="again_share"))
    with plugins.unchanged():
        plugins.load([name])
        assert "again_share" in GLOSSARY
    assert "again_share" not in GLOSSARY
    plugins.load([name])
    assert "again_share" in GLOSSARY


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (FEATURE.format(name="revenue"), "'revenue': registered by seg.features.glossary and again by bad_plugin"),
        (STEP.format(name="drop_duplicates"), "step 'drop_duplicates': registered by seg.cleaning.steps and again"),
        ("import not_there_at_all\n", r"cannot be imported: ModuleNotFoundError: .*not_there_at_all.*\(bad_plugin.py, line 1\)"),
        ("x = 1\ny = x / 0\n", r"cannot be imported: ZeroDivisionError: division by zero \(bad_plugin.py, line 2\)"),
        ("def f(:\n", "cannot be imported: SyntaxError"),
    ],
)  # fmt: skip
def test_a_plugin_that_is_wrong_is_named_with_the_reason_and_leaves_nothing(module, text, message):
    before = dict(GLOSSARY), dict(STEPS)
    with pytest.raises(SegError, match=f"plugins: bad_plugin: .*{message}"):
        plugins.load(
            [module("bad_plugin", FEATURE.format(name="left_over") + text)]
            if "line" not in message
            else [module("bad_plugin", text)]
        )
    assert (dict(GLOSSARY), dict(STEPS)) == before


def test_two_plugins_with_one_name_are_refused(module):
    first = module("first_plugin", FEATURE.format(name="same_share"))
    second = module("second_plugin", FEATURE.format(name="same_share"))
    with pytest.raises(SegError, match="'same_share': registered by first_plugin and again by second_plugin"):
        plugins.load([first, second])


def test_a_plugin_that_does_not_exist_is_named_with_the_places_that_were_searched(module, tmp_path):
    with pytest.raises(SegError, match=f"plugins: my_modul: there is no such module; .*{tmp_path}"):
        plugins.load(["my_modul"])
    with pytest.raises(
        SegError, match=r"plugins: my_module.py: there is no such module|expected the name of a module"
    ):
        plugins.load(["my_module.py"])
    with pytest.raises(SegError, match=r"plugins: ./my-module: expected the name of a module"):
        plugins.load(["./my-module"])


def test_the_key_of_a_feature_table_changes_with_the_source_of_a_plugin(module, tmp_path):
    name = module("keyed_plugin", FEATURE.format(name="keyed_share"))
    plugins.load([name])
    before = keys.definitions({}, [name])
    (tmp_path / "keyed_plugin.py").write_text(FEATURE.format(name="keyed_share").replace("> 10", "> 20"))
    assert keys.definitions({}, [name]) != before
