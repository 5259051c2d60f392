"""From overrides to a composed configuration, and from that to parts: the only module that instantiates.

Every command composes as ``seg.run`` does, so that an option means the same everywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import hydra
from hydra import initialize_config_dir
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf, open_dict

from seg import config
from seg.errors import SegError

if TYPE_CHECKING:
    from seg.space import Parts


def compose(overrides: Sequence[str]) -> DictConfig:
    """Compose the configuration as seg.run does, without starting a run."""
    with initialize_config_dir(version_base="1.3", config_dir=str(config.CONFIGS)):
        return hydra.compose("run", overrides=list(overrides))


def instantiate_parts(cfg: DictConfig) -> Parts:
    """Make engine, adapter, scaler and model of a composed configuration.

    Raises
    ------
    SegError
        A part cannot be made: its arguments are unknown, or have a wrong value.
    """
    from sklearn.utils._param_validation import InvalidParameterError

    from seg.space import Parts

    # A model is one clusterer, or an embedding and the clusterer that works in it.
    model = cfg.model.get("cluster", cfg.model)

    def make_clusterer(k: int):
        at_k = cfg.copy()
        with open_dict(at_k):
            at_k.k = k
        return instantiate(at_k.model.get("cluster", at_k.model))

    def made(key: str, make):
        try:
            part = make()
            # What scikit-learn would say of a wrong value in fit, it can say before any data is read.
            getattr(part, "_validate_params", lambda: None)()
            return part
        except hydra.errors.InstantiationException as error:
            cause = error.__cause__ or error
            if isinstance(cause, SegError):
                raise cause from None
            raise SegError(f"{key}: {str(cause).splitlines()[0]}; see configs/{key}/") from None
        except InvalidParameterError as error:
            raise SegError(f"{key}: {error}") from None

    takes_k = "${k}" in OmegaConf.to_yaml(model, resolve=False)
    made("model", lambda: make_clusterer(2))
    return Parts(
        connect=lambda: made("engine", lambda: instantiate(cfg.engine.connect)),
        load=made("dataset", lambda: instantiate(cfg.dataset.load)),
        scaler=made("scaler", lambda: instantiate(cfg.scaler)),
        make_clusterer=make_clusterer,
        takes_k=takes_k,
        embed=made("model", lambda: instantiate(cfg.model.embed)) if "embed" in cfg.model else None,
    )
