"""Transforms and scaling as stages of MLlib, and the same as a scikit-learn pipeline with the same numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn import preprocessing
from sklearn.base import clone
from sklearn.pipeline import Pipeline

from seg.models.mllib.estimators import FEATURES
from seg.models.transforms import IQRCap, preparation

CUSTOMER, X = "customer_id", "x"
Collect = Callable[[object], pd.DataFrame]


@dataclass(frozen=True)
class Space:
    """From features to scaled features, twice.

    Parameters
    ----------
    pipeline : Pipeline
        For this process.
    stages : list of pyspark.ml.Transformer
        For Spark; they end in a vector called ``features``.
    """

    pipeline: Pipeline
    stages: list

    def points(self, frame):
        """Return the scaled features of a DataFrame, as a vector and, for aggregates, as an array called ``x``."""
        from pyspark.ml import PipelineModel
        from pyspark.ml.functions import vector_to_array

        placed = PipelineModel(stages=self.stages).transform(frame).drop("transformed")
        return placed.withColumn(X, vector_to_array(FEATURES))


def quoted(name: str) -> str:
    """Spell a column in Spark's SQL, whatever is in its name."""
    return "`" + name.replace("`", "``") + "`"


def fit(
    frame,
    features: Sequence[str],
    transforms: Mapping[str, tuple[str, ...]],
    scaler,
    sample: pd.DataFrame,
    collect: Collect,
) -> Space:
    """Learn caps and scales from all customers.

    Parameters
    ----------
    frame : pyspark.sql.DataFrame
        One row a customer, a column for each feature.
    features : sequence of str
    transforms : mapping of str to tuple of str
        What is done to each feature before scaling.
    scaler : transformer
        One of scikit-learn that is declared for it (`seg.models.mllib.pairing`), or one of MLlib.
    sample : DataFrame
        Customers who are here: they give the pipeline its shape, its numbers are then replaced.
    collect : callable
        Brings a DataFrame of Spark, an aggregate, into this process.
    """
    mllib = hasattr(scaler, "without_jvm")
    pipeline = Pipeline(
        [("transform", preparation(transforms)), ("scale", scaler.in_memory() if mllib else clone(scaler))]
    )
    pipeline.fit(sample[list(features)])
    spelled = _transformed(frame, features, transforms, pipeline, collect)
    if mllib:
        stages = [*_assembled(spelled, "transformed")]
        for stage in stages:
            frame = stage.transform(frame)
        model = scaler.fit(frame, "transformed", FEATURES)
        pipeline.steps[-1] = ("scale", scaler.without_jvm(model))
        return Space(pipeline, [*stages, model])
    _learn(pipeline["scale"], frame, spelled, collect)
    return Space(pipeline, _assembled(_scaled(pipeline["scale"], spelled), FEATURES))


def _transformed(frame, features, transforms, pipeline: Pipeline, collect: Collect) -> list[str]:
    """Spell each feature after its transforms; caps are learned on the way, in the order in which they come."""
    spelled = {name: quoted(name) for name in features}
    for place in range(max(len(chain) for chain in transforms.values())):
        now = {name: transforms[name][place] for name in features if len(transforms[name]) > place}
        capped = [name for name, transform in now.items() if transform == "iqr_cap"]
        quartiles = _quantiles(frame, [spelled[name] for name in capped], (0.25, 0.75), collect)
        for name, (first, third) in zip(capped, quartiles, strict=True):
            cap: IQRCap = pipeline["transform"].named_transformers_[name][place]
            reach = cap.factor * (third - first)
            cap.lower_, cap.upper_ = np.array([first - reach]), np.array([third + reach])
            bounds = [_number(bound[0]) for bound in (cap.lower_, cap.upper_)]
            spelled[name] = f"least(greatest({spelled[name]}, {bounds[0]}), {bounds[1]})"
        for name in now:
            if name not in capped:
                spelled[name] = f"signum({spelled[name]}) * log1p(abs({spelled[name]}))"
    return list(spelled.values())


def _learn(scaler, frame, spelled: Sequence[str], collect: Collect) -> None:
    """Set the attributes that a scikit-learn scaler would have learned from all customers."""
    if isinstance(scaler, preprocessing.StandardScaler):
        functions = ("avg", "var_pop", "min", "max")
        scaler.mean_, scaler.var_, low, high = _aggregated(frame, spelled, functions, collect)
        scaler.mean_ = np.where(low == high, low, scaler.mean_)
        scaler.scale_ = np.where(low == high, 1.0, np.sqrt(scaler.var_)) if scaler.with_std else None
    elif isinstance(scaler, preprocessing.MinMaxScaler):
        # Two rows with the ends of each feature teach it all it keeps.
        ends = np.array(_aggregated(frame, spelled, ("min", "max"), collect))
        scaler.fit(ends)
    elif isinstance(scaler, preprocessing.RobustScaler):
        first, last = (share / 100 for share in scaler.quantile_range)
        quartiles = np.array(_quantiles(frame, spelled, (first, 0.5, last), collect))
        scaler.center_ = quartiles[:, 1] if scaler.with_centering else None
        reach = quartiles[:, 2] - quartiles[:, 0]
        scaler.scale_ = np.where(reach > 0, reach, 1.0) if scaler.with_scaling else None


def _scaled(scaler, spelled: Sequence[str]) -> list[str]:
    """Spell each feature after scaling, in the order of scikit-learn's own operations."""
    moved, factor = [None] * len(spelled), [None] * len(spelled)
    if isinstance(scaler, preprocessing.MinMaxScaler):
        pairs = zip(spelled, scaler.scale_, scaler.min_, strict=True)
        return [f"({text}) * {_number(by)} + {_number(then)}" for text, by, then in pairs]
    if isinstance(scaler, preprocessing.StandardScaler):
        moved = scaler.mean_ if scaler.with_mean else moved
        factor = scaler.scale_ if scaler.with_std else factor
    if isinstance(scaler, preprocessing.RobustScaler):
        moved = scaler.center_ if scaler.with_centering else moved
        factor = scaler.scale_ if scaler.with_scaling else factor
    expressions = []
    for text, minus, by in zip(spelled, moved, factor, strict=True):
        text = text if minus is None else f"({text} - {_number(minus)})"
        expressions.append(text if by is None else f"{text} / {_number(by)}")
    return expressions


def _assembled(spelled: Sequence[str], target: str) -> list:
    from pyspark.ml.feature import SQLTransformer, VectorAssembler

    names = [f"_x{place}" for place in range(len(spelled))]
    columns = ", ".join(
        f"CAST({text} AS DOUBLE) AS {name}" for text, name in zip(spelled, names, strict=True)
    )
    drop = SQLTransformer(statement=f"SELECT * EXCEPT ({', '.join(names)}) FROM __THIS__")
    return [
        SQLTransformer(statement=f"SELECT *, {columns} FROM __THIS__"),
        VectorAssembler(inputCols=names, outputCol=target),
        drop,
    ]


def _aggregated(
    frame, spelled: Sequence[str], functions: Sequence[str], collect: Collect
) -> list[np.ndarray]:
    """Return one array a function, with a number for each feature."""
    wanted = [
        f"{function}({text}) AS {function}_{place}"
        for place, text in enumerate(spelled)
        for function in functions
    ]
    row = collect(frame.selectExpr(*wanted)).iloc[0]
    return [
        np.array([float(row[f"{function}_{place}"]) for place in range(len(spelled))])
        for function in functions
    ]


def _quantiles(frame, spelled: Sequence[str], shares: Sequence[float], collect: Collect) -> list[np.ndarray]:
    """Return the exact, linearly interpolated quantiles of each feature, one feature a pass: memory is for one."""
    listed = ", ".join(str(share) for share in shares)
    passes = [collect(frame.selectExpr(f"percentile({text}, array({listed})) AS q")) for text in spelled]
    return [np.array(table["q"].iloc[0], dtype="float64") for table in passes]


def _number(value: float) -> str:
    return f"{float(value)!r}D"
