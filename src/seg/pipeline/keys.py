"""The keys of seg: hashes of everything that a result depends on.

One module owns them all: of cached features, embeddings and scans, of the jobs of a sweep, and the tags by which runs are
compared. A key holds the content of the data, the settings of every step before, the estimators with all their parameters,
seg's own source, the versions of the libraries that compute, and the source of every part that is not seg's. It does not
hold what cannot change a result: where the files lie, the number of threads, or which k of a scan was chosen.
"""

from __future__ import annotations

import functools
import hashlib
import json
import sysconfig
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from seg.sources import locate

if TYPE_CHECKING:
    import pandas as pd

    from seg.config.settings import DatasetSettings, Preparation
    from seg.sources.locate import Source

SOURCE = Path(__file__).resolve().parents[1]
LIBRARIES = (
    "duckdb", "ibis-framework", "numba", "numpy", "pandas", "pyarrow", "pyspark", "scikit-learn", "scipy", "umap-learn",
)  # fmt: skip
SPACE = ("dataset", "cleaning", "recipe", "scaler")
CONFIGURATION = (*SPACE, "model", "engine")
# Where the files lie is not part of a configuration: their content is in the fingerprint of the data.
PLACES = ("path", "table", "query", "files", "sample", "source", "fetch")
REPEATED = (*CONFIGURATION, "experiment", "selection", "seed")
# Sections of a job's configuration, and keys of its engine, that cannot change the result.
ASIDE = ("hydra", "experiment", "data_dir", "cache", "sweep", "tracking", "sink")
LIMITS = ("connect", "memory_limit", "threads", "spill_dir")


# ---- code --------------------------------------------------------------------------------------------------------


@functools.cache
def code() -> str:
    """Hash the whole source of seg and the versions of the libraries that compute."""
    versions = json.dumps([_version(name) for name in LIBRARIES]).encode()
    return _hash_sources(SOURCE, versions)


def definition(target: str) -> str:
    """Hash the source of a part that is not seg's own.

    Parameters
    ----------
    target : str
        Dotted name of a function or class, or of a module, such as ``"my_shop.load"``.

    Returns
    -------
    str
        Of an installed package, the hash of its version. Otherwise the hash of every source file of the package, or of the
        folder that the module lies in: a helper module beside it changes the hash too. Empty for seg's own parts, whose
        source is in `code`, and for a name that cannot be located.
    """
    top = target.partition(".")[0]
    if not top or top == "seg":
        return ""
    try:
        spec = find_spec(top)
    except (ImportError, ValueError):
        return ""
    if spec is None or not (spec.submodule_search_locations or spec.origin):
        return ""
    if not spec.submodule_search_locations and spec.origin in ("built-in", "frozen"):
        return ""
    folders = [Path(place) for place in spec.submodule_search_locations or [Path(spec.origin).parent]]
    installed = [Path(sysconfig.get_path(name)) for name in ("purelib", "platlib", "stdlib")]
    if any(folder.is_relative_to(place) for folder in folders for place in installed):
        return hashlib.sha256(f"{top} {_distribution_version(top)}".encode()).hexdigest()
    return digest({"sources": [_hash_sources(folder) for folder in folders]})


def definitions(node: object, plugins: Iterable[str] = ()) -> list[str]:
    """Hash the source of every ``_target_`` of a configuration, and of the modules named in `plugins`."""
    return [definition(target) for target in [*_targets(node), *plugins]]


def digest(key: Mapping[str, object]) -> str:
    """Hash a mapping of JSON values; equal content, equal hash."""
    return hashlib.sha256(json.dumps(key, sort_keys=True, default=str).encode()).hexdigest()


# ---- data --------------------------------------------------------------------------------------------------------


def fingerprint(
    dataset: DatasetSettings, source: Source, content: Callable[[Path], bytes] | None = None
) -> str:
    """Hash the data of a run: the content of its files, or the settings that generated data is made of.

    Parameters
    ----------
    dataset : DatasetSettings
    source : Source
    content : callable, optional
        Hashes one file, see `seg.sources.locate.fingerprint`.
    """
    generated = repr(sorted(dataset.model_dump().items())).encode()

    def of_file(path: Path) -> bytes:
        if path in source.versions:
            return source.versions[path].encode()
        return (content or locate.content_of)(path)

    return locate.fingerprint(source.all_paths, b"" if source.paths else generated, of_file)


# ---- cached steps ------------------------------------------------------------------------------------------------


def features_key(
    settings: Preparation, engine: str, fingerprint: str, plugins: Sequence[str] = ()
) -> dict[str, object]:
    """Build the key of a feature table.

    Parameters
    ----------
    settings : Preparation
        Data set, cleaning, recipe and hold-out.
    engine : str
        Name of the engine that computes it.
    fingerprint : str
        Of the content of the data.
    plugins : sequence of str
        Modules that register own features and cleaning steps.
    """
    dataset = {name: value for name, value in settings.dataset.model_dump().items() if name not in PLACES}
    return {
        "data": fingerprint,
        "dataset": dataset,
        "cleaning": settings.cleaning.model_dump(),
        "recipe": settings.recipe.model_dump(),
        "holdout": settings.holdout.model_dump(),
        **({} if settings.lesson is None else {"lesson": settings.lesson.model_dump()}),
        "by": settings.by,
        "beside": settings.beside,
        "engine": engine,
        "code": code(),
        "outside": definitions(dataset, plugins),
    }


def estimator_key(estimator: object) -> list[str]:
    """Build the key of an estimator: its class, the source of the class and all parameters."""
    import joblib

    kind = f"{type(estimator).__module__}.{type(estimator).__qualname__}"
    return [kind, definition(kind), joblib.hash(estimator)]


def figures_key(drawings: Mapping[str, Callable[[], object]], locale: str) -> dict[str, object]:
    """Build the key of the figures of a run: what they draw, and how numbers are written.

    Parameters
    ----------
    drawings : mapping of str to callable
        By name, a `functools.partial` of a function of seg and of what it draws.
    locale : str
    """
    import joblib

    drawn = {name: joblib.hash(make.args) for name, make in drawings.items()}
    return {"drawn": drawn, "locale": locale, "code": code(), "matplotlib": _version("matplotlib")}


# ---- jobs of a sweep ---------------------------------------------------------------------------------------------


def job_key(config: Mapping, fingerprint: str, takes_k: bool) -> str:
    """Build the key of a job of a sweep; two jobs with one key have one result.

    Parameters
    ----------
    config : mapping
        The composed configuration, resolved.
    fingerprint : str
        Of the content of the data.
    takes_k : bool
        Whether the model takes k as a parameter; a model that finds the number of segments has one key for every k.

    Returns
    -------
    str
        Starts with the version of the code, so that a store can be asked for the jobs that the present code has finished.
    """
    relevant = {name: section for name, section in config.items() if name not in ASIDE}
    relevant["dataset"] = {name: value for name, value in config["dataset"].items() if name not in PLACES}
    relevant["engine"] = {name: value for name, value in config["engine"].items() if name not in LIMITS}
    relevant["model kept"] = config["tracking"]["enabled"] and config["tracking"]["model"]
    if not takes_k:
        del relevant["k"]
    outside = definitions(dict(config), config.get("plugins") or ())
    return f"{code()[:8]}-{digest({'config': relevant, 'data': fingerprint, 'modules': outside})[:20]}"


# ---- comparison of runs ------------------------------------------------------------------------------------------


def tags(config: Mapping, points: pd.DataFrame, overrides: Sequence[str]) -> dict[str, str]:
    """Build the tags by which ``seg compare`` tells runs apart.

    Parameters
    ----------
    config : mapping
        The composed configuration, unresolved, so that ``${seed}`` and ``${k}`` are not part of it.
    points : DataFrame
        Customers (index) with their values in the features of the common space.
    overrides : sequence of str
        The overrides of the command line.

    Returns
    -------
    dict
        ``seg.configuration``: data set, cleaning, recipe, scaler, model and engine, whatever the seed and k.
        ``seg.space``: the same without model and engine; only runs that share it share an own space.
        ``seg.points``: customers and their place in the common space; only runs that share it can be ranked by
        ``common/...``. ``seg.overrides``: what to type to repeat the run, without paths and secrets of tracking, sinks
        and directories.
    """
    return {
        "seg.configuration": _hash_sections({group: config.get(group) for group in CONFIGURATION}),
        "seg.space": _hash_sections({group: config.get(group) for group in SPACE}),
        "seg.points": customers(points),
        "seg.overrides": json.dumps([text for text in overrides if _repeated(text)]),
    }


def customers(points: pd.DataFrame) -> str:
    """Hash customers and their place in the common space; a day that moves every recency alike changes nothing."""
    import pandas as pd  # late, with scipy below: a sweep with nothing to do needs the other keys only

    from seg.metrics.common_space import rank_normal

    hashed = hashlib.sha256(pd.util.hash_pandas_object(points.index, index=False).to_numpy().tobytes())
    hashed.update(rank_normal(points).tobytes())
    return hashed.hexdigest()[:16]


def _repeated(override: str) -> bool:
    key = override.lstrip("+~").partition("=")[0]
    return key.partition(".")[0].partition("@")[0].lstrip("/") in REPEATED


def _hash_sections(sections: Mapping) -> str:
    dataset = sections.get("dataset") or {}
    relevant = {key: value for key, value in dataset.items() if key not in PLACES}
    return digest({**sections, "dataset": relevant})[:16]


def _hash_sources(folder: Path, start: bytes = b"") -> str:
    hashed = hashlib.sha256(start)
    for file in sorted(folder.rglob("*.py")):
        hashed.update(str(file.relative_to(folder)).encode() + file.read_bytes())
    return hashed.hexdigest()


def _targets(node: object) -> list[str]:
    if isinstance(node, Mapping):
        own = [node["_target_"]] if isinstance(node.get("_target_"), str) else []
        return own + [target for value in node.values() for target in _targets(value)]
    return [target for value in node for target in _targets(value)] if isinstance(node, list) else []


@functools.cache
def _distribution_version(package: str) -> str:
    package_of = {"sklearn": "scikit-learn", "umap": "umap-learn"}.get(package, package)
    if _version(package_of):
        return f"{package_of} {_version(package_of)}"
    from importlib.metadata import (
        packages_distributions,  # late: it reads the files of all packages, most of a second
    )

    return ",".join(f"{name} {_version(name)}" for name in sorted(packages_distributions().get(package, [])))


def _version(name: str) -> str:
    try:
        return version(name)
    except ImportError:
        return ""
