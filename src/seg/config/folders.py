"""Where the configs and samples of seg lie, where configs of one's own lie, and where runs, cache and store go.

In a checkout the first two are the folders at its top; in an installed package they are copies inside it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from seg.errors import SegError, listed

PACKAGE = Path(__file__).resolve().parents[1]
GROUPS = (
    "dataset",
    "cleaning",
    "recipe",
    "scaler",
    "model",
    "engine",
    "selection",
    "evaluation",
    "tracking",
    "sink",
    "cache",
    "playbook",
    "rfm",
    "experiment",
)
OWN = "SEG_CONFIGS"


def checkout() -> Path | None:
    """Return the checkout that seg runs from; None for an installed package."""
    folder = PACKAGE.parents[1]
    inside = PACKAGE.parent.name == "src" and (folder / "configs" / "run.yaml").is_file()
    return folder if inside else None


ASSETS = checkout() or PACKAGE / "assets"
CONFIGS = ASSETS / "configs"


def prepare_environment() -> None:
    """Set what the YAML files refer to: ``SEG_ROOT`` (samples) and ``SEG_HOME`` (runs, cache, real data).

    Raises
    ------
    SegError
        The configs of seg are missing, or the user's own are wrong.
    """
    if not CONFIGS.is_dir():
        raise SegError(f"{CONFIGS} is missing: the installation is damaged; install seg again")
    try:
        os.getcwd()
    except OSError as error:
        raise SegError(
            f"the current folder cannot be used ({error.strerror}): change to one that exists, and start again"
        ) from None
    for name in ("SEG_HOME", "MLFLOW_TRACKING_URI"):
        if os.environ.get(name) == "":  # results would go to a place that nobody looks at
            raise SegError(
                f"{name}= is empty (is another variable not set?): set it, or remove it with unset {name}"
            )
    own_configs()
    os.environ["SEG_ROOT"] = str(ASSETS)
    os.environ["SEG_HOME"] = str(home())
    # Threads that wait by spinning turn seconds into minutes where another process wants the core.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    # Errors come to `overrides.explain` as they are, instead of being printed by Hydra.
    os.environ.setdefault("HYDRA_FULL_ERROR", "1")


def home() -> Path:
    """Return the folder for runs, cache, store and real data: ``SEG_HOME``, the checkout, or the current folder."""
    named = os.environ.get("SEG_HOME")
    return Path(named).expanduser().absolute() if named else checkout() or Path.cwd()


def own_configs() -> Path | None:
    """Return the user's own folder of configs (``--config-dir`` or ``SEG_CONFIGS``), if one is named.

    Raises
    ------
    SegError
        The folder is missing, is not laid out in groups, or repeats the name of one of seg's files.
    """
    named = os.environ.get(OWN)
    if not named:
        return None
    folder = Path(named).expanduser().absolute()
    if not folder.is_dir():
        raise SegError(f"--config-dir {named}: no such folder; create it, or correct --config-dir or {OWN}")
    files = [path.relative_to(folder) for group in GROUPS for path in sorted((folder / group).glob("*.yaml"))]
    if not files:
        inside = [path.name for path in folder.iterdir()]
        raise SegError(
            f"--config-dir {named}: holds no configs; expected YAML files in folders such as "
            f"{', '.join(GROUPS[:5])}; the folder holds {listed('dataset', inside, most=5)}"
        )
    repeated = [str(path) for path in files if (CONFIGS / path).is_file()]
    if repeated:
        raise SegError(
            f"--config-dir {named}: {', '.join(repeated)}: seg has a file of this name; rename yours, so that the name "
            "means one thing"
        )
    return folder


def config_dirs() -> list[Path]:
    """List the folders of configs: seg's, then the user's own."""
    own = own_configs()
    return [CONFIGS] if own is None else [CONFIGS, own]


def choices(group: str) -> list[str]:
    """List the choices of a group, such as ``dataset``: one YAML file each."""
    return sorted(path.stem for folder in config_dirs() for path in (folder / group).glob("*.yaml"))


def config_file(group: str, name: str) -> Path:
    """Return the YAML file of a choice, the user's own or seg's.

    Raises
    ------
    SegError
        No choice has this name.
    """
    for folder in config_dirs():
        path = folder / group / f"{name}.yaml"
        if path.is_file():
            return path
    raise SegError(f"{group}={name}: unknown; expected one of {listed(name, choices(group))}")


def summary(group: str, name: str) -> str:
    """Return what line 1 of a choice's YAML file says it is; empty where it has no comment."""
    lines = config_file(group, name).read_text(encoding="utf-8").splitlines()
    first = next((line for line in lines if not line.startswith("# @")), "")
    return first.lstrip("# ") if first.startswith("#") else ""


def result(command: str, dataset: str, own: Mapping[str, str | None], page: str) -> Path:
    """Return the directory that a command writes its result to.

    Parameters
    ----------
    command, dataset : str
        For the name of a new directory under ``runs/``.
    own : mapping of str to str or None
        The options ``output`` and ``force`` of the command.
    page : str
        A file that every result of the command holds: a directory without it is never replaced.

    Raises
    ------
    SegError
        The directory exists and may not be replaced.
    """
    if own["output"] is None:
        return home() / "runs" / f"{datetime.now():%Y-%m-%d/%H-%M-%S-%f}-{command}-{dataset}"
    folder = Path(own["output"]).expanduser()
    if folder.exists() and own["force"] != "true":
        raise SegError(
            f"output={folder}: exists already; choose another directory, or replace it with force=true"
        )
    if folder.exists() and not (folder / page).is_file():
        raise SegError(
            f"output={folder}: is not a result of seg {command} and is not replaced; choose another directory"
        )
    return folder
