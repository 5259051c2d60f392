"""A fitted pipeline as a file that runs no code when it is loaded (skops), and back.

Only the estimators of scikit-learn and of seg are loaded from it, by a list; a file that names anything else is refused unless
the user trusts it. Pickles, which run whatever they hold, load with trust only.
"""

from __future__ import annotations

import copy
import functools
import importlib
import pickle
import sys
import warnings
import zipfile
from pathlib import Path

from seg.errors import SegError
from seg.models.tree_check import check_trees

FILE, PICKLE = "model.skops", "model.pkl"
LARGEST = 1_000_000_000  # bytes of an inflated model: a small file may hold more than the memory
# Types beyond those that skops trusts by itself: they hold arrays and parameters, and loading them calls nothing.
TRUSTED = (
    "seg.models.block_kmeans.BlockKMeans",
    "seg.models.coreset_kmeans.CoresetKMeans",
    "seg.models.leaf_embedding.LeafEmbedding",
    "seg.models.mixture.SafeGaussianMixture",
    "seg.models.mllib.without_jvm.CenterTree",
    "seg.models.mllib.without_jvm.GaussianPosterior",
    "seg.models.mllib.without_jvm.NearestCenter",
    "seg.models.nearest_subcluster.NearestSubcluster",
    "seg.models.outcome_tiers.OutcomeTiers",
    "seg.models.outcome_tiers.OutcomeTree",
    "seg.models.rfm_rules.RfmRules",
    "seg.models.segmenter.Segmenter",
    "seg.models.transforms.IQRCap",
    "seg.models.transforms.signed_log1p",
    "sklearn.cluster._bisect_k_means._BisectingTree",
    "sklearn.cluster._kmeans._kmeans_single_lloyd",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.tree._tree.Tree",
)


def dumps(pipeline) -> bytes | None:
    """Return a fitted pipeline as bytes; None for one with a part that skops cannot write."""
    skops = skops_io()
    from skops.io.exceptions import UnsupportedTypeException

    try:
        return skops.dumps(portable(pipeline), compression=zipfile.ZIP_DEFLATED)
    except UnsupportedTypeException:
        return None


def save(pipeline) -> tuple[str, bytes]:
    """Return the name and the content of the file of a model: skops, or a pickle where skops cannot write a part of it."""
    content = dumps(pipeline)
    if content is not None:
        return FILE, content
    from seg.models import saved

    return PICKLE, saved.dumps(pipeline)


def load(path: Path, trust: bool = False):
    """Read a fitted pipeline.

    Parameters
    ----------
    path : Path
        A file of skops, or a pickle.
    trust : bool
        Whether the file comes from where the user would run a program from: then a pickle is loaded, and types outside the list.

    Returns
    -------
    pipeline : Pipeline
    remarks : list of str
        Warnings, such as that it was fitted with another version of scikit-learn.

    Raises
    ------
    SegError
        The file is damaged, holds what is not trusted, or needs a package that is not installed.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            pipeline = _load_pickle(path, trust) if path.suffix == ".pkl" else _load_skops(path, trust)
            check_trees(pipeline)
        except SegError:
            raise
        except FileNotFoundError:
            raise SegError(f"{path}: the model is missing; choose another one, or train it again") from None
        except Exception as error:
            first = str(error).splitlines()[0] if str(error) else ""
            raise SegError(
                f"{path}: the model cannot be loaded ({type(error).__name__}: {first}); install the versions in the "
                "requirements.txt beside it, or train it again"
            ) from error
    return pipeline, list(dict.fromkeys(str(one.message).splitlines()[0] for one in caught))


def _load_skops(path: Path, trust: bool):
    size = sum(part.file_size for part in zipfile.ZipFile(path).infolist())
    if size > LARGEST and not trust:
        raise SegError(
            f"{path}: the model inflates from {path.stat().st_size:,} to {size:,} bytes, more than a model may take ({LARGEST:,}). If "
            "you trust where the file comes from, pass trust=true"
        )
    skops = skops_io()
    trusted = {*TRUSTED, *_estimators()}
    unknown = [name for name in skops.get_untrusted_types(file=path) if name not in trusted]
    if unknown and not trust:
        raise SegError(
            f"{path}: the model holds {', '.join(unknown[:3])}, which is neither scikit-learn's nor seg's: loading it may run code. "
            "If you trust where the file comes from, pass trust=true"
        )
    return skops.load(path, trusted=[*sorted(trusted), *unknown])


def skops_io():
    """Import skops without its list of scikit-learn's estimators.

    To make that list imports all of scikit-learn, which takes a tenth of a small run; a model is written without it, and `load`
    passes its own. The rest of the import searches all loaded modules for each function of NumPy and SciPy: the fewer are loaded,
    the faster.
    """
    if "skops.io" not in sys.modules:
        import sklearn.utils

        listed = sklearn.utils.all_estimators
        sklearn.utils.all_estimators = list
        try:
            importlib.import_module("skops.io")
        finally:
            sklearn.utils.all_estimators = listed
    return sys.modules["skops.io"]


@functools.cache
def _estimators() -> tuple[str, ...]:
    """Return the names of scikit-learn's estimators, which skops trusts by default."""
    from sklearn.utils import all_estimators

    names = (f"{estimator.__module__}.{estimator.__qualname__}" for _, estimator in all_estimators())
    return tuple(name for name in names if name.startswith("sklearn."))


def _load_pickle(path: Path, trust: bool):
    if not trust:
        raise SegError(
            f"{path}: the model is a pickle, and loading one runs whatever code is in it. If you trust where the file comes from, "
            "pass trust=true; a model that is trained again is kept without pickles"
        )
    with open(path, "rb") as file:
        return pickle.load(file)


def portable(pipeline):
    """Return a pipeline that predicts the same with fewer classes: no tree of Birch, no training code of seg's k-means.

    A copy where something is replaced; the pipeline itself stays as it is. The pipelines of many groups are one mapping.
    """
    if isinstance(pipeline, dict):
        return {name: portable(one) for name, one in pipeline.items()}
    fitted = getattr(pipeline[-1], "clusterer_", None)
    plain = _plain(fitted)
    if plain is fitted:
        return pipeline
    segmenter, light = copy.copy(pipeline[-1]), copy.copy(pipeline)
    segmenter.clusterer = segmenter.clusterer_ = plain
    light.steps = [*pipeline.steps[:-1], (pipeline.steps[-1][0], segmenter)]
    return light


def _plain(fitted):
    from sklearn.cluster import Birch, KMeans

    from seg.models.nearest_subcluster import NearestSubcluster

    if isinstance(fitted, Birch):
        return NearestSubcluster(fitted.subcluster_centers_, fitted.subcluster_labels_)
    if isinstance(fitted, KMeans) and type(fitted) is not KMeans:
        known = KMeans().get_params()
        plain = KMeans(**{name: value for name, value in fitted.get_params().items() if name in known})
        learned = {name: value for name, value in vars(fitted).items() if name not in fitted.get_params()}
        vars(plain).update(learned)
        return plain
    return fitted
