"""What an MLlib model can be paired with: said before any data is read."""

from __future__ import annotations

from collections.abc import Mapping

from seg.errors import Impossible

PACKAGE = "seg.models.mllib."
# With the options that would change their arithmetic in a way that is not spelled for Spark.
SCALERS = {
    "sklearn.preprocessing.StandardScaler": (),
    "sklearn.preprocessing.MinMaxScaler": ("clip",),
    "sklearn.preprocessing.RobustScaler": ("unit_variance",),
    "sklearn.preprocessing.FunctionTransformer": ("func", "inverse_func"),
}


def is_mllib(part: Mapping) -> bool:
    """Return True if the YAML of a scaler or a model is of MLlib."""
    return str(part.get("_target_", "")).startswith(PACKAGE)


def check(model: Mapping, scaler: Mapping, engine: str, holdout: bool) -> None:
    """Check that model, scaler, engine and evidence go together.

    Parameters
    ----------
    model, scaler : mapping
        As their YAML says.
    engine : str
    holdout : bool
        Whether a temporal hold-out is asked for.

    Raises
    ------
    Impossible
        They do not.
    """
    if "cluster" in model and is_mllib(model["cluster"]):
        raise Impossible(
            "model.cluster: an MLlib model works on scaled features, not in an embedding; choose model=mllib_kmeans"
        )
    if not is_mllib(model):
        if is_mllib(scaler):
            name = scaler["_target_"].removeprefix(PACKAGE)
            raise Impossible(
                f"scaler: MLlib's {name} works with an MLlib model only; choose scaler=standard, minmax or robust, or "
                "model=mllib_kmeans, mllib_bisecting_kmeans or mllib_gmm with engine=spark"
            )
        return
    name = model["_target_"].removeprefix(PACKAGE)
    if engine != "spark":
        raise Impossible(
            f"model: MLlib's {name} is fitted on Spark, and engine={engine}; add engine=spark, or choose a model that runs "
            "without it, such as model=kmeans"
        )
    target = str(scaler.get("_target_"))
    changed = [option for option in SCALERS.get(target, ()) if scaler.get(option)]
    if not is_mllib(scaler) and (target not in SCALERS or changed):
        what = (
            f"scaler.{changed[0]}={scaler[changed[0]]}" if changed else f"scaler: {target.rpartition('.')[2]}"
        )
        raise Impossible(
            f"{what} is not possible with an MLlib model; choose scaler=standard, minmax, robust, none, mllib_standard, "
            "mllib_minmax or mllib_robust"
        )
    if holdout:
        raise Impossible(
            f"evaluation.holdout.cut: not possible with MLlib's {name}: the customers before the cut would have to be brought "
            "into this process; leave it out, or choose a model that is fitted here, such as model=minibatch_kmeans"
        )
