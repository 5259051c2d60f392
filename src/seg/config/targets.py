"""Which code a configuration from elsewhere may name: the parts that seg's own configurations have, and scikit-learn's estimators."""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Iterator, Mapping

from seg.config.folders import config_dirs
from seg.errors import SegError

TARGET = re.compile(r"^\s*_target_:\s*([\w.]+)", re.MULTILINE)


def check(config: Mapping) -> None:
    """Refuse a configuration whose parts could be any code: making a part runs it.

    Raises
    ------
    SegError
        Names the first part that is not trusted.
    """
    own = _own()
    for key, target in _targets(config):
        if target not in own and not _is_estimator(target):
            raise SegError(
                f"config.yaml: {key}={target} is neither a part of seg nor of scikit-learn, and would run whatever it is. If you "
                "trust where the run comes from, pass trust=true"
            )


def _targets(node: object, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(node, Mapping):
        for name, value in node.items():
            if name == "_target_":
                if value is not None:
                    yield f"{path}._target_".strip("."), str(value)
            else:
                yield from _targets(value, f"{path}.{name}".strip("."))
    elif isinstance(node, list):
        for place, value in enumerate(node):
            yield from _targets(value, f"{path}[{place}]")


def _own() -> frozenset[str]:
    """Return every part that a configuration of this installation names."""
    texts = (path.read_text(encoding="utf-8") for folder in config_dirs() for path in folder.rglob("*.yaml"))
    return frozenset(target for text in texts for target in TARGET.findall(text))


def _is_estimator(target: str) -> bool:
    module, _, name = target.rpartition(".")
    if not module.startswith("sklearn."):
        return False
    from sklearn.base import BaseEstimator

    try:
        part = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError):
        return False
    return inspect.isclass(part) and issubclass(part, BaseEstimator)
