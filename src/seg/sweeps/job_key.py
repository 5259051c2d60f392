"""What tells one job from another: everything its result follows from."""

from __future__ import annotations

from omegaconf import DictConfig, OmegaConf

from seg.config.settings import Settings
from seg.pipeline import cache, keys


def key(cfg: DictConfig, fingerprint: str) -> str:
    """Build the key of a job, see `seg.pipeline.keys.job_key`."""
    return keys.job_key(OmegaConf.to_container(cfg, resolve=True), fingerprint, takes_k(cfg))


def takes_k(cfg: DictConfig) -> bool:
    """Return True if the model takes k as a parameter."""
    return "${k}" in OmegaConf.to_yaml(cfg.model, resolve=False)


def fingerprint(settings: Settings) -> str:
    """Hash the content of the data of a job; a file that was hashed before and not touched is not read again."""
    from seg.sources import locate

    dataset = settings.dataset
    source = locate.of(dataset, settings.data_dir)
    return keys.fingerprint(dataset, source, cache.of(settings.cache).digest)
