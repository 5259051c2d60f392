"""What tells one job from another: everything its result follows from."""

from __future__ import annotations

import functools
from collections.abc import Callable

from omegaconf import DictConfig, OmegaConf

from seg.config.settings import CacheSettings, DatasetSettings
from seg.pipeline import cache, keys


def key(cfg: DictConfig, fingerprint: str) -> str:
    """Build the key of a job, see `seg.pipeline.keys.job_key`."""
    return keyed(cfg)(fingerprint)


def keyed(cfg: DictConfig) -> Callable[[str], str]:
    """Return what builds the key of a job from the fingerprint of its data, whatever becomes of `cfg`."""
    return functools.partial(keys.job_key, OmegaConf.to_container(cfg, resolve=True), takes_k=takes_k(cfg))


def takes_k(cfg: DictConfig) -> bool:
    """Return True if the model takes k as a parameter."""
    return "${k}" in OmegaConf.to_yaml(cfg.model, resolve=False)


def fingerprint(dataset: DatasetSettings, data_dir: str, kept: CacheSettings) -> str:
    """Hash the content of the data of a job; a file that was hashed before and not touched is not read again.

    Parameters
    ----------
    dataset : DatasetSettings
    data_dir : str
        Folder that holds a folder for each data set.
    kept : CacheSettings
        Where hashes are remembered.

    Returns
    -------
    str
        Hexadecimal digits.
    """
    from seg.sources import locate

    source = locate.of(dataset, data_dir)
    return keys.fingerprint(dataset, source, cache.of(kept).digest)
