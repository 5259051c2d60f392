"""What tells one job from another: everything its result follows from."""

from __future__ import annotations

import os
import socket
import subprocess
from pathlib import Path

from omegaconf import DictConfig, OmegaConf

from seg.config.settings import Settings
from seg.pipeline import cache, keys

# Where things lie, how they are computed and where they are kept does not change what is found.
ASIDE = ("hydra", "experiment", "data_dir", "cache", "sweep", "tracking")
LIMITS = ("connect", "memory_limit", "threads", "spill_dir")


def key(cfg: DictConfig, fingerprint: str) -> str:
    """Hash a job: its resolved configuration, the content of its data, the code of seg and of the libraries.

    Two jobs with one key have one result; a clusterer that finds the number of segments by itself has one key for every k.
    """
    plain = OmegaConf.to_container(cfg, resolve=True)
    told = {name: section for name, section in plain.items() if name not in ASIDE}
    told["dataset"] = {name: value for name, value in plain["dataset"].items() if name not in keys.PLACES}
    told["engine"] = {name: value for name, value in plain["engine"].items() if name not in LIMITS}
    told["model kept"] = plain["tracking"]["enabled"] and plain["tracking"]["model"]
    if not takes_k(cfg):
        del told["k"]
    modules = [cache.definition(target) for target in _targets(plain)]
    # The version of the code comes first, so that a store can be asked for what the present one has finished.
    return (
        f"{cache.code()[:8]}-{cache.digest({'config': told, 'data': fingerprint, 'modules': modules})[:20]}"
    )


def takes_k(cfg: DictConfig) -> bool:
    """Tell a clusterer that is told k from one that finds it."""
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


def _targets(node: object) -> list[str]:
    if isinstance(node, dict):
        own = [node["_target_"]] if isinstance(node.get("_target_"), str) else []
        return own + [target for value in node.values() for target in _targets(value)]
    return [target for value in node for target in _targets(value)] if isinstance(node, list) else []
