"""A pipeline of MLlib as an MLflow model, ready to become an artifact of its run.

`mlflow.spark.save_model` copies through the JVM of this process, which Spark Connect has not: executors write into a shared
folder instead.
"""

from __future__ import annotations

import shutil
from importlib.metadata import version
from pathlib import Path

import pandas as pd

from seg.sinks import scratch

REQUIREMENTS = ("mlflow", "numpy", "pandas", "pyspark")


def save(model, example: pd.DataFrame, target: Path, staging: Path) -> list[Path]:
    """Save a fitted `pyspark.ml.PipelineModel`; whole, or not at all.

    Parameters
    ----------
    example : DataFrame
        Feature rows for its signature.
    target : Path
        A new folder.
    staging : Path
        A folder that executors write to and this process reads.

    Returns
    -------
    list of Path
        The files.
    """
    import mlflow.pyfunc
    from mlflow.models import Model, ModelSignature
    from mlflow.types import ColSpec, DataType, Schema

    inputs = Schema([ColSpec(DataType.double, name) for name in example])
    signature = ModelSignature(inputs, Schema([ColSpec(DataType.integer, "prediction")]))
    with scratch.folder(".seg-spark", staging) as work:
        for one in (work.parent, work):
            one.chmod(0o777)  # executors may run as another user
        model.write().save((work / "sparkml").as_uri())
        described = Model(signature=signature)
        described.add_flavor(
            "spark",
            pyspark_version=version("pyspark"),
            model_data="sparkml",
            code=None,
            model_class="pyspark.ml.pipeline.PipelineModel",
        )
        mlflow.pyfunc.add_to_model(described, loader_module="mlflow.spark", data="sparkml")
        described.save(str(work / "MLmodel"))
        requirements = "".join(f"{name}=={version(name)}\n" for name in REQUIREMENTS)
        (work / "requirements.txt").write_text(requirements)
        for checksum in work.rglob(".*.crc"):
            checksum.unlink()
        beside = target.with_name(f".{target.name}")
        try:
            shutil.copytree(work, beside).rename(target)
        finally:
            shutil.rmtree(beside, ignore_errors=True)
    return sorted(path for path in target.rglob("*") if path.is_file())
