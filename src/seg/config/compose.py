"""From overrides to a composed configuration, and from that to parts: the only module that instantiates.

Every command composes as ``seg run`` does, so an option means the same everywhere.
"""

from __future__ import annotations

import functools
import logging
import pickle
import re
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import hydra
import yaml
from hydra import initialize_config_dir
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf, open_dict
from omegaconf.errors import OmegaConfBaseException

from seg.config import load, targets
from seg.config.folders import CONFIGS, own_configs
from seg.config.overrides import private, readable
from seg.errors import SegError, listed, undamaged

if TYPE_CHECKING:
    from seg.config.parts import Parts

log = logging.getLogger("seg")

# What may differ between the training of a model and its use.
REUSABLE = (
    "dataset",
    "engine",
    "data_dir",
    "tracking",
    "outlook",
    "sink",
    "evaluation.outlook",
    "report.locale",
)
# Sections that may be replaced as a whole.
GROUPS = ("dataset", "engine", "sink")
SCANNER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def compose(overrides: Sequence[str]) -> DictConfig:
    """Compose the configuration of a run from overrides, without starting a run.

    Parameters
    ----------
    overrides : sequence of str
        As on the command line.

    Returns
    -------
    DictConfig
        Without Hydra's own section.
    """
    return compose_with_choices(overrides)[0]


def compose_with_choices(overrides: Sequence[str]) -> tuple[DictConfig, dict[str, str | None]]:
    """Compose as `compose`; return also the choice in each group."""
    texts = [readable(private(text)) for text in overrides]
    own = own_configs()
    if own is not None:
        texts.append(f"hydra.searchpath=['{own.as_uri()}']")
    with initialize_config_dir(version_base="1.3", config_dir=str(CONFIGS)):
        cfg = hydra.compose("run", overrides=texts, return_hydra_config=True)
    choices = dict(cfg.hydra.runtime.choices)
    with open_dict(cfg):
        del cfg["hydra"]
    return cfg, choices


def _saved(config_yaml: str) -> DictConfig:
    """Read the configuration that a run has saved, which may come from anywhere."""
    try:
        if any(isinstance(token, yaml.AliasToken) for token in yaml.scan(config_yaml, SCANNER)):
            raise ValueError("it repeats parts by aliases, which may take any memory")
        cfg = OmegaConf.create(config_yaml)
        missing = [name for name in ("dataset", "cleaning", "recipe", "engine") if name not in cfg]
        broken = f"it has no {', '.join(missing)}" if missing or "name" not in cfg.dataset else ""
    except (yaml.YAMLError, OmegaConfBaseException, TypeError, ValueError, AssertionError) as error:
        broken = (str(error).splitlines() or ["no mapping"])[0]
    if broken:
        raise SegError(f"config.yaml: not what a run saves ({broken}); train the model again")
    return cfg


def read_saved(path: Path) -> str:
    """Read the text of the ``config.yaml`` of a run.

    Raises
    ------
    SegError
        It is gone, or no text.
    """
    with undamaged(path):
        return path.read_text(encoding="utf-8")


def recompose(config_yaml: str, overrides: Sequence[str], trust: bool = False) -> DictConfig:
    """Compose the configuration of a past run for other data: its ``config.yaml``, with overrides for data and engine.

    Parameters
    ----------
    config_yaml : str
        As a run saves it, unresolved.
    overrides : sequence of str
        For the sections in `REUSABLE`; ``dataset=...``, ``engine=...`` and ``sink=...`` replace the whole section.
    trust : bool, default=False
        Whether parts may be made that are neither seg's nor scikit-learn's: a configuration from elsewhere may name any code.

    Returns
    -------
    DictConfig

    Raises
    ------
    SegError
        An override changes what the model was trained with, or has an unknown key; or the configuration names code that is not
        trusted.
    """
    cfg = _saved(config_yaml)
    if not trust:
        targets.check(OmegaConf.to_container(cfg, resolve=False))
    # The name belongs to the model: other files of the same data set do not change it.
    name = str(cfg.dataset.name)
    parser = OverridesParser.create()
    parsed = [parser.parse_override(readable(private(text))) for text in overrides]
    for override in parsed:
        if not {override.key_or_group, override.key_or_group.partition(".")[0]} & {*REUSABLE}:
            raise SegError(
                f"{override.input_line}: is part of the model, which is used as it was trained; expected one of "
                f"{', '.join(f'{name}...' for name in REUSABLE)}"
            )
    chosen = [override for override in parsed if override.key_or_group in GROUPS]
    if chosen:  # composing takes longer than all else here
        fresh = compose([override.input_line for override in chosen])
    if "dataset" not in {override.key_or_group for override in chosen}:
        cfg.dataset.name = name
    for override in chosen:
        cfg[override.key_or_group] = fresh[override.key_or_group]
    OmegaConf.set_struct(cfg, True)
    for override in parsed:
        if override in chosen:
            continue
        try:
            OmegaConf.update(cfg, override.key_or_group, override.value())
        except OmegaConfBaseException as error:
            section = override.key_or_group.rpartition(".")[0]
            keys = [f"{section}.{name}" for name in (error.parent_node or {})]
            raise SegError(
                f"{override.input_line}: unknown key; expected one of {listed(override.key_or_group, keys)}"
            ) from None
    return cfg


def instantiate_sink(cfg: DictConfig):
    """Make the sink of a composed configuration; None where nothing is exported.

    Raises
    ------
    SegError
        An option of the sink is missing, unknown or has a wrong value.
    """
    if not cfg.sink.get("_target_"):
        return None
    wanted = OmegaConf.to_container(cfg.sink, resolve=True)
    wanted.pop("tables", None)
    try:
        return instantiate(wanted)
    except hydra.errors.InstantiationException as error:
        cause = error.__cause__ or error
        if isinstance(cause, SegError):
            raise cause from None
        raise SegError(f"sink: {str(cause).splitlines()[0]}; see configs/sink/") from None


def _made(key: str, make: Callable[[], object]) -> object:
    """Make a part of a configuration; turn the errors of Hydra and scikit-learn into a `SegError` that names its key."""
    from sklearn.utils._param_validation import InvalidParameterError

    try:
        part = make()
        # What scikit-learn would say of a wrong value in fit, it can say before any data is read.
        getattr(part, "_validate_params", lambda: None)()
        return part
    except hydra.errors.InstantiationException as error:
        cause = error.__cause__ or error
        if isinstance(cause, SegError):
            raise cause from None
        raise SegError(f"{key}: {str(cause).splitlines()[0]}; see configs/{key.partition('.')[0]}/") from None
    except InvalidParameterError as error:
        raise SegError(_wrong_parameter(key, str(error))) from None


def _wrong_parameter(key: str, text: str) -> str:
    """Return scikit-learn's message about a parameter as seg writes its own.

    >>> _wrong_parameter("model", "The 'tol' parameter of KMeans must be a float in the range [0.0, inf). Got -1 instead.")
    'model.tol=-1: expected a float in the range [0.0, inf)'
    """
    said = re.fullmatch(
        r"The '(\w+)' parameter of \w+ must be (.+)\. Got '?(.+?)'? instead\.", text, re.DOTALL
    )
    return f"{key}.{said[1]}={said[3]}: expected {said[2]}" if said else f"{key}: {text}"


def _copied(cfg: DictConfig) -> DictConfig:
    """Copy a configuration by a pickle, which takes an eighth of the time of a deep copy."""
    return pickle.loads(pickle.dumps(cfg))


def instantiate_parts(cfg: DictConfig) -> Parts:
    """Make engine, adapter, scaler and model of a composed configuration.

    Raises
    ------
    SegError
        A part cannot be made: its arguments are unknown, or have a wrong value.
    """
    from sklearn.base import clone

    from seg.config.parts import Parts

    # Hydra resolves what an interpolation leads to where it stands: a secret of the environment would come into the record.
    cfg = _copied(cfg)
    _limit_threads(cfg.engine)
    # A model is one clusterer, or an embedding and the clusterer that works in it.
    model = cfg.model.get("cluster", cfg.model)

    at_k = _copied(cfg)  # once: a copy for each k costs as much as its fit
    one_at_a_time = threading.Lock()  # fits of several k ask at once

    @functools.cache  # to instantiate takes Hydra longer than a fit of a thousand customers takes
    def template(k: int):
        with one_at_a_time, open_dict(at_k):
            at_k.k = k
            return instantiate(at_k.model.get("cluster", at_k.model))

    def make_clusterer(k: int):
        return clone(template(k), safe=False)  # those of MLlib are no estimators

    takes_k = "${k}" in OmegaConf.to_yaml(model, resolve=False)
    _made("model.cluster" if "cluster" in cfg.model else "model", lambda: make_clusterer(2))
    return Parts(
        connect=lambda: _made("engine", lambda: instantiate(cfg.engine.connect)),
        load=_named(_made("dataset", lambda: instantiate(cfg.dataset.load))),
        scaler=_made("scaler", lambda: instantiate(cfg.scaler)),
        make_clusterer=make_clusterer,
        takes_k=takes_k,
        embed=_made("model.embed", lambda: instantiate(cfg.model.embed)) if "embed" in cfg.model else None,
    )


def _limit_threads(engine: DictConfig) -> None:
    """Limit the threads to four a core: more only take memory, and thousands take the machine."""
    most, threads = 4 * load.cores(), engine.get("threads")
    if threads is not None and threads > most:
        log.warning("engine.threads=%s: %s are used, four for each core of this machine", threads, most)
        engine.threads = most


def _named(adapter):
    """Return an adapter whose errors name the address of a source, and not the temporary file that it was fetched into."""

    def load(engine, source):
        try:
            return adapter(engine, source)
        except SegError as error:
            raise type(error)(source.named(str(error))) from None

    return load
