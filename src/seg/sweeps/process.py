"""What tells one job from another: everything its result follows from."""

from __future__ import annotations

import os
import socket
import subprocess
from pathlib import Path

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
    source = locate.find(dataset.name, settings.data_dir, dataset.files, dataset.path, dataset.sample)
    source = locate.with_tables(source, dataset.tables, dataset.source)
    return keys.fingerprint(dataset, source, cache.of(settings.cache).digest)


def process(pid: int | str = "self") -> str:
    """Name a process so that no later one has the same name: host, id, start; empty where there is none."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()[:8]
        stat = Path(f"/proc/{pid}/stat").read_text()
        number, state, *fields = stat.partition(" ")[0], *stat.rpartition(") ")[2].split()
        return "" if state == "Z" else f"{socket.gethostname()} {number} {boot}.{fields[18]}"
    except OSError:
        return _by_ps(pid) if not Path("/proc/self").exists() else ""


def gone(name: str) -> bool:
    """Say whether a process of this host, named by `process`, has ended; False for one of another host."""
    host, _, rest = name.partition(" ")
    return host == socket.gethostname() and process(rest.partition(" ")[0]) != name


def _by_ps(pid: int | str) -> str:
    number = os.getpid() if pid == "self" else pid
    started = subprocess.run(
        ["ps", "-o", "lstart=", "-p", str(number)], capture_output=True, text=True
    ).stdout
    return f"{socket.gethostname()} {number} {'_'.join(started.split())}" if started.strip() else ""
