"""A fitted pipeline as bytes, and back: what a model is between today's training and tomorrow's scoring."""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from seg.errors import SegError


@contextmanager
def by_value() -> Iterator[None]:
    """Pickle the classes of seg with the model, so that it loads where seg is not installed."""
    import cloudpickle

    import seg.errors
    import seg.models

    modules = (seg.models, seg.errors)
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


def load(path: Path):
    """Read a fitted pipeline; only from where you would run a program from, for a pickle is one.

    Returns
    -------
    pipeline : Pipeline
    remarks : list of str
        That it was fitted with another version of scikit-learn, say.

    Raises
    ------
    SegError
        The file is damaged, or needs a package that is not there.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            with open(path, "rb") as file:
                pipeline = pickle.load(file)
        except FileNotFoundError:
            raise SegError(f"{path}: the model is not there; choose another one, or train it again") from None
        except Exception as error:
            raise SegError(
                f"{path}: the model cannot be loaded ({type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}); "
                "install the versions in the requirements.txt beside it, or train it again"
            ) from error
    return pipeline, list(dict.fromkeys(str(w.message).splitlines()[0] for w in caught))
