"""A fitted pipeline as a pickle that carries its classes: what MLflow serves where seg is not installed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType


@contextmanager
def by_value(*further: ModuleType) -> Iterator[None]:
    """Pickle the classes of seg with the model, so that it loads where seg is not installed."""
    import cloudpickle

    import seg.errors
    import seg.models
    import seg.segments

    modules = (seg.models, seg.segments, seg.errors, *further)
    for module in modules:
        cloudpickle.register_pickle_by_value(module)
    try:
        yield
    finally:
        for module in modules:
            cloudpickle.unregister_pickle_by_value(module)


def dumps(pipeline) -> bytes:
    """Turn a fitted pipeline into bytes."""
    import cloudpickle

    with by_value():
        return cloudpickle.dumps(pipeline)
