"""The Python API: `seg.segment` and `seg.load`, for notebooks and scripts.

A call composes the same configuration as the command, runs the same checks and raises the same errors. It restores what it
changes in the process (environment, search path, registered plugins), so that two calls do not affect each other.
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TypedDict, Unpack

from hydra.errors import HydraException

from seg.cli import segmentation, single_run
from seg.cli.segmentation import Segmentation
from seg.config import folders
from seg.config.overrides import explain
from seg.errors import SegError, listed
from seg.pipeline import plugins
from seg.sources.frames import as_file
from seg.sources.remote import staging

COLUMNS = (
    "customer_id",
    "ordered_at",
    "amount",
    "order_id",
    "quantity",
    "unit_price",
    "product_id",
    "description",
    "country",
    "category",
)
CHOICES = ("dataset", "cleaning", "recipe", "scaler", "model", "engine", "experiment")


class Options(TypedDict, total=False):
    """Keyword arguments of `segment`, by kind: columns of orders, a table of customers, choices, what to run."""

    customer_id: str
    ordered_at: str
    amount: str
    order_id: str
    quantity: str
    unit_price: str
    product_id: str
    description: str
    country: str
    category: str
    columns: Mapping[str, str]
    id: str
    features: Sequence[str]
    dataset: str
    cleaning: str
    recipe: str
    scaler: str
    model: str
    engine: str
    experiment: str
    k: int | str
    seed: int


def segment(
    data: object = None,
    *,
    tracking: bool = False,
    overrides: Sequence[str] = (),
    configs: str | os.PathLike | None = None,
    **options: Unpack[Options],
) -> Segmentation:
    """Segment the customers of a table, or of a known data set.

    Parameters
    ----------
    data : DataFrame (pandas, Polars, Arrow), str or Path, optional
        Orders with one row for each order line, or customers with one row each (then pass `features`). A text is the path of a
        file, a folder or a pattern. Without it, the files of the data set are read.
    tracking : bool
        Whether to log the run to MLflow and to leave a run directory, as the command does.
    overrides : sequence of str
        Any other options of ``seg run``, such as ``["evaluation.stability=true", "recipe.as_of=2011-12-31"]``.
    configs : str or Path, optional
        Folder of your own configs, as ``--config-dir``.
    **options
        Columns of `data` for the columns of seg: ``customer_id``, ``ordered_at``, ``amount`` (or ``quantity`` and
        ``unit_price``), ``order_id``, ``product_id``, ``description``, ``country``, ``category``, and ``columns`` for further
        ones by name. For a table of customers: ``id`` and ``features``. Choices: ``dataset``, ``cleaning``, ``recipe``,
        ``scaler``, ``model``, ``engine``, ``experiment``. And ``k`` (a whole number, or ``"auto"``) and ``seed``.

    Returns
    -------
    Segmentation

    Raises
    ------
    SegError
        The data or the options are wrong; the text says what was expected, as the command does.

    Examples
    --------
    >>> import pandas as pd
    >>> import seg
    >>> visits = [1, 2, 1, 20, 22, 21]
    >>> people = pd.DataFrame({"name": list("abcdef"), "visits": visits, "spend": [5, 6, 5, 90, 95, 99]})
    >>> result = seg.segment(people, id="name", features=["visits", "spend"], k=2)
    >>> result.segments[["segment", "size", "mean_spend"]].round(1).values.tolist()
    [[0.0, 3.0, 94.7], [1.0, 3.0, 5.3]]
    """
    with isolated(configs), _as_path(data, options) as path:
        request = _request(_overrides(options, path, tracking, overrides))
        if not tracking:
            return segmentation.of(single_run.segmented(request))
        folder = folders.home() / "runs" / f"{datetime.now():%Y-%m-%d/%H-%M-%S-%f}-{request.cfg.dataset.name}"
        done = single_run.tracked(request, folder)
    if done.refused is not None:
        raise done.refused
    return segmentation.of(done.finished, folder)


def load(folder: str | os.PathLike) -> Segmentation:
    """Load a run directory that `Segmentation.save` or ``seg run`` has written.

    Parameters
    ----------
    folder : str or Path

    Returns
    -------
    Segmentation

    Raises
    ------
    SegError
        The folder is missing, or is not a run directory.

    Examples
    --------
    >>> import seg
    >>> seg.load("runs/nowhere")
    Traceback (most recent call last):
        ...
    seg.errors.SegError: runs/nowhere: no such folder; expected a run directory, such as runs/2026-11-22/19-04-02-flo
    """
    return segmentation.read(Path(folder).expanduser())


@contextlib.contextmanager
def isolated(configs: str | os.PathLike | None = None) -> Iterator[None]:
    """Restore environment, search path and registered plugins afterwards."""
    environment, search_path = dict(os.environ), list(sys.path)
    try:
        if configs is not None:
            os.environ[folders.OWN] = os.fspath(configs)
        folders.prepare_environment()
        with plugins.unchanged():
            yield
    finally:
        staging.forget()  # a notebook lives longer than its data
        sys.path[:] = search_path
        for name in set(os.environ) - set(environment):
            del os.environ[name]
        os.environ.update(environment)


def _request(overrides: list[str]) -> single_run.Request:
    try:
        return single_run.compose(overrides)
    except HydraException as error:
        raise SegError(explain(error, overrides) or str(error)) from error


# ---- from arguments to overrides -----------------------------------------------------------------------------------


@contextlib.contextmanager
def _as_path(data: object, options: Options) -> Iterator[str | None]:
    """Return the path of the data; a table in memory is written to a temporary file with the columns that are used."""
    if data is None or isinstance(data, str | os.PathLike):
        yield None if data is None else os.fspath(data)
        return
    name = options.get("dataset", "customers" if "features" in options else "transactions")
    with as_file(data, name, _used(options)) as path:
        yield str(path)


def _used(options: Options) -> list[str] | None:
    """List the columns of the data that the options name; None where a data set maps them."""
    if "features" in options:
        return [options.get("id", "customer_id"), *options["features"]]
    if "dataset" in options:
        return None
    mapped = {name: options[name] for name in COLUMNS if name in options} | dict(options.get("columns", {}))
    mapped = {"customer_id": "customer_id", "ordered_at": "ordered_at"} | mapped
    if "amount" not in mapped and not {"quantity", "unit_price"} <= set(mapped):
        mapped["amount"] = "amount"
    return list(mapped.values())


def _overrides(options: Options, path: str | None, tracking: bool, further: Sequence[str]) -> list[str]:
    known = list(Options.__annotations__)
    for name in options:
        if name not in known:
            raise SegError(f"{name}={options[name]}: unknown argument; expected one of {listed(name, known)}")
    mapping = {name: options[name] for name in (*COLUMNS, "columns", "id", "features") if name in options}
    if mapping and path is None and "dataset" not in options:
        raise SegError(
            f"{next(iter(mapping))}: names a column, but there is no table; pass a DataFrame or a path as the first argument"
        )
    chosen = {name: options[name] for name in CHOICES if name in options}
    if path is not None:
        chosen.setdefault("dataset", "customers" if "features" in options else "transactions")
    texts = [f"{name}={_text(value)}" for name, value in chosen.items()]
    if path is not None:
        texts.append(f"dataset.path={_text(path)}")
    texts += _mapped(mapping)
    texts += [f"{name}={_text(options[name])}" for name in ("k", "seed") if name in options]
    return [f"tracking={'mlflow' if tracking else 'none'}", *texts, *further]


def _mapped(mapping: Mapping[str, object]) -> list[str]:
    texts = [f"dataset.columns.{name}={_text(mapping[name])}" for name in COLUMNS if name in mapping]
    texts += [
        f"++dataset.columns.{name}={_text(value)}" for name, value in mapping.get("columns", {}).items()
    ]
    return texts + [
        f"dataset.{name}={_text(mapping[name])}" for name in ("id", "features") if name in mapping
    ]


def _text(value: object) -> str:
    """Spell a value as an override of Hydra; texts are quoted, so that no character has a meaning of its own.

    >>> _text("unit price, net"), _text([1, True, None])
    ("'unit price, net'", '[1,true,null]')
    """
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return f"[{','.join(map(_text, value))}]"
    if hasattr(value, "item"):  # a number of NumPy
        return _text(value.item())
    if isinstance(value, int | float):
        return repr(value)
    # Hydra takes backslashes as they are, but before a quote.
    text = re.sub(r"(\\*)('|$)", lambda match: match[1] * 2 + ("\\'" if match[2] else ""), str(value))
    return f"'{text}'"
