"""Every command in the documents is one that works, every link leads somewhere, and the reference is current."""

import ast
import functools
import importlib.util
import re
import shlex
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

import command_line
from seg import data, migrate, retrain, study
from seg.cli import compare_runs, main, single_run
from seg.compare import __main__ as compare
from seg.config import compose, folders, load
from seg.pipeline import check, plugins
from seg.score import __main__ as score
from seg.track import __main__ as track

ROOT = Path(__file__).resolve().parents[1]
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted(ROOT.glob("docs/*.md")),
    *sorted(ROOT.glob("experiments/*/*.md")),
    *sorted(ROOT.glob("datasets/*/README.md")),
]
# A command on a line of code, or within backticks.
COMMAND = re.compile(
    r"(?:^(?:    |\t)\s*|`)(?:python -m seg\.|seg )(?P<name>[a-z]+)\b(?P<rest>[^\n`#|]*)", re.MULTILINE
)
COMPARE = {
    *compare_runs.FILTERS,
    "dataset",
    "data",
    "sort",
    "html",
    "pictures",
    "run",
    "best",
    "why",
    "force",
}
GENERATED = ("rows", "to", "seed")


def commands() -> list[tuple[str, str, str]]:
    found = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8").replace("\\\n", " ")
        name = str(page.relative_to(ROOT))
        found += [
            (name, match["name"], " ".join(match["rest"].split()))
            for match in COMMAND.finditer(text)
            if match["name"] in main.COMMANDS
        ]
    return list(dict.fromkeys(found))


def first_job(words: list[str]) -> list[str]:
    """Keep the first job of a sweep of simple lists; of glob(*) every choice is tested by the contract tests."""
    single = [word for word in words if not word.startswith("-") and "glob(" not in word]
    single = [re.sub(r"=range\((\d+),.*", r"=\1", word) for word in single]
    return [re.sub(r"=([^\[{'\"=]+?),.*", r"=\1", word) for word in single]


def composes(words: list[str]) -> None:
    _composes(*(word for word in first_job(words) if "hydra" not in word.partition("=")[0]))


@functools.cache
def _composes(*overrides: str) -> None:
    check.check_parts(load.settings(compose.compose(overrides)))


def options(words: list[str], own: set[str]) -> None:
    """Check that every option is the command's own or one of a run."""
    further = [word for word in words if word.partition("=")[0] not in own]
    assert all("=" in word for word in further), further
    composes(further)


@pytest.mark.parametrize(("page", "name", "rest"), commands())
def test_every_command_composes_to_valid_settings(page, name, rest):
    words = shlex.split(rest)
    if not words or any("..." in word or "<" in word for word in words) or "--help" in words:
        return
    folders.prepare_environment()
    if "--config-dir" in words:  # the test of docs/extending.md makes the configs and runs the command
        assert page in ("docs/extending.md", "docs/own-data.md")
    elif name == "run":
        composes(words)
    elif name == "data":
        assert words[0] in data.COMMANDS
        own = {"generate": GENERATED, "explore": ("to",), "rfm": ("to",), "fetch": ("force",)}
        options(words[1:], set(own.get(words[0], ())))
    elif name == "study":
        assert set(words) <= {*study.studies(), "all"}
    elif name == "compare":
        rest = words[1:] if words[0] in compare.ACTIONS else words
        assert {word.partition("=")[0] for word in rest} <= {*COMPARE, "tracking.uri", "tracking.experiment"}
    elif name == "track":
        assert words[0] in track.COMMANDS
    elif name in ("score", "migrate", "retrain"):
        options(words, set({"score": score, "migrate": migrate, "retrain": retrain}[name].OWN) | {"each"})


def test_the_pages_have_commands_of_every_kind():
    found = commands()
    assert {name for _, name, _ in found} >= set(main.COMMANDS)
    assert len([page for page, name, _ in found if page == "README.md" and name == "run"]) >= 4


def test_the_readme_is_short_has_headings_and_shows_the_report_near_the_top():
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 120
    assert len([line for line in lines if line.startswith("## ")]) >= 6
    picture = next(number for number, line in enumerate(lines) if line.startswith("!["))
    assert picture < 15
    file = ROOT / re.search(r"\]\(([^)]+)\)", lines[picture])[1]
    assert file.stat().st_size < 300_000


def test_every_study_has_its_page_and_every_page_its_study():
    studies = {path.stem for path in (ROOT / "configs" / "experiment").glob("*.yaml")}
    pages = {path.parent.name for path in ROOT.glob("experiments/*/README.md")}
    assert studies == pages
    listed = (ROOT / "docs" / "studies.md").read_text(encoding="utf-8")
    assert all(f"../experiments/{name}/README.md" in listed for name in studies)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_pictures_and_links_of_a_page_exist(page):
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        if not target.startswith("http"):
            assert (page.parent / target).exists(), target


def test_every_page_of_the_documentation_is_in_its_index():
    index = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    for page in ROOT.glob("docs/*.md"):
        assert page.stem == "index" or f"\n{page.stem}\n" in index, page.name


def test_the_examples_for_schedulers_can_be_read_by_them():
    text = (ROOT / "docs" / "production.md").read_text(encoding="utf-8")
    (dag,), (workflow,) = (
        re.findall(rf"```{kind}\n(.*?)```", text, re.DOTALL) for kind in ("python", "yaml")
    )
    calls = [
        node.func.id
        for node in ast.walk(ast.parse(dag))
        if isinstance(node, ast.Call) and hasattr(node.func, "id")
    ]
    assert "DAG" in calls and "BashOperator" in calls
    steps = yaml.safe_load(workflow)["jobs"]["score"]["steps"]
    assert any("seg score" in step.get("run", "") for step in steps)
    crons = re.findall(r"^    ((?:\S+ ){5})cd ", text, re.MULTILINE)
    crons += re.findall(r'"((?:[\d*]+ ){4}[\d*]+)"', dag + workflow)
    assert len(crons) == 4 and all(len(one.split()) == 5 for one in crons)


# ---- the reference -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def reference():
    spec = importlib.util.spec_from_file_location("make_reference", ROOT / "docs" / "make_reference.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["make_reference"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["make_reference"]


def test_the_reference_is_current(reference):
    page = (ROOT / "docs" / "reference.md").read_text(encoding="utf-8")
    assert page == reference.page(), "docs/reference.md is not current: make reference writes it"


def test_every_key_that_a_user_sets_has_a_comment(reference):
    lacking = [
        f"{path.relative_to(ROOT)}: {key.path}"
        for path in sorted((ROOT / "configs").rglob("*.yaml"))
        for key in reference.keys(path.read_text(encoding="utf-8"))
        if not key.comment and path.parent.name not in reference.EXPLAINED
    ]
    assert lacking == []


# ---- code in the pages ---------------------------------------------------------------------------------------------


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)


def test_a_stranger_adds_a_data_set_a_recipe_a_model_a_feature_and_a_step_as_the_page_says(tmp_path):
    page = ROOT / "docs" / "extending.md"
    for text in blocks(page, "yaml") + blocks(page, "python"):
        name = re.match(r"# .*: (\S+)\n", text)[1]
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    sample = (ROOT / "datasets" / "transactions" / "sample.csv").read_text().splitlines()
    rows = [line.split(",") for line in sample[1:]]
    header = sample[0].split(",")
    who, when, money = (header.index(name) for name in ("customer_id", "ordered_at", "amount"))
    days = ["{2}.{1}.{0}".format(*row[when][:10].split("-")) for row in rows]
    orders = [f"{row[who]},{day},{row[money]}" for row, day in zip(rows, days, strict=True)]
    (tmp_path / "my_orders.csv").write_text("\n".join(["cust,date,total", *orders]) + "\n")
    line = next(rest for where, name, rest in commands() if "--config-dir" in rest and "extending" in where)
    done = command_line.run(
        "seg.run",
        *shlex.split(line),
        "tracking=none",
        "cache=off",
        cwd=tmp_path,
        env=command_line.clean_environment(SEG_HOME=str(tmp_path)),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    report = next((tmp_path / "runs").rglob("segments.csv"))
    assert "mean_saturday_share" in report.read_text().splitlines()[0]
    assert "drop_gifts" in (report.parent / "ledger.csv").read_text()


def test_the_python_of_the_readme_is_that_of_its_page():
    (short,) = blocks(ROOT / "README.md", "python")
    long = "".join(blocks(ROOT / "docs" / "python.md", "python")).splitlines()
    assert [line for line in short.splitlines() if line not in long] == []


def test_the_python_of_its_page_runs(tmp_path, monkeypatch):
    import pandas as pd

    orders = pd.read_csv(ROOT / "datasets" / "transactions" / "sample.csv", parse_dates=["ordered_at"])
    names = {"customer_id": "cust", "ordered_at": "date", "amount": "total"}
    orders = orders.rename(columns=names)[list(names.values())].head(2000)
    orders.to_parquet(tmp_path / "orders.parquet")
    people = pd.read_csv(ROOT / "datasets" / "customers" / "sample.csv").rename(
        columns={"customer_id": "account"}
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SEG_HOME", str(tmp_path))
    monkeypatch.delenv("SEG_DATA_DIR", raising=False)
    composed, few = single_run.compose, ["selection.k_range=[3,4]"]
    monkeypatch.setattr(single_run, "compose", lambda overrides: composed([*overrides, *few]))
    space = {"orders": orders, "new_orders": orders, "customers": people}
    with plugins.unchanged():
        for text in blocks(ROOT / "docs" / "python.md", "python"):
            text = text.replace('k="auto"', "k=4").replace("evaluation.null=20", "evaluation.null=2")
            exec(compile(text, "docs/python.md", "exec"), space)
    assert (tmp_path / "runs" / "mine" / "report.html").is_file()


def test_the_version_is_told_once():
    import seg

    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"] == seg.__version__
