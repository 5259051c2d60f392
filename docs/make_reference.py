"""Write docs/reference.md from the comments of the configs, the glossary and the cleaning steps.

python docs/make_reference.py          seconds; a test checks that the page is current
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from seg.cleaning import STEPS
from seg.features import catalogue

ROOT = Path(__file__).resolve().parents[1]
CONFIGS = ROOT / "configs"
PAGE = ROOT / "docs" / "reference.md"
# In the order in which a run uses them.
GROUPS = {
    "dataset": "which customers",
    "cleaning": "which rows are dropped or changed",
    "recipe": "which features describe a customer",
    "scaler": "how features are brought to one scale",
    "model": "which algorithm forms the segments",
    "engine": "what computes the tables",
    "selection": "which numbers of segments are tried",
    "evaluation": "what is measured",
    "tracking": "where runs are kept for comparison",
    "cache": "what is reused",
    "playbook": "what segments are called, and what to do",
    "rfm": "rules of rule-based RFM",
    "experiment": "studies: presets of all of the above",
}
# Sections that connect a config to code, or list figures: nobody sets their keys on the command line.
PLUMBING = ("defaults", "hydra", "load", "connect", "published", "_target_", "_partial_")
# Groups whose files are texts of their own, explained in docs/segments.md: their entries need no comments.
EXPLAINED = ("playbook", "rfm")
LINE = re.compile(r"^(?P<indent> *)(?P<key>[\w\"]+):(?P<rest>.*)$")


@dataclass(frozen=True)
class Key:
    """A key of a YAML file: its path, its default and its comment (empty where it has none)."""

    path: str
    default: str
    comment: str


def keys(text: str) -> Iterator[Key]:
    r"""List the keys of a YAML file that a user may set, with the comment on their line or the line above.

    >>> list(keys("a:\n  b: 1   # how many\n  # what for\n  c: 2\n"))
    [Key(path='a.b', default='1', comment='how many'), Key(path='a.c', default='2', comment='what for')]
    """
    parents: list[tuple[int, str]] = []
    lines = text.splitlines()
    for number, line in enumerate(lines):
        match = LINE.match(line)
        if not match:
            continue
        indent, name = len(match["indent"]), match["key"].strip('"')
        parents = [one for one in parents if one[0] < indent]
        path = [*(parent for _, parent in parents), name]
        parents.append((indent, name))
        if set(path) & set(PLUMBING):
            continue
        value, comment = _split(match["rest"])
        if not value and _has_children(lines, number, indent):
            continue
        yield Key(".".join(path), value or "(a list)", comment or _above(lines, number))


def _split(rest: str) -> tuple[str, str]:
    """Part the value from its comment; a # within quotes is part of the value."""
    match = re.match(r"""^(?P<value>(?:"[^"]*"|'[^']*'|[^#])*?)\s*(?:(?<=\s)#\s*(?P<comment>.*))?$""", rest)
    return (match["value"].strip(), (match["comment"] or "").strip()) if match else (rest.strip(), "")


def _has_children(lines: list[str], number: int, indent: int) -> bool:
    following = (line for line in lines[number + 1 :] if line.strip() and not line.lstrip().startswith("#"))
    match = LINE.match(next(following, ""))
    return bool(match) and len(match["indent"]) > indent


def _above(lines: list[str], number: int) -> str:
    comments = []
    for line in reversed(lines[1:number]):
        if not line.lstrip().startswith("#"):
            break
        comments.append(line.strip().lstrip("# "))
    return " ".join(reversed(comments))


def summary(path: Path) -> str:
    """Return line 1 of a YAML file, which says what it is; of a study, the line with its command."""
    lines = path.read_text(encoding="utf-8").splitlines()
    first = next((line for line in lines if not line.startswith("# @")), "")
    return first.lstrip("# ")


# ---- the page ----------------------------------------------------------------------------------------------------


def page() -> str:
    """Build the page of reference as Markdown."""
    parts = [
        "# Reference",
        "This page is generated from the comments in `configs/`, the glossary and the cleaning steps: `make reference`.",
        "## Options of a run",
        "Set an option with `key=value`, such as `seg run k=4 seed=1`.",
        _options(CONFIGS / "run.yaml", ""),
    ]
    for group, meaning in GROUPS.items():
        parts += [f"## {group}: {meaning}", _choices(group)]
        parts += [text for path in _files(group) if (text := _section(group, path))]
    parts += ["## Features", "Names for `features` and `profile` of a recipe.", _features()]
    parts += ["## Cleaning steps", "Names for `steps` of a cleaning.", _steps()]
    return "\n\n".join(parts) + "\n"


def _files(group: str) -> list[Path]:
    return sorted((CONFIGS / group).glob("*.yaml"))


def _choices(group: str) -> str:
    rows = [(f"`{group}={path.stem}`", summary(path)) for path in _files(group)]
    return _table(("choice", "what it is"), rows)


def _section(group: str, path: Path) -> str:
    """Show the options of one choice; a study has none of its own."""
    if group in ("experiment", "cleaning", "recipe", *EXPLAINED):
        return ""
    options = _options(path, f"{group}.")
    return f"### {group}={path.stem}\n\n{options}" if options else ""


def _options(path: Path, prefix: str) -> str:
    found = [key for key in keys(path.read_text(encoding="utf-8")) if key.comment]
    rows = [(f"`{prefix}{key.path}`", f"`{key.default}`", key.comment) for key in found]
    return _table(("option", "default", "meaning"), rows) if rows else ""


def _features() -> str:
    rows = [(f"`{row.feature}`", row.unit, row.meaning, row.needs) for row in catalogue().itertuples()]
    return _table(("feature", "unit", "meaning", "needs"), rows)


def _steps() -> str:
    rows = []
    for step in STEPS.values():
        arguments = ", ".join(_argument(name, one) for name, one in step.arguments.items())
        meaning = (inspect.getdoc(step.apply) or "").partition("\n\n")[0].replace("\n", " ")
        rows.append((f"`{step.name}`", step.kind, arguments, ", ".join(step.needs), meaning))
    return _table(("step", "kind", "arguments", "needs", "what it does"), rows)


def _argument(name: str, parameter: inspect.Parameter) -> str:
    optional = parameter.default is not inspect.Parameter.empty
    return f"`{name}`" + (f" ({parameter.default!r})" if optional else "")


def _table(header: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [header, tuple("---" for _ in header), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(f"{PAGE.relative_to(ROOT)} written")
