"""Every command in the documents is one that works."""

import re
import shlex
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir

from seg import study
from seg.config import load
from seg.config.overrides import readable
from seg.pipeline import check

ROOT = Path(__file__).resolve().parents[1]
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *ROOT.glob("experiments/*/README.md"),
    *ROOT.glob("datasets/*/README.md"),
]
COMMAND = re.compile(r"python -m seg\.(run|data|study|compare)\b([^\n`#]*)")


def commands() -> list[tuple[str, str, str]]:
    found = []
    for page in PAGES:
        text = page.read_text().replace("\\\n", " ")
        found += [(page.parent.name, name, " ".join(rest.split())) for name, rest in COMMAND.findall(text)]
    return found


def jobs(overrides: list[str]) -> list[list[str]]:
    """Split a sweep of simple lists into its first job."""
    # Of glob(*) every choice is tested by the contract tests.
    single = [override for override in overrides if not override.startswith("-") and "glob(" not in override]
    single = [re.sub(r"=range\((\d+),.*", r"=\1", override) for override in single]
    return [[re.sub(r"=([^\[{'\"=]*?),.*", r"=\1", override) for override in single]]


def test_the_readme_names_the_two_commands_and_a_sweep():
    text = (ROOT / "README.md").read_text()
    assert "make run" in text and "make test" in text and "seg.run -m" in text
    assert len([name for _, name, _ in commands() if name == "run"]) >= 8


@pytest.mark.parametrize(("page", "name", "rest"), commands())
def test_every_command_composes_to_valid_settings(page, name, rest):
    words = [word for word in shlex.split(rest) if word not in ("...", "|")]
    if name == "data":
        assert words[0] in ("list", "check", "fetch", "generate", "glossary")
        own = ("rows=", "to=", "seed=") if words[0] == "generate" else ()
        words = [word for word in words[1:] if "=" in word and "..." not in word and not word.startswith(own)]
    if any("..." in word for word in words):
        return
    load.prepare_environment()
    if name == "compare":  # its other options choose among runs
        words = [word for word in words if word.startswith("dataset=")]
    if name == "study":
        assert set(words) <= {*study.studies(), "all"}
        return
    for overrides in jobs(words):
        with initialize_config_dir(str(load.CONFIGS), version_base="1.3"):
            cfg = compose("run", [readable(override) for override in overrides])
        check.check_parts(load.settings(cfg))


def test_every_study_has_its_page_and_every_page_its_study():
    studies = {path.stem for path in (ROOT / "configs" / "experiment").glob("*.yaml")}
    pages = {path.parent.name for path in ROOT.glob("experiments/*/README.md")}
    assert studies == pages


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_pictures_and_links_of_a_page_exist(page):
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
        if not target.startswith("http"):
            assert (page.parent / target).exists(), target
