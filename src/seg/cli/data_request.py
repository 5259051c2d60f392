"""Which data set a command of ``seg data`` is about: from its options to settings, files and what they hold."""

# Libraries for tables and the modules that use them are imported inside the functions: `list` and errors need none of them.

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

from seg.config import folders
from seg.errors import SegError
from seg.sources import locate
from seg.sources.locate import Source

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from seg.config.settings import DatasetSettings
    from seg.preparation.inspection import Report


def composed(overrides: Sequence[str], bad_rows: str | None = None) -> DictConfig:
    """Compose the configuration as ``seg run`` does, without starting a run."""
    from seg.config.compose import compose

    cfg = compose(overrides)
    from seg.config.settings import BAD_ROWS
    from seg.sources.reading_options import is_share

    # Values that are no choice stay, to be refused.
    if (
        bad_rows
        and cfg.dataset.get("bad_rows") in BAD_ROWS
        and is_share(cfg.dataset.get("bad_rows_limit", 1.0))
    ):
        cfg.dataset.bad_rows = bad_rows
        from omegaconf import open_dict

        with open_dict(cfg):
            cfg.dataset.bad_rows_limit = 1.0
    return cfg


def described(name: str, overrides: Sequence[str]) -> tuple[DatasetSettings | SimpleNamespace, str]:
    """Return the section of a data set, and the folder of real files.

    Without overrides the YAML file of one of seg's data sets is enough: composing all of them with Hydra takes a second.
    """
    path = folders.config_file("dataset", name)
    if overrides or not path.is_relative_to(folders.CONFIGS):
        from seg.config import load

        checked = load.settings(composed([f"dataset={name}", *overrides]))
        return checked.dataset, checked.data_dir
    from omegaconf import OmegaConf

    from seg.config import data_names

    data_names.register()
    data_dir = os.environ.get("SEG_DATA_DIR") or str(folders.home() / "datasets")
    cfg = OmegaConf.create({"dataset": OmegaConf.load(path), "data_dir": data_dir})
    for key in ("load", "defaults"):
        del cfg.dataset[key]
    section = OmegaConf.to_container(cfg, resolve=True)["dataset"]
    section["tables"] = {key: SimpleNamespace(**one) for key, one in section.get("tables", {}).items()}
    return SimpleNamespace(**section), data_dir


def with_dataset(command: str, overrides: Sequence[str]) -> list[str]:
    """Raise a `SegError` if no data set is named: the default of a run is generated data."""
    if not any(text.lstrip("+").startswith(("dataset=", "experiment=")) for text in overrides):
        names = ", ".join(folders.choices("dataset"))
        from seg.config.overrides import own_file

        hint = next(filter(None, map(own_file, overrides)), "")
        raise SegError(f"{command}: which data set? Expected dataset=<name>, one of {names}{hint}")
    return list(overrides)


def present(dataset: DatasetSettings, data_dir: str) -> tuple[Path, ...]:
    """List the real files in the data folder that a run would read, or that a download has put there."""
    fetch_options = getattr(dataset, "fetch", None) or {}
    if "hub" in fetch_options:
        folder = Path(data_dir) / dataset.name
        paths = tuple(folder / Path(file).name for file in fetch_options["files"])
        return paths if all(path.is_file() for path in paths) else ()
    try:
        return locate.find(dataset.name, data_dir, dataset.files).paths
    except SegError:
        return ()


def expected(dataset: DatasetSettings | SimpleNamespace, data_dir: str) -> str:
    """Return the folder of the real files and their names."""
    return f"{Path(data_dir) / dataset.name}: {' or '.join(dataset.files)}"


def download(dataset: DatasetSettings, data_dir: str) -> dict:
    """Return where the files of a data set can be downloaded; raise a `SegError` if they cannot be."""
    fetch_options = getattr(dataset, "fetch", None)
    if not fetch_options:
        searched = f"a run searches {expected(dataset, data_dir)}"
        raise SegError(f"dataset={dataset.name}: cannot be downloaded: {dataset.source}; {searched}")
    if "hub" in fetch_options:
        return fetch_options
    missing = [key for key in ("url", "sha256", "member") if not fetch_options.get(key)]
    if missing:
        raise SegError(f"dataset.fetch.{missing[0]}: is required; set it in the YAML file of the data set")
    return {key: str(fetch_options[key]) for key in ("url", "sha256", "member")}


def inspected(cfg: DictConfig, dataset: DatasetSettings, source: Source) -> Report:
    """Read and measure a data set as a run would read it."""
    from seg.config.compose import instantiate_parts
    from seg.pipeline.check import provides
    from seg.preparation.inspection import inspect, names_in_files

    parts = instantiate_parts(cfg)
    with parts.connect() as engine:
        loaded, declared = parts.load(engine, source), provides(dataset)
        return inspect(engine, loaded, dataset.kind, declared, names_in_files(dataset))
